//! A peer's bytes as text that can be shown anywhere.

use std::fmt::Write as _;

/// A path is shown no longer than this, in bytes.
const SHOWN_BYTES_MAX: usize = 200;

/// A peer's bytes, fit to be shown: no control byte, no terminal sequence, bounded.
#[must_use]
pub fn shown(bytes: &[u8]) -> String {
    let mut text = String::new();
    for &byte in bytes.iter().take(SHOWN_BYTES_MAX) {
        if byte.is_ascii_graphic() || byte == b' ' {
            text.push(char::from(byte));
        } else {
            // A String takes whatever is written to it.
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    if bytes.len() > SHOWN_BYTES_MAX {
        text.push_str("...");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_peer_sends_is_shown_without_doing_anything() {
        assert_eq!(shown(b"/a\x1b[31m\xff\n"), "/a\\x1b[31m\\xff\\x0a");
        assert_eq!(shown(&[b'a'; 300]).len(), SHOWN_BYTES_MAX + 3);
    }
}
