//! Containers that exist: what one has is asked before anything is run in it, written into it or
//! read from it, on the client's own connection; the request then names the container that was judged.

use super::archive::{ID, accept_asking, asked, bind};
use super::audit::{audited, records};
use super::gate::{FIXED, OPEN, start};
use super::hijack::UPGRADED;
use super::lookups::{BOUND, VOLUME, answer, question};
use super::peer::Peer;
use super::stand_in::{OK, PING, StandIn};

/// What the daemon says of itself.
const INFO: &str =
    "{\"ServerVersion\":\"28.5.2\",\"DefaultRuntime\":\"runc\",\"CgroupVersion\":\"2\"}";

/// A request about the container `name`.
struct Use {
    method: &'static str,
    /// What follows the container's name.
    rest: &'static str,
    lines: &'static str,
    body: &'static str,
}

impl Use {
    fn of(&self, name: &str) -> String {
        let Self { method, rest, lines, body } = self;
        let length = match (body.len(), *method) {
            (0, "GET" | "HEAD") => String::new(),
            (length, _) => format!("Content-Length: {length}\r\n"),
        };
        format!(
            "{method} /v1.41/containers/{name}{rest} HTTP/1.1\r\nhost:docker\r\nX-Odd:  a \r\n{lines}{length}\r\n{body}"
        )
    }
}

const JSON: &str = "Content-Type: application/json\r\n";
const UPGRADE: &str = "Connection: Upgrade\r\nUpgrade: tcp\r\n";
const WEBSOCKET: &str = "Connection: Upgrade\r\nUpgrade: websocket\r\n";

const EXEC: Use = Use { method: "POST", rest: "/exec", lines: JSON, body: "{ \"Cmd\":[\"id\"]}\n" };
const ATTACH: Use =
    Use { method: "POST", rest: "/attach?stream=1&stdin=1", lines: UPGRADE, body: "" };
const ATTACH_WEBSOCKET: Use =
    Use { method: "GET", rest: "/attach/ws?stream=1", lines: WEBSOCKET, body: "" };
const PUT: Use = Use { method: "PUT", rest: "/archive?path=%2Fa", lines: "", body: "tar" };
const GET: Use = Use { method: "GET", rest: "/archive?path=/a", lines: "", body: "" };
const HEAD: Use = Use { method: "HEAD", rest: "/archive?path=/a", lines: "", body: "" };

/// What runs something in a container or writes into it, which its next start may run.
const ACTING: [Use; 4] = [EXEC, ATTACH, ATTACH_WEBSOCKET, PUT];
const READING: [Use; 2] = [GET, HEAD];

const RESIZE: &str = "POST /v1.41/exec/e1/resize?h=1&w=2 HTTP/1.1\r\nHost: docker\r\n\
                      Content-Length: 0\r\n\r\n";
const START: &str = "POST /v1.41/exec/e1/start HTTP/1.1\r\nHost: docker\r\n\
                     Content-Type: application/json\r\nContent-Length: 16\r\n\r\n{\"Detach\":true}\n";

/// The question about a process in a container.
fn asked_exec(id: &str) -> String {
    format!("GET /exec/{id}/json HTTP/1.1\r\nHost: dockgate\r\n\r\n")
}

fn asked_engine() -> String {
    "GET /info HTTP/1.1\r\nHost: dockgate\r\n\r\n".to_owned()
}

/// What the daemon says of a container with this `HostConfig` and these mounts.
fn inspected(config: &str, mounts: &str) -> String {
    let body = format!(
        "{{\"Id\":\"{ID}\",\"Name\":\"/web\",\"Config\":{{\"User\":\"\"}},\"HostConfig\":{{{config}}},\"Mounts\":[{mounts}]}}"
    );
    answer(200, &body)
}

