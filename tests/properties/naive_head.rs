//! A request head read a second time, after RFC 9112 and with the rules that the gate adds to it, as
//! plainly as it can be said: nothing of the gate's own code, and nothing clever.

use super::naive_lines::{self, Lines, Reading};
use super::naive_target;

/// Longer heads are refused.
pub const HEAD_BYTES_MAX: usize = 2048;

/// Digits of a length; so many always fit. The daemon's own limit is 63 bits.
const LENGTH_DIGITS_MAX: usize = 19;

/// How the body that follows is framed.
#[derive(Debug, PartialEq, Eq)]
pub enum Body {
    None,
    Length(u64),
    Chunked,
}

/// What a request head says.
#[derive(Debug)]
pub struct Head {
    pub method: String,
    /// As it was sent.
    pub target: Vec<u8>,
    /// The path, decoded once.
    pub path: Vec<u8>,
    /// `0` or `1`, for HTTP/1.0 and 1.1.
    pub minor: u8,
    /// Names and values, without the blanks around these.
    pub fields: Vec<(String, String)>,
    pub body: Body,
    pub stays: bool,
    pub waits_for_100: bool,
    pub is_form: bool,
    /// How long it is, blank line included.
    pub bytes: usize,
}

/// Reads the head that `bytes` begin with.
pub fn read(bytes: &[u8]) -> Reading<Head> {
    let (lines, length) = match naive_lines::read(bytes, HEAD_BYTES_MAX) {
        Reading::Whole(lines, length) => (lines, length),
        Reading::Unfinished => return Reading::Unfinished,
        Reading::Refused => return Reading::Refused,
    };
    match of(&lines, length) {
        Some(head) => Reading::Whole(head, length),
        None => Reading::Refused,
    }
}

fn of(lines: &Lines, bytes: usize) -> Option<Head> {
    // RFC 9112, section 3: method SP request-target SP HTTP-version.
    let words: Vec<&str> = lines.first.split(' ').collect();
    let [method, target, version] = words[..] else { return None };
    let minor = match version {
        "HTTP/1.0" => 0,
        "HTTP/1.1" => 1,
        _ => return None,
    };
    if !naive_lines::is_token(method) {
        return None;
    }
    let target = naive_lines::bytes_of(target);
    // Stricter than the daemon: a target is text.
    std::str::from_utf8(&target).ok()?;
    let path = naive_target::path(&target)?;

    // Section 3.2: one Host, and with 1.1 there has to be one.
    let hosts = lines.all("host").len();
    if hosts > 1 || hosts == 0 && minor == 1 {
        return None;
    }
    // RFC 6454, section 7.3: a browser sends one.
    if lines.all("origin").len() > 1 {
        return None;
    }
    // Stricter: in ASCII. Go asks the first; here each is asked.
    let types = lines.all("content-type");
    if types.iter().any(|kind| !kind.is_ascii()) {
        return None;
    }
    let kind = types.join(" ").to_ascii_lowercase();
    let body = framing(lines, minor).ok()?.unwrap_or(Body::None);
    Some(Head {
        method: method.to_owned(),
        target,
        path,
        minor,
        fields: lines.fields.clone(),
        stays: lines.stays(minor),
        // RFC 9110, section 10.1.1.
        waits_for_100: lines.has_word("expect", "100-continue") && minor == 1 && body != Body::None,
        body,
        is_form: kind.contains("form-urlencoded") || kind.contains("multipart/"),
        bytes,
    })
}

/// RFC 9112, section 6.3, as far as both kinds of messages share it: `Ok(None)` where neither field is
/// there. Stricter: never both fields, neither twice, and no encoding but `chunked`.
pub fn framing(lines: &Lines, minor: u8) -> Result<Option<Body>, ()> {
    match (&lines.all("content-length")[..], &lines.all("transfer-encoding")[..]) {
        ([], []) => Ok(None),
        ([length], []) => {
            let is_number = !length.is_empty() && length.chars().all(|c| c.is_ascii_digit());
            let significant = length.trim_start_matches('0');
            if !is_number || significant.len() > LENGTH_DIGITS_MAX {
                return Err(());
            }
            let digits = significant.bytes();
            match digits.fold(0, |all, digit| all * 10 + u64::from(digit - b'0')) {
                0 => Ok(Some(Body::None)),
                length if length < 1 << 63 => Ok(Some(Body::Length(length))),
                _ => Err(()),
            }
        }
        ([], [encoding]) if encoding.eq_ignore_ascii_case("chunked") && minor == 1 => {
            Ok(Some(Body::Chunked))
        }
        _ => Err(()),
    }
}
