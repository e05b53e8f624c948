//! Each rule with heads that break it, what httparse makes of them, and that they are refused. Where
//! an upgrade of httparse changes what it makes of one, a test here fails, whether or not the change
//! lets anything pass.

use super::*;
use crate::http::{Asked, Hijack, RequestHead, ResponseHead};
use httparse::Error::{HeaderName, HeaderValue, NewLine, Status, Token, TooManyHeaders, Version};
use std::collections::BTreeSet;

const HEAD_BYTES_MAX: usize = 1000;

/// What httparse makes of a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Made {
    /// It takes it, all of it.
    Forgives,
    /// It takes what is before the last so many bytes.
    Leaves(usize),
    /// It waits for more.
    Waits,
    /// It refuses it so.
    Refuses(httparse::Error),
}
use Made::{Forgives, Leaves, Refuses, Waits};

impl Made {
    fn of(result: httparse::Result<usize>, bytes: usize) -> Self {
        match result {
            Ok(Complete(length)) if length == bytes => Forgives,
            Ok(Complete(length)) => Leaves(bytes.saturating_sub(length)),
            Ok(httparse::Status::Partial) => Waits,
            Err(error) => Refuses(error),
        }
    }
}

/// A rule, bytes that break it, and what httparse makes of them.
type Form = (HeadRule, Vec<u8>, Made);

fn form(rule: HeadRule, head: impl AsRef<[u8]>, made: Made) -> Form {
    (rule, head.as_ref().to_vec(), made)
}

/// Heads of a start line each, which is given without its end.
fn start_lines(lines: &[(HeadRule, &[u8], Made)]) -> Vec<Form> {
    let head = |line: &[u8]| [line, b"\r\n\r\n"].concat();
    lines.iter().map(|&(rule, line, made)| form(rule, head(line), made)).collect()
}

/// Request lines.
fn request_lines() -> Vec<Form> {
    use HeadRule::{RequestLine, SpokenVersion};
    start_lines(&[
        (RequestLine, b"GET  / HTTP/1.1", Refuses(Token)),
        (RequestLine, b"GET /  HTTP/1.1", Refuses(Version)),
        (RequestLine, b"GET / HTTP/1.1 ", Refuses(NewLine)),
        (RequestLine, b"GET\t/ HTTP/1.1", Refuses(Token)),
        (RequestLine, b"GET /\tHTTP/1.1", Refuses(Token)),
        (RequestLine, b"GET / x HTTP/1.1", Refuses(Version)),
        (RequestLine, b"GET / HTTP/1.1x", Refuses(NewLine)),
        (RequestLine, b"GET / http/1.1", Refuses(Version)),
        (RequestLine, b"GET / HTTP", Refuses(Version)),
        (RequestLine, b"GET / H", Refuses(Version)),
        (RequestLine, b"GET / ", Refuses(Version)),
        (RequestLine, b"GET /", Refuses(Token)),
        (RequestLine, b"GET", Refuses(Token)),
        (RequestLine, b"G:T / HTTP/1.1", Refuses(Token)),
        (RequestLine, b"G\x7fT / HTTP/1.1", Refuses(Token)),
        (RequestLine, b"G\xc3\xa9T / HTTP/1.1", Refuses(Token)),
        (RequestLine, b"GET /\0 HTTP/1.1", Refuses(Token)),
        (RequestLine, b"GET /\x7f HTTP/1.1", Refuses(Token)),
        (RequestLine, b"GET /\xff HTTP/1.1", Refuses(Token)),
        (RequestLine, b"HTTP/1.1 200 OK", Refuses(Token)),
        (SpokenVersion, b"GET / HTTP/1.2", Refuses(Version)),
        (SpokenVersion, b"GET / HTTP/0.9", Refuses(Version)),
        (SpokenVersion, b"GET / HTTP/2.0", Refuses(Version)),
        (SpokenVersion, b"GET / HTTP/1.", Refuses(Version)),
        (SpokenVersion, b"GET / HTTP/", Refuses(Version)),
        (SpokenVersion, b"PRI * HTTP/2.0", Refuses(Version)),
    ])
}

