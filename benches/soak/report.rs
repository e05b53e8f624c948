//! What is printed: two tables in Markdown, ready for a document.

use crate::samples::Samples;
use crate::tally::Counts;
use std::fs;
use std::time::Duration;

pub fn print(title: &str, time: Duration, samples: &Samples, counts: &Counts) {
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let kernel: Vec<&str> = kernel.split('.').take(2).collect();
    let seconds = time.as_secs();
    let cpu = samples.end.cpu.saturating_sub(samples.start.cpu);
    println!(
        "{title}, {seconds} s, Linux {}; the gate took {:.2} of a core\n",
        kernel.join("."),
        cpu.as_secs_f64() / time.as_secs_f64()
    );
    println!(
        "| | at s | RSS KiB | files | pipes | threads | connections | tunnels | series | requests |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    for (name, sample) in samples.shown() {
        println!(
            "| {name} | {} | {} | {} | {} | {} | {} | {} | {} | {} |",
            sample.at.as_secs(),
            sample.resident_kib,
            sample.files,
            sample.pipes,
            sample.threads,
            sample.connections,
            sample.tunnels,
            sample.series,
            sample.requests,
        );
    }
    let sizes = || samples.load.iter().filter(|s| s.at >= samples.warm).map(|s| s.resident_kib);
    if let (Some(least), Some(most)) = (sizes().min(), sizes().max()) {
        println!("\nRSS when warm: {least} to {most} KiB in {} samples", sizes().count());
    }
    println!("\n| asked | times | not as expected |\n|---|---|---|");
    let (mut played, mut failed) = (0, 0);
    for (kind, count) in &counts.kinds {
        println!("| {kind} | {} | {} |", count.played, count.failed);
        played += count.played;
        failed += count.failed;
    }
    println!("| all | {played} | {failed} |\n");
}
