//! The command line: how long, how much, and of what.

use crate::Failure;
use lexopt::{Arg, Parser, ValueExt as _};
use std::path::PathBuf;
use std::time::Duration;

/// What to do.
pub enum Task {
    /// Say how it is run.
    Nothing,
    Run,
}

pub struct Options {
    pub task: Task,
    /// How long the load lasts.
    pub time: Duration,
    /// Times the usual load.
    pub rate: f64,
    /// The gate's binary.
    pub gate: PathBuf,
    /// A gate in front of a real daemon, too.
    pub engine: bool,
}

impl Options {
    pub fn of_the_command_line() -> Result<Self, Failure> {
        let mut options = Self {
            task: Task::Nothing,
            time: Duration::from_secs(60),
            rate: 1.0,
            gate: PathBuf::from(env!("CARGO_BIN_EXE_dockgate")),
            engine: false,
        };
        let mut parser = Parser::from_env();
        while let Some(argument) = parser.next()? {
            match argument {
                Arg::Value(name) if name == "run" => options.task = Task::Run,
                Arg::Long("seconds") => {
                    options.time = Duration::from_secs(parser.value()?.parse()?);
                }
                Arg::Long("rate") => options.rate = parser.value()?.parse()?,
                Arg::Long("gate") => options.gate = parser.value()?.into(),
                Arg::Long("engine") => options.engine = true,
                // Cargo adds it.
                Arg::Long("bench") => {}
                Arg::Value(_) | Arg::Long(_) | Arg::Short(_) => {
                    return Err(argument.unexpected().into());
                }
            }
        }
        if options.time < Duration::from_secs(20) {
            return Err("less than 20 seconds show nothing".into());
        }
        Ok(options)
    }
}
