//! Decisions as values. A [`Grant`] is permission to send one request to the daemon: only this
//! storey makes one, it can't be copied, and sending spends it.

use super::refusal::{Reason, Refusal};
use crate::admission;
use crate::api::Operation;
use crate::http::{Asked, Method};

/// What becomes of a request.
#[derive(Debug)]
#[must_use]
pub enum Decision {
    /// It may be sent as it is.
    Allow(Grant),
    /// It depends on its body, which must be collected first.
    Examine(Examination),
    /// It may not be sent.
    Refuse(Refusal),
}

impl From<Refusal> for Decision {
    fn from(refusal: Refusal) -> Self {
        Self::Refuse(refusal)
    }
}

/// Permission to send one request.
#[derive(Debug)]
#[must_use]
pub struct Grant {
    operation: Operation,
}

impl Grant {
    pub(super) fn new(operation: Operation) -> Self {
        Self { operation }
    }

    /// What was granted.
    #[must_use]
    pub fn operation(&self) -> Operation {
        self.operation
    }

    /// Spends the permission: what it leaves is the light in which the answer is read.
    #[must_use]
    pub fn spend(self) -> Asked {
        let line = self.operation.line();
        Asked { head: line.method == Method::Head, hijack: line.hijack }
    }
}

/// A request whose body decides.
#[derive(Debug)]
#[must_use]
pub struct Examination {
    operation: Operation,
}

impl Examination {
    pub(super) fn new(operation: Operation) -> Self {
        Self { operation }
    }

    /// What is to be examined.
    #[must_use]
    pub fn operation(&self) -> Operation {
        self.operation
    }

    /// Judges the whole body.
    ///
    /// # Errors
    /// The refusal, where the body is not what the operation takes.
    pub fn judge(self, body: &[u8]) -> Result<Grant, Refusal> {
        admission::examine(body)
            .map(|()| Grant::new(self.operation))
            .map_err(|error| Refusal::of(Reason::Arguments(error), Some(self.operation)))
    }

    /// The refusal of a body that is longer than may be collected.
    pub fn too_long(self, body_bytes_max: usize) -> Refusal {
        Refusal::of(Reason::BodyTooLong(body_bytes_max), Some(self.operation))
    }
}
