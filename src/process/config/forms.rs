//! Values as people write them: numbers, users, words, sockets and places. `None` where a text is none.

use crate::observe::audit::sink::Destination;
use crate::observe::log::{Format, LEVELS};
use crate::process::privilege::RunAs;
use crate::process::sandbox::Sandbox;
use crate::proxy::listener::Place;
use crate::proxy::splice::Relay;
use std::net::SocketAddr;
use std::path::PathBuf;
use tracing::level_filters::LevelFilter;

pub(super) fn number(text: &str, least: usize, most: usize) -> Option<usize> {
    let value = crate::http::number::decimal(text.as_bytes())?;
    usize::try_from(value).ok().filter(|value| (least..=most).contains(value))
}

/// `UID:GID`, or a user alone with the group of the same number.
pub(super) fn run_as(text: &str) -> Option<RunAs> {
    let id = |text: &str| {
        let id = u32::try_from(crate::http::number::decimal(text.as_bytes())?).ok()?;
        // -1 is setresuid's word for "as it was".
        (id != u32::MAX).then_some(id)
    };
    let (uid, gid) = text.split_once(':').unwrap_or((text, text));
    Some(RunAs { uid: id(uid)?, gid: id(gid)? })
}

pub(super) fn relay(text: &str) -> Option<Relay> {
    let word = text.to_ascii_lowercase();
    Relay::WORDS.iter().find(|(name, _)| *name == word).map(|&(_, relay)| relay)
}

pub(super) fn log_format(text: &str) -> Option<Format> {
    let word = text.to_ascii_lowercase();
    Format::WORDS.iter().find(|(name, _)| *name == word).map(|&(_, format)| format)
}

pub(super) fn sandbox(text: &str) -> Option<Sandbox> {
    let word = text.to_ascii_lowercase();
    Sandbox::WORDS.iter().find(|(name, _)| *name == word).map(|&(_, sandbox)| sandbox)
}

pub(super) fn octal(text: &str) -> Option<u32> {
    let digits = text.strip_prefix("0o").unwrap_or(text);
    let plain = (1..=4).contains(&digits.len())
        && digits.bytes().all(|digit| (b'0'..=b'7').contains(&digit));
    plain
        .then(|| digits.bytes().fold(0, |mode, digit| mode * 8 + u32::from(digit - b'0')))
        .filter(|&mode| mode <= 0o777)
}

pub(super) fn level(text: &str) -> Option<LevelFilter> {
    // "warn" and "error" are what people write first.
    let word = match text.to_ascii_lowercase().as_str() {
        "warn" => "warning".to_owned(),
        "error" => "err".to_owned(),
        word => word.to_owned(),
    };
    LEVELS.iter().find(|(name, _)| *name == word).map(|&(_, level)| level)
}

/// A path that fits a socket address (unix(7): 108 bytes with the final zero); `unix://` before
/// it is taken off, since `DOCKER_HOST` has it.
pub(super) fn socket_path(text: &str) -> Option<PathBuf> {
    let path = text.strip_prefix("unix://").unwrap_or(text);
    (1..=107).contains(&path.len()).then(|| PathBuf::from(path))
}

pub(super) fn place(text: &str) -> Option<Place> {
    if let Some(path) = text.strip_prefix("unix://") {
        return socket_path(path).filter(|path| path.is_absolute()).map(Place::Unix);
    }
    let text = text.strip_prefix("tcp://").unwrap_or(text);
    if let Some(port) = text.strip_prefix(':') {
        return number(port, 0, 65_535)
            .and_then(|port| u16::try_from(port).ok())
            .map(Place::Everywhere);
    }
    let text = text
        .strip_prefix("localhost:")
        .map_or_else(|| text.to_owned(), |port| format!("127.0.0.1:{port}"));
    text.parse::<SocketAddr>().ok().map(Place::Tcp)
}

pub(super) fn destination(text: &str) -> Option<Destination> {
    if text == "stderr" {
        return Some(Destination::Stderr);
    }
    if let Some(path) = text.strip_prefix("unix://") {
        return socket_path(path).filter(|path| path.is_absolute()).map(Destination::Unix);
    }
    Some(PathBuf::from(text)).filter(|path| path.is_absolute()).map(Destination::File)
}
