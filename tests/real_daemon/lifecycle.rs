//! The daemon goes and comes back, the gate is told to stop, it may not open the socket: each ends as a user would want.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use libtest_mimic::Failed;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::Proof;
use crate::gate::{ANY_PORT, BINARY, Gate, Setup};
use crate::lab::Lab;
use crate::process::{HANG, eventually, wait};

pub const PROOFS: &[Proof] = &[
    ("it says at its start where it listens and what it filters", says_what_it_does),
    ("the daemon is killed and comes back, and the gate with it", survives_the_daemon),
    ("a daemon that is stopped and goes on answers each request once", waits_for_the_daemon),
    ("a daemon that is killed under load leaves nobody without an end", restarts_under_load),
    ("a socket that may not be opened is explained by its group and mode", explains_permissions),
    (
        "told to stop it lets a short exchange end, and ends with exit code 0",
        lets_short_exchanges_end,
    ),
    ("told to stop it cuts a stream when the grace is over", |lab| cuts_streams(lab, 1)),
    ("told to stop without any grace it cuts a stream at once", |lab| cuts_streams(lab, 0)),
    ("told to stop it takes no new connections", takes_no_more),
];

fn says_what_it_does(lab: &Lab) -> Result<(), Failed> {
    let socket = lab.daemon().socket();
    let gate = Gate::start(&socket, "")?;
    let filtering = format!("Filtering Docker API requests to {}", socket.display());
    eventually(HANG, || Ok(gate.log().contains(&filtering))).map_err(|_| gate.log())?;
    gate.stop()?;
    Ok(())
}

fn survives_the_daemon(lab: &Lab) -> Result<(), Failed> {
    let mut daemon = lab.start_daemon("second")?;
    let gate = Gate::start(&daemon.socket(), "CONTAINERS=1")?;
    let list = || gate.endpoint().ask("GET", "/containers/json", "");
    if list()?.status != 200 {
        return Err("not even the first request got through".into());
    }
    let mut events = gate.endpoint().connect()?;
    events.open("GET", "/events", "")?;
    daemon.crash()?;
    if !events.ends() {
        return Err("a stream outlived the daemon".into());
    }
    // Killed, it leaves a socket file that nobody listens on; a daemon that stopped takes the file with it.
    for gone in [false, true] {
        if gone {
            fs::remove_file(daemon.socket())?;
        }
        let absent = list()?;
        let start =
            format!("dockgate: cannot connect to Docker daemon at {}: ", daemon.socket().display());
        if absent.status != 503 || !absent.message()?.starts_with(&start) {
            return Err(format!("{} {}", absent.status, absent.body).into());
        }
    }
    daemon.start_again()?;
    let back = list()?;
    if back.status == 200 { Ok(()) } else { Err(format!("{} {}", back.status, back.body).into()) }
}

fn waits_for_the_daemon(lab: &Lab) -> Result<(), Failed> {
    const LIST: &[u8] = b"GET /containers/json HTTP/1.1\r\nHost: docker\r\n\r\n";
    let daemon = lab.start_daemon("stopped")?;
    let gate = Gate::start(&daemon.socket(), "CONTAINERS=1")?;
    let mut known = gate.endpoint().connect()?;
    known.ask("GET", "/containers/json", "")?;
    let mark = daemon.mark();
    let pid = Pid::from_raw(daemon.pid().cast_signed());
    kill(pid, Signal::SIGSTOP)?;
    // One with a connection to the daemon, and one for whom the gate has to make it now.
    let mut clients = [known, gate.endpoint().connect()?];
    for client in &mut clients {
        client.send(LIST)?;
    }
    let refused = gate.endpoint().ask("GET", "/volumes", "")?.status;
    kill(pid, Signal::SIGCONT)?;
    let answers = clients.map(|mut client| client.answer().map(|answer| answer.status));
    let [Ok(200), Ok(200)] = answers else { return Err(format!("{answers:?}").into()) };
    let calls = daemon.all_calls_since(&mark);
    if refused != 403 || calls.len() != 2 {
        return Err(format!("{refused} while it stood still; it has run {calls:?}").into());
    }
    Ok(())
}

