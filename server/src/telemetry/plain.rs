//! The log's last step: nothing that a client sent can end a line, colour a terminal or turn text around.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, Write};
use tracing_subscriber::fmt::MakeWriter;

/// How lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// Text; what is escaped looks as in Rust: `\n`, `\u{202e}`.
    Text,
    /// One JSON object a line.
    Json,
}

/// Escapes what is written, one line a call, as `tracing_subscriber` writes it.
#[derive(Debug, Clone)]
pub(super) struct Plain<W> {
    inner: W,
    format: Format,
}

impl<W> Plain<W> {
    pub(super) fn new(inner: W, format: Format) -> Self {
        Self { inner, format }
    }
}

impl<'a, M: MakeWriter<'a>> MakeWriter<'a> for Plain<M> {
    type Writer = Plain<M::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        Plain { inner: self.inner.make_writer(), format: self.format }
    }
}

impl<W: Write> Write for Plain<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.inner.write_all(plain(&String::from_utf8_lossy(line), self.format).as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Controls (C0, DEL, C1), line and paragraph separators, and what changes the direction of text.
fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The line with everything harmful escaped but the line feed at its end.
fn plain(line: &str, format: Format) -> Cow<'_, str> {
    let text = line.strip_suffix('\n').unwrap_or(line);
    if !text.contains(is_harmful) {
        return Cow::Borrowed(line);
    }
    let mut escaped = String::with_capacity(line.len() + 16);
    for c in text.chars() {
        match format {
            Format::Text if is_harmful(c) => escaped.extend(c.escape_default()),
            // In JSON, text is only ever inside strings, and all of these fit into four digits.
            Format::Json if is_harmful(c) => drop(write!(escaped, "\\u{:04x}", u32::from(c))),
            Format::Text | Format::Json => escaped.push(c),
        }
    }
    escaped.push_str(&line[text.len()..]);
    Cow::Owned(escaped)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: &str =
        "a\nb\rc\td\0e\u{1b}[2Jf\u{7f}g\u{85}h\u{9b}31mi\u{2028}j\u{2029}k\u{202e}l\u{2066}m\u{200f}é摄";

    #[test]
    fn harmful_characters_are_escaped_and_others_stay() {
        let text = plain(HOSTILE, Format::Text);
        assert_eq!(
            text,
            r"a\nb\rc\td\u{0}e\u{1b}[2Jf\u{7f}g\u{85}h\u{9b}31mi\u{2028}j\u{2029}k\u{202e}l\u{2066}m\u{200f}é摄"
        );
        let line = format!("{{\"a\":{}}}\n", serde_json::to_string(HOSTILE).expect("a text"));
        let json = plain(&line, Format::Json);
        assert!(json.ends_with("}\n") && !json.trim_end_matches('\n').contains(is_harmful), "{json}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&json).expect("is JSON")["a"], HOSTILE);
        assert!(matches!(plain("GET /api/ping\n", Format::Json), Cow::Borrowed("GET /api/ping\n")));
    }
}
