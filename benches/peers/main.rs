//! The gate beside its peers, in one run: straight on the socket, a byte copier (the floor), and
//! `HAProxy` with the ancestors' kind of rules. `make bench-peers`, `make syscalls` and
//! `make instructions` (of the gate alone) run it; each peer is a process of its own, the stand-in
//! daemon and the copier are this program again.

use options::{Options, Task};
use std::process::ExitCode;

mod body;
mod budget;
mod client;
mod compare;
mod copier;
mod daemon;
mod figures;
mod instructions;
mod load;
mod options;
mod processes;
mod run;
mod syscalls;
mod table;

/// What can go wrong ends the run, in words.
type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    match Options::of_the_command_line().and_then(run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("peers: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: Options) -> Result<(), Failure> {
    match options.task {
        // `cargo bench` runs every bench; this one takes minutes and wants other programs.
        Task::Nothing => {
            println!("peers: run by `make bench-peers`, `make syscalls`, `make instructions`");
        }
        Task::Daemon { socket } => daemon::serve(&socket)?,
        Task::Copier { listen, daemon } => copier::serve(listen, &daemon)?,
        Task::Compare => compare::compare(&options)?,
        Task::Syscalls => syscalls::count(&options)?,
        Task::Instructions => instructions::count(&options)?,
    }
    Ok(())
}
