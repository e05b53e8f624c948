//! What a path may look like, and what the daemon answers before an operation is run: names with slashes, paths that are
//! not clean, old versions, bodies; and what a browser sends, of which the daemon never hears.

use libtest_mimic::Failed;

use crate::Proof;
use crate::gate::Gate;
use crate::http::{Answer, Endpoint};
use crate::lab::Lab;

const OPEN: &str =
    "CONTAINERS=1 IMAGES=1 NETWORKS=1 VOLUMES=1 PLUGINS=1 INFO=1 EXEC=1 SESSION=1 POST=1";
const NEW: &str = r#"{"Image":"bb","Cmd":["sleep","300"],"HostConfig":{"NetworkMode":"none"}}"#;

pub const PROOFS: &[Proof] = &[
    (
        "docker inspect finds an image whose name has a slash, and says so where there is none",
        inspect,
    ),
    ("a link's name is the container that it leads to, and files go to that by its id", links),
    ("a network whose name has a slash is one like any other", networks),
    ("a path that is not clean is redirected as by the daemon, which never hears of it", redirects),
    ("an API version that is too old is refused in the daemon's words", old_versions),
    ("with ADMISSION=off the daemon says what it thinks of an exec start's body", bodies),
    ("an empty body in chunks begins a session", session),
    ("two content types that are no form pass", two_types),
    ("what a browser sends never reaches the daemon", browsers),
    ("attach shows no logs where they are withheld, and the daemon never hears of it", logs),
];

/// The same must be said directly and through the gate.
fn same(what: &str, direct: &str, through: &str) -> Result<(), Failed> {
    if direct == through {
        return Ok(());
    }
    Err(format!("{what}: directly:\n{direct}\nthrough the gate:\n{through}").into())
}

fn expect(what: &str, answer: &Answer, status: u16) -> Result<(), Failed> {
    if answer.status == status {
        return Ok(());
    }
    Err(format!("{what}: {} and not {status}: {}", answer.status, answer.body).into())
}

/// What is answered to a request that is sent as bytes.
fn answer(endpoint: &Endpoint, request: &str) -> std::io::Result<Answer> {
    let mut connection = endpoint.connect()?;
    connection.send(request.as_bytes())?;
    connection.answer()
}

fn inspect(lab: &Lab) -> Result<(), Failed> {
    let direct = lab.daemon().endpoint();
    let gate = Gate::start(&lab.daemon().socket(), OPEN)?;
    expect("tag", &direct.ask("POST", "/images/bb/tag?repo=team/app/web&tag=1", "")?, 201)?;
    for line in [
        "docker inspect team/app/web:1",
        "docker inspect --type image team/app/web:1",
        "docker inspect team/app/nothing:1",
        "docker inspect --type container team/app",
    ] {
        let [direct, through] = [lab.shell(&direct, line)?, lab.shell(&gate.endpoint(), line)?];
        let [direct, through] = [direct, through]
            .map(|run| format!("{:?} {} {}", run.code, run.stdout(), run.stderr()));
        same(line, &direct, &through)?;
    }
    Ok(())
}

fn links(lab: &Lab) -> Result<(), Failed> {
    let direct = lab.daemon().endpoint();
    let created = direct.ask("POST", "/containers/create?name=redis", NEW)?;
    let id: serde_json::Value = serde_json::from_str(&created.body)?;
    let id = id["Id"].as_str().ok_or("a container has an id")?.to_owned();
    let linked = r#"{"Image":"bb","Cmd":["sleep","300"],"HostConfig":{"Links":["redis:db"]}}"#;
    expect("link", &direct.ask("POST", "/containers/create?name=web", linked)?, 201)?;
    let gate = Gate::start(&lab.daemon().socket(), OPEN)?;
    for name in ["web/db", "web%2Fdb", "/web/db"] {
        let target = format!("/v1.41/containers/{name}/json");
        let [one, other] =
            [direct.ask("GET", &target, "")?, gate.endpoint().ask("GET", &target, "")?];
        let location = |answer: &Answer| answer.header("Location").map(str::to_owned);
        if location(&one) != location(&other) {
            return Err(format!("{target}: {:?} {:?}", location(&one), location(&other)).into());
        }
        same(&target, &one.body, &other.body)?;
        if one.status == 200 && !other.body.contains(&id) {
            return Err(format!("{target} is another container").into());
        }
    }
    let mark = lab.daemon().mark();
    let put =
        gate.endpoint().ask("PUT", "/containers/web/db/archive?path=/tmp", &"\0".repeat(1024))?;
    expect("an empty archive", &put, 200)?;
    let calls = lab.daemon().calls_since(&mark);
    let [asked, sent] =
        ["GET /containers/web/db/json".to_owned(), format!("PUT /containers/{id}/archive")];
    if !calls.contains(&asked) || !calls.iter().any(|call| call.starts_with(&sent)) {
        return Err(format!("the daemon heard {calls:?}").into());
    }
    let removed = lab.shell(&gate.endpoint(), "docker rm --link /web/db")?;
    if removed.code != Some(0) {
        return Err(removed.stderr().into());
    }
    expect("no link", &gate.endpoint().ask("GET", "/containers/web/db/json", "")?, 404)
}

