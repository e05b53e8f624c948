//! The lines of a head, cut into their parts: start lines and field lines (RFC 9112, sections 3,
//! 4 and 5). Every byte is looked at, also in fields that decide nothing, since what is passed on
//! must be well-formed; what the parts mean is judged elsewhere.

use super::Version;
use super::error::HeadError;
use super::{token, word};

/// Header lines a head may have. Docker clients send fewer than 20; the daemon has no limit.
pub(super) const FIELD_LINES_MAX: usize = 128;

/// A request line: method, target, version, and what follows it.
pub(super) type Request<'b> = (&'b [u8], &'b [u8], Version, &'b [u8]);

/// A field line: name, value with the blanks around it, and what follows it.
pub(super) type Field<'b> = (&'b [u8], &'b [u8], &'b [u8]);

/// `METHOD SP TARGET SP VERSION CRLF` (RFC 9112, section 3). The target is UTF-8 without control
/// bytes and blanks.
pub(super) fn request(head: &[u8]) -> Result<Request<'_>, HeadError> {
    let (method, rest) = token::split(head);
    let rest = rest.strip_prefix(b" ").ok_or(HeadError::StartLine)?;
    let target_bytes = word::position(rest, word::control_or_blank).unwrap_or_default();
    let (target, rest) = rest.split_at_checked(target_bytes).unwrap_or_default();
    let rest = rest.strip_prefix(b" ").ok_or(HeadError::StartLine)?;
    let is_text = target.is_ascii() || core::str::from_utf8(target).is_ok();
    if method.is_empty() || target.is_empty() || !is_text {
        return Err(HeadError::StartLine);
    }
    let (version, rest) = version(rest)?;
    let fields = rest.strip_prefix(b"\r\n").ok_or(HeadError::StartLine)?;
    Ok((method, target, version, fields))
}

/// `VERSION SP 3DIGIT [SP REASON] CRLF` (RFC 9112, section 4), and what follows it. Daemons that
/// leave out the reason leave out the blank before it too.
pub(super) fn status(head: &[u8]) -> Result<(u16, Version, &[u8]), HeadError> {
    let (version, rest) = version(head)?;
    let rest = rest.strip_prefix(b" ").ok_or(HeadError::Version)?;
    let (digits, rest) = rest.split_first_chunk::<3>().ok_or(HeadError::StartLine)?;
    let status = digits.iter().try_fold(0u16, |status, &byte| {
        let digit = byte.is_ascii_digit().then(|| byte.wrapping_sub(b'0'))?;
        status.checked_mul(10)?.checked_add(u16::from(digit))
    });
    let status = status.ok_or(HeadError::StartLine)?;
    let fields = match rest {
        [b'\r', b'\n', fields @ ..] => fields,
        [b' ', reason @ ..] => text(reason).ok_or(HeadError::StartLine)?.1,
        _ => return Err(HeadError::StartLine),
    };
    Ok((status, version, fields))
}

/// `HTTP/1.0` or `HTTP/1.1`, and what follows it.
fn version(bytes: &[u8]) -> Result<(Version, &[u8]), HeadError> {
    match bytes.split_first_chunk() {
        Some((b"HTTP/1.1", rest)) => Ok((Version::Http11, rest)),
        Some((b"HTTP/1.0", rest)) => Ok((Version::Http10, rest)),
        Some(_) | None => Err(HeadError::Version),
    }
}

/// `NAME ":" OWS VALUE OWS CRLF` (RFC 9112, section 5); `None` at the blank line, which is the
/// head's last.
#[inline]
pub(super) fn field(lines: &[u8]) -> Result<Option<Field<'_>>, HeadError> {
    if let [b'\r', b'\n', ..] = lines {
        return Ok(None);
    }
    let (name, rest) = token::split(lines);
    match rest {
        [b':', rest @ ..] if !name.is_empty() => {
            let (value, rest) = text(rest).ok_or(HeadError::FieldValue)?;
            Ok(Some((name, value, rest)))
        }
        [] | [b'\r', ..] if name.is_empty() => Err(HeadError::StartLine),
        _ => Err(HeadError::FieldName),
    }
}

/// A line's text up to its end, with blanks and tabs but no other control byte (RFC 9110, section
/// 5.5: `field-content`), and what follows the line.
#[inline(always)]
#[expect(clippy::inline_always, reason = "once for each line, and used in one other place")]
fn text(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut end = word::position(bytes, word::control)?;
    loop {
        let (text, rest) = bytes.split_at_checked(end)?;
        match rest {
            [b'\r', b'\n', rest @ ..] => return Some((text, rest)),
            [b'\t', rest @ ..] => {
                end = word::position(rest, word::control)?.checked_add(end)?.checked_add(1)?;
            }
            _ => return None,
        }
    }
}

