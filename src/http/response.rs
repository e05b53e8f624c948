//! A response head, read in the light of what was asked, and what it makes of the exchange.

use super::body::BodyFraming;
use super::error::HeadError;
use super::fields::Fields;
use super::scan::HeadScan;
use super::{Persistence, Version, strict};
use core::mem::MaybeUninit;

/// A status code (RFC 9110, section 15).
pub type Status = u16;

/// How an operation may turn its connection into a raw stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hijack {
    /// Not at all.
    Never,
    /// By `101 Switching Protocols` only (`/session`, `/grpc`, `attach/ws`).
    Upgrade,
    /// By 101, or, where the client sent no Upgrade, by a `200 OK` with a raw-stream media type
    /// and no length (`attach`, exec's `start`; moby `api/server/router/container`).
    Stream,
}

/// What of the request decides how its answer is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The method was HEAD: no body follows, whatever the head says.
    pub head: bool,
    /// What the operation may do to the connection.
    pub hijack: Hijack,
}

/// What follows a response head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// An interim (1xx) answer: pass it on, another head follows.
    Interim,
    /// The answer; a body framed like this follows.
    Body(BodyFraming),
    /// The daemon has hijacked the connection: from here on it carries raw bytes both ways.
    Tunnel,
    /// The daemon switches protocols although this operation can't: nothing can be judged after.
    Unasked,
}

/// A complete response head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResponseHead {
    /// The status code.
    pub status: Status,
    /// Whether the daemon will keep the connection.
    pub persistence: Persistence,
    /// What follows.
    pub next: Next,
    /// The head's length in bytes, blank line included.
    pub length: usize,
}

impl ResponseHead {
    /// Reads a complete head, as [`HeadScan::find`] has measured it.
    ///
    /// # Errors
    /// Whatever has no single reading, see [`HeadError`]: a daemon's answer is judged as a
    /// client's request is, or its end could be mistaken.
    pub fn parse(head: &[u8], asked: Asked) -> Result<Self, HeadError> {
        let read = Self::read(head, asked)?;
        if read.length == head.len() { Ok(read) } else { Err(strict::HeadRule::End.error()) }
    }

    /// Reads the head that `bytes` begin with where that takes one pass: what comes in one piece
    /// and is in order need not be searched for its end first. `None` says only that
    /// [`HeadScan::find`] and [`Self::parse`] have to tell what there is.
    #[must_use]
    pub fn at_once(bytes: &[u8], head_bytes_max: usize, asked: Asked) -> Option<Self> {
        Self::read(bytes.get(..head_bytes_max).unwrap_or(bytes), asked).ok()
    }

    /// The head that `bytes` begin with, once it is whole; until then `scan` remembers how far that has
    /// been looked for.
    ///
    /// # Errors
    /// See [`HeadScan::find`] and [`Self::parse`].
    pub fn find(
        scan: &mut HeadScan,
        bytes: &[u8],
        head_bytes_max: usize,
        asked: Asked,
    ) -> Result<Option<Self>, HeadError> {
        // Nearly every answer's head comes in one piece.
        if *scan == HeadScan::default()
            && let Some(head) = Self::at_once(bytes, head_bytes_max, asked)
        {
            return Ok(Some(head));
        }
        let Some(length) = scan.find(bytes, head_bytes_max)? else { return Ok(None) };
        Self::parse(bytes.get(..length).unwrap_or(bytes), asked).map(Some)
    }

    /// Reads up to the first blank line.
    fn read(bytes: &[u8], asked: Asked) -> Result<Self, HeadError> {
        let mut room = [const { MaybeUninit::uninit() }; strict::FIELD_LINES_MAX];
        let tokens = strict::response(bytes, &mut room)?;
        let (fields, status, version) =
            (Fields::gather(tokens.fields), tokens.status, tokens.version);
        let next = next(status, &fields, version, asked)?;
        let persistence = match next {
            Next::Body(BodyFraming::UntilClose) | Next::Unasked => Persistence::Close,
            Next::Body(_) | Next::Interim | Next::Tunnel => fields.persistence(version),
        };
        Ok(Self { status, persistence, next, length: tokens.length })
    }
}

/// RFC 9112, section 6.3, in its order; and the daemon's own way to hijack.
fn next(
    status: Status,
    fields: &Fields<'_>,
    version: Version,
    asked: Asked,
) -> Result<Next, HeadError> {
    let framing = match status {
        101 if asked.hijack == Hijack::Never => return Ok(Next::Unasked),
        101 => return Ok(Next::Tunnel),
        100..=199 => return Ok(Next::Interim),
        // 1. No body, whatever the fields say.
        204 | 304 => return Ok(Next::Body(BodyFraming::Empty)),
        _ if asked.head => return Ok(Next::Body(BodyFraming::Empty)),
        // 3. to 6. Transfer-Encoding or Content-Length, never both.
        _ => fields.framing(version)?,
    };
    match framing {
        Some(framing) => Ok(Next::Body(framing)),
        None if status == 200 && asked.hijack == Hijack::Stream && is_raw_stream(fields) => {
            Ok(Next::Tunnel)
        }
        // 8. Neither: until the daemon closes.
        None => Ok(Next::Body(BodyFraming::UntilClose)),
    }
}

