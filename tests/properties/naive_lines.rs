//! The lines of a head, cut with text operations (RFC 9112, sections 2.1, 2.2 and 5). A byte is a
//! letter here, the one with its number, so that text operations see every byte.

/// Header lines a head may have.
const FIELD_LINES_MAX: usize = 128;

/// What bytes turn out to be.
#[derive(Debug)]
pub enum Reading<T> {
    /// This, and so many bytes of it.
    Whole(T, usize),
    /// Nothing is wrong with them, but there are more to come.
    Unfinished,
    /// No more bytes make it good.
    Refused,
}

/// A head in its parts.
#[derive(Debug)]
pub struct Lines {
    pub first: String,
    /// Names and values, without the blanks around these.
    pub fields: Vec<(String, String)>,
}

pub fn text_of(bytes: &[u8]) -> String {
    bytes.iter().map(|&byte| char::from(byte)).collect()
}

pub fn bytes_of(text: &str) -> Vec<u8> {
    text.chars().map(|letter| u8::try_from(u32::from(letter)).expect("a byte")).collect()
}

/// RFC 9110, section 5.6.2.
pub fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c))
}

/// Reads the head that `bytes` begin with, up to its blank line.
pub fn read(bytes: &[u8], head_bytes_max: usize) -> Reading<Lines> {
    let text = text_of(bytes);
    if text.is_empty() {
        return Reading::Unfinished;
    }
    // Nothing that begins otherwise becomes a message: no blank line before it, no TLS.
    if !is_token(&text[..text.chars().next().map_or(0, char::len_utf8)]) {
        return Reading::Refused;
    }
    let end = text.find("\r\n\r\n").map(|at| at + 4);
    let head = end.map_or(&text[..], |end| &text[..end]);
    // Every line ends with CR LF; the last CR may still wait for its LF.
    let strays = if end.is_none() { head.strip_suffix('\r').unwrap_or(head) } else { head };
    let strays = strays.replace("\r\n", "");
    // No line is folded; one that has not ended may still be anything.
    let mut whole_lines: Vec<&str> = head.split("\r\n").collect();
    whole_lines.pop();
    let is_folded = whole_lines.iter().any(|line| line.starts_with([' ', '\t']));
    let length = head.chars().count();
    if strays.contains(['\r', '\n']) || is_folded || length > head_bytes_max {
        return Reading::Refused;
    }
    if end.is_none() {
        return Reading::Unfinished;
    }
    match Lines::of(head.trim_end_matches("\r\n")) {
        Some(lines) => Reading::Whole(lines, length),
        None => Reading::Refused,
    }
}

impl Lines {
    fn of(head: &str) -> Option<Self> {
        let mut lines = head.split("\r\n");
        let first = lines.next()?.to_owned();
        let mut fields = Vec::new();
        for line in lines {
            let (name, value) = line.split_once(':')?;
            if !is_token(name) || !is_field_text(value) {
                return None;
            }
            fields.push((name.to_owned(), value.trim_matches([' ', '\t']).to_owned()));
        }
        (is_field_text(&first) && fields.len() <= FIELD_LINES_MAX).then_some(Self { first, fields })
    }

    /// The values of a field, in the head's order.
    pub fn all(&self, name: &str) -> Vec<&str> {
        let is_it = |field: &&(String, String)| field.0.to_ascii_lowercase() == name;
        self.fields.iter().filter(is_it).map(|(_, value)| value.as_str()).collect()
    }

    /// Whether a field's lists hold a word, in any case.
    pub fn has_word(&self, name: &str, word: &str) -> bool {
        let lists = self.all(name).join(",").to_ascii_lowercase();
        lists.split(',').any(|item| item.trim_matches([' ', '\t']) == word)
    }

    /// RFC 9112, section 9.3.
    pub fn stays(&self, minor: u8) -> bool {
        let closes = self.has_word("connection", "close");
        !closes && (minor == 1 || self.has_word("connection", "keep-alive"))
    }
}

/// RFC 9110, section 5.5: no control byte but the tab.
fn is_field_text(text: &str) -> bool {
    !text.chars().any(|c| (c < ' ' && c != '\t') || c == '\x7f')
}
