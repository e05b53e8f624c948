//! What the gate's memory is at rest and with idle attached clients: each two descriptors and a
//! task, and no buffer.

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use std::io::{Read, Write};
use std::os::unix::net::UnixListener;
use std::thread;
use support::{Gate, Stream};

mod support;

const CLIENTS: u32 = 5_000;
const ATTACH: &[u8] =
    b"POST /containers/x/attach?stream=1&stdin=1&stdout=1 HTTP/1.1\r\nHost: x\r\n\
    Connection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 0\r\n\r\n";
const UPGRADED: &[u8] = b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n";

/// Upgrades one connection after another, and keeps them.
fn stand_in(listener: UnixListener) {
    thread::spawn(move || {
        let mut kept = Vec::new();
        for mut connection in listener.incoming().flatten() {
            let mut head = [0; ATTACH.len()];
            // The gate looks at its start whether anybody is here, and leaves again.
            if connection.read_exact(&mut head).is_ok() {
                connection.write_all(UPGRADED).expect("sent");
                kept.push(connection);
            }
        }
    });
}

fn main() {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).expect("a limit");
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard).expect("the hard limit is there to be had");
    let gate = Gate::start(stand_in);
    let rest = gate.resident_kib();
    let clients: Vec<Box<dyn Stream>> = (0..CLIENTS)
        .map(|_| {
            let mut client = gate.tcp();
            client.write_all(ATTACH).expect("sent");
            let mut head = [0; UPGRADED.len()];
            client.read_exact(&mut head).expect("upgraded");
            client
        })
        .collect();
    let full = gate.resident_kib();
    println!("at rest: {rest} KiB");
    println!("with {} idle attached clients: {full} KiB", clients.len());
    println!("for each: {} bytes", (full - rest) * 1024 / u64::from(CLIENTS));
}
