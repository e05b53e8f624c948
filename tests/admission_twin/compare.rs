//! What the gate and its twin have read, held against each other.

use super::daemon::fold;
use super::reader::{self, Node, Value};
use dockgate::admission::json::{self, Json, Keys};
use std::collections::BTreeSet;

/// Whether both readers have found the same value.
pub fn is_same(json: &Json<'_>, node: &Node) -> bool {
    match (json, &node.value) {
        (Json::Null, Value::Null) => true,
        (Json::Bool(one), Value::Bool(other)) => one == other,
        (Json::Text(one), Value::Text(other)) => one == other,
        (Json::Integer(one), Value::Number(other)) => one.to_string() == *other,
        (Json::Number, Value::Number(other)) => !is_int64(other),
        (Json::List(ones), Value::List(others)) => {
            ones.len() == others.len() && ones.iter().zip(others).all(|(a, b)| is_same(a, b))
        }
        (Json::Object(ones), Value::Object(others)) => {
            let is_entry = |(one, other): (&json::Entry<'_>, &(String, Node))| {
                one.0 == other.0 && is_same(&one.1, &other.1)
            };
            ones.len() == others.len() && ones.iter().zip(others).all(is_entry)
        }
        (_, _) => false,
    }
}

/// Whether Go reads an `int64` there; `-0` is one to Go and a float to us, which is no less strict.
fn is_int64(number: &str) -> bool {
    let (digits, max) = match number.strip_prefix('-') {
        Some(digits) => (digits, "9223372036854775808"),
        None => (number, "9223372036854775807"),
    };
    let is_shorter = (digits.len(), digits) <= (max.len(), max);
    number != "-0" && digits.bytes().all(|digit| digit.is_ascii_digit()) && is_shorter
}

/// Whether any object has a key twice.
pub fn repeats(node: &Node, keys: Keys) -> bool {
    match &node.value {
        Value::List(nodes) => nodes.iter().any(|node| repeats(node, keys)),
        Value::Object(entries) => {
            let canonical = |key: &String| match keys {
                Keys::Folded => fold(key),
                Keys::Exact => key.clone(),
            };
            let distinct: BTreeSet<String> =
                entries.iter().map(|(key, _)| canonical(key)).collect();
            distinct.len() < entries.len() || entries.iter().any(|(_, node)| repeats(node, keys))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) => false,
    }
}

/// Whether a value may be beyond what the gate reads: it is stricter in these.
pub fn is_beyond(node: &Node) -> bool {
    reader::depth(node) > 100 || has_huge_number(node)
}

/// Whether a number may be too large for any float: Go does not mind where it skips it, we do.
fn has_huge_number(node: &Node) -> bool {
    match &node.value {
        Value::Number(number) => {
            let exponent = number.split_once(['e', 'E']).map_or("", |(_, exponent)| exponent);
            number.len() > 200 || exponent.trim_start_matches(['+', '-', '0']).len() > 2
        }
        Value::List(nodes) => nodes.iter().any(has_huge_number),
        Value::Object(entries) => entries.iter().any(|(_, node)| has_huge_number(node)),
        Value::Null | Value::Bool(_) | Value::Text(_) => false,
    }
}

/// The same, in what the gate has read.
pub fn repeats_somewhere(json: &Json<'_>, keys: Keys) -> bool {
    match json {
        Json::List(values) => values.iter().any(|value| repeats_somewhere(value, keys)),
        Json::Object(entries) => {
            json::repeated(entries, keys).is_some()
                || entries.iter().any(|(_, value)| repeats_somewhere(value, keys))
        }
        Json::Null | Json::Bool(_) | Json::Integer(_) | Json::Number | Json::Text(_) => false,
    }
}

/// The elements of all lists of mounts, as they are written, and the body without these lists.
pub fn mounts_apart(body: &str, node: &Node) -> (Vec<Vec<String>>, String) {
    fn lists<'n>(node: &'n Node, found: &mut Vec<(&'n Node, &'n [Node])>) {
        match &node.value {
            Value::Object(entries) => {
                for (key, node) in entries {
                    let holds_mounts = ["binds", "mounts"].contains(&fold(key).as_str());
                    if let (Value::List(nodes), true) = (&node.value, holds_mounts) {
                        found.push((node, nodes));
                    } else {
                        lists(node, found);
                    }
                }
            }
            Value::List(nodes) => nodes.iter().for_each(|node| lists(node, found)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) => {}
        }
    }
    let mut found = Vec::new();
    lists(node, &mut found);
    let mut rest = String::new();
    let mut done = 0;
    for (list, _) in &found {
        rest.push_str(&body[done..list.place.start]);
        rest.push('@');
        done = list.place.end;
    }
    rest.push_str(&body[done..]);
    let written = |node: &Node| body[node.place.clone()].to_owned();
    (found.iter().map(|(_, nodes)| nodes.iter().map(written).collect()).collect(), rest)
}
