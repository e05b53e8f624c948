//! JSON with one reading: that of the daemon (Go's `encoding/json`), where every other reader
//! would find the same. What readers disagree about, repeated keys, is found here and refused.

use core::cell::Cell;
use core::fmt;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;

/// A body may hold so many values, counting every element, key and key's value: a container that
/// publishes every port has 589,824 and some (`docker create -p 1-65535`, 4 MB), and each takes some 60
/// bytes at most, so that reading a body takes 40 MB at most.
const VALUES_MAX: usize = 655_360;

/// Above so many keys it is quicker to sort them than to compare each with each.
const COMPARED_KEYS_MAX: usize = 16;

/// A value. Texts without escapes are borrowed from the body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Json<'b> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number that fits the daemon's `int64`, written as one.
    Integer(i64),
    /// Any other number.
    Number,
    /// A string.
    Text(Cow<'b, str>),
    /// An array.
    List(Vec<Self>),
    /// An object, in the order of the body, repeated keys included.
    Object(Vec<Entry<'b>>),
}

/// A key with its value.
pub type Entry<'b> = (Cow<'b, str>, Json<'b>);

/// Why a body is no JSON that could be judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JsonError {
    /// It is not one complete value, in UTF-8, with nothing after it, at most 128 deep.
    NotOneValue,
    /// It holds more values than any real body.
    TooManyValues,
}

/// Reads a body.
///
/// # Errors
/// See [`JsonError`].
pub fn read(body: &[u8]) -> Result<Json<'_>, JsonError> {
    let left = Cell::new(VALUES_MAX);
    // Checked in one go, which is quicker than text by text.
    let body = core::str::from_utf8(body).map_err(|_| JsonError::NotOneValue)?;
    let mut source = serde_json::Deserializer::from_str(body);
    let value = Reader { left: &left }
        .deserialize(&mut source)
        .and_then(|value| source.end().map(|()| value));
    value.map_err(
        |_| {
            if left.get() == 0 { JsonError::TooManyValues } else { JsonError::NotOneValue }
        },
    )
}

impl Json<'_> {
    /// Whether it says no more than its absence would: null, false, 0, "", [] or {}.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Bool(on) => !on,
            Self::Integer(number) => *number == 0,
            Self::Number => false,
            Self::Text(text) => text.is_empty(),
            Self::List(values) => values.is_empty(),
            Self::Object(entries) => entries.is_empty(),
        }
    }

    /// The text, where it is one.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// The entries, where it is an object.
    #[must_use]
    pub fn entries(&self) -> Option<&[Entry<'_>]> {
        if let Self::Object(entries) = self { Some(entries) } else { None }
    }

    /// The value of a struct's field, where it is an object that has one.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Self> {
        let Self::Object(entries) = self else { return None };
        entries.iter().find(|(key, _)| is_named(key, name)).map(|(_, value)| value)
    }
}

/// Whether the daemon takes `key` for its field `name`, or two keys for one field: Go compares with
/// Unicode's simple case folding, in which two letters outside ASCII are equal to one inside. Fields
/// are ASCII, so other letters outside it need no folding.
#[must_use]
pub fn is_named(key: &str, name: &str) -> bool {
    // Most keys differ from most names in the first letter.
    let may_be = match (key.as_bytes().first(), name.as_bytes().first()) {
        (Some(one), Some(other)) if one.is_ascii() && other.is_ascii() => {
            one.eq_ignore_ascii_case(other)
        }
        (_, _) => true,
    };
    let is_ascii = || key.is_ascii() && name.is_ascii();
    may_be
        && (key.eq_ignore_ascii_case(name)
            || !is_ascii() && key.chars().map(folded).eq(name.chars().map(folded)))
}

fn folded(letter: char) -> char {
    match letter {
        // U+017F, the long s.
        'ſ' => 's',
        // U+212A, the Kelvin sign.
        '\u{212a}' => 'k',
        other => other.to_ascii_lowercase(),
    }
}

/// Whether two keys are one and the same: folded in a struct, exactly in a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keys {
    /// Fields of a struct.
    Folded,
    /// Keys of a map.
    Exact,
}

impl Keys {
    /// A key's letters, as they are compared.
    fn letters(self, key: &str) -> impl Iterator<Item = char> + '_ {
        key.chars().map(move |letter| match self {
            Self::Folded => folded(letter),
            Self::Exact => letter,
        })
    }
}

