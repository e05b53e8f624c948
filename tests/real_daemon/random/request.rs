//! Requests, and what they say about themselves: since they are made here, nobody has to read their
//! bytes to know what in them is a request, what is a body, and what has two readings.

use super::dice::Dice;
use super::target::{Target, target};

/// Whether a request as it is written may be passed on, whatever it asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wire {
    /// It is as clients write it: passed on.
    Good,
    /// There is one reading of it, which need not be served.
    Odd,
    /// It has two readings.
    Bad,
}

/// Whether what follows on the connection is still read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum After {
    Read,
    /// Perhaps: the gate, or the daemon, may close after this.
    Unsure,
    /// It is the last that this connection can bring.
    Ignored,
}

pub struct Request {
    pub tag: usize,
    pub target: Target,
    pub has_body: bool,
    pub wire: Wire,
    pub after: After,
    pub bytes: Vec<u8>,
}

type Oddity = (&'static str, Wire, After);

use After::{Ignored, Read, Unsure};
use Wire::{Bad, Good, Odd};

const FORM: &str = "Content-Type: application/x-www-form-urlencoded";

/// At most one of these is in a head.
const LINES: [Oddity; 24] = [
    ("User-Agent: x", Good, Read),
    ("Content-Type: application/json", Good, Read),
    ("X-HTTP-Method-Override: POST", Good, Read),
    ("X-Original-URL: /containers/create", Good, Read),
    ("Accept-Encoding: identity", Good, Read),
    ("Connection: close", Good, Ignored),
    ("Connection: x, CLOSE", Good, Ignored),
    ("Connection: keep-alive", Good, Read),
    (FORM, Good, Read),
    ("Connection: Upgrade\r\nUpgrade: tcp", Odd, Unsure),
    ("Upgrade: h2c", Odd, Unsure),
    ("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: x", Odd, Unsure),
    ("Expect: 100-continue", Odd, Unsure),
    ("Expect: nothing", Odd, Unsure),
    ("Connection: Content-Length", Odd, Unsure),
    ("Connection: Transfer-Encoding", Odd, Unsure),
    ("X: \u{e9}", Odd, Unsure),
    ("Host: y", Bad, Ignored),
    ("A: b\r\n c", Bad, Ignored),
    (": empty", Bad, Ignored),
    ("X\tY: z", Bad, Ignored),
    ("A: b\rC: d", Bad, Ignored),
    ("A: b\nC: d", Bad, Ignored),
    ("A", Bad, Ignored),
];

/// What may stand behind a target.
const PROTOCOLS: [Oddity; 7] = [
    ("HTTP/1.1", Good, Read),
    ("HTTP/1.0", Good, Ignored),
    ("HTTP/1.2", Bad, Ignored),
    ("HTTP/2.0", Bad, Ignored),
    ("http/1.1", Bad, Ignored),
    ("HTTP/1.1 ", Bad, Ignored),
    ("x HTTP/1.1", Bad, Ignored),
];

/// Makes requests; every one has a tag of its own, those that are hidden in bodies too.
pub struct Maker {
    pub dice: Dice,
    pub tags: usize,
}

impl Maker {
    fn tag(&mut self) -> usize {
        self.tags += 1;
        self.tags
    }

    pub fn request(&mut self) -> Request {
        let tag = self.tag();
        let target = target(&mut self.dice, tag);
        let wild = self.dice.one_in(9);
        let protocol = if wild { self.dice.pick(&PROTOCOLS) } else { PROTOCOLS[0] };
        let line = if wild { self.dice.pick(&LINES) } else { self.dice.pick(&LINES[..5]) };
        let body = self.body();
        let (framing, wire, after, body) =
            if wild && self.dice.one_in(2) { self.oddly_framed(&body) } else { self.framed(body) };
        let (end, of_end, after_end) = match self.dice.below(40) {
            0 if wild => ("\n", Bad, Ignored),
            1 if wild => ("\r", Bad, Ignored),
            2 if wild => ("\r\r\n", Bad, Ignored),
            _ => ("\r\n", Good, Read),
        };
        let mut wire = [wire, protocol.1, line.1, of_end].into_iter().fold(Good, Ord::max);
        let is_kept = protocol.0 == "HTTP/1.0" && line.0 == "Connection: keep-alive";
        let of_protocol = if is_kept { Unsure } else { protocol.2 };
        let after = [after, of_protocol, line.2, after_end].into_iter().fold(Read, Ord::max);
        let has_body = !body.is_empty();
        // Its values would be taken instead of the query's; and HTTP/1.0 has no chunks.
        let is_form = line.0 == FORM && has_body;
        let is_old = protocol.0 == "HTTP/1.0" && framing.contains("chunked");
        if is_form || is_old {
            wire = Bad;
        }
        let mut lines = vec!["Host: x", line.0, &framing];
        lines.retain(|line| !line.is_empty());
        let count = lines.len();
        lines.swap(0, self.dice.below(count));
        let head = format!(
            "{} {} {}{end}{}{end}{end}",
            target.method,
            target.text,
            protocol.0,
            lines.join(end)
        );
        let bytes = [head.as_bytes(), &body].concat();
        Request { tag, target, has_body, wire, after, bytes }
    }

    /// Mostly nothing, or little; often a request that nobody must take for one.
    fn body(&mut self) -> Vec<u8> {
        if self.dice.one_in(2) {
            return self.dice.pick(&["", "", "[]", "xyz"]).into();
        }
        let tag = self.tag();
        let path = self.dice.pick(&["/containers/json", "/containers/nobody/start", "/_ping"]);
        let method = self.dice.pick(&["GET", "POST"]);
        let hidden = format!("{method} {path}?tag={tag} HTTP/1.1\r\nHost: x\r\n\r\n");
        // As if it came after the end of a body.
        [self.dice.pick(&["", "\r\n", "0\r\n\r\n", "x\r\n0\r\n\r\n"]), &hidden].concat().into()
    }

    /// Framed as it should be.
    fn framed(&mut self, body: Vec<u8>) -> (String, Wire, After, Vec<u8>) {
        let line = match self.dice.below(3) {
            0 if body.is_empty() => String::new(),
            0 | 1 => format!("Content-Length: {}", body.len()),
            _ => {
                let cut = self.dice.below(body.len());
                let body = chunked(&[&body[..cut], &body[cut..]]);
                return ("Transfer-Encoding: chunked".to_owned(), Good, Read, body);
            }
        };
        (line, Good, Read, body)
    }

    /// Framed in a way that somebody once read differently.
    fn oddly_framed(&mut self, body: &[u8]) -> (String, Wire, After, Vec<u8>) {
        let length = body.len();
        let dice = &mut self.dice;
        let chunk = |size: &str, last: &str| {
            [size.as_bytes(), b"\r\n", body, b"\r\n", last.as_bytes()].concat()
        };
        let chunks = if length == 0 {
            b"0\r\n\r\n".to_vec()
        } else {
            chunk(&format!("{length:x}"), "0\r\n\r\n")
        };
        let encoding = |value: &str| format!("Transfer-Encoding: {value}");
        match dice.below(6) {
            0 => {
                let name = dice.pick(&[
                    "Content-Length : ",
                    "Content-Length: +",
                    "Content-Length: -",
                    "Content-Length: 0x",
                    "Content-Length: 3, ",
                    "Content-Length: 1\r\nContent-Length: ",
                    "Content-Length: 0_",
                ]);
                (format!("{name}{length}"), Bad, Ignored, body.to_vec())
            }
            1 => {
                let value = dice.pick(&[
                    "xchunked",
                    "chunked, identity",
                    "identity, chunked",
                    "identity",
                    "gzip",
                    "",
                    "\u{b}chunked",
                    "chunked\r\nTransfer-Encoding: chunked",
                    "\r\n chunked",
                    "\"chunked\"",
                ]);
                (encoding(value), Bad, Ignored, chunks)
            }
            2 => {
                // Two lengths: by the one all of it is body, by the other it ends before the rest.
                let both = [b"0\r\n\r\n", body].concat();
                let length = [0, 3, both.len()][dice.below(3)];
                let line = if dice.one_in(2) {
                    format!("Content-Length: {length}\r\nTransfer-Encoding: chunked")
                } else {
                    format!("Transfer-Encoding: chunked\r\nContent-Length: {length}")
                };
                (line, Bad, Ignored, both)
            }
            3 => {
                let line = dice.pick(&["CHUNKED", "chunked ", "\tchunked"]);
                (encoding(line), Odd, Unsure, chunks)
            }
            4 => {
                // The head is good; the daemon may have begun to serve it before the body is seen.
                let size = format!("{length:x}");
                let body = match dice.below(6) {
                    0 => chunk(&format!("{size};a=b"), "0\r\n\r\n"),
                    1 => chunk(&size, "0\r\nA: b\r\n\r\n"),
                    2 => chunk(&format!("{size} "), "0\r\n\r\n"),
                    3 => chunk(&format!("+{size}"), "0\r\n\r\n"),
                    4 => chunk(&format!("0x{size}"), "0\r\n\r\n"),
                    _ => [size.as_bytes(), b"\n", body, b"\r\n0\r\n\r\n"].concat(),
                };
                (encoding("chunked"), Odd, Ignored, body)
            }
            _ => {
                let value = dice.pick(&["00", "\t"]);
                (format!("Content-Length: {value}{length}"), Odd, Unsure, body.to_vec())
            }
        }
    }
}

fn chunked(parts: &[&[u8]]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for part in parts.iter().filter(|part| !part.is_empty()) {
        bytes.extend(format!("{:X}\r\n", part.len()).into_bytes());
        bytes.extend_from_slice(part);
        bytes.extend(b"\r\n");
    }
    bytes.extend(b"0\r\n\r\n");
    bytes
}
