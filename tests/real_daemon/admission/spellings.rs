//! The ways to write one request that the daemon reads alike, and some that other readers read
//! otherwise: each is generated, so that a row of the table is written once.

use serde_json::Value;

use super::elsewhere::QUERIES;
use super::row::{Place, Row};

/// What the refusal must say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Says {
    /// What is wrong with the argument, and what would open it.
    Argument,
    /// A key is there twice.
    Repeated,
    /// Something follows the body's one value.
    NotOneValue,
    /// The body is a form.
    Form,
    /// The query can be read in more than one way, or else what is wrong with the argument.
    Query,
}

/// One way to write a request.
#[derive(Debug)]
pub struct Spelling {
    pub how: &'static str,
    /// In the pieces that are sent one by one.
    pub pieces: Vec<Vec<u8>>,
    pub says: Says,
}

/// One way to write a body.
pub type Body = (&'static str, String, Says);

pub type Key = fn(&str) -> String;

pub const KEYS: [(&str, Key); 7] = [
    ("plainly", str::to_owned),
    ("in small letters", str::to_ascii_lowercase),
    ("in capitals", str::to_ascii_uppercase),
    ("in the other case", other_case),
    ("with the long s and the Kelvin sign", |key| folded(key, "\u{17f}", "\u{212a}")),
    ("with the long s and the Kelvin sign escaped", |key| folded(key, "\\u017f", "\\u212A")),
    ("escaped", escaped),
];

fn other_case(key: &str) -> String {
    let swap =
        |c: char| if c.is_uppercase() { c.to_ascii_lowercase() } else { c.to_ascii_uppercase() };
    key.chars().map(swap).collect()
}

fn folded(key: &str, s: &str, k: &str) -> String {
    key.replace(['s', 'S'], s).replace(['k', 'K'], k)
}

fn escaped(key: &str) -> String {
    let letters: Vec<String> = key.chars().map(|c| format!("\\u{:04x}", u32::from(c))).collect();
    letters.concat()
}

/// Every way to write the row's body.
pub fn bodies(row: &Row) -> Vec<Body> {
    let mut bodies = Vec::new();
    for (how, key) in KEYS {
        let body = framed(row.place, key, &entry(key, row));
        // Many names have neither letter.
        if !bodies.iter().any(|(_, known, _)| *known == body) {
            bodies.push((how, body, Says::Argument));
        }
    }
    let plain = entry(str::to_owned, row);
    bodies.push((
        "with blanks between keys and values",
        framed(row.place, str::to_owned, &plain).replace(
            "\":", "\" 	:
 ",
        ),
        Says::Argument,
    ));
    let body = framed(row.place, str::to_owned, &plain);
    bodies.push(("with another value after it", format!("{body}{{}}"), Says::NotOneValue));
    if row.field.is_empty() {
        return bodies;
    }
    let double =
        |how, entries: String| (how, framed(row.place, str::to_owned, &entries), Says::Repeated);
    for (tame, how_before, how_after) in [
        (tame(row), "after a harmless one", "before a harmless one"),
        ("null", "after a null", "before a null"),
    ] {
        bodies.push(double(how_before, format!("\"{}\":{tame},{plain}", row.field)));
        bodies.push(double(how_after, format!("{plain},\"{}\":{tame}", row.field)));
    }
    let other = format!("\"{}\":{}", folded(&row.field.to_uppercase(), "\u{17f}", "k"), tame(row));
    bodies.push(double("before a harmless one under another name", format!("{plain},{other}")));
    if let [outer, ..] = row.place.path {
        let second = |first: &str, second: &str| {
            format!(
                "{{{},\"{outer}\":{first},\"{}\":{second}}}",
                row.place.lead,
                outer.to_lowercase()
            )
        };
        let whole = nested(row.place.path.get(1..).unwrap_or_default(), str::to_owned, &plain);
        bodies.push(("in the first of two objects", second(&whole, "{}"), Says::Repeated));
        bodies.push(("in the second of two objects", second("{}", &whole), Says::Repeated));
    }
    if row.place.is_embedded {
        let lead = row.place.lead;
        for (how, other) in [
            ("at the top level", ""),
            ("at the top level, beside null", ",\"HostConfig\":null"),
            ("at the top level, beside an empty object", ",\"HostConfig\":{}"),
        ] {
            bodies.push((how, format!("{{{lead},{plain}{other}}}"), Says::Argument));
        }
        let entry = entry(other_case, row);
        bodies.push((
            "at the top level, in the other case",
            format!("{{{lead},{entry}}}"),
            Says::Argument,
        ));
    }
    bodies
}

/// Every way to send the row's request.
pub fn all(row: &Row) -> Vec<Spelling> {
    let json = "Content-Type: application/json\r\n";
    let mut all = Vec::new();
    for (how, body, says) in bodies(row) {
        all.push(Spelling { how, pieces: vec![request(row.place.target, json, &body)], says });
    }
    let target = row.place.target;
    let body = framed(row.place, str::to_owned, &entry(str::to_owned, row));
    let mut push = |how, target: &str, headers: &str, says| {
        all.push(Spelling { how, pieces: vec![request(target, headers, &body)], says });
    };
    push("for an old version", &format!("/v1.24{target}"), json, Says::Argument);
    push("for this version", &format!("/v1.41{target}"), json, Says::Argument);
    push("with its path encoded", &encoded(target), json, Says::Argument);
    push(
        "with version and path encoded",
        &format!("/%761%2e41{}", encoded(target)),
        json,
        Says::Argument,
    );
    push("without a Content-Type", target, "", Says::Argument);
    push("as text", target, "Content-Type: text/plain\r\n", Says::Argument);
    push(
        "as JSON with parameters",
        target,
        "content-type: Application/JSON; charset=x;\r\n",
        Says::Argument,
    );
    push(
        "as if it were compressed",
        target,
        &format!("{json}Content-Encoding: gzip\r\n"),
        Says::Argument,
    );
    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    push("as a form", target, form, Says::Form);
    let chunked = format!("{json}Transfer-Encoding: chunked\r\n");
    for (how, size) in [("in one chunk", body.len()), ("in chunks of three", 3)] {
        let bytes = [head(target, &chunked).as_bytes(), &chunks(body.as_bytes(), size)].concat();
        all.push(Spelling { how, pieces: vec![bytes], says: Says::Argument });
    }
    let whole = request(target, json, &body);
    let pieces = whole.chunks(7).map(<[u8]>::to_vec).collect();
    all.push(Spelling { how: "a few bytes at a time", pieces, says: Says::Argument });
    all
}

/// Every way to send a request whose query is the matter, with what opens it.
pub fn queries() -> impl Iterator<Item = (&'static str, Spelling)> {
    QUERIES.iter().flat_map(|&(method, path, name, value, needs)| {
        let every = |text: &str| {
            let bytes: Vec<String> = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
            bytes.concat()
        };
        let value = value.replace('"', "%22");
        let plain = every(&value.replace("%22", "\""));
        [
            ("plainly", format!("{name}={value}"), Says::Argument),
            ("encoded", format!("{}={plain}", every(name)), Says::Argument),
            ("among others", format!("q=1&&{name}={value}&{name}x=&=y"), Says::Argument),
            ("after an empty one", format!("{name}=&{name}={value}"), Says::Query),
            ("before an empty one", format!("{name}={value}&{name}="), Says::Query),
            ("after a semicolon", format!("q=1;{name}={value}"), Says::Query),
            ("before a bad escape", format!("{name}={value}&q=%zz"), Says::Query),
        ]
        .into_iter()
        .flat_map(move |(how, query, says)| {
            ["", "/v1.41"].map(|version| {
                let line = format!("{method} {version}{path}?{query} HTTP/1.1\r\nHost: x\r\n");
                let pieces = vec![format!("{line}Content-Length: 0\r\n\r\n").into_bytes()];
                (needs, Spelling { how, pieces, says })
            })
        })
    })
}

pub fn request(target: &str, headers: &str, body: &str) -> Vec<u8> {
    let headers = format!("{headers}Content-Length: {}\r\n", body.len());
    [head(target, &headers).as_bytes(), body.as_bytes()].concat()
}

fn head(target: &str, headers: &str) -> String {
    format!("POST {target} HTTP/1.1\r\nHost: docker\r\n{headers}\r\n")
}

fn chunks(body: &[u8], size: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    for chunk in body.chunks(size.max(1)) {
        bytes.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        bytes.extend_from_slice(chunk);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"0\r\n\r\n");
    bytes
}

/// The target with the first letter of each segment of its path percent-encoded.
fn encoded(target: &str) -> String {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let segments = path.split('/').map(|segment| match segment.split_at_checked(1) {
        Some((first, rest)) => format!("%{:02x}{rest}", first.as_bytes()[0]),
        None => String::new(),
    });
    let path = segments.collect::<Vec<_>>().join("/");
    if query.is_empty() { path } else { format!("{path}?{query}") }
}

/// What the field may be without any leave: its type's own nothing.
fn tame(row: &Row) -> &'static str {
    match row.value.as_bytes().first() {
        Some(b'[') => "[]",
        Some(b'{') => "{}",
        Some(b'"') => "\"\"",
        Some(b't') => "false",
        _ => "0",
    }
}

