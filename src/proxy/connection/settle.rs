//! What the head and the body of a request leave open is asked of the daemon, on the client's own
//! connection to it.

use super::{Connection, Incoming, Then, with_ids};
use crate::admission::Question;
use crate::admission::verdict::Passed;
use crate::http::Persistence;
use crate::policy::{Grant, Inquiry};
use crate::proxy::inquiry::{self, Unanswered};

impl Connection {
    /// Has an inquiry's questions answered, concludes it, and tells what there is to tell. The head
    /// names what was judged: another may bear its name by now.
    pub(super) async fn settle(
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
                        self.gate.info.keep(&answer.body);
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
