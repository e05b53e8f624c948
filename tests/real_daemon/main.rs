//! The gate in front of a real Docker daemon. A scenario is played straight on the daemon's socket and then through the
//! gate, and the two must agree; what a policy does not grant must never reach the daemon.
//!
//! It needs root, and the engines and clients that `scripts/setup.sh` installs. Where an engine is missing its trials are
//! skipped, loudly; in CI that is a failure.

mod admission;
mod agreement;
mod bookkeeping;
mod buildkit;
mod cli;
mod clients;
mod compose;
mod daemon;
mod engine;
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
mod swarm;
mod terminal;
mod transcript;
mod tree;

use std::io::{self, BufRead, BufReader, Write};
use std::process::{Command, ExitCode, Stdio};
use std::sync::{Arc, OnceLock};
use std::thread;

use libtest_mimic::{Arguments, Failed, Trial};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::unistd::geteuid;

use engine::{ENGINES, Engine};
use lab::Lab;
use transcript::Scenario;

/// Set where the other engines' trials run at the same time.
pub const ONE_OF_ALL: &str = "DOCKGATE_TEST_ONE_OF_ALL";

/// A trial that is more than a scenario: what it shows, and how.
type Proof = (&'static str, fn(&Lab) -> Result<(), Failed>);

/// Opened by the first trial, so that running none costs nothing.
type LazyLab = Arc<OnceLock<Result<Lab, String>>>;

/// Which engines a list of trials is for.
#[derive(Clone, Copy)]
enum On {
    Each,
    /// What is about the gate itself, and the same on any of them.
    One(&'static str),
}

const SCENARIOS: &[(&str, &[Scenario])] = &[
    ("docker", cli::SCENARIOS),
    ("terminal", terminal::SCENARIOS),
    ("docker-py", clients::DOCKER_PY),
    ("dockerode", clients::DOCKERODE),
    ("compose", compose::SCENARIOS),
    ("buildkit", buildkit::SCENARIOS),
    ("admission", admission::SCENARIOS),
];

const PROOFS: &[(&str, On, &[Proof])] = &[
    ("terminal", On::Each, terminal::PROOFS),
    ("dockerode", On::Each, clients::PROOFS),
    ("compose", On::Each, compose::PROOFS),
    ("buildkit", On::Each, buildkit::PROOFS),
    ("image", On::One("20"), image::PROOFS),
    ("agreement", On::Each, agreement::PROOFS),
    ("hijack", On::Each, hijack::PROOFS),
    ("routing", On::Each, routing::PROOFS),
    ("references", On::Each, references::PROOFS),
    ("random", On::Each, random::PROOFS),
    // The one that is installed, and the one of the newest engine's tree.
    ("podman", On::One("20"), podman::PROOFS),
    ("podman", On::One("28"), podman::PROOFS),
    ("bookkeeping", On::One("28"), bookkeeping::PROOFS),
    ("policy", On::Each, policies::PROOFS),
    ("lifecycle", On::One("28"), lifecycle::PROOFS),
    ("load", On::One("26"), load::PROOFS),
    ("swarm", On::Each, swarm::PROOFS),
    ("transcript", On::One("20"), transcript::PROOFS),
];

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // One daemon, one set of names: an engine's trials take turns.
    arguments.test_threads = Some(1);
    let engines = match engines() {
        Ok(engines) => engines,
        Err(why) => {
            eprintln!("{why}");
            return ExitCode::FAILURE;
        }
    };
    if arguments.list {
        let trials = engines.iter().flat_map(|engine| trials(engine, &LazyLab::default()));
        return libtest_mimic::run(&arguments, trials.collect()).exit_code();
    }
    if let [engine] = engines[..] { on_one(engine, &arguments) } else { side_by_side(&engines) }
}

/// All, or the one that `ENGINE` names.
fn engines() -> Result<Vec<&'static Engine>, String> {
    match std::env::var("ENGINE") {
        Ok(name) if !name.is_empty() => {
            let known = || ENGINES.iter().map(|engine| engine.name).collect::<Vec<_>>().join(", ");
            let unknown =
                || format!("ENGINE={name} is none of the engines in the tests: {}", known());
            Ok(vec![Engine::named(&name).ok_or_else(unknown)?])
        }
        _ => Ok(ENGINES.iter().collect()),
    }
}

