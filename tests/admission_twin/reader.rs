//! JSON read a second time, slowly: letter by letter, every value with the place it was written at.

use std::ops::Range;

/// Deeper than any body that the gate lets pass.
const DEPTH_MAX: usize = 200;

/// A value and where it stands, in bytes.
#[derive(Clone, Debug)]
pub struct Node {
    pub place: Range<usize>,
    pub value: Value,
}

#[derive(Clone, Debug)]
pub enum Value {
    Null,
    Bool(bool),
    /// As it was written.
    Number(String),
    Text(String),
    List(Vec<Node>),
    Object(Vec<(String, Node)>),
}

/// How much is forgiven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// Nothing: RFC 8259, and no lone surrogates.
    Strict,
    /// What Go's decoder forgives: bytes that are no UTF-8, lone surrogates, whatever follows.
    AsGo,
}

/// Reads a body; `None` where it can't be read.
pub fn read(body: &[u8], manner: Manner) -> Option<Node> {
    let text = match (std::str::from_utf8(body), manner) {
        (Ok(text), _) => text.to_owned(),
        (Err(_), Manner::AsGo) => String::from_utf8_lossy(body).into_owned(),
        (Err(_), Manner::Strict) => return None,
    };
    let mut reader = Reader { letters: text.char_indices().collect(), at: 0, manner };
    let value = reader.node(0)?;
    reader.blanks();
    (manner == Manner::AsGo || reader.peek().is_none()).then_some(value)
}

/// How deep lists and objects are inside each other.
pub fn depth(node: &Node) -> usize {
    match &node.value {
        Value::List(nodes) => 1 + nodes.iter().map(depth).max().unwrap_or(0),
        Value::Object(entries) => {
            1 + entries.iter().map(|(_, node)| depth(node)).max().unwrap_or(0)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) => 0,
    }
}

struct Reader {
    letters: Vec<(usize, char)>,
    at: usize,
    manner: Manner,
}

impl Reader {
    fn peek(&self) -> Option<char> {
        self.letters.get(self.at).map(|&(_, letter)| letter)
    }

    fn place(&self) -> usize {
        match (self.letters.get(self.at), self.letters.last()) {
            (Some(&(place, _)), _) => place,
            (None, Some((place, letter))) => place + letter.len_utf8(),
            (None, None) => 0,
        }
    }

    fn next(&mut self) -> Option<char> {
        let letter = self.peek()?;
        self.at += 1;
        Some(letter)
    }

    fn expect(&mut self, expected: char) -> Option<()> {
        (self.next()? == expected).then_some(())
    }

    fn word(&mut self, word: &str) -> Option<()> {
        word.chars().try_for_each(|letter| self.expect(letter))
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(' ' | '\t' | '\n' | '\r')) {
            self.at += 1;
        }
    }

    fn node(&mut self, depth: usize) -> Option<Node> {
        if depth > DEPTH_MAX {
            return None;
        }
        self.blanks();
        let start = self.place();
        let value = match self.peek()? {
            'n' => self.word("null").map(|()| Value::Null)?,
            't' => self.word("true").map(|()| Value::Bool(true))?,
            'f' => self.word("false").map(|()| Value::Bool(false))?,
            '"' => Value::Text(self.text()?),
            '[' => self.list(depth)?,
            '{' => self.object(depth)?,
            '-' | '0'..='9' => Value::Number(self.number()?),
            _ => return None,
        };
        Some(Node { place: start..self.place(), value })
    }

    fn list(&mut self, depth: usize) -> Option<Value> {
        self.expect('[')?;
        let mut nodes = Vec::new();
        self.blanks();
        if self.peek()? == ']' {
            self.at += 1;
            return Some(Value::List(nodes));
        }
        loop {
            nodes.push(self.node(depth + 1)?);
            self.blanks();
            match self.next()? {
                ',' => {}
                ']' => return Some(Value::List(nodes)),
                _ => return None,
            }
        }
    }

    fn object(&mut self, depth: usize) -> Option<Value> {
        self.expect('{')?;
        let mut entries = Vec::new();
        self.blanks();
        if self.peek()? == '}' {
            self.at += 1;
            return Some(Value::Object(entries));
        }
        loop {
            self.blanks();
            let key = self.text()?;
            self.blanks();
            self.expect(':')?;
            entries.push((key, self.node(depth + 1)?));
            self.blanks();
            match self.next()? {
                ',' => {}
                '}' => return Some(Value::Object(entries)),
                _ => return None,
            }
        }
    }

    fn digits(&mut self, number: &mut String) -> Option<()> {
        let before = number.len();
        while let Some(digit @ '0'..='9') = self.peek() {
            number.push(digit);
            self.at += 1;
        }
        (number.len() > before).then_some(())
    }

    fn number(&mut self) -> Option<String> {
        let mut number = String::new();
        if self.peek()? == '-' {
            number.push(self.next()?);
        }
        if self.peek()? == '0' {
            number.push(self.next()?);
        } else {
            self.digits(&mut number)?;
        }
        if self.peek() == Some('.') {
            number.push(self.next()?);
            self.digits(&mut number)?;
        }
        if matches!(self.peek(), Some('e' | 'E')) {
            number.push(self.next()?);
            if matches!(self.peek(), Some('+' | '-')) {
                number.push(self.next()?);
            }
            self.digits(&mut number)?;
        }
        Some(number)
    }

    fn text(&mut self) -> Option<String> {
        self.expect('"')?;
        let mut text = String::new();
        loop {
            match self.next()? {
                '"' => return Some(text),
                '\\' => text.push(self.escape()?),
                letter if u32::from(letter) < 0x20 => return None,
                letter => text.push(letter),
            }
        }
    }

    fn escape(&mut self) -> Option<char> {
        Some(match self.next()? {
            letter @ ('"' | '\\' | '/') => letter,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => {
                let first = self.unit()?;
                if let Some(letter) = char::from_u32(first) {
                    return Some(letter);
                }
                let before = self.at;
                if let Some(second) = self.low_surrogate().filter(|_| first < 0xdc00) {
                    return char::from_u32(0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00));
                }
                self.at = before;
                return (self.manner == Manner::AsGo).then_some('\u{fffd}');
            }
            _ => return None,
        })
    }

    fn low_surrogate(&mut self) -> Option<u32> {
        self.word("\\u")?;
        self.unit().filter(|unit| (0xdc00..0xe000).contains(unit))
    }

    fn unit(&mut self) -> Option<u32> {
        (0..4).try_fold(0, |unit, _| Some(unit * 16 + self.next()?.to_digit(16)?))
    }
}