/// What the daemon says of a process in the container.
fn exec(process: &str) -> String {
    let body = format!(
        "{{\"ID\":\"e1\",\"Running\":false,\"ContainerID\":\"{ID}\",\"ProcessConfig\":{{{process}}}}}"
    );
    answer(200, &body)
}

/// The daemon answers what has come, and both connections serve the next request.
#[track_caller]
fn expect_usable(client: &Peer, connection: &Peer, is_head: bool) {
    let said = if is_head { "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n" } else { OK };
    connection.send(said);
    client.expect(said);
    expect_next(client, connection);
}

#[track_caller]
fn expect_next(client: &Peer, connection: &Peer) {
    client.send(PING);
    connection.expect(PING);
    connection.send(OK);
    client.expect(OK);
}

/// The client is refused, with these words, and nothing of its request has come to the daemon.
#[track_caller]
fn expect_refused(client: &Peer, connection: &Peer, is_head: bool, words: &str) {
    if is_head {
        let head = client.read_head();
        assert!(head.starts_with("HTTP/1.1 403 "), "{head}");
    } else {
        let refusal = client.answer();
        assert_eq!(refusal.status, 403, "{}", refusal.message());
        assert!(refusal.message().contains(words), "{words}: {}", refusal.message());
        assert!(refusal.message().contains("ALLOW_EXISTING=1"), "{}", refusal.message());
    }
    connection.expect_silence();
}

#[test]
fn a_container_is_asked_about_first_and_then_named_by_its_id() {
    let (gate, daemon) = start(&[OPEN, &[FIXED]].concat());
    for used in ACTING.iter().chain(&READING) {
        for name in ["web", "w%65b", ID, &ID[..6]] {
            let client = gate.client();
            client.send(used.of(name));
            let name = if name == "w%65b" { "web" } else { name };
            let connection = accept_asking(&daemon, name, &inspected("\"CapAdd\":null", ""));
            connection.expect(used.of(ID));
            expect_usable(&client, &connection, used.method == "HEAD");
        }
    }
    daemon.expect_untouched();
}

#[test]
fn an_exec_leads_to_its_container_and_goes_on_as_it_is() {
    let (gate, daemon) = start(&[OPEN, &[FIXED]].concat());
    // A container that has been judged stays what it is, and is not asked about again.
    for (request, is_known) in [(START, false), (RESIZE, true), (START, true)] {
        let client = gate.client();
        client.send(request);
        let connection = daemon.accept_with(asked_exec("e1"));
        connection.expect_silence();
        connection.send(exec("\"privileged\":false,\"user\":\"\""));
        if !is_known {
            connection.expect(asked(ID));
            connection.expect_silence();
            connection.send(inspected("", ""));
        }
        connection.expect(request);
        expect_usable(&client, &connection, false);
    }
    daemon.expect_untouched();
}

