//! The process: command line, configuration, start and end.

pub mod check;
pub mod command;
pub mod config;
pub mod environment;
pub mod help;
pub mod serve;
