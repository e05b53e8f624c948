//! Bytes looked at eight at a time, as a number: what a loop over single bytes would find, for a
//! fraction of its steps. A class of bytes is a function from a word to its marks, the high bit of
//! each byte that belongs to the class; marks above the lowest one may be false.

/// Bytes of a word.
const WORD_BYTES: usize = 8;

/// The marks' bits.
const HIGH: u64 = each(0x80);

const fn each(byte: u8) -> u64 {
    u64::from_le_bytes([byte; WORD_BYTES])
}

/// The class of one byte alone.
pub(crate) const fn equal(word: u64, byte: u8) -> u64 {
    let difference = word ^ each(byte);
    difference.wrapping_sub(each(1)) & !difference & HIGH
}

/// Control bytes (RFC 5234, appendix B.1: `CTL`), the tab among them.
pub(crate) const fn control(word: u64) -> u64 {
    below_or_delete(word, each(0x80 - 0x20))
}

/// Control bytes and the blank: what no target holds.
pub(crate) const fn control_or_blank(word: u64) -> u64 {
    below_or_delete(word, each(0x80 - 0x21))
}

/// What ends nearly every name: a byte that is neither a letter nor a hyphen.
pub(crate) const fn other_than_letter_or_hyphen(word: u64) -> u64 {
    let lower = word | each(0x20);
    let from_a = lower.wrapping_add(each(0x80 - b'a'));
    let past_z = lower.wrapping_add(each(0x80 - b'z' - 1));
    let no_hyphen = (word ^ each(b'-')).wrapping_add(each(0x7f));
    ((!from_a | past_z) & no_hyphen | word) & HIGH
}

/// Adding `reach` carries every byte that is not below the bound into the high bit; adding 1 does
/// so with DEL alone.
const fn below_or_delete(word: u64, reach: u64) -> u64 {
    let low = word & !HIGH;
    (!low.wrapping_add(reach) | low.wrapping_add(each(1))) & !word & HIGH
}

/// What stands before the first byte of a class, and what begins with it.
#[inline]
pub(crate) fn split(bytes: &[u8], class: impl Fn(u64) -> u64) -> Option<(&[u8], &[u8])> {
    bytes.split_at_checked(position(bytes, class)?)
}

/// Where the first byte of a class stands.
#[inline]
pub(crate) fn position(bytes: &[u8], class: impl Fn(u64) -> u64) -> Option<usize> {
    let mut rest = bytes;
    while let Some((word, after)) = rest.split_first_chunk() {
        let marks = class(u64::from_le_bytes(*word));
        if marks != 0 {
            let place = usize::try_from(marks.trailing_zeros() >> 3).ok()?;
            return Some(bytes.len().wrapping_sub(rest.len()).wrapping_add(place));
        }
        rest = after;
    }
    let word = rest.iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte));
    let place = usize::try_from(class(word).trailing_zeros() >> 3).ok()?;
    if place >= rest.len() {
        return None;
    }
    Some(bytes.len().wrapping_sub(rest.len()).wrapping_add(place))
}

/// Pairs that are looked at together: a vector on most machines.
const BLOCK_PAIRS: usize = 16;

/// Whether any byte and the one after it are a pair of a kind. `kind` should be without branches,
/// so that the compiler takes many pairs at once.
#[inline]
pub(crate) fn any_pair(bytes: &[u8], kind: impl Fn(u8, u8) -> bool + Copy) -> bool {
    let any = |bytes: &[u8], nexts: &[u8]| {
        bytes.iter().zip(nexts).fold(false, |any, (&byte, &next)| any | kind(byte, next))
    };
    let in_block = |block: &[u8; BLOCK_PAIRS + 1]| any(&block[..BLOCK_PAIRS], &block[1..]);
    let Some(last) = bytes.last_chunk() else {
        return any(bytes, bytes.get(1..).unwrap_or_default());
    };
    let mut rest = bytes;
    while let Some(block) = rest.first_chunk() {
        if in_block(block) {
            return true;
        }
        rest = rest.get(BLOCK_PAIRS..).unwrap_or_default();
    }
    // What is left with some of what came before it.
    in_block(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_byte_is_in_its_classes_and_in_no_other() {
        for byte in 0..=255u8 {
            for place in 0..20 {
                let mut bytes = [b'x'; 20];
                bytes[place] = byte;
                let expected = |is_in: bool| is_in.then_some(place);
                assert_eq!(position(&bytes, control), expected(byte.is_ascii_control()));
                let stops = byte.is_ascii_control() || byte == b' ';
                assert_eq!(position(&bytes, control_or_blank), expected(stops));
                assert_eq!(position(&bytes, |word| equal(word, b'/')), expected(byte == b'/'));
                let goes_on = byte.is_ascii_alphabetic() || byte == b'-';
                assert_eq!(position(&bytes, other_than_letter_or_hyphen), expected(!goes_on));
            }
        }
    }

    #[test]
    fn a_pair_is_found_wherever_it_stands() {
        for length in 0..60usize {
            let mut bytes = vec![b'x'; length];
            let is_pair = |byte, next| byte == b'/' && next == b'.';
            assert!(!any_pair(&bytes, is_pair), "in {length}");
            for place in 1..length {
                bytes[place - 1] = b'/';
                bytes[place] = b'.';
                assert!(any_pair(&bytes, is_pair), "at {place} of {length}");
                bytes[place - 1] = b'x';
                bytes[place] = b'x';
            }
        }
    }

    proptest! {
        #[test]
        fn the_first_is_found_as_byte_by_byte(bytes: Vec<u8>, byte: u8) {
            let naive = |is_in: fn(u8) -> bool| bytes.iter().position(|&byte| is_in(byte));
            prop_assert_eq!(position(&bytes, control), naive(|byte| byte.is_ascii_control()));
            prop_assert_eq!(
                position(&bytes, control_or_blank),
                naive(|byte| byte.is_ascii_control() || byte == b' ')
            );
            prop_assert_eq!(
                position(&bytes, |word| equal(word, byte)),
                bytes.iter().position(|&other| other == byte)
            );
        }
    }
}
