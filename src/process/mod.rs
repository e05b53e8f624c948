//! The process: command line, configuration, start and end.

pub mod check;
pub mod command;
pub mod config;
pub mod environment;
mod filter;
pub mod help;
pub mod privilege;
pub mod sandbox;
pub mod serve;
mod trap;
