//! How a Docker daemon routes a request, written down a second time: naively, from Go's and moby's
//! sources and from trials, sharing no code with the gate. What it says was held against a running
//! daemon (`tests/real_daemon/routing.rs`), so that it can stand for one where there is none.
//!
//! The steps are the daemon's: Go's net/http and net/url read the request line, gorilla/mux cleans
//! the decoded path and tries its routes, each of them with and without a version before it.

use std::sync::LazyLock;

/// Routes of the API descriptions, and those that only the daemon's source has.
const TABLES: [&str; 2] =
    [include_str!("../data/swagger-operations.tsv"), include_str!("../data/router-operations.tsv")];

/// What becomes of a request once the daemon has read its first line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// An operation's handler is called; a version that it has not is refused by the handler.
    Operation {
        /// The name in the tables.
        id: &'static str,
        /// The digits and dots of the prefix, as they came.
        version: Option<String>,
        /// What stands for the names of the path, decoded.
        parameters: Vec<Vec<u8>>,
    },
    /// 301 to the cleaned path; nothing is run.
    Redirect,
    /// 404, "page not found": also what a known path with another method gets.
    NotFound,
    /// 400 and the end of the connection, before there is a path.
    BadRequest,
    /// `OPTIONS *`, which net/http answers itself: 200.
    Server,
}

/// Where a debug route is there: moby changed it with 28.0 (`api/server/server.go`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Debug {
    /// Up to 27: for any method, and without a version only.
    AnyMethod,
    /// From 28 on: as any other route, for its own method, with and without a version.
    AsOthers,
    /// Whatever some daemon takes: any method, with and without a version.
    Anywhere,
}

/// The routes of a daemon.
pub struct Router {
    routes: Vec<Template>,
    debug: Debug,
}

struct Template {
    method: &'static str,
    parts: Vec<Part>,
    id: &'static str,
    is_debug: bool,
}

/// A piece of a route's pattern, as a regular expression would have it.
enum Part {
    Literal(&'static str),
    /// `[^/]+`, gorilla/mux's default.
    Segment,
    /// `.*`, in which Go's dot is anything but a newline.
    Anything,
    /// `.+`
    Something,
}

/// Every route of the tables: its method, its path, its name.
pub fn lines() -> impl Iterator<Item = [&'static str; 3]> {
    let lines = TABLES.iter().flat_map(|table| table.lines());
    lines.filter(|line| !line.starts_with('#')).map(|line| {
        let mut fields = line.split('\t');
        [(); 3].map(|()| fields.next().unwrap_or_default())
    })
}

/// Routes the request by every route that any daemon has.
#[must_use]
#[allow(dead_code, reason = "where one daemon is meant, its own routes are asked")]
pub fn route(method: &str, target: &[u8]) -> Route {
    static EVERY: LazyLock<Router> = LazyLock::new(|| Router::without(&[], Debug::Anywhere));
    EVERY.route(method, target)
}

impl Router {
    /// All routes but these.
    #[must_use]
    pub fn without(absent: &[&str], debug: Debug) -> Self {
        let present = lines().filter(|[_, _, id]| !absent.contains(id));
        let mut routes: Vec<_> =
            present.flat_map(|[method, path, id]| templates(method, path, id)).collect();
        // The first route that fits is taken. Where two fit, moby's order has the one that says
        // more first: checkpoints before containers ("or the DELETE gets masked",
        // cmd/dockerd/daemon.go), literals before names. The debug routes come last of all, after
        // the one that takes OPTIONS for any path.
        routes.sort_by_key(|route| (route.is_debug, usize::MAX - route.literal_bytes()));
        Self { routes, debug }
    }

    /// Where the daemon's redirect leads: net/url writes the clean path as Go's `URL.String` does,
    /// with everything escaped that need not stay, and then the query as it came.
    #[must_use]
    #[allow(dead_code, reason = "not everybody follows")]
    pub fn location(method: &str, target: &[u8]) -> Option<Vec<u8>> {
        let decoded = path(method, target)?;
        let cleaned = clean(&decoded);
        if cleaned == decoded {
            return None;
        }
        let mut location = Vec::new();
        for byte in cleaned {
            // net/url, shouldEscape for a path: unreserved letters, and "$&+,/:;=@".
            let stays = char::from(byte).is_ascii_alphanumeric()
                || ['-', '_', '.', '~', '$', '&', '+', ',', '/', ':', ';', '=', '@']
                    .contains(&char::from(byte));
            if stays {
                location.push(byte);
            } else {
                location.extend(format!("%{byte:02X}").into_bytes());
            }
        }
        if let Some(at) = target.iter().position(|&byte| byte == b'?') {
            location.extend(&target[at..]);
        }
        Some(location)
    }