/// Status lines.
fn status_lines() -> Vec<Form> {
    use HeadRule::{SpokenVersion, StatusLine};
    start_lines(&[
        (StatusLine, b"HTTP/1.1 20 OK", Refuses(Status)),
        (StatusLine, b"HTTP/1.1 2000 OK", Refuses(Status)),
        (StatusLine, b"HTTP/1.1  200 OK", Refuses(Status)),
        (StatusLine, b"HTTP/1.1 200\tOK", Refuses(Status)),
        (StatusLine, b"HTTP/1.1 +20 OK", Refuses(Status)),
        (StatusLine, b"HTTP/1.1 200 O\0K", Refuses(Status)),
        (StatusLine, b"HTTP/1.1 200 O\x7fK", Refuses(Status)),
        (SpokenVersion, b"HTTP/1.1", Refuses(Version)),
        (SpokenVersion, b"HTTP/1.1\t200 OK", Refuses(Version)),
        (SpokenVersion, b"HTTP/1.2 200 OK", Refuses(Version)),
        (SpokenVersion, b"HTTP/2 200 OK", Refuses(Version)),
        (SpokenVersion, b"GET / HTTP/1.1", Refuses(Version)),
    ])
}

/// What a request and an answer share, after their start line, which ends with CR LF.
fn field_lines() -> Vec<Form> {
    use HeadRule::{
        CarriageReturn, End, FieldLines, FieldName, FieldValue, Fold, HeadBytes, LineFeed,
    };
    let long = format!("A: {}\r\n\r\n", "b".repeat(HEAD_BYTES_MAX));
    let many = "A: b\r\n".repeat(FIELD_LINES_MAX + 1) + "\r\n";
    vec![
        form(LineFeed, "A: b\n\r\n", Forgives),
        form(LineFeed, "A:\n\r\n", Forgives),
        form(LineFeed, "A: b\r\n\n", Forgives),
        form(LineFeed, "A: b\r\n\nC: d\r\n\r\n", Leaves(8)),
        form(LineFeed, "\n", Forgives),
        form(LineFeed, "A\n: b\r\n\r\n", Refuses(HeaderName)),
        form(CarriageReturn, "A: b\rC: d\r\n\r\n", Refuses(HeaderValue)),
        form(CarriageReturn, "A: b\r\r\n\r\n", Refuses(HeaderValue)),
        form(CarriageReturn, "A:\r\r\n\r\n", Refuses(HeaderValue)),
        form(CarriageReturn, "A\r: b\r\n\r\n", Refuses(HeaderName)),
        form(CarriageReturn, "\rA: b\r\n\r\n", Refuses(NewLine)),
        form(Fold, "A: b\r\n c\r\n\r\n", Refuses(HeaderName)),
        form(Fold, "A: b\r\n\tc\r\n\r\n", Refuses(HeaderName)),
        form(Fold, "A: b\r\n \r\n\r\n", Refuses(HeaderName)),
        form(Fold, "A:\r\n b\r\n\r\n", Refuses(HeaderName)),
        form(Fold, " A: b\r\n\r\n", Refuses(HeaderName)),
        form(HeadBytes, long, Forgives),
        form(FieldLines, many, Refuses(TooManyHeaders)),
        form(FieldName, ": b\r\n\r\n", Refuses(HeaderName)),
        form(FieldName, "A : b\r\n\r\n", Refuses(HeaderName)),
        form(FieldName, "A\t: b\r\n\r\n", Refuses(HeaderName)),
        form(FieldName, "A b: c\r\n\r\n", Refuses(HeaderName)),
        form(FieldName, "A\r\n\r\n", Refuses(HeaderName)),
        form(FieldName, "A(: b\r\n\r\n", Refuses(HeaderName)),
        form(FieldName, "A\0: b\r\n\r\n", Refuses(HeaderName)),
        form(FieldName, b"\xc3\xa9: b\r\n\r\n", Refuses(HeaderName)),
        form(FieldValue, "A: \0\r\n\r\n", Refuses(HeaderValue)),
        form(FieldValue, "A: b\u{1}\r\n\r\n", Refuses(HeaderValue)),
        form(FieldValue, "A: \u{b}b\r\n\r\n", Refuses(HeaderValue)),
        form(FieldValue, "A: b\u{7f}c\r\n\r\n", Refuses(HeaderValue)),
        form(End, "A: b\r\n", Waits),
        form(End, "A: b\r\n\r", Waits),
        form(End, "A: b", Waits),
    ]
}

