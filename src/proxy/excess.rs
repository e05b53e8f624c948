//! A client that has as many connections as it may have is told so, and costs little meanwhile: a few
//! may wait for their request's first bytes and read the answer in peace, the others get it at once.

use super::Gate;
use super::client::Client;
use super::outcome::Cutoff;
use super::places::RefusedPlace;
use super::roster::Seat;
use super::share::Account;
use super::socket::Socket;
use crate::http::{Method, Persistence};
use std::sync::Arc;
use std::task::{Context, Waker};

/// What is read of a client that is answered at once, in bytes: closing with bytes unread would take
/// the answer back out of its hands.
const READ_BYTES_MAX: usize = 4 * 1024;

const WHY: Cutoff = Cutoff::ClientConnections;

/// Tells of it.
pub fn tell(client: &Socket, gate: &Gate) {
    gate.observer.tell_excess(client, WHY.name(), WHY.status());
}

/// Answers what it asks first, whatever that is, and lets it read the answer.
pub async fn refuse(client: Socket, place: RefusedPlace, seat: Seat) {
    let mut client = Client::new(client, seat, Arc::new(Account::of_gate()));
    if client.begin().await && client.send(&answer()).await {
        client.linger().await;
    }
    // Its descriptor goes before its place.
    drop(client);
    drop(place);
}

/// Answers it before it asks, and closes.
pub fn refuse_at_once(mut client: Socket) {
    // Nobody waits for it.
    let cx = &mut Context::from_waker(Waker::noop());
    let _ = client.poll_recv(cx, &mut [0; READ_BYTES_MAX]);
    // It takes as much as there is room for in a new socket, or is gone.
    let _ = client.poll_send(cx, &answer());
    client.end();
}

fn answer() -> Vec<u8> {
    WHY.answer().bytes(Method::Other, Persistence::Close)
}
