//! What is left of a gate that serves: started in every way that users start it, looked at from
//! outside, and, in a victim's place, tried from inside.
//!
//! It needs root, since root is what is given up. Without it the trials are skipped, loudly; in CI
//! that is a failure.

mod audit;
mod gate;
mod identity;
mod shares;
mod stale;
mod victim;

use libtest_mimic::{Arguments, Failed, Trial};
use nix::unistd::geteuid;
use std::process::ExitCode;

/// A trial's name and what it does.
type Proof = (&'static str, fn() -> Result<(), Failed>);

fn main() -> ExitCode {
    if let Some(deed) = std::env::args().nth(1).and_then(|word| victim::deed(&word)) {
        return victim::suffer(deed);
    }
    let arguments = Arguments::from_args();
    let proofs =
        [identity::PROOFS, victim::PROOFS, stale::PROOFS, audit::PROOFS, shares::PROOFS].concat();
    let trials = |ignored: bool| {
        let trial = |&(name, proof): &Proof| Trial::test(name, proof).with_ignored_flag(ignored);
        proofs.iter().map(trial).collect::<Vec<_>>()
    };
    if geteuid().is_root() {
        return libtest_mimic::run(&arguments, trials(false)).exit_code();
    }
    let line = "=".repeat(100);
    eprintln!("{line}\nTHE TESTS OF PRIVILEGES WERE SKIPPED: they need root\n{line}");
    if std::env::var_os("CI").is_some() {
        eprintln!("In CI that is a failure.");
        return ExitCode::FAILURE;
    }
    libtest_mimic::run(&arguments, trials(true)).exit_code()
}
