//! How many connections there may be, for all workers together, and who has them.

use super::peer::{Network, Peer};
use super::share::{Account, ClientShare, Holdings, Owner};
use std::collections::BTreeMap;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// What is free.
#[derive(Debug)]
pub struct Places {
    share: ClientShare,
    ledger: Mutex<Ledger>,
    /// Notified when a place is free again.
    freed: Notify,
}

/// Who has what. It has entries for those alone who are connected.
#[derive(Debug)]
struct Ledger {
    free: usize,
    /// Places for clients that are refused one, while they read why.
    free_for_refused: usize,
    clients: BTreeMap<Peer, Arc<Account>>,
    networks: BTreeMap<Network, Arc<Holdings>>,
    /// Numbers that nobody has, below the one that was given last for the first time.
    numbers: Vec<u32>,
    last_number: u32,
}

/// A client has as many connections as it may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OverShare;

impl Places {
    /// So many, of which no client takes more than its share, and some for those that are refused.
    #[must_use]
    pub fn new(count: usize, for_refused: usize, share: ClientShare) -> Self {
        let ledger = Ledger {
            free: count,
            free_for_refused: for_refused,
            clients: BTreeMap::new(),
            networks: BTreeMap::new(),
            numbers: Vec::new(),
            last_number: 0,
        };
        Self { share, ledger: Mutex::new(ledger), freed: Notify::new() }
    }

    /// Waits for a place. A semaphore would not do: who may take one depends on how many are free.
    ///
    /// # Errors
    /// The client, or its network, has its share.
    pub async fn take(self: &Arc<Self>, peer: Peer) -> Result<Place, OverShare> {
        loop {
            // Made before the look, it is woken by a place that is freed after it.
            let freed = self.freed.notified();
            if let Some(taken) = self.take_free(peer) {
                return taken;
            }
            freed.await;
        }
    }

    /// Takes a place; `None` where none is free.
    fn take_free(self: &Arc<Self>, peer: Peer) -> Option<Result<Place, OverShare>> {
        let mut ledger = self.ledger();
        if ledger.free == 0 {
            return None;
        }
        let account = ledger.take(peer, self.share);
        Some(account.map(|account| Place { places: Arc::clone(self), account }).ok_or(OverShare))
    }

