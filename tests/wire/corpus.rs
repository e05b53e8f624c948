//! Every file of the corpus (`refusals.rs`), replayed whole, cut anywhere and byte by byte: each
//! request is answered as its file says, and the daemon sees what is allowed and nothing else.

use super::gate::{Gate, start, wait_until};
use super::peer::Peer;
use super::refusals::{ALLOWED, Case, Request, all};
use super::stand_in::{OK, PING, StandIn};
use dockgate::admission::json::JsonError;
use dockgate::admission::{Cause, Finding, Findings, Variable};
use dockgate::api::{ApiVersion, Unclassified};
use dockgate::http::{FramingError, HeadError, Persistence, RequestHead};
use dockgate::policy::parameter::PARAMETERS;
use dockgate::policy::{OldVersion, Reason, Refusal, VariableSet};
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::thread;
use std::time::Duration;

/// A file is cut at so many places, evenly.
const CUTS_MAX: usize = 16;

/// A file comes in at most so many pieces; most are shorter than that.
const PIECES_MAX: usize = 512;

/// All variants of an enum. A new one breaks the build here, until it stands in the list.
macro_rules! every {
    ($kind:ident: $($variant:ident $(($value:expr))?),* $(,)?) => {{
        let _ = |one: $kind| match one { $($kind::$variant { .. })|* => () };
        [$($kind::$variant $(($value))?),*]
    }};
}

#[test]
fn whole() {
    replay(|bytes| vec![vec![bytes.len()]]);
}

#[test]
fn cut_in_two() {
    replay(|bytes| {
        let step = bytes.len().div_ceil(CUTS_MAX);
        (1..bytes.len()).step_by(step).map(|cut| vec![cut, bytes.len() - cut]).collect()
    });
}

#[test]
fn byte_by_byte() {
    replay(|bytes| {
        let piece = bytes.len().div_ceil(PIECES_MAX);
        vec![bytes.chunks(piece).map(<[u8]>::len).collect()]
    });
}

#[test]
fn every_reason_that_bytes_can_cause_has_a_file() {
    let cases = all();
    let has = |reason: &str| {
        cases.iter().flat_map(|case| &case.requests).any(|request| request.reason == reason)
    };
    for reason in lost_framing().into_iter().chain(refusals()).chain([ALLOWED]) {
        assert!(has(reason), "no file is refused for {reason}");
    }
}

#[test]
fn every_file_is_told_of() {
    let text = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/predecessors.md");
    let text = fs::read_to_string(text).expect("a text");
    let told: BTreeSet<&str> =
        text.split('`').filter_map(|word| word.strip_suffix(".http")).collect();
    let cases = all();
    let names: BTreeSet<&str> =
        cases.iter().filter_map(|case| case.name.strip_suffix(".http")).collect();
    assert_eq!(told, names);
}

/// Reasons after which the connection ends.
fn lost_framing() -> Vec<&'static str> {
    let heads = every!(HeadError:
        NotHttp, BareLineFeed, BareCarriageReturn, Folded, TooLong, TooManyFields, StartLine,
        Version, FieldName, FieldValue, TargetForm, TargetByte, TargetEscape, UncleanPath,
        HostMissing, HostTwice, OriginTwice, ContentLength, ContentLengthTwice, LengthAndEncoding,
        TransferEncoding, EncodingOnOldVersion, ContentTypeByte,
    );
    let bodies = every!(FramingError:
        ChunkSize, ChunkExtension, ChunkLineEnd, Trailer, Truncated, Overrun,
    );
    // The end of a connection is no byte, and an overrun would be a fault of the gate's own.
    let by_bytes =
        |error: &FramingError| !matches!(error, FramingError::Truncated | FramingError::Overrun);
    let bodies = bodies.into_iter().filter(by_bytes).map(FramingError::name);
    heads.into_iter().map(HeadError::name).chain(bodies).collect()
}

/// Reasons of the policy and, for each kind of them, of the admission.
fn refusals() -> Vec<&'static str> {
    let arguments = || {
        let finding = Finding::of(Cause::Closed, "");
        Box::new(Findings::of(vec![finding]).expect("one"))
    };
    let unclassified = every!(Unclassified: Unknown, Version, EncodedSlash);
    let version = ApiVersion { major: 1, minor: 0 };
    let old = OldVersion { asked: version, oldest: version };
    let reasons = every!(Reason:
        Unclassified(Unclassified::Unknown), Withheld(VariableSet::default()), Closed,
        Moved(Box::from(&b"/"[..])), OldVersion(old), Form,
        Origin(String::new()), Host(String::new()), Parameter(PARAMETERS[0]), UnexpectedBody, BodyTooLong(0),
        Unrecorded, Arguments(arguments()),
    );
    let causes = every!(Cause:
        Withheld(Variable::Privileged), Required(Variable::RequireNonRoot), Closed,
        Json(JsonError::NotOneValue), RepeatedKey, BadValue, UnknownField, Query, Missing,
        Unanswered, Unresolved, Shield,
    );
    // What is missing only the daemon knows.
    let by_bytes =
        |cause: &Cause| !matches!(cause, Cause::Missing | Cause::Unanswered | Cause::Unresolved);
    let causes = causes.into_iter().filter(by_bytes);
    let json = every!(JsonError: NotOneValue, TooManyValues).map(Cause::Json);
    let name = |reason| Refusal { reason, operation: None }.name();
    // Whether a request can be recorded is no matter of its bytes.
    let reasons = reasons.into_iter().filter(|reason| *reason != Reason::Unrecorded);
    let reasons = reasons.chain(unclassified.map(Reason::Unclassified)).map(name);
    reasons.chain(causes.chain(json).map(Cause::name)).collect()
}

