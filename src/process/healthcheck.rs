//! `dockgate healthcheck`: does the gate of this environment answer, and the daemon behind it? One
//! ping at its first listener; quiet if it comes back, one line that says what to do if not.

use super::config::Config;
use super::probe::{self, Door, Failure};
use crate::proxy::listener::Place;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::{Duration, Instant};

/// For everything together; Docker gives a health check 30 s unless told otherwise.
const TIME_MAX: Duration = Duration::from_secs(5);

/// Asks the gate.
///
/// # Errors
/// Why it is not well, in one line.
pub fn healthcheck(config: &Config) -> Result<(), String> {
    let Some(place) = config.listen.first() else { return Err("LISTEN names no place".to_owned()) };
    let doors = doors(place)?;
    let answer = probe::ask(&doors, "/_ping", Instant::now() + TIME_MAX)
        .map_err(|failure| explain(&failure))?;
    match answer.status {
        200 => Ok(()),
        403 => Err(format!("the health check needs PING=1: {}", answer.message())),
        status => Err(format!("the gate answers {status}: {}", answer.message())),
    }
}

/// Where what listens at a place is found from beside it. A family that it does not listen on is
/// not tried: somebody else might answer there.
fn doors(place: &Place) -> Result<Vec<Door>, String> {
    let loopback = |ip: IpAddr| match ip {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        IpAddr::V4(_) | IpAddr::V6(_) => ip,
    };
    let addresses = match place {
        Place::Everywhere(port) => vec![
            SocketAddr::from((Ipv4Addr::LOCALHOST, *port)),
            SocketAddr::from((Ipv6Addr::LOCALHOST, *port)),
        ],
        Place::Tcp(address) => vec![SocketAddr::new(loopback(address.ip()), address.port())],
        Place::Unix(path) => {
            let door = Door::unix(path).map_err(|error| format!("{}: {error}", path.display()))?;
            return Ok(vec![door]);
        }
    };
    if addresses.iter().any(|address| address.port() == 0) {
        return Err("LISTEN leaves the port to the kernel: it can't be known here".to_owned());
    }
    Ok(addresses.into_iter().map(Door::tcp).collect())
}

/// What a failure on the way to the gate means.
pub(super) fn explain(failure: &Failure) -> String {
    let Failure { door, error } = failure;
    #[expect(clippy::wildcard_enum_match_arm, reason = "ErrorKind is std's, not ours")]
    match error.kind() {
        io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound => {
            format!("no gate is listening on {door} (not running, or LISTEN differs)")
        }
        io::ErrorKind::TimedOut => format!("{door} gives no answer in time"),
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset => {
            format!("{door} ended the connection without an answer")
        }
        _ => format!("{door} can't be asked: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_asked_where_it_can_be_reached() {
        for (listen, names) in [
            (":2375", "127.0.0.1:2375 [::1]:2375"),
            ("0.0.0.0:1", "127.0.0.1:1"),
            ("[::]:1", "[::1]:1"),
            ("10.1.2.3:80", "10.1.2.3:80"),
            ("unix:///run/x.sock,:2375", "/run/x.sock"),
        ] {
            let environment = [("LISTEN".into(), listen.into())];
            let config = Config::read(environment.into_iter()).expect("a configuration");
            let doors = doors(&config.listen[0]).expect("doors");
            let found: Vec<String> = doors.into_iter().map(|door| door.name).collect();
            assert_eq!(found.join(" "), names, "{listen}");
        }
        assert!(doors(&Place::Everywhere(0)).is_err());
    }
}
