//! Containers that were made without the gate: those with more than a create may ask for are not
//! acted on, and ordinary ones are, whatever the engine adds to them by itself.

use std::fs;

use libtest_mimic::Failed;

use super::{ask, create, gate, refused, remove};
use crate::Proof;
use crate::gate::Gate;
use crate::http::Endpoint;
use crate::lab::Lab;

pub const PROOFS: &[Proof] = &[
    ("a container with more than a create may ask for is neither entered nor filled", powerful),
    ("what a container has is no matter where the policy allows it", opened),
    ("a privileged process in an ordinary container is not started", privileged_exec),
    ("the docker client uses ordinary containers of every kind", ordinary),
    ("a container is found by name, id and the beginning of one", spellings),
    ("the engine's own default runtime may be named, and no other", runtimes),
    ("a container's own masked paths are at least the engine's", masked),
];

/// What is not a container's own.
struct Power {
    /// Entries of the create that makes it, on the daemon itself.
    entries: &'static str,
    /// What the refusal says is needed.
    needs: &'static str,
    /// Whether it is also something to be read.
    is_mount: bool,
}

const fn power(entries: &'static str, needs: &'static str) -> Power {
    Power { entries, needs, is_mount: false }
}

impl Power {
    const fn mount(self) -> Self {
        Self { is_mount: true, ..self }
    }
}

