//! Why a message is refused: one variant a rule, without the peer's bytes.

use core::fmt;

/// Gives each rule its name, and lists them: none can be left out.
macro_rules! names {
    ($error:ident { $($rule:ident => $name:literal,)* }) => {
        impl $error {
            /// Every rule.
            pub const ALL: &'static [Self] = &[$(Self::$rule),*];

            /// The rule's name, the same word in log, message and test.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$rule => $name),*
                }
            }
        }
    };
}

/// Why a request head has no single reading. Each is answered with [`HeadError::status`] and the
/// connection closes, since what follows could not be framed either.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeadError {
    /// The first byte can't begin a method: not HTTP (TLS, for example), or a leading blank line.
    NotHttp,
    /// A line ends with LF alone (RFC 9112, section 2.2 lets a recipient accept it; we don't).
    BareLineFeed,
    /// A CR that no LF follows.
    BareCarriageReturn,
    /// A header line that begins with a blank: obs-fold, or a blank before the first header.
    Folded,
    /// The head is longer than the limit.
    TooLong,
    /// More header lines than the limit.
    TooManyFields,
    /// The request or status line is malformed.
    StartLine,
    /// HTTP/2's preface, or a version other than 1.0 and 1.1.
    Version,
    /// A field name that is empty or no token, or blanks before the colon.
    FieldName,
    /// A control byte in a field value.
    FieldValue,
    /// The target does not begin with `/` (absolute, authority and asterisk forms included).
    TargetForm,
    /// A control byte, blank or `#` in the target.
    TargetByte,
    /// A `%` in the path that two hexadecimal digits do not follow.
    TargetEscape,
    /// The decoded path has a backslash or a control byte, or ends in a slash.
    UncleanPath,
    /// A 1.1 request without Host.
    HostMissing,
    /// More than one Host line.
    HostTwice,
    /// More than one Origin line.
    OriginTwice,
    /// A Content-Length that is not `1*DIGIT` or does not fit.
    ContentLength,
    /// More than one Content-Length line.
    ContentLengthTwice,
    /// Both Content-Length and Transfer-Encoding.
    LengthAndEncoding,
    /// A Transfer-Encoding that is not the one word `chunked`, or more than one line of it.
    TransferEncoding,
    /// Transfer-Encoding on HTTP/1.0, which the daemon ignores.
    EncodingOnOldVersion,
    /// A byte outside ASCII in Content-Type: Go's lower-casing turns some into letters.
    ContentTypeByte,
}

impl HeadError {
    /// The status code that answers it.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::TooLong | Self::TooManyFields => 431,
            Self::TransferEncoding => 501,
            Self::Version => 505,
            Self::NotHttp
            | Self::BareLineFeed
            | Self::BareCarriageReturn
            | Self::Folded
            | Self::StartLine
            | Self::FieldName
            | Self::FieldValue
            | Self::TargetForm
            | Self::TargetByte
            | Self::TargetEscape
            | Self::UncleanPath
            | Self::HostMissing
            | Self::HostTwice
            | Self::OriginTwice
            | Self::ContentLength
            | Self::ContentLengthTwice
            | Self::LengthAndEncoding
            | Self::EncodingOnOldVersion
            | Self::ContentTypeByte => 400,
        }
    }
}

names! {
    HeadError {
        NotHttp => "not-http",
        BareLineFeed => "bare-line-feed",
        BareCarriageReturn => "bare-carriage-return",
        Folded => "folded",
        TooLong => "head-too-long",
        TooManyFields => "too-many-fields",
        StartLine => "start-line",
        Version => "version",
        FieldName => "field-name",
        FieldValue => "field-value",
        TargetForm => "target-form",
        TargetByte => "target-byte",
        TargetEscape => "target-escape",
        UncleanPath => "unclean-path",
        HostMissing => "host-missing",
        HostTwice => "host-twice",
        OriginTwice => "origin-twice",
        ContentLength => "content-length",
        ContentLengthTwice => "content-length-twice",
        LengthAndEncoding => "length-and-encoding",
        TransferEncoding => "transfer-encoding",
        EncodingOnOldVersion => "encoding-on-old-version",
        ContentTypeByte => "content-type-byte",
    }
}

