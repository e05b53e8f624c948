//! The chunked coding (RFC 9112, section 7.1), one state a place in it. Only the framing is read;
//! data is counted.

use super::error::FramingError;
use super::number::{hex_digit, length_of};

/// Whether trailer fields may follow the last chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trailers {
    /// In a request: no Docker client sends one.
    Refuse,
    /// In a response: they are the daemon's to send, and only their end matters here.
    Pass,
}

/// Digits a chunk size may have: what fits 64 bits, as in Go's `net/http/internal`.
const SIZE_DIGITS_MAX: u8 = 16;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// In a size, `digits` of it read.
    Size { digits: u8, size: u64 },
    /// After a size's CR.
    SizeLf { size: u64 },
    /// In data.
    Data { left: u64 },
    /// After data, before its CR.
    DataCr,
    /// After data's CR.
    DataLf,
    /// At the beginning of a line after the last chunk.
    TrailerLine,
    /// Inside a trailer field's line.
    Trailer,
    /// After a trailer field's CR.
    TrailerLf,
    /// After the CR of the final blank line.
    EndLf,
    /// Past the end.
    Complete,
}

/// A position in a chunked body.
#[derive(Clone, Copy, Debug)]
pub(super) struct ChunkCursor {
    place: Place,
    trailers: Trailers,
}

const FIRST: Place = Place::Size { digits: 0, size: 0 };

impl ChunkCursor {
    pub(super) fn new(trailers: Trailers) -> Self {
        Self { place: FIRST, trailers }
    }

    pub(super) fn is_complete(&self) -> bool {
        self.place == Place::Complete
    }

    pub(super) fn blind(&self) -> u64 {
        if let Place::Data { left } = self.place { left } else { 0 }
    }

    /// `count` is at most [`Self::blind`]; the caller has checked it.
    pub(super) fn moved(&mut self, count: u64) {
        if let Place::Data { left } = self.place {
            self.place = after_data(left.saturating_sub(count));
        }
    }

    pub(super) fn read(&mut self, bytes: &[u8]) -> Result<usize, FramingError> {
        let mut rest = bytes;
        while !self.is_complete() {
            if let Place::Data { left } = self.place {
                let taken = usize::try_from(left).unwrap_or(usize::MAX).min(rest.len());
                rest = rest.get(taken..).unwrap_or_default();
                self.place = after_data(left.saturating_sub(length_of(taken)));
            }
            let Some((&byte, after)) = rest.split_first() else { break };
            self.place = self.step(byte)?;
            rest = after;
        }
        Ok(bytes.len().saturating_sub(rest.len()))
    }

    /// One byte of framing. Never called inside data that is left.
    fn step(&self, byte: u8) -> Result<Place, FramingError> {
        match (self.place, byte) {
            (Place::Size { digits: 1.., size }, b'\r') => Ok(Place::SizeLf { size }),
            (Place::Size { digits: 1.., .. }, b';') => Err(FramingError::ChunkExtension),
            (Place::Size { digits: 1.., .. }, b'\n') => Err(FramingError::ChunkLineEnd),
            (Place::Size { digits, size }, _) => match hex_digit(byte) {
                Some(digit) if digits < SIZE_DIGITS_MAX => Ok(Place::Size {
                    digits: digits.saturating_add(1),
                    size: size << 4 | u64::from(digit),
                }),
                Some(_) | None => Err(FramingError::ChunkSize),
            },
            (Place::SizeLf { size: 0 } | Place::TrailerLf, b'\n') => Ok(Place::TrailerLine),
            (Place::SizeLf { size }, b'\n') => Ok(Place::Data { left: size }),
            (Place::DataCr, b'\r') => Ok(Place::DataLf),
            (Place::DataLf, b'\n') => Ok(FIRST),
            (Place::TrailerLine, b'\r') => Ok(Place::EndLf),
            (Place::TrailerLine | Place::Trailer, _) if self.trailers == Trailers::Refuse => {
                Err(FramingError::Trailer)
            }
            // To a lenient client it would end the line, and maybe the body.
            (Place::TrailerLine | Place::Trailer, b'\n') => Err(FramingError::ChunkLineEnd),
            (Place::Trailer, b'\r') => Ok(Place::TrailerLf),
            (Place::TrailerLine | Place::Trailer, _) => Ok(Place::Trailer),
            (Place::EndLf, b'\n') => Ok(Place::Complete),
            (
                Place::SizeLf { .. }
                | Place::DataCr
                | Place::DataLf
                | Place::TrailerLf
                | Place::EndLf,
                _,
            ) => Err(FramingError::ChunkLineEnd),
            (place @ (Place::Data { .. } | Place::Complete), _) => Ok(place),
        }
    }
}

