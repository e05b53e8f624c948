//! Neighbouring bytes, many pairs at a time.

/// Pairs that are looked at together: a vector on most machines.
const BLOCK_PAIRS: usize = 16;

/// Whether any byte and the one after it are a pair of a kind. `kind` should be without branches,
/// so that the compiler takes many pairs at once.
#[inline]
pub(super) fn any_pair(bytes: &[u8], kind: impl Fn(u8, u8) -> bool + Copy) -> bool {
    let Some(last) = bytes.last_chunk::<{ BLOCK_PAIRS + 1 }>() else {
        let nexts = bytes.get(1..).unwrap_or_default();
        return bytes.iter().zip(nexts).any(|(&byte, &next)| kind(byte, next));
    };
    let mut rest = bytes;
    loop {
        // The last block has some of what came before it.
        let block = rest.first_chunk().unwrap_or(last);
        let pairs = block.iter().zip(&block[1..]);
        if pairs.fold(false, |any, (&byte, &next)| any | kind(byte, next)) {
            return true;
        }
        rest = rest.get(BLOCK_PAIRS..).unwrap_or_default();
        if rest.len() < 2 {
            return false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_is_found_wherever_it_stands() {
        for length in 0..60usize {
            let mut bytes = vec![b'x'; length];
            let is_pair = |byte, next| byte == b'/' && next == b'.';
            assert!(!any_pair(&bytes, is_pair), "in {length}");
            for place in 1..length {
                bytes[place - 1] = b'/';
                bytes[place] = b'.';
                assert!(any_pair(&bytes, is_pair), "at {place} of {length}");
                bytes[place - 1] = b'x';
                bytes[place] = b'x';
            }
        }
    }
}
