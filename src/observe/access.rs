//! One line a request, at the level its kind deserves: a refusal is a warning, a write that was
//! let through is information, a read is for debugging. Queries, headers and bodies never appear:
//! they may hold secrets.

use super::text::shown;
use crate::api::Effect;
use crate::http::RequestHead;
use crate::policy::{Decision, Refusal};
use std::fmt::Display;
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
        let operation = match decision {
            Decision::Allow(grant) => Some(grant.operation()),
            Decision::Examine(examination) => Some(examination.operation()),
            Decision::Refuse(refusal) => refusal.operation,
        };
        let writes = operation.is_some_and(|operation| operation.line().effect == Effect::Writes);
        let refused = matches!(decision, Decision::Refuse(_) | Decision::Examine(_));
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
