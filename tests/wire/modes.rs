//! The ways to run the admission: enforcing, auditing, off, with mounts taken out; and what each
//! tells in the log, which is never a secret.

use super::admission::{PLAIN, PRIVILEGED, create, create_head, expect_usable};
use super::gate::{Gate, OPEN, start};
use super::lookups::{BOUND, answer, create_with, question};
use super::peer::Peer;
use super::stand_in::{OK, StandIn};

/// Sends requests that pass; the daemon must get them as `sent`.
#[track_caller]
fn expect_passes(gate: &Gate, daemon: &StandIn, requests: &[(&str, &str)]) -> (Peer, Peer) {
    let client = gate.client();
    let mut connection = None;
    for (request, sent) in requests {
        client.send(request);
        let connection = connection.get_or_insert_with(|| daemon.accept());
        connection.expect(sent);
        connection.send(OK);
        client.expect(OK);
    }
    (client, connection.expect("a request"))
}

#[test]
fn audit_lets_everything_pass_and_tells_what_it_would_refuse() {
    let (gate, daemon) = start(&[OPEN, &[("ADMISSION", "audit")]].concat());
    let both = create("{\"HostConfig\":{\"Privileged\":true,\"Binds\":[\"/etc:/e\",\"/srv:/s\"]}}");
    let build = "POST /build?networkmode=host&networkmode=x;y HTTP/1.1\r\nHost: docker\r\n\
                 Content-Length: 3\r\n\r\ntar";
    let requests = [create(PLAIN), create(PRIVILEGED), both, create("nonsense"), build.to_owned()];
    let requests: Vec<_> = requests.iter().map(|it| (it.as_str(), it.as_str())).collect();
    let (client, connection) = expect_passes(&gate, &daemon, &requests);
    let log = gate.log();
    for words in [
        "would refuse POST /v1.41/containers/create (ADMISSION=audit): HostConfig.Privileged",
        "operation=\"ContainerCreate\" reason=\"privileged\"",
        "reason=\"not-one-json-value\"",
        "would refuse POST /build (ADMISSION=audit)",
        "reason=\"bad-query\"",
    ] {
        assert!(log.contains(words), "{words}: {log}");
    }
    assert_eq!(log.matches("would refuse").count(), 4, "{log}");
    assert!(!log.contains("WARN refused"), "{log}");

    // Questions are asked all the same.
    let request = create_with(&["data"]);
    client.send(&request);
    connection.expect(question("data"));
    connection.send(answer(200, BOUND));
    connection.expect(&request);
    connection.send(OK);
    client.expect(OK);
    assert!(gate.log().contains("HostConfig.Binds[0] \"data\" is a volume"), "{}", gate.log());
}

#[test]
fn audit_lets_pass_what_could_not_be_asked() {
    let (gate, daemon) = start(&[OPEN, &[("ADMISSION", "audit")]].concat());
    let client = gate.client();
    let request = create_with(&["data"]);
    client.send(&request);
    drop(daemon.accept_with(question("data")));
    let connection = daemon.accept_with(&request);
    connection.send(OK);
    client.expect(OK);
    assert!(gate.log().contains("reason=\"unanswered\""), "{}", gate.log());
}

#[test]
fn off_collects_nothing_and_asks_nothing() {
    // Shields stand in every mode (`shields.rs`).
    let off = [("ADMISSION", "off"), ("ENGINE_FIXED", "*"), ("MAX_JSON_BYTES", "1024")];
    let variables = [OPEN, &off].concat();
    let (gate, daemon) = start(&variables);
    let long = create(&format!("{PRIVILEGED:>2000}"));
    let volumes = create_with(&["data"]);
    let put =
        "PUT /containers/w%65b/archive HTTP/1.1\r\nHost: docker\r\nContent-Length: 3\r\n\r\ntar";
    let chunked = create_head("Transfer-Encoding: chunked\r\n") + "1\r\nx\r\n0\r\n\r\n";
    let requests = [&long, &volumes, put, &chunked, &create("nonsense")];
    let requests: Vec<_> = requests.iter().map(|&it| (it, it)).collect();
    let (client, connection) = expect_passes(&gate, &daemon, &requests);
    // Not even a body that is under way is held back.
    let (most, last) = long.split_at(long.len() - 1);
    client.send(most);
    connection.expect(most);
    client.send(last);
    connection.expect(last);
    assert!(!gate.log().contains("would refuse"), "{}", gate.log());
}

