//! Heads as httparse tokenizes them, and every rule that a head's form has to keep (RFC 9112,
//! sections 2 to 5). httparse keeps some of the rules; what it forgives is refused here: blank lines
//! before the start line, lines that end with LF alone, bytes after the head. What it does with each
//! form is written down in `strict/tests.rs`, so that a change in it is noticed.

use super::error::HeadError;
use super::pairs::any_pair;
use super::{HeadScan, Version};
use core::mem::MaybeUninit;
use httparse::Status::Complete;
use httparse::{Header, ParserConfig, Request, Response};

/// Field lines that a head may have. Docker clients send fewer than 20; the daemon has no limit.
pub(super) const FIELD_LINES_MAX: usize = 128;

/// Room for the field lines of one head.
pub(super) type Room<'b> = [MaybeUninit<Header<'b>>; FIELD_LINES_MAX];

/// Gives each rule its error and the section that it is from, and lists them: none can be left out.
macro_rules! rules {
    ($($(#[$doc:meta])* $rule:ident: $error:ident, $section:literal;)*) => {
        /// The rules of a head's form. What its parts mean is judged elsewhere.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum HeadRule {
            $($(#[$doc])* $rule),*
        }

        impl HeadRule {
            /// Every rule.
            pub const ALL: &'static [Self] = &[$(Self::$rule),*];

            /// The error that a head which breaks it is refused with.
            #[must_use]
            pub const fn error(self) -> HeadError {
                match self {
                    $(Self::$rule => HeadError::$error),*
                }
            }

            /// The section that it comes from.
            #[must_use]
            pub const fn section(self) -> &'static str {
                match self {
                    $(Self::$rule => $section),*
                }
            }
        }
    };
}

rules! {
    /// The first byte is a token's: nothing stands before the start line, no blank line either.
    FirstByte: NotHttp, "RFC 9112, section 2.2";
    /// Before each LF stands CR.
    LineFeed: BareLineFeed, "RFC 9112, section 2.2";
    /// After each CR stands LF.
    CarriageReturn: BareCarriageReturn, "RFC 9112, section 2.2";
    /// No line begins with a blank: neither `obs-fold` nor a blank before the first field.
    Fold: Folded, "RFC 9112, sections 2.2 and 5.2";
    /// A head has so many bytes at most (`MAX_HEAD_BYTES`).
    HeadBytes: TooLong, "RFC 9110, section 5.4";
    /// A head has 128 field lines at most.
    FieldLines: TooManyFields, "RFC 9110, section 5.4";
    /// `method SP request-target SP HTTP-version CRLF`: a token, UTF-8 without control bytes and
    /// blanks, and one SP each time.
    RequestLine: StartLine, "RFC 9112, section 3";
    /// `HTTP-version SP 3DIGIT [SP reason-phrase] CRLF`. Daemons that leave out the reason leave out
    /// the SP before it too.
    StatusLine: StartLine, "RFC 9112, section 4";
    /// The version is 1.0 or 1.1, written as `HTTP/1.0` or `HTTP/1.1`.
    SpokenVersion: Version, "RFC 9110, section 15.6.6";
    /// A field name is a token, and the colon follows at once.
    FieldName: FieldName, "RFC 9112, section 5.1";
    /// A field value has no control byte but the tab.
    FieldValue: FieldValue, "RFC 9110, section 5.5";
    /// The head ends with its blank line: that is there, and nothing behind it.
    End: StartLine, "RFC 9112, section 2.1";
}

/// The parts of a request's head. Values are without the blanks around them (`OWS`).
pub(super) struct RequestTokens<'h, 'b> {
    pub method: &'b str,
    pub target: &'b str,
    pub version: Version,
    pub fields: &'h [Header<'b>],
}

/// The parts of an answer's head, and its length in bytes.
pub(super) struct ResponseTokens<'h, 'b> {
    pub status: u16,
    pub version: Version,
    pub fields: &'h [Header<'b>],
    pub length: usize,
}

/// Tokenizes a request's head, which is all of `head`.
///
/// # Errors
/// That of the rule that it breaks ([`HeadRule::error`]).
pub(super) fn request<'h, 'b>(
    head: &'b [u8],
    room: &'h mut Room<'b>,
) -> Result<RequestTokens<'h, 'b>, HeadError> {
    let mut parsed = Request::new(&mut []);
    let complete = parsed.parse_with_uninit_headers(head, room);
    let complete = complete.map_err(|error| request_rule(error, head).error())?;
    let (Complete(length), Some(method), Some(target), Some(minor)) =
        (complete, parsed.method, parsed.path, parsed.version)
    else {
        return Err(HeadRule::End.error());
    };
    let read = head.get(..length).unwrap_or(head);
    if !is_one_head(read) || !is_request_line(read, method, target) {
        return Err(told_apart(read, HeadRule::RequestLine));
    }
    if length != head.len() {
        return Err(HeadRule::End.error());
    }
    Ok(RequestTokens { method, target, version: version_of(minor), fields: parsed.headers })
}

