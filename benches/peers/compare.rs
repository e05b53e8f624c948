//! The comparison: every figure of every peer, round by round, in an order that changes. What the
//! machine does meanwhile then hits all of them alike, and the ratios within a round hold.

use crate::Failure;
use crate::figures::{Bed, FIGURES, Figure};
use crate::options::Options;
use crate::processes::Peer;
use crate::run::{self, Run};
use crate::table;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};

/// What one figure came to for one peer.
#[derive(Default)]
pub struct Results {
    /// The round and a value for each row of the figure.
    pub values: Vec<(u32, Vec<f64>)>,
    /// Why there are none.
    pub failure: Option<String>,
}

/// Measures, and prints a table.
pub fn compare(options: &Options) -> Result<(), Failure> {
    let subjects = run::subjects(options)?;
    let run = Run::begin(options)?;
    let wanted = |figure: &&Figure| {
        options.only.is_empty() || options.only.iter().any(|name| figure.name.starts_with(name))
    };
    let figures: Vec<&Figure> = FIGURES.iter().filter(wanted).collect();
    if figures.is_empty() {
        let names = FIGURES.map(|figure| figure.name).join(", ");
        return Err(format!("--only takes beginnings of {names}").into());
    }
    let mut peers = Vec::new();
    for subject in &subjects {
        let started = Peer::start(&subject.kind, &run.daemon.socket());
        peers.push(started.map_err(|failure| format!("{}: {failure}", subject.name))?.0);
    }
    let mut results: Vec<Vec<Results>> =
        figures.iter().map(|_| peers.iter().map(|_| Results::default()).collect()).collect();
    for round in 1..=options.rounds {
        eprintln!("peers: round {round} of {}", options.rounds);
        for (figure, results) in figures.iter().zip(&mut results) {
            if figure.once && round > 1 {
                continue;
            }
            for place in shuffled(peers.len()) {
                run.go_on()?;
                let kind = &subjects[place].kind;
                let bed = Bed { peer: &peers[place], kind, daemon: &run.daemon.socket() };
                results[place].add(round, (figure.measure)(&bed));
            }
        }
    }
    table::print(options, &subjects, &figures, &results);
    Ok(())
}

impl Results {
    fn add(&mut self, round: u32, measured: Result<Vec<f64>, Failure>) {
        match measured {
            Ok(values) => self.values.push((round, values)),
            Err(failure) => self.failure = Some(failure.to_string()),
        }
    }
}

/// The numbers below `count` in some order.
fn shuffled(count: usize) -> Vec<usize> {
    // The standard library's own seed, which is random, for want of a generator.
    let random = RandomState::new();
    let mut places: Vec<usize> = (0..count).collect();
    places.sort_by_cached_key(|place| {
        let mut hasher = random.build_hasher();
        hasher.write_usize(*place);
        hasher.finish()
    });
    places
}
