//! Takes elements out of lists in a body, and replaces texts in it. What is not meant stays as it
//! was written: numbers, escapes, unknown fields, all of it.

use super::finding::Step;
use super::json::is_named;
use core::fmt;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// The list element that a path leads into, for the lists that hold mounts: the path of the list
/// and the element's index.
fn mount_of(path: &[Step]) -> Option<(&[Step], usize)> {
    let is_list = |step: &Step| matches!(step, Step::Field("Binds" | "Mounts"));
    let end = path.iter().rposition(is_list)?.checked_add(1)?;
    match (path.get(..end), path.get(end)) {
        (Some(list), Some(Step::Index(index))) => Some((list, *index)),
        (_, _) => None,
    }
}

/// `body` without the elements that `paths` lead into; `None` if one of them leads to none.
#[must_use]
pub fn without_mounts<'p>(body: &[u8], paths: impl Iterator<Item = &'p [Step]>) -> Option<Vec<u8>> {
    let body = core::str::from_utf8(body).ok()?;
    let mut indices: Vec<(&[Step], BTreeSet<usize>)> = Vec::new();
    for path in paths {
        let (list, index) = mount_of(path)?;
        match indices.iter_mut().find(|(known, _)| *known == list) {
            Some((_, indices)) => {
                indices.insert(index);
            }
            None => indices.push((list, BTreeSet::from([index]))),
        }
    }
    // By where they begin. A list is looked for once, however much of it goes.
    let mut lists: BTreeMap<usize, (&str, BTreeSet<usize>)> = BTreeMap::new();
    for (list, indices) in indices {
        let list = locate(body, list)?;
        lists.insert(offset(body, list)?, (list, indices));
    }
    let mut kept = String::with_capacity(body.len());
    let mut done = 0;
    for (start, (list, indices)) in lists {
        kept.push_str(body.get(done..start)?);
        let elements: Vec<&RawValue> = serde_json::from_str(list).ok()?;
        if indices.iter().any(|&index| index >= elements.len()) {
            return None;
        }
        let left = elements.iter().enumerate().filter(|(index, _)| !indices.contains(index));
        let left: Vec<&str> = left.map(|(_, element)| element.get()).collect();
        kept.push('[');
        kept.push_str(&left.join(","));
        kept.push(']');
        done = start.checked_add(list.len())?;
    }
    kept.push_str(body.get(done..)?);
    Some(kept.into_bytes())
}

/// `body` with the texts that the paths lead to replaced; `None` if one of them leads to none, or a
/// new text has characters that would have to be escaped.
#[must_use]
pub fn with_texts(body: &[u8], texts: &[(&[Step], String)]) -> Option<Vec<u8>> {
    let body = core::str::from_utf8(body).ok()?;
    let mut replaced: BTreeMap<usize, (&str, &str)> = BTreeMap::new();
    for (path, text) in texts {
        let old = locate(body, path)?;
        let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"\\".contains(&byte));
        if !old.starts_with('"') || !is_plain {
            return None;
        }
        replaced.insert(offset(body, old)?, (old, text));
    }
    let mut result = String::with_capacity(body.len());
    let mut done = 0;
    for (start, (old, text)) in replaced {
        result.push_str(body.get(done..start)?);
        result.push('"');
        result.push_str(text);
        result.push('"');
        done = start.checked_add(old.len())?;
    }
    result.push_str(body.get(done..)?);
    Some(result.into_bytes())
}

/// The text of the value that the steps lead to.
fn locate<'b>(body: &'b str, steps: &[Step]) -> Option<&'b str> {
    let mut text = body.trim_ascii();
    for step in steps {
        text = match step {
            Step::Index(index) => {
                let elements: Vec<&RawValue> = serde_json::from_str(text).ok()?;
                elements.get(*index)?.get()
            }
            Step::Field(name) => {
                let entries: Entries<'_> = serde_json::from_str(text).ok()?;
                entries.0.into_iter().find(|(key, _)| is_named(key, name))?.1.get()
            }
            Step::Key(name) => {
                let entries: Entries<'_> = serde_json::from_str(text).ok()?;
                entries.0.into_iter().find(|(key, _)| key == name)?.1.get()
            }
            Step::Container(_) | Step::Exec(_) => return None,
        };
    }
    Some(text)
}

