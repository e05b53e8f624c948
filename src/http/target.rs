//! The request target: its path decoded exactly once, as the daemon's router does, and its query
//! left as it is. Of a path that the daemon would answer with a redirect instead of running anything
//! there is nothing but where it leads, since another engine might run it.

use super::error::HeadError;
use super::number::hex_digit;
use super::pairs::any_pair;
use memchr::memchr;
use std::borrow::Cow;
use std::fmt::Write as _;

/// A target in origin form (RFC 9112, section 3.2.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target<'b> {
    /// The target as it was sent.
    pub raw: &'b [u8],
    /// The path, percent-decoded once; borrowed where nothing was encoded.
    pub path: Cow<'b, [u8]>,
    /// The path as it was sent.
    pub raw_path: &'b [u8],
    /// What follows the first `?`, undecoded.
    pub query: Option<&'b [u8]>,
    /// Where the daemon's router sends its client instead, if the path is not clean once decoded: it
    /// has an empty, a `.` or a `..` segment. Such a target is no operation.
    pub moved: Option<Box<[u8]>>,
}

impl<'b> Target<'b> {
    /// Reads a target.
    ///
    /// # Errors
    /// A target that is not in origin form, holds a byte that no target may hold, or whose path
    /// somebody else could read otherwise after one decoding.
    pub fn parse(raw: &'b [u8]) -> Result<Self, HeadError> {
        if raw.first() != Some(&b'/') {
            return Err(HeadError::TargetForm);
        }
        if any_pair(raw, |_, byte| is_foreign(byte)) {
            return Err(HeadError::TargetByte);
        }
        let (raw_path, query) = match memchr(b'?', raw).and_then(|end| raw.split_at_checked(end)) {
            None => (raw, None),
            Some((path, rest)) => (path, rest.get(1..)),
        };
        if is_plain(raw_path) {
            return Ok(Self { raw, path: Cow::Borrowed(raw_path), raw_path, query, moved: None });
        }
        let path = percent_decode(raw_path)?;
        if path.iter().any(|&byte| byte < b' ' || byte == 0x7f || byte == b'\\') {
            return Err(HeadError::UncleanPath);
        }
        let moved = cleaned(&path).map(|clean| location(&clean, query));
        if moved.is_none() && !may_end_so(&path) {
            return Err(HeadError::UncleanPath);
        }
        Ok(Self { raw, path, raw_path, query, moved })
    }

    /// Whether a `/` of the decoded path was written `%2F`, so that a reader who splits before
    /// decoding sees other segments.
    #[must_use]
    pub fn has_encoded_slash(&self) -> bool {
        matches!(self.path, Cow::Owned(_))
            && count_slashes(&self.path) != count_slashes(self.raw_path)
    }
}

/// Whether a byte may stand nowhere in a target.
#[expect(clippy::needless_bitwise_bool, reason = "lazy operators would be branches")]
fn is_foreign(byte: u8) -> bool {
    (byte <= b' ') | (byte == 0x7f) | (byte == b'#')
}

/// Whether a path has nothing to decode and is clean at first sight, as nearly all are.
fn is_plain(path: &[u8]) -> bool {
    path.last() != Some(&b'/') && !any_pair(path, is_not_plain)
}

/// Escapes and backslashes, which never begin a target, and a segment that is empty, `.` or `..`:
/// its slash comes before another one or a dot.
#[expect(clippy::needless_bitwise_bool, reason = "lazy operators would be branches")]
fn is_not_plain(byte: u8, next: u8) -> bool {
    (next == b'%') | (next == b'\\') | ((byte == b'/') & ((next == b'/') | (next == b'.')))
}

/// Decodes `%XX` once. Go's `net/url` does the same for a path: `+` stays, a bad escape is an
/// error.
///
/// # Errors
/// [`HeadError::TargetEscape`] for a `%` that two hexadecimal digits do not follow.
pub fn percent_decode(raw: &[u8]) -> Result<Cow<'_, [u8]>, HeadError> {
    if !raw.contains(&b'%') {
        return Ok(Cow::Borrowed(raw));
    }
    let mut decoded = Vec::with_capacity(raw.len());
    let mut bytes = raw.iter();
    while let Some(&byte) = bytes.next() {
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let mut digit = || bytes.next().and_then(|&digit| hex_digit(digit));
        let (Some(high), Some(low)) = (digit(), digit()) else {
            return Err(HeadError::TargetEscape);
        };
        decoded.push(high << 4 | low);
    }
    Ok(Cow::Owned(decoded))
}

