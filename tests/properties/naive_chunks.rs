//! The chunked coding decoded a second time (RFC 9112, section 7.1), one piece after the other.

use super::naive_lines::Reading;

/// Decodes the body that `bytes` begin with: its data, and how many bytes it took. Stricter than the
/// RFC: no extensions, sizes of at most 16 digits, and trailers only where they may come.
pub fn read(bytes: &[u8], trailers: bool) -> Reading<Vec<u8>> {
    let mut rest = bytes;
    let mut data = Vec::new();
    loop {
        let digits = rest.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        if digits > 16 || digits == 0 && !rest.is_empty() {
            return Reading::Refused;
        }
        let size = rest[..digits].iter().fold(0u64, |size, &digit| {
            size * 16 + u64::from(char::from(digit).to_digit(16).expect("a digit"))
        });
        rest = match line_end(&rest[digits..]) {
            Reading::Whole(rest, _) => rest,
            Reading::Unfinished => return Reading::Unfinished,
            Reading::Refused => return Reading::Refused,
        };
        if size == 0 {
            break;
        }
        let Some((chunk, after)) =
            usize::try_from(size).ok().and_then(|size| rest.split_at_checked(size))
        else {
            return Reading::Unfinished;
        };
        data.extend_from_slice(chunk);
        rest = match line_end(after) {
            Reading::Whole(rest, _) => rest,
            Reading::Unfinished => return Reading::Unfinished,
            Reading::Refused => return Reading::Refused,
        };
    }
    // The trailers' lines, and the empty one.
    loop {
        let line =
            rest.iter().position(|&byte| byte == b'\r' || byte == b'\n').unwrap_or(rest.len());
        if line > 0 && !trailers {
            return Reading::Refused;
        }
        rest = match line_end(&rest[line..]) {
            Reading::Whole(rest, _) => rest,
            Reading::Unfinished => return Reading::Unfinished,
            Reading::Refused => return Reading::Refused,
        };
        if line == 0 {
            return Reading::Whole(data, bytes.len() - rest.len());
        }
    }
}

/// What follows a CR LF that has to be here.
fn line_end(bytes: &[u8]) -> Reading<&[u8]> {
    match bytes {
        [b'\r', b'\n', rest @ ..] => Reading::Whole(rest, 2),
        [] | [b'\r'] => Reading::Unfinished,
        _ => Reading::Refused,
    }
}