/// What stands before a start line that is as it should be, or at its end.
fn around(start_line: &str) -> Vec<Form> {
    use HeadRule::{CarriageReturn, FirstByte, LineFeed};
    let around = |before: &str, end: &str| format!("{before}{start_line}{end}A: b\r\n\r\n");
    vec![
        form(FirstByte, around("\r\n", "\r\n"), Forgives),
        form(FirstByte, around("\n", "\r\n"), Forgives),
        form(FirstByte, around("\r\n\n\r\n", "\r\n"), Forgives),
        form(LineFeed, around("", "\n"), Forgives),
        form(LineFeed, around("A\n", "\n"), Refuses(Token)),
        form(CarriageReturn, around("", "\r"), Refuses(NewLine)),
    ]
}

/// Of the version that needs no Host.
const REQUEST_LINE: &str = "GET / HTTP/1.0";
const STATUS_LINE: &str = "HTTP/1.1 200 OK";

fn after(start_line: &str, lines: Vec<Form>) -> impl Iterator<Item = Form> {
    let start_line = format!("{start_line}\r\n");
    lines
        .into_iter()
        .map(move |(rule, rest, made)| (rule, [start_line.as_bytes(), &rest].concat(), made))
}

fn requests() -> Vec<Form> {
    let mut forms = request_lines();
    forms.extend(around(REQUEST_LINE));
    forms.push(form(HeadRule::FirstByte, " GET / HTTP/1.1\r\n\r\n", Refuses(Token)));
    forms.push(form(HeadRule::FirstByte, b"\x16\x03\x01\x02\0\x01\0", Refuses(Token)));
    forms.extend(after(REQUEST_LINE, field_lines()));
    forms
}

fn answers() -> Vec<Form> {
    let mut forms = status_lines();
    // httparse names what is wrong with a status line otherwise.
    forms.extend(around(STATUS_LINE).into_iter().map(|(rule, head, made)| match made {
        Refuses(Token) => (rule, head, Refuses(Version)),
        Refuses(_) => (rule, head, Refuses(Status)),
        Forgives | Leaves(_) | Waits => (rule, head, made),
    }));
    forms.extend(after(STATUS_LINE, field_lines()));
    forms
}

/// As a connection reads: first to the end of the head, then the head.
fn read<T>(
    bytes: &[u8],
    parse: impl Fn(&[u8]) -> Result<T, HeadError>,
) -> Result<Option<T>, HeadError> {
    let found = HeadScan::default().find(bytes, HEAD_BYTES_MAX)?;
    found.map(|length| parse(&bytes[..length])).transpose()
}

const ASKED: Asked = Asked { head: false, hijack: Hijack::Never };

fn shown(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}

#[test]
fn what_breaks_a_rule_is_refused_by_the_rules_name() {
    let check = |found: Result<(), HeadError>, (rule, bytes, _): &Form| match found {
        Err(error) => assert_eq!(error, rule.error(), "{}", shown(bytes)),
        // A head that is not whole is waited for.
        Ok(()) => assert_eq!(*rule, HeadRule::End, "{}", shown(bytes)),
    };
    for form in requests() {
        check(read(&form.1, |head| RequestHead::parse(head).map(drop)).map(drop), &form);
    }
    for form in answers() {
        check(read(&form.1, |head| ResponseHead::parse(head, ASKED)).map(drop), &form);
        assert_eq!(ResponseHead::at_once(&form.1, HEAD_BYTES_MAX, ASKED), None);
    }
}

