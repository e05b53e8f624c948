//! Any bytes as the head of an answer: the gate and a naive reader find the same in them and in what
//! follows, or neither finds anything; wherever they are cut.
//!
//! The first letter says what was asked: `h` with HEAD, `s` what may end in a raw stream, `u` what may
//! switch protocols, any other letter neither.

use super::cut;
use super::naive_answer::{self, Follows, HEAD_BYTES_MAX};
use super::naive_head::Body;
use super::naive_lines::Reading;
use dockgate::http::{Asked, BodyFraming, HeadScan, Hijack, Next, Persistence, ResponseHead};

/// Whether they are a head.
pub fn holds(input: &[u8]) -> bool {
    let Some((&asked, bytes)) = input.split_first() else { return false };
    let hijack = match asked {
        b's' => Hijack::Stream,
        b'u' => Hijack::Upgrade,
        _ => Hijack::Never,
    };
    let asked_for = Asked { head: asked == b'h', hijack };
    let found = HeadScan::default().find(bytes, HEAD_BYTES_MAX);
    cut::finds_the_same(bytes, HEAD_BYTES_MAX, found);
    let parsed = match found {
        Ok(Some(length)) => ResponseHead::parse(&bytes[..length], asked_for).map(Some),
        Ok(None) => Ok(None),
        Err(error) => Err(error),
    };
    let at_once = ResponseHead::at_once(bytes, HEAD_BYTES_MAX, asked_for);
    assert_eq!(at_once, parsed.ok().flatten(), "one pass, or two");
    match (parsed, naive_answer::read(bytes, asked)) {
        (Ok(Some(head)), Reading::Whole(naive, length)) => {
            assert_eq!((head.length, head.status), (length, naive.status));
            let next = match naive.follows {
                Follows::Another => Next::Interim,
                Follows::Body(Body::None) => Next::Body(BodyFraming::Empty),
                Follows::Body(Body::Length(length)) => Next::Body(BodyFraming::Length(length)),
                Follows::Body(Body::Chunked) => Next::Body(BodyFraming::Chunked),
                Follows::AllUntilTheEnd => Next::Body(BodyFraming::UntilClose),
                Follows::AnotherProtocol => Next::Tunnel,
                Follows::WhatNobodyAskedFor => Next::Unasked,
            };
            assert_eq!(head.next, next);
            assert_eq!(head.persistence == Persistence::KeepAlive, naive.stays);
            true
        }
        (Ok(None), Reading::Unfinished) | (Err(_), Reading::Refused) => false,
        (gate, naive) => panic!("the gate says {gate:?}, and the naive reader {naive:?}"),
    }
}