fn restarts_under_load(lab: &Lab) -> Result<(), Failed> {
    const CLIENTS: usize = 8;
    let mut daemon = lab.start_daemon("loaded")?;
    let gate = Gate::start(&daemon.socket(), "CONTAINERS=1")?;
    let (over, served, told) = (AtomicBool::new(false), AtomicUsize::new(0), AtomicUsize::new(0));
    let play = || -> Result<(), String> {
        while !over.load(Relaxed) {
            let Ok(mut client) = gate.endpoint().connect() else { return Err("no gate".into()) };
            // As many on one connection as it lasts: its end is one, nothing else is.
            while let Ok(answer) = client.ask("GET", "/containers/json", "") {
                match answer.status {
                    200 => served.fetch_add(1, Relaxed),
                    502 | 503 => told.fetch_add(1, Relaxed),
                    status => return Err(format!("{status} {}", answer.body)),
                };
                if over.load(Relaxed) {
                    break;
                }
            }
        }
        Ok(())
    };
    let ended: io::Result<Vec<Result<(), String>>> = thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(play)).collect();
        let restarted = (0..2).try_for_each(|_| {
            let before = served.load(Relaxed);
            eventually(HANG, || Ok(served.load(Relaxed) > before + CLIENTS))?;
            daemon.crash()?;
            daemon.start_again()
        });
        let before = served.load(Relaxed);
        let back = restarted
            .and_then(|()| eventually(HANG, || Ok(served.load(Relaxed) > before + CLIENTS)));
        over.store(true, Relaxed);
        let panicked = || Err("a client panicked".to_owned());
        let ends = clients.into_iter().map(|one| one.join().unwrap_or_else(|_| panicked()));
        let ends = ends.collect();
        back.map(|()| ends)
    });
    ended?.into_iter().collect::<Result<(), String>>()?;
    if told.load(Relaxed) == 0 {
        return Err("nobody was told that the daemon is gone".into());
    }
    gate.stop()?;
    Ok(())
}

fn explains_permissions(lab: &Lab) -> Result<(), Failed> {
    // The build directory may be closed to others; a copy of the binary is not.
    let binary = lab.directory().join("dockgate");
    fs::copy(BINARY, &binary)?;
    let socket = lab.daemon().socket();
    fs::set_permissions(&socket, fs::Permissions::from_mode(0o660))?;
    let gate = Gate::start_with(&Setup {
        binary,
        socket: &socket,
        policy: "",
        listen: ANY_PORT,
        uid: Some(65_534),
    })?;
    let answer = gate.endpoint().ask("GET", "/version", "")?;
    let message = answer.message()?;
    let start = format!("dockgate: cannot connect to Docker daemon at {}: ", socket.display());
    let names_both = message.contains("group") && message.contains("0660");
    if answer.status != 502 || !message.starts_with(&start) || !names_both {
        return Err(format!("{} {message}", answer.status).into());
    }
    gate.stop()?;
    Ok(())
}

fn lets_short_exchanges_end(lab: &Lab) -> Result<(), Failed> {
    let gate = Gate::start(&lab.daemon().socket(), "CONTAINERS=1 POST=1 SHUTDOWN_GRACE=30")?;
    let deaf =
        "docker run -d --name box --network none bb sh -c 'trap : TERM; while :; do sleep 1; done'";
    lab.shell(&gate.endpoint(), deaf)?;
    let mark = lab.daemon().mark();
    let mut stopping = spawn(lab, &gate, "exec docker stop -t 2 box")?;
    eventually(HANG, || {
        Ok(lab.daemon().calls_since(&mark).iter().any(|call| call.contains("/stop")))
    })?;
    gate.ask_to_stop();
    let stopped = wait(&mut stopping, HANG)?;
    let took = gate.ended()?;
    if !stopped.success() || took > Duration::from_secs(15) {
        return Err(format!("docker stop: {stopped}; the gate ended after {took:?}").into());
    }
    Ok(())
}

fn cuts_streams(lab: &Lab, grace_seconds: u64) -> Result<(), Failed> {
    let gate = Gate::start(&lab.daemon().socket(), &format!("SHUTDOWN_GRACE={grace_seconds}"))?;
    let mut events = gate.endpoint().connect()?;
    let head = events.open("GET", "/events", "")?;
    if head.status != 200 {
        return Err(format!("{} for /events", head.status).into());
    }
    let took = gate.stop()?;
    let (least, most) =
        (Duration::from_secs(grace_seconds), Duration::from_secs(grace_seconds + 8));
    if !events.ends() || took + Duration::from_millis(100) < least || took > most {
        return Err(format!("it took {took:?} with a grace of {grace_seconds} s").into());
    }
    Ok(())
}

fn takes_no_more(lab: &Lab) -> Result<(), Failed> {
    let gate = Gate::start(&lab.daemon().socket(), "SHUTDOWN_GRACE=30")?;
    let mut events = gate.endpoint().connect()?;
    events.open("GET", "/events", "")?;
    gate.ask_to_stop();
    eventually(HANG, || Ok(gate.endpoint().connect().is_err()))?;
    drop(events);
    gate.ended()?;
    Ok(())
}

fn spawn(lab: &Lab, gate: &Gate, line: &str) -> io::Result<Child> {
    lab.command(&gate.endpoint(), line).stdin(Stdio::null()).stdout(Stdio::null()).spawn()
}
