//! A scenario is a list of command lines. It is played straight on the daemon's socket and then through the gate, and
//! what was to be seen must agree: exit codes, output, and the requests that the daemon was asked to serve.

use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::path::Path;

use libtest_mimic::Failed;

use crate::daemon::is_gates_own;
use crate::gate::Gate;
use crate::http::Endpoint;
use crate::lab::Lab;

pub struct Scenario {
    pub name: &'static str,
    /// The least that must be granted for it to work.
    pub policy: &'static str,
    /// One step a line; a line that begins with `!` must fail on the socket, every other must succeed there.
    pub script: &'static str,
}

impl Scenario {
    pub fn play_twice(&self, lab: &Lab) -> Result<(), Failed> {
        self.play_direct_and_through(lab, Gate::start)
    }

    /// The same, with a gate that `start` has set up in its own way.
    pub fn play_direct_and_through(
        &self,
        lab: &Lab,
        start: impl Fn(&Path, &str) -> io::Result<Gate>,
    ) -> Result<(), Failed> {
        let direct = self.play(lab, &lab.daemon().endpoint())?;
        direct.went_as_written()?;
        let gate = start(&lab.daemon().socket(), self.policy)?;
        let through = self.play(lab, &gate.endpoint())?;
        let log = gate.log();
        gate.stop()?;
        direct
            .compare(&through)
            .map_err(|difference| format!("{difference}\nthe gate's log:\n{log}"))?;
        Ok(())
    }

    fn play(&self, lab: &Lab, endpoint: &Endpoint) -> Result<Transcript, Failed> {
        lab.fresh_work_directory()?;
        let mark = lab.daemon().mark();
        let script = self.script.replace("\\\n", "");
        let lines = script.lines().map(str::trim).filter(|line| !line.is_empty());
        let mut steps = Vec::new();
        for line in lines {
            let (fails, command) =
                line.strip_prefix("! ").map_or((false, line), |command| (true, command));
            let finished = lab.shell(endpoint, command)?;
            let host = endpoint.docker_host();
            let plain = |text: String| normalised(&text.replace(&host, "<docker host>"));
            let (stdout, stderr) = (plain(finished.stdout()), plain(finished.stderr()));
            steps.push(Step {
                command: command.to_owned(),
                fails,
                code: finished.code,
                stdout,
                stderr,
            });
        }
        let calls = lab.daemon().calls_since(&mark);
        let now_and_then =
            |call: &&String| CALLED_NOW_AND_THEN.iter().any(|part| call.contains(part));
        let calls = calls.iter().filter(|call| !now_and_then(call));
        let calls = calls.map(|call| normalised(&with_id(call))).collect();
        lab.daemon().sweep()?;
        Ok(Transcript { steps, calls })
    }
}

struct Transcript {
    steps: Vec<Step>,
    calls: BTreeSet<String>,
}

#[derive(PartialEq)]
struct Step {
    command: String,
    fails: bool,
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Transcript {
    /// Two equal failures prove nothing, so the run on the socket has to be what the scenario says.
    fn went_as_written(&self) -> Result<(), String> {
        let stray = self.steps.iter().find(|step| (step.code != Some(0)) != step.fails);
        stray.map_or(Ok(()), |step| {
            Err(format!("straight on the daemon's socket this went otherwise:\n{step}"))
        })
    }

    fn compare(&self, other: &Self) -> Result<(), String> {
        let pairs = self.steps.iter().zip(&other.steps);
        for (direct, through) in pairs {
            if direct != through {
                return Err(format!("direct:\n{direct}\nthrough the gate:\n{through}"));
            }
        }
        let difference = self.calls.symmetric_difference(&other.calls);
        let difference: Vec<_> =
            difference.filter(|call| self.calls.contains(*call) || !is_gates_own(call)).collect();
        if !difference.is_empty() {
            return Err(format!(
                "the daemon was not asked the same: only once among the two runs: {difference:#?}"
            ));
        }
        Ok(())
    }
}

/// What is done in or to containers that the gate has asked about first.
const BY_ID: [&str; 3] = ["archive", "attach", "exec"];

/// What it has asked about it names by its id from then on, whatever the client called it.
fn with_id(call: &str) -> String {
    let named = call.split_once("/containers/").and_then(|(method, rest)| {
        let (_, what) = rest.split_once('/')?;
        let is_by_id = BY_ID.contains(&what.split(['?', '/']).next()?);
        is_by_id.then(|| format!("{method}/containers/<id>/{what}"))
    });
    named.unwrap_or_else(|| call.to_owned())
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { command, code, stdout, stderr, .. } = self;
        write!(f, "$ {command}\nexit code {code:?}\n--- stdout\n{stdout}--- stderr\n{stderr}")
    }
}

/// What the docker client says one time and not the next, as its own goroutines overtake each
/// other: a wait that is cancelled with the run it belongs to, a size that is set at the second try, an upload that the
/// daemon has not waited for.
const NOW_AND_THEN: [&str; 3] = [
    "error waiting for container: context canceled",
    "failed to resize tty, using default size",
    "io: read/write on closed pipe",
];

/// What it asks for one time and not the next: `terminal.py` nudges a client that has shown nothing
/// for a while with a signal, and the client passes that on; a terminal may have the size at its
/// creation that it is then given, or not yet. That sizes arrive is seen inside.
const CALLED_NOW_AND_THEN: [&str; 2] = ["/kill?signal=WINCH", "/resize?h="];

