//! What the gate says about what it does: its log.

pub mod access;
pub mod log;
pub mod text;
