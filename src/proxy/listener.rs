//! Where clients come in: TCP and unix listeners, bound before anything is given up, and accepting
//! only while there is room for one more.

use super::peer::Peer;
use crate::runtime::{Readiness, yield_now};
use nix::errno::Errno;
use nix::sys::socket::{SockFlag, accept4};
use socket2::{Domain, Protocol, SockAddr, Socket as RawSocket, TcpKeepalive, Type};
use std::fmt;
use std::fs;
use std::io;
use std::mem;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::task::{Context, Poll};
use std::time::Duration;

/// Connections that the kernel keeps for us until we accept them.
const BACKLOG: i32 = 1024;

/// When a silent TCP client is asked whether it is still there, and how often. A client that has
/// closed while we stream nothing to it is found by this alone: its half-close looks like the end
/// of standard input, but its kernel answers the probe with a reset.
const KEEPALIVE_AFTER: Duration = Duration::from_secs(60);
const KEEPALIVE_EVERY: Duration = Duration::from_secs(15);
const KEEPALIVE_PROBES: u32 = 4;

/// A place to listen at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A port on every address, IPv6 and IPv4 where there is IPv6.
    Everywhere(u16),
    /// One address and port.
    Tcp(SocketAddr),
    /// A unix socket's path.
    Unix(PathBuf),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everywhere(port) => write!(f, "port {port} (every address)"),
            Self::Tcp(address) => write!(f, "{address}"),
            Self::Unix(path) => write!(f, "{}", path.display()),
        }
    }
}

/// How to bind.
#[derive(Clone, Copy, Debug)]
pub struct Binding {
    /// Leave IPv6 alone.
    pub ipv6_disabled: bool,
    /// A unix socket's permission bits.
    pub unix_mode: u32,
    /// Several workers bind the same TCP port; the kernel spreads clients over them.
    pub shared: bool,
}

/// A bound listener, not yet in a runtime.
#[derive(Debug)]
pub struct Listener {
    socket: RawSocket,
    place: Place,
    /// Somebody else has opened it: it is shared, never bound once more.
    is_adopted: bool,
}

impl Listener {
    /// Binds and listens.
    ///
    /// # Errors
    /// What the kernel says against it.
    pub fn bind(place: &Place, binding: Binding) -> io::Result<Self> {
        let (socket, place) = match place {
            Place::Unix(path) => (bind_unix(path, binding.unix_mode)?, place.clone()),
            Place::Tcp(address) => bind_tcp(*address, false, binding)?,
            Place::Everywhere(port) => bind_everywhere(*port, binding)?,
        };
        Ok(Self { socket, place, is_adopted: false })
    }

    /// Takes a listener that somebody else has bound, and makes it as if it were ours.
    ///
    /// # Errors
    /// It is no listening stream socket.
    pub fn adopt(fd: OwnedFd) -> io::Result<Self> {
        let socket = RawSocket::from(fd);
        if socket.r#type()? != Type::STREAM || !socket.is_listener()? {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "not a listening stream socket",
            ));
        }
        socket.set_cloexec(true)?;
        socket.set_nonblocking(true)?;
        let address = socket.local_addr()?;
        let place = match address.as_socket() {
            Some(ip) => {
                set_inherited(&socket)?;
                if ip.ip().is_unspecified() && ip.is_ipv6() && !socket.only_v6()? {
                    Place::Everywhere(ip.port())
                } else {
                    Place::Tcp(ip)
                }
            }
            None if address.is_unix() => {
                Place::Unix(address.as_pathname().unwrap_or(Path::new("@")).to_owned())
            }
            None => {
                return Err(io::Error::new(io::ErrorKind::InvalidInput, "neither TCP nor unix"));
            }
        };
        Ok(Self { socket, place, is_adopted: true })
    }

    /// A listener at the same place for another worker. A TCP port is bound once more, so that
    /// the kernel spreads clients over them; a unix socket's file can't be, and is shared, as is
    /// what was adopted.
    ///
    /// # Errors
    /// No descriptor is left.
    pub fn again(&self, binding: Binding) -> io::Result<Self> {
        let socket = match self.socket.local_addr()?.as_socket() {
            Some(address) if !self.is_adopted => {
                let dual = address.is_ipv6() && !self.socket.only_v6()?;
                listen_tcp(address, dual, binding)?
            }
            Some(_) | None => self.socket.try_clone()?,
        };
        Ok(Self { socket, place: self.place.clone(), is_adopted: self.is_adopted })
    }

    /// Where it listens, with the port that the kernel chose if none was asked for.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Puts it into the current runtime.
    ///
    /// # Errors
    /// It can't be registered with the I/O driver.
    pub fn start(self) -> io::Result<Acceptor> {
        let is_unix = matches!(self.place, Place::Unix(_));
        let readiness = Readiness::new(self.socket.into())?;
        Ok(Acceptor { readiness, is_unix, has_accepted: false })
    }
}

