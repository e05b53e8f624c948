//! What the gate says of itself, on a listener of its own: metrics, and whether it is well. Nothing
//! of the Docker API is to be had here, and nothing that is sent here goes to the daemon.
//!
//! Who asks here shares a thread with clients, and takes little of it: so many at once, so many bytes,
//! so much time, one question a connection.

use super::Gate;
use super::Limits;
use super::answer::reason_phrase;
use super::client::{Arrival, Client};
use super::closing::Closing;
use super::entrance::{Entered, Entrance};
use super::excess;
use super::inquiry;
use super::listener::{Binding, Listener, Place};
use super::places::Places;
use super::roster::Roster;
use super::share::{Account, ClientShare, Total};
use crate::http::{Method, RequestHead};
use crate::observe::exposition;
use crate::observe::metrics::{Counter, Metrics};
use crate::observe::vitals::Vitals;
use crate::runtime::spawn;
use prometheus_client::encoding::text::encode_registry;
use prometheus_client::registry::Registry;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// So many may ask at once; others wait.
const CONNECTIONS_MAX: usize = 16;

/// So many of those that one client has too many of may read why.
const REFUSED_MAX: usize = 4;

/// What they may take.
const LIMITS: Limits = Limits {
    head_bytes_max: 8 * 1024,
    json_bytes_max: 0,
    head_time_max: Duration::from_secs(5),
    idle_time_max: Duration::from_secs(5),
    client_share: ClientShare::USUAL,
};

/// How long the daemon may take to say that it is there.
const READY_TIME_MAX: Duration = Duration::from_secs(3);

/// Where it is asked for, bound and not yet open.
#[derive(Debug)]
pub struct StatusListener {
    listener: Listener,
    metrics: Arc<Metrics>,
    registry: Registry,
}

impl StatusListener {
    /// Descriptors that it may have open: who asks, connections to the daemon, who is refused, who
    /// waits for a place, and its own.
    pub const FILES_MAX: u64 = (2 * CONNECTIONS_MAX + REFUSED_MAX) as u64 + 4;

    /// Binds, and opens what is asked of the kernel later.
    ///
    /// # Errors
    /// What the kernel says against it.
    pub fn bind(
        place: &Place,
        binding: Binding,
        audit_lost: Option<Arc<Counter>>,
    ) -> io::Result<Self> {
        let listener = Listener::bind(place, Binding { shared: false, ..binding })?;
        let metrics = Arc::new(Metrics::with_losses(audit_lost));
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Vitals::open()));
        let own = registry.sub_registry_with_prefix("dockgate");
        own.register_collector(Box::new(Arc::clone(&metrics)));
        Ok(Self { listener, metrics, registry })
    }

    /// Where it listens.
    #[must_use]
    pub fn place(&self) -> &Place {
        self.listener.place()
    }

    /// What it will tell.
    #[must_use]
    pub fn metrics(&self) -> Arc<Metrics> {
        Arc::clone(&self.metrics)
    }

    /// Serves in this thread's runtime, until that is dropped.
    ///
    /// # Errors
    /// The listener can't be registered.
    pub fn start(self, gate: Arc<Gate>, closing: Arc<Closing>) -> io::Result<()> {
        let Self { listener, registry, .. } = self;
        let acceptor = listener.start()?;
        let roster = Rc::new(Roster::default());
        spawn({
            let roster = Rc::clone(&roster);
            async move { roster.keep_time().await }
        });
        let begun = Total::of_heads(&LIMITS);
        let status = Rc::new(Status { gate, closing, registry, begun });
        let places = Arc::new(Places::new(CONNECTIONS_MAX, REFUSED_MAX, LIMITS.client_share));
        let mut entrance = Entrance::new(acceptor, places);
        let account = Arc::new(Account::of_gate());
        spawn(async move {
            loop {
                match entrance.next().await {
                    Entered::Admitted(client, place) => {
                        let client = Client::new(client, roster.seat(), Arc::clone(&account));
                        let status = Rc::clone(&status);
                        spawn(async move {
                            status.answer(client).await;
                            drop(place);
                        });
                    }
                    Entered::OverShare(client, Some(place)) => {
                        spawn(excess::refuse(client, place, roster.seat()));
                    }
                    Entered::OverShare(client, None) => excess::refuse_at_once(client),
                }
            }
        });
        Ok(())
    }
}

