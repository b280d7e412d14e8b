//! Source text as tokens and the comments between them. Nothing is lost but white space.

use std::ops::Range;

use crate::span::Span;

/// What a token is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// A name or keyword, dots and inner hyphens included.
    Word,
    /// A number with its unit: `10m`, `90%`, `20/s`.
    Number,
    /// `"…"`.
    Text,
    /// A sign of the language.
    Sign,
    /// Anything else; it keeps the author's spacing.
    Other,
}

/// A token and the gap before it.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) span: Span,
    pub(super) class: Class,
    /// No white space and no comment before it.
    pub(super) joined: bool,
    /// An empty line directly before it.
    pub(super) blank: bool,
    /// The comments between the token before and this one, as a range of [`Tokens::comments`].
    pub(super) comments: Range<usize>,
    /// For a bracket, the token of its partner.
    pub(super) partner: Option<usize>,
}

/// A comment.
#[derive(Clone, Debug)]
pub(super) struct Remark {
    pub(super) span: Span,
    /// It begins its line; otherwise it stands behind the token before.
    pub(super) own_line: bool,
    /// An empty line directly before it.
    pub(super) blank: bool,
}

/// The tokens of a text. The last one is empty and stands for the end of the text, so that every comment
/// belongs to the gap before some token.
#[derive(Debug)]
pub(super) struct Tokens<'a> {
    source: &'a str,
    list: Vec<Token>,
    comments: Vec<Remark>,
}

impl<'a> Tokens<'a> {
    /// Splits a text. Takes any text; linear.
    pub(super) fn scan(source: &'a str) -> Self {
        let mut scanner = Scanner { bytes: source.as_bytes(), at: 0 };
        if source.starts_with('\u{FEFF}') {
            scanner.at = '\u{FEFF}'.len_utf8();
        }
        let mut tokens = Self { source, list: Vec::with_capacity(source.len() / 4), comments: Vec::new() };
        let mut first_comment = 0;
        loop {
            let mut before = scanner.at;
            let mut breaks = scanner.skip_blanks();
            while scanner.peek(0) == Some(b'#') {
                let start = scanner.at;
                scanner.skip_line();
                let length = source.get(start..scanner.at).map_or(0, |text| text.trim_end().len());
                tokens.comments.push(Remark {
                    span: span(start, start + length),
                    own_line: breaks > 0 || tokens.list.is_empty(),
                    blank: breaks > 1,
                });
                breaks = scanner.skip_blanks();
                before = usize::MAX;
            }
            let start = scanner.at;
            let class = scanner.token(source);
            tokens.list.push(Token {
                span: span(start, scanner.at),
                class: class.unwrap_or(Class::Other),
                joined: before == start,
                blank: breaks > 1,
                comments: first_comment..tokens.comments.len(),
                partner: None,
            });
            first_comment = tokens.comments.len();
            if class.is_none() {
                break;
            }
        }
        tokens.pair_brackets();
        tokens
    }

    fn pair_brackets(&mut self) {
        let mut open: Vec<(usize, u8)> = Vec::new();
        for at in 0..self.list.len() {
            let wanted = match self.text(at) {
                "{" => b'}',
                "(" => b')',
                "[" => b']',
                closer @ ("}" | ")" | "]") => {
                    if let Some((partner, _)) = open.pop_if(|(_, wanted)| closer.as_bytes() == [*wanted]) {
                        for (one, other) in [(at, partner), (partner, at)] {
                            if let Some(token) = self.list.get_mut(one) {
                                token.partner = Some(other);
                            }
                        }
                    }
                    continue;
                }
                _ => continue,
            };
            open.push((at, wanted));
        }
    }

    /// Removes commas; `dropped` holds their indices in ascending order. Their comments move to the gap of
    /// the token behind.
    pub(super) fn without(mut self, dropped: &[usize]) -> Self {
        if dropped.is_empty() {
            return self;
        }
        let mut dropped = dropped.iter().copied().peekable();
        let mut carried: Option<Range<usize>> = None;
        let mut kept = Vec::with_capacity(self.list.len());
        for (at, mut token) in self.list.into_iter().enumerate() {
            if let Some(range) = carried.take() {
                token.joined = false;
                token.comments.start = range.start;
            }
            if dropped.next_if_eq(&at).is_some() {
                carried = Some(token.comments);
                continue;
            }
            // Behind a token there is room for one comment.
            for comment in
                self.comments.get_mut(token.comments.clone()).unwrap_or_default().iter_mut().skip(1)
            {
                comment.own_line = true;
            }
            token.partner = None;
            kept.push(token);
        }
        self.list = kept;
        self.pair_brackets();
        self
    }

    /// How many there are, without the end of the text.
    pub(super) fn len(&self) -> usize {
        self.list.len().saturating_sub(1)
    }

    pub(super) fn get(&self, at: usize) -> Option<&Token> {
        self.list.get(at)
    }

