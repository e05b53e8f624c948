//! What is measured: for each figure its rows in the table, and the load that brings it out.

use crate::Failure;
use crate::client::Client;
use crate::load::{self, Framing};
use crate::processes::{Kind, Peer};
use std::path::Path;
use std::thread;
use std::time::Duration;

/// Small things are done that often: a fraction of a second, in which a hiccup of the machine does
/// not move the median.
const SMALL: u32 = 15_000;

const CROWD: u32 = 32;
const CROWD_TIME: Duration = Duration::from_secs(1);
const BULK_GIB: f64 = 0.5;
const BULK_BYTES: u64 = 512 << 20;
const IDLE_CLIENTS: usize = 5_000;

/// One load, and what is read off it.
pub struct Figure {
    /// For `--only`.
    pub name: &'static str,
    pub rows: &'static [Row],
    /// The same each time, and slow: the first round's holds.
    pub once: bool,
    /// A value for each row; NaN where there is none.
    pub measure: fn(&Bed<'_>) -> Result<Vec<f64>, Failure>,
}

/// A line of the table.
pub struct Row {
    pub label: &'static str,
    /// Decimal places.
    pub places: usize,
}

/// Where a figure is measured.
pub struct Bed<'r> {
    /// Running for all of the figures.
    pub peer: &'r Peer,
    /// For those that want a fresh one.
    pub kind: &'r Kind,
    pub daemon: &'r Path,
}

const fn row(label: &'static str, places: usize) -> Row {
    Row { label, places }
}

pub const FIGURES: [Figure; 12] = [
    Figure {
        name: "ping",
        rows: &[row("ping, connection kept, p50 µs", 1), row("ping, connection kept, p99 µs", 1)],
        once: false,
        measure: |bed| {
            let times = load::kept(&bed.peer.address, load::PING, 200, SMALL)?;
            Ok(vec![micros(quantile(&times, 0.5)), micros(quantile(&times, 0.99))])
        },
    },
    Figure {
        name: "connect",
        rows: &[row("ping, a new connection each, p50 µs", 1)],
        once: false,
        measure: |bed| Ok(vec![micros(quantile(&load::made(&bed.peer.address, SMALL / 3)?, 0.5))]),
    },
    Figure {
        name: "list",
        rows: &[row("JSON answer of 64 KiB, p50 µs", 1)],
        once: false,
        measure: |bed| {
            let times = load::kept(&bed.peer.address, load::LIST, 200, SMALL / 3)?;
            Ok(vec![micros(quantile(&times, 0.5))])
        },
    },
    Figure {
        name: "echo",
        rows: &[row("one byte there and back, attached, p50 µs", 1)],
        once: false,
        measure: |bed| Ok(vec![micros(quantile(&load::echoed(&bed.peer.address, SMALL)?, 0.5))]),
    },
    Figure {
        name: "rate",
        rows: &[row("requests/s, 32 connections", 0), row("CPU µs/request of the proxy", 1)],
        once: false,
        measure: |bed| {
            let mut answered = 0.0;
            let cpu = charged(bed.peer, || {
                answered = f64::from(load::crowded(&bed.peer.address, CROWD, CROWD_TIME)?);
                Ok(())
            })?;
            Ok(vec![answered / CROWD_TIME.as_secs_f64(), cpu * 1e6 / answered])
        },
    },
    Figure {
        name: "event",
        rows: &[row("delay of an event, ms", 2)],
        once: false,
        measure: |bed| {
            let delays = load::delays(&bed.peer.address, 4)?;
            Ok(vec![micros(quantile(&delays, 0.5)) / 1e3])
        },
    },
    Figure {
        name: "download-chunks",
        rows: &[row("download, chunked, GiB/s", 2), row("CPU s/GiB of the proxy", 3)],
        once: false,
        measure: |bed| bulk(bed, Framing::Chunks, load::download),
    },
    Figure {
        name: "download-length",
        rows: &[row("download, Content-Length, GiB/s", 2), row("CPU s/GiB of the proxy", 3)],
        once: false,
        measure: |bed| bulk(bed, Framing::Length, load::download),
    },
    Figure {
        name: "upload-chunks",
        rows: &[row("upload, chunked, GiB/s", 2), row("CPU s/GiB of the proxy", 3)],
        once: false,
        measure: |bed| bulk(bed, Framing::Chunks, load::upload),
    },
    Figure {
        name: "upload-length",
        rows: &[row("upload, Content-Length, GiB/s", 2), row("CPU s/GiB of the proxy", 3)],
        once: false,
        measure: |bed| bulk(bed, Framing::Length, load::upload),
    },
    Figure {
        name: "start",
        rows: &[row("start to first answer, ms", 1), row("memory at rest, MiB", 1)],
        once: false,
        measure: |bed| {
            let (peer, time) = Peer::start(bed.kind, bed.daemon)?;
            let resident = resident_mib(&peer)?;
            Ok(vec![if resident.is_nan() { f64::NAN } else { micros(time) / 1e3 }, resident])
        },
    },
    Figure {
        name: "crowd",
        rows: &[row("memory with 5,000 idle attached clients, MiB", 1)],
        once: true,
        measure: |bed| {
            let (peer, _) = Peer::start(bed.kind, bed.daemon)?;
            if peer.process().is_none() {
                return Ok(vec![f64::NAN]);
            }
            let clients: Vec<Client> =
                (0..IDLE_CLIENTS).map_while(|_| load::attached(&peer.address).ok()).collect();
            let resident = resident_mib(&peer)?;
            if clients.len() < IDLE_CLIENTS {
                return Err(format!("{resident:.1} with {}, where it stops", clients.len()).into());
            }
            Ok(vec![resident])
        },
    },
];

/// Throughput, and the proxy's processor time.
fn bulk(
    bed: &Bed<'_>,
    framing: Framing,
    load: fn(&socket2::SockAddr, Framing, u64) -> Result<Duration, Failure>,
) -> Result<Vec<f64>, Failure> {
    let mut time = Duration::ZERO;
    let cpu = charged(bed.peer, || {
        time = load(&bed.peer.address, framing, BULK_BYTES)?;
        Ok(())
    })?;
    Ok(vec![BULK_GIB / time.as_secs_f64(), cpu / BULK_GIB])
}

/// The processor time in seconds that the load costs the proxy; NaN without one.
fn charged(peer: &Peer, load: impl FnOnce() -> Result<(), Failure>) -> Result<f64, Failure> {
    let Some(process) = peer.process() else { return load().map(|()| f64::NAN) };
    let before = process.cpu()?;
    load()?;
    // It tidies up after its client has left.
    thread::sleep(Duration::from_millis(10));
    Ok(process.cpu()?.saturating_sub(before).as_secs_f64())
}

fn resident_mib(peer: &Peer) -> Result<f64, Failure> {
    peer.process().map_or(Ok(f64::NAN), |process| Ok(f64::from(process.resident_kib()?) / 1024.0))
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// The time below which that part of them lies.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "some thousand times, and a part between 0 and 1"
)]
fn quantile(times: &[Duration], part: f64) -> Duration {
    let mut times = times.to_vec();
    times.sort_unstable();
    times[((times.len() - 1) as f64 * part) as usize]
}
