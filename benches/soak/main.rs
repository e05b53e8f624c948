//! A soak: the gate under mixed load for as long as one likes, watched from outside. What an hour
//! shows and a test does not: memory or descriptors that creep, a byte that is lost once in a
//! million requests, a counter that drifts.
//!
//!     make soak                                        # a minute
//!     make soak SOAK_SECONDS=3600                      # an hour
//!     make soak SOAK="--rate=3 --engine --gate=PATH"   # three times the load; a dockerd too; another build
//!
//! Clients (`kinds.rs`, one line each) play against the gate's release binary, over TCP and unix in
//! turn, each at its own pace, so that the gate has about a tenth of a core to do. Behind it is a
//! stand-in daemon; all that it and the clients send each other is one known pattern (`pattern.rs`)
//! from a place that the request names, so that each byte that is lost, doubled or out of its place
//! is seen where it arrives. `AUDIT_LOG` goes to a socket that is read here, `METRICS_LISTEN` is
//! scraped with every sample. With `--engine` a second gate stands in front of a dockerd of its own,
//! started and ended here (as root).
//!
//! How to read what it prints: the first table has the gate at its start, after warming up (a tenth
//! of the time), at each quarter, and when the load has ended and all is quiet. `RSS` may rise until
//! it is warm, since buffers and the allocator's free memory are kept; from then on it must be flat.
//! `files` and `pipes` are descriptors: after the load the files are those of the start, and no more
//! pipes than the gate keeps. `connections` and `tunnels` are the gate's own count. The second table
//! has what was asked by kind, and what was not as it should have been.
//!
//! It fails, and says why, where
//! - any answer or byte was not the one expected (each kind says which it expects);
//! - RSS in quiet is over the most of the warmed-up figures by more than `GROWTH_KIB_MAX`, or the
//!   median of the last quarter is over that of the first;
//! - descriptors are left, or the gate says that it still has connections or tunnels;
//! - `/metrics` has other counts of requests, by operation, verdict and reason, than the clients;
//! - the audit trail has other counts than `/metrics`, or lost a record;
//! - the log says that something panicked, or the gate does not end with status 0.
//!
//! Clients that vanish know what they asked, and not what became of it: of their operations only the
//! sum over all verdicts is compared.

use options::{Options, Task};
use std::process::ExitCode;

mod bed;
mod client;
mod engine;
mod gate;
mod kinds;
mod options;
mod pattern;
mod refusals;
mod report;
mod run;
mod samples;
mod stand_in;
mod streams;
mod tally;
mod trail;
mod uploads;
mod vanishing;

/// What can go wrong, in words.
type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    match Options::of_the_command_line().and_then(|options| run(&options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("soak: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), Failure> {
    match options.task {
        // `cargo bench` runs every bench; this one is no measurement.
        Task::Nothing => println!("soak: run by `make soak`"),
        Task::Run => run::run(options)?,
    }
    Ok(())
}
