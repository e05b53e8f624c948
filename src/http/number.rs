//! Numbers from the wire. `str::parse` takes a leading `+` and `from_str_radix` likewise, which
//! the daemon does not: these readers take digits and nothing else.

/// Reads `1*DIGIT` (RFC 9110, section 8.6). `None` if a byte is not a digit, there is none, or
/// the value does not fit 63 bits, the daemon's own limit for a length.
#[must_use]
pub fn decimal(digits: &[u8]) -> Option<u64> {
    let value = digits.iter().try_fold(0u64, |value, &byte| {
        let digit = byte.is_ascii_digit().then(|| byte.wrapping_sub(b'0'))?;
        value.checked_mul(10)?.checked_add(u64::from(digit))
    })?;
    (!digits.is_empty() && i64::try_from(value).is_ok()).then_some(value)
}

/// The value of one hexadecimal digit, `None` for any other byte.
#[must_use]
pub fn hex_digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte.wrapping_sub(b'0')),
        b'a'..=b'f' => Some(byte.wrapping_sub(b'a').wrapping_add(10)),
        b'A'..=b'F' => Some(byte.wrapping_sub(b'A').wrapping_add(10)),
        _ => None,
    }
}

/// `usize` as `u64`; no platform that runs this has a wider one.
pub(super) fn length_of(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_and_nothing_else_make_a_number() {
        assert_eq!(decimal(b"0"), Some(0));
        assert_eq!(decimal(b"0042"), Some(42));
        assert_eq!(decimal(b"9223372036854775807"), Some(u64::MAX / 2));
        for bad in [
            "",
            "+3",
            "-3",
            " 3",
            "3 ",
            "0x3",
            "3,3",
            "0_3",
            "9223372036854775808",
            "99999999999999999999",
        ] {
            assert_eq!(decimal(bad.as_bytes()), None, "{bad:?}");
        }
    }

    #[test]
    fn hexadecimal_digits_have_their_values() {
        for (value, byte) in (0u8..16).zip(*b"0123456789abcdef") {
            assert_eq!(hex_digit(byte), Some(value));
            assert_eq!(hex_digit(byte.to_ascii_uppercase()), Some(value));
        }
        for byte in (0..=255u8).filter(|byte| !byte.is_ascii_hexdigit()) {
            assert_eq!(hex_digit(byte), None);
        }
    }
}
