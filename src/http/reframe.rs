//! The changes the gate makes to a head: a body that had to be collected is sent on with its length,
//! and a container that was looked up, in the path or in the query, is named by its id. Every other
//! byte stays.
//! An empty body that came in chunks stays as it is: the daemon does not take it for none.

use super::number::{decimal, length_of};
use super::target::percent_decode;
use core::ops::Range;

/// The end of a body in chunks (RFC 9112, section 7.1), and the whole of an empty one.
const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

/// `head` and the body that was collected. `keeps_empty` leaves one that came in empty chunks so.
/// It must not where the daemon may hijack before it has read them: what it gets then is the raw
/// stream's.
#[must_use]
pub fn with_body(head: &[u8], body: &[u8], keeps_empty: bool) -> Vec<u8> {
    if keeps_empty && body.is_empty() {
        return [head, LAST_CHUNK].concat();
    }
    let mut whole = with_length(head, body.len());
    whole.extend_from_slice(body);
    whole
}

/// `head`, a complete and judged request head, with its Transfer-Encoding line, or a
/// Content-Length line that says otherwise, replaced by the body's length.
#[must_use]
pub fn with_length(head: &[u8], body_bytes: usize) -> Vec<u8> {
    let mut reframed = Vec::with_capacity(head.len());
    for line in head.split_inclusive(|&byte| byte == b'\n') {
        if is_other_framing(line, body_bytes) {
            reframed.extend_from_slice(format!("Content-Length: {body_bytes}\r\n").as_bytes());
        } else {
            reframed.extend_from_slice(line);
        }
    }
    reframed
}

fn is_other_framing(line: &[u8], body_bytes: usize) -> bool {
    let mut halves = line.splitn(2, |&byte| byte == b':');
    let name = halves.next().unwrap_or_default();
    let value = halves.next().unwrap_or_default().trim_ascii();
    name.eq_ignore_ascii_case(b"transfer-encoding")
        || name.eq_ignore_ascii_case(b"content-length")
            && decimal(value) != Some(length_of(body_bytes))
}

/// `head` with `id` for the name that its target has in these bytes, however many segments it has
/// (`Call::name`).
#[must_use]
pub fn with_name(head: &[u8], name: &Range<usize>, id: &str) -> Vec<u8> {
    let mut parts = head.splitn(3, |&byte| byte == b' ');
    let mut part = || parts.next().unwrap_or_default();
    let (method, target, rest) = (part(), part(), part());
    let before = target.get(..name.start).unwrap_or_default();
    let after = target.get(name.end..).unwrap_or_default();
    [method, b" ", before, id.as_bytes(), after, b" ", rest].concat()
}

/// `head` with `value` as that parameter of its query, which it has once. The value is sent as it is.
#[must_use]
pub fn with_parameter(head: &[u8], name: &str, value: &str) -> Vec<u8> {
    let mut parts = head.splitn(3, |&byte| byte == b' ');
    let mut part = || parts.next().unwrap_or_default();
    let (method, target, rest) = (part(), part(), part());
    let path_bytes = target.iter().position(|&byte| byte == b'?').unwrap_or(target.len());
    let (path, query) = target.split_at_checked(path_bytes).unwrap_or((target, b""));
    let parameters = query.strip_prefix(b"?").unwrap_or_default().split(|&byte| byte == b'&');
    let replaced: Vec<Vec<u8>> = parameters
        .map(|parameter| {
            let key = parameter.split(|&byte| byte == b'=').next().unwrap_or_default();
            let is_meant = percent_decode(key).is_ok_and(|decoded| *decoded == *name.as_bytes());
            let new = || [name.as_bytes(), b"=", value.as_bytes()].concat();
            if is_meant { new() } else { parameter.to_vec() }
        })
        .collect();
    [method, b" ", path, b"?", &replaced.join(&b'&'), b" ", rest].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_framing_field_changes() {
        let head = b"POST /exec/1/start HTTP/1.1\r\nHost: x\r\ntransfer-ENCODING:  chunked\r\nUpgrade: tcp\r\n\r\n";
        let expected =
            b"POST /exec/1/start HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nUpgrade: tcp\r\n\r\n";
        assert_eq!(with_length(head, 2), expected);
    }

    #[test]
    fn an_empty_body_in_chunks_stays_one_unless_the_daemon_may_hijack() {
        let head = b"POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
        assert_eq!(with_body(head, b"", true), [&head[..], b"0\r\n\r\n"].concat());
        let none = b"POST /x HTTP/1.1\r\nContent-Length: 0\r\n\r\n";
        assert_eq!(with_body(head, b"", false), none);
        let two = b"POST /x HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}";
        assert_eq!(with_body(head, b"{}", true), two);
    }

    #[test]
    fn a_head_with_a_length_stays_as_it_is() {
        let head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n";
        assert_eq!(with_length(head, 2), head);
    }

    #[test]
    fn a_length_that_says_otherwise_is_replaced() {
        let head = b"POST / HTTP/1.1\r\nHost: x\r\ncontent-length:  20\r\n\r\n";
        let expected = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n";
        assert_eq!(with_length(head, 2), expected);
        assert_eq!(with_length(head, 20), head);
    }

    #[test]
    fn only_the_name_changes() {
        for (line, name, expected) in [
            ("/containers/web/archive?path=/a/b", "web", "/containers/0f/archive?path=/a/b"),
            ("/v1.41/%63ontainers/w%65b/archive", "w%65b", "/v1.41/%63ontainers/0f/archive"),
            ("/containers/a/b%2Fc/archive?x=%20", "a/b%2Fc", "/containers/0f/archive?x=%20"),
        ] {
            let head = |target| format!("PUT {target} HTTP/1.1\r\nHost: x y\r\n\r\n");
            let start = line.find(name).expect("a name");
            let renamed = with_name(head(line).as_bytes(), &(start..start + name.len()), "0f");
            assert_eq!(String::from_utf8_lossy(&renamed), head(expected));
        }
    }

    #[test]
    fn only_the_parameter_that_is_meant_changes() {
        for (target, expected) in [
            ("/commit?container=web&repo=a%2Fb", "/commit?container=0f&repo=a%2Fb"),
            ("/v1.41/commit?repo=a&c%6fntainer=w%65b", "/v1.41/commit?repo=a&container=0f"),
            ("/commit?containers=a&container=", "/commit?containers=a&container=0f"),
        ] {
            let head = |target| format!("POST {target} HTTP/1.1\r\nHost: x y\r\n\r\n");
            let changed = with_parameter(head(target).as_bytes(), "container", "0f");
            assert_eq!(String::from_utf8_lossy(&changed), head(expected));
        }
    }
}
