//! A body that must be nothing, or one JSON value and nothing more.
//!
//! The daemon hijacks as soon as an exec's JSON is complete, or an attach's head is, and hands what is left of the body
//! to the process as standard input (moby `api/server/router/container/exec.go`), so whatever
//! follows the value would be input that nobody judged as a body. Sent in one piece with the head,
//! a body of up to 4 KiB, Go's read buffer, is never taken for input.

use core::fmt;
use serde::de::IgnoredAny;

/// Blanks that may follow the value: a line end, as every encoder writes it.
const BLANKS_AFTER_MAX: usize = 2;

/// Why a body is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArgumentError {
    /// It is neither empty nor one complete JSON value with at most a line end after it.
    NotOneJsonValue,
}

impl ArgumentError {
    /// The rule's name, the same word in log, message and test.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotOneJsonValue => "not-one-json-value",
        }
    }
}

impl fmt::Display for ArgumentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotOneJsonValue => "takes one JSON value as its body, with nothing after it",
        })
    }
}

/// Examines a collected body.
///
/// # Errors
/// See [`ArgumentError`].
pub fn examine(body: &[u8]) -> Result<(), ArgumentError> {
    let blanks = body.len().saturating_sub(body.trim_ascii_end().len());
    if body.is_empty() {
        return Ok(());
    }
    match serde_json::from_slice::<IgnoredAny>(body) {
        Ok(_) if blanks <= BLANKS_AFTER_MAX => Ok(()),
        Ok(_) | Err(_) => Err(ArgumentError::NotOneJsonValue),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_value_passes_and_what_follows_it_does_not() {
        for body in ["", "{\"Detach\":false,\"Tty\":false}\n", "{}", " {}\r\n"] {
            assert_eq!(examine(body.as_bytes()), Ok(()), "{body:?}");
        }
        for body in [" ", "{", "{}x", "{}{}", "{} rm -rf /\n", "{\"a\":1,}", "{}   ", "\u{feff}{}"]
        {
            assert_eq!(examine(body.as_bytes()), Err(ArgumentError::NotOneJsonValue), "{body:?}");
        }
        let deep = "[".repeat(100_000);
        assert_eq!(examine(deep.as_bytes()), Err(ArgumentError::NotOneJsonValue));
    }
}