/// The path as the daemon's router would have it (gorilla/mux `cleanPath`: Go's `path.Clean`, and a
/// slash at the end stays); `None` where it is so already.
fn cleaned(path: &[u8]) -> Option<Vec<u8>> {
    let mut segments = path.split(|&byte| byte == b'/').skip(1).peekable();
    let mut clean: Vec<&[u8]> = Vec::new();
    let mut is_clean = true;
    while let Some(segment) = segments.next() {
        match segment {
            b"" if segments.peek().is_none() => {
                // Nothing is left of a path that leads back to "/".
                if !clean.is_empty() {
                    clean.push(b"");
                }
            }
            b"" | b"." => is_clean = false,
            b".." => {
                is_clean = false;
                clean.pop();
            }
            name => clean.push(name),
        }
    }
    (!is_clean).then(|| [b"/".to_vec(), clean.join(&b'/')].concat())
}

/// Whether the end of a clean path means the same to everybody: with a slash there, only to the
/// daemon's one route that has it, with or without a version.
fn may_end_so(path: &[u8]) -> bool {
    !path.ends_with(b"/")
        || path == b"/"
        || path
            .strip_suffix(b"/networks/")
            .is_some_and(|prefix| prefix.is_empty() || is_version_prefix(prefix))
}

/// A redirect's Location as the daemon writes it: Go's `net/url` escapes the clean path, and leaves
/// the query as it came.
fn location(path: &[u8], query: Option<&[u8]>) -> Box<[u8]> {
    let mut text = String::with_capacity(path.len());
    for &byte in path {
        if byte.is_ascii_alphanumeric() || b"-_.~$&+,/:;=@".contains(&byte) {
            text.push(char::from(byte));
        } else {
            // A String takes whatever is written to it.
            let _ = write!(text, "%{byte:02X}");
        }
    }
    let mark = if query.is_some() { &b"?"[..] } else { b"" };
    [text.as_bytes(), mark, query.unwrap_or_default()].concat().into()
}

fn is_version_prefix(prefix: &[u8]) -> bool {
    prefix
        .strip_prefix(b"/v")
        .is_some_and(|version| version.iter().all(|&byte| byte == b'.' || byte.is_ascii_digit()))
}

