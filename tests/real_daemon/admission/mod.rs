//! The admission: which arguments reach the daemon, and which never do.

mod elsewhere;
mod matrix;
mod of_create;
mod row;
mod spellings;

use crate::Proof;

pub const PROOFS: &[&[Proof]] = &[matrix::PROOFS];
