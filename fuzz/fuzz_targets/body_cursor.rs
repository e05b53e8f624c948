//! Any bytes as a chunked body: cut anywhere, and moved blindly where the cursor allows it, the
//! same bytes are the body's.
#![no_main]

use dockgate::http::{BodyCursor, BodyFraming, FramingError, Trailers};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (bool, Vec<u8>, &[u8])| {
    let (trailers, steps, bytes) = input;
    let trailers = if trailers { Trailers::Pass } else { Trailers::Refuse };
    let mut whole = BodyCursor::new(BodyFraming::Chunked, trailers);
    let expected = whole.read(bytes).map(|count| (count, whole.is_complete()));
    assert_eq!(in_steps(bytes, &steps, trailers), expected);
});

fn in_steps(bytes: &[u8], steps: &[u8], trailers: Trailers) -> Result<(usize, bool), FramingError> {
    let mut cursor = BodyCursor::new(BodyFraming::Chunked, trailers);
    let mut steps = steps.iter().copied().chain(std::iter::repeat(1));
    let mut at = 0;
    while at < bytes.len() && !cursor.is_complete() {
        let step = steps.next().unwrap_or(1);
        let count = usize::from(step / 2).clamp(1, bytes.len() - at);
        let blind = usize::try_from(cursor.blind()).unwrap_or(usize::MAX).min(count);
        if step % 2 == 1 && blind > 0 {
            cursor.moved(blind as u64)?;
            at += blind;
        } else {
            at += cursor.read(&bytes[at..at + count])?;
        }
    }
    Ok((at, cursor.is_complete()))
}