/// `SOCKET` is the daemon's.
const POWERS: &[Power] = &[
    power(r#""HostConfig":{"Privileged":true}"#, "ALLOW_PRIVILEGED=1"),
    power(r#""HostConfig":{"PidMode":"host"}"#, "ALLOW_HOST_NAMESPACES=pid"),
    power(r#""HostConfig":{"IpcMode":"host"}"#, "ALLOW_HOST_NAMESPACES=ipc"),
    power(r#""HostConfig":{"UTSMode":"host"}"#, "ALLOW_HOST_NAMESPACES=uts"),
    power(r#""HostConfig":{"NetworkMode":"host"}"#, "ALLOW_HOST_NAMESPACES=network"),
    power(r#""HostConfig":{"CapAdd":["SYS_ADMIN"]}"#, "ALLOW_CAPABILITIES=SYS_ADMIN"),
    power(
        r#""HostConfig":{"Devices":[{"PathOnHost":"/dev/kmsg","PathInContainer":"/dev/kmsg","CgroupPermissions":"rwm"}]}"#,
        "ALLOW_DEVICES=/dev/kmsg",
    ),
    power(
        r#""HostConfig":{"SecurityOpt":["seccomp=unconfined"]}"#,
        "ALLOW_SECURITY_OPT=seccomp=unconfined",
    ),
    power(r#""HostConfig":{"Binds":["/etc:/e"]}"#, "ALLOW_BIND_MOUNTS=/etc").mount(),
    power(r#""HostConfig":{"Binds":["/etc:/e:ro"]}"#, "ALLOW_BIND_MOUNTS=/etc:ro").mount(),
    power(
        r#""HostConfig":{"Mounts":[{"Type":"bind","Source":"/etc","Target":"/e","ReadOnly":true}]}"#,
        "ALLOW_BIND_MOUNTS=/etc:ro",
    )
    .mount(),
    power(r#""HostConfig":{"Binds":["SOCKET:/s:ro"]}"#, "ALLOW_BIND_MOUNTS=SOCKET:ro").mount(),
    power(r#""HostConfig":{"Binds":["bound:/e:ro"]}"#, "ALLOW_BIND_MOUNTS=/etc:ro").mount(),
    power(r#""HostConfig":{"VolumesFrom":["giver"]}"#, "ALLOW_BIND_MOUNTS=/etc").mount(),
];

/// An archive of nothing.
const EMPTY: &str = "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

/// Copies from and into a running container are refused for a weakness of the engine too.
const UNSHIELDED: &str = "ENGINE_FIXED=*";

const EXEC: &str = r#"{"Cmd":["true"]}"#;

/// Makes and starts the container `box` straight on the daemon, with these entries. Whether it runs:
/// this machine may have too little for a privileged one.
fn make(lab: &Lab, entries: &str) -> Result<bool, String> {
    let daemon = lab.daemon().endpoint();
    create(&daemon, &with_socket(lab, entries))?;
    match ask(&daemon, "POST", "/containers/box/start", "") {
        Err(why) if why.contains("unable to apply caps") => Ok(false),
        outcome => outcome.map(|_| true),
    }
}

/// Whatever the daemon makes of it, it has got it.
fn passes(outcome: Result<String, String>) -> Result<(), String> {
    outcome.map(drop).or_else(|why| if why.contains("dockgate: ") { Err(why) } else { Ok(()) })
}

/// What `make` needs: a volume that is a bind mount, and a container that has one.
fn prepare(lab: &Lab) -> Result<(), String> {
    let daemon = lab.daemon().endpoint();
    let volume = r#"{"Name":"bound","DriverOpts":{"type":"none","o":"bind","device":"/etc"}}"#;
    ask(&daemon, "POST", "/volumes/create", volume)?;
    let giver = r#"{"Image":"bb","Cmd":["true"],"HostConfig":{"Binds":["/etc:/e"]}}"#;
    ask(&daemon, "POST", "/containers/create?name=giver", giver).map(drop)
}

/// Makes an exec in `box` straight on the daemon; its id.
fn exec(endpoint: &Endpoint, body: &str) -> Result<String, String> {
    let made = ask(endpoint, "POST", "/containers/box/exec", body)?;
    let made: serde_json::Value = serde_json::from_str(&made).map_err(|error| error.to_string())?;
    made["Id"].as_str().map(str::to_owned).ok_or_else(|| made.to_string())
}

fn with_socket(lab: &Lab, text: &str) -> String {
    text.replace("SOCKET", &lab.daemon().socket().display().to_string())
}

fn powerful(lab: &Lab) -> Result<(), Failed> {
    prepare(lab)?;
    let gate = gate(lab, UNSHIELDED)?;
    for power in POWERS {
        let runs = make(lab, power.entries).map_err(|why| format!("{}: {why}", power.entries))?;
        let id = if runs { exec(&lab.daemon().endpoint(), EXEC)? } else { String::new() };
        let mark = lab.daemon().mark();
        let needs = with_socket(lab, power.needs);
        let words = format!("needs {needs} or ALLOW_EXISTING=1");
        let archive = EMPTY.repeat(32);
        for (method, target, body) in [
            ("POST", "/containers/box/exec", EXEC),
            ("POST", "/containers/box/attach?stream=1&stdin=1", ""),
            ("GET", "/containers/box/attach/ws?stream=1", ""),
            ("PUT", "/containers/box/archive?path=/tmp", &archive),
            ("POST", &format!("/exec/{id}/start"), r#"{"Detach":true}"#),
            ("POST", &format!("/exec/{id}/resize?h=1&w=1"), ""),
        ]
        .into_iter()
        .filter(|(_, target, _)| runs || !target.starts_with("/exec/"))
        {
            refused(ask(&gate.endpoint(), method, target, body), &words)
                .map_err(|why| format!("{} {method} {target}: {why}", power.entries))?;
        }
        let read = gate.endpoint().ask("GET", "/containers/box/archive?path=/tmp", "")?;
        let head =
            gate.endpoint().connect()?.open("HEAD", "/containers/box/archive?path=/tmp", "")?;
        let expected = if power.is_mount { 403 } else { 200 };
        if (read.status, head.status) != (expected, expected) {
            return Err(format!("{}: {read:?} {head:?}", power.entries).into());
        }
        let looks = |call: &String| {
            let is_read = !power.is_mount && call.contains("/archive?");
            let is_question = call.ends_with("/json") || call == "GET /info";
            is_read && !call.starts_with("PUT")
                || call.starts_with("GET /volumes/")
                || call.starts_with("GET ") && is_question
        };
        if let Some(call) = lab.daemon().calls_since(&mark).iter().find(|call| !looks(call)) {
            return Err(format!("{}: the daemon was asked {call}", power.entries).into());
        }
        remove(lab)?;
    }
    Ok(())
}

/// A gate lets all of it pass.
fn all_passes(gate: &Gate, runs: bool, is_written: bool) -> Result<(), String> {
    let id = if runs { exec(&gate.endpoint(), EXEC)? } else { "nobody".to_owned() };
    let archive = EMPTY.repeat(32);
    for (method, target, body) in [
        ("POST", "/containers/box/exec".to_owned(), EXEC),
        ("POST", format!("/exec/{id}/start"), r#"{"Detach":true}"#),
        ("POST", format!("/exec/{id}/resize?h=1&w=1"), ""),
        ("GET", "/containers/box/archive?path=/tmp".to_owned(), ""),
        ("PUT", "/containers/box/archive?path=/tmp".to_owned(), &archive),
    ] {
        if is_written || method != "PUT" {
            passes(ask(&gate.endpoint(), method, &target, body))
                .map_err(|why| format!("{method} {target}: {why}"))?;
        }
    }
    Ok(())
}

fn opened(lab: &Lab) -> Result<(), Failed> {
    prepare(lab)?;
    for power in POWERS {
        let context = |why: String| format!("{}: {why}", power.entries);
        let runs = make(lab, power.entries).map_err(context)?;
        let open = gate(lab, &format!("{UNSHIELDED} {}", with_socket(lab, power.needs)))?;
        all_passes(&open, runs, true).map_err(context)?;
        drop(open);
        // What is written through a writable mount is on the host.
        let is_written = !power.is_mount || power.needs.ends_with(":ro");
        all_passes(&gate(lab, &format!("{UNSHIELDED} ALLOW_EXISTING=1"))?, runs, is_written)
            .map_err(context)?;
        remove(lab)?;
    }
    Ok(())
}

fn privileged_exec(lab: &Lab) -> Result<(), Failed> {
    make(lab, r#""Labels":{}"#)?;
    let gate = gate(lab, UNSHIELDED)?;
    let id = exec(&lab.daemon().endpoint(), r#"{"Cmd":["true"],"Privileged":true}"#)?;
    let mark = lab.daemon().mark();
    for (target, body) in [
        (format!("/exec/{id}/start"), r#"{"Detach":true}"#),
        (format!("/exec/{id}/resize?h=1&w=1"), ""),
    ] {
        refused(ask(&gate.endpoint(), "POST", &target, body), "needs ALLOW_EXEC_PRIVILEGED=1")
            .map_err(|why| format!("{target}: {why}"))?;
    }
    if let Some(call) =
        lab.daemon().calls_since(&mark).iter().find(|call| !call.starts_with("GET "))
    {
        return Err(format!("the daemon was asked {call}").into());
    }
    all_passes(&gate, true, true)?;
    drop(gate);
    let open = super::gate(lab, &format!("{UNSHIELDED} ALLOW_EXEC_PRIVILEGED=1"))?;
    passes(ask(&open.endpoint(), "POST", &format!("/exec/{id}/start"), r#"{"Detach":true}"#))?;
    Ok(())
}

/// Options of `docker run` for ordinary containers, one kind a line.
const ORDINARY: &str = "
--network none
--network net
--network net --network-alias alias -p 127.0.0.1::80 -p 53/udp -P --expose 81
--network net --link giver:linked
--network none -v data:/d
--network none -v data:/d:ro --mount type=volume,src=other,dst=/o,readonly
--network none -v /anonymous
--network none --tmpfs /t --mount type=tmpfs,dst=/u,tmpfs-size=1m
--network none -v small:/s
--network none --memory 64m --memory-swap 64m --cpus 0.5 --cpuset-cpus 0 --pids-limit 100 --ulimit nofile=64:128 --shm-size 1m
--network none --read-only --cap-drop ALL --cap-add CHOWN --cap-add cap_net_bind_service --security-opt no-new-privileges
--network none --user 1000:1000 --group-add 2000
--network none --init --restart always --stop-signal KILL --oom-score-adj 500
--network none -it
--network none --runtime runc
--network none --ipc private
--network none --ipc shareable
--network none --ipc none
--network none --cgroupns private
--network none --log-driver none
--network none --log-opt max-size=1m --label a=b -e A=b --hostname h --domainname d --add-host a:192.0.2.1 --dns 192.0.2.53
--network none --health-cmd true --health-interval 1s
";

const CLIENT: &str = r#"
    set -e
    echo kept >file
    echo data | docker exec -i $NAME cat | grep -q data
    case "$OPTIONS" in
        *read-only*--cap-drop*) ;;
        *) docker cp file $NAME:/tmp/file; docker cp $NAME:/tmp/file back ;;
    esac
    timeout -s KILL 0.5 docker attach --no-stdin --sig-proxy=false $NAME || [ $? = 137 ]
    docker rm -f -v $NAME >/dev/null
    # The same made through the gate, with the client attached from its start.
    case "$OPTIONS" in *-it*|*always*) exit ;; esac
    echo data | docker run -i --rm $OPTIONS bb cat | grep -q data
"#;

fn ordinary(lab: &Lab) -> Result<(), Failed> {
    lab.fresh_work_directory()?;
    let daemon = lab.daemon().endpoint();
    let gate = gate(lab, UNSHIELDED)?;
    let made = lab.shell(
        &daemon,
        "docker network create --internal net && docker volume create --opt type=tmpfs --opt device=tmpfs --opt o=size=1m small \
         && docker run -d --name giver --network net bb sleep 300",
    )?;
    if made.code != Some(0) {
        return Err(made.stderr().into());
    }
    for options in ORDINARY.lines().filter(|line| !line.is_empty()) {
        let made =
            lab.shell(&daemon, &format!("docker run -d --name plain {options} bb sleep 300"))?;
        if made.code != Some(0) {
            return Err(format!("{options}: {}", made.stderr()).into());
        }
        let used =
            lab.shell(&gate.endpoint(), &format!("NAME=plain OPTIONS='{options}'\n{CLIENT}"))?;
        if used.code != Some(0) {
            return Err(format!("{options}: {}{}", used.stdout(), used.stderr()).into());
        }
    }
    Ok(())
}

fn spellings(lab: &Lab) -> Result<(), Failed> {
    let gate = gate(lab, UNSHIELDED)?;
    let archive = EMPTY.repeat(32);
    for entries in [r#""Labels":{}"#, r#""HostConfig":{"PidMode":"host"}"#] {
        make(lab, entries)?;
        let shown = super::shown(lab, "/containers/box/json")?;
        let id = shown["Id"].as_str().unwrap_or_default();
        let mark = lab.daemon().mark();
        for name in ["box", "b%6fx", id, &id[..12], &id[..6]] {
            for (method, rest, body) in
                [("POST", "exec", EXEC), ("PUT", "archive?path=/tmp", archive.as_str())]
            {
                let target = format!("/v1.41/containers/{name}/{rest}");
                let outcome = ask(&gate.endpoint(), method, &target, body);
                if entries.contains("host") {
                    refused(outcome, "needs ALLOW_HOST_NAMESPACES=pid")
                } else {
                    outcome.map(drop)
                }
                .map_err(|why| format!("{method} {target}: {why}"))?;
            }
        }
        // What was looked up is what is acted on, even if another had its name by then.
        let calls = lab.daemon().calls_since(&mark);
        let mut acted = calls.iter().filter(|call| !call.starts_with("GET"));
        let is_wrong = |call: &&String| entries.contains("host") || !call.contains(id);
        if let Some(call) = acted.find(is_wrong) {
            return Err(format!("{entries}: the daemon was asked {call}").into());
        }
        remove(lab)?;
    }
    for (target, message) in [
        ("/containers/nobody/exec", "No such container: nobody"),
        ("/exec/nobody/start", "No such exec instance: nobody"),
    ] {
        let said = |endpoint: &Endpoint| endpoint.ask("POST", target, EXEC);
        let (direct, through) = (said(&lab.daemon().endpoint())?, said(&gate.endpoint())?);
        if (through.status, through.message()?.as_str()) != (404, message) || direct.status != 404 {
            return Err(format!("{target}: {through:?}, and not {direct:?}").into());
        }
    }
    Ok(())
}

/// A daemon with another default runtime than the one that is confined as the gate expects.
fn runtimes(lab: &Lab) -> Result<(), Failed> {
    let create = |gate: &Gate, runtime: &str| {
        create(&gate.endpoint(), &format!(r#""HostConfig":{{"Runtime":"{runtime}"}}"#))
    };
    let plain = gate(lab, "")?;
    create(&plain, "runc")?;
    remove(lab)?;
    refused(create(&plain, "other"), "needs ALLOW_RUNTIMES=other")?;
    drop(plain);
    let settings = r#"{"default-runtime":"other","runtimes":{"other":{"path":"runc"}}}"#;
    let daemon = lab.start_daemon_with_settings("runtimes", settings)?;
    let gate = Gate::start(&daemon.socket(), "CONTAINERS=1 POST=1 INFO=1")?;
    let mark = daemon.mark();
    for runtime in ["runc", "io.containerd.runc.v2", "io.containerd.runtime.v1.linux"] {
        let words = format!("needs ALLOW_RUNTIMES={runtime}");
        refused(create(&gate, runtime), &words).map_err(|why| format!("{runtime}: {why}"))?;
    }
    if let Some(call) = daemon.calls_since(&mark).iter().find(|call| *call != "GET /info") {
        return Err(format!("the daemon was asked {call}").into());
    }
    // There is no image there: the daemon's own word shows that it has got it.
    for runtime in ["other", ""] {
        match create(&gate, runtime) {
            Err(why) if why.starts_with("404 No such image") => {}
            other => return Err(format!("{runtime:?}: {other:?}").into()),
        }
    }
    drop(gate);
    let open = Gate::start(&daemon.socket(), "CONTAINERS=1 POST=1 ALLOW_RUNTIMES=runc")?;
    match create(&open, "runc") {
        Err(why) if why.starts_with("404 No such image") => {}
        other => return Err(format!("{other:?}").into()),
    }
    drop((open, daemon));
    fs::remove_dir_all(lab.directory().join("runtimes"))?;
    Ok(())
}

/// What no engine masks more than, and what the oldest does not mask less than.
fn masked(lab: &Lab) -> Result<(), Failed> {
    let gate = gate(lab, "")?;
    make(lab, r#""Labels":{}"#)?;
    let shown = super::shown(lab, "/containers/box/json")?;
    remove(lab)?;
    let Some(paths) = shown["HostConfig"]["MaskedPaths"].as_array() else {
        return Err(format!("no masked paths: {shown}").into());
    };
    let listed = |paths: &[serde_json::Value]| {
        let list = serde_json::Value::from(paths.to_vec());
        create(&gate.endpoint(), &format!(r#""HostConfig":{{"MaskedPaths":{list}}}"#))
    };
    listed(paths)?;
    remove(lab)?;
    for index in 0..paths.len() {
        let mut fewer = paths.clone();
        let gone = fewer.remove(index);
        refused(listed(&fewer), "needs ALLOW_SECURITY_OPT=systempaths=unconfined")
            .map_err(|why| format!("without {gone}: {why}"))?;
    }
    Ok(())
}