impl fmt::Display for HeadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotHttp => {
                "this is not an HTTP/1.1 request (a TLS client? use http:// or tcp:// without TLS)"
            }
            Self::BareLineFeed => "a line ends with LF alone; lines end with CR LF",
            Self::BareCarriageReturn => "a CR stands alone; lines end with CR LF",
            Self::Folded => "a header line begins with a blank; folded headers are not taken",
            Self::TooLong => "the request head is longer than MAX_HEAD_BYTES",
            Self::TooManyFields => "the request has more than 128 header lines",
            Self::StartLine => "the request line is not 'METHOD TARGET HTTP/1.1'",
            Self::Version => "only HTTP/1.0 and HTTP/1.1 are spoken here",
            Self::FieldName => "a header name is empty, no token, or followed by a blank",
            Self::FieldValue => "a header value holds a control byte",
            Self::TargetForm => "the request target does not begin with '/'",
            Self::TargetByte => "the request target holds a control byte, a blank or a '#'",
            Self::TargetEscape => "the path holds a '%' without two hexadecimal digits",
            Self::UncleanPath => {
                "the path, once decoded, has a backslash or a control byte, or ends in a slash"
            }
            Self::HostMissing => "an HTTP/1.1 request needs a Host header",
            Self::HostTwice => "the request has more than one Host header",
            Self::OriginTwice => "the request has more than one Origin header",
            Self::ContentLength => "Content-Length is not a plain decimal number that fits",
            Self::ContentLengthTwice => "the request has more than one Content-Length header",
            Self::LengthAndEncoding => "the request has both Content-Length and Transfer-Encoding",
            Self::TransferEncoding => "Transfer-Encoding is not the one word 'chunked'",
            Self::EncodingOnOldVersion => "HTTP/1.0 has no Transfer-Encoding",
            Self::ContentTypeByte => "Content-Type holds a byte outside ASCII",
        })
    }
}

impl std::error::Error for HeadError {}

/// Why a body's framing is refused: what follows can't be told apart from the body any more, so
/// the connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FramingError {
    /// A chunk size that is not `1*16HEXDIG`.
    ChunkSize,
    /// A chunk extension: no Docker client sends one, and parsers have differed over them.
    ChunkExtension,
    /// A line of the chunk framing that does not end with CR LF, or chunk data not followed by it.
    ChunkLineEnd,
    /// A trailer field in a request: no Docker client sends one.
    Trailer,
    /// The peer ended the connection inside the body.
    Truncated,
    /// More bytes were said to be moved than belong to the body.
    Overrun,
}

names! {
    FramingError {
        ChunkSize => "chunk-size",
        ChunkExtension => "chunk-extension",
        ChunkLineEnd => "chunk-line-end",
        Trailer => "trailer",
        Truncated => "truncated",
        Overrun => "overrun",
    }
}

impl fmt::Display for FramingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ChunkSize => "a chunk size is not 1 to 16 hexadecimal digits",
            Self::ChunkExtension => "a chunk has an extension",
            Self::ChunkLineEnd => "a line of the chunk framing does not end with CR LF",
            Self::Trailer => "the chunked body has a trailer",
            Self::Truncated => "the body ends before its length",
            Self::Overrun => "more bytes than the body has were moved",
        })
    }
}

impl std::error::Error for FramingError {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn each_rule_has_a_name_and_words_of_its_own() {
        let heads = HeadError::ALL.iter().map(|error| (error.name(), error.to_string()));
        let bodies = FramingError::ALL.iter().map(|error| (error.name(), error.to_string()));
        let (names, words): (BTreeSet<_>, BTreeSet<_>) = heads.chain(bodies).unzip();
        let count = HeadError::ALL.len() + FramingError::ALL.len();
        assert_eq!((names.len(), words.len()), (count, count));
        assert!(words.iter().all(|words| words.len() > 10));
    }
}
