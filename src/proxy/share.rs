//! How what the gate has is shared out among clients, so that whoever takes all that may be had still
//! leaves room for the next. Nobody's number is fixed: a client may hold a percentage of what the others
//! have left, so that one alone has most of it, and however many are greedy, something stays free.
//!
//! The rule is applied from the outside in: to the client's network, since one host may have as many
//! addresses there as it likes; within what the network may have to the client; and within that, for
//! bytes, to the single connection.

use super::Limits;
use super::peer::Peer;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// What of that which is free a network may have, where a client's share is limited at all.
const NETWORK_SHARE: ClientShare = ClientShare(90);

/// What all clients together may have collected, in bytes, unless one body may have more: bodies that
/// are begun and not ended must not take the memory of everybody.
const COLLECTED_BYTES_MAX: usize = 16 * 1024 * 1024;

/// The same of heads that are begun and not ended. It is enough for a thousand of 8 KiB; those that
/// arrive in one piece, as nearly all do, are none of them.
const BEGUN_BYTES_MAX: usize = 8 * 1024 * 1024;

/// What one client may have of what others leave, in percent (`MAX_CLIENT_SHARE`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientShare(u8);

impl ClientShare {
    /// The smallest that can be chosen: less would leave one client with less than a single large body.
    pub const LEAST: usize = 25;

    /// The whole: clients are not held to shares.
    pub const WHOLE: usize = 100;

    /// The one that is not chosen.
    pub const USUAL: Self = Self(75);

    /// So many percent, from [`Self::LEAST`] to [`Self::WHOLE`].
    #[must_use]
    pub fn percent(percent: usize) -> Option<Self> {
        let is_one = (Self::LEAST..=Self::WHOLE).contains(&percent);
        u8::try_from(percent).ok().filter(|_| is_one).map(Self)
    }

    /// This share of so much.
    fn of(self, whole: usize) -> usize {
        // The whole hundreds and the rest each on their own: their product can't overflow.
        let percent = usize::from(self.0);
        whole / Self::WHOLE * percent + whole % Self::WHOLE * percent / Self::WHOLE
    }

    /// The share of a network whose clients have this one.
    fn of_network(self) -> Self {
        if self.0 < NETWORK_SHARE.0 { NETWORK_SHARE } else { self }
    }

    /// What one client may have of so many connections while there is no other.
    #[must_use]
    pub fn alone(self, connections: usize) -> usize {
        self.of(self.of_network().of(connections)).max(1)
    }

    /// Whether a client may hold `own`, where `free` would be left for everybody.
    #[must_use]
    pub fn allows(self, own: usize, free: usize) -> bool {
        own <= self.of(own.saturating_add(free))
    }

    /// Whether a network and a client in it may hold this, where `free` would be left for everybody.
    /// The first in a network is let in: there is room for it.
    pub(super) fn allows_connection(self, network: usize, client: usize, free: usize) -> bool {
        network <= 1 || Self::allows_each([(self.of_network(), network), (self, client)], free)
    }

    /// The same of bytes, of which one connection has `own`.
    fn allows_bytes(self, network: usize, client: usize, own: usize, free: usize) -> bool {
        Self::allows_each([(self.of_network(), network), (self, client), (self, own)], free)
    }

    /// Whether each level may hold what it does, within what the one before it may have.
    fn allows_each<const N: usize>(levels: [(Self, usize); N], free: usize) -> bool {
        let mut left = free;
        levels.into_iter().all(|(share, held)| {
            let most = share.of(held.saturating_add(left));
            left = most.saturating_sub(held);
            held <= most
        })
    }
}

/// Whose buffers and pipes a thread counts together: a number that stands for a client while it is
/// connected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Owner(u32);

impl Owner {
    /// The gate itself, which is held to no share.
    pub const GATE: Self = Self(0);

    /// The client with this number, counted from 1.
    #[must_use]
    pub fn client(number: u32) -> Self {
        Self(number)
    }

    /// Its number.
    #[must_use]
    pub(super) fn number(self) -> u32 {
        self.0
    }

    /// Its number, for a list by number.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// What each owner holds of what a thread lends, in a list by number.
#[derive(Debug, Default)]
pub struct Lent(Vec<usize>);

impl Lent {
    /// How much it holds.
    #[must_use]
    pub fn of(&self, owner: Owner) -> usize {
        self.0.get(owner.index()).copied().unwrap_or(0)
    }

    /// Whether it may have so much more, where `free` would be left. Who has nothing may.
    #[must_use]
    pub fn allows(&self, share: ClientShare, owner: Owner, more: usize, free: usize) -> bool {
        let held = self.of(owner);
        owner == Owner::GATE || held == 0 || share.allows(held + more, free)
    }

    /// It holds so much more.
    pub fn add(&mut self, owner: Owner, count: usize) {
        if self.0.len() <= owner.index() {
            self.0.resize(owner.index() + 1, 0);
        }
        if let Some(held) = self.0.get_mut(owner.index()) {
            *held += count;
        }
    }