#[test]
fn what_a_create_might_not_ask_for_a_container_may_not_have() {
    let (gate, daemon) = start(&[OPEN, &[FIXED]].concat());
    let socket = bind("/var/run/docker.sock", false);
    for (config, mounts, words) in [
        ("\"Privileged\":true", "", "ALLOW_PRIVILEGED=1"),
        ("\"PidMode\":\"host\"", "", "ALLOW_HOST_NAMESPACES=pid"),
        ("\"IpcMode\":\"host\"", "", "ALLOW_HOST_NAMESPACES=ipc"),
        ("\"UTSMode\":\"host\"", "", "ALLOW_HOST_NAMESPACES=uts"),
        ("\"NetworkMode\":\"host\"", "", "ALLOW_HOST_NAMESPACES=network"),
        ("\"UsernsMode\":\"host\"", "", "ALLOW_HOST_NAMESPACES=user"),
        ("\"PidMode\":\"container:0f\"", "", "ALLOW_CONTAINER_NAMESPACES=pid"),
        ("\"CapAdd\":[\"CAP_SYS_ADMIN\"]", "", "ALLOW_CAPABILITIES=SYS_ADMIN"),
        ("\"Devices\":[{\"PathOnHost\":\"/dev/sda\"}]", "", "ALLOW_DEVICES=/dev/sda"),
        ("\"SecurityOpt\":[\"seccomp=unconfined\"]", "", "ALLOW_SECURITY_OPT=seccomp=unconfined"),
        ("\"MaskedPaths\":[]", "", "ALLOW_SECURITY_OPT=systempaths=unconfined"),
        ("", socket.as_str(), "ALLOW_BIND_MOUNTS=/var/run/docker.sock:ro"),
        ("", &bind("/etc", true), "ALLOW_BIND_MOUNTS=/etc"),
    ] {
        let client = gate.client();
        let mut connection = None;
        for used in &ACTING {
            client.send(used.of("web"));
            let connection = connection.get_or_insert_with(|| daemon.accept());
            connection.expect(asked("web"));
            connection.send(inspected(config, mounts));
            expect_refused(&client, connection, false, words);
        }
        let connection = connection.expect("a connection");
        for request in [START, RESIZE] {
            client.send(request);
            connection.expect(asked_exec("e1"));
            connection.send(exec("\"privileged\":false"));
            connection.expect(asked(ID));
            connection.send(inspected(config, mounts));
            expect_refused(&client, &connection, false, words);
        }
        expect_next(&client, &connection);
    }
    daemon.expect_untouched();
}

#[test]
fn who_reads_is_held_to_the_mounts_alone() {
    let (gate, daemon) = start(&[OPEN, &[FIXED, ("ALLOW_BIND_MOUNTS", "/read:ro")]].concat());
    for used in &READING {
        let is_head = used.method == "HEAD";
        let client = gate.client();
        client.send(used.of("web"));
        let connection =
            accept_asking(&daemon, "web", &inspected("\"Privileged\":true", &bind("/read", true)));
        connection.expect(used.of(ID));
        expect_usable(&client, &connection, is_head);
        client.send(used.of("web"));
        connection.expect(asked("web"));
        connection.send(inspected("", &bind("/etc", false)));
        expect_refused(&client, &connection, is_head, "ALLOW_BIND_MOUNTS=/etc:ro");
        expect_next(&client, &connection);
    }
}

#[test]
fn what_the_policy_opens_a_container_may_have() {
    let variables = [
        ("ALLOW_PRIVILEGED", "1"),
        ("ALLOW_HOST_NAMESPACES", "pid"),
        ("ALLOW_BIND_MOUNTS", "/srv:ro"),
    ];
    let (gate, daemon) = start(&[OPEN, &[FIXED], &variables].concat());
    let said = inspected("\"Privileged\":true,\"PidMode\":\"host\"", &bind("/srv/x", false));
    for used in ACTING.iter().chain(&READING) {
        let client = gate.client();
        client.send(used.of("web"));
        let connection = accept_asking(&daemon, "web", &said);
        connection.expect(used.of(ID));
        expect_usable(&client, &connection, used.method == "HEAD");
    }
}

#[test]
fn a_volume_of_the_container_is_asked_about_in_turn() {
    let (gate, daemon) = start(&[OPEN, &[FIXED]].concat());
    let volume = "{\"Type\":\"volume\",\"Name\":\"data\",\"RW\":false}";
    for used in ACTING.iter().chain(&READING) {
        let is_head = used.method == "HEAD";
        let client = gate.client();
        client.send(used.of("web"));
        let connection = accept_asking(&daemon, "web", &inspected("", volume));
        connection.expect(question("data"));
        connection.expect_silence();
        connection.send(answer(200, VOLUME));
        connection.expect(used.of(ID));
        expect_usable(&client, &connection, is_head);
        client.send(used.of("web"));
        connection.expect(asked("web"));
        connection.send(inspected("", volume));
        connection.expect(question("data"));
        connection.send(answer(200, BOUND));
        expect_refused(&client, &connection, is_head, "ALLOW_BIND_MOUNTS=/etc");
    }
}

