//! What is allowed: the variables, the table they compile to, and decisions as values. Pure.
#![forbid(unsafe_code)]
#![deny(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

pub mod browser;
pub mod decision;
pub mod parameter;
pub mod refusal;
pub mod table;
pub mod variable;

pub use browser::{Browsers, Way};
pub use decision::{Decision, Examination, Grant, Inquiry};
pub use refusal::{OldVersion, Reason, Refusal};
pub use table::{Policy, Verdict};
pub use variable::{Settings, Variable, VariableSet};
