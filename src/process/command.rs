//! The command line: few words, since the environment says the rest.

use super::config::{Config, ConfigErrors};
use super::{check, healthcheck, help, serve, wget};
use crate::observe::log::{Format, Log};
use lexopt::ValueExt as _;
use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use tracing::error;
use tracing_subscriber::filter::LevelFilter;

/// sysexits(3): the command was used wrongly.
const EXIT_USAGE: u8 = 64;
/// sysexits(3): the configuration is wrong.
const EXIT_CONFIG: u8 = 78;

/// `check`: the request would be refused.
const EXIT_REFUSED: u8 = 1;
/// `check` was used wrongly, as test(1) and grep(1) say it.
const EXIT_CHECK_USAGE: u8 = 2;

enum Command {
    Serve,
    Policy,
    Check(Request),
    Healthcheck,
    Help,
    Version,
}

/// The request that `check` is to judge.
struct Request {
    method: String,
    target: String,
    /// A file, or `-` for standard input.
    body: Option<PathBuf>,
}

/// Runs the program.
#[must_use]
pub fn run() -> ExitCode {
    if wget::is_called(std::env::args_os().next().as_ref()) {
        return wget::run(std::env::args_os().skip(1), complain);
    }
    let mut parser = lexopt::Parser::from_env();
    match parse(&mut parser) {
        Ok(Command::Help) => print(&help::help()),
        Ok(Command::Version) => print(concat!("dockgate ", env!("CARGO_PKG_VERSION"), "\n")),
        Ok(Command::Policy) => with_config(|config| print(&help::policy(&config))),
        Ok(Command::Check(request)) => with_config(|config| check(&config, &request)),
        Ok(Command::Healthcheck) => healthcheck(),
        Ok(Command::Serve) => serve(),
        Err((error, status)) => {
            complain(&format!("{error}; see dockgate --help"));
            ExitCode::from(status)
        }
    }
}

fn parse(parser: &mut lexopt::Parser) -> Result<Command, (lexopt::Error, u8)> {
    use lexopt::Arg::{Long, Short, Value};
    let usage = |error| (error, EXIT_USAGE);
    let command = match parser.next().map_err(usage)? {
        None => Command::Serve,
        Some(Short('h') | Long("help")) => Command::Help,
        Some(Short('V') | Long("version")) => Command::Version,
        Some(Value(word)) if word == "policy" => Command::Policy,
        Some(Value(word)) if word == "check" => {
            return request(parser).map_err(|error| (error, EXIT_CHECK_USAGE));
        }
        Some(Value(word)) if word == "healthcheck" => Command::Healthcheck,
        Some(Value(word)) if word == "serve" => Command::Serve,
        Some(Value(word)) if word == "help" => Command::Help,
        Some(argument) => return Err(usage(argument.unexpected())),
    };
    match parser.next().map_err(usage)? {
        None => Ok(command),
        Some(argument) => Err(usage(argument.unexpected())),
    }
}

/// `METHOD TARGET [--body FILE]`.
fn request(parser: &mut lexopt::Parser) -> Result<Command, lexopt::Error> {
    use lexopt::Arg::{Long, Short, Value};
    let (mut words, mut body) = (Vec::new(), None);
    while let Some(argument) = parser.next()? {
        match argument {
            Short('h') | Long("help") => return Ok(Command::Help),
            Long("body") => body = Some(parser.value()?.into()),
            Value(word) if words.len() < 2 => words.push(word.string()?),
            Short(_) | Long(_) | Value(_) => return Err(argument.unexpected()),
        }
    }
    let mut words = words.into_iter();
    match (words.next(), words.next()) {
        (Some(method), Some(target)) => Ok(Command::Check(Request { method, target, body })),
        (_, _) => Err("check takes a method and a target, such as GET /containers/json".into()),
    }
}

fn check(config: &Config, request: &Request) -> ExitCode {
    let body = match &request.body {
        None => Ok(Vec::new()),
        Some(path) if path.as_os_str() == "-" => {
            let mut body = Vec::new();
            std::io::stdin().read_to_end(&mut body).map(|_| body)
        }
        Some(path) => std::fs::read(path),
    };
    let body = match body {
        Ok(body) => body,
        Err(error) => {
            complain(&format!("the body can't be read: {error}"));
            return ExitCode::from(EXIT_CHECK_USAGE);
        }
    };
    match check::check(config, &request.method, &request.target, &body) {
        None => {
            complain("a method and a target are one word each; see dockgate --help");
            ExitCode::from(EXIT_CHECK_USAGE)
        }
        Some(report) => {
            print(&report.text);
            if report.is_allowed { ExitCode::SUCCESS } else { ExitCode::from(EXIT_REFUSED) }
        }
    }
}

/// Docker knows two ends of a health check, 0 and 1.
fn healthcheck() -> ExitCode {
    let config = Config::read(std::env::vars_os()).map_err(|error| error.to_string());
    match config.and_then(|config| healthcheck::healthcheck(&config)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            complain(&why);
            ExitCode::FAILURE
        }
    }
}

fn serve() -> ExitCode {
    match Config::read(std::env::vars_os()) {
        Ok(config) => serve::serve(&config),
        Err(ConfigErrors { errors, log_format: Format::Json }) => {
            let _log = Log::begin(LevelFilter::ERROR, Format::Json);
            for error in &errors {
                error!(variable = error.variable, value = error.value, "{error}");
            }
            ExitCode::from(EXIT_CONFIG)
        }
        Err(errors) => complain_of(&errors),
    }
}

fn with_config(then: impl FnOnce(Config) -> ExitCode) -> ExitCode {
    match Config::read(std::env::vars_os()) {
        Ok(config) => then(config),
        Err(errors) => complain_of(&errors),
    }
}

fn complain_of(errors: &ConfigErrors) -> ExitCode {
    for error in &errors.errors {
        complain(&error.to_string());
    }
    ExitCode::from(EXIT_CONFIG)
}

/// A reader that has gone (`dockgate policy | head`) is no failure.
fn print(text: &str) -> ExitCode {
    let _ = std::io::stdout().write_all(text.as_bytes());
    ExitCode::SUCCESS
}

fn complain(why: &str) {
    let _ = writeln!(std::io::stderr(), "dockgate: {why}");
}