/// Replaces what differs between any two runs: ids, times, durations, and the padding that follows their width.
pub fn normalised(text: &str) -> String {
    let mut result = String::new();
    for line in text.split_inclusive('\n') {
        if NOW_AND_THEN.iter().any(|said| line.contains(said)) {
            continue;
        }
        let mut words: Vec<String> = Vec::new();
        for word in line.split_whitespace() {
            let unit = word.trim_matches(|c: char| !c.is_ascii_alphabetic());
            let is_unit = ["second", "seconds", "minute", "minutes"].contains(&unit);
            if is_unit {
                // "Less than a second", "About a minute", "3 seconds"
                while words.last().is_some_and(|word| counts(word)) {
                    words.pop();
                }
                words.push("<age>".to_owned());
            } else {
                words.push(normalised_word(word));
            }
        }
        result.push_str(&words.join(" "));
        if line.ends_with('\n') {
            result.push('\n');
        }
    }
    result
}

fn counts(word: &str) -> bool {
    ["Less", "About", "than", "a"].contains(&word) || word.parse::<u32>().is_ok()
}

/// A word of letters, digits and the punctuation of numbers may be an id or a time; what stands between is kept.
fn normalised_word(word: &str) -> String {
    let inside = |c: char| c.is_ascii_alphanumeric() || ".:+-%_".contains(c);
    let mut result = String::new();
    let mut rest = word;
    while !rest.is_empty() {
        let (part, tail) = rest.split_at(rest.find(|c| !inside(c)).unwrap_or(rest.len()));
        result.push_str(&normalised_part(part));
        let (between, tail) = tail.split_at(tail.find(inside).unwrap_or(tail.len()));
        result.push_str(between);
        rest = tail;
    }
    result
}

/// Builds and services have ids of 25 digits and letters.
fn normalised_part(part: &str) -> String {
    let shape: String = part.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    if shape.starts_with("0000-00-00") {
        return "<time>".to_owned();
    }
    if shape.starts_with("00:00:00") {
        return "<clock>".to_owned();
    }
    let number = part.trim_end_matches(['m', 's']);
    if number.contains('.') && number != part && number.parse::<f64>().is_ok() {
        return "<duration>".to_owned();
    }
    let is_base36 = part.chars().all(|c| c.is_ascii_digit() || c.is_ascii_lowercase());
    if part.len() == 25 && is_base36 { "<id>".to_owned() } else { without_ids(part) }
}

/// Most ids are 12 or 64 digits; a shorter run of hexadecimal digits is a word or a number.
fn without_ids(part: &str) -> String {
    let is_hex = |c: char| matches!(c, '0'..='9' | 'a'..='f');
    let mut result = String::new();
    let mut rest = part;
    while !rest.is_empty() {
        let (run, tail) = rest.split_at(rest.find(|c| !is_hex(c)).unwrap_or(rest.len()));
        result.push_str(if run.len() >= 12 { "<id>" } else { run });
        let (between, tail) = tail.split_at(tail.find(is_hex).unwrap_or(tail.len()));
        result.push_str(between);
        rest = tail;
    }
    result
}

/// A comparison that cannot fail would make every scenario pass.
pub const PROOFS: &[crate::Proof] = &[
    ("ids, times and durations do not make a difference", |_| {
        let one = normalised(
            "0123456789ab  Up 2 seconds   2026-11-21T22:41:13.7Z sha256:0123456789abcdef 1.5s ok\n",
        );
        let other = normalised(
            "fedcba987654 Up Less than a second 2027-01-01T00:00:00Z sha256:fedcba9876543210 0.25s ok\n",
        );
        same(&one, &other)
    }),
    ("anything else does", |_| {
        let step = |code, stdout: &str, stderr: &str| Step {
            command: "docker ps".to_owned(),
            fails: false,
            code: Some(code),
            stdout: normalised(stdout),
            stderr: normalised(stderr),
        };
        let transcript = |step, call: &str| Transcript {
            steps: vec![step],
            calls: BTreeSet::from([call.to_owned()]),
        };
        let direct = transcript(step(0, "a 17\n", ""), "GET /info");
        direct.compare(&transcript(step(0, "a 17\n", ""), "GET /info"))?;
        for other in [
            transcript(step(1, "a 17\n", ""), "GET /info"),
            transcript(step(0, "a 18\n", ""), "GET /info"),
            transcript(step(0, "a 17", ""), "GET /info"),
            transcript(step(0, "a 17\n", "warning\n"), "GET /info"),
            transcript(step(0, "a 17\n", ""), "GET /version"),
        ] {
            if direct.compare(&other).is_ok() {
                return Err("a difference went unnoticed".into());
            }
        }
        Ok(())
    }),
    ("a step that fails on the daemon's own socket fails the scenario", |lab| {
        let broken = Scenario { name: "", policy: "", script: "docker inspect nosuchthing" };
        if broken.play(lab, &lab.daemon().endpoint())?.went_as_written().is_ok() {
            Err("it passed".into())
        } else {
            Ok(())
        }
    }),
];

fn same(one: &str, other: &str) -> Result<(), Failed> {
    if one == other { Ok(()) } else { Err(format!("{one:?} and {other:?}").into()) }
}
