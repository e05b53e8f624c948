//! The properties, compiled once for all targets.

#[path = "../../tests/properties/mod.rs"]
pub mod properties;