fn networks(lab: &Lab) -> Result<(), Failed> {
    let gate = Gate::start(&lab.daemon().socket(), OPEN)?;
    let through = gate.endpoint();
    let new = r#"{"Name":"a/b","Driver":"bridge","CheckDuplicate":true}"#;
    let made = through.ask("POST", "/networks/create", new)?;
    let (seen, removed) = if made.status == 201 { (200, 204) } else { (404, 404) };
    let direct = lab.daemon().endpoint().ask("GET", "/networks/a/b", "")?;
    let inspected = through.ask("GET", "/v1.41/networks/a/b", "")?;
    let deleted = through.ask("DELETE", "/networks/a%2Fb", "")?;
    expect("inspect", &inspected, seen)?;
    same("inspect", &direct.body, &inspected.body)?;
    expect("remove", &deleted, removed)
}

fn redirects(lab: &Lab) -> Result<(), Failed> {
    let direct = lab.daemon().endpoint();
    let gate = Gate::start(&lab.daemon().socket(), OPEN)?;
    let through = gate.endpoint();
    for line in [
        "GET //v1.41/_ping",
        "GET /containers//web/json?size=1",
        "GET /containers//web/json?",
        "GET /containers/x/../json?all=1&x=//",
        "POST /containers//web/start",
        "DELETE /./containers/web",
        "PUT /containers//w%20b/archive?path=%2F",
        "GET /a//!$&'()*+,;=:@~-._b%c3%a9%25%3f%3b",
        "GET //docker.example/x??y",
        "GET /%2e%2e/%2f_ping",
        "OPTIONS //x",
        "GET /x/..",
        "GET //networks/",
    ] {
        let request = format!("{line} HTTP/1.1\r\nHost: docker\r\nContent-Length: 0\r\n\r\n");
        let one = answer(&direct, &request)?;
        let mark = lab.daemon().mark();
        let other = answer(&through, &request)?;
        expect(line, &one, 301)?;
        expect(line, &other, 301)?;
        let told = |answer: &Answer| format!("{:?} {}", answer.header("Location"), answer.body);
        same(line, &told(&one), &told(&other))?;
        if !lab.daemon().all_calls_since(&mark).is_empty() {
            return Err(format!("{line} reached the daemon").into());
        }
    }
    // A client that follows arrives.
    let location = through.ask("GET", "//v1.41/_ping", "")?;
    let location = location.header("Location").ok_or("there is one")?.to_owned();
    expect(&location, &through.ask("GET", &location, "")?, 200)
}

fn old_versions(lab: &Lab) -> Result<(), Failed> {
    let gate = Gate::start(&lab.daemon().socket(), &format!("{OPEN} MIN_API_VERSION=1.30"))?;
    let open = Gate::start(&lab.daemon().socket(), &format!("{OPEN} MIN_API_VERSION=1.0"))?;
    let direct = lab.daemon().endpoint();
    let kind = |answer: &Answer| answer.header("Content-Type").unwrap_or_default().to_owned();
    let said = direct.ask("GET", "/v1.10/_ping", "")?;
    for (version, is_plain) in [("1.10", true), ("1.29", false)] {
        let answer = gate.endpoint().ask("GET", &format!("/v{version}/_ping"), "")?;
        expect(version, &answer, said.status)?;
        let words =
            format!("client version {version} is too old. Minimum supported API version is");
        let is_told = said.body.contains("is too old. Minimum supported API version is")
            && answer.body.contains(&words);
        if !is_told || kind(&answer).starts_with("text/plain") != is_plain {
            return Err(format!("{version}: {} {}", kind(&answer), answer.body).into());
        }
    }
    // What the gate does not withhold the daemon refuses.
    for target in ["/v1.10/_ping", "/v1.999/_ping", "/v2.1/_ping"] {
        let [one, other] =
            [direct.ask("GET", target, "")?, open.endpoint().ask("GET", target, "")?];
        expect(target, &other, one.status)?;
        same(target, &one.body, &other.body)?;
    }
    Ok(())
}

