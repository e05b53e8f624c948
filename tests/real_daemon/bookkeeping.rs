//! What the gate says of its own work, before a daemon that does some: the audit trail, the metrics
//! and the daemon's log tell the same, and the watchdog notices what becomes of the daemon.

use std::collections::BTreeMap;
use std::fs;
use std::io;

use libtest_mimic::Failed;
use serde_json::Value;

use crate::Proof;
use crate::gate::Gate;
use crate::http::Endpoint;
use crate::lab::Lab;
use crate::process::{HANG, eventually};

pub const PROOFS: &[Proof] = &[
    ("audit trail, metrics and the daemon's log agree on what clients have done", books_agree),
    ("the watchdog tells that the daemon is gone, and that it is back", watchdog),
];

/// What a client does, and whether the policy has it.
const LINES: [(&str, bool); 7] = [
    ("docker version", true),
    ("docker ps -a", true),
    ("docker create --name dg-books bb true", true),
    ("docker start dg-books", true),
    ("docker rm -f dg-books", true),
    ("docker images", false),
    ("docker network create dg-books", false),
];

/// How often an operation came to a verdict.
type Counts = BTreeMap<(String, String), u64>;

fn books_agree(lab: &Lab) -> Result<(), Failed> {
    let trail = lab.directory().join("audit.json");
    let policy =
        format!("CONTAINERS=1 POST=1 METRICS_LISTEN=127.0.0.1:0 AUDIT_LOG={}", trail.display());
    let gate = Gate::start(&lab.daemon().socket(), &policy)?;
    let mark = lab.daemon().mark();
    for (line, passes) in LINES {
        let ended = lab.shell(&gate.endpoint(), line)?;
        if (ended.code == Some(0)) != passes {
            return Err(format!("{line}: {}", ended.stderr()).into());
        }
    }
    let calls = lab.daemon().all_calls_since(&mark);
    let mut records = Vec::new();
    let mut metrics = Counts::new();
    // Both are told when an answer is with its client, a moment later.
    let settled = eventually(HANG, || {
        records = read(&fs::read_to_string(&trail)?)?;
        metrics = scrape(&gate)?;
        let told = records.iter().filter(|record| record["verdict"] == "allowed").count();
        Ok(told >= calls.len() && metrics == counts(&records))
    });
    let passed: Vec<String> = records
        .iter()
        .filter(|record| record["verdict"] == "allowed")
        .map(|record| format!("{} {}", text(&record["method"]), text(&record["path"])))
        .collect();
    let ran: Vec<&str> =
        calls.iter().map(|call| call.split('?').next().unwrap_or_default()).collect();
    let refused = records.len() - passed.len();
    if settled.is_err() || passed != ran || refused < 2 || passed.len() < 8 {
        return Err(format!(
            "the daemon's log: {ran:#?}\nrecords: {records:#?}\nmetrics: {metrics:#?}"
        )
        .into());
    }
    Ok(())
}

fn read(trail: &str) -> io::Result<Vec<Value>> {
    Ok(trail.lines().map(serde_json::from_str).collect::<Result<_, _>>()?)
}

fn counts(records: &[Value]) -> Counts {
    let mut counts = Counts::new();
    for record in records {
        *counts.entry((text(&record["operation"]), text(&record["verdict"]))).or_default() += 1;
    }
    counts
}

/// What the gate has counted, where it has counted anything.
fn scrape(gate: &Gate) -> io::Result<Counts> {
    let log = gate.log();
    let place = log.lines().find_map(|line| Some(line.split_once("Metrics on ")?.1.trim()));
    let address = place.and_then(|place| place.parse().ok());
    let address = address.ok_or_else(|| io::Error::other(format!("no place in {log}")))?;
    let answer = Endpoint::Tcp(address).ask("GET", "/metrics", "")?;
    let mut counts = Counts::new();
    for line in answer.body.lines() {
        let Some(series) = line.strip_prefix("dockgate_requests_total{") else { continue };
        let Some((labels, value)) = series.split_once("} ") else { continue };
        let label = |name: &str| {
            let (_, rest) = labels.split_once(&format!("{name}=\""))?;
            Some(rest.split('"').next()?.to_owned())
        };
        let value: u64 = value.parse().map_err(io::Error::other)?;
        if let (Some(operation), Some(verdict), 1..) = (label("operation"), label("verdict"), value)
        {
            *counts.entry((operation, verdict)).or_default() += value;
        }
    }
    Ok(counts)
}

fn watchdog(lab: &Lab) -> Result<(), Failed> {
    let mut daemon = lab.start_daemon("watched")?;
    let gate = Gate::start(&daemon.socket(), "WATCHDOG=1")?;
    let mark = daemon.mark();
    eventually(HANG, || {
        let calls = daemon.all_calls_since(&mark);
        Ok(calls.iter().filter(|call| *call == "GET /_ping").count() >= 2)
    })?;
    daemon.crash()?;
    eventually(HANG, || Ok(gate.log().contains("it is tried again with every request")))?;
    daemon.start_again()?;
    eventually(HANG, || Ok(gate.log().contains("the daemon answers again, after ")))?;
    let log = gate.log();
    let once = ["it is tried again with every request", "the daemon answers again, after "];
    if once.iter().all(|line| log.matches(line).count() == 1) { Ok(()) } else { Err(log.into()) }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
