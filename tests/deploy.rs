//! What lies in `deploy` is read by those who will read it: systemd, docker-compose, the
//! parser of `AppArmor`. A tool that is not here is named, loudly, and its part skipped.

use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// System calls that would undo what the profile is for.
const NEVER: [&str; 24] = [
    "add_key",
    "bpf",
    "chroot",
    "delete_module",
    "finit_module",
    "fsopen",
    "init_module",
    "io_uring_setup",
    "ioctl",
    "kexec_load",
    "keyctl",
    "mknod",
    "mknodat",
    "mount",
    "move_mount",
    "open_by_handle_at",
    "perf_event_open",
    "pivot_root",
    "process_vm_writev",
    "ptrace",
    "reboot",
    "setns",
    "umount2",
    "unshare",
];

fn deploy(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy").join(name)
}

fn text(name: &str) -> String {
    fs::read_to_string(deploy(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// What a tool says; `None` where it is not installed.
fn run(command: &mut Command) -> Option<Output> {
    match command.output() {
        Ok(output) => Some(output),
        Err(error) => {
            let line = "=".repeat(80);
            eprintln!("{line}\nSKIPPED: {command:?}: {error}\n{line}");
            None
        }
    }
}

#[track_caller]
fn expect_silence(output: &Output) {
    let said = [&output.stdout[..], &output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(output.status.success() && said.is_empty(), "{}: {said}", output.status);
}

#[test]
fn the_seccomp_profile_has_only_fields_that_docker_knows() {
    let profile: Value = serde_json::from_str(&text("seccomp.json")).expect("JSON");
    let known = |value: &Value, fields: &[&str]| {
        for field in value.as_object().expect("an object").keys() {
            assert!(fields.contains(&field.as_str()), "{field} is not known");
        }
    };
    known(&profile, &["defaultAction", "archMap", "syscalls"]);
    assert_eq!(profile["defaultAction"], "SCMP_ACT_ERRNO");
    for arch in profile["archMap"].as_array().expect("a list") {
        known(arch, &["architecture", "subArchitectures"]);
    }
    let mut seen = BTreeSet::new();
    for rule in profile["syscalls"].as_array().expect("a list") {
        known(rule, &["comment", "names", "action", "args", "errnoRet"]);
        assert!(rule["comment"].is_string(), "{rule}");
        let action = rule["action"].as_str().expect("an action");
        assert!(action == "SCMP_ACT_ALLOW" || rule["errnoRet"].is_u64(), "{rule}");
        for argument in rule["args"].as_array().into_iter().flatten() {
            known(argument, &["index", "value", "valueTwo", "op"]);
        }
        for name in rule["names"].as_array().expect("names") {
            let name = name.as_str().expect("a name");
            assert!(!NEVER.contains(&name), "{name}");
            // Several rules for one call are alternatives; one without arguments would open it.
            assert!(seen.insert(name) || rule["args"].is_array(), "{name} is there twice");
        }
    }
    for name in ["accept4", "execve", "socket", "clone", "clone3"] {
        assert!(seen.contains(name), "{name}");
    }
}

#[test]
fn systemd_takes_the_units_as_they_are() {
    let directory = std::env::temp_dir().join(format!("dockgate-units-{}", std::process::id()));
    fs::create_dir_all(&directory).expect("a directory");
    let units = ["dockgate.service", "dockgate.socket"].map(|name| {
        // systemd looks whether the program is there.
        let unit = text(&format!("systemd/{name}"));
        let unit = unit.replace("/usr/local/bin/dockgate", env!("CARGO_BIN_EXE_dockgate"));
        let path = directory.join(name);
        fs::write(&path, unit).expect("a file");
        path
    });
    let output = run(Command::new("systemd-analyze").arg("verify").args(units));
    fs::remove_dir_all(&directory).expect("removed");
    if let Some(output) = output {
        expect_silence(&output);
    }
}

#[test]
fn docker_compose_takes_the_compose_files_as_they_are() {
    for file in ["compose.yml", "swarm.yml"] {
        let mut command = Command::new("docker-compose");
        command.current_dir(deploy("")).args(["--file", file, "config", "--quiet"]);
        if let Some(mut output) = run(&mut command) {
            // Stacks need the version, of which newer ones say in one line that they don't.
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            let rest: String = said.lines().filter(|line| !line.contains("is obsolete")).collect();
            output.stderr = rest.into_bytes();
            expect_silence(&output);
        }
    }
}

#[test]
fn the_pod_is_yaml_with_a_gate_in_it() {
    const LOOK: &str = "
import sys
try:
    import yaml
except ImportError:
    sys.exit(42)
pod = yaml.safe_load(open(sys.argv[1]))
[gate] = pod['spec']['initContainers']
assert pod['kind'] == 'Pod' and gate['restartPolicy'] == 'Always'
assert gate['startupProbe']['exec']['command'] == ['/dockgate', 'healthcheck']
assert not gate['securityContext']['allowPrivilegeEscalation']
";
    let mut command = Command::new("python3");
    command.args(["-c", LOOK]).arg(deploy("kubernetes/sidecar.yaml"));
    match run(&mut command) {
        Some(output) if output.status.code() == Some(42) => {
            eprintln!("SKIPPED: no yaml in python3");
        }
        Some(output) => expect_silence(&output),
        None => {}
    }
}

#[test]
fn apparmor_takes_the_profile() {
    let mut command = Command::new("apparmor_parser");
    command.args(["--skip-kernel-load", "--skip-cache"]).arg(deploy("apparmor/dockgate"));
    if let Some(output) = run(&mut command) {
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn every_variable_that_is_set_has_a_meaning() {
    let set = |line: &str| {
        let name = line.trim().split(':').next().unwrap_or_default();
        let is_name =
            |name: &str| name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
        (line.contains(": 1") && is_name(name)).then(|| name.to_owned())
    };
    let files = ["compose.yml", "swarm.yml"].map(text);
    let names: Vec<String> = files.iter().flat_map(|file| file.lines().filter_map(set)).collect();
    assert!(names.len() >= 6, "{names:?}");
    for name in names {
        let is_known = dockgate::policy::Variable::ALL.iter().any(|known| known.name() == name);
        assert!(is_known, "{name} is not a variable");
    }
}
