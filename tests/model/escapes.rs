//! Bytes as text that survives an editor: `\r`, `\n`, `\t` and `\x00` with any digits.

/// The bytes that a line stands for. What follows a backslash and is none of these is for `other`,
/// which has what came before it.
pub fn unescaped(
    line: &str,
    mut other: impl FnMut(u8, &mut Vec<u8>) -> Option<()>,
) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut rest = line.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        match rest.next()? {
            b'r' => bytes.push(b'\r'),
            b'n' => bytes.push(b'\n'),
            b't' => bytes.push(b'\t'),
            b'x' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                bytes.push(u8::try_from(digit()? << 4 | digit()?).ok()?);
            }
            byte => other(byte, &mut bytes)?,
        }
    }
    Some(bytes)
}