    /// It has given so much back.
    pub fn subtract(&mut self, owner: Owner, count: usize) {
        if let Some(held) = self.0.get_mut(owner.index()) {
            *held = held.saturating_sub(count);
        }
    }
}

/// What a client, or all clients in a network, hold at the moment.
#[derive(Debug, Default)]
pub struct Holdings {
    pub(super) connections: AtomicUsize,
    heads: AtomicUsize,
    bodies: AtomicUsize,
}

/// A client's account, the same for all of its connections.
#[derive(Debug)]
pub struct Account {
    /// Who it is.
    pub peer: Peer,
    /// Its number.
    pub owner: Owner,
    pub(super) own: Holdings,
    pub(super) network: Arc<Holdings>,
}

impl Account {
    /// Of a client that holds nothing yet.
    #[must_use]
    pub fn new(peer: Peer, owner: Owner, network: Arc<Holdings>) -> Self {
        Self { peer, owner, own: Holdings::default(), network }
    }

    /// Of somebody whose buffers nobody counts.
    #[must_use]
    pub fn of_gate() -> Self {
        Self::new(Peer::Unknown, Owner::GATE, Arc::default())
    }
}

/// Why nobody may take more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Excess {
    /// It is more than the client's own share.
    Share,
    /// It is more than all clients together may have.
    Total,
}

/// Which bytes are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Heads,
    Bodies,
}

impl Holdings {
    fn bytes(&self, kind: Kind) -> &AtomicUsize {
        match kind {
            Kind::Heads => &self.heads,
            Kind::Bodies => &self.bodies,
        }
    }
}

/// Bytes of one kind that all clients together hold at the moment.
#[derive(Debug)]
pub struct Total {
    kind: Kind,
    held: AtomicUsize,
    max: usize,
    share: ClientShare,
}

impl Total {
    /// Of bodies that are collected.
    #[must_use]
    pub fn of_bodies(limits: &Limits) -> Self {
        Self::new(Kind::Bodies, COLLECTED_BYTES_MAX, limits.json_bytes_max, limits.client_share)
    }

    /// Of heads that are begun and not ended.
    #[must_use]
    pub fn of_heads(limits: &Limits) -> Self {
        Self::new(Kind::Heads, BEGUN_BYTES_MAX, limits.head_bytes_max, limits.client_share)
    }

    /// `usual` bytes, or more where one connection's share of it would be less than `one`.
    fn new(kind: Kind, usual: usize, one: usize, share: ClientShare) -> Self {
        // Each level rounds down by less than one.
        const ROUNDED: usize = 64;
        let network = share.of_network();
        let whole = |most: usize, share: ClientShare| {
            most.saturating_mul(ClientShare::WHOLE).div_ceil(usize::from(share.0))
        };
        let least = whole(whole(whole(one, share), share), network).saturating_add(ROUNDED);
        Self { kind, held: AtomicUsize::new(0), max: usual.max(least), share }
    }

    /// Nothing yet, for one connection of a client's.
    #[must_use]
    pub fn share<'t>(&'t self, account: &'t Account) -> Share<'t> {
        Share { total: self, account, own: 0 }
    }
}

/// What one connection holds of it, given back in the end.
#[derive(Debug)]
pub struct Share<'t> {
    total: &'t Total,
    account: &'t Account,
    own: usize,
}

