//! Who a client is, as far as the kernel tells.

use std::fmt;
use std::net::SocketAddr;

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
