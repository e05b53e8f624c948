//! The results as a Markdown table: medians over the rounds and, in brackets, the median of the
//! ratios to the copier in the same round.

use crate::compare::Results;
use crate::figures::{Figure, Row};
use crate::options::Options;
use crate::processes::installed;
use crate::run::Subject;
use std::fs;
use std::process::Command;
use std::thread::available_parallelism;

/// The column that ratios are to.
const FLOOR: &str = "copier";

pub fn print(
    options: &Options,
    subjects: &[Subject],
    figures: &[&Figure],
    results: &[Vec<Results>],
) {
    println!("{}\n", circumstances(options));
    let names: Vec<&str> = subjects.iter().map(|subject| subject.name.as_str()).collect();
    println!("| | {} |", names.join(" | "));
    println!("|---{}|", "|---".repeat(names.len()));
    let floor = names.iter().position(|name| *name == FLOOR);
    for (figure, results) in figures.iter().zip(results) {
        for (place, row) in figure.rows.iter().enumerate() {
            let floor = floor.map(|floor| &results[floor]);
            let cells: Vec<String> =
                results.iter().map(|result| cell(row, place, result, floor)).collect();
            println!("| {} | {} |", row.label, cells.join(" | "));
        }
    }
}

/// What the reader has to know of the machine and the run.
fn circumstances(options: &Options) -> String {
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let kernel: Vec<&str> = kernel.split('.').take(2).collect();
    let haproxy = installed("haproxy").and_then(|binary| {
        let said = String::from_utf8(Command::new(binary).arg("-v").output().ok()?.stdout).ok()?;
        // Of "HAProxy version 2.6.12-1+deb12u4 ...".
        Some(said.split_whitespace().nth(2)?.split('-').next()?.to_owned())
    });
    let processors = available_parallelism().map_or(0, usize::from);
    format!(
        "Linux {}, HAProxy {}, {}; rounds: {}; medians, in brackets times the copier's",
        kernel.join("."),
        haproxy.as_deref().unwrap_or("not installed"),
        if options.pinned {
            "all on one processor".to_owned()
        } else {
            format!("on {processors} processors")
        },
        options.rounds,
    )
}

fn cell(row: &Row, place: usize, results: &Results, floor: Option<&Results>) -> String {
    let values = results.values.iter().map(|(_, values)| values[place]);
    let Some(value) = median(values) else {
        return results.failure.clone().unwrap_or_else(|| "-".to_owned());
    };
    let value = format!("{value:.*}", row.places);
    let ratios = results.values.iter().filter_map(|(round, values)| {
        let same = floor?.values.iter().find(|(other, _)| other == round)?;
        Some(values[place] / same.1[place])
    });
    match median(ratios) {
        Some(ratio) if !floor.is_some_and(|floor| std::ptr::eq(floor, results)) => {
            format!("{value} ({ratio:.2})")
        }
        _ => value,
    }
}

/// Of what is a number.
fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.filter(|value| value.is_finite()).collect();
    values.sort_by(f64::total_cmp);
    let half = values.len() / 2;
    match values.len() {
        0 => None,
        count if count % 2 == 1 => Some(values[half]),
        _ => Some(f64::midpoint(values[half - 1], values[half])),
    }
}
