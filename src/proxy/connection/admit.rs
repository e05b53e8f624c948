//! Requests that their heads do not decide: the body is collected, or the daemon is asked, before a
//! byte goes on; what is sent names what was judged.

use super::look::Looked;
use super::{Connection, Incoming, Then};
use crate::admission::lookup::{Question, ReferencePlace, Resolved};
use crate::admission::verdict::Passed;
use crate::http::{BodyFraming, Persistence, reframe};
use crate::policy::{Examination, Grant, Inquiry};
use crate::proxy::buffer::Buffer;
use crate::proxy::client::Uncollected;
use crate::proxy::inquiry::{self, Unanswered};
use crate::proxy::outcome::Cutoff;
use core::ops::Range;
use std::sync::Arc;

impl Connection {
    /// Collects the body and has it judged. Head and body are then what is sent, in one piece.
    ///
    /// # Errors
    /// It is not granted, and the client has been answered.
    pub(super) async fn examine(
        &mut self,
        examination: Examination,
        head: Vec<u8>,
        incoming: &mut Incoming,
    ) -> Result<Grant, Then> {
        let mut limits = self.gate.limits;
        limits.json_bytes_max = examination.body_bytes_max(limits.json_bytes_max);
        if incoming.is_longer_than(limits.json_bytes_max) {
            return Err(self.refuse(&examination.too_long(limits.json_bytes_max), incoming).await);
        }
        self.invite_body(incoming).await?;
        let gate = Arc::clone(&self.gate);
        let account = Arc::clone(&self.client.account);
        let mut share = gate.collected.share(&account);
        let body = match self.client.collect(&mut incoming.request.body, &limits, &mut share).await
        {
            Ok(body) => body,
            Err(Uncollected::Bad(error)) => return Err(self.bad_body(error, incoming).await),
            Err(Uncollected::Ended) => return Err(Then::Close),
            Err(Uncollected::TooLong) => {
                let refusal = examination.too_long(limits.json_bytes_max);
                return Err(self.refuse(&refusal, incoming).await);
            }
            Err(Uncollected::Crowded(excess)) => {
                return Err(self.cut_off(Cutoff::of_bodies(excess), incoming).await);
            }
            Err(Uncollected::Late) => return Err(self.cut_off(Cutoff::BodyLate, incoming).await),
        };
        let inquiry = match examination.judge(body) {
            Ok(inquiry) => inquiry,
            Err(refusal) => return Err(self.refuse(&refusal, incoming).await),
        };
        let (grant, passed, head) = self.settle(inquiry, head, incoming).await?;
        let keeps_empty = incoming.framing == BodyFraming::Chunked && !grant.may_hijack();
        let whole = reframe::with_body(&head, &passed.body, keeps_empty);
        incoming.request.collected = Buffer::holding(whole, self.client.account.owner);
        incoming.request.continued = incoming.expects_continue;
        Ok(grant)
    }

    /// Asks the daemon what the request's head alone does not say. The body is then sent as it comes.
    ///
    /// # Errors
    /// It is not granted, and the client has been answered.
    pub(super) async fn inquire(
        &mut self,
        mut inquiry: Inquiry,
        head: Vec<u8>,
        incoming: &mut Incoming,
    ) -> Result<Grant, Then> {
        let mut seen = Vec::new();
        loop {
            let (grant, _, mut whole) = self.settle(inquiry, head.clone(), incoming).await?;
            match self.look(grant, &mut seen, incoming).await? {
                Looked::Fine(grant) => {
                    whole.append(&mut seen);
                    incoming.request.collected = Buffer::holding(whole, self.client.account.owner);
                    return Ok(grant);
                }
                Looked::Late => inquiry = self.inquire_again(&head).ok_or(Then::Close)?,
            }
        }
    }

    /// Has an inquiry's questions answered, concludes it, and tells what there is to tell. The head
    /// names what was judged: another may bear its name by now.
    async fn settle(
        &mut self,
        mut inquiry: Inquiry,
        head: Vec<u8>,
        incoming: &mut Incoming,
    ) -> Result<(Grant, Passed, Vec<u8>), Then> {
        while let Some((question, asked)) = inquiry.question() {
            if inquiry.asks_about().is_some_and(|id| self.gate.judged.has(id)) {
                inquiry.answer_as_before();
                continue;
            }
            let is_info = matches!(question, Question::Engine(_));
            if let Some(body) = self.gate.info.get().filter(|_| is_info) {
                inquiry.answer(Some((200, &body)));
                continue;
            }
            let fresh = match self.reach().await {
                Ok(fresh) => fresh,
                Err(why) => return Err(self.fail(why, incoming).await),
            };
            let Some(daemon) = &mut self.daemon else { return Err(Then::Close) };
            match inquiry::ask(question, asked, &mut self.client, daemon).await {
                Ok(answer) => {
                    if answer.persistence == Persistence::Close {
                        self.daemon = None;
                    }
                    if is_info && answer.status == 200 {
                        self.gate.info.keep(answer.body.clone());
                    }
                    inquiry.answer(Some((answer.status, &answer.body)));
                }
                Err(Unanswered::ClientGone) => return Err(Then::Close),
                // A kept connection has ended. Nothing has been sent that could not be again.
                Err(Unanswered::Silent) if !fresh => self.daemon = None,
                Err(why @ (Unanswered::Silent | Unanswered::Daemon(_))) => {
                    self.tell_unanswered(incoming, &question.path(), why);
                    self.daemon = None;
                    inquiry.answer(None);
                }
            }
        }
        let name = inquiry.name();
        match inquiry.close() {
            Err(refusal) => Err(self.refuse(&refusal, incoming).await),
            Ok((grant, mut passed)) => {
                let notes = std::mem::take(&mut passed.notes);
                if notes.would_refuse.is_none() {
                    self.gate.judged.keep(&passed.resolved);
                }
                if !notes.is_empty() {
                    self.gate.observer.note(&self.client.socket, &incoming.subject, &notes);
                    incoming.notes = Some(Box::new(notes));
                }
                let head = with_ids(head, name.as_ref(), &passed.resolved);
                Ok((grant, passed, head.ok_or(Then::Close)?))
            }
        }
    }
}

/// A head with the full ids of the containers that it refers to; `name` is where its target has the
/// name that stands for one. `None` where one can't be put in its place.
fn with_ids(
    mut head: Vec<u8>,
    name: Option<&Range<usize>>,
    resolved: &[Resolved],
) -> Option<Vec<u8>> {
    for Resolved { id, place, .. } in resolved {
        head = match place {
            ReferencePlace::Path => reframe::with_name(&head, name?, id),
            ReferencePlace::Query(parameter) => reframe::with_parameter(&head, parameter, id),
            // The body has it already.
            ReferencePlace::Body { .. } | ReferencePlace::Nowhere => head,
        };
    }
    Some(head)
}
