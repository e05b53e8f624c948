//! The gate's own container, its networks, its sockets and its files: closed from within, in every
//! spelling and by every reference, whatever else the policy opens.
//!
//! A gate that finds itself in a container takes a mount of one's own, and so root. Without it these
//! tests are skipped, loudly; in CI that is a failure.

use super::admission::create;
use super::archive::{ID as OTHER, asked};
use super::gate::{Dir, FIXED, Gate, OPEN, start, start_in};
use super::lookups::answer;
use super::peer::Peer;
use super::stand_in::{FORBIDDEN, OK, PING, StandIn};
use nix::unistd::geteuid;

/// The gate's own container.
const OWN: &str = "0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f9";

/// Whether the test can be made here.
fn is_root() -> bool {
    let is_root = geteuid().is_root();
    if !is_root {
        eprintln!("{:=<100}\nSKIPPED: the gate's own container takes root\n{:=<100}", "", "");
        assert!(std::env::var_os("CI").is_none(), "in CI nothing is skipped");
    }
    is_root
}

/// What the daemon says of the gate's container.
fn own() -> String {
    let body = format!(
        "{{\"Id\":\"{OWN}\",\"Name\":\"/gate\",\"Config\":{{\"Labels\":{{}}}},\"HostConfig\":{{}},\"Mounts\":[\
         {{\"Type\":\"bind\",\"Source\":\"/srv/engine/docker.sock\",\"Destination\":\"/var/run/docker.sock\",\"RW\":false}},\
         {{\"Type\":\"bind\",\"Source\":\"/srv/tests\",\"Destination\":\"{}\",\"RW\":true}},\
         {{\"Type\":\"volume\",\"Name\":\"trail\",\"Source\":\"/var/lib/docker/volumes/trail/_data\",\
         \"Destination\":\"/trail\",\"RW\":true}}]}}",
        std::env::temp_dir().display()
    );
    answer(200, &body)
}

/// And of another.
fn other() -> String {
    answer(
        200,
        &format!("{{\"Id\":\"{OTHER}\",\"Name\":\"/web\",\"HostConfig\":{{}},\"Mounts\":[]}}"),
    )
}

/// A gate in its container, and the daemon, which has not been accepted from.
fn begin(variables: &[(&str, &str)]) -> (Gate, StandIn) {
    let dir = Dir::new();
    let daemon = StandIn::at(&dir.daemon());
    (Gate::start_in_container(dir, &[OPEN, &[FIXED], variables].concat(), OWN), daemon)
}

/// The same, when the daemon has said what the container is.
fn contained(variables: &[(&str, &str)]) -> (Gate, StandIn) {
    let (mut gate, daemon) = begin(variables);
    let connection = daemon.accept_any();
    connection.expect(asked(OWN));
    connection.send(own());
    connection.expect_end();
    daemon.expect_probe();
    gate.wait_for_log("running in container \"gate\"");
    (gate, daemon)
}

fn request(line: &str, body: &str) -> String {
    let length = match (body.len(), line.split(' ').next()) {
        (0, Some("GET" | "HEAD" | "DELETE")) => String::new(),
        (length, _) => format!("Content-Length: {length}\r\n"),
    };
    format!("{line} HTTP/1.1\r\nHost: docker\r\n{length}\r\n{body}")
}

#[track_caller]
fn expect_closed(client: &Peer, is_head: bool) {
    if is_head {
        let head = client.read_head();
        assert!(head.starts_with("HTTP/1.1 403 "), "{head}");
        return;
    }
    let refusal = client.answer();
    assert_eq!(refusal.status, 403, "{}", refusal.message());
    assert!(refusal.message().contains("ALLOW_GATE=1"), "{}", refusal.message());
}

#[track_caller]
fn expect_served(client: &Peer, connection: &Peer, is_head: bool) {
    let said = if is_head { "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n" } else { OK };
    connection.send(said);
    client.expect(said);
    client.send(PING);
    connection.expect(PING);
    connection.send(OK);
    client.expect(OK);
}

/// What is closed on the gate's own container: the request line with `NAME` in it, and the body.
const CLOSED: &[(&str, &str)] = &[
    ("POST /containers/NAME/stop?t=1", ""),
    ("POST /containers/NAME/kill?signal=KILL", ""),
    ("POST /containers/NAME/restart", ""),
    ("POST /containers/NAME/pause", ""),
    ("POST /containers/NAME/rename?name=x", ""),
    ("DELETE /containers/NAME?force=1", ""),
    ("POST /v1.41/containers/NAME/update", "{\"Memory\":1}"),
    ("POST /containers/NAME/exec", "{\"Cmd\":[\"/dockgate\"]}"),
    ("POST /containers/NAME/attach?stream=1", ""),
    ("GET /containers/NAME/attach/ws", ""),
    ("PUT /containers/NAME/archive?path=/", "tar"),
    ("GET /containers/NAME/archive?path=/", ""),
    ("HEAD /containers/NAME/archive?path=/", ""),
    ("POST /containers/NAME/checkpoints", "{\"CheckpointID\":\"c\"}"),
];

