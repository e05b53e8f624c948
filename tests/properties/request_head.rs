//! Any bytes as a request's head: the gate and a naive reader find the same in them, or neither finds
//! anything; and wherever they are cut, it is the same head.

use super::cut;
use super::naive_head::{self, Body, HEAD_BYTES_MAX, Head};
use super::naive_lines::{Reading, bytes_of};
use super::naive_target;
use dockgate::http::request::Method;
use dockgate::http::{BodyFraming, HeadScan, Persistence, RequestHead, Version};

/// Whether they are a head.
pub fn holds(bytes: &[u8]) -> bool {
    let found = HeadScan::default().find(bytes, HEAD_BYTES_MAX);
    cut::finds_the_same(bytes, HEAD_BYTES_MAX, found);
    let parsed = match found {
        Ok(Some(length)) => RequestHead::parse(&bytes[..length]).map(Some),
        Ok(None) => Ok(None),
        Err(error) => Err(error),
    };
    match (parsed, naive_head::read(bytes)) {
        (Ok(Some(head)), Reading::Whole(naive, length)) => {
            assert_eq!(head.bytes, &bytes[..length]);
            compare(&head, &naive);
            true
        }
        (Ok(None), Reading::Unfinished) | (Err(_), Reading::Refused) => false,
        (gate, naive) => panic!("the gate says {gate:?}, and the naive reader {naive:?}"),
    }
}

fn compare(head: &RequestHead<'_>, naive: &Head) {
    let method = match naive.method.as_str() {
        "GET" => Method::Get,
        "HEAD" => Method::Head,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "DELETE" => Method::Delete,
        "OPTIONS" => Method::Options,
        _ => Method::Other,
    };
    assert_eq!(head.method, method);
    assert_eq!(head.version, if naive.minor == 1 { Version::Http11 } else { Version::Http10 });
    assert_eq!(head.target.raw, naive.target);
    assert_eq!(*head.target.path, naive.path);
    assert_eq!((head.target.raw_path, head.target.query), naive_target::cut(&naive.target));
    let framing = match naive.body {
        Body::None => BodyFraming::Empty,
        Body::Length(length) => BodyFraming::Length(length),
        Body::Chunked => BodyFraming::Chunked,
    };
    assert_eq!(head.framing, framing);
    assert_eq!(head.persistence == Persistence::KeepAlive, naive.stays);
    assert_eq!((head.expects_continue, head.is_form), (naive.waits_for_100, naive.is_form));
    for (name, _) in &naive.fields {
        let same = |field: &&(String, String)| field.0.eq_ignore_ascii_case(name);
        let first = naive.fields.iter().find(same).map(|(_, value)| bytes_of(value));
        assert_eq!(head.field(name.as_bytes()), first.as_deref());
    }
    assert_eq!(head.field(b"none-of-them!"), None);
}
