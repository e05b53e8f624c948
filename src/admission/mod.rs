//! Admission: the arguments of what the policy would allow. Pure.
//!
//! `examiner.rs` says which operations are examined; each has its tables of fields in a file of its
//! own or its family's; `judge.rs` walks a body along them; `variable.rs` says what can be opened.
#![forbid(unsafe_code)]
#![deny(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

mod build;
mod checkpoint;
pub mod compressed;
mod container;
mod cut;
pub mod engine;
pub mod examiner;
mod exec;
pub mod existing;
pub mod field;
pub mod finding;
mod host_address;
pub mod host_config;
pub mod host_path;
mod image;
mod image_name;
mod item;
pub mod json;
pub mod judge;
mod limit;
mod log_driver;
pub mod lookup;
mod mount;
mod namespace;
mod network;
mod network_option;
pub mod own;
mod plugin;
mod privileges;
mod publish;
pub mod query;
mod registry;
pub mod rules;
mod security;
mod service;
mod sha256;
pub mod shield;
mod spelling;
mod swarm;
mod sysctl;
mod top;
pub mod variable;
pub mod verdict;
mod verdicts;
mod volume;

pub use examiner::Examiner;
pub use finding::{Cause, Finding, Findings};
pub use lookup::Question;
pub use rules::{Mode, Rules};
pub use shield::Shield;
pub use variable::Variable;
