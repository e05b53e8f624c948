//! Any bytes as a request: wherever they are cut, the same head is found, and what is accepted
//! has the properties that one reading needs, checked without the parser under test.
#![no_main]

use dockgate::admission::Rules;
use dockgate::api::{ApiVersion, Call};
use dockgate::http::{BodyFraming, HeadScan, Persistence, RequestHead};
use dockgate::policy::{Decision, Policy, Settings, Variable};
use libfuzzer_sys::fuzz_target;

const HEAD_BYTES_MAX: usize = 4096;

fuzz_target!(|input: (u16, &[u8])| {
    let (cut, bytes) = input;
    let whole = HeadScan::default().find(bytes, HEAD_BYTES_MAX);
    let mut scan = HeadScan::default();
    let cut = usize::from(cut).min(bytes.len());
    let first = scan.find(&bytes[..cut], HEAD_BYTES_MAX);
    let in_parts = match first {
        Ok(None) => scan.find(bytes, HEAD_BYTES_MAX),
        Ok(Some(_)) | Err(_) => first,
    };
    assert_eq!(whole, in_parts, "a cut at {cut} changes the head");

    let Ok(Some(length)) = whole else { return };
    let head = &bytes[..length];
    let Ok(request) = RequestHead::parse(head) else { return };
    check(head, &request);
    judge(&request);
});

/// A second, naive look at an accepted head.
fn check(head: &[u8], request: &RequestHead<'_>) {
    let text: String = head.iter().map(|&byte| char::from(byte)).collect();
    assert!(text.ends_with("\r\n\r\n") && text.matches("\r\n\r\n").count() == 1);
    assert!(!text.replace("\r\n", "").contains(['\r', '\n', '\0']));
    let mut lines = text.trim_end_matches("\r\n").split("\r\n");
    let words: Vec<&str> = lines.next().unwrap_or_default().split(' ').collect();
    assert_eq!(words.len(), 3);
    assert!(words[1].starts_with('/') && matches!(words[2], "HTTP/1.0" | "HTTP/1.1"));

    let fields: Vec<(String, String)> = lines
        .map(|line| {
            let (name, value) = line.split_once(':').expect("a colon");
            assert!(!name.is_empty() && !name.contains([' ', '\t']));
            (name.to_ascii_lowercase(), value.trim_matches([' ', '\t']).to_owned())
        })
        .collect();
    let all = |name: &str| -> Vec<&str> {
        fields.iter().filter(|field| field.0 == name).map(|field| field.1.as_str()).collect()
    };
    let expected = match (all("content-length").as_slice(), all("transfer-encoding").as_slice()) {
        ([], []) => BodyFraming::Empty,
        ([length], []) => {
            assert!(length.bytes().all(|byte| byte.is_ascii_digit()));
            match length.parse::<u64>().expect("a length that fits") {
                0 => BodyFraming::Empty,
                length => BodyFraming::Length(length),
            }
        }
        ([], [encoding]) => {
            assert!(encoding.eq_ignore_ascii_case("chunked") && words[2] == "HTTP/1.1");
            BodyFraming::Chunked
        }
        other => panic!("accepted with {other:?}"),
    };
    assert_eq!(request.framing, expected);
    assert!(all("host").len() <= 1 && all("content-type").len() <= 1);
    let closes = all("connection").iter().any(|value| {
        value.split(',').any(|token| token.trim_matches([' ', '\t']).eq_ignore_ascii_case("close"))
    });
    if closes {
        assert_eq!(request.persistence, Persistence::Close);
    }
}

/// Decoding twice changes no operation that decoding once has found, and nothing closed is
/// granted.
fn judge(request: &RequestHead<'_>) {
    let path = &request.target.path;
    assert!(!path.iter().any(|&byte| byte < b' ' || byte == b'\\'));
    let settings = Settings::default().with(Variable::Ping, false);
    let policy = Policy::new(settings, ApiVersion { major: 1, minor: 24 }, Rules::new());
    if let Decision::Allow(grant) = policy.judge(request) {
        let operation = grant.operation();
        assert_eq!(
            Call::of(request.method, &request.target).map(|call| call.operation),
            Ok(operation)
        );
        assert!(matches!(operation.id(), "SystemEvents" | "SystemVersion"), "{}", operation.id());
    }
}
