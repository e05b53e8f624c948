//! Any bytes as a body: cut anywhere, and moved unread where the cursor allows it, the same of them
//! are the body's, and they are what a naive decoder takes.
//!
//! The first line says how: `r` for a request's chunks, `a` for an answer's, `u` for a body until the
//! end, or a length in digits; then a letter for each piece, of which those with an odd number are
//! moved unread where that may be.

use super::naive_chunks;
use super::naive_lines::Reading;
use dockgate::http::{BodyCursor, BodyFraming, Trailers};

/// Digits of a length that always fit.
const LENGTH_DIGITS_MAX: usize = 18;

/// How many bytes are the body's, and whether it is whole; `None` where it is refused.
type End = Option<(usize, bool)>;

/// Whether they hold a whole body.
pub fn holds(input: &[u8]) -> bool {
    let Some(at) = input.iter().position(|&byte| byte == b'\n') else { return false };
    let (how, bytes) = (&input[..at], &input[at + 1..]);
    let Some((framing, trailers, steps)) = framing(how) else { return false };
    let mut cursor = BodyCursor::new(framing, trailers);
    let end = cursor.read(bytes).ok().map(|count| (count, cursor.is_complete()));
    assert_eq!(end, naive_end(framing, trailers, bytes), "the gate first, the naive reader second");

    let mut cursor = BodyCursor::new(framing, trailers);
    let in_steps = in_steps(bytes, steps, &mut cursor);
    assert_eq!(in_steps, end, "in pieces and at once");
    if let Some((_, is_whole)) = end {
        let may_end = is_whole || framing == BodyFraming::UntilClose;
        assert_eq!(cursor.close().is_ok(), may_end, "whether the sender may end here");
    }
    end.is_some_and(|(_, is_whole)| is_whole)
}

fn framing(how: &[u8]) -> Option<(BodyFraming, Trailers, &[u8])> {
    let digits = how.iter().take_while(|byte| byte.is_ascii_digit()).count().min(LENGTH_DIGITS_MAX);
    let length = how[..digits].iter().fold(0, |all, digit| all * 10 + u64::from(digit - b'0'));
    match how {
        _ if digits > 0 => Some((BodyFraming::Length(length), Trailers::Refuse, &how[digits..])),
        [b'r', steps @ ..] => Some((BodyFraming::Chunked, Trailers::Refuse, steps)),
        [b'a', steps @ ..] => Some((BodyFraming::Chunked, Trailers::Pass, steps)),
        [b'u', steps @ ..] => Some((BodyFraming::UntilClose, Trailers::Pass, steps)),
        _ => None,
    }
}

fn naive_end(framing: BodyFraming, trailers: Trailers, bytes: &[u8]) -> End {
    match framing {
        BodyFraming::Empty => Some((0, true)),
        BodyFraming::UntilClose => Some((bytes.len(), false)),
        BodyFraming::Length(length) => Some(match usize::try_from(length) {
            Ok(length) if length <= bytes.len() => (length, true),
            Ok(_) | Err(_) => (bytes.len(), false),
        }),
        BodyFraming::Chunked => match naive_chunks::read(bytes, trailers == Trailers::Pass) {
            Reading::Whole(_, count) => Some((count, true)),
            Reading::Unfinished => Some((bytes.len(), false)),
            Reading::Refused => None,
        },
    }
}

fn in_steps(bytes: &[u8], steps: &[u8], cursor: &mut BodyCursor) -> End {
    let mut steps = steps.iter().copied().chain(std::iter::repeat(1));
    let mut at = 0;
    while at < bytes.len() && !cursor.is_complete() {
        let step = steps.next().unwrap_or(1);
        let count = usize::from(step / 2).clamp(1, bytes.len() - at);
        let blind = cursor.blind();
        assert!(blind == u64::MAX || cursor.moved(blind + 1).is_err(), "more than is allowed");
        let unread = usize::try_from(blind).unwrap_or(usize::MAX).min(count);
        if step % 2 == 1 && unread > 0 {
            cursor.moved(unread as u64).expect("as many as it said");
            at += unread;
        } else {
            at += cursor.read(&bytes[at..at + count]).ok()?;
        }
    }
    Some((at, cursor.is_complete()))
}
