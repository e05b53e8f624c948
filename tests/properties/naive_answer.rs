//! The head of an answer read a second time, and what it says about what follows (RFC 9112, section
//! 6.3, and the daemon's two ways to turn a connection into a raw stream).

use super::naive_head::{Body, framing};
use super::naive_lines::{self, Lines, Reading};

/// Longer heads are refused.
pub const HEAD_BYTES_MAX: usize = 2048;

/// What follows a head.
#[derive(Debug, PartialEq, Eq)]
pub enum Follows {
    /// Another head: this one was not the answer.
    Another,
    Body(Body),
    /// Whatever comes until the daemon ends.
    AllUntilTheEnd,
    /// Raw bytes, both ways.
    AnotherProtocol,
    /// Raw bytes, where that was not asked for.
    WhatNobodyAskedFor,
}

/// What the head of an answer says.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub follows: Follows,
    pub stays: bool,
}

/// Reads the head that `bytes` begin with. `asked` is `h` for HEAD, `s` for what may end in a raw
/// stream, `u` for what may switch protocols.
pub fn read(bytes: &[u8], asked: u8) -> Reading<Answer> {
    match naive_lines::read(bytes, HEAD_BYTES_MAX) {
        Reading::Whole(lines, length) => match of(&lines, asked) {
            Some(answer) => Reading::Whole(answer, length),
            None => Reading::Refused,
        },
        Reading::Unfinished => Reading::Unfinished,
        Reading::Refused => Reading::Refused,
    }
}

fn of(lines: &Lines, asked: u8) -> Option<Answer> {
    // RFC 9112, section 4: HTTP-version SP 3DIGIT SP [reason], the last blank with the reason only.
    let (version, rest) = lines.first.split_once(' ')?;
    let minor = match version {
        "HTTP/1.0" => 0,
        "HTTP/1.1" => 1,
        _ => return None,
    };
    let (digits, _reason) = rest.split_once(' ').unwrap_or((rest, ""));
    if digits.chars().count() != 3 || digits.contains(|c: char| !c.is_ascii_digit()) {
        return None;
    }
    let status = digits.bytes().fold(0, |all, digit| all * 10 + u16::from(digit - b'0'));
    let streams =
        ["application/vnd.docker.raw-stream", "application/vnd.docker.multiplexed-stream"];
    let kind = lines.all("content-type").first().map(|kind| kind.to_ascii_lowercase());
    let is_stream = kind.is_some_and(|kind| streams.contains(&kind.as_str()));
    let follows = match status {
        101 if asked == b's' || asked == b'u' => Follows::AnotherProtocol,
        101 => Follows::WhatNobodyAskedFor,
        100..=199 => Follows::Another,
        204 | 304 => Follows::Body(Body::None),
        _ if asked == b'h' => Follows::Body(Body::None),
        _ => match framing(lines, minor).ok()? {
            Some(body) => Follows::Body(body),
            None if status == 200 && asked == b's' && is_stream => Follows::AnotherProtocol,
            None => Follows::AllUntilTheEnd,
        },
    };
    let ends = matches!(follows, Follows::AllUntilTheEnd | Follows::WhatNobodyAskedFor);
    Some(Answer { status, stays: !ends && lines.stays(minor), follows })
}
