//! A whole connection between a client and a scripted daemon, with the gate's own runtime between
//! them: what the daemon gets is the requests that the policy allows, in order and as they were sent,
//! and nothing else; what the client gets is the daemon's bytes or the gate's own answers.
//!
//! The first line is a policy's letter (`naive_policy.rs`) and a letter for the length of each piece
//! that the client's bytes come in; those follow, up to a line `====`; then the daemon's answers, a
//! line `----` between them. One that begins with `!` ends its connection, one with `?` does not wait
//! for the request's body. Where there is none left, the daemon says OK.

use super::naive_policy::Policy;
use super::naive_stream::{self, Request};
use super::stage::{self, Heard};

/// Between the client's bytes and the daemon's.
const SIDES: &[u8] = b"\n====\n";

/// Between the daemon's answers.
const ANSWERS: &[u8] = b"\n----\n";

/// What a connection is made of.
pub struct Script<'i> {
    pub policy: Policy,
    /// The lengths of the first pieces; what is left comes at once.
    pub pieces: &'i [u8],
    pub client: &'i [u8],
    pub answers: Vec<&'i [u8]>,
}

/// Whether the daemon got anything of what they hold.
pub fn holds(input: &[u8]) -> bool {
    let Some(script) = Script::of(input) else { return false };
    let heard = stage::play(&script);
    let requests = naive_stream::requests(script.client);
    let forwarded = explain_daemon(&script, &requests, &heard);
    explain_client(&heard);
    forwarded > 0
}

impl<'i> Script<'i> {
    fn of(input: &'i [u8]) -> Option<Self> {
        let at = input.iter().position(|&byte| byte == b'\n')?;
        let (&policy, pieces) = input[..at].split_first()?;
        let (client, answers) = cut(&input[at + 1..], SIDES);
        let mut rest = answers;
        let mut answers = Vec::new();
        while let Some(text) = rest {
            let (answer, after) = cut(text, ANSWERS);
            answers.push(answer);
            rest = after;
        }
        Some(Self { policy: Policy::of(policy)?, pieces, client, answers })
    }
}

fn cut<'b>(bytes: &'b [u8], mark: &[u8]) -> (&'b [u8], Option<&'b [u8]>) {
    match bytes.windows(mark.len()).position(|window| window == mark) {
        Some(at) => (&bytes[..at], Some(&bytes[at + mark.len()..])),
        None => (bytes, None),
    }
}

/// Finds each of the daemon's bytes among the client's. How many requests it got.
fn explain_daemon(script: &Script<'_>, requests: &[Request<'_>], heard: &Heard) -> usize {
    let mut next = 0;
    let mut forwarded = 0;
    for connection in &heard.daemon {
        let mut rest = &connection.received[..];
        while !rest.is_empty() {
            if let Some((_, after)) = naive_stream::after_question(rest) {
                rest = after;
                continue;
            }
            let found = requests
                .iter()
                .enumerate()
                .skip(next)
                .find_map(|(index, request)| Some((index, request, request.taken_from(rest)?)));
            let Some((index, request, taken)) = found else {
                panic!("nobody sent this to the daemon: {}", rest.escape_ascii());
            };
            assert!(script.policy.allows(request), "not allowed: {}", rest.escape_ascii());
            for skipped in &requests[next..index] {
                let is_plain = script.policy.has_to_let_pass(skipped);
                assert!(!is_plain, "left out: {}", skipped.bytes.escape_ascii());
            }
            let stayed = requests[..index].iter().all(|request| request.head.stays);
            assert!(stayed, "after a request that was the last: {}", rest.escape_ascii());
            (next, forwarded) = (index + 1, forwarded + 1);
            rest = &rest[taken..];
            // After a raw stream's beginning, all that the client says is the stream's.
            if connection.raw_from == Some(connection.received.len() - rest.len()) {
                let said = after_all(script.client, request);
                assert!(said.starts_with(rest), "not the stream's: {}", rest.escape_ascii());
                (rest, next) = (&[], requests.len());
            }
        }
    }
    // Where the daemon does nothing odd, what has to pass does.
    if script.answers.is_empty() {
        let comes_to = |index: usize| requests[..index].iter().all(|request| request.head.stays);
        for (index, request) in requests.iter().enumerate().skip(next) {
            let has_to_pass = comes_to(index) && script.policy.has_to_let_pass(request);
            let is_excused = heard.is_refused() || heard.is_raw();
            assert!(!has_to_pass || is_excused, "not sent on: {}", request.bytes.escape_ascii());
        }
    }
    forwarded
}

/// What follows a request on its connection.
fn after_all<'c>(client: &'c [u8], request: &Request<'_>) -> &'c [u8] {
    let end = request.bytes.as_ptr().addr() - client.as_ptr().addr() + request.bytes.len();
    &client[end..]
}

/// Each of the client's bytes is the daemon's or the gate's own.
fn explain_client(heard: &Heard) {
    let sent = heard.daemon.iter().flat_map(|connection| &connection.sent);
    let sent: Vec<&[u8]> = sent.map(Vec::as_slice).collect();
    let all = heard.client.escape_ascii();
    assert!(is_explained(&heard.client, &sent), "nobody said all of this to the client: {all}");
}

/// Whether bytes are the beginnings of these answers, with the gate's own between them. One may look
/// like the other, so that every place is tried where one can begin.
fn is_explained(bytes: &[u8], answers: &[&[u8]]) -> bool {
    let without_own = naive_stream::after_own(bytes);
    if without_own.len() < bytes.len() && is_explained(without_own, answers) {
        return true;
    }
    let Some((answer, others)) = answers.split_first() else { return bytes.is_empty() };
    // The gate has said it already.
    let continued = answer.strip_prefix(b"HTTP/1.1 100 Continue\r\n\r\n");
    let common =
        |answer: &[u8]| bytes.iter().zip(answer).take_while(|(one, other)| one == other).count();
    let most = common(answer).max(continued.map_or(0, common));
    let begins = |&at: &usize| naive_stream::after_own(&bytes[at..]).len() < bytes.len() - at;
    [most].into_iter().chain((0..most).filter(begins)).any(|at| is_explained(&bytes[at..], others))
}