/// A key that is there twice.
#[must_use]
pub fn repeated<'e>(entries: &'e [Entry<'_>], keys: Keys) -> Option<&'e str> {
    if entries.len() <= COMPARED_KEYS_MAX {
        let mut rest = entries;
        while let Some(((key, _), after)) = rest.split_first() {
            let is_same = |other: &str| match keys {
                Keys::Folded => is_named(other, key),
                Keys::Exact => other == key,
            };
            if after.iter().any(|(other, _)| is_same(other)) {
                return Some(key);
            }
            rest = after;
        }
        return None;
    }
    let mut sorted: Vec<(u64, &str)> =
        entries.iter().map(|(key, _)| (digest(key, keys), key.as_ref())).collect();
    // Whoever finds keys with one digest gains nothing: they are compared letter by letter.
    sorted.sort_unstable_by(|(one, key), (other, other_key)| {
        let letters = || keys.letters(key).cmp(keys.letters(other_key));
        one.cmp(other).then_with(letters)
    });
    let mut pairs = sorted.iter().zip(sorted.iter().skip(1));
    let is_same = |one: &(u64, &str), other: &(u64, &str)| {
        one.0 == other.0 && keys.letters(one.1).eq(keys.letters(other.1))
    };
    pairs.find(|(one, next)| is_same(one, next)).map(|(_, &(_, key))| key)
}

/// A number that equal keys share, and few others (FNV-1a).
fn digest(key: &str, keys: Keys) -> u64 {
    keys.letters(key).fold(0xcbf2_9ce4_8422_2325, |digest, letter| {
        (digest ^ u64::from(u32::from(letter))).wrapping_mul(0x100_0000_01b3)
    })
}

#[derive(Clone, Copy)]
struct Reader<'c> {
    left: &'c Cell<usize>,
}

