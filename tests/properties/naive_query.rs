//! A query read as Go's `url.ParseQuery` does: parts between `&`, cut at the first `=`, a `+` for a
//! blank, decoded once; with `;` or a bad escape in it, not at all (Go drops that part and says so).

use super::naive_target::decoded;

/// A key and its value.
pub type Pair = (Vec<u8>, Vec<u8>);

/// The pairs in their order; `None` where Go finds a fault.
pub fn read(query: &[u8]) -> Option<Vec<Pair>> {
    let mut pairs = Vec::new();
    for part in query.split(|&byte| byte == b'&') {
        if part.contains(&b';') {
            return None;
        }
        if part.is_empty() {
            continue;
        }
        let at = part.iter().position(|&byte| byte == b'=').unwrap_or(part.len());
        let (key, value) = (&part[..at], part.get(at + 1..).unwrap_or_default());
        pairs.push((unescaped(key)?, unescaped(value)?));
    }
    Some(pairs)
}

fn unescaped(text: &[u8]) -> Option<Vec<u8>> {
    let spaced: Vec<u8> = text.iter().map(|&byte| if byte == b'+' { b' ' } else { byte }).collect();
    decoded(&spaced)
}
