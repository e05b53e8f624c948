//! The daemon's log, read back: which requests it has run, in which order, held against what the judge
//! has said of them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::judge::Fate;
use super::request::Request;
use crate::daemon::is_gates_own;

/// The daemon's calls by the number of the request, in the order in which it has run them.
#[derive(Default)]
pub struct Calls {
    numbered: BTreeMap<usize, Vec<(usize, String)>>,
    others: Vec<String>,
}

impl Calls {
    pub fn of(lines: &[String]) -> Self {
        let mut calls = Self::default();
        for (place, line) in lines.iter().enumerate() {
            match tag(line) {
                Some(tag) => calls.numbered.entry(tag).or_default().push((place, line.clone())),
                None => calls.others.push(line.clone()),
            }
        }
        calls
    }

    pub fn has(&self, tag: usize) -> bool {
        self.numbered.contains_key(&tag)
    }

    /// Holds what has been run of a connection's requests against what must and may be.
    pub fn settle(&self, requests: &[Request], fates: &[Fate]) -> Result<(), String> {
        let mut last = None;
        for (request, fate) in requests.iter().zip(fates) {
            let ran = self.numbered.get(&request.tag).map_or(&[][..], Vec::as_slice);
            let why = match (fate, ran) {
                (Fate::MustNot, [(_, call), ..]) => format!("has run {call}"),
                (Fate::Must, []) => "has not run it".to_owned(),
                (_, [(_, call), _, ..]) => format!("has run it more than once: {call}"),
                (_, [(place, _)]) if last >= Some(*place) => "has run it too early".to_owned(),
                (_, [(_, call)]) if !is_as_sent(call, request) => format!("has run {call}"),
                (_, [(place, _)]) => {
                    last = Some(*place);
                    continue;
                }
                (Fate::May | Fate::MustNot, []) => continue,
            };
            return Err(told(requests, fates, request, &why));
        }
        Ok(())
    }

    /// Whether nobody's request was run: none that was hidden in a body, none of the gate's making.
    pub fn nothing_is_left(&self, conversations: &[Vec<Request>]) -> Result<(), String> {
        let sent: BTreeSet<_> = conversations.iter().flatten().map(|request| request.tag).collect();
        if let Some((tag, calls)) = self.numbered.iter().find(|(tag, _)| !sent.contains(tag)) {
            let host = conversations.iter().find(|requests| {
                let hidden = format!("tag={tag} ").into_bytes();
                requests.iter().any(|request| {
                    request.bytes.windows(hidden.len()).any(|window| window == hidden)
                })
            });
            let sent = host.map(|requests| shown(requests));
            return Err(format!(
                "a hidden request was run: {calls:?}\n{}",
                sent.unwrap_or_default()
            ));
        }
        match self.others.iter().find(|call| !is_gates_own(call)) {
            Some(call) => Err(format!("the daemon has run {call}, which nobody sent")),
            None => Ok(()),
        }
    }
}

/// The log quotes what is not plain ASCII.
fn is_as_sent(call: &str, request: &Request) -> bool {
    let sent = format!("{} {}", request.target.method, request.target.text);
    !sent.is_ascii() || sent.contains(['\\', '"']) || call == sent
}

pub fn tag(call: &str) -> Option<usize> {
    let (_, rest) = call.split_once("tag=")?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

fn told(requests: &[Request], fates: &[Fate], wrong: &Request, why: &str) -> String {
    let mut text = format!("request {}: the daemon {why}\n", wrong.tag);
    for (request, fate) in requests.iter().zip(fates) {
        let _ = writeln!(text, "{} {fate:?} {:?} {:?}", request.tag, request.wire, request.after);
    }
    text + &shown(requests)
}

pub fn shown(requests: &[Request]) -> String {
    let lines = requests.iter().map(|request| request.bytes.escape_ascii().to_string());
    lines.collect::<Vec<_>>().join("\n")
}
