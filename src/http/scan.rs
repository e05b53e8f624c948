//! Finds the end of a head as its bytes arrive, each byte looked at once, and refuses line ends
//! with two readings before any field is parsed.

use super::error::HeadError;
use memchr::memchr2;

/// How far the search for a head's end has come. Keep it beside the bytes it speaks of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HeadScan {
    line_start: usize,
    scanned: usize,
}

impl HeadScan {
    /// Looks at what has come since the last call; `bytes` is everything from the head's first
    /// byte on. Returns the head's length, final blank line included, or `None` if its end has
    /// not come yet.
    ///
    /// # Errors
    /// A line that does not end with CR LF, a folded line, a first byte that begins no HTTP
    /// message, or a head longer than `head_bytes_max`.
    pub fn find(
        &mut self,
        bytes: &[u8],
        head_bytes_max: usize,
    ) -> Result<Option<usize>, HeadError> {
        if bytes.first().is_some_and(|&first| !is_token_byte(first)) {
            return Err(HeadError::NotHttp);
        }
        // One search finds whatever could end a line, rightly or not.
        while let Some(offset) =
            bytes.get(self.scanned..).and_then(|rest| memchr2(b'\r', b'\n', rest))
        {
            let end = self.scanned.saturating_add(offset);
            let next = match bytes.get(end..) {
                Some([b'\r', b'\n', ..]) => end.saturating_add(2),
                Some([b'\r']) => {
                    // Its LF has yet to come.
                    self.scanned = end;
                    return partial(bytes, head_bytes_max);
                }
                Some([b'\r', ..]) => return Err(HeadError::BareCarriageReturn),
                Some(_) | None => return Err(HeadError::BareLineFeed),
            };
            let line = bytes.get(self.line_start..end).unwrap_or_default();
            if matches!(line.first(), Some(b' ' | b'\t')) {
                return Err(HeadError::Folded);
            }
            if next > head_bytes_max {
                return Err(HeadError::TooLong);
            }
            self.line_start = next;
            self.scanned = next;
            if line.is_empty() {
                return Ok(Some(next));
            }
        }
        self.scanned = bytes.len();
        partial(bytes, head_bytes_max)
    }
}

/// The end has not come. The limit holds for what has: an endless line must not be collected.
fn partial(bytes: &[u8], head_bytes_max: usize) -> Result<Option<usize>, HeadError> {
    if bytes.len() > head_bytes_max { Err(HeadError::TooLong) } else { Ok(None) }
}

/// RFC 9110, section 5.6.2: `tchar`.
const fn is_token_byte(byte: u8) -> bool {
    matches!(byte,
        b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~'
        | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z')
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &[u8] = b"GET /_ping HTTP/1.1\r\nHost: x\r\n\r\n";

    fn find(bytes: &[u8]) -> Result<Option<usize>, HeadError> {
        HeadScan::default().find(bytes, 64)
    }

    #[test]
    fn the_end_is_found_wherever_the_bytes_are_cut() {
        for cut in 0..HEAD.len() {
            let mut scan = HeadScan::default();
            let (begun, _) = HEAD.split_at(cut);
            assert_eq!(scan.find(begun, 64), Ok(None), "cut at {cut}");
            let mut all = HEAD.to_vec();
            all.extend_from_slice(b"GET /next");
            assert_eq!(scan.find(&all, 64), Ok(Some(HEAD.len())), "cut at {cut}");
        }
    }

    #[test]
    fn line_ends_other_than_crlf_are_refused_as_soon_as_they_come() {
        assert_eq!(find(b"GET / HTTP/1.1\n"), Err(HeadError::BareLineFeed));
        assert_eq!(find(b"GET / HTTP/1.1\r\nHost: x\n\r\n"), Err(HeadError::BareLineFeed));
        assert_eq!(find(b"GET / HTTP/1.1\r\nHost: x\r\r\n"), Err(HeadError::BareCarriageReturn));
        assert_eq!(find(b"GET / HTTP/1.1\r\nA: b\rC: d\r\n"), Err(HeadError::BareCarriageReturn));
        assert_eq!(find(b"GET / HTTP/1.1\r\nA: b\r\n c\r\n"), Err(HeadError::Folded));
        assert_eq!(find(b"GET / HTTP/1.1\r\n\tA: b\r\n"), Err(HeadError::Folded));
    }

    #[test]
    fn what_cannot_begin_a_message_is_refused_at_its_first_byte() {
        for first in [&b"\r\n"[..], b"\n", b" GET", b"\x16\x03\x01", b"\0", b"\xff"] {
            assert_eq!(find(first), Err(HeadError::NotHttp), "{first:?}");
        }
    }

    #[test]
    fn the_limit_holds_for_whole_and_for_endless_heads() {
        let mut scan = HeadScan::default();
        assert_eq!(scan.find(HEAD, HEAD.len()), Ok(Some(HEAD.len())));
        assert_eq!(HeadScan::default().find(HEAD, HEAD.len() - 1), Err(HeadError::TooLong));
        assert_eq!(find(&[b'A'; 64]), Ok(None));
        assert_eq!(find(&[b'A'; 65]), Err(HeadError::TooLong));
    }
}
