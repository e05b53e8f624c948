//! A target read a second time: cut at the question mark, decoded once, and clean, redirected or
//! refused.

/// The decoded path; `None` where the target is refused.
pub fn path(target: &[u8]) -> Option<Vec<u8>> {
    // RFC 9112, section 3.2.1: the origin form and no other. Go refuses control bytes; a `#` is no
    // part of any target, though Go takes it for one.
    let is_foreign = |&byte: &u8| byte <= b' ' || byte == 0x7f || byte == b'#';
    if !target.starts_with(b"/") || target.iter().any(is_foreign) {
        return None;
    }
    let (path, _) = cut(target);
    let path = decoded(path)?;
    is_readable(&path).then_some(path)
}

/// What stands before the first `?`, and what after it.
pub fn cut(target: &[u8]) -> (&[u8], Option<&[u8]>) {
    match target.iter().position(|&byte| byte == b'?') {
        Some(at) => (&target[..at], Some(&target[at + 1..])),
        None => (target, None),
    }
}

/// RFC 3986, section 2.1; `None` where two digits do not follow a `%`.
pub fn decoded(text: &[u8]) -> Option<Vec<u8>> {
    let mut parts = text.split(|&byte| byte == b'%');
    let mut plain = parts.next().unwrap_or_default().to_vec();
    for part in parts {
        let digits = part.get(..2)?;
        let digit = |at: usize| char::from(digits[at]).to_digit(16);
        plain.push(u8::try_from(digit(0)? * 16 + digit(1)?).ok()?);
        plain.extend_from_slice(&part[2..]);
    }
    Some(plain)
}

/// What some reader may take for a slash or an end is refused, and a slash at the end, which the daemon
/// keeps, where it has no route with one. What Go's `path.Clean` changes it redirects.
fn is_readable(path: &[u8]) -> bool {
    let path: String = path.iter().map(|&byte| char::from(byte)).collect();
    if path.contains(|c: char| c < ' ' || c == '\x7f' || c == '\\') {
        return false;
    }
    let is_version = |segment: &str| {
        segment
            .strip_prefix('v')
            .is_some_and(|rest| !rest.contains(|c: char| !c.is_ascii_digit() && c != '.'))
    };
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    let (last, before) = segments.split_last().expect("one at least");
    let is_moved = before.iter().any(|segment| ["", ".", ".."].contains(segment))
        || [".", ".."].contains(last);
    match segments[..] {
        [""] | ["networks", ""] => true,
        [version, "networks", ""] if is_version(version) => true,
        _ => is_moved || !last.is_empty(),
    }
}
