//! The one change the gate makes to a head: a body that had to be collected in chunks is sent on
//! with its length. Every other byte stays.

/// `head`, a complete and judged request head, with its Transfer-Encoding line replaced by the
/// body's length; a head without that line is returned as it is.
#[must_use]
pub fn with_length(head: &[u8], body_bytes: usize) -> Vec<u8> {
    let mut reframed = Vec::with_capacity(head.len());
    for line in head.split_inclusive(|&byte| byte == b'\n') {
        if is_transfer_encoding(line) {
            reframed.extend_from_slice(format!("Content-Length: {body_bytes}\r\n").as_bytes());
        } else {
            reframed.extend_from_slice(line);
        }
    }
    reframed
}

fn is_transfer_encoding(line: &[u8]) -> bool {
    let name = line.split(|&byte| byte == b':').next().unwrap_or_default();
    name.eq_ignore_ascii_case(b"transfer-encoding")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_framing_field_changes() {
        let head = b"POST /exec/1/start HTTP/1.1\r\nHost: x\r\ntransfer-ENCODING:  chunked\r\nUpgrade: tcp\r\n\r\n";
        let expected =
            b"POST /exec/1/start HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nUpgrade: tcp\r\n\r\n";
        assert_eq!(with_length(head, 2), expected);
    }

    #[test]
    fn a_head_with_a_length_stays_as_it_is() {
        let head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n";
        assert_eq!(with_length(head, 2), head);
    }
}
