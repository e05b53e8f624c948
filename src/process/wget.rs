//! What the program is when it is called `wget`: compose files run that in the proxy's container to
//! see whether it is well, and the image has nothing else. It asks this machine alone, understands
//! the options of such health checks and says so of everything else.

use super::healthcheck::explain;
use super::probe::{self, Door};
use crate::http::number::decimal;
use lexopt::ValueExt as _;
use std::ffi::OsString;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// wget(1): a parse error.
const EXIT_USAGE: u8 = 2;
/// wget(1): a file could not be written.
const EXIT_FILE: u8 = 3;
/// wget(1): a network failure.
const EXIT_NETWORK: u8 = 4;
/// wget(1): the server answered with an error.
const EXIT_SERVER: u8 = 8;

/// Where the time is not limited by `-T`; a health check's own time-out is shorter.
const TIME_MAX: Duration = Duration::from_secs(60);

const NO_WGET: &str = "this is dockgate's own health check, not a general wget: it takes -q, --spider, -O - and -T \
     for http://localhost";

/// What is asked for.
#[derive(Debug, PartialEq, Eq)]
struct Order {
    doors: Vec<SocketAddr>,
    target: String,
    time_max: Duration,
    /// Whether the body goes to standard output.
    shows: bool,
}

/// Whether the program was called by this name.
#[must_use]
pub fn is_called(program: Option<&OsString>) -> bool {
    program
        .and_then(|path| std::path::Path::new(path).file_name())
        .is_some_and(|name| name == "wget")
}

/// Runs it; the line on an error is for whoever looks at the health check's log.
#[must_use]
pub fn run(arguments: impl Iterator<Item = OsString>, complain: impl Fn(&str)) -> ExitCode {
    let order = match parse(arguments) {
        Ok(order) => order,
        Err(error) => {
            complain(&format!("wget: {error}; {NO_WGET}"));
            return ExitCode::from(EXIT_USAGE);
        }
    };
    let doors: Vec<Door> = order.doors.iter().copied().map(Door::tcp).collect();
    let answer = match probe::ask(&doors, &order.target, Instant::now() + order.time_max) {
        Ok(answer) => answer,
        Err(failure) => {
            complain(&format!("wget: {}", explain(&failure)));
            return ExitCode::from(EXIT_NETWORK);
        }
    };
    if !(200..300).contains(&answer.status) {
        let status = answer.status;
        complain(&format!("wget: the answer is {status}: {}", answer.message()));
        return ExitCode::from(EXIT_SERVER);
    }
    if order.shows
        && let Err(error) = answer.copy_body(&mut io::stdout(), u64::MAX)
    {
        complain(&format!("wget: the body can't be copied: {error}"));
        return ExitCode::from(EXIT_FILE);
    }
    ExitCode::SUCCESS
}

fn parse(arguments: impl Iterator<Item = OsString>) -> Result<Order, lexopt::Error> {
    use lexopt::Arg::{Long, Short, Value};
    let mut parser = lexopt::Parser::from_args(split_no_verbose(arguments));
    let (mut url, mut spider, mut file, mut time_max) = (None, false, None, TIME_MAX);
    while let Some(argument) = parser.next()? {
        match argument {
            Short('q') | Long("quiet" | "no-verbose" | "no-proxy") => {}
            Long("spider") => spider = true,
            Short('O') | Long("output-document") => file = Some(parser.value()?.string()?),
            Short('T') | Long("timeout") => time_max = seconds(&parser.value()?.string()?)?,
            // It is tried once: whoever checks tries again. There is no proxy to be used or not.
            Short('t' | 'Y') | Long("tries" | "proxy") => drop(parser.value()?),
            Value(word) if url.is_none() => url = Some(word.string()?),
            Short(_) | Long(_) | Value(_) => return Err(argument.unexpected()),
        }
    }
    let shows = match (spider, file.as_deref()) {
        (true, _) | (false, Some("/dev/null")) => false,
        (false, Some("-" | "/dev/stdout")) => true,
        (false, _) => return Err("no file is written here".into()),
    };
    let url = url.ok_or("the URL is missing")?;
    let (doors, target) = place(&url).ok_or_else(|| format!("{url:?} is not asked here"))?;
    Ok(Order { doors, target, time_max, shows })
}

/// `-nv` is one option of GNU wget, not two.
fn split_no_verbose(arguments: impl Iterator<Item = OsString>) -> Vec<OsString> {
    arguments.map(|word| if word == "-nv" { "--no-verbose".into() } else { word }).collect()
}