/// Every address: one socket for both families, or IPv4 alone where there is no IPv6.
fn bind_everywhere(port: u16, binding: Binding) -> io::Result<(RawSocket, Place)> {
    let everywhere = |socket: RawSocket, place: &Place| match place {
        Place::Tcp(address) => (socket, Place::Everywhere(address.port())),
        Place::Everywhere(_) | Place::Unix(_) => (socket, place.clone()),
    };
    let ipv4 = SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
    if !binding.ipv6_disabled {
        match bind_tcp(SocketAddr::from((Ipv6Addr::UNSPECIFIED, port)), true, binding) {
            Ok((socket, place)) => return Ok(everywhere(socket, &place)),
            // Only what says that there is no IPv6; a port in use stays an error.
            Err(error) if no_ipv6(&error) => {
                tracing::info!("no IPv6 here ({error}): listening on IPv4 only");
            }
            Err(error) => return Err(error),
        }
    }
    let (socket, place) = bind_tcp(ipv4, false, binding)?;
    Ok(everywhere(socket, &place))
}

fn no_ipv6(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error().map(Errno::from_raw),
        Some(Errno::EAFNOSUPPORT | Errno::EADDRNOTAVAIL | Errno::EPROTONOSUPPORT)
    )
}

fn bind_tcp(address: SocketAddr, dual: bool, binding: Binding) -> io::Result<(RawSocket, Place)> {
    if binding.shared {
        // A port that may be shared could also be shared with another gate, whose clients would
        // get now this policy and now that one. Alone it can be had only if nobody has it.
        listen_tcp(address, dual, Binding { shared: false, ..binding })?;
    }
    let socket = listen_tcp(address, dual, binding)?;
    let bound = socket.local_addr()?.as_socket().unwrap_or(address);
    Ok((socket, Place::Tcp(bound)))
}

fn listen_tcp(address: SocketAddr, dual: bool, binding: Binding) -> io::Result<RawSocket> {
    let kind = Type::STREAM.nonblocking();
    let socket = RawSocket::new(Domain::for_address(address), kind, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(!dual)?;
    }
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(binding.shared)?;
    set_inherited(&socket)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket)
}

/// Accepted sockets inherit these, which saves their system calls (tcp(7), socket(7)).
fn set_inherited(socket: &RawSocket) -> io::Result<()> {
    socket.set_tcp_nodelay(true)?;
    socket.set_tcp_keepalive(
        &TcpKeepalive::new()
            .with_time(KEEPALIVE_AFTER)
            .with_interval(KEEPALIVE_EVERY)
            .with_retries(KEEPALIVE_PROBES),
    )
}

/// A socket file that nobody answers at is a leftover and is replaced; one that somebody does, or
/// a file of another kind, is left alone.
fn bind_unix(path: &Path, mode: u32) -> io::Result<RawSocket> {
    let leftover = fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket())
        && UnixStream::connect(path)
            .is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused);
    if leftover {
        fs::remove_file(path)?;
    }
    let socket = RawSocket::new(Domain::UNIX, Type::STREAM.nonblocking(), None)?;
    socket.bind(&SockAddr::unix(path)?)?;
    // Nobody can connect before `listen`, so nobody gets in between bind and chmod.
    fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
    socket.listen(BACKLOG)?;
    Ok(socket)
}

/// A listener in a runtime.
#[derive(Debug)]
pub struct Acceptor {
    readiness: Readiness,
    is_unix: bool,
    /// The last poll brought a client.
    has_accepted: bool,
}

