//! A request head: what it asks, and how its body is framed. The bytes themselves stay as they
//! came; they are what is sent on.

use super::body::BodyFraming;
use super::error::HeadError;
use super::fields::Fields;
use super::target::Target;
use super::{Persistence, Version, strict};
use core::fmt;
use core::mem::MaybeUninit;
use memchr::memchr;

/// The methods that the daemon's router knows. They are case-sensitive (RFC 9110, section 9.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// GET
    Get,
    /// HEAD
    Head,
    /// POST
    Post,
    /// PUT
    Put,
    /// DELETE
    Delete,
    /// OPTIONS, which the daemon answers with 200 on any path.
    Options,
    /// Any other token: no operation has it.
    Other,
}

impl Method {
    fn of(token: &str) -> Self {
        match token {
            "GET" => Self::Get,
            "HEAD" => Self::Head,
            "POST" => Self::Post,
            "PUT" => Self::Put,
            "DELETE" => Self::Delete,
            "OPTIONS" => Self::Options,
            _ => Self::Other,
        }
    }

    /// The method as it is written on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
            Self::Options => "OPTIONS",
            Self::Other => "(other method)",
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A complete request head with exactly one reading.
#[derive(Clone, Debug)]
pub struct RequestHead<'b> {
    /// What is to be done.
    pub method: Method,
    /// What it is to be done to.
    pub target: Target<'b>,
    /// The version of the request line.
    pub version: Version,
    /// How the body that follows is framed: `Empty`, `Length` or `Chunked`.
    pub framing: BodyFraming,
    /// Whether the client wants the connection to stay.
    pub persistence: Persistence,
    /// Whether the client waits for `100 Continue` before it sends the body.
    pub expects_continue: bool,
    /// Whether a Content-Type says that the body is a form, whose values Go's handlers put before the
    /// query's. Go asks the first line; another reader may ask another.
    pub is_form: bool,
    /// The host that it was sent to, as it says itself.
    pub host: Option<&'b [u8]>,
    /// The web page that had a browser send it.
    pub origin: Option<&'b [u8]>,
    /// The head's own bytes, blank line included.
    pub bytes: &'b [u8],
}

impl<'b> RequestHead<'b> {
    /// Reads a complete head, as [`super::HeadScan::find`] has measured it.
    ///
    /// # Errors
    /// Whatever has no single reading, see [`HeadError`].
    pub fn parse(head: &'b [u8]) -> Result<Self, HeadError> {
        let mut room = [const { MaybeUninit::uninit() }; strict::FIELD_LINES_MAX];
        let tokens = strict::request(head, &mut room)?;
        let (fields, version) = (Fields::gather(tokens.fields), tokens.version);
        let framing = fields.framing(version)?.unwrap_or(BodyFraming::Empty);
        // Go lower-cases the first of them as Unicode (U+0130 becomes `i`) and trims Unicode blanks.
        if fields.content_type.is_odd() {
            return Err(HeadError::ContentTypeByte);
        }
        if fields.host.again {
            return Err(HeadError::HostTwice);
        }
        if fields.origin.again {
            return Err(HeadError::OriginTwice);
        }
        if fields.host.first.is_none() && version == Version::Http11 {
            return Err(HeadError::HostMissing);
        }
        Ok(Self {
            method: Method::of(tokens.method),
            target: Target::parse(tokens.target.as_bytes())?,
            version,
            framing,
            persistence: fields.persistence(version),
            expects_continue: fields.expect_continue
                && version == Version::Http11
                && framing != BodyFraming::Empty,
            is_form: fields.content_type.is_form(),
            host: fields.host.first,
            origin: fields.origin.first,
            bytes: head,
        })
    }

    /// The value of the first field line with this name, in any case.
    #[must_use]
    pub fn field(&self, name: &[u8]) -> Option<&'b [u8]> {
        // The head is judged: what is not its start line or its last is a name, a colon and a value.
        let mut lines = self.bytes;
        while let Some((_, rest)) = split_at(b'\n', lines)
            && let Some((found, value)) = split_at(b':', rest)
        {
            if found.eq_ignore_ascii_case(name) {
                return Some(split_at(b'\n', value)?.0.trim_ascii());
            }
            lines = rest;
        }
        None
    }
}

