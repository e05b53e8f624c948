//! What the gate says itself: refusals and failures, as the daemon would word its own errors
//! (`{"message": ...}`), so that every client shows them in one line.

use crate::http::{Method, Persistence};

/// An answer of the gate's own.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// What the client shows: what, why and what to do.
    pub message: String,
}

impl Answer {
    /// The answer as bytes. To a HEAD request the body stays away, as it must.
    #[must_use]
    pub fn bytes(&self, method: Method, persistence: Persistence) -> Vec<u8> {
        let said = format!("dockgate: {}", self.message);
        self.json(&said, method, persistence)
    }

    /// The same where the message is what the daemon would say, and so not marked as the gate's.
    #[must_use]
    pub fn unmarked_bytes(&self, method: Method, persistence: Persistence) -> Vec<u8> {
        self.json(&self.message, method, persistence)
    }

    fn json(&self, said: &str, method: Method, persistence: Persistence) -> Vec<u8> {
        let body = serde_json::json!({ "message": said }).to_string();
        self.framed("application/json", &body, method, persistence)
    }

    /// The answer in plain text, as clients of API versions below 1.24 get it.
    #[must_use]
    pub fn plain_bytes(&self, method: Method, persistence: Persistence) -> Vec<u8> {
        let body = format!("dockgate: {}", self.message);
        self.framed("text/plain; charset=utf-8", &body, method, persistence)
    }

    fn framed(&self, kind: &str, body: &str, method: Method, persistence: Persistence) -> Vec<u8> {
        let mut text = format!(
            "HTTP/1.1 {} {}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n",
            self.status,
            reason_phrase(self.status),
            body.len() + 1
        );
        if persistence == Persistence::Close {
            text.push_str("Connection: close\r\n");
        }
        text.push_str("\r\n");
        if method != Method::Head {
            text.push_str(body);
            text.push('\n');
        }
        text.into_bytes()
    }
}

/// Where to ask instead, in the form in which the daemon's router says it: without a body.
#[must_use]
pub fn moved(location: &[u8], method: Method, persistence: Persistence) -> Vec<u8> {
    let length = if method == Method::Head { "" } else { "Content-Length: 0\r\n" };
    let close = if persistence == Persistence::Close { "Connection: close\r\n" } else { "" };
    let before = b"HTTP/1.1 301 Moved Permanently\r\nLocation: ";
    [&before[..], location, b"\r\n", length.as_bytes(), close.as_bytes(), b"\r\n"].concat()
}

/// RFC 9110, section 15; those that the gate sends.
pub(super) fn reason_phrase(status: u16) -> &'static str {
    match status {
        200 => "OK",
        400 => "Bad Request",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        505 => "HTTP Version Not Supported",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_the_daemons_kind_of_error() {
        let answer = Answer { status: 403, message: "\"no\"".into() };
        let text =
            String::from_utf8(answer.bytes(Method::Get, Persistence::KeepAlive)).expect("text");
        assert_eq!(
            text,
            "HTTP/1.1 403 Forbidden\r\nContent-Type: application/json\r\nContent-Length: 31\r\n\r\n\
             {\"message\":\"dockgate: \\\"no\\\"\"}\n"
        );
    }

    #[test]
    fn what_the_daemon_would_say_is_not_marked() {
        let answer = Answer { status: 404, message: "No such container: x".into() };
        let bytes = answer.unmarked_bytes(Method::Get, Persistence::KeepAlive);
        let text = String::from_utf8(bytes).expect("text");
        assert!(text.ends_with("\r\n\r\n{\"message\":\"No such container: x\"}\n"), "{text}");
    }

    #[test]
    fn a_redirect_has_its_location_and_no_body() {
        let text = |method, persistence| {
            String::from_utf8(moved(b"/x?a=b", method, persistence)).expect("text")
        };
        assert_eq!(
            text(Method::Post, Persistence::KeepAlive),
            "HTTP/1.1 301 Moved Permanently\r\nLocation: /x?a=b\r\nContent-Length: 0\r\n\r\n"
        );
        assert_eq!(
            text(Method::Head, Persistence::Close),
            "HTTP/1.1 301 Moved Permanently\r\nLocation: /x?a=b\r\nConnection: close\r\n\r\n"
        );
    }

    #[test]
    fn old_clients_are_told_in_plain_text() {
        let answer = Answer { status: 400, message: "old".into() };
        let bytes = answer.plain_bytes(Method::Get, Persistence::KeepAlive);
        let text = String::from_utf8(bytes).expect("text");
        assert!(
            text.contains("\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 14\r\n"),
            "{text}"
        );
        assert!(text.ends_with("\r\n\r\ndockgate: old\n"), "{text}");
    }

    #[test]
    fn a_head_request_gets_the_length_without_the_body() {
        let answer = Answer { status: 403, message: "no".into() };
        let text = String::from_utf8(answer.bytes(Method::Head, Persistence::Close)).expect("text");
        assert!(text.ends_with("Content-Length: 27\r\nConnection: close\r\n\r\n"), "{text}");
    }
}
