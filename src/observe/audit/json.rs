//! JSON objects, written with their names in the order in which people read them. Whatever a text
//! holds, what is written is one line of valid JSON (`serde_json` encodes it).

/// No text of a record is longer, in characters.
const TEXT_CHARS_MAX: usize = 1_000;

/// No list of a record is longer; what is left out is not counted.
const ITEMS_MAX: usize = 16;

/// An object that is being written.
#[derive(Debug)]
pub struct ObjectWriter<'l> {
    line: &'l mut Vec<u8>,
    is_empty: bool,
}

/// Writes an object.
pub fn object(line: &mut Vec<u8>, fill: impl FnOnce(&mut ObjectWriter<'_>)) {
    line.push(b'{');
    fill(&mut ObjectWriter { line, is_empty: true });
    line.push(b'}');
}

/// Writes a text.
pub fn text(line: &mut Vec<u8>, text: &str) {
    let end = text.char_indices().nth(TEXT_CHARS_MAX).map_or(text.len(), |(end, _)| end);
    // A vector takes whatever is written to it.
    let _ = serde_json::to_writer(line, &text[..end]);
}

impl ObjectWriter<'_> {
    fn name(&mut self, name: &'static str) -> &mut Vec<u8> {
        if !std::mem::take(&mut self.is_empty) {
            self.line.push(b',');
        }
        text(self.line, name);
        self.line.push(b':');
        self.line
    }

    /// A text.
    pub fn text(&mut self, name: &'static str, value: &str) {
        text(self.name(name), value);
    }

    /// A text, or null where there is none.
    pub fn maybe(&mut self, name: &'static str, value: Option<&str>) {
        match value {
            Some(value) => self.text(name, value),
            None => self.null(name),
        }
    }

    /// A number.
    pub fn number(&mut self, name: &'static str, value: impl Into<i128>) {
        let digits = value.into().to_string();
        self.name(name).extend_from_slice(digits.as_bytes());
    }

    /// True or false.
    pub fn flag(&mut self, name: &'static str, value: bool) {
        self.name(name).extend_from_slice(if value { b"true" } else { b"false" });
    }

    /// Nothing.
    pub fn null(&mut self, name: &'static str) {
        self.name(name).extend_from_slice(b"null");
    }

    /// An object.
    pub fn object(&mut self, name: &'static str, fill: impl FnOnce(&mut ObjectWriter<'_>)) {
        object(self.name(name), fill);
    }

    /// A list.
    pub fn list<T>(
        &mut self,
        name: &'static str,
        items: impl Iterator<Item = T>,
        each: impl Fn(&mut Vec<u8>, T),
    ) {
        let line = self.name(name);
        line.push(b'[');
        for (index, item) in items.take(ITEMS_MAX).enumerate() {
            if index > 0 {
                line.push(b',');
            }
            each(line, item);
        }
        line.push(b']');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_json_in_the_order_of_writing() {
        let mut line = Vec::new();
        object(&mut line, |o| {
            o.number("z", 7_u64);
            o.text("text", "\"\\\n\u{7f}\u{2028}\0ü");
            o.maybe("none", None);
            o.object("a", |o| o.flag("f", true));
            o.list("list", ["x", "y"].iter(), |line, item| text(line, item));
            o.object("empty", |_| {});
        });
        assert_eq!(
            String::from_utf8(line).expect("text"),
            "{\"z\":7,\"text\":\"\\\"\\\\\\n\u{7f}\u{2028}\\u0000ü\",\"none\":null,\
             \"a\":{\"f\":true},\"list\":[\"x\",\"y\"],\"empty\":{}}"
        );
    }

    #[test]
    fn texts_and_lists_are_bounded() {
        let mut line = Vec::new();
        object(&mut line, |o| {
            o.list("l", std::iter::repeat_n("ü".repeat(5_000), 50), |line, item| {
                text(line, &item);
            });
        });
        let value: serde_json::Value = serde_json::from_slice(&line).expect("JSON");
        let list = value["l"].as_array().expect("a list");
        assert_eq!(list.len(), ITEMS_MAX);
        assert!(
            list.iter().all(|text| text.as_str().is_some_and(|it| it.chars().count() == 1_000))
        );
    }
}
