//! What the gate itself answers, instead of the daemon.

use super::{Connection, Incoming, Then};
use crate::http::{FramingError, HeadError, Method, Persistence, Version};
use crate::observe::record::Verdict;
use crate::policy::{Reason, Refusal};
use crate::proxy::answer::{Answer, moved};
use crate::proxy::client::DRAIN_BYTES_MAX;
use crate::proxy::daemon::Unreachable;
use crate::proxy::outcome::Cutoff;

impl Connection {
    pub(super) async fn refuse(&mut self, refusal: &Refusal, incoming: &mut Incoming) -> Then {
        self.tell(incoming, Verdict::Refused(refusal), refusal.status(), None);
        let (status, method) = (refusal.status(), incoming.method);
        if let Some(message) = refusal.daemon_message() {
            let answer = Answer { status, message };
            return self.say(|stays| answer.unmarked_bytes(method, stays), incoming).await;
        }
        let message = format!("{} is refused: {refusal}", incoming.subject.request());
        let answer = Answer { status, message };
        if let Reason::Moved(location) = &refusal.reason {
            return self.say(|stays| moved(location, method, stays), incoming).await;
        }
        if let Reason::OldVersion(version) = &refusal.reason
            && version.is_told_plainly()
        {
            return self.say(|stays| answer.plain_bytes(method, stays), incoming).await;
        }
        self.answer(&answer, incoming).await
    }

    /// Answers that the daemon can't be reached.
    pub(super) async fn fail(&mut self, why: Unreachable, incoming: &mut Incoming) -> Then {
        let Unreachable { status, message } = why;
        self.tell(incoming, Verdict::Failed(&message), status, None);
        self.answer(&Answer { status, message }, incoming).await
    }

    /// Answers a well-formed request instead of the daemon. The connection goes on if the body
    /// that follows, or is under way, is short enough to be read and thrown away.
    pub(super) async fn answer(&mut self, answer: &Answer, incoming: &mut Incoming) -> Then {
        let method = incoming.method;
        self.say(|persistence| answer.bytes(method, persistence), incoming).await
    }

    /// Answers `100 Continue` to a client that waits for it before it sends its body (RFC 9110, section
    /// 10.1.1); one that has sent something of it does not wait.
    ///
    /// # Errors
    /// The client does not take it.
    pub(super) async fn invite_body(&mut self, incoming: &Incoming) -> Result<(), Then> {
        let waits = incoming.expects_continue && self.client.inbox.is_empty();
        if waits && !self.client.send(b"HTTP/1.1 100 Continue\r\n\r\n").await {
            return Err(Then::Close);
        }
        Ok(())
    }

    async fn say(
        &mut self,
        bytes: impl FnOnce(Persistence) -> Vec<u8>,
        incoming: &mut Incoming,
    ) -> Then {
        let old = incoming.version == Version::Http10;
        // A client that waits for 100 sends no body, or does: there is no telling, unless it has.
        // One that speaks HTTP/1.0 takes the end of the connection for the end of the answer.
        let unread = !incoming.request.body.is_complete()
            && (incoming.expects_continue || incoming.is_longer_than(DRAIN_BYTES_MAX));
        let persistence = if unread || old || self.client.seat.is_draining() {
            Persistence::Close
        } else {
            incoming.persistence
        };
        if !self.client.send(&bytes(persistence)).await {
            return Then::Close;
        }
        match persistence {
            Persistence::KeepAlive if self.client.drain(incoming.request.body).await => Then::Next,
            Persistence::KeepAlive | Persistence::Close => Then::Linger,
        }
    }

    pub(super) async fn malformed(&mut self, error: HeadError) -> Then {
        self.tell_malformed(error.name(), error.status(), self.client.inbox.filled(), &error);
        let message = format!("the request is refused: {error} ({})", error.name());
        self.answer_last(&Answer { status: error.status(), message }, Method::Other).await
    }

    pub(super) async fn bad_body(&mut self, error: FramingError, incoming: &Incoming) -> Then {
        self.tell(incoming, Verdict::Malformed(error.name()), 400, None);
        let message = format!("the request body is refused: {error} ({})", error.name());
        self.answer_last(&Answer { status: 400, message }, Method::Other).await
    }

    pub(super) async fn cut_off(&mut self, cutoff: Cutoff, incoming: &Incoming) -> Then {
        self.tell(incoming, Verdict::Malformed(cutoff.name()), cutoff.status(), None);
        self.answer_last(&cutoff.answer(), Method::Other).await
    }

    /// The same of a head that is not whole.
    pub(super) async fn cut_off_head(&mut self, cutoff: Cutoff) -> Then {
        let answer = cutoff.answer();
        self.tell_malformed(cutoff.name(), cutoff.status(), b"", &answer.message);
        self.answer_last(&answer, Method::Other).await
    }

    /// Says one last thing: after it, requests can't be told from bodies any more.
    pub(super) async fn answer_last(&mut self, answer: &Answer, method: Method) -> Then {
        if self.client.send(&answer.bytes(method, Persistence::Close)).await {
            Then::Linger
        } else {
            Then::Close
        }
    }
}
