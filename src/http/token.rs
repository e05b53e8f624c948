//! Tokens: what methods and field names are made of (RFC 9110, section 5.6.2).

use super::word;

/// For each byte whether it is a `tchar`.
static IS_TOKEN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0u8;
    while byte < 0x80 {
        #[expect(clippy::as_conversions, clippy::indexing_slicing, reason = "a byte is an index")]
        {
            table[byte as usize] = is_tchar(byte);
        }
        byte = byte.wrapping_add(1);
    }
    table
};

const fn is_tchar(byte: u8) -> bool {
    matches!(byte,
        b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~'
        | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z')
}

/// Whether a byte may stand in a token.
pub(super) fn is_token_byte(byte: u8) -> bool {
    #[expect(clippy::indexing_slicing, reason = "the table has a place for each byte")]
    IS_TOKEN[usize::from(byte)]
}

/// The token that `bytes` begin with, maybe an empty one, and what follows it.
#[inline]
pub(super) fn split(bytes: &[u8]) -> (&[u8], &[u8]) {
    // Most are made of letters and hyphens to their end.
    match word::split(bytes, word::other_than_letter_or_hyphen) {
        Some((token, rest @ [byte, ..])) if !is_token_byte(*byte) => (token, rest),
        Some(_) | None => split_bytewise(bytes),
    }
}

#[cold]
fn split_bytewise(bytes: &[u8]) -> (&[u8], &[u8]) {
    let end = bytes.iter().position(|&byte| !is_token_byte(byte)).unwrap_or(bytes.len());
    bytes.split_at_checked(end).unwrap_or((bytes, b""))
}

/// Whether a token is `word`, which is written in lower case, in any case. A token has no byte
/// but letters that the bit changes into another one of these words.
pub(super) fn is<const N: usize>(token: &[u8], word: &[u8; N]) -> bool {
    <&[u8; N]>::try_from(token).is_ok_and(|token| {
        token.iter().zip(word).fold(0, |differs, (byte, other)| differs | (byte | 0x20) ^ other)
            == 0
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_ends_at_the_first_other_byte() {
        assert_eq!(split(b"Content-Length: 1"), (&b"Content-Length"[..], &b": 1"[..]));
        assert_eq!(split(b": 1"), (&b""[..], &b": 1"[..]));
        assert_eq!(split(b"GET"), (&b"GET"[..], &b""[..]));
        for byte in 0..=255u8 {
            assert_eq!(is_token_byte(byte), is_tchar(byte), "{byte}");
        }
    }

    #[test]
    fn no_other_token_is_taken_for_a_word() {
        for byte in (0..=255u8).filter(|&byte| is_token_byte(byte)) {
            for other in *b"content-lgh" {
                let same = byte.eq_ignore_ascii_case(&other);
                assert_eq!(is(&[byte], &[other]), same, "{byte} {other}");
            }
        }
        assert!(is(b"Content-LENGTH", b"content-length"));
        assert!(!is(b"Content-Lengt", b"content-length"));
        assert!(!is(b"Content-Lengths", b"content-length"));
        // Two bytes that differ by the same bits.
        assert!(!is(b"iosu", b"host"));
    }
}