fn count_slashes(path: &[u8]) -> usize {
    path.split(|&byte| byte == b'/').count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn path(raw: &str) -> Result<String, HeadError> {
        Target::parse(raw.as_bytes())
            .map(|target| String::from_utf8_lossy(&target.path).into_owned())
    }

    #[test]
    fn the_path_is_decoded_exactly_once() {
        for (raw, decoded) in [
            ("/containers/json", "/containers/json"),
            ("/%63ontainers/json", "/containers/json"),
            ("/containers%2Fjson", "/containers/json"),
            ("/containers%2fjson?all=%31", "/containers/json"),
            ("/%2563ontainers", "/%63ontainers"),
            ("/images/a+b/json", "/images/a+b/json"),
            ("/images/a%20b/json", "/images/a b/json"),
            ("/", "/"),
            ("/networks/", "/networks/"),
            ("/v1.41/networks/", "/v1.41/networks/"),
        ] {
            assert_eq!(path(raw).as_deref(), Ok(decoded), "{raw:?}");
        }
    }

    #[test]
    fn an_unclean_path_leads_where_the_daemon_says() {
        for (raw, expected) in [
            ("//containers/json", "/containers/json"),
            ("//v1.41/containers//web/json?a=//b%2F;", "/v1.41/containers/web/json?a=//b%2F;"),
            ("/containers//web/json?", "/containers/web/json?"),
            ("/x//y??", "/x/y??"),
            ("/containers/./json", "/containers/json"),
            ("/containers/../x", "/x"),
            ("/%2e%2e/x", "/x"),
            ("/x/%2e", "/x"),
            ("/x/..", "/"),
            ("/x/../", "/"),
            ("//", "/"),
            ("/../..//", "/"),
            ("/containers%2f%2fjson", "/containers/json"),
            ("/x//", "/x/"),
            ("/v1.41//networks/", "/v1.41/networks/"),
            ("//a%20b/%C3%A9%3f(:)", "/a%20b/%C3%A9%3F%28:%29"),
            ("//evil.example/x", "/evil.example/x"),
        ] {
            let target = Target::parse(raw.as_bytes()).expect(raw);
            let moved = target.moved.as_deref().map(String::from_utf8_lossy);
            assert_eq!(moved.as_deref(), Some(expected), "{raw}");
        }
    }

    #[test]
    fn what_somebody_could_read_otherwise_is_refused() {
        for raw in [
            "/x/",
            "//x\\y",
            "/./x%00",
            "/volumes/",
            "/x/networks/",
            "/x\\y",
            "/x%5cy",
            "/x%00",
            "/x%0a",
            "/x%7f",
            "/v1.41/x/networks/",
        ] {
            assert_eq!(path(raw), Err(HeadError::UncleanPath), "{raw:?}");
        }
        for raw in ["/%", "/%2", "/%2g", "/%+1"] {
            assert_eq!(path(raw), Err(HeadError::TargetEscape), "{raw:?}");
        }
        for raw in ["/x#y", "/x?a=#", "/x y", "/x\u{1}", "/x\u{7f}"] {
            assert_eq!(path(raw), Err(HeadError::TargetByte), "{raw:?}");
        }
        for raw in ["", "x", "*", "?x", "%2fcontainers", "http://x/version"] {
            assert_eq!(path(raw), Err(HeadError::TargetForm), "{raw:?}");
        }
    }

    #[test]
    fn the_query_begins_at_the_first_question_mark() {
        let query = |raw: &'static str| Target::parse(raw.as_bytes()).expect("clean").query;
        assert_eq!(query("/x"), None);
        assert_eq!(query("/x?"), Some(&b""[..]));
        assert_eq!(query("/x??a=/../b?"), Some(&b"?a=/../b?"[..]));
        assert_eq!(query("/x%3fa"), None);
    }

    #[test]
    fn an_encoded_slash_is_seen() {
        let encoded =
            |raw: &'static str| Target::parse(raw.as_bytes()).expect("clean").has_encoded_slash();
        assert!(encoded("/images/a%2Fb/json"));
        assert!(!encoded("/images/a/b/json"));
        assert!(!encoded("/%69mages/a/b/json"));
        assert!(!encoded("/images/a%252Fb/json"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 8 } else { 2000 }))]
        #[test]
        fn what_is_plain_at_first_sight_is_what_all_steps_find(
            raw in "/([a-z]{0,20}|[a-z]{1,20}/|[%.#?\\\\\u{1}\u{7f} /]|%2[eEfF]|é){0,8}",
        ) {
            let raw = raw.as_bytes();
            let path = raw.split(|&byte| byte == b'?').next().unwrap_or_default();
            let expected = if raw.iter().any(|&byte| byte <= b' ' || byte == 0x7f || byte == b'#') {
                Err(HeadError::TargetByte)
            } else {
                percent_decode(path).and_then(|path| {
                    let is_odd = path.iter().any(|byte| matches!(byte, ..b' ' | 0x7f | b'\\'));
                    let moves = cleaned(&path).is_some();
                    let is_fine = !is_odd && (moves || may_end_so(&path));
                    if is_fine { Ok(path) } else { Err(HeadError::UncleanPath) }
                })
            };
            let found = Target::parse(raw);
            prop_assert_eq!(found.as_ref().map(|target| &target.path), expected.as_ref());
            if let Ok(target) = found {
                prop_assert_eq!(target.raw_path, path);
                // It leads to what is clean.
                prop_assert_eq!(target.moved.is_some(), cleaned(&target.path).is_some());
                let clean = cleaned(&target.path).unwrap_or_else(|| target.path.to_vec());
                prop_assert_eq!(cleaned(&clean), None);
                prop_assert!(clean.starts_with(b"/") && !clean.starts_with(b"//"));
                let query = raw.get(path.len()..).and_then(|query| query.strip_prefix(b"?"));
                prop_assert_eq!(target.query, query);
            }
        }
    }
}