impl Share<'_> {
    /// Takes some more. Where that is too much all of it is given back: nobody waits for the rest.
    ///
    /// # Errors
    /// Who has too much.
    pub fn take(&mut self, bytes: usize) -> Result<(), Excess> {
        if bytes == 0 {
            return Ok(());
        }
        self.own += bytes;
        let [network, client, all] =
            self.counters().map(|counter| counter.fetch_add(bytes, Relaxed) + bytes);
        let Total { max, share, .. } = *self.total;
        let excess = match max.checked_sub(all) {
            None => Excess::Total,
            Some(free) if share.allows_bytes(network, client, self.own, free) => return Ok(()),
            Some(_) => Excess::Share,
        };
        self.give_back();
        Err(excess)
    }

    /// Takes as much as is missing to have so much.
    ///
    /// # Errors
    /// Who has too much.
    pub fn hold(&mut self, bytes: usize) -> Result<(), Excess> {
        self.take(bytes.saturating_sub(self.own))
    }

    fn give_back(&mut self) {
        // Most have none, and leave the counters to their processors.
        let own = std::mem::take(&mut self.own);
        if own > 0 {
            for counter in self.counters() {
                counter.fetch_sub(own, Relaxed);
            }
        }
    }

    fn counters(&self) -> [&AtomicUsize; 3] {
        let Self { total, account, .. } = self;
        let kind = total.kind;
        [account.network.bytes(kind), account.own.bytes(kind), &total.held]
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        self.give_back();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn share(percent: usize) -> ClientShare {
        ClientShare::percent(percent).expect("a share")
    }

    fn limits(json_bytes_max: usize, percent: usize) -> Limits {
        Limits {
            head_bytes_max: 1 << 16,
            json_bytes_max,
            head_time_max: Duration::ZERO,
            idle_time_max: Duration::ZERO,
            client_share: share(percent),
        }
    }

    fn client(network: &Arc<Holdings>) -> Account {
        Account::new(Peer::Unknown, Owner::client(1), Arc::clone(network))
    }

    /// Connections of so many networks with so many clients each, every one of which takes one
    /// after the other until it may not have another.
    fn taken(whole: usize, networks: usize, clients: usize) -> (Vec<Vec<usize>>, usize) {
        let (mut held, mut free) = (vec![vec![0; clients]; networks], whole);
        loop {
            let before = free;
            for network in &mut held {
                for client in 0..clients {
                    let (in_network, own) =
                        (network.iter().sum::<usize>() + 1, network[client] + 1);
                    if free > 0 && share(75).allows_connection(in_network, own, free - 1) {
                        network[client] = own;
                        free -= 1;
                    }
                }
            }
            if free == before {
                return (held, free);
            }
        }
    }

    #[test]
    fn one_alone_has_most_and_the_greedy_leave_room_however_many_they_are() {
        assert_eq!(taken(1000, 1, 1), (vec![vec![share(75).alone(1000)]], 325));
        let (held, free) = taken(1000, 2, 1);
        assert!(held[0][0].abs_diff(held[1][0]) <= 1 && held[0][0] > 380, "{held:?}");
        assert!(free > 190, "{free}");
        // As many addresses of one network as there are connections.
        let (_, free) = taken(1000, 1, 1000);
        assert!((100..=101).contains(&free), "{free}");
        // Within a network they leave room to others of it.
        let (mut held, free) = taken(1000, 1, 3);
        held[0].push(1);
        let in_network = held[0].iter().sum();
        assert!(share(75).allows_connection(in_network, 1, free - 1), "{held:?}");
        // Ten networks.
        assert!(taken(1000, 10, 10).1 >= 10);
    }

    #[test]
    fn the_first_of_a_network_is_let_in_where_there_is_room() {
        assert!(share(25).allows_connection(1, 1, 0));
        assert!(!share(25).allows_connection(2, 1, 0));
        assert!(share(100).allows_connection(2, 2, 0));
    }

    #[test]
    fn a_share_has_bounds() {
        assert_eq!([0, 24, 101, 281].map(ClientShare::percent), [None; 4]);
        assert!(share(75).allows(3, 1) && !share(75).allows(4, 1));
        assert!(share(100).allows(usize::MAX, 0));
    }

    #[test]
    fn one_body_as_long_as_may_be_fits_whatever_the_share_is() {
        for percent in ClientShare::LEAST..=ClientShare::WHOLE {
            for most in [1 << 10, 1 << 21, (1 << 30) - 1] {
                let total = Total::of_bodies(&limits(most, percent));
                let account = client(&Arc::default());
                assert_eq!(total.share(&account).take(most), Ok(()), "{most} at {percent}");
            }
        }
    }

    #[test]
    fn what_all_hold_together_is_bounded_and_given_back() {
        let total = Total::of_bodies(&limits(1 << 21, 100));
        let (one, other) = (client(&Arc::default()), client(&Arc::default()));
        let (mut first, mut second) = (total.share(&one), total.share(&other));
        assert_eq!(first.take(COLLECTED_BYTES_MAX - 1), Ok(()));
        assert_eq!(second.take(1), Ok(()));
        assert_eq!(second.take(1), Err(Excess::Total));
        // What was too much is given back as a whole.
        assert_eq!(total.held.load(Relaxed), COLLECTED_BYTES_MAX - 1);
        drop(first);
        assert_eq!(second.take(1), Ok(()));
        drop(second);
        for counter in [&total.held, &one.own.bodies, &one.network.bodies, &other.own.bodies] {
            assert_eq!(counter.load(Relaxed), 0);
        }
    }

    #[test]
    fn a_crowd_of_large_bodies_leaves_room_to_others_and_to_small_ones_of_its_own() {
        let total = Total::of_bodies(&limits(1 << 21, 75));
        let (crowd, other) = (client(&Arc::default()), client(&Arc::default()));
        let mut held = Vec::new();
        loop {
            let mut body = total.share(&crowd);
            if let Err(excess) = body.take(1 << 21) {
                assert_eq!(excess, Excess::Share);
                break;
            }
            held.push(body);
        }
        assert!(held.len() >= 4, "{}", held.len());
        assert_eq!(total.share(&other).take(1 << 21), Ok(()));
        assert_eq!(total.share(&crowd).take(10_000), Ok(()));
    }

    #[test]
    fn what_is_lent_is_counted_by_owner() {
        let mut lent = Lent::default();
        lent.add(Owner::client(3), 5);
        lent.add(Owner::client(3), 1);
        lent.subtract(Owner::client(3), 2);
        lent.subtract(Owner::client(9), 2);
        assert_eq!([2, 3, 9].map(|number| lent.of(Owner::client(number))), [0, 4, 0]);
        let allowed = [0, 2, 3].map(|number| lent.allows(share(75), Owner(number), 1, 0));
        assert_eq!(allowed, [true, true, false]);
        assert!(lent.allows(share(75), Owner::client(3), 2, 2));
    }
}
