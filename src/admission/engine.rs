//! What the engine says of itself (`SystemInfo`, `GET /info`) that decides about an argument: its
//! version.

/// A release of the engine: major, minor, patch. What a distribution or a builder adds to it, such
/// as `+dfsg1`, is ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// 28 of 28.5.2.
    pub major: u32,
    /// 5 of 28.5.2.
    pub minor: u32,
    /// 2 of 28.5.2.
    pub patch: u32,
}

impl Version {
    /// Reads `28.5.2`, with or without `+SUFFIX` or `~SUFFIX`; `None` for anything else, such as a
    /// release candidate, which may come before what its number says.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let release = text.split(['+', '~']).next()?;
        let mut parts = release.split('.').map(|part| {
            let number = crate::http::number::decimal(part.as_bytes())?;
            u32::try_from(number).ok()
        });
        let version = Self { major: parts.next()??, minor: parts.next()??, patch: parts.next()?? };
        parts.next().is_none().then_some(version)
    }
}
