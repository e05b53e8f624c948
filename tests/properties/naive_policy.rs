//! Five policies in plain words, and what they allow by a request's method and path: no table, no
//! variables, the first word of the path and whether something is written.

use super::naive_head::Body;
use super::naive_stream::Request;
use super::router::{Route, route};
use dockgate::admission::{Rules, Variable as Argument};
use dockgate::policy::{Settings, Variable};

/// What is open beside pings, events and the version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// `0`: nothing.
    Plain,
    /// `1`: most of the API, to read.
    ReadOnly,
    /// `2`: the same, to write too, with arguments examined.
    Writing,
    /// `3`: likewise, whatever the arguments are.
    Unexamined,
    /// `4`: as `2`, whatever the containers are that exist.
    Trusting,
}

const OPEN: &[(&str, Variable)] = &[
    ("containers", Variable::Containers),
    ("images", Variable::Images),
    ("networks", Variable::Networks),
    ("volumes", Variable::Volumes),
    ("info", Variable::Info),
    ("exec", Variable::Exec),
    ("build", Variable::Build),
];

/// What is answered at once, whatever the arguments are.
const READ: &[&str] = &["/containers/json", "/images/json", "/networks", "/volumes", "/info"];

impl Policy {
    pub const ALL: [Self; 5] =
        [Self::Plain, Self::ReadOnly, Self::Writing, Self::Unexamined, Self::Trusting];

    /// By its letter.
    pub fn of(letter: u8) -> Option<Self> {
        Self::ALL.get(usize::from(letter.checked_sub(b'0')?)).copied()
    }

    /// As the gate is told.
    pub fn told(self) -> (Settings, Rules) {
        let open = if self == Self::Plain { &[][..] } else { OPEN };
        let settings = open.iter().fold(Settings::default(), |all, &(_, one)| all.with(one, true));
        let settings = settings.with(Variable::Post, self.writes());
        let mode = if self == Self::Unexamined { "off" } else { "enforce" };
        let rules = Rules::new().with(Argument::Admission, mode).expect("a mode");
        let trusts = if self == Self::Trusting { "1" } else { "0" };
        (settings, rules.with(Argument::Existing, trusts).expect("a switch"))
    }

    fn writes(self) -> bool {
        matches!(self, Self::Writing | Self::Unexamined | Self::Trusting)
    }

    /// Whether the daemon may get it. Arguments may still speak against it.
    pub fn allows(self, request: &Request<'_>) -> bool {
        let path = request.path();
        let mut words = path.split('/').skip(1);
        let first = words.next().unwrap_or_default();
        let is_exec = first == "containers" && path.ends_with("/exec");
        let is_open = ["_ping", "events", "version"].contains(&first)
            || self != Self::Plain && OPEN.iter().any(|&(word, _)| word == first)
            || self != Self::Plain && is_exec;
        let reads = ["GET", "HEAD"].contains(&request.head.method.as_str())
            && !path.ends_with("/attach/ws");
        let is_form = request.head.is_form && request.head.body != Body::None;
        let is_routed =
            matches!(route(&request.head.method, &request.head.target), Route::Operation { .. });
        let from_page =
            request.head.fields.iter().any(|(name, _)| name.eq_ignore_ascii_case("origin"));
        is_routed && !from_page && is_open && (reads || self.writes()) && !is_form
    }

    /// Whether nothing can speak against it: it is read, known, and written as clients write it.
    pub fn has_to_let_pass(self, request: &Request<'_>) -> bool {
        let path = request.path();
        let is_known = path == "/_ping"
            || path == "/version"
            || self != Self::Plain && READ.contains(&path.as_str());
        let (raw, version) = (&request.head.target, b"/v1.41/");
        let is_current = !raw.contains(&b'%')
            && (raw.starts_with(version) || !raw.starts_with(b"/v"))
            || raw.starts_with(b"/version");
        request.head.method == "GET" && request.head.body == Body::None && is_known && is_current
    }
}