/// Replays the corpus. `cut` says in pieces of which lengths a connection's bytes come, for each
/// replay.
fn replay(cut: fn(&[u8]) -> Vec<Vec<usize>>) {
    for cases in all().chunk_by(|one, next| one.variables == next.variables) {
        let variables = cases.first().map(|case| case.variables.as_slice()).unwrap_or_default();
        let mut variables: Vec<_> =
            variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        variables.push(("AUDIT_LOG", "stderr"));
        // What the daemon is asked about containers that exist is no matter of bytes.
        variables.push(("ALLOW_EXISTING", "1"));
        let (gate, daemon) = start(&variables);
        for case in cases {
            for lengths in cut(&case.bytes()) {
                // Shown where it fails.
                eprintln!("{}: {lengths:?}", case.name);
                run(case, &gate, &daemon, &lengths);
            }
        }
    }
}

/// One connection.
fn run(case: &Case, gate: &Gate, daemon: &StandIn, lengths: &[usize]) {
    let (client, logged) = (gate.client(), gate.log_bytes());
    send(&client, &case.bytes(), lengths);
    let is_whole = lengths.len() == 1;
    let mut connection = None;
    let mut stays = true;
    for request in &case.requests {
        if request.reason == ALLOWED {
            let connection = connection.get_or_insert_with(|| daemon.accept());
            connection.expect(&request.bytes);
            connection.send(OK);
            client.expect(OK);
            stays = keeps_alive(&request.bytes);
        } else {
            stays = expect_refused(&client, request);
            expect_recorded(gate, logged, &request.reason);
            if !is_whole && request.faultless > 0 {
                expect_no_more_than(connection.take(), daemon, &request.bytes[..request.faultless]);
            }
        }
    }
    if stays {
        // Nothing is left over: what comes next is the next request, on either side.
        client.send(PING);
        let connection = connection.unwrap_or_else(|| daemon.accept());
        connection.expect(PING);
        connection.send(OK);
        client.expect(OK);
    } else {
        client.expect_end();
        if let Some(connection) = connection {
            connection.expect_end();
        }
    }
    daemon.expect_untouched();
}

fn send(client: &Peer, mut bytes: &[u8], lengths: &[usize]) {
    for &length in lengths {
        let (piece, rest) = bytes.split_at(length);
        client.send(piece);
        if !rest.is_empty() {
            // Time enough for the gate to see it alone, mostly.
            thread::sleep(Duration::from_micros(if lengths.len() == 2 { 500 } else { 20 }));
        }
        bytes = rest;
    }
}

/// The gate's own answer; whether the connection stays.
fn expect_refused(client: &Peer, request: &Request) -> bool {
    let answer = client.answer();
    assert_eq!(answer.status, request.status, "{}", answer.body);
    match request.reason.as_str() {
        "moved" => assert!(answer.head.contains("\r\nLocation: /") && answer.body.is_empty()),
        // In plain text to those who know no other.
        "old-version" => assert!(answer.body.starts_with("dockgate: "), "{}", answer.body),
        _ => assert!(answer.message().starts_with("dockgate: "), "{}", answer.message()),
    }
    let stays = !answer.head.contains("\r\nConnection: close\r\n");
    if lost_framing().contains(&request.reason.as_str()) {
        assert!(answer.message().ends_with(&format!(" ({})", request.reason)));
        assert!(!stays, "a connection without framing stays");
    }
    stays
}

/// What has been recorded since names the reason. The audit trail is looked at, since the log folds
/// what comes often.
fn expect_recorded(gate: &Gate, since: u64, reason: &str) {
    wait_until(reason, || {
        let mut log = String::new();
        let mut file = File::open(gate.dir.path("log")).expect("a log");
        file.seek(SeekFrom::Start(since)).expect("its end");
        file.read_to_string(&mut log).expect("text");
        log.contains(&format!("\"reason\":\"{reason}\""))
    });
}

/// The daemon got at most the bytes before the fault, and then the connection's end in a place
/// where it knows the request for incomplete.
fn expect_no_more_than(connection: Option<Peer>, daemon: &StandIn, faultless: &[u8]) {
    if let Some(connection) = connection.or_else(|| daemon.accept_if_any()) {
        let seen = connection.read_to_end();
        assert!(faultless.starts_with(&seen), "{:?}", seen.escape_ascii().to_string());
    }
}

fn keeps_alive(request: &[u8]) -> bool {
    let end = request.windows(4).position(|bytes| bytes == b"\r\n\r\n").expect("a head") + 4;
    let head = RequestHead::parse(&request[..end]).expect("a request");
    head.persistence == Persistence::KeepAlive
}