/// What there is to tell.
struct Status {
    gate: Arc<Gate>,
    closing: Arc<Closing>,
    registry: Registry,
    /// Bytes of heads that are begun here at the moment.
    begun: Total,
}

impl Status {
    /// Answers one request.
    async fn answer(&self, mut client: Client) {
        let (method, page) = match client.head(None, &LIMITS, &self.begun).await {
            Arrival::Head(length) => {
                let head = RequestHead::parse(&client.inbox.filled()[..length]);
                let asked = head.map(|head| (head.method, Question::of(&head)));
                client.inbox.consume(length);
                match asked {
                    Ok((method, question)) => (method, self.page(question).await),
                    Err(error) => (Method::Other, Page::says(error.status(), &error.to_string())),
                }
            }
            Arrival::Malformed(error) => {
                (Method::Other, Page::says(error.status(), &error.to_string()))
            }
            // So few can't be a crowd.
            Arrival::Late | Arrival::Crowded(_) => {
                (Method::Other, Page::says(408, "the request came too late"))
            }
            Arrival::Ended => return,
        };
        if client.send(&page.bytes(method)).await {
            client.linger().await;
        }
    }

    async fn page(&self, question: Question) -> Page {
        let draining = || self.closing.is_draining();
        match question {
            Question::Metrics => self.metrics(),
            Question::Health | Question::Readiness if draining() => {
                Page::says(503, "the gate is about to end")
            }
            Question::Health => Page::says(200, "ok"),
            Question::Readiness => match self.ask_daemon().await {
                Ok(()) => Page::says(200, "ok"),
                Err(why) => Page::says(503, &why),
            },
            Question::Unknown => Page::says(404, "/metrics, /healthz and /readyz are here"),
            Question::Change => Page::says(405, "this is for GET and HEAD"),
        }
    }

    fn metrics(&self) -> Page {
        let mut body = String::new();
        match encode_registry(&mut body, &self.registry) {
            Ok(()) => Page { status: 200, content_type: exposition::CONTENT_TYPE, body },
            // A String takes whatever is written to it.
            Err(_) => Page::says(503, "the metrics can't be written"),
        }
    }

    /// Pings the daemon, on a connection of its own.
    async fn ask_daemon(&self) -> Result<(), String> {
        let daemon = self.gate.daemon.connect().await;
        let mut daemon = daemon.map_err(|unreachable| unreachable.message)?;
        match inquiry::ask_alone("/_ping", &mut daemon, READY_TIME_MAX).await {
            Ok(answer) if answer.status == 200 => Ok(()),
            Ok(answer) => Err(format!("the daemon answers a ping with {}", answer.status)),
            Err(why) => Err(why.to_string()),
        }
    }
}

/// What is asked for.
#[derive(Clone, Copy, Debug)]
enum Question {
    Metrics,
    Health,
    Readiness,
    Unknown,
    Change,
}

impl Question {
    fn of(head: &RequestHead<'_>) -> Self {
        match (head.method, head.target.raw_path) {
            (Method::Get | Method::Head, b"/metrics") => Self::Metrics,
            (Method::Get | Method::Head, b"/healthz") => Self::Health,
            (Method::Get | Method::Head, b"/readyz") => Self::Readiness,
            (Method::Get | Method::Head, _) => Self::Unknown,
            (Method::Post | Method::Put | Method::Delete | Method::Options | Method::Other, _) => {
                Self::Change
            }
        }
    }
}

/// An answer.
struct Page {
    status: u16,
    content_type: &'static str,
    body: String,
}

impl Page {
    fn says(status: u16, words: &str) -> Self {
        Self { status, content_type: "text/plain; charset=utf-8", body: format!("{words}\n") }
    }

    /// As it is sent; to a HEAD request without its body.
    fn bytes(&self, method: Method) -> Vec<u8> {
        let Self { status, content_type, body } = self;
        let allow = if *status == 405 { "Allow: GET, HEAD\r\n" } else { "" };
        let head = format!(
            "HTTP/1.1 {status} {}\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n\
             {allow}Connection: close\r\n\r\n",
            reason_phrase(*status),
            body.len(),
        );
        if method == Method::Head { head.into_bytes() } else { (head + body).into_bytes() }
    }
}
