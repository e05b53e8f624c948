//! The process: command line, configuration, start and end.

pub mod activation;
pub mod check;
pub mod command;
pub mod config;
mod container;
pub mod environment;
pub mod file_limit;
pub mod filter;
pub mod grants;
pub mod healthcheck;
pub mod help;
pub mod privilege;
pub mod probe;
pub mod sandbox;
pub mod serve;
mod signals;
mod threads;
mod trap;
pub mod warning;
pub mod wget;