/// `"FIELD":VALUE`, its keys written by `key`; the value alone where there is no field.
pub fn entry(key: Key, row: &Row) -> String {
    let value = respelt(row.value, key).expect("a row's value is JSON");
    if row.field.is_empty() { value } else { format!("\"{}\":{value}", key(row.field)) }
}

/// A value with its keys written by `key`; `None` where it is no JSON.
pub fn respelt(value: &str, key: Key) -> Option<String> {
    let read = serde_json::from_str(value).ok()?;
    // Written plainly it stays as it is, escapes and all.
    Some(if key("aB") == "aB" { value.to_owned() } else { written(&read, key) })
}

/// The body that holds these entries in their place.
pub fn framed(place: &Place, key: Key, entries: &str) -> String {
    match (place.lead, place.path) {
        ("", _) => entries.to_owned(),
        (lead, []) => format!("{{{lead},{entries}}}"),
        (lead, [outer, inner @ ..]) => {
            format!("{{{lead},\"{}\":{}}}", key(outer), nested(inner, key, entries))
        }
    }
}

fn nested(path: &[&str], key: Key, entries: &str) -> String {
    match path {
        [] => format!("{{{entries}}}"),
        [outer, inner @ ..] => format!("{{\"{}\":{}}}", key(outer), nested(inner, key, entries)),
    }
}

fn written(value: &Value, key: Key) -> String {
    match value {
        Value::Array(values) => {
            let values: Vec<String> = values.iter().map(|value| written(value, key)).collect();
            format!("[{}]", values.join(","))
        }
        Value::Object(entries) => {
            let is_field = |name: &str| name.starts_with(|c: char| c.is_ascii_uppercase());
            let entries = entries.iter().map(|(name, value)| {
                let name = if is_field(name) { key(name) } else { name.to_owned() };
                format!("\"{name}\":{}", written(value, key))
            });
            format!("{{{}}}", entries.collect::<Vec<_>>().join(","))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.to_string(),
    }
}
