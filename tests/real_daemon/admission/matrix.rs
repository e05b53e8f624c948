//! What no variable opens does not reach the daemon, however it is written; what one opens does,
//! and is what the gate took it for.

use std::io;

use libtest_mimic::Failed;
use serde_json::Value;

use super::row::{HOST, Opened, Row};
use super::spellings::{self, Says, Spelling};
use super::{elsewhere, gate, of_create};
use crate::Proof;
use crate::daemon::is_gates_own;
use crate::gate::Gate;
use crate::http::{Answer, Connection, Endpoint};
use crate::lab::Lab;
use crate::process::{HANG, eventually};
use dockgate::admission::Variable;

pub const PROOFS: &[Proof] = &[
    (
        "every dangerous argument is refused in every spelling, and the daemon hears nothing",
        refused,
    ),
    (
        "a query that reaches out is refused in every spelling, and the daemon hears nothing",
        |lab| {
            let mut refusals = Refusals::new(lab)?;
            for (needs, spelling) in spellings::queries() {
                refusals.try_one(&spelling, Some(needs))?;
            }
            refusals.daemon_heard_nothing(lab)
        },
    ),
    ("a container's settings can't come with its start, nor a plugin with its own", |lab| {
        let mut refusals = Refusals::new(lab)?;
        for version in ["", "/v1.12", "/v1.23", "/v1.24", "/v1.41"] {
            let start = format!("{version}/containers/other/start");
            refusals.try_other(&start, r#"{"Privileged":true}"#, &["takes no body", "too old"])?;
            let plugin = format!("{version}/plugins/create?name=x");
            refusals.try_other(
                &plugin,
                "a tar file",
                &["needs ALLOW_PLUGIN_PRIVILEGES=*", "too old"],
            )?;
        }
        refusals.daemon_heard_nothing(lab)
    }),
    ("what a refusal says is needed opens it, and the daemon shows it as it was asked for", opened),
    ("the daemon takes each spelling for the same argument", spellings_are_one),
];

fn rows() -> impl Iterator<Item = &'static Row> {
    of_create::ROWS.iter().chain(elsewhere::ROWS)
}

/// A gate that grants every operation and opens no argument, and what it has answered.
struct Refusals {
    gate: Gate,
    connection: Connection,
    mark: crate::daemon::Mark,
    count: usize,
}

impl Refusals {
    fn new(lab: &Lab) -> io::Result<Self> {
        let gate = gate(lab, "")?;
        let connection = gate.endpoint().connect()?;
        Ok(Self { gate, connection, mark: lab.daemon().mark(), count: 0 })
    }

    fn try_one(&mut self, spelling: &Spelling, needs: Option<&str>) -> Result<(), String> {
        let told = |what: &str| {
            let text = String::from_utf8_lossy(&spelling.pieces.concat()).into_owned();
            format!("{}: {what}\n{text}", spelling.how)
        };
        let answer =
            send(&mut self.connection, spelling).map_err(|error| told(&error.to_string()))?;
        let message = answer.message().map_err(|error| told(&error.to_string()))?;
        let argument =
            needs.map_or("is no kind of mount".to_owned(), |needs| format!("needs {needs}"));
        let is_argument = answer.status == 403 && says(&message, &argument);
        let is_as_expected = message.starts_with("dockgate: ")
            && match spelling.says {
                Says::Argument => is_argument,
                Says::Repeated => {
                    answer.status == 400 && message.contains("is there more than once")
                }
                Says::NotOneValue => answer.status == 400 && message.contains("not one JSON value"),
                Says::Form => answer.status == 415 && message.contains("has a form as its body"),
                Says::Query => {
                    let is_bad = message.contains("in the query more than once")
                        || message.contains("has a query with ';', a bad escape");
                    answer.status == 400 && is_bad
                }
            };
        if !is_as_expected {
            return Err(told(&format!("{} {message}", answer.status)));
        }
        self.count += 1;
        Ok(())
    }

