//! The changes the gate makes to a head: a body that had to be collected is sent on with its length,
//! and a container that was looked up, in the path or in the query, is named by its id. Every other
//! byte stays.

use super::number::{decimal, length_of};
use super::target::percent_decode;

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

/// `head`, of a request for `/containers/{name}/...`, with `id` in the name's place.
#[must_use]
pub fn with_container(head: &[u8], id: &str) -> Vec<u8> {
    let mut parts = head.splitn(3, |&byte| byte == b' ');
    let mut part = || parts.next().unwrap_or_default();
    let (method, target, rest) = (part(), part(), part());
    let path_bytes = target.iter().position(|&byte| byte == b'?').unwrap_or(target.len());
    let (path, query) = target.split_at_checked(path_bytes).unwrap_or((target, b""));
    let is_containers =
        |segment: &&[u8]| percent_decode(segment).is_ok_and(|decoded| *decoded == *b"containers");
    let mut segments: Vec<&[u8]> = path.split(|&byte| byte == b'/').collect();
    let name = segments.iter().position(is_containers).and_then(|index| index.checked_add(1));
    if let Some(segment) = name.and_then(|name| segments.get_mut(name)) {
        *segment = id.as_bytes();
    }
    let path = segments.join(&b'/');
    [method, b" ", &path, query, b" ", rest].concat()
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
            let is_meant =
                percent_decode(key).is_ok_and(|decoded| *decoded == *name.as_bytes());
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
    fn only_the_containers_name_changes() {
        for (line, expected) in [
            ("/containers/web/archive?path=/a/b", "/containers/0f/archive?path=/a/b"),
            ("/v1.41/%63ontainers/w%65b/archive", "/v1.41/%63ontainers/0f/archive"),
            ("/containers/containers/archive?x=%20", "/containers/0f/archive?x=%20"),
        ] {
            let head = |target| format!("PUT {target} HTTP/1.1\r\nHost: x y\r\n\r\n");
            let renamed = with_container(head(line).as_bytes(), "0f");
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
