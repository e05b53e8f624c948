//! Request bodies as the stand-in daemon takes them: read to the end, and thrown away.

use dockgate::http::number::hex_digit;
use std::io::{self, BufRead, Read};

/// What is read or written at once of a body, in bytes.
pub const BULK_BYTES: usize = 256 << 10;

/// Reads a body, and says how many bytes it had, framing not counted. An error is one of the
/// connection, or `InvalidData` where chunks are not framed as such.
pub fn skip(from: &mut impl BufRead, length: u64, chunked: bool) -> io::Result<u64> {
    let mut scratch = vec![0; BULK_BYTES];
    if chunked {
        return skip_chunks(from, &mut scratch);
    }
    skip_bytes(from, length, &mut scratch)?;
    Ok(length)
}

fn skip_chunks(from: &mut impl BufRead, scratch: &mut [u8]) -> io::Result<u64> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        from.read_line(&mut line)?;
        let mut digits = line.trim_end().bytes().map(hex_digit);
        let size = digits.try_fold(0, |size, digit| Some(size * 16 + u64::from(digit?)));
        let size = size.ok_or(io::ErrorKind::InvalidData)?;
        // The line break behind it too, which the last one has as well.
        skip_bytes(from, size + 2, scratch)?;
        if size == 0 {
            return Ok(length);
        }
        length += size;
    }
}

fn skip_bytes(from: &mut impl Read, mut left: u64, scratch: &mut [u8]) -> io::Result<()> {
    while left > 0 {
        let count = from.take(left).read(scratch)?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        left -= count as u64;
    }
    Ok(())
}
