//! What the gate knows of its engine: which container there is its own, which have been judged, and
//! what `GET /info` says, kept for a while since it hardly ever changes and is slow to answer.

use super::daemon::{Daemon, Unreachable};
use super::inquiry;
use crate::admission::existing::ContainerUse;
use crate::admission::json::{self, Json};
use crate::admission::lookup::Resolved;
use crate::admission::own::{self, Own, OwnContainer};
use bytes::Bytes;
use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tracing::info;

/// How long an answer to `GET /info` is taken for what the engine would say now. Its operator may
/// restart it with another default runtime, or as another release.
const INFO_TIME_MAX: Duration = Duration::from_secs(60);

/// How long the daemon may take to say what the gate's own container is.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(5);

/// The last answer to `GET /info`.
#[derive(Debug, Default)]
pub struct Info(Mutex<Option<(Instant, Bytes)>>);

impl Info {
    /// The answer's body, unless it is too old.
    #[must_use]
    pub fn get(&self) -> Option<Bytes> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, body) = kept.as_ref()?;
        (since.elapsed() < INFO_TIME_MAX).then(|| body.clone())
    }

    /// Keeps an answer's body.
    pub fn keep(&self, body: Bytes) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), body));
    }
}

/// So many containers are known to have passed; then all are forgotten.
const JUDGED_MAX: usize = 4096;

/// Full ids of containers in which something may run: what a container has is what it was made with,
/// so none is judged twice. What an update changes, limits and restart policy, is held to the policy
/// by itself.
#[derive(Debug, Default)]
pub struct Judged(Mutex<BTreeSet<String>>);

impl Judged {
    fn ids(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether this container has been judged, and passed.
    #[must_use]
    pub fn has(&self, id: &str) -> bool {
        self.ids().contains(id)
    }

    /// Keeps those of a request that has passed.
    pub fn keep(&self, resolved: &[Resolved]) {
        for one in resolved.iter().filter(|one| one.usage == ContainerUse::Run) {
            let mut ids = self.ids();
            if ids.len() >= JUDGED_MAX {
                ids.clear();
            }
            ids.insert(one.id.clone());
        }
    }
}

/// So many containers that share a network and have the socket are looked at; more of them would not be
/// a sidecar's.
const SHARING_MAX: usize = 32;

/// Asks the daemon about the gate's own container, where that is still to be done. Until it has
/// answered, no request may pass: it could be about that container.
///
/// # Errors
/// The daemon can't be reached, or gives no answer.
pub async fn learn_own(own: &Own, daemon: &Daemon) -> Result<(), Unreachable> {
    let Some(id) = own.unknown() else { return Ok(()) };
    let containers = match inspect(id, daemon).await? {
        // Of another engine than the one it serves.
        None => Vec::new(),
        Some(container) if own.has_socket(&container) => vec![container],
        // The files that name a container are those of the one whose network it shares.
        Some(container) => {
            let (_, list) = ask(LIST, daemon).await?;
            let list = json::read(&list).unwrap_or(Json::Null);
            let mut sharing = Vec::new();
            for id in own::sharing_network(&list, id, own).into_iter().take(SHARING_MAX) {
                sharing.extend(inspect(&id, daemon).await?);
            }
            sharing.retain(|container| own.has_socket(container));
            if sharing.is_empty() { vec![container] } else { sharing }
        }
    };
    own.learn(containers);
    for OwnContainer { name, .. } in own.known() {
        info!(
            "running in container {name:?}, which clients may not change (ALLOW_GATE=1 lets them)"
        );
    }
    Ok(())
}

/// The containers that run.
const LIST: &str = "/containers/json";

/// What the daemon says of a container, if it knows one of that id.
async fn inspect(id: &str, daemon: &Daemon) -> Result<Option<OwnContainer>, Unreachable> {
    let (status, body) = ask(&format!("/containers/{id}/json"), daemon).await?;
    let container = json::read(&body).ok().and_then(|inspect| OwnContainer::of(&inspect));
    match (status, container) {
        (404, _) => Ok(None),
        (200, Some(container)) if container.id == id => Ok(Some(container)),
        (status, _) => Err(unknown(&format!("it answers {status}"))),
    }
}

async fn ask(path: &str, daemon: &Daemon) -> Result<(u16, Bytes), Unreachable> {
    let mut socket = daemon.connect().await?;
    let answer = inquiry::ask_alone(path, &mut socket, ANSWER_TIME_MAX).await;
    let answer = answer.map_err(|why| unknown(&why.to_string()))?;
    Ok((answer.status, answer.body))
}

fn unknown(why: &str) -> Unreachable {
    Unreachable {
        status: 503,
        message: format!(
            "cannot find out from the Docker daemon which container dockgate runs in ({why}); retry, or see the \
             daemon's log (ALLOW_GATE=1 goes without)"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admission::lookup::ReferencePlace;

    #[test]
    fn only_what_something_may_run_in_is_kept_and_not_for_ever() {
        let judged = Judged::default();
        let one =
            |id: &str, usage| Resolved { id: id.to_owned(), place: ReferencePlace::Path, usage };
        judged.keep(&[one("a", ContainerUse::Run), one("b", ContainerUse::Read)]);
        assert!(judged.has("a") && !judged.has("b"));
        for number in 0..JUDGED_MAX {
            judged.keep(&[one(&number.to_string(), ContainerUse::Run)]);
        }
        assert!(!judged.has("a"));
    }
}
