//! A dockerd of its own, with nothing shared but the kernel, and what is played on it through a gate:
//! less than on the stand-in, since what it does costs far more than what the gate does.

use crate::Failure;
use crate::bed::{Hand, head};
use crate::client::Client;
use crate::kinds::{self, Kind};
use crate::pattern::piece;
use crate::refusals;
use socket2::SockAddr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

const START_PATIENCE: Duration = Duration::from_secs(60);

#[rustfmt::skip]
pub const KINDS: &[Kind] = &[
    Kind { name: "ping, connection kept", per_second: 40.0, hands: 1, play: kinds::ping },
    Kind { name: "ping, new connection", per_second: 10.0, hands: 1, play: kinds::fresh_ping },
    Kind { name: "list of containers", per_second: 10.0, hands: 1, play: list },
    Kind { name: "refused or malformed, every kind in turn", per_second: 20.0, hands: 1, play: refusals::refused },
    Kind { name: "create that may not", per_second: 5.0, hands: 1, play: refusals::refused_create },
    Kind { name: "create and remove", per_second: 1.0, hands: 1, play: create_and_remove },
    Kind { name: "exec, echo, half-close", per_second: 1.0, hands: 2, play: exec },
    Kind { name: "events, abandoned", per_second: 2.0, hands: 1, play: |hand| abandoned(hand, "GET /events", "SystemEvents") },
    Kind { name: "logs, followed and abandoned", per_second: 2.0, hands: 1, play: |hand| abandoned(hand, "GET /containers/box/logs?follow=1&stdout=1", "ContainerLogs") },
];

const CREATE: &str =
    r#"{"Image":"bb","Cmd":["cat"],"OpenStdin":true,"HostConfig":{"NetworkMode":"none"}}"#;

/// A running dockerd, ended when dropped.
pub struct Engine {
    child: Child,
    folder: PathBuf,
}

impl Engine {
    /// Starts it, and a container `box` in it of the machine's static busybox.
    pub fn start(folder: &Path) -> Result<Self, Failure> {
        fs::create_dir(folder)?;
        let mut engine = Self { child: dockerd(folder)?, folder: folder.to_owned() };
        engine.wait_until_it_answers()?;
        let image = engine.image()?;
        let mut client = Client::connect(&SockAddr::unix(engine.socket())?)?;
        let import = "POST /v1.41/images/create?fromSrc=-&repo=bb HTTP/1.1\r\nHost: docker\r\n";
        client.send(format!("{import}Content-Length: {}\r\n\r\n", image.len()))?;
        client.send(image)?;
        client.answer(200)?;
        client.ask(&with_json("POST /v1.41/containers/create?name=box", CREATE), 201)?;
        client.ask(&with_json("POST /v1.41/containers/box/start", ""), 204)?;
        Ok(engine)
    }

    pub fn socket(&self) -> PathBuf {
        self.folder.join("docker.sock")
    }