    /// The token's text; `""` for the end of the text and beyond.
    pub(super) fn text(&self, at: usize) -> &'a str {
        self.list.get(at).map_or("", |token| token.span.text(self.source))
    }

    /// The comments in the gap before a token.
    pub(super) fn comments(&self, at: usize) -> &[Remark] {
        self.list.get(at).and_then(|token| self.comments.get(token.comments.clone())).unwrap_or_default()
    }

    pub(super) fn comment_text(&self, comment: &Remark) -> &'a str {
        comment.span.text(self.source)
    }

    /// Whether a comment stands in the gap before a token.
    pub(super) fn commented(&self, at: usize) -> bool {
        self.list.get(at).is_some_and(|token| !token.comments.is_empty())
    }

    /// The first token that begins at or behind a byte.
    pub(super) fn first(&self, span: Span) -> usize {
        self.list.partition_point(|token| token.span.start < span.start).min(self.len())
    }

    /// The last token that ends at or before the end of a range.
    pub(super) fn last(&self, span: Span) -> usize {
        self.behind(span).saturating_sub(1)
    }

    /// The first token behind a range.
    pub(super) fn behind(&self, span: Span) -> usize {
        self.list.partition_point(|token| token.span.end <= span.end).min(self.len())
    }

    /// The partner of a bracket.
    pub(super) fn partner(&self, at: usize) -> Option<usize> {
        self.list.get(at).and_then(|token| token.partner)
    }

    /// Whether the token is a closing bracket.
    pub(super) fn closes(&self, at: usize) -> bool {
        matches!(self.text(at), "}" | ")" | "]")
    }
}

fn span(start: usize, end: usize) -> Span {
    Span::new(start as u32, end as u32)
}

struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Scanner<'_> {
    fn peek(&self, ahead: usize) -> Option<u8> {
        self.bytes.get(self.at + ahead).copied()
    }

    /// Skips white space; answers how many line breaks it held.
    fn skip_blanks(&mut self) -> usize {
        let mut breaks = 0;
        while let Some(byte @ (b' ' | b'\t' | b'\r' | b'\n')) = self.peek(0) {
            breaks += usize::from(byte == b'\n');
            self.at += 1;
        }
        breaks
    }

    fn skip_line(&mut self) {
        while self.peek(0).is_some_and(|byte| byte != b'\n') {
            self.at += 1;
        }
    }

    fn skip_while(&mut self, test: impl Fn(u8) -> bool) {
        while self.peek(0).is_some_and(&test) {
            self.at += 1;
        }
    }

    /// Steps over one token; none at the end.
    fn token(&mut self, source: &str) -> Option<Class> {
        let byte = self.peek(0)?;
        Some(match byte {
            b'"' => {
                self.text();
                Class::Text
            }
            b'0'..=b'9' => {
                self.number();
                Class::Number
            }
            _ if starts_word(byte) => {
                self.word();
                Class::Word
            }
            // `>=` is two tokens, for `set<int>=` ends a type; printing keeps joined ones together.
            _ => match (byte, self.peek(1)) {
                (b'?', Some(b'?'))
                | (b'=' | b'!' | b'<', Some(b'='))
                | (b'=' | b'-', Some(b'>'))
                | (b'.', Some(b'.')) => {
                    self.at += 2;
                    Class::Sign
                }
                _ if byte.is_ascii_punctuation() => {
                    self.at += 1;
                    Class::Sign
                }
                _ => {
                    self.at +=
                        source.get(self.at..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8);
                    Class::Other
                }
            },
        })
    }

    fn text(&mut self) {
        self.at += 1;
        while let Some(byte) = self.peek(0) {
            self.at += 1;
            match byte {
                b'"' => return,
                b'\\' if self.peek(0).is_some() => self.at += 1,
                _ => {}
            }
        }
    }

    fn word(&mut self) {
        loop {
            self.skip_while(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            match (self.peek(0), self.peek(1)) {
                (Some(b'-'), Some(next)) if next.is_ascii_alphanumeric() => self.at += 1,
                (Some(b'.'), Some(next)) if starts_word(next) => self.at += 1,
                _ => return,
            }
        }
    }

    fn number(&mut self) {
        loop {
            self.skip_while(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            match (self.peek(0), self.peek(1)) {
                (Some(b'.'), Some(b'0'..=b'9')) => self.at += 1,
                (Some(b'%'), _) => {
                    self.at += 1;
                    return;
                }
                (Some(b'/'), Some(_)) => {
                    self.at += self.rate_unit();
                    return;
                }
                _ => return,
            }
        }
    }

    /// The length of `/s`, `/min`, `/h` or `/d` here, or 0.
    fn rate_unit(&self) -> usize {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let unit = ["/s", "/min", "/h", "/d"].into_iter().find(|unit| {
            let tail = rest.strip_prefix(unit.as_bytes());
            tail.is_some_and(|tail| match (tail.first(), tail.get(1)) {
                (Some(b'-'), Some(next)) => !next.is_ascii_alphanumeric(),
                (Some(next), _) => !next.is_ascii_alphanumeric() && *next != b'_',
                (None, _) => true,
            })
        });
        unit.map_or(0, str::len)
    }
}

fn starts_word(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_'
}