#[test]
fn nothing_passes_where_the_end_was_not_looked_for_first() {
    for (rule, bytes, _) in requests() {
        let is_refused = RequestHead::parse(&bytes).is_err();
        assert_eq!(is_refused, rule != HeadRule::HeadBytes, "{}", shown(&bytes));
    }
    for (rule, bytes, _) in answers() {
        let is_refused = ResponseHead::parse(&bytes, ASKED).is_err();
        assert_eq!(is_refused, rule != HeadRule::HeadBytes, "{}", shown(&bytes));
    }
}

#[test]
fn httparse_forgives_and_refuses_what_is_written_here() {
    for (_, bytes, made) in requests() {
        let mut lines = [httparse::EMPTY_HEADER; FIELD_LINES_MAX];
        let result = Request::new(&mut lines).parse(&bytes);
        assert_eq!(Made::of(result, bytes.len()), made, "{}", shown(&bytes));
    }
    for (_, bytes, made) in answers() {
        let mut lines = [httparse::EMPTY_HEADER; FIELD_LINES_MAX];
        let result = Response::new(&mut lines).parse(&bytes);
        assert_eq!(Made::of(result, bytes.len()), made, "{}", shown(&bytes));
    }
}

#[test]
fn every_rule_has_a_section_and_a_head_that_breaks_it() {
    let broken: BTreeSet<HeadRule> =
        requests().into_iter().chain(answers()).map(|(rule, ..)| rule).collect();
    assert_eq!(broken, HeadRule::ALL.iter().copied().collect());
    for rule in HeadRule::ALL {
        assert!(rule.section().starts_with("RFC 91"), "{rule:?}");
    }
}

#[test]
fn a_request_head_with_more_behind_it_is_not_one_head() {
    let head = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    assert!(RequestHead::parse(head).is_ok());
    assert_eq!(RequestHead::parse(&[head, &b"x"[..]].concat()).err(), Some(HeadRule::End.error()));
}

/// What a more lenient tokenizer would make of these lines: its tokens do not account for each byte.
#[test]
fn a_start_line_has_no_byte_but_those_of_its_tokens() {
    assert!(is_request_line(b"GET / HTTP/1.1\r\n\r\n", "GET", "/"));
    for head in [
        "GET  / HTTP/1.1\r\n\r\n",
        "GET /  HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1 \r\n\r\n",
        " GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.10\r\n\r\n",
        "GET / HTTP/1.2\r\n\r\n",
        "GET / HTTP/2.0\r\n\r\n",
        "GET / HTTP/1.1\n\r\n",
    ] {
        assert!(!is_request_line(head.as_bytes(), "GET", "/"), "{head:?}");
    }
    assert!(is_status_line(b"HTTP/1.1 200 OK\r\n\r\n"));
    assert!(is_status_line(b"HTTP/1.0 404\r\n\r\n"));
    for head in [
        " HTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1  200 OK\r\n\r\n",
        "HTTP/1.1\t200 OK\r\n\r\n",
        "HTTP/1.2 200 OK\r\n\r\n",
        "HTTP/1.1 2 0 OK\r\n\r\n",
        "HTTP/1.1 200\tOK\r\n\r\n",
        "HTTP/1.1 2000\r\n\r\n",
        "HTTP/1.1 20",
    ] {
        assert!(!is_status_line(head.as_bytes()), "{head:?}");
    }
}

/// The array of lines that httparse fills is the limit.
#[test]
fn as_many_field_lines_as_the_limit_are_read() {
    let head = format!("HTTP/1.1 200 OK\r\n{}\r\n", "A: b\r\n".repeat(FIELD_LINES_MAX));
    assert!(ResponseHead::parse(head.as_bytes(), ASKED).is_ok());
}

#[test]
fn a_message_begins_with_a_byte_of_a_token() {
    for byte in 0..=255u8 {
        let is_expected = byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        assert_eq!(begins_with_token(&[byte, b' ']), is_expected, "{byte}");
    }
    assert!(begins_with_token(b""));
}
