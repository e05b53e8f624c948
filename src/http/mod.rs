//! HTTP/1.1 with one reading: heads, targets, body framing. Pure: no I/O, no clock.
//!
//! Whatever this storey accepts has exactly one meaning under RFC 9112 *and* for the daemon's
//! parser (Go's `net/http`, which is more lenient); whatever could be read in two ways is an
//! error with a name.
#![forbid(unsafe_code)]
#![deny(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

pub mod body;
mod chunked;
pub mod error;
mod fields;
pub mod number;
mod pairs;
pub mod reframe;
pub mod request;
pub mod response;
pub mod scan;
pub mod strict;
pub mod target;

pub use body::{BodyCursor, BodyFraming};
pub use chunked::Trailers;
pub use error::{FramingError, HeadError};
pub use request::{Method, RequestHead};
pub use response::{Asked, Hijack, Next, ResponseHead, Status};
pub use scan::HeadScan;
pub use target::Target;

/// Whether a connection may carry another message after this one (RFC 9112, section 9.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Persistence {
    /// The connection stays open.
    KeepAlive,
    /// The connection ends with this message.
    Close,
}

impl Persistence {
    /// What holds for a connection when both messages of an exchange have had their say.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::KeepAlive, Self::KeepAlive) => Self::KeepAlive,
            (Self::Close, _) | (_, Self::Close) => Self::Close,
        }
    }
}

/// The versions that are spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// HTTP/1.0
    Http10,
    /// HTTP/1.1
    Http11,
}
