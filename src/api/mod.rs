//! The Docker Engine API as a table: which operation a request is. Pure: no I/O, no clock.
#![forbid(unsafe_code)]
#![deny(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

pub mod classify;
pub mod operation;
mod route;
mod table;
pub mod version;

pub use classify::{Call, Name, Unclassified};
pub use operation::{Arguments, Effect, Line, Operation, SHORT_BYTES_MAX, Section};
pub use version::ApiVersion;
