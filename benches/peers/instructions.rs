//! How many instructions the gate's own code takes for each thing, as callgrind counts them, held
//! against a budget. A count is the difference of a long and a short run, so that the start, the
//! end and what comes before the first unit cancel out.

use crate::Failure;
use crate::budget::{Budget, Circumstance, Count, TOLERANCE_PERCENT, Verdict, judge};
use crate::load;
use crate::options::Options;
use crate::processes::{Kind, Peer, installed};
use crate::run::{OURS, Run};
use socket2::SockAddr;
use std::fs;
use std::path::Path;
use std::process::Command;

/// The budget file, from the root of the repository, and what else the root is needed for.
const FILE: &str = "benches/peers/instructions.txt";
const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// How often a workload is done in the short run and in the long one: tens, because a tenth as many
/// more warm up.
const SMALL: [u32; 2] = [500, 2500];
const LARGE: [u32; 2] = [100, 600];

/// What lets the gate run under valgrind, which needs files and system calls of its own; and no
/// line of the log but errors, because how many refusals are logged depends on the time they take.
const SETTINGS: [(&str, &str); 3] = [("SANDBOX", "off"), ("LOG_LEVEL", "err"), ("WORKERS", "1")];

const CIRCUMSTANCES: [&str; 4] = ["rustc", "libc", "valgrind", "processor"];

const CURE: &str = "make it cheaper, or, where the change is worth that or another compiler or \
    library is the cause, run `make instructions UPDATE=1` and commit the file with the change";

/// What is counted, and how it is brought about that many times.
struct Workload {
    name: &'static str,
    times: [u32; 2],
    act: fn(&SockAddr, u32) -> Result<(), Failure>,
}

const WORKLOADS: [Workload; 5] = [
    Workload {
        name: "ping",
        times: SMALL,
        act: |address, count| load::kept(address, load::PING, 200, count).map(drop),
    },
    Workload {
        name: "echo",
        times: SMALL,
        act: |address, count| load::echoed(address, count).map(drop),
    },
    Workload {
        name: "connection",
        times: SMALL,
        act: |address, count| load::made(address, count).map(drop),
    },
    Workload {
        name: "refusal",
        times: SMALL,
        act: |address, count| load::kept(address, load::REFUSED, 403, count).map(drop),
    },
    Workload {
        name: "create",
        times: LARGE,
        act: |address, count| load::kept(address, &load::create()?, 201, count).map(drop),
    },
];

/// Counts, prints a table, and writes the budget file if asked to. A count over its budget, and a
/// file that does not hold a budget for every workload, is an error.
pub fn count(options: &Options) -> Result<(), Failure> {
    let workloads = wanted(options)?;
    let now = circumstances()?;
    // A file that is wrong is said to be before anything takes time.
    let budget = if options.update { None } else { Some(read()?) };
    let run = Run::begin(options)?;
    let mut counts = Vec::new();
    for workload in workloads {
        run.go_on()?;
        let [short, long] = workload.times;
        let units = u64::from(long - short) * 11 / 10;
        let (short, long) = (counted(&run, workload, short)?, counted(&run, workload, long)?);
        let more = long.checked_sub(short).ok_or("the long run took less than the short one")?;
        counts.push(Count { workload: workload.name, instructions: (more + units / 2) / units });
    }
    let Some(budget) = budget else {
        let budget = Budget { circumstances: now, counts };
        fs::write(Path::new(ROOT).join(FILE), budget.text())?;
        return report(&budget, &budget.counts, &[]);
    };
    report(&budget, &counts, &budget.differences(&now))
}

/// Reads the budget. An error is a file that is not there or lacks one of the lines.
fn read() -> Result<Budget, Failure> {
    let text = fs::read_to_string(Path::new(ROOT).join(FILE)).map_err(|error| error.to_string());
    let names = WORKLOADS.map(|workload| workload.name);
    text.and_then(|text| Budget::parse(&text, &CIRCUMSTANCES, &names))
        .map_err(|error| format!("{FILE}: {error}; `make instructions UPDATE=1` writes it").into())
}

