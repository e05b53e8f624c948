//! The command line: a task and how to do it.

use crate::Failure;
use lexopt::{Arg, Parser, ValueExt as _};
use std::net::SocketAddr;
use std::path::PathBuf;

const ROUNDS: u32 = 5;

/// What to do.
pub enum Task {
    /// Say how it is run.
    Nothing,
    /// Be the stand-in daemon.
    Daemon { socket: PathBuf },
    /// Be the copier.
    Copier { listen: SocketAddr, daemon: PathBuf },
    /// Measure and print a table.
    Compare,
    /// Count system calls.
    Syscalls,
    /// Count instructions, and hold them against the budget.
    Instructions,
}

/// And how.
pub struct Options {
    pub task: Task,
    /// How often everything is measured.
    pub rounds: u32,
    /// Beginnings of the names of the figures that are wanted; none means all.
    pub only: Vec<String>,
    /// Other builds of the gate, each a column.
    pub gates: Vec<PathBuf>,
    /// Other settings of the gate, each a column: `A=1 B=2`.
    pub subjects: Vec<String>,
    /// Everything on one processor: what the scheduler does between two is the largest noise.
    pub pinned: bool,
    /// The counts become the budget.
    pub update: bool,
}

impl Options {
    pub fn of_the_command_line() -> Result<Self, Failure> {
        let mut options = Self {
            task: Task::Nothing,
            rounds: ROUNDS,
            only: Vec::new(),
            gates: Vec::new(),
            subjects: Vec::new(),
            pinned: true,
            update: false,
        };
        let mut parser = Parser::from_env();
        while let Some(argument) = parser.next()? {
            match argument {
                Arg::Value(name) => options.task = task(&name.string()?, &mut parser)?,
                Arg::Long("rounds") => options.rounds = parser.value()?.parse()?,
                Arg::Long("only") => {
                    let names = parser.value()?.string()?;
                    options.only.extend(names.split(',').map(str::to_owned));
                }
                Arg::Long("gate") => options.gates.push(parser.value()?.into()),
                Arg::Long("subject") => options.subjects.push(parser.value()?.string()?),
                Arg::Long("unpinned") => options.pinned = false,
                Arg::Long("update") => options.update = true,
                // Cargo adds it.
                Arg::Long("bench") => {}
                Arg::Long(_) | Arg::Short(_) => return Err(argument.unexpected().into()),
            }
        }
        Ok(options)
    }
}

fn task(name: &str, parser: &mut Parser) -> Result<Task, Failure> {
    Ok(match name {
        "daemon" => Task::Daemon { socket: parser.value()?.into() },
        "copier" => {
            Task::Copier { listen: parser.value()?.parse()?, daemon: parser.value()?.into() }
        }
        "compare" => Task::Compare,
        "syscalls" => Task::Syscalls,
        "instructions" => Task::Instructions,
        _ => return Err(format!("{name}: not compare, syscalls or instructions").into()),
    })
}
