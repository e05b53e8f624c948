//! The corpus in `tests/data/refusals`: one file for each way somebody was once wrong about a
//! request. What a file looks like, and how it is read.
//!
//! ```text
//! # Who was wrong, and how.
//! variables: IMAGES=1 POST=1
//! reason: chunk-extension
//! status: 400
//!
//! POST /images/load HTTP/1.1\r\n
//! Host: docker\r\n
//! Transfer-Encoding: chunked\r\n
//! \r\n
//! 3\!;a=b\r\n
//! ```
//!
//! After the empty line come the bytes. The file's own line ends are none of them; `\r`, `\n`,
//! `\t`, `\\` and `\x00` are. `\*128 ` at the beginning of a line stands for what follows on it, so
//! many times. What comes before `\!` is without fault, so that it may have reached the daemon if
//! the rest came later; without that mark nothing may. A line `---` stands between requests on one
//! connection: then there is a reason and a status for each, separated by commas. Requests that
//! must pass have the reason `allowed`.

use crate::escapes;
use std::fs;
use std::path::Path;

/// What a request that passes has in a reason's place.
pub const ALLOWED: &str = "allowed";

/// One file.
#[derive(Clone)]
pub struct Case {
    /// The file's name.
    pub name: String,
    /// What the gate is set to.
    pub variables: Vec<(String, String)>,
    /// The requests of one connection.
    pub requests: Vec<Request>,
}

/// One request, and what is to become of it.
#[derive(Clone)]
pub struct Request {
    pub bytes: Vec<u8>,
    /// How many of them may reach the daemon before the fault is seen.
    pub faultless: usize,
    pub reason: String,
    pub status: u16,
}

impl Case {
    /// All of a connection's bytes.
    pub fn bytes(&self) -> Vec<u8> {
        self.requests.iter().flat_map(|request| request.bytes.clone()).collect()
    }

    fn read(name: &str, text: &str) -> Self {
        let (head, body) = text.split_once("\n\n").unwrap_or_else(|| panic!("{name}: no bytes"));
        let value = |key: &str| head.lines().find_map(|line| line.strip_prefix(key));
        let list = |key: &str| -> Vec<&str> {
            let value = value(key).unwrap_or_else(|| panic!("{name}: no line {key}"));
            value.split(',').map(str::trim).collect()
        };
        let (reasons, statuses) = (list("reason:"), list("status:"));
        let parts: Vec<&str> = body.split("\n---\n").collect();
        assert!(head.starts_with("# "), "{name}: it does not say who was wrong");
        assert_eq!((parts.len(), parts.len()), (reasons.len(), statuses.len()), "{name}");
        let variables = value("variables:").unwrap_or_default().split_whitespace();
        let requests = parts.iter().zip(reasons).zip(statuses).map(|((part, reason), status)| {
            let (bytes, fault) = bytes(part).unwrap_or_else(|| panic!("{name}: no such escape"));
            let status = status.parse().unwrap_or_else(|_| panic!("{name}: no status"));
            let faultless = fault.unwrap_or_default();
            Request { bytes, faultless, reason: reason.to_owned(), status }
        });
        Self {
            name: name.to_owned(),
            variables: variables
                .map(|pair| pair.split_once('=').unwrap_or_else(|| panic!("{name}: {pair}")))
                .map(|(variable, value)| (variable.to_owned(), value.to_owned()))
                .collect(),
            requests: requests.collect(),
        }
    }
}

/// All files, in the order of their variables, so that few gates are needed.
pub fn all() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/refusals");
    let files = fs::read_dir(folder).expect("the corpus").map(|entry| entry.expect("a file"));
    let mut cases: Vec<Case> = files
        .map(|file| {
            let name = file.file_name().into_string().expect("a name");
            let text =
                fs::read_to_string(file.path()).unwrap_or_else(|_| panic!("{name}: no text"));
            Case::read(&name, &text)
        })
        .collect();
    cases.sort_by(|one, other| (&one.variables, &one.name).cmp(&(&other.variables, &other.name)));
    assert!(!cases.is_empty(), "the corpus is empty");
    cases
}

/// The bytes that a text stands for, and where the fault begins.
fn bytes(text: &str) -> Option<(Vec<u8>, Option<usize>)> {
    let (mut all, mut fault) = (Vec::new(), None);
    for line in text.lines() {
        let (count, line) = match line.strip_prefix("\\*") {
            Some(repeated) => {
                let (count, line) = repeated.split_once(' ')?;
                (count.parse().ok()?, line)
            }
            None => (1, line),
        };
        let (bytes, place) = unescaped(line)?;
        fault = fault.or(place.map(|place| all.len() + place));
        all.extend(bytes.repeat(count));
    }
    Some((all, fault))
}

fn unescaped(line: &str) -> Option<(Vec<u8>, Option<usize>)> {
    let mut fault = None;
    let bytes = escapes::unescaped(line, |byte, bytes| {
        match byte {
            b'\\' => bytes.push(b'\\'),
            b'!' => fault = Some(bytes.len()),
            _ => return None,
        }
        Some(())
    })?;
    Some((bytes, fault))
}
