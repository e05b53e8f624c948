//! A connection's bytes as the requests they are, read by the naive readers; and the gate's own words.

use super::naive_chunks;
use super::naive_head::{self, Body, Head};
use super::naive_lines::Reading;
use super::naive_target;
use super::stage::ID;

/// One request of a connection.
#[derive(Debug)]
pub struct Request<'b> {
    pub head: Head,
    /// All of it, or what has come of it.
    pub bytes: &'b [u8],
    /// Whether all of its body is there, and in order.
    pub is_whole: bool,
    /// The body without its framing, where it is whole.
    pub body: Vec<u8>,
}

/// The requests that a client sends, up to the first that has no end.
pub fn requests(mut bytes: &[u8]) -> Vec<Request<'_>> {
    let mut all = Vec::new();
    while let Reading::Whole(head, head_bytes) = naive_head::read(bytes) {
        let rest = &bytes[head_bytes..];
        let body = match head.body {
            Body::None => Some((Vec::new(), 0)),
            Body::Length(length) => {
                let length = usize::try_from(length).ok().filter(|&length| length <= rest.len());
                length.map(|length| (rest[..length].to_vec(), length))
            }
            Body::Chunked => match naive_chunks::read(rest, false) {
                Reading::Whole(data, count) => Some((data, count)),
                Reading::Unfinished | Reading::Refused => None,
            },
        };
        let Some((body, count)) = body else {
            all.push(Request { head, bytes, is_whole: false, body: Vec::new() });
            break;
        };
        let (own, after) = bytes.split_at(head_bytes + count);
        all.push(Request { head, bytes: own, is_whole: true, body });
        bytes = after;
    }
    all
}

impl Request<'_> {
    /// How many of the bytes that the daemon got are this request, as it was sent, with its body in
    /// one piece, or with its container named by its id; `None` where it is another.
    pub fn taken_from(&self, received: &[u8]) -> Option<usize> {
        self.taken_unnamed(received).or_else(|| {
            let bytes = self.named(received)?;
            let Reading::Whole(head, _) = naive_head::read(&bytes) else { return None };
            let body = self.body.clone();
            Request { head, bytes: &bytes, is_whole: self.is_whole, body }.taken_unnamed(received)
        })
    }

    /// It with its container named by the id, as the daemon got it.
    fn named(&self, received: &[u8]) -> Option<Vec<u8>> {
        let (own, got) = (target(self.bytes)?, target(received)?);
        let at = self.head.method.len() + 1;
        let named = || [&self.bytes[..at], got, &self.bytes[at + own.len()..]].concat();
        is_named_by_id(own, got).then(named)
    }

    fn taken_unnamed(&self, received: &[u8]) -> Option<usize> {
        if self.is_whole && received.starts_with(self.bytes) {
            return Some(self.bytes.len());
        }
        // What did not come whole may go on as far as it came.
        if received.len() >= self.head.bytes && self.bytes.starts_with(received) {
            return Some(received.len());
        }
        let reframed = self.reframed()?;
        received.starts_with(&reframed).then_some(reframed.len())
    }

    /// The head with the body's length in place of whatever it says of that, and the body.
    fn reframed(&self) -> Option<Vec<u8>> {
        let head = self.bytes.get(..self.head.bytes).filter(|_| self.is_whole)?;
        let mut whole = Vec::new();
        for line in head.split_inclusive(|&byte| byte == b'\n') {
            let name = line.split(|&byte| byte == b':').next()?.to_ascii_lowercase();
            if name == b"transfer-encoding" {
                whole.extend_from_slice(
                    format!("Content-Length: {}\r\n", self.body.len()).as_bytes(),
                );
            } else {
                whole.extend_from_slice(line);
            }
        }
        whole.extend_from_slice(&self.body);
        Some(whole)
    }

    /// What the request line asks for, with no version before it.
    pub fn path(&self) -> String {
        let path = String::from_utf8_lossy(&self.head.path).into_owned();
        let unversioned = path.strip_prefix("/v").and_then(|rest| {
            let version = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(0);
            (version > 0).then(|| rest[version..].to_owned())
        });
        unversioned.unwrap_or(path)
    }
}

