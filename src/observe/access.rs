//! One line a request, at the level its kind deserves: a refusal is a warning, a write that was
//! let through is information, a read is for debugging. Queries, headers and bodies do not appear:
//! they may hold secrets. Of what is refused a finding shows its field, and its value where that can
//! be no secret.

use super::text::shown;
use crate::admission::verdict::Notes;
use crate::api::Effect;
use crate::http::RequestHead;
use crate::policy::{Decision, Refusal};
use std::collections::BTreeSet;
use std::fmt::Display;
use std::sync::Mutex;
use tracing::{Level, debug, enabled, info, warn};

/// What a line is about. Empty where no line will be written.
#[derive(Debug, Default)]
pub struct Subject {
    /// Method and path.
    pub request: String,
    operation: &'static str,
    writes: bool,
}

impl Subject {
    /// The subject of a request, spelled out only where it will be needed.
    #[must_use]
    pub fn of(head: &RequestHead<'_>, decision: &Decision) -> Self {
        let operation = decision.operation();
        let writes = operation.is_some_and(|operation| operation.line().effect == Effect::Writes);
        let refused = !matches!(decision, Decision::Allow(_));
        let told = if writes { enabled!(Level::INFO) } else { enabled!(Level::DEBUG) };
        if !refused && !told {
            return Self { writes, ..Self::default() };
        }
        let method = head.bytes.split(|&byte| byte == b' ').next().unwrap_or_default();
        Self {
            request: format!("{} {}", shown(method), shown(head.target.raw_path)),
            operation: operation.map_or("-", |operation| operation.id()),
            writes,
        }
    }
}

/// A request was refused.
pub fn refused(client: impl Display, subject: &Subject, refusal: &Refusal) {
    warn!(
        client = %client,
        reason = refusal.name(),
        status = refusal.status(),
        "refused {}: {refusal}",
        subject.request
    );
}

/// What is to be told of arguments that pass: what audit lets through, what was taken out, and,
/// once for each name, fields that no table knows.
pub fn noted(client: impl Display, subject: &Subject, notes: &Notes) {
    if notes.is_empty() {
        return;
    }
    let Subject { request, operation, .. } = subject;
    if let Some(findings) = &notes.would_refuse {
        let reason = findings.cause().name();
        warn!(%client, operation, reason, "would refuse {request} (ADMISSION=audit): {findings}");
    }
    for finding in &notes.stripped {
        let reason = finding.cause.name();
        warn!(%client, operation, reason, "took out of {request} (BIND_MOUNT_ACTION=strip): {finding}");
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

/// A request, or its body, had no single reading. Of what came only a method and a path are told:
/// it may as well be the body of a request that went wrong.
pub fn malformed(client: impl Display, name: &str, bytes: &[u8]) {
    warn!(%client, reason = name, "refused a malformed request {}", shown(method_and_path(bytes)));
}

fn method_and_path(bytes: &[u8]) -> &[u8] {
    let method = bytes.iter().take_while(|byte| byte.is_ascii_uppercase()).count();
    if method == 0 || !bytes[method..].starts_with(b" /") {
        return b"";
    }
    let ends = |&byte: &u8| matches!(byte, b' ' | b'?' | b'\r' | b'\n');
    let path = bytes[method + 1..].iter().position(ends);
    path.map_or(bytes, |length| &bytes[..=method + length])
}

/// A request went to the daemon and was answered with `status`.
pub fn served(client: impl Display, subject: &Subject, status: u16) {
    let Subject { request, operation, .. } = subject;
    if subject.writes {
        info!(%client, operation, status, "{request}");
    } else {
        debug!(%client, operation, status, "{request}");
    }
}

/// A request could not be served for the daemon's sake.
pub fn failed(client: impl Display, subject: &Subject, why: impl Display) {
    let request = if subject.request.is_empty() { "a read" } else { &subject.request };
    warn!(%client, operation = subject.operation, "{request}: {why}");
}
