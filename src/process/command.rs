//! The command line: few words, since the environment says the rest.

use super::config::Config;
use super::{help, serve};
use std::io::Write as _;
use std::process::ExitCode;

/// sysexits(3): the command was used wrongly.
const EXIT_USAGE: u8 = 64;
/// sysexits(3): the configuration is wrong.
const EXIT_CONFIG: u8 = 78;

enum Command {
    Serve,
    Policy,
    Help,
    Version,
}

/// Runs the program.
#[must_use]
pub fn run() -> ExitCode {
    match parse() {
        Ok(Command::Help) => print(&help::help()),
        Ok(Command::Version) => print(concat!("dockgate ", env!("CARGO_PKG_VERSION"), "\n")),
        Ok(Command::Policy) => with_config(|config| print(&help::policy(&config))),
        Ok(Command::Serve) => with_config(|config| serve::serve(&config)),
        Err(error) => {
            complain(&format!("{error}; see dockgate --help"));
            ExitCode::from(EXIT_USAGE)
        }
    }
}

fn parse() -> Result<Command, lexopt::Error> {
    use lexopt::Arg::{Long, Short, Value};
    let mut parser = lexopt::Parser::from_env();
    let command = match parser.next()? {
        None => Command::Serve,
        Some(Short('h') | Long("help")) => Command::Help,
        Some(Short('V') | Long("version")) => Command::Version,
        Some(Value(word)) if word == "policy" => Command::Policy,
        Some(Value(word)) if word == "serve" => Command::Serve,
        Some(Value(word)) if word == "help" => Command::Help,
        Some(argument) => return Err(argument.unexpected()),
    };
    match parser.next()? {
        None => Ok(command),
        Some(argument) => Err(argument.unexpected()),
    }
}

fn with_config(then: impl FnOnce(Config) -> ExitCode) -> ExitCode {
    match Config::read(std::env::vars_os()) {
        Ok(config) => then(config),
        Err(error) => {
            complain(&error.to_string());
            ExitCode::from(EXIT_CONFIG)
        }
    }
}

/// A reader that has gone (`dockgate policy | head`) is no failure.
fn print(text: &str) -> ExitCode {
    let _ = std::io::stdout().write_all(text.as_bytes());
    ExitCode::SUCCESS
}

fn complain(why: &str) {
    let _ = writeln!(std::io::stderr(), "dockgate: {why}");
}