#[test]
fn nothing_passes_before_the_daemon_has_said_what_the_container_is() {
    if !is_root() {
        return;
    }
    let (gate, daemon) = begin(&[]);
    // It is the first that the daemon hears.
    let first = daemon.accept_any();
    first.expect(asked(OWN));
    let client = gate.client();
    for said in [answer(500, "{}"), answer(200, "{}"), answer(200, "[]"), String::new()] {
        client.send(PING);
        let connection = daemon.accept_any();
        connection.expect(asked(OWN));
        connection.send(&said);
        drop(connection);
        let failure = client.answer();
        assert_eq!(failure.status, 503, "{said}");
        let message = failure.message();
        assert!(message.contains("which container dockgate runs in"), "{message}");
        assert!(message.contains("ALLOW_GATE=1"), "{message}");
    }
    // What is refused is refused all the same, and nothing is asked for it.
    client.send(FORBIDDEN);
    assert_eq!(client.answer().status, 403);
    // Known, once and for all.
    client.send(PING);
    let connection = daemon.accept_any();
    connection.expect(asked(OWN));
    connection.send(own());
    let connection = daemon.accept_with(PING);
    expect_served_once(&client, &connection);
    client.send(PING);
    connection.expect(PING);
    expect_served_once(&client, &connection);
}

#[track_caller]
fn expect_served_once(client: &Peer, connection: &Peer) {
    connection.send(OK);
    client.expect(OK);
}

#[test]
fn its_own_container_is_closed_by_name_and_id_and_the_beginning_of_one() {
    if !is_root() {
        return;
    }
    let (gate, daemon) = contained(&[("CHECKPOINTS", "1")]);
    for (line, body) in CLOSED {
        let is_head = line.starts_with("HEAD");
        let client = gate.client();
        let mut connection = None;
        for name in ["gate", "g%61te", OWN, &OWN[..7]] {
            client.send(request(&line.replace("NAME", name), body));
            let name = if name == "g%61te" { "gate" } else { name };
            let connection = connection.get_or_insert_with(|| daemon.accept());
            connection.expect(asked(name));
            connection.expect_silence();
            connection.send(own());
            expect_closed(&client, is_head);
            connection.expect_silence();
        }
        // Another is not, and is named by its id.
        let connection = connection.expect("a connection");
        client.send(request(&line.replace("NAME", "web"), body));
        connection.expect(asked("web"));
        connection.send(other());
        connection.expect(request(&line.replace("NAME", OTHER), body));
        expect_served(&client, &connection, is_head);
    }
    daemon.expect_untouched();
}

#[test]
fn a_link_is_removed_by_its_name() {
    if !is_root() {
        return;
    }
    let (gate, daemon) = contained(&[]);
    let client = gate.client();
    let link = request("DELETE /containers/web/redis?link=1", "");
    client.send(&link);
    let connection = daemon.accept_with(&link);
    expect_served(&client, &connection, false);
    // The daemon reads the first of several, and not what it can't read.
    for query in ["link=0", "link=0&link=1", "link=1;x", "link=%zz&link=1", "LINK=1"] {
        client.send(request(&format!("DELETE /containers/gate?force=1&{query}"), ""));
        connection.expect(asked("gate"));
        connection.send(own());
        expect_closed(&client, false);
        connection.expect_silence();
    }
}

#[test]
fn an_exec_in_it_is_neither_started_nor_resized() {
    if !is_root() {
        return;
    }
    let (gate, daemon) = contained(&[]);
    for (line, body) in
        [("POST /exec/e1/start", "{\"Detach\":true}"), ("POST /exec/e1/resize?h=1&w=1", "")]
    {
        let client = gate.client();
        client.send(request(line, body));
        let connection = daemon.accept_with("GET /exec/e1/json HTTP/1.1\r\nHost: dockgate\r\n\r\n");
        connection
            .send(answer(200, &format!("{{\"ContainerID\":\"{OWN}\",\"ProcessConfig\":{{}}}}")));
        connection.expect(asked(OWN));
        connection.send(own());
        expect_closed(&client, false);
        connection.expect_silence();
    }
}

