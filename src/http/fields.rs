//! What the framing, the persistence and the policy need to know of a head's fields, gathered in
//! one pass. Judging it is the caller's: requests and responses differ in what they may say.

use super::body::BodyFraming;
use super::error::HeadError;
use super::number;
use super::{Persistence, Version};
use httparse::Header;

/// The values of a field that should come once, and whether it came more often.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Once<'b> {
    pub first: Option<&'b [u8]>,
    pub again: bool,
}

impl<'b> Once<'b> {
    fn add(&mut self, value: &'b [u8]) {
        if self.first.is_none() {
            self.first = Some(value);
        } else {
            self.again = true;
        }
    }
}

/// The values of Content-Type. Go asks the first line alone.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Types<'b> {
    pub first: Option<&'b [u8]>,
    /// One of the others names what Go reads as a form.
    again_a_form: bool,
    /// One of the others has a byte outside ASCII.
    again_odd: bool,
}

impl<'b> Types<'b> {
    fn add(&mut self, value: &'b [u8]) {
        if self.first.is_none() {
            self.first = Some(value);
        } else {
            self.again_a_form |= is_form(value);
            self.again_odd |= !value.is_ascii();
        }
    }

    /// One of them names what Go reads as a form.
    pub(super) fn is_form(&self) -> bool {
        self.again_a_form || self.first.is_some_and(is_form)
    }

    /// One of them has a byte outside ASCII.
    pub(super) fn is_odd(&self) -> bool {
        self.again_odd || self.first.is_some_and(|value| !value.is_ascii())
    }
}

/// The fields that decide something.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Fields<'b> {
    pub host: Once<'b>,
    pub origin: Once<'b>,
    pub content_length: Once<'b>,
    pub content_type: Types<'b>,
    pub transfer_encoding: Once<'b>,
    pub expect_continue: bool,
    close: bool,
    keep_alive: bool,
}

impl<'b> Fields<'b> {
    /// Gathers them from a head's field lines, in their order.
    pub(super) fn gather(lines: &[Header<'b>]) -> Self {
        let mut fields = Self::default();
        for &Header { name, value } in lines {
            // One comparison for most lines.
            let name = name.as_bytes();
            match name.len() {
                4 if is(name, b"host") => fields.host.add(value),
                6 if is(name, b"origin") => fields.origin.add(value),
                6 if is(name, b"expect") => {
                    fields.expect_continue |= has_token(value, b"100-continue");
                }
                10 if is(name, b"connection") => {
                    fields.close |= has_token(value, b"close");
                    fields.keep_alive |= has_token(value, b"keep-alive");
                }
                12 if is(name, b"content-type") => fields.content_type.add(value),
                14 if is(name, b"content-length") => fields.content_length.add(value),
                17 if is(name, b"transfer-encoding") => fields.transfer_encoding.add(value),
                _ => {}
            }
        }
        fields
    }

    /// The framing that Content-Length and Transfer-Encoding give (RFC 9112, section 6.3), `None`
    /// where neither is there.
    pub(super) fn framing(&self, version: Version) -> Result<Option<BodyFraming>, HeadError> {
        match (self.transfer_encoding.first, self.content_length.first) {
            (None, None) => Ok(None),
            (Some(_), Some(_)) => Err(HeadError::LengthAndEncoding),
            (Some(_), None) if version == Version::Http10 => Err(HeadError::EncodingOnOldVersion),
            (Some(encoding), None) => {
                if self.transfer_encoding.again || !encoding.eq_ignore_ascii_case(b"chunked") {
                    return Err(HeadError::TransferEncoding);
                }
                Ok(Some(BodyFraming::Chunked))
            }
            (None, Some(_)) if self.content_length.again => Err(HeadError::ContentLengthTwice),
            (None, Some(length)) => match number::decimal(length) {
                None => Err(HeadError::ContentLength),
                Some(0) => Ok(Some(BodyFraming::Empty)),
                Some(length) => Ok(Some(BodyFraming::Length(length))),
            },
        }
    }

    /// RFC 9112, section 9.3.
    pub(super) fn persistence(&self, version: Version) -> Persistence {
        let stays = match version {
            Version::Http11 => !self.close,
            Version::Http10 => self.keep_alive && !self.close,
        };
        if stays { Persistence::KeepAlive } else { Persistence::Close }
    }
}

/// Whether Go's `ParseForm` could read a body of this type (`net/http`, `parsePostForm`; `mime`,
/// `ParseMediaType`): the media type is looked for anywhere in the value.
fn is_form(value: &[u8]) -> bool {
    [&b"form-urlencoded"[..], b"multipart/"]
        .iter()
        .any(|form| value.windows(form.len()).any(|window| window.eq_ignore_ascii_case(form)))
}

/// Whether a comma-separated list holds a token, in any case.
fn has_token(list: &[u8], token: &[u8]) -> bool {
    list.split(|&byte| byte == b',').any(|item| item.trim_ascii().eq_ignore_ascii_case(token))
}

/// Whether a token is `word`, which is written in lower case, in any case. A token has no byte
/// but letters that the bit changes into another one of these words.
fn is<const N: usize>(token: &[u8], word: &[u8; N]) -> bool {
    <&[u8; N]>::try_from(token).is_ok_and(|token| {
        token.iter().zip(word).fold(0, |differs, (byte, other)| differs | (byte | 0x20) ^ other)
            == 0
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_other_token_is_taken_for_a_word() {
        let is_tchar =
            |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        for byte in (0..=255u8).filter(|&byte| is_tchar(byte)) {
            for other in *b"content-lgh" {
                let same = byte.eq_ignore_ascii_case(&other);
                assert_eq!(is(&[byte], &[other]), same, "{byte} {other}");
            }
        }
        assert!(is(b"Content-LENGTH", b"content-length"));
        assert!(!is(b"Content-Lengt", b"content-length"));
        assert!(!is(b"Content-Lengths", b"content-length"));
        // Two bytes that differ by the same bits.
        assert!(!is(b"iosu", b"host"));
    }
}
