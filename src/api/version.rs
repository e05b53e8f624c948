//! The API version in a path's prefix.

use core::fmt;

/// An API version such as 1.41.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ApiVersion {
    /// Before the dot; it has always been 1.
    pub major: u16,
    /// After the dot.
    pub minor: u16,
}

impl ApiVersion {
    /// Reads `MAJOR.MINOR` in its one canonical form. The daemon also takes `1.041` or `1.41.`,
    /// which no client sends and which others might read differently: they are `None` here.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        let dot = text.iter().position(|&byte| byte == b'.')?;
        let (major, rest) = text.split_at_checked(dot)?;
        let (_, minor) = rest.split_first()?;
        Some(Self { major: canonical(major)?, minor: canonical(minor)? })
    }
}

fn canonical(digits: &[u8]) -> Option<u16> {
    let zero_led = digits.len() > 1 && digits.first() == Some(&b'0');
    let value = crate::http::number::decimal(digits)?;
    if zero_led { None } else { u16::try_from(value).ok() }
}

impl fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_has_one_form() {
        assert_eq!(ApiVersion::parse(b"1.41"), Some(ApiVersion { major: 1, minor: 41 }));
        assert_eq!(ApiVersion::parse(b"1.0"), Some(ApiVersion { major: 1, minor: 0 }));
        for bad in [
            "", "1", "1.", ".41", ".", "1.41.", "1.41.0", "1.041", "01.41", "1..41", "1.-4",
            "1.+4", "1.99999",
        ] {
            assert_eq!(ApiVersion::parse(bad.as_bytes()), None, "{bad:?}");
        }
    }

    #[test]
    fn a_version_is_written_as_it_is_read() {
        let version = ApiVersion::parse(b"1.41").expect("a version");
        assert_eq!(version.to_string(), "1.41");
    }

    #[test]
    fn versions_are_ordered_as_numbers() {
        assert!(ApiVersion::parse(b"1.9") < ApiVersion::parse(b"1.24"));
    }
}
