//! dockgate: the gate in front of the Docker socket.
//!
//! Judge the bytes you forward, forward the bytes you judged, refuse what has two readings.
//!
//! The modules from the bottom up; each uses only those above it in this list.

pub mod http;

pub mod api;

pub mod admission;

pub mod policy;

pub mod observe;

pub mod runtime;

pub mod proxy;

pub mod process;