fn target(bytes: &[u8]) -> Option<&[u8]> {
    bytes.split(|&byte| byte == b' ').nth(1)
}

/// Whether a target is another one with the id in the place of its container's name, which may have
/// slashes.
fn is_named_by_id(own: &[u8], got: &[u8]) -> bool {
    let ((own, own_query), (got, got_query)) = (naive_target::cut(own), naive_target::cut(got));
    let segments = |path| <[u8]>::split(path, |&byte| byte == b'/').collect::<Vec<_>>();
    let (own, got): (Vec<&[u8]>, Vec<&[u8]>) = (segments(own), segments(got));
    // Before it stands "containers", and there may be a version.
    let is_at = |at: usize| {
        let Some((before, [id, after @ ..])) = got.split_at_checked(at) else { return false };
        let Some((own_before, [_, own_after @ ..])) = own.split_at_checked(at) else {
            return false;
        };
        let kind = before.last().and_then(|kind| naive_target::decoded(kind));
        *id == ID.as_bytes()
            && kind.as_deref() == Some(b"containers")
            && own_before == before
            && own_after.ends_with(after)
    };
    own_query == got_query && [2, 3].into_iter().any(is_at)
}

/// The path of a question that the gate itself has asked the daemon, without its first slash, and
/// what follows it; `None` where it is none.
pub fn after_question(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&bytes[..end]).ok()?;
    let path = text.strip_prefix("GET /")?.strip_suffix(" HTTP/1.1\r\nHost: dockgate\r\n\r\n")?;
    let kinds = ["volumes/", "networks/", "containers/", "exec/"];
    let asks = path == "info" || kinds.iter().any(|kind| path.starts_with(kind));
    (asks && !path.contains([' ', '\r', '\n'])).then_some((path, &bytes[end..]))
}

/// What follows the answers that the gate itself gives.
pub fn after_own(mut bytes: &[u8]) -> &[u8] {
    while let Some(after) = after_refusal(bytes) {
        bytes = after;
    }
    bytes
}

fn after_refusal(bytes: &[u8]) -> Option<&[u8]> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let (head, rest) = bytes.split_at(end);
    let head = std::str::from_utf8(head).ok()?;
    if head == "HTTP/1.1 100 Continue\r\n\r\n" {
        return Some(rest);
    }
    let (status, fields) = head.strip_prefix("HTTP/1.1 ")?.split_once("\r\n")?;
    if let Some(moved) = fields.strip_prefix("Location: /") {
        let (_, end) = moved.split_once("\r\n")?;
        let end = end.strip_prefix("Content-Length: 0\r\n").unwrap_or(end);
        let is_own = status == "301 Moved Permanently"
            && ["\r\n", "Connection: close\r\n\r\n"].contains(&end);
        return is_own.then_some(rest);
    }
    let is_plain =
        fields.strip_prefix("Content-Type: text/plain; charset=utf-8\r\nContent-Length: ");
    let is_json = || fields.strip_prefix("Content-Type: application/json\r\nContent-Length: ");
    let fields = is_plain.or_else(is_json)?;
    let (length, end) = fields.split_once("\r\n")?;
    if !status.starts_with(['4', '5']) || !["\r\n", "Connection: close\r\n\r\n"].contains(&end) {
        return None;
    }
    // To HEAD it says no more.
    let own = [&b"{\"message\":\"dockgate: "[..], b"dockgate: "];
    if !own.iter().any(|own| rest.starts_with(own)) {
        return Some(rest);
    }
    let length =
        length.bytes().fold(0, |all, digit| all * 10 + usize::from(digit.wrapping_sub(b'0')));
    rest.get(length..)
}
