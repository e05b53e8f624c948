//! The gate on the wire: raw bytes to the real program, with a stand-in for the daemon that does
//! exactly what a test says, faults and pauses included, which no real daemon can be made to do.
//!
//! A test holds both ends: it is the client and the daemon, in one thread wherever order matters,
//! so that "not before" means what it says. Whatever it waits for has a deadline.

mod gate;
mod ledger;
mod peer;
mod refusals;
mod stand_in;

mod activation;
mod admission;
mod answers;
mod archive;
mod audit;
mod audit_sinks;
mod browsers;
mod commands;
mod corpus;
mod dying;
#[path = "../model/escapes.rs"]
mod escapes;
mod exactness;
mod examined_bodies;
mod exec_start;
mod exhaustion;
mod existing;
mod faults;
mod files;
mod floods;
mod half_close;
mod health;
mod hijack;
mod interrupted;
mod lifecycle;
mod limits;
mod listening;
mod log;
mod lookup_ends;
mod lookups;
mod malformed;
mod memory;
mod memory_limit;
mod metrics;
mod modes;
mod own_container;
mod policy;
mod prometheus;
mod queries;
mod resets;
mod restarts;
mod routes;
mod shares;
mod shields;
mod stops;
mod streams;
mod twins;
mod uploads;
mod watch;