/// All of the workloads, or those whose names begin as `--only` says.
fn wanted(options: &Options) -> Result<Vec<&'static Workload>, Failure> {
    if !options.gates.is_empty() || !options.subjects.is_empty() {
        return Err("instructions are counted of this build with its defaults alone".into());
    }
    if options.update && !options.only.is_empty() {
        return Err("--update takes every workload: leave --only out".into());
    }
    let wanted = |workload: &&Workload| {
        options.only.is_empty() || options.only.iter().any(|name| workload.name.starts_with(name))
    };
    let workloads: Vec<_> = WORKLOADS.iter().filter(wanted).collect();
    if workloads.is_empty() {
        let names = WORKLOADS.map(|workload| workload.name).join(", ");
        return Err(format!("--only takes beginnings of {names}").into());
    }
    Ok(workloads)
}

/// Returns the instructions of a whole run of the gate, from its start to its end.
fn counted(run: &Run, workload: &Workload, count: u32) -> Result<u64, Failure> {
    let log = run.daemon.file("callgrind.log");
    let kind = Kind::Counted {
        valgrind: installed("valgrind").ok_or("valgrind is not installed")?,
        binary: OURS.into(),
        settings: SETTINGS.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        log: log.clone(),
    };
    let (gate, _) = Peer::start(&kind, &run.daemon.socket())?;
    (workload.act)(&gate.address, count)
        .map_err(|failure| format!("{}: {failure}", workload.name))?;
    // It counts until it has ended.
    drop(gate);
    let text = fs::read_to_string(&log)?;
    let sum = text.lines().find_map(|line| line.split_once("Collected :"));
    let (_, sum) = sum.ok_or_else(|| format!("callgrind has counted nothing: {text}"))?;
    Ok(sum.trim().parse()?)
}

/// Prints the table, and what differs from when the budget was measured. An error names the counts
/// that are over it.
fn report(budget: &Budget, counts: &[Count], differences: &[String]) -> Result<(), Failure> {
    println!("| workload | instructions | budget | ratio |\n|---|---|---|---|");
    let (mut exceeded, mut undercut) = (Vec::new(), Vec::new());
    for Count { workload, instructions } in counts {
        let allowed = budget.of(workload).ok_or("a workload without a budget")?;
        #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
        let ratio = *instructions as f64 / allowed as f64;
        println!("| {workload} | {instructions} | {allowed} | {ratio:.3} |");
        let line = format!("{workload} {instructions} instead of {allowed} ({ratio:.3})");
        match judge(*instructions, allowed) {
            Verdict::Kept => {}
            Verdict::Exceeded => exceeded.push(line),
            Verdict::Undercut => undercut.push(line),
        }
    }
    for difference in differences {
        eprintln!("peers: the budget was measured with {difference}");
    }
    if !undercut.is_empty() {
        eprintln!(
            "peers: more than {TOLERANCE_PERCENT} % below the budget: {}; `make instructions \
            UPDATE=1` lowers it",
            undercut.join(", ")
        );
    }
    if exceeded.is_empty() {
        return Ok(());
    }
    let exceeded = exceeded.join(", ");
    Err(format!("more than {TOLERANCE_PERCENT} % over the budget: {exceeded}; {CURE}").into())
}

/// Returns what a count depends on beside the code. An error is a program's that cannot say it.
fn circumstances() -> Result<Vec<Circumstance>, Failure> {
    let valgrind = installed("valgrind").ok_or("valgrind is not installed")?;
    let values = [
        said("rustc", Path::new("rustc"), "--version")?,
        said("", Path::new("getconf"), "GNU_LIBC_VERSION")?,
        said("valgrind-", &valgrind, "--version")?,
        processor(),
    ];
    let pairs = CIRCUMSTANCES.into_iter().zip(values);
    Ok(pairs.map(|(name, value)| Circumstance { name, value }).collect())
}

/// Returns what a program says of itself, without the beginning that is named.
fn said(beginning: &str, program: &Path, argument: &str) -> Result<String, Failure> {
    let output = Command::new(program)
        .arg(argument)
        .current_dir(ROOT)
        .output()
        .map_err(|error| format!("cannot start {}: {error}", program.display()))?;
    let text = String::from_utf8(output.stdout)?;
    let text = text.trim();
    Ok(text.strip_prefix(beginning).unwrap_or(text).trim().to_owned())
}

/// Names the architecture, and the extension by which the C library chooses how it copies memory.
fn processor() -> String {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        return "x86_64 with AVX2".to_owned();
    }
    std::env::consts::ARCH.to_owned()
}