#[test]
fn off_still_guards_a_body_that_the_daemon_does_not_read_before_a_hijack() {
    let variables = [OPEN, &[("ADMISSION", "off"), ("MAX_JSON_BYTES", "1024")]].concat();
    let (gate, daemon) = start(&variables);
    let client = gate.client();
    let start = |body: &str| {
        format!(
            "POST /exec/1/start HTTP/1.1\r\nHost: docker\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    let attach = |body: &str| start(body).replace("/exec/1/start", "/containers/p/attach");
    for body in ["{}x", "{}{}", "rm *\n", "{}   ", "{", "\u{feff}{}"] {
        client.send(attach(body));
        let answer = client.answer();
        assert_eq!(answer.status, 400, "{body}");
        assert!(answer.message().contains("one JSON value"), "{}", answer.message());
    }
    client.send(start(&format!("{:>1025}", "{}")));
    assert_eq!(client.answer().status, 413);
    drop(expect_usable(&client, &daemon));
    for body in ["{\"Detach\":true}\n", "{}\r\n", ""] {
        let (start, attach) = (start(body), attach(body));
        expect_passes(&gate, &daemon, &[(&start, &start), (&attach, &attach)]);
    }
    // What is no value, or more, the daemon reads, and refuses itself.
    for body in ["{}x", "{}{}", "{"] {
        let start = start(body);
        expect_passes(&gate, &daemon, &[(&start, &start)]);
    }
}

#[test]
fn mounts_are_taken_out_where_that_is_asked_for() {
    let (gate, daemon) = start(&[OPEN, &[("BIND_MOUNT_ACTION", "strip")]].concat());
    let body = |binds: &str, mounts: &str| {
        format!(
            "{{ \"HostConfig\":{{\"Binds\" : [{binds}],\"Memory\":9007199254740993,\
             \"Mounts\":[{mounts}]}},\t\"X\":1.50e1}}\n"
        )
    };
    let whole =
        body("\"/etc:/e\", \"/:/r:ro\"", "{\"Type\":\"bind\",\"Source\":\"/\",\"Target\":\"/x\"}");
    let stripped = create(&body("", ""));
    let chunked = create_head("Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n")
        + &format!("{:x}\r\n{whole}\r\n0\r\n\r\n", whole.len());
    let odd = create_head(&format!("content-length:  {}\r\nX: y \r\n", whole.len())) + &whole;
    let odd_stripped = create_head(&format!("Content-Length: {}\r\nX: y \r\n", body("", "").len()))
        + &body("", "");
    let (client, connection) = expect_passes(
        &gate,
        &daemon,
        &[(&create(&whole), &stripped), (&chunked, &stripped), (&odd, &odd_stripped)],
    );
    let log = gate.log();
    assert_eq!(log.matches("took out of POST /v1.41/containers/create").count(), 9, "{log}");
    assert!(log.contains("HostConfig.Binds[0] \"/etc\" is a path of the host"), "{log}");

    // A volume that is a bind mount goes too; anything else is refused as ever.
    client.send(create_with(&["data"]));
    connection.expect(question("data"));
    connection.send(answer(200, BOUND));
    connection.expect(create("{\"HostConfig\":{\"Binds\":[]}}"));
    connection.send(OK);
    client.expect(OK);
    client.send(create("{\"HostConfig\":{\"Binds\":[\"/etc:/e\"],\"Privileged\":true}}"));
    assert_eq!(client.answer().status, 403);
    connection.expect_silence();
}

#[test]
fn unknown_fields_pass_with_one_warning_each_or_not_at_all() {
    let body = "{\"Image\":\"a\",\"Zork\\u001b[31m\":1,\"HostConfig\":{\"Zork\":{\"a\":[]}}}";
    let (gate, daemon) = start(OPEN);
    let request = create(body);
    expect_passes(&gate, &daemon, &[(&request, &request), (&request, &request)]);
    expect_passes(&gate, &daemon, &[(&request, &request)]);
    let log = gate.log();
    let warnings = || log.lines().filter(|line| line.contains("no API description"));
    assert_eq!(warnings().count(), 2, "{log}");
    assert!(warnings().any(|line| line.contains("Zork\\u{1b}[31m")), "{log}");
    assert!(warnings().any(|line| line.contains("HostConfig.Zork")), "{log}");

    let (gate, daemon) = start(&[OPEN, &[("UNKNOWN_FIELDS", "deny")]].concat());
    let client = gate.client();
    client.send(&request);
    let refusal = client.answer();
    assert_eq!(refusal.status, 403);
    assert!(refusal.message().contains("UNKNOWN_FIELDS=allow"), "{}", refusal.message());
    assert!(gate.log().contains("reason=\"unknown-field\""), "{}", gate.log());
    expect_usable(&client, &daemon);
}

/// Requests full of secrets, and whether they pass.
const SECRETS: &[(&str, &str, bool)] = &[
    (
        "/containers/create?name=secret-query",
        "{\"Env\":[\"A=secret-env\"],\"Cmd\":[\"secret-cmd\"],\"Labels\":{\"a\":\"secret-label\"}}",
        true,
    ),
    (
        "/containers/create",
        "{\"Env\":[\"A=secret-env\"],\"HostConfig\":{\"Privileged\":true,\"LogConfig\":{\"Type\":\"splunk\",\
         \"Config\":{\"splunk-token\":\"secret-token\"}}}}",
        false,
    ),
    ("/containers/create", "{\"Env\":[\"A=secret-env\"],\"Env\":[\"B=secret-env\"]}", false),
    ("/containers/create", "{\"Env\":[\"A=secret-env\"]", false),
    (
        "/containers/create",
        "{\"Zork1\":\"secret-value\",\"Image\":{\"a\":\"secret-value\"}}",
        false,
    ),
    (
        "/containers/p/exec",
        "{\"Env\":[\"A=secret-env\"],\"Cmd\":[\"secret-cmd\"],\"Privileged\":true}",
        false,
    ),
    ("/auth", "{\"password\":\"secret-value\",\"password\":\"secret-value\"}", false),
    ("/auth", "{\"password\":\"secret-value\",\"Zork2\":\"secret-value\"}", true),
    ("/commit?comment=secret-query&changes=secret-query;x", "{}", false),
    ("/build?buildargs=secret-query&networkmode=host", "tar", false),
    ("/build?remote=https://user:secret-token@h/x.git", "tar", false),
    ("/images/create?fromSrc=https://user:secret-token@h/x.tar", "x", false),
    (
        "/volumes/create",
        "{\"Driver\":\"local\",\"DriverOpts\":{\"type\":\"cifs\",\"device\":\"//h/x\",\
         \"o\":\"username=u,password=secret-value\"}}",
        false,
    ),
    (
        "/volumes/create",
        "{\"Driver\":\"plugin\",\"DriverOpts\":{\"password\":\"secret-value\"}}",
        false,
    ),
    (
        "/containers/create",
        "{\"HostConfig\":{\"Mounts\":[{\"Type\":\"volume\",\"VolumeOptions\":{\"DriverConfig\":\
         {\"Name\":\"local\",\"Options\":{\"type\":\"\",\"device\":\"h:/x\",\"o\":\"password=secret-value,bind\"}}}}]}}",
        false,
    ),
];

#[test]
fn the_log_never_tells_a_secret_whatever_is_refused() {
    for mode in ["enforce", "audit"] {
        let variables = [
            ("ADMISSION", mode),
            ("LOG_LEVEL", "debug"),
            ("AUTH", "1"),
            ("COMMIT", "1"),
            ("VOLUMES", "1"),
            ("ALLOW_EXISTING", "1"),
        ];
        let (gate, daemon) = start(&[OPEN, &variables].concat());
        for (path, body, passes) in SECRETS {
            let client = gate.client();
            client.send(format!(
                "POST {path} HTTP/1.1\r\nHost: docker\r\nX-Registry-Auth: secret-header\r\n\
                 X-Registry-Config: secret-header\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            ));
            if *passes || mode == "audit" {
                let connection = daemon.accept();
                connection.read_head();
                connection.expect(body);
                connection.send(OK);
                client.expect(OK);
            } else {
                let answer = client.answer();
                assert!(matches!(answer.status, 400 | 403), "{path}: {}", answer.status);
                assert!(!answer.body.contains("secret"), "{}", answer.body);
            }
        }
        let log = gate.log();
        assert!(log.contains("reason=\"exec-privileged\""), "{log}");
        assert!(!log.contains("secret"), "{log}");
    }
}

#[test]
fn an_argument_can_not_write_to_the_terminal() {
    let (gate, daemon) = start(OPEN);
    let client = gate.client();
    for body in [
        "{\"HostConfig\":{\"CapAdd\":[\"\\u001b[31m\\u0007\\n\u{9b}x\"]}}",
        "{\"HostConfig\":{\"Binds\":[\"/\\r\\n\\u202e:/x\"]}}",
        "{\"HostConfig\":{\"Sysctls\":{\"\\u001b]0;x\\u0007\":\"1\"}}}",
        "{\"\\u001b\":1,\"\\u001B\":2}",
    ] {
        client.send(create(body));
        let answer = client.answer();
        assert!(matches!(answer.status, 400 | 403), "{body}: {}", answer.message());
    }
    let log = gate.log();
    assert!(log.contains("\\u{1b}[31m\\u{7}\\n\\u{9b}"), "{log}");
    let plain = |byte: u8| byte == b'\n' || (b' '..=b'~').contains(&byte);
    assert!(log.bytes().all(plain), "{log:?}");
    assert_eq!(log.matches("WARN refused").count(), 4, "{log}");
    expect_usable(&client, &daemon);
}
