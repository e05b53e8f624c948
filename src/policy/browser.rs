//! Whether somebody's browser was made to send a request. A web page can have a browser ask for any
//! address that its machine reaches, and as it likes: what gives it away are the page's origin, which
//! browsers send with all that can change something (`Origin`), and the name by which the page
//! reached the address (`Host`): one of its own, in the public DNS, that leads here (DNS rebinding).
//! Docker clients send no origin, and an address, a name of this machine or one without a dot.

use super::refusal::Reason;
use crate::http::RequestHead;
use core::net::{Ipv4Addr, Ipv6Addr};

/// So much of a peer's text is shown.
const SHOWN_BYTES_MAX: usize = 255;

/// The web pages and the names that are known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Browsers {
    /// Pages that may use the API: `https://name`, `http://name:port`, `null`, or `*` for all.
    pub origins: Vec<String>,
    /// Names of the gate beside those that nobody else can have: `name`, `*.name`, or `*` for all.
    pub hosts: Vec<String>,
}

/// How a request has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Over TCP, where any page can ask.
    Tcp,
    /// Through a unix socket, which no browser opens: whoever passes a browser's requests on into one
    /// names it as he likes, and leaves the origin as it is.
    Unix,
}

impl Browsers {
    /// Judges a request's origin and the name it was sent to.
    ///
    /// # Errors
    /// Why it may not go on.
    pub(super) fn judge(
        &self,
        head: &RequestHead<'_>,
        way: impl FnOnce() -> Way,
    ) -> Result<(), Reason> {
        if let Some(origin) = head.origin
            && !self.origins.iter().any(|known| known == "*" || equal(known, origin))
        {
            return Err(Reason::Origin(shown(origin)));
        }
        match head.host.map(name) {
            Some(name) if !is_own(name) && !self.knows(name) && way() == Way::Tcp => {
                Err(Reason::Host(shown(name)))
            }
            Some(_) | None => Ok(()),
        }
    }

    fn knows(&self, name: &[u8]) -> bool {
        let name = name.strip_suffix(b".").unwrap_or(name);
        self.hosts.iter().any(|known| match known.strip_prefix('*') {
            Some(end) => {
                let before = name.len().checked_sub(end.len());
                let found = before.and_then(|before| name.get(before..));
                before != Some(0) && found.is_some_and(|found| equal(end, found))
            }
            None => equal(known, name),
        })
    }
}

/// The items of a list that is separated by commas; as in the lists of the admission, 0 is none.
///
/// # Errors
/// The first that is not one.
pub fn items(text: &str, is_item: fn(&str) -> bool) -> Result<Vec<String>, String> {
    let all = text.split(',').map(str::trim).filter(|item| !item.is_empty() && text.trim() != "0");
    all.map(|item| if is_item(item) { Ok(item.to_owned()) } else { Err(item.to_owned()) }).collect()
}

/// Whether an item can be an origin, as browsers write it (RFC 6454, section 6.2).
#[must_use]
pub fn is_origin(item: &str) -> bool {
    let is_site = |site: &str| {
        !site.is_empty() && !site.contains(|c: char| !c.is_ascii_graphic() || "/?#@*".contains(c))
    };
    let is_scheme = |scheme: &str| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && !scheme.contains(|c: char| !c.is_ascii_alphanumeric() && !"+-.".contains(c))
    };
    let parts = item.split_once("://");
    ["*", "null"].contains(&item)
        || parts.is_some_and(|(scheme, site)| is_scheme(scheme) && is_site(site))
}

/// Whether an item can be a host's name, without a port.
#[must_use]
pub fn is_host(item: &str) -> bool {
    let is_letter = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    let is_label = |label: &str| !label.is_empty() && label.chars().all(is_letter);
    item == "*" || item.strip_prefix("*.").unwrap_or(item).split('.').all(is_label)
}

/// The name or the address in a Host (RFC 9110, section 7.2), without its port.
fn name(host: &[u8]) -> &[u8] {
    let colon = host.iter().rposition(|&byte| byte == b':');
    let halves = colon.and_then(|colon| host.split_at_checked(colon));
    match halves {
        Some((name, [b':', port @ ..])) if port.iter().all(u8::is_ascii_digit) => name,
        Some(_) | None => host,
    }
}

/// Whether a name is one that no page's owner can have in the public DNS: none, an address, a name
/// without a dot, this machine's own (RFC 6761, section 6.3), or the path of a socket, as some clients
/// write it.
fn is_own(name: &[u8]) -> bool {
    const PATHS: [&[u8]; 3] = [b"/", b"%2F", b"%2f"];
    let ends = |end: &str| {
        let before = name.len().checked_sub(end.len());
        before.and_then(|before| name.get(before..)).is_some_and(|found| equal(end, found))
    };
    let text = core::str::from_utf8(name).unwrap_or_default();
    let inner = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    !name.contains(&b'.')
        || text.parse::<Ipv4Addr>().is_ok()
        || inner.unwrap_or(text).parse::<Ipv6Addr>().is_ok()
        || ends(".localhost")
        || PATHS.iter().any(|path| name.starts_with(path))
}

fn equal(known: &str, name: &[u8]) -> bool {
    known.as_bytes().eq_ignore_ascii_case(name)
}

