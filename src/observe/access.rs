//! One line a request, at the level its kind deserves: a refusal is a warning, a write that was
//! let through is information, a read is for debugging. Of what is refused a finding shows its field,
//! and its value where that can be no secret.

use super::record::{Record, Subject, Times, TunnelRecord, Verdict};
use super::text::shown;
use super::who::Client;
use crate::admission::verdict::Notes;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Mutex;
use std::time::Duration;
use tracing::{Level, debug, enabled, field, info, warn};

/// Why the log tells of a question to the daemon.
pub const UNANSWERED: &str = "lookup-failed";

/// Why it tells of a request that was allowed and failed; the words say more.
pub const FAILED: &str = "failed";

/// Whether a request that passes will have a line.
#[must_use]
pub fn is_told(subject: &Subject) -> bool {
    if subject.writes { enabled!(Level::INFO) } else { enabled!(Level::DEBUG) }
}

/// A request's line.
pub fn tell(record: &Record<'_>) {
    let &Record { client, subject, verdict, status, .. } = record;
    let operation = subject.operation_name();
    let request = || subject.request();
    match verdict {
        Verdict::Refused(refusal) => warn!(
            client = %client.who(),
            operation,
            reason = refusal.name(),
            status,
            "refused {}: {refusal}",
            request(),
        ),
        Verdict::Malformed(name) => {
            warn!(client = %client.who(), operation, reason = name, status, "refused the body of {}", request());
        }
        Verdict::Failed(why) => {
            warn!(client = %client.who(), operation, reason = FAILED, status, "{}: {why}", request());
        }
        Verdict::Allowed | Verdict::Abandoned if is_told(subject) => tell_passed(record, operation),
        Verdict::Allowed | Verdict::Abandoned | Verdict::Unfinished { .. } => {}
    }
}

fn tell_passed(record: &Record<'_>, operation: &str) {
    let &Record { client, subject, status, traffic, .. } = record;
    let (up, down) = (traffic.up.total(), traffic.down.total());
    let Times { daemon, own, .. } = record.times.unwrap_or_default();
    // As numbers that JSON has too.
    let [daemon_us, gate_us] = [daemon, own].map(whole_micros);
    let given_up = matches!(record.verdict, Verdict::Abandoned).then_some(true);
    let trace = subject.details.as_deref().and_then(|details| details.trace.as_deref());
    macro_rules! line {
        ($level:ident) => {
            $level!(
                client = %client.who(),
                operation,
                status,
                up,
                down,
                daemon_us,
                gate_us,
                given_up,
                traceparent = trace.and_then(|trace| named(&trace.traceparent)),
                request_id = trace.and_then(|trace| named(&trace.request_id)),
                "{}",
                subject.request(),
            )
        };
    }
    if subject.writes {
        line!(info);
    } else {
        line!(debug);
    }
}

fn whole_micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

fn named(text: &str) -> Option<field::DisplayValue<&str>> {
    (!text.is_empty()).then(|| field::display(text))
}

/// A tunnel's line.
pub fn tell_tunnel(record: &TunnelRecord<'_>) {
    let &TunnelRecord { client, subject, end, traffic, time } = record;
    if !is_told(subject) {
        return;
    }
    let (up, down) = (traffic.up.total(), traffic.down.total());
    let seconds = time.unwrap_or_default().as_secs_f64();
    let operation = subject.operation_name();
    info!(
        client = %client.who(),
        operation,
        up,
        down,
        seconds,
        "{}: the stream was ended by {}",
        subject.request(),
        end.name(),
    );
}

/// What is to be told of arguments that pass: what audit lets through, what was taken out, and,
/// once for each name, fields that no table knows.
pub fn tell_notes(client: &dyn Client, subject: &Subject, notes: &Notes) {
    let operation = subject.operation_name();
    let request = subject.request();
    if let Some(findings) = &notes.would_refuse {
        let reason = findings.cause().name();
        warn!(client = %client.who(), operation, reason, "would refuse {request} (ADMISSION=audit): {findings}");
    }
    for finding in &notes.stripped {
        let reason = finding.cause.name();
        warn!(client = %client.who(), operation, reason, "took out of {request} (BIND_MOUNT_ACTION=strip): {finding}");
    }
    for field in notes.unknown.iter().filter(|field| is_new(field)) {
        warn!(
            operation,
            "{field} is in no API description and passes unexamined (UNKNOWN_FIELDS=deny refuses it; said once)"
        );
    }
}

/// Whether a name has not been told yet. So many are remembered; a client that makes names up is
/// not told of for ever.
fn is_new(name: &str) -> bool {
    const NAMES_MAX: usize = 256;
    static TOLD: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    let Ok(mut told) = TOLD.lock() else { return false };
    told.len() < NAMES_MAX && told.insert(name.to_owned())
}

/// A question to the daemon about a request's arguments that got no answer.
pub fn tell_unanswered(client: &dyn Client, subject: &Subject, path: &str, why: &dyn fmt::Display) {
    let operation = subject.operation_name();
    let asked = shown(path.as_bytes());
    let request = subject.request();
    warn!(
        client = %client.who(),
        operation,
        reason = UNANSWERED,
        "no answer to GET {asked}, on which {request} depends: {why}",
    );
}

/// Bytes that are no request.
pub fn tell_malformed(
    client: &dyn Client,
    name: &'static str,
    status: u16,
    bytes: &[u8],
    why: &dyn fmt::Display,
) {
    let request = method_and_path(bytes);
    let blank = if request.is_empty() { "" } else { " " };
    warn!(client = %client.who(), reason = name, status, "refused a malformed request{blank}{request}: {why}");
}

/// A connection that is refused before anything of it is read.
pub fn tell_excess(client: &dyn Client, name: &'static str, status: u16) {
    warn!(client = %client.who(), reason = name, status, "refused a connection");
}

/// What of these bytes may be told: a method and a path, fit to be shown.
#[must_use]
pub fn method_and_path(bytes: &[u8]) -> String {
    let method = bytes.iter().take_while(|byte| byte.is_ascii_uppercase()).count();
    if method == 0 || !bytes[method..].starts_with(b" /") {
        return String::new();
    }
    let ends = |&byte: &u8| matches!(byte, b' ' | b'?' | b'\r' | b'\n');
    let path = bytes[method + 1..].iter().position(ends);
    shown(path.map_or(bytes, |length| &bytes[..=method + length]))
}
