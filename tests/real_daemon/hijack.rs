//! Connections that stop being HTTP, byte for byte: what no client library shows, spoken by hand,
//! straight on the daemon's socket and through the gate.

use std::io;

use libtest_mimic::Failed;

use crate::Proof;
use crate::gate::Gate;
use crate::http::{Connection, Endpoint};
use crate::lab::Lab;

pub const PROOFS: &[Proof] = &[
    ("attach without an upgrade is a raw stream, and its input has an end", |lab| {
        alike(lab, attach)
    }),
    ("exec without an upgrade is a raw stream, and its input has an end", |lab| alike(lab, exec)),
    ("a websocket carries a container's input and output", |lab| alike(lab, websocket)),
    ("BuildKit's control API speaks HTTP/2 after the upgrade", |lab| alike(lab, grpc)),
    ("an upgrade that is not one is answered in HTTP, and the connection stays", |lab| {
        alike(lab, not_taken)
    }),
    ("what follows an upgrade that is not taken is judged", nothing_is_smuggled),
];

/// What exists is not asked about: who is not there is missed by the daemon, after the upgrade's head.
const POLICY: &str =
    "CONTAINERS=1 EXEC=1 GRPC=1 SESSION=1 POST=1 ALLOW_EXISTING=1 ALLOW_ORIGINS=http://x";
const NEW: &str = r#"{"Image":"bb","Cmd":["cat"],"OpenStdin":true,"Tty":true,"HostConfig":{"NetworkMode":"none"}}"#;

/// Plays a conversation on the daemon's socket and through the gate; both must go the same way.
fn alike(lab: &Lab, play: fn(&Endpoint) -> io::Result<Vec<u8>>) -> Result<(), Failed> {
    let direct = with_container(&lab.daemon().endpoint(), play)?;
    lab.daemon().sweep()?;
    let gate = Gate::start(&lab.daemon().socket(), POLICY)?;
    let through = with_container(&gate.endpoint(), play)?;
    if direct.is_empty() || direct != through {
        let [direct, through] = [direct, through].map(|bytes| bytes.escape_ascii().to_string());
        return Err(format!("direct:\n{direct}\nthrough the gate:\n{through}").into());
    }
    Ok(())
}

fn with_container(
    endpoint: &Endpoint,
    play: fn(&Endpoint) -> io::Result<Vec<u8>>,
) -> io::Result<Vec<u8>> {
    endpoint.ask("POST", "/containers/create?name=box", NEW)?;
    endpoint.ask("POST", "/containers/box/start", "")?;
    play(endpoint)
}

/// Sends a request and returns the answer's head, without what differs from second to second.
fn open(connection: &mut Connection, request: &str) -> io::Result<Vec<u8>> {
    connection.send(request.as_bytes())?;
    let head = connection.until(b"\r\n\r\n")?;
    let lines = head.split_inclusive(|&byte| byte == b'\n');
    Ok(lines.filter(|line| !line.starts_with(b"Date:")).flatten().copied().collect())
}

/// Says something, hears it from the terminal, ends, and hears the end.
fn talk(mut connection: Connection, mut heard: Vec<u8>) -> io::Result<Vec<u8>> {
    connection.send(b"hello\n")?;
    heard.extend(connection.until(b"hello\r\nhello\r\n")?);
    connection.send(b"\x04")?;
    connection.end()?;
    heard.extend(connection.rest()?);
    Ok(heard)
}

fn attach(endpoint: &Endpoint) -> io::Result<Vec<u8>> {
    let mut connection = endpoint.connect()?;
    let head = open(
        &mut connection,
        "POST /containers/box/attach?stream=1&stdin=1&stdout=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
    )?;
    talk(connection, head)
}

fn exec(endpoint: &Endpoint) -> io::Result<Vec<u8>> {
    let made = endpoint.ask(
        "POST",
        "/containers/box/exec",
        r#"{"AttachStdin":true,"AttachStdout":true,"Tty":true,"Cmd":["cat"]}"#,
    )?;
    let made: serde_json::Value = serde_json::from_str(&made.body)?;
    let id = made["Id"].as_str().unwrap_or_default();
    let mut connection = endpoint.connect()?;
    let head = open(
        &mut connection,
        &format!(
            "POST /exec/{id}/start HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
             Content-Length: 12\r\n\r\n{{\"Tty\":true}}"
        ),
    )?;
    talk(connection, head)
}

fn websocket(endpoint: &Endpoint) -> io::Result<Vec<u8>> {
    let mut connection = endpoint.connect()?;
    let mut heard = open(
        &mut connection,
        "GET /containers/box/attach/ws?stream=1&stdin=1&stdout=1 HTTP/1.1\r\nHost: x\r\nOrigin: http://x\r\n\
         Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    )?;
    // A binary frame of six bytes, masked with zeros (RFC 6455, section 5.2).
    connection.send(b"\x82\x86\0\0\0\0hello\n")?;
    // The terminal's echo and the output come in frames of their own, cut as the kernel likes:
    // that they come is what both ways have in common.
    connection.until(b"hello\r\n")?;
    heard.extend_from_slice(b"heard");
    Ok(heard)
}

fn grpc(endpoint: &Endpoint) -> io::Result<Vec<u8>> {
    let mut connection = endpoint.connect()?;
    let mut heard = open(
        &mut connection,
        "POST /grpc HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 0\r\n\r\n",
    )?;
    // The preface and empty SETTINGS (RFC 9113, section 3.4); the server's SETTINGS come back.
    connection.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0")?;
    heard.extend(connection.until(b"\x04\0\0\0\0\0")?);
    Ok(heard)
}

fn not_taken(endpoint: &Endpoint) -> io::Result<Vec<u8>> {
    let mut connection = endpoint.connect()?;
    let mut heard = open(&mut connection, MISSING)?;
    heard.extend(connection.until(b"}\n")?);
    heard.extend(open(&mut connection, "GET /_ping HTTP/1.1\r\nHost: x\r\n\r\n")?);
    heard.extend(connection.until(b"OK")?);
    Ok(heard)
}

/// The daemon answers 404 and goes on reading requests.
const MISSING: &str = "POST /exec/nobody/start HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\
                       Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";

fn nothing_is_smuggled(lab: &Lab) -> Result<(), Failed> {
    let behind = "GET /containers/json?smuggled=1 HTTP/1.1\r\nHost: x\r\n\r\n";
    // The daemon itself would run it.
    let mark = lab.daemon().mark();
    let mut direct = lab.daemon().endpoint().connect()?;
    open(&mut direct, &format!("{MISSING}{behind}"))?;
    direct.until(b"[]\n")?;
    if !lab.daemon().calls_since(&mark).iter().any(|call| call.contains("smuggled")) {
        return Err("this daemon does not run what follows: the trial shows nothing".into());
    }

    let gate = Gate::start(&lab.daemon().socket(), "EXEC=1 POST=1 ALLOW_EXISTING=1")?;
    let mark = lab.daemon().mark();
    let mut through = gate.endpoint().connect()?;
    open(&mut through, &format!("{MISSING}{behind}"))?;
    let refusal = through.until(b"CONTAINERS=1")?;
    let calls = lab.daemon().calls_since(&mark);
    if calls.iter().any(|call| call.contains("smuggled")) || calls.len() != 1 {
        return Err(format!("{}; the daemon has run {calls:?}", refusal.escape_ascii()).into());
    }
    Ok(())
}