    fn try_other(&mut self, target: &str, body: &str, words: &[&str]) -> Result<(), Failed> {
        let answer = self.connection.ask("POST", target, body)?;
        // What is too old is told so in plain text, as those clients read it.
        let message = answer.message().unwrap_or_else(|_| answer.body.clone());
        let is_refused = message.starts_with("dockgate: ") && answer.status >= 400;
        if !is_refused || !words.iter().any(|words| message.contains(words)) {
            return Err(format!("{target}: {} {message}", answer.status).into());
        }
        self.count += 1;
        Ok(())
    }

    fn daemon_heard_nothing(self, lab: &Lab) -> Result<(), Failed> {
        let mut heard = lab.daemon().calls_since(&self.mark);
        heard.retain(|call| !is_gates_own(call));
        if !heard.is_empty() {
            return Err(format!("the daemon was asked {heard:?}").into());
        }
        // In the end it says how many had no line of their own.
        self.gate.ask_to_stop();
        let logged = || self.gate.log().lines().map(refusals_of).sum::<usize>();
        let all = || Ok(self.count > 0 && logged() >= self.count);
        eventually(HANG, all).map_err(|_| {
            format!("{} requests, and {} refusals in the log", self.count, logged())
        })?;
        Ok(())
    }
}

/// How many refusals a line of the log tells of.
fn refusals_of(line: &str) -> usize {
    let folded =
        line.split_once("folded=").and_then(|(_, rest)| rest.split(' ').next()?.parse().ok());
    folded.unwrap_or(usize::from(line.contains(" refused ")))
}

/// Whether the advice is there, and whole: `/etc` is not `/etcetera`.
fn says(message: &str, advice: &str) -> bool {
    message.match_indices(advice).any(|(at, _)| {
        let rest = &message[at + advice.len()..];
        rest.is_empty() || rest.starts_with(';') || !advice.starts_with("needs")
    })
}

fn refused(lab: &Lab) -> Result<(), Failed> {
    let mut refusals = Refusals::new(lab)?;
    for row in rows() {
        for spelling in spellings::all(row) {
            refusals.try_one(&spelling, row.needs).map_err(|why| told(row, &why))?;
        }
        // The rule has the same name in the log.
        let variable = row.needs.and_then(|needs| needs.split_once('=')).map(|(name, _)| name);
        let word = variable.and_then(Variable::named).map_or("closed-argument", Variable::word);
        let is_told = || Ok(refusals.gate.log().contains(&format!("reason=\"{word}\"")));
        eventually(HANG, is_told)
            .map_err(|_| told(row, &format!("no refusal in the log has reason=\"{word}\"")))?;
    }
    if refusals.count < 2_500 {
        return Err(format!("only {} requests", refusals.count).into());
    }
    refusals.daemon_heard_nothing(lab)
}

fn opened(lab: &Lab) -> Result<(), Failed> {
    let other = other(lab)?;
    let (mut shown, mut left_out, mut wrong) = (0, Vec::new(), Vec::new());
    for row in rows() {
        let expected = match *row.opened(lab.engine()) {
            Opened::AsGiven => row.value,
            Opened::As(value) => value,
            Opened::NotHere(why) => {
                left_out.push(told(row, why));
                continue;
            }
        };
        let gate = gate(lab, row.opened_by.or(row.needs).unwrap_or_default())?;
        let body =
            spellings::framed(row.place, str::to_owned, &spellings::entry(str::to_owned, row));
        let whole = Spelling {
            how: "plainly",
            pieces: vec![spellings::request(row.place.target, JSON, &body)],
            says: Says::Argument,
        };
        let expected: Value = serde_json::from_str(&expected.replace("OTHER-ID", &other))?;
        match made(lab, row, &gate.endpoint(), &whole) {
            Ok(got) if got == expected => shown += 1,
            Ok(got) => wrong.push(told(row, &format!("the daemon shows {got}"))),
            Err(why) => wrong.push(told(row, &why)),
        }
    }
    // A table that skips everything would prove nothing.
    if !wrong.is_empty() || shown < 70 {
        return Err(
            format!("{shown} rows opened; not so {wrong:#?}; left out {left_out:#?}").into()
        );
    }
    Ok(())
}

