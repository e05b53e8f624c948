//! `docs/refusals.md` has a row for everything that the gate refuses, cuts off or fails at, with the
//! status that it is answered with.

use dockgate::admission::json::JsonError;
use dockgate::admission::{Cause, Finding, Findings, Variable};
use dockgate::api::{ApiVersion, Unclassified};
use dockgate::http::{FramingError, HeadError};
use dockgate::policy::parameter::PARAMETERS;
use dockgate::policy::{OldVersion, Reason, Refusal, VariableSet};
use dockgate::proxy::inquiry::{Fault, Unanswered};
use dockgate::proxy::outcome::{Cutoff, DaemonFailure};
use std::collections::BTreeSet;
use std::path::Path;

/// The first two cells of every row: a name and a status.
fn rows() -> Vec<(String, String)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/refusals.md");
    let text = std::fs::read_to_string(path).expect("a text");
    let row = |line: &str| {
        let (name, rest) = line.strip_prefix("| `")?.split_once("` | ")?;
        let (status, rest) = rest.split_once(" | ")?;
        assert!(rest.len() > 10, "{name} says too little");
        Some((name.to_owned(), status.to_owned()))
    };
    text.lines().filter_map(row).collect()
}

/// Every cause. The match is here to fail when one is added to the enum and not to the list.
fn causes() -> Vec<Cause> {
    // These decide how a refusal is made; nothing is refused for their sake.
    let decide = [
        Variable::Admission,
        Variable::BindMountAction,
        Variable::EngineFixed,
        Variable::UnknownFields,
    ];
    let asked = Variable::ALL.iter().filter(|variable| !decide.contains(variable));
    let mut causes: Vec<Cause> = asked.map(|&variable| Cause::Withheld(variable)).collect();
    causes.extend([
        Cause::Closed,
        Cause::Json(JsonError::NotOneValue),
        Cause::Json(JsonError::TooManyValues),
        Cause::RepeatedKey,
        Cause::BadValue,
        Cause::UnknownField,
        Cause::Query,
        Cause::Missing,
        Cause::Unanswered,
        Cause::Unresolved,
        Cause::Shield,
    ]);
    for cause in &causes {
        match cause {
            Cause::Withheld(_)
            | Cause::Required(_)
            | Cause::Json(JsonError::NotOneValue | JsonError::TooManyValues)
            | Cause::Closed
            | Cause::RepeatedKey
            | Cause::BadValue
            | Cause::UnknownField
            | Cause::Query
            | Cause::Missing
            | Cause::Unanswered
            | Cause::Unresolved
            | Cause::Shield => {}
        }
    }
    causes
}

/// Every rule of the policy, likewise.
fn reasons() -> Vec<Reason> {
    let version = ApiVersion::parse(b"1.24").expect("a version");
    let mut reasons = vec![
        Reason::Unclassified(Unclassified::Unknown),
        Reason::Unclassified(Unclassified::Version),
        Reason::Unclassified(Unclassified::EncodedSlash),
        Reason::Withheld(VariableSet::default()),
        Reason::Closed,
        Reason::Origin(String::new()),
        Reason::Host(String::new()),
        Reason::Parameter(PARAMETERS[0]),
        Reason::Moved(Box::from(&b"/"[..])),
        Reason::OldVersion(OldVersion { asked: version, oldest: version }),
        Reason::Form,
        Reason::UnexpectedBody,
        Reason::BodyTooLong(1),
        Reason::Unrecorded,
    ];
    for cause in causes() {
        let findings = Findings::of(vec![Finding::of(cause, "")]).expect("one");
        reasons.push(Reason::Arguments(Box::new(findings)));
    }
    for reason in &reasons {
        match reason {
            Reason::Unclassified(
                Unclassified::Unknown | Unclassified::Version | Unclassified::EncodedSlash,
            )
            | Reason::Withheld(_)
            | Reason::Closed
            | Reason::Origin(_)
            | Reason::Host(_)
            | Reason::Parameter(_)
            | Reason::Moved(_)
            | Reason::OldVersion(_)
            | Reason::Form
            | Reason::UnexpectedBody
            | Reason::BodyTooLong(_)
            | Reason::Unrecorded
            | Reason::Arguments(_) => {}
        }
    }
    reasons
}

/// Everything with a name, and its status.
fn named() -> Vec<(&'static str, u16)> {
    let heads = HeadError::ALL.iter().map(|error| (error.name(), error.status()));
    let bodies = FramingError::ALL.iter().map(|error| (error.name(), 400));
    let cutoffs = Cutoff::ALL.iter().map(|cutoff| (cutoff.name(), cutoff.status()));
    let refusals = reasons().into_iter().map(|reason| {
        let refusal = Refusal { reason, operation: None };
        (refusal.name(), refusal.status())
    });
    heads.chain(bodies).chain(cutoffs).chain(refusals).collect()
}

/// What a daemon does wrong, in words; what is named in them is in other tables.
fn failures() -> BTreeSet<String> {
    let (head, body) = (HeadError::Folded, FramingError::ChunkSize);
    let failures = [
        DaemonFailure::Silent,
        DaemonFailure::Truncated,
        DaemonFailure::Head(head),
        DaemonFailure::Body(body),
        DaemonFailure::Unasked,
    ];
    let faults = [
        Fault::Truncated,
        Fault::Head(head),
        Fault::Body(body),
        Fault::TooLong,
        Fault::Unframed,
        Fault::Late,
    ];
    for failure in &failures {
        match failure {
            DaemonFailure::Silent
            | DaemonFailure::Truncated
            | DaemonFailure::Head(_)
            | DaemonFailure::Body(_)
            | DaemonFailure::Unasked => {}
        }
    }
    for fault in &faults {
        match fault {
            Fault::Truncated
            | Fault::Head(_)
            | Fault::Body(_)
            | Fault::TooLong
            | Fault::Unframed
            | Fault::Late => {}
        }
    }
    let words = failures.iter().map(ToString::to_string);
    let words = words.chain(faults.iter().map(ToString::to_string));
    let words = words.chain([Unanswered::Silent.to_string()]);
    words.map(|words| words.split(" (").next().unwrap_or_default().to_owned()).collect()
}

#[test]
fn every_refusal_has_one_row_with_its_status() {
    let rows = rows();
    for (name, status) in named() {
        let found: Vec<_> = rows.iter().filter(|(known, _)| known == name).collect();
        assert_eq!(found.len(), 1, "{name}: {found:?}");
        assert_eq!(found[0].1, status.to_string(), "{name}");
    }
}

#[test]
fn every_failure_of_the_daemons_has_a_row() {
    let rows = rows();
    for words in failures() {
        assert!(rows.iter().any(|(known, _)| *known == words), "{words}");
    }
}

#[test]
fn no_row_tells_of_what_there_is_not() {
    let named = named();
    for (name, _) in rows() {
        let is_word = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
        assert!(!is_word || named.iter().any(|(known, _)| *known == name), "{name}");
    }
}