    /// What the daemon does with a request line's method and target.
    #[must_use]
    pub fn route(&self, method: &str, target: &[u8]) -> Route {
        // net/http server.go, serverHandler.ServeHTTP.
        if method == "OPTIONS" && target == b"*" {
            return Route::Server;
        }
        let Some(path) = path(method, target) else { return Route::BadRequest };
        // gorilla/mux mux.go, Router.ServeHTTP: before any route is tried, for every method.
        if clean(&path) != path {
            return Route::Redirect;
        }
        let found = self.routes.iter().find_map(|route| self.try_route(route, method, &path));
        found.unwrap_or(Route::NotFound)
    }

    fn try_route(&self, route: &Template, method: &str, path: &[u8]) -> Option<Route> {
        let takes_any = route.is_debug && route.method == "GET" && self.debug != Debug::AsOthers;
        // Methods are compared as they are; HEAD is no kind of GET (gorilla/mux route.go).
        if route.method != method && !takes_any {
            return None;
        }
        let has_versions = !route.is_debug || self.debug != Debug::AnyMethod;
        // moby api/server/server.go, createMux: first with a version, then without.
        let versioned = version(path)
            .filter(|_| has_versions)
            .and_then(|(version, rest)| Some((Some(version), fit(&route.parts, rest)?)));
        let plain = || Some((None, fit(&route.parts, path)?));
        let (version, parameters) = versioned.or_else(plain)?;
        Some(Route::Operation { id: route.id, version, parameters })
    }
}

impl Template {
    fn literal_bytes(&self) -> usize {
        let literals = self.parts.iter().map(|part| match part {
            Part::Literal(text) => text.len(),
            Part::Segment | Part::Anything | Part::Something => 0,
        });
        literals.sum()
    }
}

/// A line of the tables as moby registers it; the tables don't say what a name may be.
fn templates(method: &'static str, path: &'static str, id: &'static str) -> Vec<Template> {
    let is_debug = path.starts_with("/debug/");
    let name = || match (path.split('/').nth(1), id) {
        // api/server/router/swarm: {id}; api/server/router/checkpoint: {name}, {checkpoint};
        // api/server/router/debug: {name}.
        (Some("services" | "nodes" | "tasks" | "secrets" | "configs" | "debug"), _)
        | (_, "CheckpointDelete") => Part::Segment,
        // api/server/router/network: {id:.+} for GET, {id:.*} otherwise.
        (_, "NetworkInspect") => Part::Something,
        // Everything else: {name:.*} or {id:.*}.
        _ => Part::Anything,
    };
    let mut parts = Vec::new();
    for (index, piece) in path.split("{name}").enumerate() {
        if index > 0 {
            parts.push(name());
        }
        parts.push(Part::Literal(piece));
    }
    let mut templates = vec![Template { method, parts, id, is_debug }];
    // The two routes that end in a slash: an alias, and the only form of it.
    match id {
        "NetworkList" => templates.push(Template {
            method,
            parts: vec![Part::Literal("/networks/")],
            id,
            is_debug,
        }),
        "DebugPprof" => templates[0].parts = vec![Part::Literal("/debug/pprof/")],
        _ => {}
    }
    templates
}

/// The decoded path, or `None` where net/http answers 400 (request.go, readRequest).
fn path(method: &str, target: &[u8]) -> Option<Vec<u8>> {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if method.is_empty() || !method.bytes().all(is_token) {
        return None;
    }
    // The line is cut at its first two spaces; what is between them can't be empty or hold controls.
    if target.is_empty() || target.iter().any(|&byte| byte <= b' ' || byte == 0x7f) {
        return None;
    }
    if target == b"*" {
        return Some(target.to_vec());
    }
    // The form that only CONNECT has.
    if method == "CONNECT" && target[0] != b'/' {
        return path_of_url(&[b"http://", target].concat());
    }
    path_of_url(target)
}

/// net/url's `ParseRequestURI`, as far as the path goes.
fn path_of_url(url: &[u8]) -> Option<Vec<u8>> {
    let (has_scheme, rest) = after_scheme(url)?;
    let rest = rest.split(|&byte| byte == b'?').next()?;
    if !rest.starts_with(b"/") {
        // "Opaque": no path at all, as in `foo:bar`.
        return has_scheme.then(Vec::new);
    }
    match rest.strip_prefix(b"//").filter(|_| has_scheme) {
        None => decode(rest),
        Some(rest) => {
            let end = rest.iter().position(|&byte| byte == b'/').unwrap_or(rest.len());
            let (authority, path) = rest.split_at(end);
            if is_authority(authority) { decode(path) } else { None }
        }
    }
}

/// net/url's `getScheme`: whether there is one, and what follows; `None` for a leading colon.
fn after_scheme(url: &[u8]) -> Option<(bool, &[u8])> {
    for (index, byte) in url.iter().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' => {}
            b'0'..=b'9' | b'+' | b'-' | b'.' if index > 0 => {}
            b':' => return (index > 0).then(|| (true, &url[index + 1..])),
            _ => break,
        }
    }
    Some((false, url))
}