/// References elsewhere than in the path, with `NAME` in the place of the container's.
const REFERENCES: &[(&str, &str)] = &[
    ("POST /networks/n/connect", "{\"Container\":\"NAME\",\"EndpointConfig\":null}"),
    ("POST /networks/n/disconnect", "{ \"container\" :\"NAME\",\"Force\":true}\n"),
    ("POST /commit?repo=a&container=NAME&tag=b", ""),
    ("POST /containers/create", "{\"HostConfig\":{\"VolumesFrom\":[\"NAME:ro\"]}}"),
    ("POST /containers/create", "{\"HostConfig\":{\"VolumesFrom\":[\"NAME\"]}}"),
    ("POST /containers/create", "{\"HostConfig\":{\"NetworkMode\":\"container:NAME\"}}"),
    ("POST /containers/create", "{\"HostConfig\":{\"PidMode\":\"container:NAME\"}}"),
    ("POST /containers/create", "{\"HostConfig\":{\"IpcMode\":\"container:NAME\"}}"),
];

/// What the references need, were it not the gate's.
const REFERRING: &[(&str, &str)] = &[
    ("NETWORKS", "1"),
    ("COMMIT", "1"),
    ("ALLOW_VOLUMES_FROM", "1"),
    ("ALLOW_CONTAINER_NAMESPACES", "network,pid,ipc"),
];

#[test]
fn a_reference_to_it_is_found_in_bodies_and_queries_too() {
    if !is_root() {
        return;
    }
    let (gate, daemon) = contained(REFERRING);
    expect_references_closed(&gate, &daemon, |_| true);
}

#[track_caller]
fn expect_references_closed(gate: &Gate, daemon: &StandIn, is_judged: impl Fn(&str) -> bool) {
    for (line, body) in REFERENCES.iter().filter(|(line, _)| is_judged(line)) {
        let sent = |name| request(&line.replace("NAME", name), &body.replace("NAME", name));
        let client = gate.client();
        let mut connection = None;
        for name in ["gate", OWN, &OWN[..7]] {
            client.send(sent(name));
            let connection = connection.get_or_insert_with(|| daemon.accept());
            connection.expect(asked(name));
            connection.expect_silence();
            connection.send(own());
            expect_closed(&client, false);
            connection.expect_silence();
        }
        let connection = connection.expect("a connection");
        client.send(sent("web"));
        connection.expect(asked("web"));
        connection.send(other());
        connection.expect(sent(OTHER));
        expect_served(&client, &connection, false);
    }
}

#[test]
fn neither_audit_nor_off_opens_it() {
    if !is_root() {
        return;
    }
    for mode in ["audit", "off"] {
        let (gate, daemon) = contained(&[REFERRING, &[("ADMISSION", mode)]].concat());
        // Who may create anything with ADMISSION=off needs nobody's container.
        let is_judged = |line: &str| mode == "audit" || !line.contains("/create");
        expect_references_closed(&gate, &daemon, is_judged);
        for (line, body) in CLOSED {
            let client = gate.client();
            client.send(request(&line.replace("NAME", "gate"), body));
            let connection = daemon.accept_with(asked("gate"));
            connection.send(own());
            expect_closed(&client, line.starts_with("HEAD"));
            connection.expect_silence();
        }
    }
}

#[test]
fn its_name_is_given_to_no_other() {
    if !is_root() {
        return;
    }
    let (gate, daemon) = contained(&[]);
    let client = gate.client();
    for name in ["gate", "/gate", "%2Fg%61te"] {
        client.send(request(&format!("POST /containers/create?name={name}"), "{}"));
        expect_closed(&client, false);
        client.send(request(&format!("POST /containers/web/rename?name={name}"), ""));
        expect_closed(&client, false);
    }
    daemon.expect_untouched();
}

#[test]
fn what_is_mounted_in_it_is_mounted_nowhere_else() {
    if !is_root() {
        return;
    }
    let (gate, daemon) = contained(&[("ALLOW_BIND_MOUNTS", "/")]);
    let client = gate.client();
    for bind in [
        "/srv:/x",
        "/srv/engine:/x:ro",
        "/srv/engine/docker.sock:/x",
        "/srv/./engine//docker.sock:/x:ro",
        "/var/lib/docker/volumes/trail/_data:/x:ro",
        "/var/lib/docker:/x:ro",
        "trail:/x:ro",
    ] {
        client.send(create(&format!("{{\"HostConfig\":{{\"Binds\":[\"{bind}\"]}}}}")));
        let refusal = client.answer();
        assert_eq!(refusal.status, 403, "{bind}: {}", refusal.message());
        assert!(refusal.message().contains("ALLOW_BIND_MOUNTS"), "{bind}: {}", refusal.message());
    }
    daemon.expect_untouched();
    let beside = create("{\"HostConfig\":{\"Binds\":[\"/srv/app:/x\"]}}");
    client.send(&beside);
    let connection = daemon.accept_with(&beside);
    expect_served(&client, &connection, false);
}