fn bodies(lab: &Lab) -> Result<(), Failed> {
    let direct = lab.daemon().endpoint();
    direct.ask("POST", "/containers/create?name=box", NEW)?;
    direct.ask("POST", "/containers/box/start", "")?;
    let gate = Gate::start(&lab.daemon().socket(), &format!("{OPEN} ADMISSION=off"))?;
    for body in
        ["{", "nothing", "{\"Detach\":true}x", "{\"Detach\":true} {}", "[]", "{\"Detach\":1}"]
    {
        let start = |endpoint: &Endpoint| -> Result<String, Failed> {
            let new = endpoint.ask("POST", "/containers/box/exec", r#"{"Cmd":["true"]}"#)?;
            let new: serde_json::Value = serde_json::from_str(&new.body)?;
            let id = new["Id"].as_str().ok_or("an exec has an id")?.to_owned();
            let mut connection = endpoint.connect()?;
            let answer = connection.ask("POST", &format!("/exec/{id}/start"), body)?;
            // What follows the body is the next request, and nothing of the body is.
            let next = connection.ask("GET", "/_ping", "")?;
            Ok(format!("{} {} {}", answer.status, answer.body, next.status))
        };
        same(body, &start(&direct)?, &start(&gate.endpoint())?)?;
    }
    Ok(())
}

fn session(lab: &Lab) -> Result<(), Failed> {
    let gate = Gate::start(&lab.daemon().socket(), OPEN)?;
    let mut connection = gate.endpoint().connect()?;
    connection.send(
        b"POST /session HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\
          X-Docker-Expose-Session-Uuid: 0f0f\r\nX-Docker-Expose-Session-Name: x\r\n\
          Transfer-Encoding: chunked\r\n\r\n",
    )?;
    connection.send(b"0\r\n\r\n")?;
    expect("session", &connection.head()?, 101)?;
    // The daemon is the client of the session: its preface comes first.
    connection.until(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")?;
    Ok(())
}

fn two_types(lab: &Lab) -> Result<(), Failed> {
    let gate = Gate::start(&lab.daemon().socket(), OPEN)?;
    let create = |types: &str| {
        format!(
            "POST /containers/create HTTP/1.1\r\nHost: docker\r\n{types}Content-Length: {}\r\n\r\n{NEW}",
            NEW.len()
        )
    };
    let types = "Content-Type: application/json\r\nContent-Type: application/x-tar\r\n";
    expect("two types", &answer(&gate.endpoint(), &create(types))?, 201)?;
    let mark = lab.daemon().mark();
    let form = "Content-Type: application/json\r\nContent-Type: multipart/form-data\r\n";
    expect("a form", &answer(&gate.endpoint(), &create(form))?, 415)?;
    let calls = lab.daemon().calls_since(&mark);
    if calls.is_empty() { Ok(()) } else { Err(format!("the daemon heard {calls:?}").into()) }
}

fn browsers(lab: &Lab) -> Result<(), Failed> {
    let policy =
        format!("{OPEN} ALLOW_HOSTS=proxy.infra.svc ALLOW_ORIGINS=https://panel.example.org");
    let gate = Gate::start(&lab.daemon().socket(), &policy)?;
    let ask = |host: &str, lines: &str| {
        let request = format!("GET /containers/json HTTP/1.1\r\nHost: {host}\r\n{lines}\r\n");
        answer(&gate.endpoint(), &request)
    };
    let mark = lab.daemon().mark();
    for (host, lines) in [
        ("evil.example", ""),
        ("127.0.0.1.evil.example:2375", ""),
        ("127.0.0.1:2375", "Origin: https://evil.example\r\n"),
        ("localhost", "Origin: null\r\n"),
    ] {
        expect(host, &ask(host, lines)?, 403)?;
    }
    let calls = lab.daemon().calls_since(&mark);
    if !calls.is_empty() {
        return Err(format!("the daemon heard {calls:?}").into());
    }
    for (host, lines) in [
        ("proxy.infra.svc:2375", ""),
        ("proxy.infra.svc", "Origin: https://panel.example.org\r\n"),
        ("api.moby.localhost", ""),
        ("127.0.0.1:2375", ""),
    ] {
        expect(host, &ask(host, lines)?, 200)?;
    }
    Ok(())
}

fn logs(lab: &Lab) -> Result<(), Failed> {
    let direct = lab.daemon().endpoint();
    let new = r#"{"Image":"bb","Cmd":["echo","secret"],"HostConfig":{"NetworkMode":"none"}}"#;
    direct.ask("POST", "/containers/create?name=box", new)?;
    direct.ask("POST", "/containers/box/start", "")?;
    direct.ask("POST", "/containers/box/wait", "")?;
    let attached = |policy: &str, query: &str| -> Result<(u16, String), Failed> {
        let gate = Gate::start(&lab.daemon().socket(), policy)?;
        let mut connection = gate.endpoint().connect()?;
        let answer = connection.open("POST", &format!("/containers/box/attach?{query}"), "")?;
        let text = if answer.status == 200 { connection.rest()? } else { Vec::new() };
        Ok((answer.status, String::from_utf8_lossy(&text).into_owned()))
    };
    let closed = format!("{OPEN} ALLOW_LOGS=0");
    let mark = lab.daemon().mark();
    for query in
        ["logs=1&stdout=1", "logs=true&stdout=1", "l%6fgs=yes&stdout=1", "logs=0&logs=1&stdout=1"]
    {
        let (status, text) = attached(&closed, query)?;
        if status != 403 {
            return Err(format!("{query}: {status} {text}").into());
        }
    }
    let calls = lab.daemon().calls_since(&mark);
    if calls.iter().any(|call| call.contains("/containers/box")) {
        return Err(format!("the daemon heard {calls:?}").into());
    }
    let (status, text) = attached(OPEN, "logs=1&stdout=1")?;
    if status != 200 || !text.contains("secret") {
        return Err(format!("with logs: {status} {text}").into());
    }
    let (status, text) = attached(&closed, "logs=0&stdout=1&stream=0")?;
    if status == 200 && !text.contains("secret") {
        return Ok(());
    }
    Err(format!("without logs: {status} {text}").into())
}