/// Each engine's trials in a process of their own: they wait for daemons more than they work.
fn side_by_side(engines: &[&'static Engine]) -> ExitCode {
    let failed: Vec<&str> = thread::scope(|scope| {
        let start = |engine: &&'static Engine| {
            let engine = *engine;
            (engine.name, scope.spawn(|| passes(engine)))
        };
        let suites: Vec<_> = engines.iter().map(start).collect();
        let ended = suites.into_iter().map(|(name, suite)| (name, suite.join()));
        ended.filter(|(_, end)| !matches!(end, Ok(Ok(true)))).map(|(name, _)| name).collect()
    });
    if failed.is_empty() {
        return ExitCode::SUCCESS;
    }
    eprintln!("Failed on engine {}: ENGINE={} runs one alone.", failed.join(", "), failed[0]);
    ExitCode::FAILURE
}

/// Whether they do, in a process of its own.
fn passes(engine: &Engine) -> io::Result<bool> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(std::env::args_os().skip(1)).env("ENGINE", engine.name).env(ONE_OF_ALL, "1");
    let mut suite = command.stdout(Stdio::piped()).spawn()?;
    // By whole lines: one would be torn by another's.
    if let Some(said) = suite.stdout.take() {
        BufReader::new(said).lines().try_for_each(|line| writeln!(io::stdout(), "{}", line?))?;
    }
    Ok(suite.wait()?.success())
}

fn on_one(engine: &'static Engine, arguments: &Arguments) -> ExitCode {
    let lab = LazyLab::default();
    let trials = trials(engine, &lab);
    if let Some(missing) = missing(engine) {
        return skip(engine, arguments, trials, &missing);
    }
    let _ = raise_file_limit();
    let conclusion = libtest_mimic::run(arguments, trials);
    // The trials are gone and this is the last owner: the lab closes here, before the process ends.
    drop(lab);
    conclusion.exit_code()
}

fn trials(engine: &'static Engine, lab: &LazyLab) -> Vec<Trial> {
    let is_tried = |on: &On| match on {
        On::Each => true,
        On::One(name) => *name == engine.name,
    };
    let mut trials = Vec::new();
    for (kind, scenario) in
        SCENARIOS.iter().flat_map(|(kind, list)| list.iter().map(move |one| (*kind, one)))
    {
        trials.push(trial(engine, kind, scenario.name, lab, |lab| scenario.play_twice(lab)));
    }
    let proofs = PROOFS.iter().filter(|(_, on, _)| is_tried(on));
    let proofs = proofs.map(|(kind, _, proofs)| (*kind, *proofs));
    let admission = admission::PROOFS.iter().map(|proofs| ("admission", *proofs));
    for (kind, (name, proof)) in
        proofs.chain(admission).flat_map(|(kind, list)| list.iter().map(move |one| (kind, one)))
    {
        trials.push(trial(engine, kind, name, lab, proof));
    }
    trials
}

fn trial(
    engine: &'static Engine,
    kind: &str,
    name: &str,
    lab: &LazyLab,
    proof: impl FnOnce(&Lab) -> Result<(), Failed> + Send + 'static,
) -> Trial {
    let lab = Arc::clone(lab);
    let run = move || {
        let opened = lab.get_or_init(|| Lab::open(engine).map_err(|error| error.to_string()));
        let lab = opened
            .as_ref()
            .map_err(|error| format!("the private daemon could not be prepared: {error}"))?;
        let outcome = proof(lab);
        lab.daemon().sweep()?;
        outcome
    };
    Trial::test(format!("engine {}: {name}", engine.name), run).with_kind(kind)
}

/// What an engine's trials need and this machine has not.
fn missing(engine: &Engine) -> Option<String> {
    if !geteuid().is_root() {
        return Some("they need root: a private dockerd is started".to_owned());
    }
    let clients = lab::requirements().into_iter().find(|path| !path.exists());
    let clients = clients.map(|path| format!("{} is missing", path.display()));
    let missing = clients.or_else(|| engine.missing())?;
    Some(format!("{missing}: scripts/setup.sh installs what they need"))
}

fn skip(engine: &Engine, arguments: &Arguments, trials: Vec<Trial>, reason: &str) -> ExitCode {
    let line = "=".repeat(100);
    eprintln!("{line}\nTHE TRIALS OF ENGINE {} WERE SKIPPED: {reason}\n{line}", engine.name);
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
