//! Who a client is, as far as the kernel tells.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

/// A connection whose other side can be told.
pub trait Client {
    /// Who it is.
    fn who(&self) -> &Who;
}

impl Client for Who {
    fn who(&self) -> &Who {
        self
    }
}

/// The other side of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// It came over TCP: its address and port.
    Address(SocketAddr),
    /// It came through a unix socket: a local process (`SO_PEERCRED`, socket(7)).
    Process {
        /// Its number, in the gate's own namespace.
        pid: i32,
        /// Its user.
        uid: u32,
        /// Its group.
        gid: u32,
        /// The path of the listener that it came through; empty where that has none.
        listener: Box<str>,
    },
    /// It had gone before anybody asked.
    Gone,
}

/// Where somebody comes from, again and again: what stays the same from one connection to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// This address, from whatever port.
    Address(IpAddr),
    /// This user, in whatever process.
    User(u32),
    /// It is not known.
    Unknown,
}

impl Who {
    /// Where it comes from.
    #[must_use]
    pub fn origin(&self) -> Origin {
        match self {
            Self::Address(address) => Origin::Address(address.ip()),
            Self::Process { uid, .. } => Origin::User(*uid),
            Self::Gone => Origin::Unknown,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => write!(f, "{address}"),
            Self::User(uid) => write!(f, "uid {uid}"),
            Self::Unknown => f.write_str("-"),
        }
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => write!(f, "{address}"),
            Self::Process { pid, uid, listener, .. } if listener.is_empty() => {
                write!(f, "pid {pid} uid {uid}")
            }
            Self::Process { pid, uid, listener, .. } => {
                write!(f, "pid {pid} uid {uid} at {listener}")
            }
            Self::Gone => f.write_str("-"),
        }
    }
}