impl Acceptor {
    /// Waits for the next client.
    ///
    /// # Errors
    /// No descriptor or memory is left, or the call is denied (`EPERM`: a seccomp profile, a security
    /// module), see accept(2); a client that has gone meanwhile is none.
    pub fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<OwnedFd>> {
        // The driver reports arrivals once, so that accept(2) is called until there are none. But the
        // task of a client that is in takes the descriptors it needs before the next client does.
        if mem::take(&mut self.has_accepted) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
        while self.readiness.poll_readable(cx).is_ready() {
            match accept4(self.readiness.as_fd().as_raw_fd(), flags) {
                Ok(fd) => {
                    self.has_accepted = true;
                    // SAFETY: accept4 has just made this descriptor and nobody else knows of it.
                    #[expect(unsafe_code, reason = "nix hands over a new descriptor as a number")]
                    return Poll::Ready(Ok(unsafe { OwnedFd::from_raw_fd(fd) }));
                }
                Err(Errno::EAGAIN) => self.readiness.clear_readable(),
                // accept(2): errors of the connection that was to be accepted; the next may be well. Where
                // each is an error, others have their turn between them.
                Err(
                    Errno::EINTR
                    | Errno::ECONNABORTED
                    | Errno::EPROTO
                    | Errno::ENETDOWN
                    | Errno::ENOPROTOOPT
                    | Errno::EHOSTDOWN
                    | Errno::ENONET
                    | Errno::EHOSTUNREACH
                    | Errno::ENETUNREACH,
                ) => return yield_now(cx),
                Err(errno) => return Poll::Ready(Err(errno.into())),
            }
        }
        Poll::Pending
    }

    /// Who a client is that has come in here.
    #[must_use]
    pub fn peer(&self, client: &OwnedFd) -> Peer {
        if self.is_unix { Peer::of_unix(client) } else { Peer::of_tcp(client) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::testing;
    use nix::libc;
    use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, TargetArch, apply_filter};
    use std::collections::BTreeMap;
    use std::env::consts::ARCH;
    use std::future::poll_fn;
    use std::net::TcpStream;

    /// Has accept4(2) fail so in this thread from now on.
    fn fail_accepts(errno: Errno) {
        let fails = SeccompAction::Errno((errno as i32).cast_unsigned());
        let rules = BTreeMap::from([(libc::SYS_accept4, Vec::new())]);
        let arch = TargetArch::try_from(ARCH).expect("a known one");
        let filter = SeccompFilter::new(rules, SeccompAction::Allow, fails, arch);
        let program: BpfProgram = filter.expect("a filter").try_into().expect("a program");
        apply_filter(&program).expect("applied");
    }

    fn acceptor() -> (Acceptor, SocketAddr) {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let binding = Binding { ipv6_disabled: true, unix_mode: 0o600, shared: false };
        let listener = Listener::bind(&Place::Tcp(address), binding).expect("bound");
        let Place::Tcp(bound) = listener.place().clone() else { panic!("not TCP") };
        (listener.start().expect("registered"), bound)
    }

    #[test]
    fn a_denied_accept_is_an_error() {
        for errno in [Errno::EPERM, Errno::EOPNOTSUPP, Errno::EMFILE] {
            let found = testing::run(move || async move {
                let (mut acceptor, address) = acceptor();
                let _client = TcpStream::connect(address).expect("connected");
                fail_accepts(errno);
                poll_fn(|cx| acceptor.poll_accept(cx)).await.expect_err("denied").raw_os_error()
            });
            assert_eq!(found, Some(errno as i32));
        }
    }

    #[test]
    fn others_have_their_turn_while_each_connection_is_an_error() {
        for errno in [Errno::ECONNABORTED, Errno::EINTR, Errno::EPROTO] {
            testing::run(move || async move {
                let (mut acceptor, address) = acceptor();
                let _client = TcpStream::connect(address).expect("connected");
                fail_accepts(errno);
                let mut polls = 0;
                poll_fn(|cx| {
                    polls += 1;
                    assert!(acceptor.poll_accept(cx).is_pending());
                    if polls < 3 { Poll::Pending } else { Poll::Ready(()) }
                })
                .await;
            });
        }
    }
}