    /// A place for a client that is refused one, if there is any left.
    #[must_use]
    pub fn take_for_refused(self: &Arc<Self>) -> Option<RefusedPlace> {
        let mut ledger = self.ledger();
        ledger.free_for_refused = ledger.free_for_refused.checked_sub(1)?;
        Some(RefusedPlace(Arc::clone(self)))
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ledger {
    /// One of the places that are free, if that is within the client's share.
    fn take(&mut self, peer: Peer, share: ClientShare) -> Option<Arc<Account>> {
        let network = self.networks.get(&peer.network());
        let in_network = network.map_or(0, |network| network.connections.load(Relaxed)) + 1;
        let client = self.clients.get(&peer);
        let own = client.map_or(0, |client| client.own.connections.load(Relaxed)) + 1;
        let free = self.free.checked_sub(1)?;
        if !share.allows_connection(in_network, own, free) {
            return None;
        }
        let account = match client {
            Some(account) => Arc::clone(account),
            None => self.enter(peer),
        };
        self.free = free;
        account.own.connections.store(own, Relaxed);
        account.network.connections.store(in_network, Relaxed);
        Some(account)
    }

    /// A new account, for somebody's first connection.
    fn enter(&mut self, peer: Peer) -> Arc<Account> {
        let number = self.numbers.pop().unwrap_or_else(|| {
            self.last_number += 1;
            self.last_number
        });
        let network = Arc::clone(self.networks.entry(peer.network()).or_default());
        let account = Arc::new(Account::new(peer, Owner::client(number), network));
        self.clients.insert(peer, Arc::clone(&account));
        account
    }

    /// Takes a connection's place back.
    fn give_back(&mut self, account: &Account) {
        self.free += 1;
        if account.own.connections.fetch_sub(1, Relaxed) == 1 {
            self.clients.remove(&account.peer);
            self.numbers.push(account.owner.number());
        }
        if account.network.connections.fetch_sub(1, Relaxed) == 1 {
            self.networks.remove(&account.peer.network());
        }
        if self.clients.is_empty() {
            // A crowd that has gone should not be remembered in memory.
            (self.numbers, self.last_number) = (Vec::new(), 0);
        }
    }
}

/// A connection's place, free again when dropped.
#[derive(Debug)]
pub struct Place {
    places: Arc<Places>,
    account: Arc<Account>,
}

impl Place {
    /// The account of the client that has it.
    #[must_use]
    pub fn account(&self) -> &Arc<Account> {
        &self.account
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.ledger().give_back(&self.account);
        // All who wait: it may be more than the share of the first.
        self.places.freed.notify_waiters();
    }
}

/// The place of a client that has been refused one, free again when dropped.
#[derive(Debug)]
pub struct RefusedPlace(Arc<Places>);

impl Drop for RefusedPlace {
    fn drop(&mut self) {
        self.0.ledger().free_for_refused += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;
    use std::task::{Context, Poll, Waker};

    fn places(count: usize) -> Arc<Places> {
        let share = ClientShare::percent(75).expect("a share");
        Arc::new(Places::new(count, 1, share))
    }

    fn take(places: &Arc<Places>, peer: Peer) -> Result<Place, OverShare> {
        places.take_free(peer).expect("a free place")
    }

    fn peer(b: u8, d: u8) -> Peer {
        Peer::Ipv4(Ipv4Addr::new(10, b, 0, d))
    }

    #[test]
    fn who_waits_is_told_when_a_place_is_free() {
        let places = places(1);
        let mut cx = Context::from_waker(Waker::noop());
        let place = take(&places, peer(0, 1)).expect("a place");
        let mut waiting = [peer(0, 1), peer(0, 1)].map(|peer| Box::pin(places.take(peer)));
        for one in &mut waiting {
            assert!(one.as_mut().poll(&mut cx).is_pending());
        }
        drop(place);
        let polled = waiting.each_mut().map(|one| one.as_mut().poll(&mut cx));
        // Both have looked, and the first has it.
        assert_eq!(polled.each_ref().map(Poll::is_ready), [true, false]);
        drop(polled);
        let [_, mut second] = waiting;
        assert!(second.as_mut().poll(&mut cx).is_ready());
    }

    #[test]
    fn who_has_its_share_gets_no_more_and_others_do() {
        let places = places(100);
        let mut held = Vec::new();
        while let Ok(place) = take(&places, peer(0, 1)) {
            held.push(place);
        }
        assert_eq!(held.len(), 67);
        // A neighbour of its network, and somebody else.
        for other in [peer(0, 2), peer(1, 1)] {
            held.push(take(&places, other).expect("a place"));
        }
        assert!(take(&places, peer(0, 1)).is_err());
        held.drain(..5);
        assert!(take(&places, peer(0, 1)).is_ok());
    }

    #[test]
    fn nothing_is_left_of_those_who_have_gone() {
        let places = places(10);
        let first = take(&places, peer(0, 1)).expect("a place");
        let again = take(&places, peer(0, 1)).expect("a place");
        let other = take(&places, peer(1, 1)).expect("a place");
        let third = take(&places, peer(2, 1)).expect("a place");
        assert_eq!(first.account().owner, again.account().owner);
        let owners = [&first, &other, &third].map(|place| place.account().owner.index());
        assert_eq!(owners, [1, 2, 3]);
        drop(other);
        // Its number is given to the next.
        let next = take(&places, peer(3, 1)).expect("a place");
        assert_eq!(next.account().owner.index(), 2);
        drop((first, again, third, next));
        let ledger = places.ledger();
        assert!(ledger.clients.is_empty() && ledger.networks.is_empty());
        assert_eq!((ledger.free, ledger.numbers.capacity(), ledger.last_number), (10, 0, 0));
    }

    #[test]
    fn those_who_are_refused_have_few_places() {
        let places = places(1);
        let place = places.take_for_refused();
        assert!(place.is_some() && places.take_for_refused().is_none());
        drop(place);
        assert!(places.take_for_refused().is_some());
    }
}
