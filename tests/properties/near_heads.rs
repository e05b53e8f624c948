//! Heads that are nearly as they should be: with any byte in any place, and lines of any bytes. The
//! gate's reader and the naive one find the same in each.

use super::properties::check;
use proptest::prelude::*;

const REQUESTS: [&str; 2] = [
    "GET /v1.47/a?b=%20 HTTP/1.1\r\nHost: x\r\nX_Y2: \ta\tb \r\n\r\n",
    "M-SEARCH /\u{e9} HTTP/1.0\r\nA:\r\nContent-Length:3\r\n\r\n",
];

const ANSWERS: [&str; 2] = [
    "HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nContent-Length: 2\r\n\r\n",
    "HTTP/1.0 404\r\nX:\u{e9}\r\n\r\n",
];

/// A property, and its input for a head: before an answer stands what was asked.
fn both(head: &[u8]) -> [(&'static str, Vec<u8>); 2] {
    [("request_head", head.to_vec()), ("response_head", [b"x", head].concat())]
}

#[test]
fn one_byte_of_any_kind_anywhere_is_read_as_by_the_naive_reader() {
    let mut of_use = 0;
    for (name, start) in [("request_head", ""), ("response_head", "x")] {
        let heads = if name == "request_head" { REQUESTS } else { ANSWERS };
        for head in heads.map(|head| format!("{start}{head}").into_bytes()) {
            assert!(check(name, &head));
            for place in start.len()..head.len() {
                let mut changed = head.clone();
                for byte in 0..=255 {
                    changed[place] = byte;
                    of_use += u32::from(check(name, &changed));
                }
                changed[place] = head[place];
                changed.insert(place, head[place]);
                check(name, &changed);
                changed.drain(place..place + 2);
                check(name, &changed);
            }
        }
    }
    assert!(of_use > 5000, "only {of_use} are heads");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn lines_of_any_bytes_are_read_as_by_the_naive_reader(
        start in "([!-~]{1,12}|GET|HTTP/1.[0-2]|[1-9]{1,4}|/[!-~é]{0,20})( ([!-~é]{0,12}|HTTP/1.[012]|[0-9]{3}|OK)){0,3}",
        lines in proptest::collection::vec(
            "([!-~]{0,12}|[A-Za-z-]{0,24}|Host)[:\t (]{0,2}[ -~\té\u{1}\u{7f}]{0,40}", 0..4,
        ),
        ends in proptest::sample::select(vec!["\r\n", "\r\n", "\r\n", "\n", "\r", "\r\n "]),
    ) {
        let lines = lines.iter().flat_map(|line| [line, ends]).collect::<String>();
        for start in [start.as_str(), "GET / HTTP/1.1\r\nHost: x", "HTTP/1.1 200 OK"] {
            for (name, input) in both(format!("{start}\r\n{lines}\r\n").as_bytes()) {
                check(name, &input);
            }
        }
    }

    #[test]
    fn changed_heads_are_read_as_by_the_naive_reader(
        head in proptest::sample::select([REQUESTS, ANSWERS].concat()),
        changes in proptest::collection::vec((0usize..100, any::<u8>()), 0..5),
    ) {
        let mut head = head.as_bytes().to_vec();
        for (place, byte) in changes {
            if let Some(old) = head.get_mut(place) {
                *old = byte;
            }
        }
        for (name, input) in both(&head) {
            check(name, &input);
        }
    }
}
