//! How an item of a list is written: as it is, but for what would end it, or is not fit to be shown
//! anywhere, which is `\u{2c}`. A refusal writes items so, and a list reads them.

use crate::http::number::hex_digit;
use std::fmt::Write as _;

/// A refusal shows no more of an item than this, in characters.
const SHOWN_MAX: usize = 256;

/// An item, fit to be shown and to be pasted into a list; of one that is too long, the beginning.
#[must_use]
pub fn written(item: &str) -> String {
    spelled(item, |_| false)
}

/// The same of a path, of which a list takes everything from a `:` on for something else.
#[must_use]
pub fn written_path(path: &str) -> String {
    spelled(path, |char| char == ':')
}

fn spelled(item: &str, is_more: impl Fn(char) -> bool) -> String {
    let mut text = String::new();
    for char in item.chars().take(SHOWN_MAX) {
        let is_plain = char.is_ascii_graphic() || char == ' ';
        if is_plain && !matches!(char, ',' | '\\' | '"' | '\'') && !is_more(char) {
            text.push(char);
        } else {
            // A String takes whatever is written to it.
            let _ = write!(text, "\\u{{{:x}}}", u32::from(char));
        }
    }
    if item.chars().nth(SHOWN_MAX).is_some() {
        text.push_str("...");
    }
    text
}

/// What an item of a list means. A `*` is never spelled: at an item's end it stands for any rest.
#[must_use]
pub fn read(item: &str) -> String {
    let mut text = String::new();
    let mut rest = item;
    while let Some((before, after)) = rest.split_once("\\u{") {
        text.push_str(before);
        let char = after.split_once('}').and_then(|(digits, after)| {
            Some((character(digits).filter(|&char| char != '*')?, after))
        });
        rest = if let Some((char, after)) = char {
            text.push(char);
            after
        } else {
            text.push_str("\\u{");
            after
        };
    }
    text.push_str(rest);
    text
}

/// The character of a number in hexadecimal.
fn character(digits: &str) -> Option<char> {
    let add = |code: u32, byte| code.checked_mul(16)?.checked_add(u32::from(hex_digit(byte)?));
    let code = digits.bytes().try_fold(0, add).filter(|_| !digits.is_empty())?;
    char::from_u32(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        for (item, shown) in [
            ("label=level:s0:c1,c2", "label=level:s0:c1\\u{2c}c2"),
            ("/srv/müsik", "/srv/m\\u{fc}sik"),
            ("/srv/a b", "/srv/a b"),
            ("c 13:* rmw", "c 13:* rmw"),
            ("\u{1b}[31m\u{202e}", "\\u{1b}[31m\\u{202e}"),
            ("a\\u{2c}b", "a\\u{5c}u{2c}b"),
            ("\"'", "\\u{22}\\u{27}"),
        ] {
            assert_eq!(written(item), shown);
            assert_eq!(read(shown), item);
        }
        assert_eq!(written_path("/srv/a:ro"), "/srv/a\\u{3a}ro");
        assert_eq!(written(&"x".repeat(300)).len(), SHOWN_MAX + 3);
    }

    #[test]
    fn what_only_looks_like_it_is_left_as_it_is() {
        for item in [
            "\\u{",
            "\\u{}",
            "\\u{2a}",
            "\\u{zz}",
            "\\u{+2c}",
            "\\u{100000000}",
            "\\u{d800}",
            "\\u{110000}",
            "\\x2c",
            "\\,",
            "u{2c}",
        ] {
            assert_eq!(read(item), item);
        }
    }
}
