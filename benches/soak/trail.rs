//! The audit trail's reader: a stream socket, whose lines are counted as `/metrics` counts.

use crate::tally::Series;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::io::{self, BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

#[derive(Clone, Default)]
pub struct Trail(Arc<Mutex<Told>>);

#[derive(Clone, Default)]
pub struct Told {
    pub requests: BTreeMap<Series, u64>,
    pub tunnels: u64,
    /// Lines that are no record.
    pub unreadable: u64,
}

impl Trail {
    /// Listens, and reads from now on.
    pub fn start(socket: &Path) -> io::Result<Self> {
        let listener = UnixListener::bind(socket)?;
        fs::set_permissions(socket, Permissions::from_mode(0o666))?;
        let trail = Self::default();
        let told = Arc::clone(&trail.0);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                for line in BufReader::new(stream).lines().map_while(Result::ok) {
                    told.lock().unwrap_or_else(PoisonError::into_inner).add(&line);
                }
            }
        });
        Ok(trail)
    }

    pub fn told(&self) -> Told {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Told {
    fn add(&mut self, line: &str) {
        let record: Value = serde_json::from_str(line).unwrap_or_default();
        match record["kind"].as_str() {
            Some("tunnel") => self.tunnels += 1,
            Some(_) => {
                let word = |name: &str| record[name].as_str().unwrap_or("-").to_owned();
                // The metrics have one word for clients that did not stay.
                let verdict = match word("verdict").as_str() {
                    "withdrawn" | "unfinished" => "abandoned".to_owned(),
                    other => other.to_owned(),
                };
                let series = [word("operation"), verdict, word("reason")];
                *self.requests.entry(series).or_default() += 1;
            }
            None if line.is_empty() => {}
            None => self.unreadable += 1,
        }
    }
}
