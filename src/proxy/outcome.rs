//! How an exchange ends, each way with its name.

use super::answer::Answer;
use super::share::Excess;
use crate::http::{FramingError, HeadError};
use std::fmt;

/// How an exchange has ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Completely; another request may follow.
    Complete,
    /// Completely, and the connection ends with it.
    Last,
    /// The answer is complete, but the client still sends: it must be able to read before it is
    /// cut off.
    Early,
    /// The daemon has hijacked the connection.
    Tunnel,
    /// The client is gone.
    ClientGone,
    /// The client's body lost its framing; nothing more of it may be sent.
    BadBody(FramingError),
    /// The daemon failed.
    DaemonFailed(DaemonFailure),
}

/// What a daemon can do wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DaemonFailure {
    /// It closed without a byte of an answer.
    Silent,
    /// It closed inside its answer.
    Truncated,
    /// Its answer's head has no single reading.
    Head(HeadError),
    /// Its answer's body lost its framing.
    Body(FramingError),
    /// It switched protocols without being asked.
    Unasked,
}

impl fmt::Display for DaemonFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Silent => f.write_str("the daemon closed the connection without an answer"),
            Self::Truncated => f.write_str("the daemon closed the connection inside its answer"),
            Self::Head(error) => write!(f, "the daemon's answer can't be read ({})", error.name()),
            Self::Body(error) => write!(f, "the daemon's answer can't be read ({})", error.name()),
            Self::Unasked => f.write_str("the daemon switched protocols without being asked"),
        }
    }
}

/// Why the gate does not wait any longer for what a client sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cutoff {
    /// A head was begun and not ended in time.
    HeadLate,
    /// A body that is examined did not come in time.
    BodyLate,
    /// An archive's first bytes did not come in time.
    ArchiveLate,
    /// All clients together have too many bytes of heads under way.
    HeadsCrowded,
    /// All clients together have too many bytes of such bodies under way.
    BodiesCrowded,
    /// The client has more connections than its share.
    ClientConnections,
    /// It has more bytes of heads under way than its share.
    ClientHeads,
    /// It has more bytes of such bodies under way than its share.
    ClientBodies,
}

impl Cutoff {
    /// Every one.
    pub const ALL: [Self; 8] = [
        Self::HeadLate,
        Self::BodyLate,
        Self::ArchiveLate,
        Self::HeadsCrowded,
        Self::BodiesCrowded,
        Self::ClientConnections,
        Self::ClientHeads,
        Self::ClientBodies,
    ];

    /// Too many bytes of heads.
    #[must_use]
    pub const fn of_heads(excess: Excess) -> Self {
        match excess {
            Excess::Share => Self::ClientHeads,
            Excess::Total => Self::HeadsCrowded,
        }
    }

    /// Too many bytes of bodies that are examined.
    #[must_use]
    pub const fn of_bodies(excess: Excess) -> Self {
        match excess {
            Excess::Share => Self::ClientBodies,
            Excess::Total => Self::BodiesCrowded,
        }
    }

    /// Its name, the same word in log, message and test.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::HeadLate => "head-late",
            Self::BodyLate => "body-late",
            Self::ArchiveLate => "archive-late",
            Self::HeadsCrowded => "heads-crowded",
            Self::BodiesCrowded => "bodies-crowded",
            Self::ClientConnections => "client-connections",
            Self::ClientHeads => "client-heads",
            Self::ClientBodies => "client-bodies",
        }
    }

    /// The status code that answers it.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::HeadLate | Self::BodyLate | Self::ArchiveLate => 408,
            Self::HeadsCrowded | Self::BodiesCrowded => 503,
            Self::ClientConnections | Self::ClientHeads | Self::ClientBodies => 429,
        }
    }

    /// The answer.
    #[must_use]
    pub fn answer(self) -> Answer {
        Answer { status: self.status(), message: self.to_string() }
    }
}

impl fmt::Display for Cutoff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::HeadLate => "the request head did not arrive in time (HEAD_TIMEOUT)",
            Self::BodyLate => "the request body did not arrive in time (HEAD_TIMEOUT)",
            Self::ArchiveLate => "the archive's first bytes did not arrive in time (IDLE_TIMEOUT)",
            Self::HeadsCrowded => "too many request heads are under way at once; try again",
            Self::BodiesCrowded => "too many request bodies are under way at once; try again",
            Self::ClientConnections => {
                "this client, or its network, has as many connections open as others leave it \
                 (MAX_CLIENT_SHARE): close some, or raise dockgate's limit of open files (ulimit -n)"
            }
            Self::ClientHeads => {
                "this client, or its network, has as many request heads under way at once as others \
                 leave it (MAX_CLIENT_SHARE); try again"
            }
            Self::ClientBodies => {
                "this client, or its network, has as many request bodies under way at once as others \
                 leave it (MAX_CLIENT_SHARE); try again"
            }
        })
    }
}