    fn wait_until_it_answers(&mut self) -> Result<(), Failure> {
        let (begun, socket) = (Instant::now(), SockAddr::unix(self.socket())?);
        while Client::connect(&socket).and_then(|mut client| client.ask(kinds::PING, 200)).is_err()
        {
            if self.child.try_wait()?.is_some() || begun.elapsed() > START_PATIENCE {
                let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
                return Err(format!("dockerd does not start: {log}").into());
            }
            thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }

    /// An archive with nothing but busybox as `/bin/cat`.
    fn image(&self) -> Result<Vec<u8>, Failure> {
        let root = self.folder.join("root");
        fs::create_dir_all(root.join("bin"))?;
        fs::copy("/bin/busybox", root.join("bin/cat"))?;
        let packed = Command::new("tar").arg("-C").arg(root).args(["-c", "."]).output()?;
        Ok(packed.stdout)
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let pid = self.child.id().to_string();
        let _ = Command::new("kill").args(["-s", "TERM", &pid]).status();
        let begun = Instant::now();
        while begun.elapsed() < START_PATIENCE && matches!(self.child.try_wait(), Ok(None)) {
            thread::sleep(Duration::from_millis(50));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn dockerd(folder: &Path) -> Result<Child, Failure> {
    fs::write(folder.join("daemon.json"), "{}")?;
    let log = File::create(folder.join("log"))?;
    let namespace = format!("dockgate-soak-{}", std::process::id());
    let mut command = Command::new("dockerd");
    command.arg("--data-root").arg(folder.join("data"));
    command.arg("--exec-root").arg(folder.join("exec"));
    command.arg("--pidfile").arg(folder.join("pid"));
    command.arg("--config-file").arg(folder.join("daemon.json"));
    command.arg("--host").arg(format!("unix://{}", folder.join("docker.sock").display()));
    command.args(["--containerd-namespace", &namespace]);
    command.arg("--containerd-plugins-namespace").arg(format!("{namespace}-plugins"));
    command.args(["--bridge=none", "--iptables=false", "--log-level", "info"]);
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    command.spawn().map_err(|error| format!("dockerd: {error}").into())
}

fn with_json(method_and_path: &str, json: &str) -> String {
    let (head, length) = (head(method_and_path, 0, 0), json.len());
    format!("{head}Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{json}")
}

fn id(answer: &str) -> Result<String, Failure> {
    let answer: serde_json::Value = serde_json::from_str(answer)?;
    Ok(answer["Id"].as_str().ok_or("no Id")?.to_owned())
}

fn list(hand: &mut Hand) -> Result<(), Failure> {
    hand.kept(|client, hand| {
        let said = client.ask(&(head("GET /v1.41/containers/json", 0, 0) + "\r\n"), 200)?;
        let list: serde_json::Value = serde_json::from_str(&said)?;
        hand.tally.allowed("ContainerList");
        let is_there = list[0]["Names"][0] == "/box";
        if is_there { Ok(()) } else { Err(said.into()) }
    })
}

fn create_and_remove(hand: &mut Hand) -> Result<(), Failure> {
    hand.kept(|client, hand| {
        let id = id(&client.ask(&with_json("POST /v1.41/containers/create", CREATE), 201)?)?;
        hand.tally.allowed("ContainerCreate");
        let removal = head(&format!("DELETE /v1.41/containers/{id}"), 0, 0) + "\r\n";
        client.ask(&removal, 204)?;
        hand.tally.allowed("ContainerDelete");
        Ok(())
    })
}

/// What `cat` says comes in frames, each with 8 bytes before it.
fn exec(hand: &mut Hand) -> Result<(), Failure> {
    let mut client = hand.client()?;
    let asked = r#"{"AttachStdin":true,"AttachStdout":true,"Cmd":["cat"]}"#;
    let id = id(&client.ask(&with_json("POST /v1.41/containers/box/exec", asked), 201)?)?;
    hand.tally.allowed("ContainerExec");
    let start = with_json(&format!("POST /v1.41/exec/{id}/start"), "{}");
    client.send(start.replacen("\r\n", "\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n", 1))?;
    client.expect_head(101)?;
    hand.tally.allowed("ExecStart");
    hand.tally.tunnelled();
    let (place, bytes) = (hand.place(), hand.random.between(1, 60_000));
    client.send_pattern(place, bytes)?;
    client.end()?;
    let framed = client.rest()?;
    let (mut said, mut left) = (Vec::new(), framed.as_slice());
    while let Some(([_, _, _, _, a, b, c, d], rest)) = left.split_first_chunk::<8>() {
        let length = u32::from_be_bytes([*a, *b, *c, *d]);
        let (frame, rest) = rest.split_at_checked(length.try_into()?).ok_or("a torn frame")?;
        said.extend_from_slice(frame);
        left = rest;
    }
    if said == piece(place, bytes.try_into()?) { Ok(()) } else { Err("BYTES DIFFER".into()) }
}

/// The daemon ends it when it learns that the client has gone: which comes first, nobody knows.
fn abandoned(hand: &mut Hand, what: &str, operation: &str) -> Result<(), Failure> {
    let mut client = hand.client()?;
    client.send(head(what, 0, 0) + "\r\n")?;
    client.expect_head(200)?;
    hand.tally.expect_somehow(operation);
    thread::sleep(Duration::from_millis(hand.random.between(1, 300)));
    if hand.random.coin() { client.reset() } else { Ok(()) }
}
