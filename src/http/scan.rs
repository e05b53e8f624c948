//! Finds the end of a head as its bytes arrive, each byte looked at once, and refuses line ends
//! with two readings before any field is parsed.

use super::error::HeadError;
use super::strict::{HeadRule, begins_with_token, is_one_head};
use memchr::memchr2;

/// How far the search for a head's end has come. Keep it beside the bytes it speaks of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HeadScan {
    /// Where the line begins whose end comes next.
    line: usize,
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
        if !begins_with_token(bytes) {
            return Err(HeadRule::FirstByte.error());
        }
        // Nearly all come so: whole, and with nothing behind them.
        if self.scanned == 0 && bytes.len() <= head_bytes_max && is_one_head(bytes) {
            return Ok(Some(bytes.len()));
        }
        // One search finds whatever could end a line, rightly or not.
        while let Some(rest) = bytes.get(self.scanned..)
            && let Some(offset) = memchr2(b'\r', b'\n', rest)
        {
            self.scanned = self.scanned.saturating_add(offset);
            match rest.get(offset..).unwrap_or_default() {
                [b'\r', b'\n', ..] => {}
                // Its LF has yet to come.
                [b'\r'] => return unfinished(bytes, head_bytes_max),
                [b'\r', ..] => return Err(HeadRule::CarriageReturn.error()),
                _ => return Err(HeadRule::LineFeed.error()),
            }
            let end = self.scanned.saturating_add(2);
            if matches!(bytes.get(self.line), Some(b' ' | b'\t')) {
                return Err(HeadRule::Fold.error());
            }
            if end > head_bytes_max {
                return Err(HeadRule::HeadBytes.error());
            }
            if self.line == self.scanned {
                return Ok(Some(end));
            }
            (self.line, self.scanned) = (end, end);
        }
        self.scanned = bytes.len();
        unfinished(bytes, head_bytes_max)
    }
}

/// The limit holds for what has come: an endless line must not be collected.
fn unfinished(bytes: &[u8], head_bytes_max: usize) -> Result<Option<usize>, HeadError> {
    if bytes.len() > head_bytes_max { Err(HeadRule::HeadBytes.error()) } else { Ok(None) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

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
    fn nothing_is_passed_over_in_a_block_of_its_kind() {
        let mut head = b"GET / HTTP/1.1\r\n".to_vec();
        let mut scan = HeadScan::default();
        assert_eq!(scan.find(&head, 1000), Ok(None));
        let carriage_returns = [&head[..], &[b'\r'; 100]].concat();
        assert_eq!(scan.find(&carriage_returns, 1000), Err(HeadError::BareCarriageReturn));
        // The line before has been read: its end is all that is known of it.
        for blank in [b' ', b'\t'] {
            let mut scan = HeadScan::default();
            head.truncate(16);
            assert_eq!(scan.find(&head, 1000), Ok(None));
            head.push(blank);
            head.extend_from_slice(&[b'a'; 100]);
            head.extend_from_slice(b"\r\n");
            assert_eq!(scan.find(&head, 1000), Err(HeadError::Folded));
        }
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

    /// The same, byte by byte and from the beginning.
    fn naive(bytes: &[u8], head_bytes_max: usize) -> Result<Option<usize>, HeadError> {
        if bytes.first().is_some_and(|&first| !begins_with_token(&[first])) {
            return Err(HeadError::NotHttp);
        }
        let mut line_start = 0;
        for (end, &byte) in bytes.iter().enumerate() {
            let after = end.saturating_add(2);
            let next = bytes.get(end..).and_then(|rest| rest.get(1));
            match byte {
                _ if end < line_start => {}
                b'\r' if next.is_none() => break,
                b'\r' if next != Some(&b'\n') => return Err(HeadError::BareCarriageReturn),
                b'\r' => {
                    if matches!(bytes[line_start], b' ' | b'\t') {
                        return Err(HeadError::Folded);
                    }
                    if after > head_bytes_max {
                        return Err(HeadError::TooLong);
                    }
                    if line_start == end {
                        return Ok(Some(after));
                    }
                    line_start = after;
                }
                b'\n' => return Err(HeadError::BareLineFeed),
                _ => {}
            }
        }
        if bytes.len() > head_bytes_max { Err(HeadError::TooLong) } else { Ok(None) }
    }

    /// Lines mostly as they should be, so that something comes of what stands far behind.
    fn heads() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            20 => "[A-Za-z: ]{1,40}".prop_map(String::into_bytes),
            20 => Just(b"\r\n".to_vec()),
            1 => proptest::sample::select(vec![
                &b"\r"[..], b"\n", b" ", b"\t", b"\0", b"\r\n ", b"\r\n\t", b"\r\n\r\n", b"\xff",
            ]).prop_map(<[u8]>::to_vec),
        ];
        proptest::collection::vec(piece, 0..16).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 8 } else { 2000 }))]
        #[test]
        fn many_bytes_at_once_are_read_as_one_by_one(
            head in heads(),
            cuts in proptest::collection::vec(0usize..300, 0..4),
            head_bytes_max in prop_oneof![Just(1000usize), 0usize..200],
        ) {
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(head.len())).collect();
            cuts.sort_unstable();
            cuts.push(head.len());
            let mut scan = HeadScan::default();
            for cut in cuts {
                let found = scan.find(&head[..cut], head_bytes_max);
                prop_assert_eq!(found, naive(&head[..cut], head_bytes_max));
                if found != Ok(None) {
                    break;
                }
            }
        }
    }
}