fn seconds(text: &str) -> Result<Duration, lexopt::Error> {
    match decimal(text.as_bytes()) {
        // wget(1): 0 disables it.
        Some(0) => Ok(TIME_MAX),
        Some(seconds) if seconds <= 86_400 => Ok(Duration::from_secs(seconds)),
        Some(_) | None => Err("the time-out is no number of seconds".into()),
    }
}

/// This machine's addresses that a URL stands for, and what is asked there.
fn place(url: &str) -> Option<(Vec<SocketAddr>, String)> {
    let rest = match url.split_once("://") {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => rest,
        Some(_) => return None,
        None => url,
    };
    let (authority, target) = match rest.find('/') {
        Some(at) => rest.split_at(at),
        None => (rest, "/"),
    };
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => {
            (host, decimal(port.as_bytes()).and_then(|port| u16::try_from(port).ok())?)
        }
        Some(_) | None => (authority, 80),
    };
    let ipv4 = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let ipv6 = SocketAddr::from((Ipv6Addr::LOCALHOST, port));
    let doors = match host {
        "127.0.0.1" => vec![ipv4],
        "[::1]" | "::1" => vec![ipv6],
        host if host.eq_ignore_ascii_case("localhost") => vec![ipv4, ipv6],
        _ => return None,
    };
    let is_plain = target.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#');
    is_plain.then(|| (doors, target.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(line: &str) -> Result<Order, String> {
        parse(line.split_whitespace().map(OsString::from)).map_err(|error| error.to_string())
    }

    #[test]
    fn the_forms_of_existing_health_checks_are_understood() {
        for line in [
            "-q --spider http://localhost:2375/version",
            "--spider -q http://localhost:2375/version",
            "--quiet --tries=1 --spider http://localhost:2375/version",
            "--no-verbose --tries=1 --spider http://localhost:2375/version",
            "-nv -t1 --spider http://localhost:2375/version",
            "-q -O /dev/null http://localhost:2375/version",
            "-qO/dev/null http://localhost:2375/version",
            "-Y off -q --spider localhost:2375/version",
            "--output-document=/dev/null HTTP://LOCALHOST:2375/version",
        ] {
            let order = order(line).unwrap_or_else(|error| panic!("{line}: {error}"));
            let names: Vec<String> = order.doors.iter().map(ToString::to_string).collect();
            assert_eq!(names, ["127.0.0.1:2375", "[::1]:2375"], "{line}");
            assert_eq!((order.target.as_str(), order.shows), ("/version", false), "{line}");
            assert_eq!(order.time_max, TIME_MAX);
        }
    }

    #[test]
    fn the_body_is_shown_where_that_is_asked_for() {
        for line in ["-qO- http://127.0.0.1/x", "-q -O - http://127.0.0.1/x", "-O- 127.0.0.1/x"] {
            let order = order(line).unwrap_or_else(|error| panic!("{line}: {error}"));
            assert!(order.shows, "{line}");
            assert_eq!(order.doors, [SocketAddr::from((Ipv4Addr::LOCALHOST, 80))]);
        }
        let order = order("-q --spider -T 3 http://[::1]:2375").expect("an order");
        assert_eq!(order.time_max, Duration::from_secs(3));
        assert_eq!(order.doors, [SocketAddr::from((Ipv6Addr::LOCALHOST, 2375))]);
        assert_eq!(order.target, "/");
    }

    #[test]
    fn everything_else_is_refused() {
        for line in [
            "",
            "-q --spider",
            "-q http://localhost:2375/version",
            "-O file http://localhost/",
            "-q --spider https://localhost:2375/",
            "-q --spider http://example.com/",
            "-q --spider http://localhost.example.com/",
            "-q --spider http://user@localhost/",
            "-q --spider http://localhost@example.com/",
            "-q --spider http://127.0.0.1.example.com/",
            "-q --spider http://127.0.0.2/",
            "-q --spider http://localhost:+80/",
            "-q --spider http://localhost:65536/",
            "-q --spider http://localhost:/",
            "-q --spider http://localhost/a#b",
            "--spider -T x http://localhost/",
            "--post-data=x --spider http://localhost/",
            "--spider http://localhost/ http://localhost/",
            "--spider file:///etc/passwd",
        ] {
            assert!(order(line).is_err(), "{line}");
        }
        let blank = [OsString::from("--spider"), OsString::from("http://localhost/a\r\nB: c")];
        assert!(parse(blank.into_iter()).is_err());
    }

    #[test]
    fn the_name_alone_decides() {
        for (program, is_wget) in [
            ("wget", true),
            ("/usr/bin/wget", true),
            ("/dockgate", false),
            ("/wget/dockgate", false),
            ("wget2", false),
        ] {
            assert_eq!(is_called(Some(&program.into())), is_wget, "{program}");
        }
        assert!(!is_called(None));
    }
}
