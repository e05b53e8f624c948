//! Inputs that are kept: `tests/data/kept/PROPERTY.txt`, one a line, with the escapes of
//! `escape_ascii`. Lines before the first empty line are kept for good: they once failed. Lines that
//! begin with `#` say why.

use crate::escapes;
use std::fs;
use std::path::{Path, PathBuf};

/// So many inputs of a property are kept, beside those for good,
const INPUTS_MAX: usize = 400;

/// none longer than that,
const INPUT_BYTES_MAX: usize = 512;

/// and so many bytes in all, escaped.
const TEXT_BYTES_MAX: usize = 100 * 1024;

/// The inputs of a property.
pub fn read(property: &str) -> Vec<Vec<u8>> {
    parsed(&text(property))
}

/// The inputs that a text stands for.
pub fn parsed(text: &str) -> Vec<Vec<u8>> {
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    lines.map(|line| unescaped(line).unwrap_or_else(|| panic!("no such escape: {line}"))).collect()
}

/// Inputs as a text. Of one without bytes an escape alone is left.
pub fn written(inputs: &[Vec<u8>]) -> String {
    inputs.iter().map(|input| line(input) + "\n").collect()
}

/// Keeps some of these, small ones and large ones, and what is kept for good.
pub fn write(property: &str, mut inputs: Vec<Vec<u8>>) {
    let text = text(property);
    let (for_good, _) = text.split_once("\n\n").unwrap_or((text.trim_end(), ""));
    inputs.sort_by(|one, other| (one.len(), one).cmp(&(other.len(), other)));
    let mut kept = format!("{for_good}\n\n");
    let step = inputs.len().div_ceil(INPUTS_MAX).max(1);
    for input in inputs.iter().step_by(step).filter(|input| input.len() <= INPUT_BYTES_MAX) {
        if kept.len() + line(input).len() < TEXT_BYTES_MAX {
            kept.push_str(&written(std::slice::from_ref(input)));
        }
    }
    fs::write(path(property), kept).expect("written");
}

fn text(property: &str) -> String {
    fs::read_to_string(path(property)).unwrap_or_else(|error| panic!("{property}: {error}"))
}

fn path(property: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/kept");
    folder.join(format!("{property}.txt"))
}

fn line(input: &[u8]) -> String {
    let line = input.escape_ascii().to_string();
    match line.strip_prefix('#') {
        Some(rest) => format!("\\x23{rest}"),
        None if line.is_empty() => "\\0".to_owned(),
        None => line,
    }
}

fn unescaped(line: &str) -> Option<Vec<u8>> {
    escapes::unescaped(line, |byte, bytes| {
        // `\0` is what stands for nothing at all.
        if byte != b'0' {
            bytes.push(byte);
        }
        Some(())
    })
}
