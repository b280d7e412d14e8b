//! Texts as the protocol sees them: lines, and columns in the units a client counts in.

use std::sync::Arc;

use gen_lsp_types::{Position, Range};
use weir_dsl::Span;

/// In what units a client counts columns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    /// Bytes.
    Utf8,
    /// What the protocol falls back on.
    #[default]
    Utf16,
    /// Characters.
    Utf32,
}

impl Encoding {
    /// Bytes if the client takes them, for then nothing is counted; what it likes best otherwise.
    pub fn negotiate<'a>(offered: impl IntoIterator<Item = &'a str>) -> Self {
        let known: Vec<Self> = offered.into_iter().filter_map(Self::parse).collect();
        if known.contains(&Self::Utf8) {
            return Self::Utf8;
        }
        known.first().copied().unwrap_or_default()
    }

    fn parse(name: &str) -> Option<Self> {
        [Self::Utf8, Self::Utf16, Self::Utf32].into_iter().find(|known| known.name() == name)
    }

    /// Its name in the protocol.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "utf-8",
            Self::Utf16 => "utf-16",
            Self::Utf32 => "utf-32",
        }
    }

    const fn width(self, c: char) -> u32 {
        match self {
            Self::Utf8 => c.len_utf8() as u32,
            Self::Utf16 => c.len_utf16() as u32,
            Self::Utf32 => 1,
        }
    }

    /// How long a text is.
    pub fn measure(self, text: &str) -> u32 {
        if text.is_ascii() || self == Self::Utf8 {
            return text.len() as u32;
        }
        text.chars().map(|c| self.width(c)).sum()
    }
}

/// A text and where its lines begin.
#[derive(Clone, Debug)]
pub struct Text {
    text: Arc<str>,
    /// The first byte of each line; there is always one.
    lines: Arc<[u32]>,
    encoding: Encoding,
}

impl Text {
    /// Looks a text over. Linear.
    pub fn new(text: impl Into<Arc<str>>, encoding: Encoding) -> Self {
        let text = text.into();
        let bytes = text.as_bytes();
        let mut lines = vec![0];
        for (at, byte) in bytes.iter().enumerate() {
            let lone = *byte == b'\r' && bytes.get(at + 1) != Some(&b'\n');
            if *byte == b'\n' || lone {
                lines.push(at as u32 + 1);
            }
        }
        Self { text, lines: lines.into(), encoding }
    }

    /// The text itself.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The text itself, shared.
    pub fn shared(&self) -> Arc<str> {
        Arc::clone(&self.text)
    }

    /// Whether both are one text, and not merely equal.
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.text, &other.text)
    }

    /// How many lines there are, at least one.
    pub fn lines(&self) -> u32 {
        self.lines.len() as u32
    }

    /// The bytes of a line without its end; of one too many, the empty end of the text.
    pub fn line(&self, line: u32) -> Span {
        let end_of_text = self.text.len() as u32;
        let Some(start) = self.lines.get(line as usize).copied() else { return Span::at(end_of_text) };
        let next = self.lines.get(line as usize + 1).copied().unwrap_or(end_of_text);
        let content = Span::new(start, next).text(&self.text).trim_end_matches(['\n', '\r']);
        Span::new(start, start + content.len() as u32)
    }

    /// The byte of a position. One behind the end of its line is that end, one behind the last line the end of the text, one
    /// inside a character its start.
    pub fn offset(&self, position: Position) -> u32 {
        let line = self.line(position.line);
        let content = line.text(&self.text);
        if content.is_ascii() || self.encoding == Encoding::Utf8 {
            let mut at = (position.character as usize).min(content.len());
            while !content.is_char_boundary(at) {
                at -= 1;
            }
            return line.start + at as u32;
        }
        let mut left = position.character;
        for (at, c) in content.char_indices() {
            let width = self.encoding.width(c);
            if width > left {
                return line.start + at as u32;
            }
            left -= width;
        }
        line.end
    }

    /// The position of a byte; of one behind the end, the end.
    pub fn position(&self, at: u32) -> Position {
        let mut at = (at as usize).min(self.text.len());
        while !self.text.is_char_boundary(at) {
            at -= 1;
        }
        let line = self.lines.partition_point(|start| *start as usize <= at).saturating_sub(1);
        let start = self.lines.get(line).copied().unwrap_or(0);
        let before = self.text.get(start as usize..at).unwrap_or("");
        Position { line: line as u32, character: self.encoding.measure(before) }
    }

    /// The bytes of a range; the ends of one that ends before it begins are swapped.
    pub fn span(&self, range: Range) -> Span {
        let (a, b) = (self.offset(range.start), self.offset(range.end));
        Span::new(a.min(b), a.max(b))
    }

    /// The range of bytes.
    pub fn range(&self, span: Span) -> Range {
        Range { start: self.position(span.start), end: self.position(span.end) }
    }

    /// The range of the whole text.
    pub fn everything(&self) -> Range {
        self.range(Span::new(0, self.text.len() as u32))
    }

    /// The text with a range replaced; all of it without a range.
    #[must_use]
    pub fn replaced(&self, range: Option<Range>, by: &str) -> Self {
        let Some(range) = range else { return Self::new(by, self.encoding) };
        let span = self.span(range);
        let mut text = String::with_capacity(self.text.len() + by.len());
        text.push_str(self.text.get(..span.start as usize).unwrap_or(""));
        text.push_str(by);
        text.push_str(self.text.get(span.end as usize..).unwrap_or(""));
        Self::new(text, self.encoding)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(line: u32, character: u32) -> Position {
        Position { line, character }
    }

    #[test]
    fn columns_are_counted_in_the_units_agreed_on() {
        let text = "a\u{e9}\u{1f600}b\r\nz\rq\n";
        for (encoding, column) in [(Encoding::Utf8, 7), (Encoding::Utf16, 4), (Encoding::Utf32, 3)] {
            let text = Text::new(text, encoding);
            assert_eq!(text.lines(), 4);
            assert_eq!(text.offset(at(0, column)), 7, "{encoding:?}");
            assert_eq!(text.position(7), at(0, column));
            assert_eq!(text.position(10), at(1, 0));
            assert_eq!(text.offset(at(2, 0)), 12);
            // Inside of a character, behind a line, behind the text.
            assert_eq!(text.position(5), at(0, encoding.measure("a\u{e9}")));
            assert_eq!(text.offset(at(0, 99)), 8);
            assert_eq!(text.offset(at(99, 99)), 14);
        }
    }

    #[test]
    fn the_encoding_is_the_clients_choice_unless_it_takes_bytes() {
        assert_eq!(Encoding::negotiate([]), Encoding::Utf16);
        assert_eq!(Encoding::negotiate(["utf-32", "utf-16"]), Encoding::Utf32);
        assert_eq!(Encoding::negotiate(["utf-16", "utf-8"]), Encoding::Utf8);
        assert_eq!(Encoding::negotiate(["utf-7"]), Encoding::Utf16);
    }

    #[test]
    fn a_range_the_wrong_way_round_is_turned() {
        let text = Text::new("abc\ndef", Encoding::Utf8);
        let range = Range { start: at(1, 1), end: at(0, 1) };
        assert_eq!(text.replaced(Some(range), "-").as_str(), "a-ef");
        assert_eq!(text.replaced(None, "x").as_str(), "x");
    }
}
