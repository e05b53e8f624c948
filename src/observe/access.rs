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
        let level = if writes { Level::INFO } else { Level::DEBUG };
        // `enabled!` wants its level as a constant.
        let told =
            if level == Level::INFO { enabled!(Level::INFO) } else { enabled!(Level::DEBUG) };
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

/// A request, or its body, had no single reading.
pub fn malformed(client: impl Display, name: &str, begins: &[u8]) {
    let line = begins.split(|&byte| byte == b'\r' || byte == b'\n').next().unwrap_or_default();
    // A target may end in a query, and that may hold secrets.
    let line = line.split(|&byte| byte == b'?').next().unwrap_or_default();
    warn!(client = %client, reason = name, "refused a malformed request: {}", shown(line));
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
