//! Who counts as one client, and whose clients count together, where something is shared out.

use nix::sys::socket::{getsockopt, sockopt};
use socket2::SockRef;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::AsFd;

/// One client: an address, whatever its port, or the user of a unix socket, whatever its process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Peer {
    /// An IPv4 address, also one that came as an IPv6 address.
    Ipv4(Ipv4Addr),
    /// An IPv6 address.
    Ipv6(Ipv6Addr),
    /// A user on this machine.
    User(u32),
    /// It had gone before it could be asked; all of those are one.
    Unknown,
}

/// Where one host may well have more than one address, or one user more than one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Network {
    /// The first 16 bits: as large as the networks that Docker makes.
    Ipv4([u8; 2]),
    /// The first 64 bits: one host may have every address below them.
    Ipv6([u16; 4]),
    /// Users by their upper 16 bits: what a user namespace is given has 65,536 of them.
    Users(u16),
    /// Not known.
    Unknown,
}

impl Peer {
    /// Who is at the other end of a unix socket.
    pub fn of_unix(socket: &impl AsFd) -> Self {
        getsockopt(socket, sockopt::PeerCredentials)
            .map_or(Self::Unknown, |peer| Self::User(peer.uid()))
    }

    /// Who is at the other end of a TCP connection.
    pub fn of_tcp(socket: &impl AsFd) -> Self {
        let address = SockRef::from(socket).peer_addr().ok();
        match address.and_then(|address| address.as_socket()) {
            Some(address) => Self::from(address.ip()),
            None => Self::Unknown,
        }
    }

    /// Its network.
    #[must_use]
    pub fn network(self) -> Network {
        match self {
            Self::Ipv4(address) => {
                let [a, b, ..] = address.octets();
                Network::Ipv4([a, b])
            }
            Self::Ipv6(address) => {
                let [a, b, c, d, ..] = address.segments();
                Network::Ipv6([a, b, c, d])
            }
            Self::User(uid) => {
                let [a, b, ..] = uid.to_be_bytes();
                Network::Users(u16::from_be_bytes([a, b]))
            }
            Self::Unknown => Network::Unknown,
        }
    }
}

impl From<IpAddr> for Peer {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::Ipv4(address),
            IpAddr::V6(address) => Self::Ipv6(address),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixStream;

    fn peer(text: &str) -> Peer {
        Peer::from(text.parse::<IpAddr>().expect("an address"))
    }

    #[test]
    fn a_client_is_an_address_in_whatever_spelling() {
        assert_eq!(peer("::ffff:172.17.0.2"), peer("172.17.0.2"));
        assert_ne!(peer("172.17.0.2"), peer("172.17.0.3"));
        assert_ne!(peer("fd00::1"), peer("fd00::2"));
    }

    #[test]
    fn a_network_is_what_one_host_may_have_to_itself() {
        let together = [
            ("172.17.0.2", "172.17.255.3"),
            ("::ffff:172.17.0.2", "172.17.1.1"),
            ("fd00:1:2:3::1", "fd00:1:2:3:ffff::2"),
        ];
        for (one, other) in together {
            assert_eq!(peer(one).network(), peer(other).network(), "{one} {other}");
        }
        for (one, other) in [("172.17.0.2", "172.18.0.2"), ("fd00:1:2:3::1", "fd00:1:2:4::1")] {
            assert_ne!(peer(one).network(), peer(other).network(), "{one} {other}");
        }
        assert_eq!(Peer::User(0).network(), Peer::User(65_534).network());
        assert_ne!(Peer::User(1000).network(), Peer::User(100_000).network());
    }

    #[test]
    fn the_kernel_says_whose_process_is_at_the_other_end() {
        let (one, other) = UnixStream::pair().expect("a pair");
        assert_eq!(Peer::of_unix(&one), Peer::User(nix::unistd::geteuid().as_raw()));
        assert_eq!(Peer::of_tcp(&other), Peer::Unknown);
    }
}
