//! The words of the operation table: what a line says of an operation.

use crate::http::{Hijack, Method};

pub use super::table::Operation;

/// The parts of the API that one variable each opens, as in tecnativa/docker-socket-proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is the variable of the same name, in capitals")]
pub enum Section {
    Auth,
    Build,
    Commit,
    Configs,
    Containers,
    Distribution,
    Events,
    Exec,
    Grpc,
    Images,
    Info,
    Networks,
    Nodes,
    Ping,
    Plugins,
    Secrets,
    Services,
    Session,
    Swarm,
    System,
    Tasks,
    Version,
    Volumes,
}

/// Whether an operation changes something, or lets its caller do so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It only tells.
    Reads,
    /// It changes something. Mostly what is not GET or HEAD; `attach/ws` is a GET that writes.
    Writes,
}

/// A body that `start` ignores in every API version, in bytes (moby
/// `api/server/router/container/container_routes.go`: a `HostConfig` has at least 7 characters).
pub const SHORT_BYTES_MAX: u64 = 7;

/// How the gate treats an operation's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arguments {
    /// The daemon reads none: passed on as it comes, in any length.
    Ignored,
    /// An archive: passed on as it comes.
    Archive,
    /// The daemon reads it, and nothing in it can ask for more than the operation gives: passed on
    /// as it comes.
    Harmless,
    /// There must be none: what the daemon does not read before it hijacks, or obeys in old API
    /// versions only, would have a second reading.
    Bodiless,
    /// At most [`SHORT_BYTES_MAX`], for the same reason: some clients write `{}` where they mean
    /// nothing, and the daemon takes so few bytes for nothing.
    Short,
    /// Nothing or one JSON value: collected, examined and sent in one piece with the head. Where the
    /// daemon hijacks, what it gets later is the process's standard input.
    Json,
    /// As [`Arguments::Json`], of an operation that hijacks without reading it: whatever else stood
    /// there would be the stream's.
    Unread,
}

/// One line of the table.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    /// The operation that the line describes.
    pub operation: Operation,
    /// Swagger's operationId, or, for what only the daemon's router knows, a name alike.
    pub id: &'static str,
    /// Its method.
    pub method: Method,
    /// Its path without version; `{id}` is one segment, `{id...}` one or more.
    pub template: &'static str,
    /// The variable that opens it; without one nothing does.
    pub section: Option<Section>,
    /// Whether it changes something.
    pub effect: Effect,
    /// Whether its body or its answer goes on for as long as somebody sends.
    pub streams: bool,
    /// Whether it may turn the connection into a raw stream.
    pub hijack: Hijack,
    /// What becomes of its body.
    pub arguments: Arguments,
}

impl Line {
    pub(super) const fn new(
        operation: Operation,
        id: &'static str,
        method: Method,
        template: &'static str,
        section: Option<Section>,
        effect: Effect,
        arguments: Arguments,
    ) -> Self {
        Self {
            operation,
            id,
            method,
            template,
            section,
            effect,
            streams: false,
            hijack: Hijack::Never,
            arguments,
        }
    }

    pub(super) const fn streams(self) -> Self {
        Self { streams: true, ..self }
    }

    pub(super) const fn hijacks(self, hijack: Hijack) -> Self {
        Self { streams: true, hijack, ..self }
    }
}
