//! A request whose body is looked at, where it begins, before any of it goes on.

use super::{Connection, Incoming, Then};
use crate::http::RequestHead;
use crate::policy::{Decision, Grant, Inquiry};
use crate::proxy::client::Uncollected;
use crate::proxy::first_bytes;
use crate::proxy::outcome::Cutoff;

/// What comes of looking.
#[derive(Debug)]
pub(super) enum Looked {
    /// The body may follow.
    Fine(Grant),
    /// So it may, but its client has let the gate wait: what was asked before may be so no more.
    Late,
}

impl Connection {
    /// Looks at the body's first bytes, where the grant asks for that. What was read of them is in
    /// `seen`; where something is already, they have been looked at.
    pub(super) async fn look(
        &mut self,
        grant: Grant,
        seen: &mut Vec<u8>,
        incoming: &mut Incoming,
    ) -> Result<Looked, Then> {
        let Some(shield) = grant.first_bytes() else { return Ok(Looked::Fine(grant)) };
        if !seen.is_empty() || incoming.request.body.is_complete() {
            return Ok(Looked::Fine(grant));
        }
        self.invite_body(incoming).await?;
        // An archive that is still being made is no attack, and holds no more than a connection.
        let patience = self.gate.limits.idle_time_max;
        let body = &mut incoming.request.body;
        let looked = match first_bytes::look(&mut self.client, body, patience, seen).await {
            Ok(looked) => looked,
            Err(Uncollected::Bad(error)) => return Err(self.bad_body(error, incoming).await),
            Err(Uncollected::Ended | Uncollected::TooLong | Uncollected::Crowded(_)) => {
                return Err(Then::Close);
            }
            Err(Uncollected::Late) => {
                return Err(self.cut_off(Cutoff::ArchiveLate, incoming).await);
            }
        };
        if looked.is_compressed {
            return Err(self.refuse(&grant.compressed(shield), incoming).await);
        }
        incoming.request.continued = incoming.expects_continue;
        Ok(if looked.waited { Looked::Late } else { Looked::Fine(grant) })
    }

    /// The inquiry that a head leads to, once more: all of it is asked anew.
    pub(super) fn inquire_again(&self, head: &[u8]) -> Option<Inquiry> {
        let head = RequestHead::parse(head).ok()?;
        match self.gate.policy.judge(&head) {
            Decision::Inquire(inquiry) => Some(*inquiry),
            Decision::Allow(_) | Decision::Examine(_) | Decision::Refuse(_) => None,
        }
    }
}