/// Without `OWS` (RFC 9110, section 5.6.3) at its ends.
pub(super) fn trim(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = value {
        value = rest;
    }
    while let [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::HeadScan;
    use proptest::prelude::*;

    type Fields = Vec<(Vec<u8>, Vec<u8>)>;

    fn fields(mut lines: &[u8]) -> Result<Fields, HeadError> {
        let mut fields = Vec::new();
        while let Some((name, value, rest)) = field(lines)? {
            fields.push((name.to_vec(), trim(value).to_vec()));
            lines = rest;
        }
        assert_eq!(lines, b"\r\n", "a head ends with a blank line");
        Ok(fields)
    }

    fn fields_of(headers: &[httparse::Header<'_>]) -> Fields {
        let pair = |header: &httparse::Header<'_>| {
            (header.name.as_bytes().to_vec(), header.value.to_vec())
        };
        headers.iter().map(pair).collect()
    }

    fn error_of(error: httparse::Error) -> HeadError {
        match error {
            httparse::Error::HeaderName => HeadError::FieldName,
            httparse::Error::HeaderValue => HeadError::FieldValue,
            httparse::Error::TooManyHeaders => HeadError::TooManyFields,
            httparse::Error::Version => HeadError::Version,
            httparse::Error::NewLine | httparse::Error::Status | httparse::Error::Token => {
                HeadError::StartLine
            }
        }
    }

    fn version_of(minor: Option<u8>) -> Version {
        if minor == Some(0) { Version::Http10 } else { Version::Http11 }
    }

    /// As the widely used reader sees a head whose line ends have been judged.
    fn request_by_httparse(head: &[u8]) -> Result<(Vec<u8>, Vec<u8>, Version, Fields), HeadError> {
        let mut lines = [httparse::EMPTY_HEADER; FIELD_LINES_MAX];
        let mut parsed = httparse::Request::new(&mut lines);
        let status = parsed.parse(head).map_err(error_of)?;
        assert_eq!(status, httparse::Status::Complete(head.len()));
        let part = |part: Option<&str>| part.unwrap_or_default().as_bytes().to_vec();
        let fields = fields_of(parsed.headers);
        Ok((part(parsed.method), part(parsed.path), version_of(parsed.version), fields))
    }

    fn response_by_httparse(head: &[u8]) -> Result<(u16, Version, Fields), HeadError> {
        let mut lines = [httparse::EMPTY_HEADER; FIELD_LINES_MAX];
        let mut parsed = httparse::Response::new(&mut lines);
        let status = parsed.parse(head).map_err(error_of)?;
        assert_eq!(status, httparse::Status::Complete(head.len()));
        let fields = fields_of(parsed.headers);
        Ok((parsed.code.unwrap_or_default(), version_of(parsed.version), fields))
    }

    fn holds_for(head: &[u8]) {
        if HeadScan::default().find(head, head.len()) != Ok(Some(head.len())) {
            return;
        }
        let ours = request(head).and_then(|(method, target, version, lines)| {
            Ok((method.to_vec(), target.to_vec(), version, fields(lines)?))
        });
        assert_eq!(ours, request_by_httparse(head), "{:?}", String::from_utf8_lossy(head));
        let ours =
            status(head).and_then(|(status, version, lines)| Ok((status, version, fields(lines)?)));
        assert_eq!(ours, response_by_httparse(head), "{:?}", String::from_utf8_lossy(head));
    }

    const HEADS: [&str; 4] = [
        "GET /v1.47/containers/json?all=1 HTTP/1.1\r\nHost: api.moby.localhost\r\nX_Y2: \ta\tb \r\n\r\n",
        "M-SEARCH /\u{e9} HTTP/1.0\r\nA:\r\nB: \t \r\nContent-Length:3\r\n\r\n",
        "HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nDocker-Experimental: false\r\n\r\n",
        "HTTP/1.0 404\r\nX-Content-Type-Options: \u{e9}\r\n\r\n",
    ];

    #[test]
    #[cfg_attr(miri, ignore = "200,000 heads")]
    fn one_byte_of_any_kind_anywhere_is_read_as_by_httparse() {
        for head in HEADS.map(str::as_bytes) {
            for place in 0..head.len() {
                let mut changed = head.to_vec();
                for byte in 0..=255 {
                    changed[place] = byte;
                    holds_for(&changed);
                }
                changed.remove(place);
                holds_for(&changed);
                holds_for(&head[place..]);
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 8 } else { 4000 }))]
        #[test]
        #[cfg_attr(miri, ignore = "the expressions that make its heads take a minute to read")]
        fn heads_are_read_as_by_httparse(
            start in "([!-~]{1,12}|GET|HTTP/1.[0-2]|[1-9]{1,4}|/[!-~é]{0,20})( ([!-~é]{0,12}|HTTP/1.[012]|[0-9]{3}|OK)){0,3}",
            lines in proptest::collection::vec(
                "([!-~]{0,12}|[A-Za-z-]{0,24})[:\t (]{0,2}[ -~\té\u{1}\u{7f}]{0,40}", 0..4,
            ),
        ) {
            let lines: String = lines.iter().flat_map(|line| [line, "\r\n"]).collect();
            holds_for(format!("{start}\r\n{lines}\r\n").as_bytes());
        }

        #[test]
        fn changed_heads_are_read_as_by_httparse(
            head in proptest::sample::select(&HEADS[..]),
            changes in proptest::collection::vec((0usize..100, any::<u8>()), 0..5),
        ) {
            let mut head = head.as_bytes().to_vec();
            for (place, byte) in changes {
                if let Some(old) = head.get_mut(place) {
                    *old = byte;
                }
            }
            holds_for(&head);
        }
    }

    #[test]
    fn a_head_that_is_cut_is_refused() {
        for head in HEADS.map(str::as_bytes) {
            for cut in 0..head.len() {
                let cut = &head[..cut];
                assert!(request(cut).and_then(|(.., lines)| fields(lines)).is_err());
                assert!(status(cut).and_then(|(.., lines)| fields(lines)).is_err());
            }
        }
    }
}