/// Splits at the first such byte, which is in neither part; `None` without one.
fn split_at(byte: u8, bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (before, rest) = bytes.split_at_checked(memchr(byte, bytes)?)?;
    Some((before, rest.get(1..)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use strict::FIELD_LINES_MAX;

    fn parse(head: &str) -> Result<RequestHead<'_>, HeadError> {
        RequestHead::parse(head.as_bytes())
    }

    fn error(lines: &str) -> Option<HeadError> {
        let head = format!("POST /build HTTP/1.1\r\nHost: x\r\n{lines}\r\n");
        RequestHead::parse(head.as_bytes()).err()
    }

    #[test]
    fn a_request_of_the_docker_cli_is_read_as_it_is_meant() {
        let head = "POST /v1.41/exec/7728/start?a=b HTTP/1.1\r\nHost: api.moby.localhost\r\n\
                    User-Agent: Docker-Client/28.2.2 (linux)\r\nContent-Length: 29\r\n\
                    Connection: Upgrade\r\nContent-Type: application/json\r\nUpgrade: tcp\r\n\r\n";
        let request = parse(head).expect("a proper head");
        assert_eq!(request.method, Method::Post);
        assert_eq!(*request.target.path, b"/v1.41/exec/7728/start"[..]);
        assert_eq!(request.target.query, Some(&b"a=b"[..]));
        assert_eq!(request.framing, BodyFraming::Length(29));
        assert_eq!(request.persistence, Persistence::KeepAlive);
        assert_eq!(request.bytes, head.as_bytes());
        assert!(!request.is_form && !request.expects_continue);
    }

    #[test]
    fn the_request_line_has_one_form() {
        for (line, expected) in [
            ("GET  /x HTTP/1.1", HeadError::StartLine),
            ("GET /x  HTTP/1.1", HeadError::StartLine),
            ("GET /x HTTP/1.1 ", HeadError::StartLine),
            ("GET\t/x HTTP/1.1", HeadError::StartLine),
            ("GET /x", HeadError::StartLine),
            ("GET /x y HTTP/1.1", HeadError::StartLine),
            ("GET /x HTTP/1.2", HeadError::Version),
            ("GET /x HTTP/2.0", HeadError::Version),
            ("GET /x http/1.1", HeadError::StartLine),
            ("PRI * HTTP/2.0", HeadError::Version),
            ("GET x HTTP/1.1", HeadError::TargetForm),
            ("GET http://x/version HTTP/1.1", HeadError::TargetForm),
            ("OPTIONS * HTTP/1.1", HeadError::TargetForm),
            ("CONNECT x:80 HTTP/1.1", HeadError::TargetForm),
        ] {
            let head = format!("{line}\r\nHost: x\r\n\r\n");
            assert_eq!(parse(&head).err(), Some(expected), "{line:?}");
        }
    }

    #[test]
    fn methods_are_case_sensitive() {
        let head = "get /x HTTP/1.1\r\nHost: x\r\n\r\n";
        assert_eq!(parse(head).expect("well-formed").method, Method::Other);
    }

    #[test]
    fn framing_with_two_readings_is_refused() {
        for (lines, expected) in [
            ("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", HeadError::LengthAndEncoding),
            ("Content-Length: 3\r\nContent-Length: 3\r\n", HeadError::ContentLengthTwice),
            ("Content-Length: 3, 3\r\n", HeadError::ContentLength),
            ("Content-Length: +3\r\n", HeadError::ContentLength),
            ("Content-Length: -3\r\n", HeadError::ContentLength),
            ("Content-Length: 0x3\r\n", HeadError::ContentLength),
            ("Content-Length:\r\n", HeadError::ContentLength),
            ("Content-Length: 9223372036854775808\r\n", HeadError::ContentLength),
            ("Transfer-Encoding: xchunked\r\n", HeadError::TransferEncoding),
            ("Transfer-Encoding: chunked, identity\r\n", HeadError::TransferEncoding),
            ("Transfer-Encoding: identity\r\n", HeadError::TransferEncoding),
            ("Transfer-Encoding: gzip, chunked\r\n", HeadError::TransferEncoding),
            ("Transfer-Encoding:\r\n", HeadError::TransferEncoding),
            ("Transfer-Encoding: \u{b}chunked\r\n", HeadError::FieldValue),
            (
                "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
                HeadError::TransferEncoding,
            ),
        ] {
            assert_eq!(error(lines), Some(expected), "{lines:?}");
        }
        assert_eq!(error("Transfer-Encoding: CHUNKED\r\n"), None);
        let old = "POST /build HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n";
        assert_eq!(parse(old).err(), Some(HeadError::EncodingOnOldVersion));
    }

    #[test]
    fn field_names_are_tokens_followed_by_a_colon() {
        for lines in [": a\r\n", "A : b\r\n", "A\t: b\r\n", "A b: c\r\n", "A\r\n", "A(: b\r\n"] {
            assert_eq!(error(lines), Some(HeadError::FieldName), "{lines:?}");
        }
        for lines in ["A: \0\r\n", "A: b\u{1}\r\n", "A: b\u{7f}\r\n"] {
            assert_eq!(error(lines), Some(HeadError::FieldValue), "{lines:?}");
        }
        assert_eq!(error("X_Y: \u{e9}\r\n"), None);
    }

    #[test]
    fn there_is_one_host_and_on_1_1_it_is_needed() {
        assert_eq!(error("Host: x\r\n"), Some(HeadError::HostTwice));
        assert_eq!(parse("GET / HTTP/1.1\r\n\r\n").err(), Some(HeadError::HostMissing));
        assert!(parse("GET / HTTP/1.0\r\n\r\n").is_ok());
        assert!(parse("GET / HTTP/1.1\r\nhost:\r\n\r\n").is_ok());
    }

    #[test]
    fn there_is_at_most_one_origin() {
        assert_eq!(error("Origin: x\r\norigin: x\r\n"), Some(HeadError::OriginTwice));
        let head = "GET / HTTP/1.1\r\nHost: a.b:1\r\nORIGIN: http://x\r\n\r\n";
        let request = parse(head).expect("a proper head");
        assert_eq!(request.origin, Some(&b"http://x"[..]));
        assert_eq!(request.host, Some(&b"a.b:1"[..]));
        assert_eq!(parse("GET / HTTP/1.0\r\n\r\n").expect("a head").origin, None);
    }

    #[test]
    fn a_field_is_known_by_its_whole_name() {
        let head = "POST /build HTTP/1.1\r\nHost: x\r\nHose: y\r\nExpecd: 100-continue\r\n\
                    Connectiom: close\r\nContent-Lengti: x\r\nContent-Typf: multipart/x\r\n\
                    Transfer-Encodinh: x\r\nContent-Length: 3\r\n\r\n";
        let request = parse(head).expect("a proper head");
        assert_eq!(request.framing, BodyFraming::Length(3));
        assert_eq!(request.persistence, Persistence::KeepAlive);
        assert!(!request.is_form && !request.expects_continue);
    }

    #[test]
    fn a_client_waits_only_with_a_body_and_on_1_1() {
        let waits = |version: &str, lines: &str| {
            let head = format!("POST /build {version}\r\nHost: x\r\n{lines}\r\n");
            parse(&head).expect("a proper head").expects_continue
        };
        let expect = "Expect: 100-Continue\r\n";
        let body = "Content-Length: 3\r\n";
        assert!(waits("HTTP/1.1", &[expect, body].concat()));
        assert!(waits("HTTP/1.1", &[expect, body, "Expect: x\r\n"].concat()));
        assert!(!waits("HTTP/1.1", expect));
        assert!(!waits("HTTP/1.1", "Expect: 100-continue\r\nContent-Length: 0\r\n"));
        assert!(!waits("HTTP/1.0", &[expect, body].concat()));
        assert!(!waits("HTTP/1.1", body));
    }

    #[test]
    fn a_field_is_found_in_any_case_and_without_blanks() {
        let head = "GET / HTTP/1.1\r\nHost: x\r\nX-A: \t one \r\nx-a: two\r\n\r\n";
        let request = parse(head).expect("a proper head");
        assert_eq!(request.field(b"x-A"), Some(&b"one"[..]));
        assert_eq!(request.field(b"host"), Some(&b"x"[..]));
        assert_eq!(request.field(b"x"), None);
    }

    #[test]
    fn methods_are_read_as_they_are_written() {
        use Method::{Delete, Get, Head, Options, Post, Put};
        for method in [Get, Head, Post, Put, Delete, Options] {
            assert_eq!(Method::of(&method.to_string()), method);
        }
        assert_eq!(Method::Other.to_string(), "(other method)");
    }

    #[test]
    fn persistence_follows_version_and_connection() {
        for (head, expected) in [
            ("GET / HTTP/1.1\r\nHost: x\r\n\r\n", Persistence::KeepAlive),
            ("GET / HTTP/1.1\r\nHost: x\r\nConnection: a, CLOSE\r\n\r\n", Persistence::Close),
            ("GET / HTTP/1.0\r\n\r\n", Persistence::Close),
            ("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", Persistence::KeepAlive),
        ] {
            assert_eq!(parse(head).expect("well-formed").persistence, expected, "{head:?}");
        }
    }

    #[test]
    fn a_form_is_known_in_every_spelling_that_go_takes() {
        for value in [
            "application/x-www-form-urlencoded",
            "Application/X-WWW-Form-Urlencoded; charset=utf-8",
            " \tapplication/x-www-form-urlencoded\t;",
            "multipart/form-data; boundary=x",
        ] {
            let head = format!("POST / HTTP/1.1\r\nHost: x\r\nContent-Type: {value}\r\n\r\n");
            assert!(parse(&head).expect("well-formed").is_form, "{value:?}");
        }
        assert_eq!(
            error("Content-Type: appl\u{130}cation/x-www-form-urlencoded\r\n"),
            Some(HeadError::ContentTypeByte)
        );
        assert_eq!(
            error("Content-Type: a/b\r\nContent-Type: \u{e9}/b\r\n"),
            Some(HeadError::ContentTypeByte)
        );
    }

    #[test]
    fn of_several_types_one_form_is_enough() {
        for (types, expected) in [
            (&["application/json", "application/x-tar"][..], false),
            (&["multipart/form-data", "application/json"], true),
            (&["application/json", "application/x-www-form-urlencoded"], true),
            (&["application/json", "a/b", "Multipart/x"], true),
        ] {
            let lines = types.iter().map(|value| format!("Content-Type: {value}\r\n"));
            let head = format!("POST / HTTP/1.1\r\nHost: x\r\n{}\r\n", lines.collect::<String>());
            assert_eq!(parse(&head).expect("well-formed").is_form, expected, "{types:?}");
        }
    }

    #[test]
    fn more_lines_than_the_limit_are_refused() {
        assert_eq!(error(&"A: b\r\n".repeat(FIELD_LINES_MAX)), Some(HeadError::TooManyFields));
        assert_eq!(error(&"A: b\r\n".repeat(FIELD_LINES_MAX - 1)), None);
    }
}
