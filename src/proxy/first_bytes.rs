//! The first bytes of a body that decide whether it may be sent. They are read, framing and all, and
//! kept as they came, to go on with the head as one piece; what follows them is not looked at.

use super::client::{Client, Uncollected};
use crate::admission::compressed::{self, BYTES_MAX, Compression};
use crate::http::BodyCursor;
use std::time::Duration;

/// What looking has shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Looked {
    /// The body begins as a compressed archive does.
    pub is_compressed: bool,
    /// The client let the gate wait for it.
    pub waited: bool,
}

/// Looks at a body until it is seen whether it is compressed, for at most `patience`. What was read
/// of it is appended to `seen`.
///
/// # Errors
/// See [`Uncollected`].
pub async fn look(
    client: &mut Client,
    body: &mut BodyCursor,
    patience: Duration,
    seen: &mut Vec<u8>,
) -> Result<Looked, Uncollected> {
    let mut first = Vec::with_capacity(BYTES_MAX);
    let mut waited = false;
    client.seat.allow(patience);
    loop {
        let is_compressed = match compressed::detect(&first) {
            Compression::Compressed => true,
            Compression::Plain => false,
            // Nothing more comes.
            Compression::Open if body.is_complete() => false,
            Compression::Open => {
                if client.inbox.is_empty() {
                    waited = true;
                    client.more().await?;
                }
                let filled = client.inbox.filled();
                // Data is what may be moved unread; the rest is framing, a byte at a time.
                let unread = usize::try_from(body.blind()).unwrap_or(usize::MAX);
                let data = unread.min(filled.len()).min(BYTES_MAX - first.len());
                let count = body.read(&filled[..data.max(1)]).map_err(Uncollected::Bad)?;
                first.extend_from_slice(&filled[..data]);
                seen.extend_from_slice(&filled[..count]);
                client.inbox.consume(count);
                continue;
            }
        };
        return Ok(Looked { is_compressed, waited });
    }
}
