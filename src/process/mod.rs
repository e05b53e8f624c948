//! The process: command line, configuration, start and end.

pub mod activation;
pub mod check;
pub mod command;
pub mod config;
pub mod environment;
pub mod healthcheck;
pub mod help;
pub mod probe;
pub mod serve;
pub mod wget;
