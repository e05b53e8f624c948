//! What the framing, the persistence and the policy need to know of a head's fields, gathered in
//! one pass. Judging it is the caller's: requests and responses differ in what they may say.

use super::body::BodyFraming;
use super::error::HeadError;
use super::line::{FIELD_LINES_MAX, field, trim};
use super::number;
use super::token::is;
use super::{Persistence, Version};

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
    /// One of them names what Go reads as a form.
    pub is_form: bool,
    /// One of them has a byte outside ASCII.
    pub is_odd: bool,
}

impl<'b> Types<'b> {
    fn add(&mut self, value: &'b [u8]) {
        self.first = self.first.or(Some(value));
        self.is_form |= is_form(value);
        self.is_odd |= !value.is_ascii();
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
    /// Reads the lines up to the blank one; what follows that is returned with what was gathered.
    pub(super) fn gather(mut lines: &'b [u8]) -> Result<(Self, &'b [u8]), HeadError> {
        let mut fields = Self::default();
        for room in (0..=FIELD_LINES_MAX).rev() {
            let Some((name, value, rest)) = field(lines)? else { break };
            if room == 0 {
                return Err(HeadError::TooManyFields);
            }
            lines = rest;
            // The letters that the names below begin with: one comparison for most lines.
            if matches!(
                name.first(),
                Some(b'C' | b'c' | b'E' | b'e' | b'H' | b'h' | b'O' | b'o' | b'T' | b't')
            ) {
                fields.add(name, trim(value));
            }
        }
        Ok((fields, lines.get(2..).unwrap_or_default()))
    }

    #[inline(never)]
    fn add(&mut self, name: &[u8], value: &'b [u8]) {
        match name.len() {
            4 if is(name, b"host") => self.host.add(value),
            6 if is(name, b"origin") => self.origin.add(value),
            6 if is(name, b"expect") => self.expect_continue |= has_token(value, b"100-continue"),
            10 if is(name, b"connection") => {
                self.close |= has_token(value, b"close");
                self.keep_alive |= has_token(value, b"keep-alive");
            }
            12 if is(name, b"content-type") => self.content_type.add(value),
            14 if is(name, b"content-length") => self.content_length.add(value),
            17 if is(name, b"transfer-encoding") => self.transfer_encoding.add(value),
            _ => {}
        }
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