fn after_data(left: u64) -> Place {
    if left == 0 { Place::DataCr } else { Place::Data { left } }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::arithmetic_side_effects, reason = "sums of small numbers made here")]
    use super::*;
    use proptest::prelude::*;

    fn read(bytes: &[u8], trailers: Trailers) -> Result<(usize, bool), FramingError> {
        let mut cursor = ChunkCursor::new(trailers);
        cursor.read(bytes).map(|taken| (taken, cursor.is_complete()))
    }

    #[test]
    fn the_end_is_where_the_last_chunk_says() {
        let body = b"4\r\nWiki\r\n00A\r\n0123456789\r\n0\r\n\r\n";
        let mut next = body.to_vec();
        next.extend_from_slice(b"GET /");
        assert_eq!(read(&next, Trailers::Refuse), Ok((body.len(), true)));
        assert_eq!(read(b"4\r\nWi", Trailers::Refuse), Ok((5, false)));
    }

    #[test]
    fn framing_with_two_readings_is_refused() {
        for (bytes, error) in [
            (&b"\r\n"[..], FramingError::ChunkSize),
            (b"+4\r\n", FramingError::ChunkSize),
            (b" 4\r\n", FramingError::ChunkSize),
            (b"4 \r\n", FramingError::ChunkSize),
            (b"0x4\r\n", FramingError::ChunkSize),
            (b"00000000000000004\r\n", FramingError::ChunkSize),
            (b"4;a=b\r\n", FramingError::ChunkExtension),
            (b"4\n", FramingError::ChunkLineEnd),
            (b"4\rW", FramingError::ChunkLineEnd),
            (b"1\r\nW\n", FramingError::ChunkLineEnd),
            (b"1\r\nWW", FramingError::ChunkLineEnd),
            (b"1\r\nW\rX", FramingError::ChunkLineEnd),
            (b"0\r\nA: b\r\n", FramingError::Trailer),
            (b"0\r\n\n", FramingError::Trailer),
            (b"0\r\n\rX", FramingError::ChunkLineEnd),
        ] {
            assert_eq!(
                read(bytes, Trailers::Refuse),
                Err(error),
                "{:?}",
                bytes.escape_ascii().to_string()
            );
        }
    }

    #[test]
    fn a_daemons_trailers_pass() {
        let body = b"0\r\nA: b\r\nC: d\r\n\r\n";
        assert_eq!(read(body, Trailers::Pass), Ok((body.len(), true)));
        for bytes in [&b"0\r\n\n"[..], b"0\r\nA: b\n", b"0\r\nA: b\rC"] {
            assert_eq!(read(bytes, Trailers::Pass), Err(FramingError::ChunkLineEnd));
        }
    }

    #[test]
    fn the_largest_size_is_counted_without_overflow() {
        let mut cursor = ChunkCursor::new(Trailers::Refuse);
        assert_eq!(cursor.read(b"ffffffffffffffff\r\nab"), Ok(20));
        assert_eq!(cursor.blind(), u64::MAX - 2);
    }

    proptest! {
        /// Cut anywhere, moved blindly or read: the same end.
        #[test]
        fn cuts_and_blind_moves_change_nothing(
            chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..40), 0..6),
            steps in prop::collection::vec((1usize..9, any::<bool>()), 1..200),
        ) {
            let mut body = Vec::new();
            for chunk in &chunks {
                body.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
                body.extend_from_slice(chunk);
                body.extend_from_slice(b"\r\n");
            }
            body.extend_from_slice(b"0\r\n\r\n");
            let end = body.len();
            body.extend_from_slice(b"0\r\n\r\nGET / HTTP/1.1\r\n");

            let mut cursor = ChunkCursor::new(Trailers::Refuse);
            let (mut at, mut steps) = (0, steps.into_iter().cycle());
            while !cursor.is_complete() {
                let (step, blindly) = steps.next().unwrap_or((1, false));
                let blind = usize::try_from(cursor.blind()).unwrap_or(usize::MAX);
                if blindly && blind > 0 {
                    let count = step.min(blind);
                    cursor.moved(length_of(count));
                    at += count;
                } else {
                    let piece = body.get(at..(at + step).min(body.len())).unwrap_or_default();
                    at += cursor.read(piece)?;
                }
                prop_assert!(at <= end);
            }
            prop_assert_eq!(at, end);
        }
    }
}