/// Rows of every shape: a switch, a list, a text, a map, an object in an object.
const SHAPES: [&str; 6] =
    ["Privileged", "Binds", "NetworkMode", "MaskedPaths", "Mounts", "DriverOpts"];

fn spellings_are_one(lab: &Lab) -> Result<(), Failed> {
    for field in SHAPES {
        let row = rows().find(|row| row.field == field).ok_or("no such row")?;
        let gate = gate(lab, row.opened_by.or(row.needs).unwrap_or_default())?;
        for spelling in spellings::all(row) {
            let is_other = spelling.says != Says::Argument
                // The daemon refuses these for what they say they are, and reads this one nowhere.
                || ["without a Content-Type", "as text", "at the top level, beside an empty object"]
                    .contains(&spelling.how)
                || spelling.how.contains("parameters") && row.place.target != HOST.target
                || spelling.how.contains("top level") && !lab.engine().embeds_host_config;
            if is_other {
                continue;
            }
            let got = made(lab, row, &gate.endpoint(), &spelling)
                .map_err(|why| told(row, &format!("{}: {why}", spelling.how)))?;
            let expected: Value = serde_json::from_str(row.value)?;
            if got != expected {
                return Err(told(row, &format!("{}: the daemon shows {got}", spelling.how)).into());
            }
        }
    }
    Ok(())
}

const JSON: &str = "Content-Type: application/json\r\n";

/// Sends it, and asks the daemon itself what has come of it, which is then removed.
fn made(lab: &Lab, row: &Row, gate: &Endpoint, spelling: &Spelling) -> Result<Value, String> {
    let text = |error: io::Error| error.to_string();
    let json = |error: serde_json::Error| error.to_string();
    let answer = gate.connect().and_then(|mut to| send(&mut to, spelling)).map_err(text)?;
    if answer.status != 201 {
        return Err(format!("{} {}", answer.status, answer.body));
    }
    let answer: Value = serde_json::from_str(&answer.body).map_err(json)?;
    let name = answer["Id"].as_str().or(answer["Name"].as_str()).unwrap_or_default();
    let daemon = &mut lab.daemon().endpoint().connect().map_err(text)?;
    let shown = daemon.ask("GET", &row.place.shown_at.replace("{}", name), "").map_err(text)?;
    let shown: Value = serde_json::from_str(&shown.body).map_err(json)?;
    if !row.place.shown_at.starts_with("/exec") {
        let target = row.place.shown_at.replace("{}", name).replace("/json", "?force=1&v=1");
        daemon.ask("DELETE", &target, "").map_err(text)?;
    }
    let pointer = row.place.pointer.replace("FIELD", row.field);
    shown.pointer(&pointer).cloned().ok_or_else(|| format!("nothing at {pointer} of {shown}"))
}

/// A container that others can refer to, made straight on the daemon; its id.
fn other(lab: &Lab) -> Result<String, Failed> {
    let run = "docker run -d --name other --network none --ipc shareable bb sleep 300";
    let finished = lab.shell(&lab.daemon().endpoint(), run)?;
    let id = finished.stdout().trim().to_owned();
    if id.len() == 64 { Ok(id) } else { Err(finished.stderr().into()) }
}

fn send(connection: &mut Connection, spelling: &Spelling) -> io::Result<Answer> {
    for piece in &spelling.pieces {
        connection.send(piece)?;
    }
    connection.answer()
}

fn told(row: &Row, why: &str) -> String {
    format!("{} {} {}: {why}", row.place.target, row.field, row.value)
}
