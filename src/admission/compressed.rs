//! Which archives the daemon takes for compressed: those that begin with one of a few bytes (moby
//! `pkg/archive` up to 28, `github.com/moby/go-archive/compression` since). It looks at the first
//! ten bytes of the data, or at as many as there are.

/// No beginning that decides has more bytes than this.
pub const BYTES_MAX: usize = 6;

/// A beginning, and the bits of its first byte that count.
type Beginning = (&'static [u8], u8);

/// The beginnings of every format that an engine recognises. A zstd stream may begin with a frame
/// that is skipped (RFC 8878, section 3.1.2), of which there are sixteen.
const BEGINNINGS: [Beginning; 5] = [
    // bzip2
    (b"BZh", 0xff),
    // gzip
    (b"\x1f\x8b\x08", 0xff),
    // xz
    (b"\xfd7zXZ\0", 0xff),
    // zstd
    (b"\x28\xb5\x2f\xfd", 0xff),
    (b"\x50\x2a\x4d\x18", 0xf0),
];

/// What the first bytes of an archive say of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// It is compressed, whatever comes.
    Compressed,
    /// It is not, whatever comes.
    Plain,
    /// That depends on what comes.
    Open,
}

/// Looks at the first bytes of an archive, as many as have come.
#[must_use]
pub fn detect(first: &[u8]) -> Compression {
    let agrees = |(beginning, mask): &Beginning| {
        let mut masks = core::iter::once(*mask).chain(core::iter::repeat(0xff));
        beginning.iter().zip(first).all(|(known, byte)| {
            let mask = masks.next().unwrap_or(0xff);
            known & mask == byte & mask
        })
    };
    let is_whole = |(beginning, _): &&Beginning| beginning.len() <= first.len();
    let mut candidates = BEGINNINGS.iter().filter(|beginning| agrees(beginning)).peekable();
    if candidates.peek().is_none() {
        Compression::Plain
    } else if candidates.any(|beginning| is_whole(&beginning)) {
        Compression::Compressed
    } else {
        Compression::Open
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Beginnings as the formats' own programs write them, and frames that are skipped.
    const COMPRESSED: [&[u8]; 7] = [
        b"BZh91AY&SY",
        b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03",
        b"\xfd7zXZ\x00\x00\x04\xe6\xd6",
        b"\x28\xb5\x2f\xfd\x04\x58",
        b"\x50\x2a\x4d\x18\x04\x00",
        b"\x57\x2a\x4d\x18\x04\x00",
        b"\x5f\x2a\x4d\x18\x04\x00",
    ];

    #[test]
    fn each_format_is_known_as_soon_as_it_can_be_and_not_before() {
        for bytes in COMPRESSED {
            let lengths = 0..=bytes.len();
            let found: Vec<_> = lengths.map(|length| detect(&bytes[..length])).collect();
            let open = found.iter().take_while(|&&found| found == Compression::Open).count();
            assert!((3..=BYTES_MAX).contains(&open), "{bytes:?}: {found:?}");
            let rest = &found[open..];
            assert!(!rest.is_empty(), "{bytes:?}");
            assert!(rest.iter().all(|&found| found == Compression::Compressed), "{bytes:?}");
        }
    }

    #[test]
    fn a_tar_is_plain_from_the_byte_that_makes_it_one() {
        for (bytes, from) in [
            (&b"file"[..], 1),
            (b"./", 1),
            (b"\0\0\0\0\0\0\0\0\0\0", 1),
            (b"BZ", 3),
            (b"BZip", 3),
            (b"Pack", 2),
            (b"P*M/", 4),
            (b"_*M", 4),
            (b"(1)", 2),
            (b"\x1f\x8b\x07", 3),
            (b"\xfd7zXZ\x01", 6),
            (b"\x60\x2a\x4d\x18", 1),
            (b"\x4f\x2a\x4d\x18", 1),
        ] {
            for length in 0..=bytes.len() {
                let expected = if length < from { Compression::Open } else { Compression::Plain };
                assert_eq!(detect(&bytes[..length]), expected, "{bytes:?} {length}");
            }
        }
    }

    #[test]
    fn every_beginning_is_decided_within_the_bytes_that_are_looked_at() {
        let longest = BEGINNINGS.iter().map(|(beginning, _)| beginning.len()).max();
        assert_eq!(longest, Some(BYTES_MAX));
    }
}