/// Tokenizes the head of an answer that `bytes` begin with.
///
/// # Errors
/// That of the rule that it breaks ([`HeadRule::error`]); [`HeadRule::End`]'s where it is not whole.
pub(super) fn response<'h, 'b>(
    bytes: &'b [u8],
    room: &'h mut Room<'b>,
) -> Result<ResponseTokens<'h, 'b>, HeadError> {
    let mut parsed = Response::new(&mut []);
    let complete =
        ParserConfig::default().parse_response_with_uninit_headers(&mut parsed, bytes, room);
    let complete = complete.map_err(|error| rule_of(error, HeadRule::StatusLine).error())?;
    let (Complete(length), Some(status), Some(minor)) = (complete, parsed.code, parsed.version)
    else {
        return Err(HeadRule::End.error());
    };
    let read = bytes.get(..length).unwrap_or(bytes);
    if !is_one_head(read) || !is_status_line(read) {
        return Err(told_apart(read, HeadRule::StatusLine));
    }
    Ok(ResponseTokens { status, version: version_of(minor), fields: parsed.headers, length })
}

/// [`HeadRule::FirstByte`]. `true` also where there is none yet.
pub(super) fn begins_with_token(bytes: &[u8]) -> bool {
    // RFC 9110, section 5.6.2: `tchar`.
    bytes.first().is_none_or(|byte| {
        matches!(byte,
            b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~'
            | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z')
    })
}

/// Whether the bytes end with the head's blank line, have none before it, and keep
/// [`HeadRule::LineFeed`], [`HeadRule::CarriageReturn`] and [`HeadRule::Fold`]. No line begins with a control byte
/// either, which is not one of a field's name.
pub(super) fn is_one_head(bytes: &[u8]) -> bool {
    bytes
        .strip_suffix(b"\r\n")
        .is_some_and(|lines| lines.ends_with(b"\r\n") && !any_pair(lines, is_stray))
}

/// CR without LF, LF without CR, or a line that begins with a blank or a control byte.
#[expect(clippy::needless_bitwise_bool, reason = "lazy operators would be branches")]
fn is_stray(byte: u8, next: u8) -> bool {
    ((byte == b'\r') != (next == b'\n')) | ((byte == b'\n') & (next <= b' '))
}

/// [`HeadRule::FirstByte`], [`HeadRule::RequestLine`] and [`HeadRule::SpokenVersion`], by the length of the tokens:
/// the line begins with them and has no byte beside them but a SP between two.
fn is_request_line(head: &[u8], method: &str, target: &str) -> bool {
    let tokens = method.len().saturating_add(" ".len()).saturating_add(target.len());
    let version = head.get(tokens..).and_then(|rest| rest.strip_prefix(b" HTTP/1."));
    matches!(version, Some([b'0' | b'1', b'\r', b'\n', ..]))
}

/// [`HeadRule::FirstByte`], [`HeadRule::StatusLine`] and [`HeadRule::SpokenVersion`], but for the reason's bytes.
fn is_status_line(head: &[u8]) -> bool {
    let Some([b'0' | b'1', b' ', status @ ..]) = head.strip_prefix(b"HTTP/1.") else {
        return false;
    };
    matches!(status, [b'0'..=b'9', b'0'..=b'9', b'0'..=b'9', b' ' | b'\r', ..])
}

/// The error of a head that httparse forgives: [`HeadScan`] tells the rules of lines apart.
#[cold]
fn told_apart(head: &[u8], start_line: HeadRule) -> HeadError {
    let found = HeadScan::default().find(head, head.len());
    found.err().unwrap_or(start_line.error())
}

/// Of a start line that is judged, the version by its last digit.
fn version_of(minor: u8) -> Version {
    if minor == 0 { Version::Http10 } else { Version::Http11 }
}

/// httparse has one error for a malformed version and for one that is not spoken. The answer is 400
/// to the one and 505 to the other.
fn request_rule(error: httparse::Error, head: &[u8]) -> HeadRule {
    let line = head.split(|&byte| byte == b'\r').next().unwrap_or_default();
    let mut words = line.split(|&byte| byte == b' ').skip(2);
    let (version, more) = (words.next().unwrap_or_default(), words.next());
    let is_version = version.starts_with(b"HTTP/") && more.is_none();
    let rule = rule_of(error, HeadRule::RequestLine);
    if rule == HeadRule::SpokenVersion && !is_version { HeadRule::RequestLine } else { rule }
}

/// The rule that httparse has found broken.
fn rule_of(error: httparse::Error, start_line: HeadRule) -> HeadRule {
    match error {
        httparse::Error::HeaderName => HeadRule::FieldName,
        httparse::Error::HeaderValue => HeadRule::FieldValue,
        httparse::Error::TooManyHeaders => HeadRule::FieldLines,
        httparse::Error::Version => HeadRule::SpokenVersion,
        httparse::Error::NewLine | httparse::Error::Status | httparse::Error::Token => start_line,
    }
}

#[cfg(test)]
mod tests;
