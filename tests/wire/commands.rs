//! The program's words: what it prints, and how it ends where it can't begin.

use super::gate::{Dir, Gate, PROGRAM, start};
use dockgate::admission;
use dockgate::api::Operation;
use dockgate::policy::Variable;
use dockgate::process::environment::SETTINGS;
use std::process::Command;

struct Output {
    status: Option<i32>,
    stdout: String,
    stderr: String,
}

/// Runs the program to its end, with nothing but these variables.
fn run(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let output = Command::new(PROGRAM)
        .args(arguments)
        .env_clear()
        .envs(variables.iter().copied())
        .output()
        .expect("it runs");
    Output {
        status: output.status.code(),
        stdout: String::from_utf8(output.stdout).expect("text"),
        stderr: String::from_utf8(output.stderr).expect("text"),
    }
}

#[test]
fn a_variable_that_can_not_be_used_stops_the_start_and_is_named() {
    for (name, value) in [
        ("POST", "ture"),
        ("CONTAINERS", "yes!"),
        ("LISTEN", "x"),
        ("LISTEN", ":99999"),
        ("SOCKET_PATH", &"x".repeat(108)),
        ("SOCKET_PATH", "tcp://127.0.0.1:2375"),
        ("SOCKET_PATH", "ssh://host"),
        ("LISTEN_SOCKET_MODE", "rw"),
        ("WORKERS", "0"),
        ("HEAD_TIMEOUT", "0"),
        ("LOG_LEVEL", "loud"),
    ] {
        let output = run(&[], &[(name, value)]);
        assert_eq!(output.status, Some(78), "{name}: {}", output.stderr);
        assert!(output.stderr.contains(&format!("{name}=\"{value}\"")), "{}", output.stderr);
        assert_eq!(output.stdout, "");
    }
}

#[test]
fn a_rule_for_arguments_that_can_not_be_used_stops_the_start_and_says_what_it_takes() {
    for (name, value, takes) in [
        ("ALLOW_CAPABILITIES", "1", "items separated by commas; * at an item's end"),
        ("ALLOW_BIND_MOUNTS", "relative", "absolute paths separated by commas"),
        ("ALLOW_BIND_MOUNTS", "/a,b", "absolute paths separated by commas"),
        ("ALLOW_BIND_MOUNTS", "/a:exactly", "\"/a:exactly\" is no absolute path"),
        (
            "ALLOW_REGISTRIES",
            "https://ghcr.io",
            "\"https://ghcr.io\" is the name of no registry or image: write ghcr.io",
        ),
        (
            "ALLOW_REGISTRIES",
            "docker.io,ghcr.io/",
            "\"ghcr.io/\" is the name of no registry or image: write ghcr.io",
        ),
        ("ALLOW_CAPABILITIES", "FOO", "\"FOO\" is no capability"),
        ("ALLOW_DEVICES", "dev/dri", "write /dev/dri"),
        ("ALLOW_SYSCTLS", "net.core.somaxconn=512", "write net.core.somaxconn"),
        ("ALLOW_HOST_NAMESPACES", "net", "some of network, pid, ipc, uts, user, cgroup"),
        ("ALLOW_PRIVILEGED", "maybe", "0 or 1"),
        ("ALLOW_PUBLISH_PORTS", "http", "such as 8000-8999,9090"),
        ("MAX_MEMORY", "0", "a number of bytes such as"),
        ("MAX_CPUS", "0", "a number of processors such as"),
        ("MAX_PIDS", "0", "a number from 1"),
        ("ADMISSION", "maybe", "enforce or audit or off"),
        ("ADMISSION", "1", "enforce or audit or off"),
        ("UNKNOWN_FIELDS", "warn", "allow or deny"),
        ("BIND_MOUNT_ACTION", "1", "deny or strip"),
        ("ALLOW_HOSTS", "proxy.infra.svc:2375", "names without a port, such as"),
        ("ALLOW_HOSTS", "tcp://proxy.infra.svc", "names without a port, such as"),
        ("ALLOW_HOSTS", "proxy.*", "*.example.org"),
        ("ALLOW_ORIGINS", "panel.example.org", "such as https://panel.example.org"),
        ("ALLOW_ORIGINS", "https://panel.example.org/", "such as https://panel.example.org"),
    ] {
        let output = run(&[], &[(name, value)]);
        assert_eq!(output.status, Some(78), "{name}: {}", output.stderr);
        for words in [&format!("invalid {name}=\"{value}\": expected "), takes] {
            assert!(output.stderr.contains(words), "{words}: {}", output.stderr);
        }
    }
}

