//! The same bytes in pieces.

use dockgate::http::{HeadError, HeadScan};

/// Places where bytes are cut in two, beside coming one by one.
const CUTS: usize = 8;

/// However bytes come, the end of their head is found as when they come at once.
pub fn finds_the_same(
    bytes: &[u8],
    head_bytes_max: usize,
    whole: Result<Option<usize>, HeadError>,
) {
    // Of two faults another one may be seen first.
    let whole = whole.map_err(|_| ());
    let one_by_one = in_pieces(bytes, head_bytes_max, 1..=bytes.len());
    assert_eq!(one_by_one, whole, "byte by byte");
    // Elsewhere for every input, and the same for the same one.
    let begin = bytes.iter().fold(1, |sum: usize, &byte| sum.wrapping_mul(31) + usize::from(byte));
    let step = bytes.len() / CUTS + 1;
    for at in (begin % step..bytes.len()).step_by(step) {
        let found = in_pieces(bytes, head_bytes_max, [at, bytes.len()].into_iter());
        assert_eq!(found, whole, "cut at {at}");
    }
}

fn in_pieces(
    bytes: &[u8],
    head_bytes_max: usize,
    ends: impl Iterator<Item = usize>,
) -> Result<Option<usize>, ()> {
    let mut scan = HeadScan::default();
    for end in ends {
        match scan.find(&bytes[..end], head_bytes_max) {
            Ok(None) => {}
            found => return found.map_err(|_| ()),
        }
    }
    Ok(None)
}