/// net/url's `parseAuthority`: what may stand between `//` and the next slash.
fn is_authority(authority: &[u8]) -> bool {
    let at = authority.iter().rposition(|&byte| byte == b'@');
    let (user, host) =
        at.map_or((&b""[..], authority), |at| (&authority[..at], &authority[at + 1..]));
    let in_user = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(&byte);
    if !user.iter().copied().all(in_user) || decode(user).is_none() {
        return false;
    }
    let bracket = host.iter().rposition(|&byte| byte == b']');
    let port = match bracket.filter(|_| host.starts_with(b"[")) {
        Some(end) => &host[end + 1..],
        None if host.starts_with(b"[") => return false,
        None => host.iter().rposition(|&byte| byte == b':').map_or(&b""[..], |at| &host[at..]),
    };
    let is_port = match port {
        [] => true,
        [b':', digits @ ..] => digits.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    let in_host = |byte: u8| {
        byte >= 0x80 || byte.is_ascii_alphanumeric() || b"-_.~!$&'()*+,;=:[]<>\"%".contains(&byte)
    };
    // Of the escapes only %25 and those of bytes beyond ASCII may be in a host.
    let escapes = host.split(|&byte| byte == b'%').skip(1);
    let are_fine = escapes.map(|escape| escape.get(..2)).all(|digits| {
        digits.is_some_and(|digits| {
            digits == b"25" || digits[0] > b'7' && digits.iter().all(u8::is_ascii_hexdigit)
        })
    });
    is_port && host.iter().copied().all(in_host) && are_fine
}

/// net/url's `unescape` for a path: once, and `+` is a plus.
fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let digit =
        |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut decoded = Vec::new();
    let mut bytes = text.iter();
    while let Some(&byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => bytes.next().and_then(digit)? * 16 + bytes.next().and_then(digit)?,
            other => other,
        });
    }
    Some(decoded)
}

/// gorilla/mux's `cleanPath`: rooted, without `.`, `..` and empty segments; a slash at the end stays.
fn clean(path: &[u8]) -> Vec<u8> {
    let mut segments: Vec<&[u8]> = Vec::new();
    for segment in path.split(|&byte| byte == b'/') {
        match segment {
            b"" | b"." => {}
            b".." => drop(segments.pop()),
            name => segments.push(name),
        }
    }
    let mut cleaned = b"/".to_vec();
    cleaned.extend(segments.join(&b'/'));
    if path.ends_with(b"/") && cleaned != b"/" {
        cleaned.push(b'/');
    }
    cleaned
}

/// The version and what follows it, by moby's `/v{version:[0-9.]+}`.
fn version(path: &[u8]) -> Option<(String, &[u8])> {
    let rest = path.strip_prefix(b"/v")?;
    let end = rest.iter().position(|byte| !byte.is_ascii_digit() && *byte != b'.')?;
    let (version, rest) = rest.split_at(end);
    (end > 0).then(|| (String::from_utf8_lossy(version).into_owned(), rest))
}

/// What the names of a pattern are in `text`, or `None` where it does not fit: each takes as much
/// as it can, as a regular expression's do.
fn fit(parts: &[Part], text: &[u8]) -> Option<Vec<Vec<u8>>> {
    let Some((first, others)) = parts.split_first() else {
        return text.is_empty().then(Vec::new);
    };
    let least = match first {
        Part::Literal(literal) => return fit(others, text.strip_prefix(literal.as_bytes())?),
        Part::Anything => 0,
        Part::Segment | Part::Something => 1,
    };
    let barrier = if matches!(first, Part::Segment) { b'/' } else { b'\n' };
    let most = text.iter().position(|&byte| byte == barrier).unwrap_or(text.len());
    (least..=most).rev().find_map(|end| {
        let mut parameters = fit(others, &text[end..])?;
        parameters.insert(0, text[..end].to_vec());
        Some(parameters)
    })
}
