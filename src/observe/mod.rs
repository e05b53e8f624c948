//! What the gate says about what it does: one record a request, and who is told of it.

pub mod access;
pub mod audit;
pub mod exposition;
pub mod flood;
pub mod fold;
pub mod histogram;
pub mod log;
pub mod metrics;
pub mod observer;
pub mod record;
pub mod text;
pub mod vitals;
pub mod who;
pub mod writer;