#[test]
fn a_privileged_exec_is_not_started_whoever_made_it() {
    let (gate, daemon) = start(&[OPEN, &[FIXED]].concat());
    let client = gate.client();
    client.send(START);
    let connection = daemon.accept_with(asked_exec("e1"));
    connection.send(exec("\"privileged\":true"));
    expect_refused(&client, &connection, false, "ALLOW_EXEC_PRIVILEGED=1");
    expect_next(&client, &connection);
}

#[test]
fn what_is_not_there_is_told_in_the_daemons_words() {
    let (gate, daemon) = start(&[OPEN, &[FIXED]].concat());
    let client = gate.client();
    let mut connection = None;
    for used in [&EXEC, &ATTACH, &ATTACH_WEBSOCKET, &PUT, &GET] {
        client.send(used.of("web"));
        let connection = connection.get_or_insert_with(|| daemon.accept());
        connection.expect(asked("web"));
        connection.send(answer(404, "{\"message\":\"No such container: web\"}"));
        let refusal = client.answer();
        assert_eq!(
            (refusal.status, refusal.body.trim()),
            (404, "{\"message\":\"No such container: web\"}")
        );
        connection.expect_silence();
    }
    let connection = connection.expect("a connection");
    for request in [START, RESIZE] {
        client.send(request);
        connection.expect(asked_exec("e1"));
        connection.send(answer(404, "{}"));
        let refusal = client.answer();
        assert_eq!(
            (refusal.status, refusal.message().as_str()),
            (404, "No such exec instance: e1")
        );
        // Nor where its container is gone.
        client.send(request);
        connection.expect(asked_exec("e1"));
        connection.send(exec(""));
        connection.expect(asked(ID));
        connection.send(answer(404, "{}"));
        assert_eq!(client.answer().status, 404);
        connection.expect_silence();
    }
    expect_next(&client, &connection);
}

#[test]
fn nothing_goes_on_where_the_daemon_does_not_say() {
    let (gate, daemon) = start(&[OPEN, &[FIXED]].concat());
    for used in [&EXEC, &ATTACH, &ATTACH_WEBSOCKET, &PUT, &GET] {
        let client = gate.client();
        client.send(used.of("web"));
        let connection = accept_asking(&daemon, "web", &answer(500, "{}"));
        assert_eq!(client.answer().status, 502);
        client.send(used.of("web"));
        connection.expect(asked("web"));
        connection.send(answer(200, "{}"));
        assert_eq!(client.answer().status, 502);
        expect_next(&client, &connection);
        // It hangs up on a fresh connection too.
        client.send(used.of("web"));
        connection.expect(asked("web"));
        drop(connection);
        drop(daemon.accept_with(asked("web")));
        assert_eq!(client.answer().status, 502);
    }
    for (said, is_asked) in
        [(answer(500, "{}"), false), (answer(200, "{}"), false), (exec(""), true)]
    {
        let client = gate.client();
        client.send(START);
        let connection = daemon.accept_with(asked_exec("e1"));
        connection.send(said);
        if is_asked {
            connection.expect(asked(ID));
            connection.send(answer(500, "{}"));
        }
        assert_eq!(client.answer().status, 502);
        expect_next(&client, &connection);
    }
    daemon.expect_untouched();
}

#[test]
fn early_input_waits_for_the_look_up_and_for_the_daemons_word() {
    let (gate, daemon) = start(&[OPEN, &[FIXED]].concat());
    for (used, agreed) in [(&ATTACH, UPGRADED), (&ATTACH_WEBSOCKET, UPGRADED)] {
        let client = gate.client();
        client.send(used.of("web") + "early,");
        let connection = daemon.accept_with(asked("web"));
        client.send("later,");
        connection.expect_silence();
        connection.send(inspected("", ""));
        connection.expect(used.of(ID));
        connection.expect_silence();
        connection.send(agreed);
        client.expect(agreed);
        connection.expect("early,later,");
    }
}

