//! A query as the daemon reads it (Go's `net/url`, `ParseQuery`): decoded once, and of several
//! values the first, except where it takes each. What it would drop or find twice is refused.

use super::field::{Field, Rule};
use super::finding::{Cause, Step};
use super::json::Json;
use super::judge::Judge;
use crate::http::target::percent_decode;
use std::borrow::Cow;

/// Judges the parameters of a query that have a line in `fields`.
pub fn judge(judge: &mut Judge<'_>, fields: &'static [Field], query: &[u8]) {
    let Some(parameters) = read(query) else {
        return judge.find(
            Cause::Query,
            "",
            "has a query with ';', a bad escape or bytes that are no UTF-8",
            String::new(),
        );
    };
    for field in fields.iter().filter(|field| !matches!(field.rule, Rule::Harmless)) {
        let mut values = parameters.iter().filter(|(key, _)| key == field.name);
        if matches!(field.rule, Rule::Each(_)) {
            let text = |(_, value): &(String, String)| Json::Text(Cow::Owned(value.clone()));
            judge.field(field, &Json::List(values.map(text).collect()));
            continue;
        }
        let Some((_, value)) = values.next() else { continue };
        if values.next().is_some() {
            judge.step(Step::Field(field.name), |judge| {
                judge.find(Cause::Query, "", "is in the query more than once", String::new());
            });
        }
        judge.field(field, &Json::Text(Cow::Borrowed(value)));
    }
}

/// Whether a parameter is true as the daemon reads one (moby `daemon/server/httputils/form.go`,
/// `BoolValue`: the first of several). A query that can't be read may say so.
#[must_use]
pub fn is_true(query: Option<&[u8]>, name: &str) -> bool {
    const FALSE: [&str; 5] = ["", "0", "no", "false", "none"];
    let Some(parameters) = read(query.unwrap_or_default()) else { return true };
    let value = parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value);
    value.is_some_and(|value| !FALSE.contains(&value.trim().to_ascii_lowercase().as_str()))
}

/// The parameters in their order; `None` where the daemon would drop a part.
#[must_use]
pub fn read(query: &[u8]) -> Option<Vec<(String, String)>> {
    if query.contains(&b';') {
        return None;
    }
    let parts = query.split(|&byte| byte == b'&').filter(|part| !part.is_empty());
    parts
        .map(|part| {
            let mut halves = part.splitn(2, |&byte| byte == b'=');
            let key = decode(halves.next().unwrap_or_default())?;
            let value = decode(halves.next().unwrap_or_default())?;
            Some((key, value))
        })
        .collect()
}

fn decode(raw: &[u8]) -> Option<String> {
    let spaced: Vec<u8> = raw.iter().map(|&byte| if byte == b'+' { b' ' } else { byte }).collect();
    String::from_utf8(percent_decode(&spaced).ok()?.into_owned()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_decoded_once() {
        let read = |query: &str| read(query.as_bytes());
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        assert_eq!(read("a=1&b"), Some(vec![pair("a", "1"), pair("b", "")]));
        assert_eq!(read("&&a=b=c&"), Some(vec![pair("a", "b=c")]));
        assert_eq!(read("%61=%2531+x%2By"), Some(vec![pair("a", "%31 x+y")]));
        assert_eq!(read(""), Some(vec![]));
        for bad in ["a=1;b=2", "a=%", "a=%g0", "%4=1", "a=%ff"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_parameter_is_true_as_the_daemon_reads_it() {
        for (query, expected) in [
            ("force=1", true),
            ("force=true&force=0", true),
            ("f%6Frce=x", true),
            ("force=;", true),
            ("", false),
            ("force", false),
            ("force=0&force=1", false),
            ("force=+False+", false),
            ("Force=1", false),
        ] {
            assert_eq!(is_true(Some(query.as_bytes()), "force"), expected, "{query}");
        }
        assert!(!is_true(None, "force"));
    }
}
