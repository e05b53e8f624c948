//! Any bytes as a query: the gate reads what Go's `url.ParseQuery` reads, or nothing.

use super::naive_query;
use dockgate::admission::query;

/// Whether they are a query.
pub fn holds(bytes: &[u8]) -> bool {
    let read = query::read(bytes);
    let naive = naive_query::read(bytes);
    let naive = naive.and_then(|pairs| pairs.into_iter().map(text).collect::<Option<Vec<_>>>());
    assert_eq!(read, naive, "the gate first, the naive reader second");
    read.is_some()
}

/// Stricter than Go: keys and values are text.
fn text((key, value): naive_query::Pair) -> Option<(String, String)> {
    Some((String::from_utf8(key).ok()?, String::from_utf8(value).ok()?))
}