#[test]
fn what_depends_on_the_engine_is_asked_once() {
    let (gate, daemon) = start(&[OPEN, &[FIXED]].concat());
    let ordinary = "\"Runtime\":\"runc\",\"CgroupnsMode\":\"private\"";
    let client = gate.client();
    client.send(EXEC.of("web"));
    let connection = accept_asking(&daemon, "web", &inspected(ordinary, ""));
    connection.expect(asked_engine());
    connection.expect_silence();
    connection.send(answer(200, INFO));
    connection.expect(EXEC.of(ID));
    expect_usable(&client, &connection, false);
    for (config, is_refused) in
        [(ordinary, false), ("\"Runtime\":\"runsc\"", true), ("\"CgroupnsMode\":\"host\"", true)]
    {
        client.send(EXEC.of("web"));
        connection.expect(asked("web"));
        connection.send(inspected(config, ""));
        if is_refused {
            expect_refused(&client, &connection, false, "ALLOW_");
        } else {
            connection.expect(EXEC.of(ID));
            expect_usable(&client, &connection, false);
        }
    }
    daemon.expect_untouched();
}

#[test]
fn audit_records_what_it_would_refuse_and_lets_it_pass() {
    let variables = [("ADMISSION", "audit"), ("ALLOW_EXISTING", "0")];
    let (gate, daemon, trail) = audited(&variables);
    let client = gate.client();
    client.send(EXEC.of("web"));
    let connection = accept_asking(&daemon, "web", &inspected("\"Privileged\":true", ""));
    connection.expect(EXEC.of(ID));
    expect_usable(&client, &connection, false);
    let told = records(&trail, 2);
    let text = told[0].to_string();
    assert!(text.contains("would_refuse") && text.contains("ALLOW_PRIVILEGED=1"), "{text}");
    assert!(gate.log().contains("would refuse POST /v1.41/containers/web/exec"), "{}", gate.log());
}

#[test]
fn off_asks_nothing() {
    let (gate, daemon) = start(&[OPEN, &[FIXED, ("ADMISSION", "off")]].concat());
    passes_unasked(
        &gate.client(),
        &daemon,
        &[&EXEC, &ATTACH, &ATTACH_WEBSOCKET, &PUT, &GET, &HEAD],
    );
}

#[test]
fn who_trusts_what_exists_is_asked_about_what_is_written_to_the_host_alone() {
    let (gate, daemon) = start(&[OPEN, &[FIXED, ("ALLOW_EXISTING", "1")]].concat());
    passes_unasked(&gate.client(), &daemon, &[&EXEC, &ATTACH, &ATTACH_WEBSOCKET, &GET, &HEAD]);
    for (mounts, is_refused) in [(bind("/etc", true), true), (bind("/etc", false), false)] {
        let client = gate.client();
        client.send(PUT.of("web"));
        let connection = accept_asking(&daemon, "web", &inspected("\"Privileged\":true", &mounts));
        if is_refused {
            let refusal = client.answer();
            assert_eq!(refusal.status, 403);
            assert!(refusal.message().contains("ALLOW_BIND_MOUNTS=/etc"), "{}", refusal.message());
            connection.expect_silence();
        } else {
            connection.expect(PUT.of(ID));
            expect_usable(&client, &connection, false);
        }
    }
}

#[track_caller]
fn passes_unasked(client: &Peer, daemon: &StandIn, uses: &[&Use]) {
    let mut connection = None;
    for used in uses {
        client.send(used.of("web"));
        let connection = connection.get_or_insert_with(|| daemon.accept());
        connection.expect(used.of("web"));
        expect_usable(client, connection, used.method == "HEAD");
    }
    let connection = connection.expect("a connection");
    for request in [START, RESIZE] {
        client.send(request);
        connection.expect(request);
        expect_usable(client, &connection, false);
    }
}
