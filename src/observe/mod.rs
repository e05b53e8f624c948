//! What the gate says about what it does: one record a request, and who is told of it.

pub mod access;
pub mod flood;
pub mod fold;
pub mod log;
pub mod observer;
pub mod record;
pub mod text;
pub mod who;
pub mod writer;