fn offset(body: &str, part: &str) -> Option<usize> {
    part.as_ptr().addr().checked_sub(body.as_ptr().addr())
}

/// An object's entries, their values unread.
struct Entries<'b>(Vec<(Cow<'b, str>, &'b RawValue)>);

impl<'de> Deserialize<'de> for Entries<'de> {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        source.deserialize_map(EntriesVisitor)
    }
}

struct EntriesVisitor;

impl<'de> Visitor<'de> for EntriesVisitor {
    type Value = Entries<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        while let Some((key, value)) = map.next_entry::<String, &RawValue>()? {
            entries.push((Cow::Owned(key), value));
        }
        Ok(Entries(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binds(index: usize) -> Vec<Step> {
        vec![Step::Field("HostConfig"), Step::Field("Binds"), Step::Index(index)]
    }

    fn cut(body: &str, paths: &[Vec<Step>]) -> Option<String> {
        let cut = without_mounts(body.as_bytes(), paths.iter().map(Vec::as_slice))?;
        Some(String::from_utf8(cut).expect("a text"))
    }

    #[test]
    fn what_is_not_taken_out_stays_as_it_was() {
        let body = r#" {"X":9007199254740993, "hostconfig" : {"Bind\u017f" : [ "/etc:/e" , "a\u0062:/b","/x:/x"], "N":1.0e3,"Mounts":[{"Source":"/","Target":"/r"}]} , "Z":null}
"#;
        let mount = vec![
            Step::Field("HostConfig"),
            Step::Field("Mounts"),
            Step::Index(0),
            Step::Field("Source"),
        ];
        assert_eq!(
            cut(body, &[binds(0), binds(2), mount]).as_deref(),
            Some(
                r#" {"X":9007199254740993, "hostconfig" : {"Bind\u017f" : ["a\u0062:/b"], "N":1.0e3,"Mounts":[]} , "Z":null}
"#
            )
        );
        assert_eq!(cut(body, &[]).as_deref(), Some(body));
    }

    #[test]
    fn a_list_below_a_map_is_found_by_its_exact_key() {
        let body = r#"{"M":{"A":{"Binds":["x"]},"a":{"Binds":["y","z"]}}}"#;
        let path = |key: &str| {
            let key = Step::Key(key.to_owned());
            vec![Step::Field("M"), key, Step::Field("Binds"), Step::Index(0)]
        };
        let expected = r#"{"M":{"A":{"Binds":["x"]},"a":{"Binds":["z"]}}}"#;
        assert_eq!(cut(body, &[path("a")]).as_deref(), Some(expected));
        assert_eq!(cut(body, &[path("b")]), None);
    }

    #[test]
    fn what_is_not_there_is_not_taken_out() {
        let body = r#"{"HostConfig":{"Binds":["/etc:/e"]}}"#;
        assert_eq!(cut(body, &[binds(1)]), None);
        assert_eq!(cut(body, &[vec![Step::Field("HostConfig"), Step::Field("Binds")]]), None);
        assert_eq!(cut(r#"{"HostConfig":{"Binds":"/etc:/e"}}"#, &[binds(0)]), None);
    }

    #[test]
    fn a_text_is_replaced_and_nothing_else() {
        let body = r#" {"contain\u0065r" : "we\u0062" ,"L":["a:ro", "b"], "N":1.0e3}"#;
        let texts: [(&[Step], String); 2] = [
            (&[Step::Field("Container")], "0f".to_owned()),
            (&[Step::Field("L"), Step::Index(0)], "0e:ro".to_owned()),
        ];
        let replaced = with_texts(body.as_bytes(), &texts).expect("texts");
        let expected = r#" {"contain\u0065r" : "0f" ,"L":["0e:ro", "b"], "N":1.0e3}"#;
        assert_eq!(String::from_utf8_lossy(&replaced), expected);
        for (path, text) in [
            (vec![Step::Field("N")], "0f"),
            (vec![Step::Field("X")], "0f"),
            (vec![Step::Field("Container")], "0\"f"),
            (vec![Step::Field("L"), Step::Index(2)], "0f"),
        ] {
            assert_eq!(with_texts(body.as_bytes(), &[(&path, text.to_owned())]), None, "{path:?}");
        }
    }
}