#[test]
fn every_variable_that_can_not_be_used_is_named_at_once() {
    let variables = [("MAX_CPUS", "50%"), ("POST", "ture"), ("WORKERS", "0")];
    let names = |lines: Vec<String>| {
        let found = |name: &str| lines.iter().filter(|line| line.contains(name)).count();
        assert_eq!(variables.map(|(name, _)| found(&format!("invalid {name}="))), [1, 1, 1]);
        assert_eq!(lines.len(), variables.len(), "{lines:?}");
    };
    let output = run(&[], &variables);
    assert_eq!(output.status, Some(78));
    names(output.stderr.lines().map(str::to_owned).collect());

    let output = run(&[], &[&variables[..], &[("LOG_FORMAT", "json")]].concat());
    assert_eq!(output.status, Some(78));
    let line = |line: &str| {
        let line: serde_json::Value = serde_json::from_str(line).expect("an object");
        assert_eq!(line["level"], "ERROR");
        line["message"].as_str().expect("a message").to_owned()
    };
    names(output.stderr.lines().map(line).collect());
}

#[test]
fn without_descriptors_a_start_ends_with_an_error_and_no_panic() {
    let mut refused = 0;
    for files in 4..=16 {
        let start = format!("ulimit -n {files} && exec timeout 0.3 \"$0\"");
        let output = Command::new("sh")
            .args(["-c", &start, PROGRAM])
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .envs([("LISTEN", "127.0.0.1:0"), ("SOCKET_PATH", "/nowhere/docker.sock")])
            .output()
            .expect("it runs");
        let said = String::from_utf8(output.stderr).expect("text");
        // It is refused, or serves until its time is over.
        assert!(matches!(output.status.code(), Some(1 | 124)), "{files}: {said}");
        assert!(!said.contains("panicked"), "{files}: {said}");
        refused += u32::from(output.status.code() == Some(1) && said.contains("ERROR"));
    }
    assert!(refused > 2, "it starts with next to no descriptors");
}

#[test]
fn an_empty_list_is_one_and_so_is_0() {
    for value in ["0", "", " "] {
        for name in [
            "ALLOW_CAPABILITIES",
            "ALLOW_BIND_MOUNTS",
            "ALLOW_HOST_NAMESPACES",
            "ALLOW_HOSTS",
            "ALLOW_ORIGINS",
        ] {
            let output = run(&["policy"], &[(name, value)]);
            assert_eq!(output.status, Some(0), "{name}={value}: {}", output.stderr);
        }
    }
    for name in ["ADMISSION", "MAX_MEMORY", "ALLOW_PRIVILEGED", "BIND_MOUNT_ACTION"] {
        assert_eq!(run(&["policy"], &[(name, "")]).status, Some(0), "{name}");
    }
}

#[test]
fn a_wrong_command_line_is_a_usage_error() {
    for arguments in
        [&["--frobnicate"][..], &["server"], &["policy", "more"], &["--help=x"], &["-x"]]
    {
        let output = run(arguments, &[]);
        assert_eq!(output.status, Some(64), "{arguments:?}: {}", output.stderr);
        assert!(output.stderr.contains("dockgate --help"), "{}", output.stderr);
    }
}

#[test]
fn the_help_lists_every_variable() {
    for argument in ["--help", "-h", "help"] {
        let output = run(&[argument], &[]);
        assert_eq!((output.status, output.stderr.as_str()), (Some(0), ""));
        let names = Variable::ALL.iter().map(|variable| variable.name());
        for name in names.chain(SETTINGS.iter().map(|setting| setting.name)) {
            let line = format!("\n  {name} ");
            assert!(output.stdout.contains(&line), "{name} is missing");
        }
    }
}

