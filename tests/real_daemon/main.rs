//! The gate in front of a real Docker daemon. A scenario is played straight on the daemon's socket and then through the
//! gate, and the two must agree; what a policy does not grant must never reach the daemon.
//!
//! It needs root, dockerd and the clients that `scripts/setup.sh` installs. Where they are missing the trials are
//! skipped, loudly; in CI that is a failure.

mod admission;
mod agreement;
mod bookkeeping;
mod buildkit;
mod cli;
mod clients;
mod compose;
mod daemon;
mod gate;
mod hijack;
mod http;
mod image;
mod lab;
mod lifecycle;
mod load;
mod podman;
mod policies;
mod process;
mod random;
mod references;
#[path = "../model/router.rs"]
mod router;
mod routing;
mod terminal;
mod transcript;

use std::process::ExitCode;
use std::sync::{Arc, OnceLock};

use libtest_mimic::{Arguments, Failed, Trial};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::unistd::geteuid;

use lab::Lab;

/// A trial that is more than a scenario: what it shows, and how.
type Proof = (&'static str, fn(&Lab) -> Result<(), Failed>);

/// Opened by the first trial, so that running none costs nothing.
type LazyLab = Arc<OnceLock<Result<Lab, String>>>;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // One daemon, one set of names: the trials take turns.
    arguments.test_threads = Some(1);
    let lab = LazyLab::default();
    let trials = trials(&lab);
    if arguments.list {
        return libtest_mimic::run(&arguments, trials).exit_code();
    }
    if let Some(missing) = missing() {
        return skip(&arguments, trials, &missing);
    }
    let _ = raise_file_limit();
    let conclusion = libtest_mimic::run(&arguments, trials);
    // The trials are gone and this is the last owner: the lab closes here, before the process ends.
    drop(lab);
    conclusion.exit_code()
}

fn trials(lab: &LazyLab) -> Vec<Trial> {
    let scenarios = [
        ("docker", cli::SCENARIOS),
        ("terminal", terminal::SCENARIOS),
        ("docker-py", clients::DOCKER_PY),
        ("dockerode", clients::DOCKERODE),
        ("compose", compose::SCENARIOS),
        ("buildkit", buildkit::SCENARIOS),
        ("admission", admission::SCENARIOS),
    ];
    let proofs = [
        ("terminal", terminal::PROOFS),
        ("dockerode", clients::PROOFS),
        ("compose", compose::PROOFS),
        ("buildkit", buildkit::PROOFS),
        ("image", image::PROOFS),
        ("agreement", agreement::PROOFS),
        ("hijack", hijack::PROOFS),
        ("routing", routing::PROOFS),
        ("references", references::PROOFS),
        ("random", random::PROOFS),
        ("podman", podman::PROOFS),
        ("bookkeeping", bookkeeping::PROOFS),
        ("policy", policies::PROOFS),
        ("lifecycle", lifecycle::PROOFS),
        ("load", load::PROOFS),
        ("transcript", transcript::PROOFS),
    ];
    let admission = admission::PROOFS.iter().map(|proofs| ("admission", *proofs));
    let mut trials = Vec::new();
    for (kind, scenario) in
        scenarios.iter().flat_map(|(kind, list)| list.iter().map(move |one| (kind, one)))
    {
        trials.push(trial(kind, scenario.name, lab, |lab| scenario.play_twice(lab)));
    }
    for (kind, (name, proof)) in proofs
        .into_iter()
        .chain(admission)
        .flat_map(|(kind, list)| list.iter().map(move |one| (kind, one)))
    {
        trials.push(trial(kind, name, lab, proof));
    }
    trials
}

fn trial(
    kind: &str,
    name: &str,
    lab: &LazyLab,
    proof: impl FnOnce(&Lab) -> Result<(), Failed> + Send + 'static,
) -> Trial {
    let lab = Arc::clone(lab);
    let run = move || {
        let opened = lab.get_or_init(|| Lab::open().map_err(|error| error.to_string()));
        let lab = opened
            .as_ref()
            .map_err(|error| format!("the private daemon could not be prepared: {error}"))?;
        let outcome = proof(lab);
        lab.daemon().sweep()?;
        outcome
    };
    Trial::test(name, run).with_kind(kind)
}

/// What these tests need and this machine has not.
fn missing() -> Option<String> {
    if !geteuid().is_root() {
        return Some("they need root: a private dockerd is started".to_owned());
    }
    let missing = lab::requirements().into_iter().find(|path| !path.exists())?;
    Some(format!("{} is missing: scripts/setup.sh installs what they need", missing.display()))
}

fn skip(arguments: &Arguments, trials: Vec<Trial>, reason: &str) -> ExitCode {
    let line = "=".repeat(100);
    eprintln!("{line}\nTHE REAL-DAEMON TESTS WERE SKIPPED: {reason}\n{line}");
    if std::env::var_os("CI").is_some() {
        eprintln!("In CI that is a failure.");
        return ExitCode::FAILURE;
    }
    let ignored = trials.into_iter().map(|trial| trial.with_ignored_flag(true)).collect();
    libtest_mimic::run(arguments, ignored).exit_code()
}

/// A thousand connections need more files than a shell's usual 1,024.
fn raise_file_limit() -> nix::Result<()> {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard)
}
