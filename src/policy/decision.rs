//! Decisions as values. A [`Grant`] is permission to send one request to the daemon: only this
//! storey makes one, it can't be copied, and sending spends it.

use super::refusal::{Reason, Refusal};
use crate::admission::verdict::{Case, Passed, before_hijack};
use crate::admission::{Cause, Finding, Findings, Question};
use crate::api::Operation;
use crate::http::{Asked, Hijack, Method};

/// What becomes of a request.
#[derive(Debug)]
#[must_use]
pub enum Decision {
    /// It may be sent as it is.
    Allow(Grant),
    /// It depends on its body, which must be collected first.
    Examine(Box<Examination>),
    /// It depends on what the daemon answers to a question.
    Inquire(Box<Inquiry>),
    /// It may not be sent.
    Refuse(Refusal),
}

impl Decision {
    /// What it is about, where that is an operation.
    #[must_use]
    pub fn operation(&self) -> Option<Operation> {
        match self {
            Self::Allow(grant) => Some(grant.operation),
            Self::Examine(examination) => Some(examination.operation),
            Self::Inquire(inquiry) => Some(inquiry.operation),
            Self::Refuse(refusal) => refusal.operation,
        }
    }
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

    /// The refusal of what may not go on without a record of it.
    pub fn unrecorded(self) -> Refusal {
        Refusal::of(Reason::Unrecorded, Some(self.operation))
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
    /// `None` where arguments are not examined.
    case: Option<Case>,
}

impl Examination {
    pub(super) fn new(operation: Operation, case: Option<Case>) -> Self {
        Self { operation, case }
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
    pub fn judge(self, body: Vec<u8>) -> Result<Inquiry, Refusal> {
        let Self { operation, case } = self;
        if operation.line().hijack != Hijack::Never
            && let Err(error) = before_hijack(&body)
        {
            let reason = "takes one JSON value as its body, with nothing after it";
            let finding = Finding::of(Cause::Json(error), reason);
            return Err(refusal(operation, Findings::of(vec![finding])));
        }
        let case = match case {
            Some(mut case) => {
                case.read(body);
                Ok(case)
            }
            None => Err(body),
        };
        Ok(Inquiry { operation, case })
    }

    /// The refusal of a body that is longer than may be collected.
    pub fn too_long(&self, body_bytes_max: usize) -> Refusal {
        Refusal::of(Reason::BodyTooLong(body_bytes_max), Some(self.operation))
    }
}

/// A request that has been read whole and may hang on what the daemon says.
#[derive(Debug)]
#[must_use]
pub struct Inquiry {
    operation: Operation,
    /// The case, or the body where there is none.
    case: Result<Case, Vec<u8>>,
}

impl Inquiry {
    pub(super) fn new(operation: Operation, case: Case) -> Self {
        Self { operation, case: Ok(case) }
    }

    /// The inquiry, unless it is refused already.
    pub(super) fn or_refused(self) -> Result<Self, Refusal> {
        match self.case {
            Ok(case) if case.is_refused() => {
                let findings = case.close().err();
                Err(refusal(self.operation, findings))
            }
            case => Ok(Self { case, ..self }),
        }
    }

    /// What is asked for.
    #[must_use]
    pub fn operation(&self) -> Operation {
        self.operation
    }

    /// The next question for the daemon; a GET, of which nothing else comes of than the answer.
    #[must_use]
    pub fn question(&self) -> Option<(&Question, Asked)> {
        let question = self.case.as_ref().ok()?.question()?;
        Some((question, Asked { head: false, hijack: Hijack::Never }))
    }

    /// Hears the daemon's answer, its status and its body; `None` if none could be had.
    pub fn answer(&mut self, answer: Option<(u16, &[u8])>) {
        if let Ok(case) = &mut self.case {
            match answer {
                Some((status, body)) => case.answer(status, body),
                None => case.unanswered(),
            }
        }
    }

    /// Concludes.
    ///
    /// # Errors
    /// The refusal.
    pub fn close(self) -> Result<(Grant, Passed), Refusal> {
        let Self { operation, case } = self;
        let passed = match case {
            Ok(case) => case.close().map_err(|findings| refusal(operation, Some(findings)))?,
            Err(body) => Passed { body, ..Passed::default() },
        };
        Ok((Grant::new(operation), passed))
    }
}

fn refusal(operation: Operation, findings: Option<Findings>) -> Refusal {
    let arguments = |findings| Reason::Arguments(Box::new(findings));
    Refusal::of(findings.map_or(Reason::Closed, arguments), Some(operation))
}
