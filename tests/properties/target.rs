//! Any bytes as a method and a target, with a blank between: decoded once and clean, or refused; what
//! is classified is what the daemon's router makes of the same bytes; and written anew in its plainest
//! form, or with every letter escaped, it is the same operation.

use super::naive_target;
use super::router::{Route, Router, route};
use dockgate::api::{Call, Operation};
use dockgate::http::{Method, Target};

/// Whether they are an operation.
pub fn holds(input: &[u8]) -> bool {
    let Some(at) = input.iter().position(|&byte| byte == b' ') else { return false };
    let (word, raw) = (&input[..at], &input[at + 1..]);
    let method = method(word);
    let target = Target::parse(raw);
    assert_eq!(target.as_ref().ok().map(|target| target.path.to_vec()), naive_target::path(raw));
    let Ok(target) = target else { return false };
    assert_eq!((target.raw_path, target.query), naive_target::cut(raw));

    // Whatever the method.
    let redirect = Router::location("GET", raw);
    assert_eq!(target.moved.as_deref(), redirect.as_deref(), "where the daemon leads");
    if target.moved.is_some() {
        assert!(Call::of(method, &target).is_err(), "what is not clean is no operation");
        return false;
    }
    let call = Call::of(method, &target);
    // What was decoded once is not decoded again.
    let plain = written(&target.path, |byte| !byte.is_ascii_graphic() || b"%?#".contains(&byte));
    let again = Target::parse(&plain).expect("what is clean stays clean");
    assert_eq!(again.path, target.path);
    let call_again = Call::of(method, &again);
    if let Ok(call) = call {
        // What nothing opens may have any name.
        if call.operation.line().section.is_some() {
            is_what_the_daemon_runs(call, &target, word);
        }
        assert_eq!(call_again, Ok(call), "written plainly");
        let text = |target| call.name(target).map(|name| name.text.to_owned());
        assert_eq!(text(&again), text(&target));
        if let Some(name) = call.name(&target) {
            let sent = naive_target::decoded(&raw[name.place]);
            assert_eq!(sent.as_deref(), Some(name.text.as_bytes()), "the bytes of the name");
        }
        let escaped = written(&target.path, |byte| byte != b'/');
        let escaped = Target::parse(&escaped).expect("clean");
        assert_eq!(Call::of(method, &escaped), Ok(call), "with every letter escaped");
        assert_eq!(text(&escaped), text(&target));
    } else {
        // A `%2F` alone may have stood in the way.
        assert!(call_again.is_err() || target.has_encoded_slash(), "refused, but not when plain");
    }
    call.is_ok_and(|call| call.operation != Operation::Options)
}

/// The daemon's router, from the same bytes, calls the same handler with the same names.
fn is_what_the_daemon_runs(call: Call, target: &Target<'_>, method: &[u8]) {
    let method = std::str::from_utf8(method).expect("one of the words below");
    let routed = route(method, target.raw);
    let Route::Operation { id, version, parameters } = routed else {
        panic!("{} to the gate, {routed:?} to the daemon", call.operation.id())
    };
    assert_eq!(id, call.operation.id());
    assert_eq!(version, call.version.map(|version| version.to_string()));
    // Whoever splits before decoding has to find the same: a `%2F` is a letter of a name.
    let letters = String::from_utf8_lossy(target.raw_path).replace("%2F", "x").replace("%2f", "x");
    let as_letter = route(method, letters.as_bytes());
    assert!(matches!(as_letter, Route::Operation { id: same, .. } if same == id), "{as_letter:?}");
    // In a path that is no text no name is looked at, and what examines one refuses it.
    let is_text = std::str::from_utf8(&target.path).is_ok();
    let first = parameters.first().map(Vec::as_slice).filter(|_| is_text);
    let name = call.name(target).map(|name| name.text.as_bytes());
    assert_eq!(name, first, "to the gate, and to the daemon");
}

fn method(word: &[u8]) -> Method {
    match word {
        b"GET" => Method::Get,
        b"HEAD" => Method::Head,
        b"POST" => Method::Post,
        b"PUT" => Method::Put,
        b"DELETE" => Method::Delete,
        b"OPTIONS" => Method::Options,
        _ => Method::Other,
    }
}

/// A path with some of its bytes escaped.
fn written(path: &[u8], is_escaped: impl Fn(u8) -> bool) -> Vec<u8> {
    let escape = |&byte: &u8| {
        if is_escaped(byte) { format!("%{byte:02X}").into_bytes() } else { vec![byte] }
    };
    path.iter().flat_map(escape).collect()
}