impl Reader<'_> {
    fn count<E: serde::de::Error>(self) -> Result<(), E> {
        let left = self.left.get().checked_sub(1);
        self.left.set(left.unwrap_or_default());
        match left {
            Some(1..) => Ok(()),
            Some(0) | None => Err(E::custom("too many values")),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Reader<'_> {
    type Value = Json<'de>;

    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<Self::Value, D::Error> {
        self.count()?;
        source.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader<'_> {
    type Value = Json<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, on: bool) -> Result<Self::Value, E> {
        Ok(Json::Bool(on))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Json::Integer(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(i64::try_from(number).map_or(Json::Number, Json::Integer))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Json::Number)
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Json::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Json::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Self::Value, A::Error> {
        let mut list = Vec::new();
        while let Some(value) = elements.next_element_seed(self)? {
            list.push(value);
        }
        // Room for more than it has would be most of the memory of many short lists.
        list.shrink_to_fit();
        Ok(Json::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = fields.next_key_seed(self)? {
            let Json::Text(key) = key else {
                return Err(A::Error::custom("a key is a string"));
            };
            entries.push((key, fields.next_value_seed(self)?));
        }
        entries.shrink_to_fit();
        Ok(Json::Object(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_one_value_and_nothing_more() {
        for body in ["{}", "null", " [1] \n", "\"x\"", "{\"a\":{\"b\":[]}}"] {
            assert!(read(body.as_bytes()).is_ok(), "{body:?}");
        }
        for body in [
            "",
            " ",
            "{",
            "{}x",
            "{}{}",
            "{}}",
            "{\"a\":1,}",
            "\u{feff}{}",
            "{'a':1}",
            "{a:1}",
            "[1,]",
            "01",
            "+1",
            ".5",
            "NaN",
            "\"\n\"",
            "\"\\ud800\"",
            "{\"a\" 1}",
            "{1:1}",
            "// x\n{}",
        ] {
            assert_eq!(read(body.as_bytes()), Err(JsonError::NotOneValue), "{body:?}");
        }
        assert_eq!(read(b"\"\xff\""), Err(JsonError::NotOneValue));
        assert_eq!(read("[".repeat(200_000).as_bytes()), Err(JsonError::NotOneValue));
        let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
        assert_eq!(read(deep.as_bytes()), Err(JsonError::NotOneValue));
    }

    #[test]
    #[cfg_attr(miri, ignore = "200,000 values")]
    fn memory_is_bounded_by_the_number_of_values() {
        let many = format!("[{}1]", "1,".repeat(VALUES_MAX));
        assert_eq!(read(many.as_bytes()), Err(JsonError::TooManyValues));
        let keys: Vec<String> = (0..VALUES_MAX).map(|key| format!("\"{key}\":1")).collect();
        let many = format!("{{{}}}", keys.join(","));
        assert_eq!(read(many.as_bytes()), Err(JsonError::TooManyValues));
        let enough = format!("[{}1]", "1,".repeat(VALUES_MAX / 2));
        assert!(read(enough.as_bytes()).is_ok());
    }

    #[test]
    fn a_container_that_publishes_every_port_can_be_read() {
        let ports = |value: &dyn Fn(usize) -> String| {
            let entry = |port| format!("\"{port}/tcp\":{}", value(port));
            (1..=65_535).map(entry).collect::<Vec<_>>().join(",")
        };
        let exposed = ports(&|_| "{}".to_owned());
        let bound = ports(&|port| format!(r#"[{{"HostIp":"127.0.0.1","HostPort":"{port}"}}]"#));
        let body = format!(
            r#"{{"Image":"x","ExposedPorts":{{{exposed}}},"HostConfig":{{"PortBindings":{{{bound}}}}}}}"#
        );
        assert!(body.len() < 6_291_456, "{}", body.len());
        assert!(read(body.as_bytes()).is_ok());
        assert!(size_of::<Json<'_>>() <= 32 && size_of::<Entry<'_>>() <= 56);
    }

    #[test]
    fn numbers_are_integers_only_where_the_daemon_reads_one() {
        for (text, expected) in [
            ("0", Json::Integer(0)),
            ("9223372036854775807", Json::Integer(i64::MAX)),
            ("-9223372036854775808", Json::Integer(i64::MIN)),
            ("9223372036854775808", Json::Number),
            ("1.0", Json::Number),
            ("1e7", Json::Number),
        ] {
            assert_eq!(read(text.as_bytes()), Ok(expected), "{text}");
        }
    }

    #[test]
    fn only_what_says_no_more_than_its_absence_is_empty() {
        for (text, expected) in [
            ("null", true),
            ("false", true),
            ("0", true),
            ("\"\"", true),
            ("[]", true),
            ("{}", true),
            ("true", false),
            ("-1", false),
            ("0.0", false),
            ("\" \"", false),
            ("[null]", false),
            ("{\"\":null}", false),
        ] {
            let json = read(text.as_bytes()).expect("json");
            assert_eq!(json.is_empty(), expected, "{text}");
        }
    }

    #[test]
    fn keys_fold_as_go_folds_them() {
        for key in ["HostConfig", "hostconfig", "HOSTCONFIG", "Ho\u{17f}tConfig"] {
            assert!(is_named(key, "HostConfig"), "{key}");
        }
        assert!(is_named("Networ\u{212a}Mode", "NetworkMode"));
        assert!(is_named("\u{17f}ecurityOpt", "SecurityOpt"));
        assert!(is_named("\u{212a}ernelMemory", "KernelMemory"));
        assert!(is_named("SecurityOpt", "\u{17f}ecurityOpt"));
        for key in
            ["HostConfig ", "Host\u{131}Config", "Ｈostconfig", "Host_Config", "HostConfi", ""]
        {
            assert!(!is_named(key, "HostConfig"), "{key}");
        }
        assert_eq!(
            read(br#"{"Ho\u017ftConfig":1}"#).expect("json").field("HostConfig"),
            Some(&Json::Integer(1))
        );
    }

    #[test]
    fn repeated_keys_are_found_in_few_and_in_many() {
        for filler in [0, 40] {
            let filler: Vec<String> = (0..filler).map(|key| format!("\"{key}\":0,")).collect();
            let filler = filler.concat();
            let find = |pair: &str, keys| {
                let body = format!("{{{filler}{pair}}}");
                let json = read(body.as_bytes()).expect("json");
                repeated(json.entries().expect("an object"), keys).is_some()
            };
            assert!(find("\"a\":1,\"A\":2", Keys::Folded));
            assert!(!find("\"a\":1,\"A\":2", Keys::Exact));
            assert!(find("\"a\":1,\"b\":1,\"a\":2", Keys::Exact));
            assert!(find("\"mask\":1,\"ma\\u017fK\":2", Keys::Folded));
            assert!(find("\"ma\\u017fK\":1,\"mask\":2", Keys::Folded));
            assert!(!find("\"a\":1,\"b\":2", Keys::Folded));
        }
    }
}
