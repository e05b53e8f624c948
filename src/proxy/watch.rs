//! What the gate asks the daemon for itself, on connections of its own and never in a client's way:
//! who it is, until it has said so once, and, where that is wanted, whether it is still there.

use super::daemon::Daemon;
use super::inquiry::{self, Answer};
use crate::runtime::sleep;
use std::time::{Duration, Instant};
use tracing::{info, warn};

/// How long the daemon may take to answer.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(5);

/// When it is asked again, at first and at the latest, while it has not said who it is.
const RETRY_AFTER: Duration = Duration::from_secs(1);
const RETRY_AFTER_MAX: Duration = Duration::from_secs(30);

/// What a daemon says of itself that is worth telling, in bytes at the most.
const SHOWN_BYTES_MAX: usize = 64;

/// Asks the daemon who it is, and, unless `interval` is zero, at that interval whether it is there.
pub async fn keep(daemon: &Daemon, interval: Duration) {
    let mut absence = Absence::default();
    introduce(daemon, interval, &mut absence).await;
    while !interval.is_zero() {
        sleep(interval).await;
        match ask(daemon, "/_ping").await {
            Ok(_) => absence.is_over(),
            Err(why) => absence.begins(&why),
        }
    }
}

/// Asks who the daemon is until it has answered.
async fn introduce(daemon: &Daemon, interval: Duration, absence: &mut Absence) {
    let mut wait = RETRY_AFTER;
    loop {
        match ask(daemon, "/version").await {
            Ok(answer) => {
                absence.is_over();
                if let Some(name) = name(&answer) {
                    let path = daemon.path().display();
                    info!("Connected to Docker {name} at {path}");
                }
                return;
            }
            Err(why) => absence.begins(&why),
        }
        sleep(wait).await;
        let most = if interval.is_zero() { RETRY_AFTER_MAX } else { interval };
        wait = (wait * 2).min(most);
    }
}

async fn ask(daemon: &Daemon, path: &str) -> Result<Answer, String> {
    let mut socket = daemon.connect_at_once().map_err(|unreachable| unreachable.message)?;
    let answer = inquiry::ask_alone(path, &mut socket, ANSWER_TIME_MAX).await;
    answer.map_err(|why| why.to_string())
}

/// `Engine 20.10.24 (API 1.41)`, if the daemon says so.
fn name(answer: &Answer) -> Option<String> {
    let version: serde_json::Value = serde_json::from_slice(&answer.body).ok()?;
    let field = |name: &str| {
        let text = version.get(name)?.as_str()?;
        let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic());
        (is_plain && (1..=SHOWN_BYTES_MAX).contains(&text.len())).then_some(text)
    };
    Some(format!("Engine {} (API {})", field("Version")?, field("ApiVersion")?))
}

/// Since when the daemon has not answered; its beginning and its end are told once each.
#[derive(Debug, Default)]
struct Absence(Option<Instant>);

impl Absence {
    fn begins(&mut self, why: &str) {
        if self.0.is_none() {
            self.0 = Some(Instant::now());
            warn!("{why}; it is tried again with every request");
        }
    }

    fn is_over(&mut self) {
        if let Some(begun) = self.0.take() {
            info!("the daemon answers again, after {} s", begun.elapsed().as_secs());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Persistence;

    fn name_in(body: &str) -> Option<String> {
        let persistence = Persistence::KeepAlive;
        name(&Answer { status: 200, body: body.to_owned().into(), persistence })
    }

    #[test]
    fn a_daemon_is_named_as_it_names_itself() {
        let body = "{\"Version\":\"20.10.24\",\"ApiVersion\":\"1.41\",\"Os\":\"linux\"}";
        assert_eq!(name_in(body).as_deref(), Some("Engine 20.10.24 (API 1.41)"));
        for body in [
            "",
            "{}",
            "{\"message\":\"no\"}",
            "{\"Version\":1,\"ApiVersion\":\"1.41\"}",
            "{\"Version\":\"\\u001b[31m\",\"ApiVersion\":\"1.41\"}",
            "{\"Version\":\"a b\",\"ApiVersion\":\"1.41\"}",
        ] {
            assert_eq!(name_in(body), None, "{body}");
        }
    }
}