fn is_raw_stream(fields: &Fields<'_>) -> bool {
    fields.content_type.first.is_some_and(|value| {
        [&b"application/vnd.docker.raw-stream"[..], b"application/vnd.docker.multiplexed-stream"]
            .iter()
            .any(|stream| value.eq_ignore_ascii_case(stream))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PLAIN: Asked = Asked { head: false, hijack: Hijack::Never };
    const ATTACH: Asked = Asked { head: false, hijack: Hijack::Stream };

    fn next_of(head: &str, asked: Asked) -> Next {
        ResponseHead::parse(head.as_bytes(), asked).expect("a proper head").next
    }

    #[test]
    fn the_answer_is_framed_in_the_light_of_the_request() {
        let long = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
        assert_eq!(next_of(long, PLAIN), Next::Body(BodyFraming::Length(5)));
        assert_eq!(next_of(long, Asked { head: true, ..PLAIN }), Next::Body(BodyFraming::Empty));
        for status in ["204 No Content", "304 Not Modified"] {
            let head = format!("HTTP/1.1 {status}\r\nContent-Length: 5\r\n\r\n");
            assert_eq!(next_of(&head, PLAIN), Next::Body(BodyFraming::Empty));
        }
        let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        assert_eq!(next_of(chunked, PLAIN), Next::Body(BodyFraming::Chunked));
        assert_eq!(next_of("HTTP/1.1 200 OK\r\n\r\n", PLAIN), Next::Body(BodyFraming::UntilClose));
        assert_eq!(next_of("HTTP/1.1 100 Continue\r\n\r\n", PLAIN), Next::Interim);
    }

    #[test]
    fn a_tunnel_needs_an_operation_that_can_and_a_daemon_that_says_so() {
        let upgraded = "HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\n\
                        Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n";
        let raw = "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\n";
        let session = Asked { head: false, hijack: Hijack::Upgrade };
        assert_eq!(next_of(upgraded, ATTACH), Next::Tunnel);
        assert_eq!(next_of(upgraded, session), Next::Tunnel);
        assert_eq!(next_of(upgraded, PLAIN), Next::Unasked);
        assert_eq!(next_of(raw, ATTACH), Next::Tunnel);
        assert_eq!(next_of(raw, session), Next::Body(BodyFraming::UntilClose));
        assert_eq!(next_of(raw, PLAIN), Next::Body(BodyFraming::UntilClose));
        let multiplexed = raw.replace("raw", "Multiplexed");
        assert_eq!(next_of(&multiplexed, ATTACH), Next::Tunnel);
        for other in ["Content-Type: application/json\r\n", "Content-Type:\r\n", ""] {
            let head = format!("HTTP/1.1 200 OK\r\n{other}\r\n");
            assert_eq!(next_of(&head, ATTACH), Next::Body(BodyFraming::UntilClose), "{other:?}");
        }
    }

    #[test]
    fn a_refused_hijack_stays_http() {
        let missing =
            "HTTP/1.1 404 Not Found\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\n";
        assert_eq!(next_of(missing, ATTACH), Next::Body(BodyFraming::UntilClose));
        let json = "HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n";
        assert_eq!(next_of(json, ATTACH), Next::Body(BodyFraming::Length(50)));
    }

    #[test]
    fn an_answer_with_two_ends_is_refused() {
        let head = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n";
        let error = ResponseHead::parse(head.as_bytes(), PLAIN).expect_err("two ends");
        assert_eq!(error, HeadError::LengthAndEncoding);
    }

    /// By the two passes that say what is wrong.
    fn in_two(bytes: &[u8], head_bytes_max: usize, asked: Asked) -> Option<ResponseHead> {
        let length = HeadScan::default().find(bytes, head_bytes_max).ok().flatten()?;
        ResponseHead::parse(bytes.get(..length)?, asked).ok()
    }

    fn agree(bytes: &[u8], head_bytes_max: usize, asked: Asked) -> bool {
        let once = ResponseHead::at_once(bytes, head_bytes_max, asked);
        assert_eq!(
            once,
            in_two(bytes, head_bytes_max, asked),
            "{:?}",
            String::from_utf8_lossy(bytes)
        );
        once.is_some()
    }

    const ANSWER: &[u8] =
        b"HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nX:\t\r\nContent-Length: 2\r\n\r\nOK\r\n\r\n";

    #[test]
    #[cfg_attr(miri, ignore = "30,000 heads")]
    fn one_pass_reads_what_two_do_with_any_byte_anywhere() {
        assert!(agree(ANSWER, 1000, PLAIN));
        let whole = ANSWER.len() - 6;
        for place in 0..ANSWER.len() {
            assert_eq!(agree(&ANSWER[..place], 1000, PLAIN), place >= whole);
            assert_eq!(agree(ANSWER, place, PLAIN), place >= whole);
            let mut changed = ANSWER.to_vec();
            for byte in 0..=255 {
                changed[place] = byte;
                let _ = agree(&changed, 1000, PLAIN);
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 8 } else { 2000 }))]
        #[test]
        fn one_pass_reads_what_two_do(
            lines in proptest::collection::vec(
                "[A-Za-z-]{1,20}:[ -~\t]{0,30}(\r\n){1,2}|Content-Length: [0-9]{1,2}\r\n|[\r\n\t A:\u{0}é]{0,3}",
                0..6,
            ),
            head in any::<bool>(),
            head_bytes_max in prop_oneof![Just(1000usize), 0usize..200],
        ) {
            let bytes = format!("HTTP/1.1 200 OK\r\n{}\r\n", lines.concat());
            let _ = agree(bytes.as_bytes(), head_bytes_max, Asked { head, ..ATTACH });
        }
    }
}