fn shown(text: &[u8]) -> String {
    text.get(..SHOWN_BYTES_MAX).unwrap_or(text).escape_ascii().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(browsers: &Browsers, lines: &str, way: Way) -> Option<Reason> {
        let head = format!("GET /_ping HTTP/1.1\r\n{lines}\r\n");
        let head = RequestHead::parse(head.as_bytes()).expect("a proper head");
        browsers.judge(&head, || way).err()
    }

    fn host(browsers: &Browsers, host: &str) -> Option<Reason> {
        judged(browsers, &format!("Host: {host}\r\n"), Way::Tcp)
    }

    fn known(origins: &[&str], hosts: &[&str]) -> Browsers {
        let owned = |items: &[&str]| items.iter().map(|&item| item.to_owned()).collect();
        Browsers { origins: owned(origins), hosts: owned(hosts) }
    }

    #[test]
    fn what_docker_clients_send_passes() {
        for name in [
            "",
            "docker",
            "docker:2375",
            "api.moby.localhost",
            "localhost",
            "LOCALHOST:2375",
            "docker-socket-proxy:2375",
            "infra_dockgate_1:2375",
            "127.0.0.1:2375",
            "10.0.0.7",
            "[::1]:2375",
            "[fd00::7]",
            "::1",
            "[::ffff:10.0.0.7]:2375",
            "%2Fvar%2Frun%2Fdocker.sock",
            "%2fvar%2frun%2fdocker.sock:0",
            "/var/run/docker.sock",
            "docker, other",
        ] {
            assert_eq!(host(&Browsers::default(), name), None, "{name}");
        }
        assert_eq!(judged(&Browsers::default(), "Host: docker\r\n", Way::Tcp), None);
    }

    #[test]
    fn a_name_that_somebody_may_own_is_refused_unless_it_is_listed() {
        for (name, shown) in [
            ("evil.example", "evil.example"),
            ("evil.example:2375", "evil.example"),
            ("127.0.0.1.evil.example:80", "127.0.0.1.evil.example"),
            ("localhost.evil.example", "localhost.evil.example"),
            ("notlocalhost.", "notlocalhost."),
            ("localhost.", "localhost."),
            ("127.1", "127.1"),
            ("127.0.0.1.", "127.0.0.1."),
            ("0127.0.0.1", "0127.0.0.1"),
            ("[::1].evil.example", "[::1].evil.example"),
            ("evil.example:x", "evil.example:x"),
            ("docker.", "docker."),
        ] {
            let refused = Some(Reason::Host(shown.to_owned()));
            assert_eq!(host(&Browsers::default(), name), refused, "{name}");
            let lines = format!("Host: {name}\r\n");
            assert_eq!(judged(&Browsers::default(), &lines, Way::Unix), None, "{name}");
            assert_eq!(host(&known(&[], &["*"]), name), None, "{name}");
        }
        let listed = known(&[], &["proxy.infra.svc", "*.example.org"]);
        for (name, passes) in [
            ("proxy.infra.svc", true),
            ("Proxy.Infra.SVC:2375", true),
            ("proxy.infra.svc.", true),
            ("a.example.org", true),
            ("a.b.EXAMPLE.org:1", true),
            ("example.org", false),
            ("evilexample.org", false),
            (".example.org", false),
            ("proxy.infra.svc.evil.example", false),
            ("x.proxy.infra.svc", false),
        ] {
            assert_eq!(host(&listed, name).is_none(), passes, "{name}");
        }
    }

    #[test]
    fn a_page_is_refused_unless_it_is_listed_on_whatever_way() {
        let listed = known(&["https://panel.example.org", "http://localhost:8080"], &[]);
        for way in [Way::Tcp, Way::Unix] {
            for (origin, passes) in [
                ("https://panel.example.org", true),
                ("HTTPS://Panel.example.org", true),
                ("http://localhost:8080", true),
                ("http://panel.example.org", false),
                ("https://panel.example.org:8443", false),
                ("https://panel.example.org.evil.example", false),
                ("http://localhost", false),
                ("null", false),
                ("", false),
            ] {
                let lines = format!("Host: docker\r\noRIGIN: {origin}\r\n");
                let refused = Some(Reason::Origin(origin.to_owned()));
                assert_eq!(judged(&Browsers::default(), &lines, way), refused, "{origin}");
                assert_eq!(judged(&listed, &lines, way).is_none(), passes, "{origin}");
                assert_eq!(judged(&known(&["*"], &[]), &lines, way), None, "{origin}");
            }
        }
    }

    #[test]
    fn a_list_is_read_to_its_first_wrong_item() {
        assert_eq!(items(" a.b ,,*.c", is_host), Ok(vec!["a.b".to_owned(), "*.c".to_owned()]));
        assert_eq!(items("a.b,c:1,d:2", is_host), Err("c:1".to_owned()));
        assert_eq!((items("", is_host), items("0", is_origin)), (Ok(vec![]), Ok(vec![])));
    }

    #[test]
    fn what_is_shown_is_short_and_plain() {
        assert_eq!(shown(b"a\xc3\"\x1b"), "a\\xc3\\\"\\x1b");
        assert_eq!(shown(&[b'a'; 300]).len(), SHOWN_BYTES_MAX);
    }

    #[test]
    fn an_item_that_can_never_match_is_known() {
        for item in ["*", "null", "https://a.example", "http://[::1]:80", "moz-extension://0-f"] {
            assert!(is_origin(item), "{item}");
        }
        for item in
            ["", "a.example", "https://", "https://a/", "https://a/b", "://a", "https://*.a"]
        {
            assert!(!is_origin(item), "{item}");
        }
        for item in ["*", "a", "a.b", "*.svc.cluster.local", "my_proxy.infra"] {
            assert!(is_host(item), "{item}");
        }
        for item in ["", "a:2375", "http://a", "a.", ".a", "a.*", "*a.b", "a/b", "a b", "é.a"] {
            assert!(!is_host(item), "{item}");
        }
    }
}