#[test]
fn allow_gate_opens_it_and_asks_nothing() {
    if !is_root() {
        return;
    }
    let (gate, daemon) = begin(&[("ALLOW_GATE", "1"), ("ALLOW_EXISTING", "1")]);
    daemon.expect_probe();
    for (line, body) in CLOSED.iter().filter(|(line, _)| !line.starts_with("PUT")) {
        let request = request(&line.replace("NAME", "gate"), body);
        let client = gate.client();
        client.send(&request);
        let connection = daemon.accept_with(&request);
        expect_served(&client, &connection, line.starts_with("HEAD"));
    }
}

#[test]
fn a_container_of_another_engine_changes_nothing() {
    if !is_root() {
        return;
    }
    let (gate, daemon) = begin(&[]);
    let connection = daemon.accept_any();
    connection.expect(asked(OWN));
    connection.send(answer(404, "{\"message\":\"No such container\"}"));
    daemon.expect_probe();
    let client = gate.client();
    let stop = request("POST /containers/gate/stop", "");
    client.send(&stop);
    let connection = daemon.accept_with(&stop);
    expect_served(&client, &connection, false);
}

#[test]
fn without_a_container_its_sockets_and_its_trail_are_mounted_nowhere_either() {
    let dir = Dir::new();
    let (listener, trail) = (dir.path("gate.sock"), dir.path("audit.json"));
    let (socket, above) = (dir.daemon(), dir.path("").parent().expect("a folder").to_owned());
    let text = |path: &std::path::Path| path.display().to_string();
    let (listen, trail_text) = (format!("127.0.0.1:0,unix://{}", text(&listener)), text(&trail));
    let allowed = format!("{}:ro,{}", text(&above), text(&listener));
    let variables =
        [("LISTEN", listen.as_str()), ("AUDIT_LOG", &trail_text), ("ALLOW_BIND_MOUNTS", &allowed)];
    let (gate, daemon) = start_in(dir, &[OPEN, &variables].concat());
    let client = gate.client();
    let mount =
        |path: &str| create(&format!("{{\"HostConfig\":{{\"Binds\":[\"{path}:/x:ro\"]}}}}"));
    for path in [&trail, &socket] {
        client.send(mount(&text(path)));
        let refusal = client.answer();
        assert_eq!(refusal.status, 403, "{}", path.display());
        assert!(refusal.message().contains("ALLOW_BIND_MOUNTS"), "{}", refusal.message());
    }
    daemon.expect_untouched();
    // What is listed itself, and what is only beside them.
    let mut connection = None;
    for path in [text(&listener), format!("{}/app", text(&above))] {
        client.send(mount(&path));
        let connection = connection.get_or_insert_with(|| daemon.accept());
        connection.expect(mount(&path));
        expect_served_once(&client, connection);
    }
}

#[test]
fn without_a_container_nothing_is_asked() {
    let (gate, daemon) = start(OPEN);
    let client = gate.client();
    let stop = request("POST /containers/gate/stop", "");
    client.send(&stop);
    let connection = daemon.accept_with(&stop);
    expect_served(&client, &connection, false);
}

#[test]
fn a_container_that_shares_anothers_network_is_found_by_the_daemons_socket() {
    if !is_root() {
        return;
    }
    // What the surroundings bear is the id of the container whose network it is.
    let (mut gate, daemon) = begin(&[]);
    let said = |id: &str, name: &str, mounts: &str| {
        answer(200, &format!("{{\"Id\":\"{id}\",\"Name\":\"/{name}\",\"Mounts\":[{mounts}]}}"))
    };
    let asking = |path: &str, said: String| {
        let connection = daemon.accept_any();
        connection.expect(format!("GET {path} HTTP/1.1\r\nHost: dockgate\r\n\r\n"));
        connection.send(said);
        connection.expect_end();
    };
    let inspect = |id: &str| format!("/containers/{id}/json");
    asking(&inspect(OWN), said(OWN, "tunnel", ""));
    let list = format!(
        "[{{\"Id\":\"{OTHER}\",\"HostConfig\":{{\"NetworkMode\":\"container:{OWN}\"}}}},{{\"Id\":\"{OWN}\"}}]"
    );
    asking("/containers/json", answer(200, &list));
    let temporary = std::env::temp_dir();
    let mount = format!("{{\"Source\":\"/srv\",\"Destination\":\"{}\"}}", temporary.display());
    asking(&inspect(OTHER), said(OTHER, "gate", &mount));
    daemon.expect_probe();
    gate.wait_for_log("running in container \"gate\"");

    for (id, name, is_closed) in [(OTHER, "gate", true), (OWN, "tunnel", false)] {
        let client = gate.client();
        let stop = |reference: &str| {
            format!("POST /containers/{reference}/stop HTTP/1.1\r\nHost: docker\r\n\r\n")
        };
        client.send(stop(name));
        let connection = daemon.accept_with(asked(name));
        connection.send(said(id, name, ""));
        if is_closed {
            expect_closed(&client, false);
        } else {
            connection.expect(stop(id));
            expect_served(&client, &connection, false);
        }
    }
}
