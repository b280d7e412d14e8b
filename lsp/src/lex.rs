//! Words, numbers, texts, comments and signs of a text, for what must work where the parser cannot.

use weir_dsl::Span;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    Word,
    Number,
    Text,
    Comment,
    Sign,
}

/// A token.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Token<'t> {
    pub(crate) class: Class,
    pub(crate) text: &'t str,
    pub(crate) span: Span,
    /// The first on its line.
    pub(crate) first: bool,
}

/// The tokens of a piece of a text, one after the other. Linear; any text will do.
pub(crate) struct Lexer<'t> {
    source: &'t str,
    at: usize,
    end: usize,
    first: bool,
}

impl<'t> Lexer<'t> {
    /// Those of `span`, which is brought inside of the text.
    pub(crate) fn new(source: &'t str, span: Span) -> Self {
        let border = |at: u32| {
            let mut at = (at as usize).min(source.len());
            while !source.is_char_boundary(at) {
                at -= 1;
            }
            at
        };
        let at = border(span.start);
        let first = source.get(..at).is_none_or(|before| {
            before.trim_end_matches([' ', '\t']).ends_with('\n') || before.trim().is_empty()
        });
        Self { source, at, end: border(span.end), first }
    }
}

impl<'t> Iterator for Lexer<'t> {
    type Item = Token<'t>;

    fn next(&mut self) -> Option<Token<'t>> {
        let bytes = self.source.as_bytes();
        loop {
            let byte = *bytes.get(self.at).filter(|_| self.at < self.end)?;
            if byte == b'\n' || byte == b'\r' {
                self.first = true;
            } else if !byte.is_ascii_whitespace() {
                break;
            }
            self.at += 1;
        }
        let start = self.at;
        let rest = self.source.get(start..self.end)?;
        let (class, length) = match rest.as_bytes().first().copied()? {
            b'#' => (Class::Comment, rest.find(['\n', '\r']).unwrap_or(rest.len())),
            b'"' => (Class::Text, text_length(rest)),
            byte if byte.is_ascii_digit() => (Class::Number, number_length(rest)),
            byte if byte.is_ascii_alphabetic() || byte == b'_' => (Class::Word, word_length(rest)),
            _ => {
                let pair = rest
                    .get(..2)
                    .filter(|pair| matches!(*pair, "==" | "!=" | "<=" | ">=" | "->" | "=>" | "??" | ".."));
                let one = rest.chars().next().map_or(1, char::len_utf8);
                (Class::Sign, pair.map_or(one, str::len))
            }
        };
        self.at = start + length.max(1);
        let first = std::mem::replace(&mut self.first, false);
        let text = self.source.get(start..self.at)?;
        Some(Token { class, text, span: Span::new(start as u32, self.at as u32), first })
    }
}

fn text_length(rest: &str) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            '\n' => return at,
            '"' if !escaped => return at + 1,
            _ => escaped = c == '\\' && !escaped,
        }
    }
    rest.len()
}

fn number_length(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let next = bytes.get(at + 1);
        let digit = next.is_some_and(u8::is_ascii_digit);
        let unit = next.is_some_and(u8::is_ascii_alphabetic);
        let inside = byte.is_ascii_alphanumeric()
            || *byte == b'_'
            || (*byte == b'.' && digit)
            || (*byte == b'/' && unit);
        if !inside {
            return at + usize::from(*byte == b'%');
        }
        at += 1;
    }
    at
}

fn word_length(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let next = bytes.get(at + 1);
        let goes_on = match byte {
            b'-' => next.is_some_and(u8::is_ascii_alphanumeric),
            b'.' => next.is_some_and(|next| next.is_ascii_alphabetic() || *next == b'_'),
            byte => byte.is_ascii_alphanumeric() || *byte == b'_',
        };
        if !goes_on {
            break;
        }
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_the_languages() {
        let text = "when asn.class == hosting-x # no\n\"a\\\"b\" 20/s 0.5% ip/24 1..2";
        let all: Vec<&str> = Lexer::new(text, Span::new(0, 999)).map(|token| token.text).collect();
        assert_eq!(
            all,
            [
                "when",
                "asn.class",
                "==",
                "hosting-x",
                "# no",
                "\"a\\\"b\"",
                "20/s",
                "0.5%",
                "ip",
                "/",
                "24",
                "1",
                "..",
                "2"
            ]
        );
        let first: Vec<bool> = Lexer::new(text, Span::new(0, 999)).map(|token| token.first).collect();
        assert_eq!(first.iter().filter(|first| **first).count(), 2);
    }
}