#[test]
fn the_policy_is_a_line_for_each_operation() {
    let output =
        run(&["policy"], &[("CONTAINERS", "1"), ("ALLOW_LOGS", "0"), ("ALLOW_SYSCTLS", "net.*")]);
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    let (operations, arguments) = output.stdout.split_once("\n\n").expect("two parts");
    let lines: Vec<&str> = operations.lines().collect();
    assert_eq!(lines.len(), Operation::TABLE.len());
    assert_eq!(arguments.lines().count(), 1 + admission::Variable::ALL.len());
    assert!(arguments.contains("\nALLOW_SYSCTLS=net.*\n"), "{arguments}");
    let line = |id: &str| {
        let found = lines.iter().find(|line| line.split(' ').next() == Some(id));
        *found.unwrap_or_else(|| panic!("{id} is missing"))
    };
    for (id, words) in [
        ("ContainerList", "allowed  CONTAINERS=1"),
        ("ContainerLogs", "refused  needs ALLOW_LOGS=1"),
        ("ContainerCreate", "refused  needs POST=1"),
        ("ContainerStart", "refused  needs POST=1, or ALLOW_START=1"),
        ("VolumeCreate", "refused  needs VOLUMES=1 and POST=1"),
        ("SystemPing", "allowed  PING=1"),
        ("DebugVars", "refused  is opened by no variable"),
    ] {
        assert!(line(id).ends_with(words), "{}", line(id));
    }
}

#[test]
fn the_version_is_one_line() {
    let output = run(&["--version"], &[]);
    assert_eq!(output.stdout, concat!("dockgate ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn a_misspelt_variable_is_warned_of() {
    let gate = Gate::start(Dir::new(), &[("IAMGES", "1"), ("LIBPOD_PODS", "1")]);
    let log = gate.log();
    assert!(log.contains("IAMGES is not a variable of dockgate: did you mean IMAGES?"), "{log}");
    assert!(log.contains("LIBPOD_PODS has no effect"), "{log}");
}

#[test]
fn a_request_is_checked_without_a_daemon() {
    let open = [("CONTAINERS", "1"), ("POST", "1")];
    let check = ["check", "POST", "/v1.47/containers/create?name=x", "--body"];
    let file = std::env::temp_dir().join(format!("dockgate-check-{}.json", std::process::id()));
    std::fs::write(&file, r#"{"HostConfig":{"Privileged":true}}"#).expect("a file");
    let path = file.display().to_string();
    let [a, b, c, d] = check;
    let output = run(&[a, b, c, d, &path], &open);
    let _ = std::fs::remove_file(&file);
    assert_eq!(output.status, Some(1), "{}", output.stderr);
    assert!(output.stdout.contains("needs ALLOW_PRIVILEGED=1"), "{}", output.stdout);

    let output = run(&["check", "GET", "/_ping"], &[]);
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    for wrong in [&["check"][..], &["check", "GET"], &["check", "GET", "/x", "/y"], &[a, b, c, d]] {
        assert_eq!(run(wrong, &[]).status, Some(2), "{wrong:?}");
    }
    let output = run(&[a, b, c, d, "/nonexistent"], &open);
    assert_eq!(output.status, Some(2));
    assert!(output.stderr.contains("the body can't be read"), "{}", output.stderr);
}

#[test]
fn what_opens_the_host_is_said_at_start() {
    for (name, value, words) in [
        ("ADMISSION", "audit", "ADMISSION=audit: arguments that would be refused are let through"),
        ("ADMISSION", "off", "ADMISSION=off: arguments are not examined"),
        (
            "ALLOW_PRIVILEGED",
            "1",
            "ALLOW_PRIVILEGED=1: a client that may create a container is root",
        ),
        ("ALLOW_BIND_MOUNTS", "/srv,/", "may read and write every file of the host"),
        ("ALLOW_BIND_MOUNTS", "/:ro", "may read every file of the host"),
        ("ALLOW_BIND_MOUNTS", "/var/run", "with a socket of the daemon's"),
        ("ALLOW_CAPABILITIES", "NET_ADMIN,cap_sys_admin", "is root on the host"),
        ("ALLOW_DEVICES", "*", "ALLOW_DEVICES=*: "),
        (
            "ALLOW_BIND_MOUNTS",
            "/srv,/etc:ro,/b:exact,/data",
            "ALLOW_BIND_MOUNTS has /srv, /data: a client that can write there can make a symbolic link",
        ),
        ("SWARM", "1", "the swarm's join tokens"),
        ("GRPC", "1", "is not looked into"),
    ] {
        let (gate, _daemon) = start(&[(name, value)]);
        let log = gate.log();
        let is_said = log.lines().any(|line| line.contains("WARN") && line.contains(words));
        assert!(is_said, "{name}={value}: {log}");
    }
    let (gate, _daemon) = start(&[("ALLOW_BIND_MOUNTS", "/srv:exact,/etc/ssl:ro,/data:ro:exact")]);
    assert!(!gate.log().contains("WARN ALLOW_BIND_MOUNTS"), "{}", gate.log());
}
