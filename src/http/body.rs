//! Where a body ends. The cursor is the one counter of that fact: it says how many of the bytes
//! at hand belong to the body, and how many more may be moved without being read.

use super::chunked::{ChunkCursor, Trailers};
use super::error::FramingError;
use super::number::length_of;

/// How a message's body is delimited (RFC 9112, section 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyFraming {
    /// No body.
    Empty,
    /// Exactly so many bytes, at least one.
    Length(u64),
    /// Chunks, up to and with the empty one.
    Chunked,
    /// Everything until the sender closes (responses only).
    UntilClose,
}

/// A position in a body.
#[derive(Clone, Copy, Debug)]
pub struct BodyCursor(State);

#[derive(Clone, Copy, Debug)]
enum State {
    Length(u64),
    Chunked(ChunkCursor),
    UntilClose,
}

impl BodyCursor {
    /// The beginning of a body.
    #[must_use]
    pub fn new(framing: BodyFraming, trailers: Trailers) -> Self {
        Self(match framing {
            BodyFraming::Empty => State::Length(0),
            BodyFraming::Length(length) => State::Length(length),
            BodyFraming::Chunked => State::Chunked(ChunkCursor::new(trailers)),
            BodyFraming::UntilClose => State::UntilClose,
        })
    }

    /// How many leading bytes of `bytes` are this body's. The cursor moves past them; what is
    /// left belongs to the next message, and only then is the answer less than `bytes.len()`.
    ///
    /// # Errors
    /// Framing with two readings; nothing of `bytes` may be sent on.
    pub fn read(&mut self, bytes: &[u8]) -> Result<usize, FramingError> {
        match &mut self.0 {
            State::Length(left) => {
                let taken = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                *left = left.saturating_sub(length_of(taken));
                Ok(taken)
            }
            State::Chunked(chunks) => chunks.read(bytes),
            State::UntilClose => Ok(bytes.len()),
        }
    }

    /// How many of the next bytes are the body's whatever they are: the rest of a length, of a
    /// chunk's data, or all there will be. So many may be moved without being looked at.
    #[must_use]
    pub fn blind(&self) -> u64 {
        match &self.0 {
            State::Length(left) => *left,
            State::Chunked(chunks) => chunks.blind(),
            State::UntilClose => u64::MAX,
        }
    }

    /// Whether it comes in chunks.
    #[must_use]
    pub fn is_chunked(&self) -> bool {
        matches!(self.0, State::Chunked(_))
    }

    /// Tells that so many bytes were moved unread.
    ///
    /// # Errors
    /// [`FramingError::Overrun`] if that is more than [`Self::blind`] said.
    pub fn moved(&mut self, count: u64) -> Result<(), FramingError> {
        if count > self.blind() {
            return Err(FramingError::Overrun);
        }
        match &mut self.0 {
            State::Length(left) => *left = left.saturating_sub(count),
            State::Chunked(chunks) => chunks.moved(count),
            State::UntilClose => {}
        }
        Ok(())
    }

    /// Whether the body is complete. One that lasts until the sender closes never says so itself.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        match &self.0 {
            State::Length(left) => *left == 0,
            State::Chunked(chunks) => chunks.is_complete(),
            State::UntilClose => false,
        }
    }

    /// The sender has ended: is that a legal place?
    ///
    /// # Errors
    /// [`FramingError::Truncated`] where more was promised.
    pub fn close(self) -> Result<(), FramingError> {
        match self.0 {
            State::UntilClose => Ok(()),
            State::Length(_) | State::Chunked(_) if self.is_complete() => Ok(()),
            State::Length(_) | State::Chunked(_) => Err(FramingError::Truncated),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_is_counted_down_by_reading_and_by_moving() {
        let mut body = BodyCursor::new(BodyFraming::Length(10), Trailers::Refuse);
        assert_eq!(body.read(b"abc"), Ok(3));
        assert_eq!(body.blind(), 7);
        assert_eq!(body.moved(8), Err(FramingError::Overrun));
        assert_eq!(body.moved(4), Ok(()));
        assert_eq!(body.close(), Err(FramingError::Truncated));
        assert_eq!(body.read(b"xyzGET /next"), Ok(3));
        assert!(body.is_complete());
        assert_eq!(body.close(), Ok(()));
    }

    #[test]
    fn a_body_until_close_takes_everything_and_ends_anywhere() {
        let mut body = BodyCursor::new(BodyFraming::UntilClose, Trailers::Pass);
        assert_eq!(body.read(b"anything"), Ok(8));
        assert_eq!(body.moved(1 << 40), Ok(()));
        assert!(!body.is_complete());
        assert_eq!(body.close(), Ok(()));
    }

    #[test]
    fn all_that_is_left_may_be_moved_and_nothing_after_it() {
        let mut body = BodyCursor::new(BodyFraming::Length(3), Trailers::Refuse);
        assert_eq!(body.moved(3), Ok(()));
        assert!(body.is_complete());
        assert_eq!(body.moved(1), Err(FramingError::Overrun));
    }

    #[test]
    fn only_chunks_are_chunked() {
        for (framing, expected) in [
            (BodyFraming::Chunked, true),
            (BodyFraming::Empty, false),
            (BodyFraming::Length(1), false),
            (BodyFraming::UntilClose, false),
        ] {
            assert_eq!(BodyCursor::new(framing, Trailers::Pass).is_chunked(), expected);
        }
    }

    #[test]
    fn an_empty_body_is_complete_at_once() {
        let mut body = BodyCursor::new(BodyFraming::Empty, Trailers::Refuse);
        assert!(body.is_complete());
        assert_eq!(body.read(b"GET"), Ok(0));
    }
}
