//! The hand lexer: what the splitter and the error islands need to know of a text.
//!
//! It tells words, numbers, strings, brackets and comments apart, pairs up braces, and finds strings that
//! never end. It does not decide what a keyword is. Strings end on their line.

use smol_str::SmolStr;
use std::ops::Range;

use crate::ast::Comment;
use crate::codes::Code;
use crate::diagnostic::{Applicability, Diagnostic};
use crate::parse::limits::MAX_FILE_TOKENS;
use crate::span::{FileId, FileSpan, Span};

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenKind {
    /// Identifiers joined by dots.
    Word,
    /// A digit and what clings to it: `10m`, `90%`, `1_000`, also the malformed.
    Number,
    /// `"…"`.
    Text,
    /// `"…` up to the end of its line.
    OpenText,
    LBrace,
    RBrace,
    LParen,
    RParen,
    LBracket,
    RBracket,
    Comma,
    Colon,
    /// A single `=`.
    Equals,
    /// Any other operator.
    Sign,
    /// Characters the language has no use for.
    Unknown,
    /// Past the last token.
    End,
}

/// A token. `mate` is the index of the matching brace, or `NONE`.
#[derive(Clone, Copy, Debug)]
struct Token {
    start: u32,
    end: u32,
    mate: u32,
    kind: TokenKind,
    /// First on its line.
    first: bool,
}

const NONE: u32 = u32::MAX;

/// The tokens and comments of one text.
pub(crate) struct Tokens<'s> {
    source: &'s str,
    list: Vec<Token>,
    /// All comments, in source order.
    pub(crate) comments: Vec<Comment>,
    /// Strings that do not end, NUL bytes, and a text with too many tokens.
    pub(crate) diagnostics: Vec<Diagnostic>,
}

impl<'s> Tokens<'s> {
    /// Reads a text. Time and memory are linear in its length.
    pub(crate) fn new(file: FileId, source: &'s str) -> Self {
        let mut lexer = Lexer {
            file,
            source,
            bytes: source.as_bytes(),
            at: 0,
            first: true,
            out: Self { source, list: Vec::new(), comments: Vec::new(), diagnostics: Vec::new() },
            open: Vec::new(),
            nuls: (0, 0),
            controls: None,
        };
        lexer.run();
        lexer.out
    }

    /// How many tokens there are.
    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    pub(crate) fn kind(&self, at: usize) -> TokenKind {
        self.list.get(at).map_or(TokenKind::End, |token| token.kind)
    }

    /// True for the first token of a line.
    pub(crate) fn first(&self, at: usize) -> bool {
        self.list.get(at).is_some_and(|token| token.first)
    }

    /// True for a token that begins its line without a blank before it.
    pub(crate) fn at_margin(&self, at: usize) -> bool {
        self.list.get(at).is_some_and(|token| {
            token.first
                && (token.start == 0
                    || self
                        .source
                        .as_bytes()
                        .get(token.start as usize - 1)
                        .is_some_and(|byte| *byte == b'\n'))
        })
    }

    /// The span of a token; past the last one, the empty span at the end of the text.
    pub(crate) fn span(&self, at: usize) -> Span {
        self.list
            .get(at)
            .map_or(Span::at(self.source.len() as u32), |token| Span::new(token.start, token.end))
    }

    pub(crate) fn text(&self, at: usize) -> &'s str {
        self.list
            .get(at)
            .map_or("", |token| self.source.get(token.start as usize..token.end as usize).unwrap_or(""))
    }

    /// The text of a word, or `""` for any other token.
    pub(crate) fn word(&self, at: usize) -> &'s str {
        if self.kind(at) == TokenKind::Word { self.text(at) } else { "" }
    }

    /// The matching brace.
    pub(crate) fn mate(&self, at: usize) -> Option<usize> {
        self.list.get(at).filter(|token| token.mate != NONE).map(|token| token.mate as usize)
    }

    /// From the first token of a range to its last; for an empty range, the end of the token before it.
    pub(crate) fn span_of(&self, range: &Range<usize>) -> Span {
        if range.is_empty() {
            let end = range.start.checked_sub(1).map_or(0, |before| self.span(before).end);
            return Span::at(end);
        }
        self.span(range.start).to(self.span(range.end - 1))
    }

    /// The index of the first token of a range that ends behind `at`.
    pub(crate) fn index_at(&self, range: &Range<usize>, at: u32) -> usize {
        let slice = self.list.get(range.clone()).unwrap_or(&[]);
        range.start + slice.partition_point(|token| token.end <= at)
    }

    /// True when a clause can end with this token: what follows on a new line may be a new clause.
    pub(crate) fn can_end(&self, at: usize) -> bool {
        match self.kind(at) {
            TokenKind::Word => !matches!(
                self.text(at),
                "and"
                    | "or"
                    | "not"
                    | "in"
                    | "is"
                    | "of"
                    | "per"
                    | "over"
                    | "where"
                    | "when"
                    | "then"
                    | "if"
                    | "case"
                    | "by"
                    | "from"
                    | "on"
                    | "at"
                    | "most"
                    | "least"
                    | "for"
                    | "to"
                    | "with"
                    | "within"
                    | "tagged"
                    | "contains"
                    | "matches"
                    | "regex"
                    | "as"
                    | "between"
                    | "floor"
                    | "lift"
                    | "against"
                    | "else"
                    | "because"
                    | "known-good"
                    | "alias"
                    | "elapsed"
                    | "global"
                    | "every"
                    | "ignoring"
            ),
            TokenKind::Number
            | TokenKind::Text
            | TokenKind::OpenText
            | TokenKind::RBrace
            | TokenKind::RParen
            | TokenKind::RBracket => true,
            TokenKind::Sign => self.text(at) == "?",
            _ => false,
        }
    }
}

struct Lexer<'s> {
    file: FileId,
    source: &'s str,
    bytes: &'s [u8],
    at: usize,
    first: bool,
    out: Tokens<'s>,
    /// Indices of opening braces without a mate so far.
    open: Vec<u32>,
    /// How many NUL bytes, and where the first one stands.
    nuls: (usize, usize),
    /// How many control characters outside of strings and comments, and where the first one stands.
    controls: Option<(usize, usize)>,
}

impl Lexer<'_> {
    fn byte(&self, at: usize) -> u8 {
        self.bytes.get(at).copied().unwrap_or(0)
    }

    fn run(&mut self) {
        if self.source.starts_with('\u{feff}') {
            self.at = '\u{feff}'.len_utf8();
        }
        while self.at < self.bytes.len() {
            if self.out.list.len() >= MAX_FILE_TOKENS {
                self.too_many();
                break;
            }
            let start = self.at;
            match self.byte(start) {
                b'\n' => {
                    self.first = true;
                    self.at += 1;
                }
                b' ' | b'\t' | b'\r' => self.at += 1,
                // The grammar takes these for blanks, so they are reported here.
                0x0B | 0x0C | 0x0E..=0x1F => {
                    self.controls = Some(self.controls.map_or((1, start), |(count, at)| (count + 1, at)));
                    self.at += 1;
                }
                b'#' => self.comment(),
                b'"' => self.string(),
                b'a'..=b'z' | b'A'..=b'Z' | b'_' => {
                    self.at = word_end(self.bytes, start);
                    self.push(TokenKind::Word, start);
                }
                b'0'..=b'9' => {
                    self.at = number_end(self.bytes, start);
                    self.push(TokenKind::Number, start);
                }
                b'{' => self.brace(TokenKind::LBrace),
                b'}' => self.brace(TokenKind::RBrace),
                b'(' => self.single(TokenKind::LParen),
                b')' => self.single(TokenKind::RParen),
                b'[' => self.single(TokenKind::LBracket),
                b']' => self.single(TokenKind::RBracket),
                b',' => self.single(TokenKind::Comma),
                b':' => self.single(TokenKind::Colon),
                byte @ (b'=' | b'!' | b'<' | b'>' | b'-' | b'?' | b'.' | b'&' | b'|' | b'+' | b'*' | b'/'
                | b'%' | b';') => self.sign(byte),
                _ => self.unknown(),
            }
        }
        if let Some((count, at)) = self.controls {
            let span = Span::new(at as u32, at as u32 + 1);
            let title = format!("unexpected control character U+{:04X}", self.byte(at));
            let mut diagnostic = Diagnostic::new(Code::SYNTAX, FileSpan { file: self.file, span }, title)
                .help("remove it; blanks are spaces, tabs and line breaks");
            if count > 1 {
                diagnostic = diagnostic.note(format!("{count} control characters in all"));
            }
            self.out.diagnostics.push(diagnostic);
        }
        if self.nuls.0 > 0 {
            let (count, at) = self.nuls;
            let span = Span::new(at as u32, at as u32 + 1);
            let mut diagnostic =
                Diagnostic::new(Code::NOT_TEXT, FileSpan { file: self.file, span }, "NUL byte in the text")
                    .help("save the file as UTF-8 text");
            if count > 1 {
                diagnostic = diagnostic.note(format!("{count} NUL bytes in all"));
            }
            self.out.diagnostics.push(diagnostic);
        }
    }

    fn too_many(&mut self) {
        let at = FileSpan { file: self.file, span: Span::at(self.at as u32) };
        self.out.diagnostics.push(
            Diagnostic::new(
                Code::TOO_LARGE,
                at,
                format!("more than {MAX_FILE_TOKENS} words and signs in one file"),
            )
            .note("what follows was not read")
            .help("split the file, or keep long lists of values in files of their own"),
        );
    }

    fn push(&mut self, kind: TokenKind, start: usize) {
        let first = std::mem::take(&mut self.first);
        self.out.list.push(Token { start: start as u32, end: self.at as u32, mate: NONE, kind, first });
    }

    fn single(&mut self, kind: TokenKind) {
        self.at += 1;
        self.push(kind, self.at - 1);
    }

    fn brace(&mut self, kind: TokenKind) {
        let here = self.out.list.len() as u32;
        self.single(kind);
        if kind == TokenKind::LBrace {
            self.open.push(here);
        } else if let Some(opener) = self.open.pop() {
            for (at, mate) in [(opener, here), (here, opener)] {
                if let Some(token) = self.out.list.get_mut(at as usize) {
                    token.mate = mate;
                }
            }
        }
    }

    fn sign(&mut self, byte: u8) {
        let start = self.at;
        let double = matches!(
            (byte, self.byte(start + 1)),
            (b'=' | b'!' | b'<' | b'>', b'=')
                | (b'=' | b'-', b'>')
                | (b'?', b'?')
                | (b'.', b'.')
                | (b'&', b'&')
                | (b'|', b'|')
        );
        self.at += if double { 2 } else { 1 };
        self.push(if byte == b'=' && !double { TokenKind::Equals } else { TokenKind::Sign }, start);
    }

    fn comment(&mut self) {
        let start = self.at;
        let rest = self.bytes.get(start..).unwrap_or(&[]);
        self.at = start + rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
        let text = self.source.get(start..self.at).unwrap_or("");
        self.nul_in(start, text);
        let text = text.trim_end();
        let span = Span::new(start as u32, (start + text.len()) as u32);
        self.out.comments.push(Comment { text: SmolStr::new(text), span });
    }

    fn string(&mut self) {
        let start = self.at;
        let mut at = start + 1;
        let closed = loop {
            match self.bytes.get(at) {
                Some(b'"') => break true,
                None | Some(b'\n') => break false,
                Some(b'\\') if self.byte(at + 1) != b'\n' => at += 2,
                Some(_) => at += 1,
            }
        };
        at = at.min(self.bytes.len());
        if closed {
            self.at = at + 1;
            self.push(TokenKind::Text, start);
        } else {
            let line = self.source.get(start..at).unwrap_or("");
            self.at = start + line.trim_end().len();
            let end = self.at;
            self.push(TokenKind::OpenText, start);
            let file = self.file;
            let at = FileSpan { file, span: Span::new(start as u32, end as u32) };
            let behind = FileSpan { file, span: Span::at(end as u32) };
            self.out.diagnostics.push(
                Diagnostic::new(Code::UNBALANCED, at, "string without a closing quote")
                    .label("ends with its line")
                    .help("close it with `\"`; a string does not span lines, write `\\n` for a line break")
                    .fix("close the string", behind, "\"", Applicability::Suggested),
            );
        }
        let text = self.source.get(start..self.at).unwrap_or("");
        self.nul_in(start, text);
    }

    fn nul_in(&mut self, start: usize, text: &str) {
        if let Some(at) = text.bytes().position(|byte| byte == 0) {
            let count = text.bytes().filter(|byte| *byte == 0).count();
            if self.nuls.0 == 0 {
                self.nuls.1 = start + at;
            }
            self.nuls.0 += count;
        }
    }

    /// A run of characters the language has no use for; one token.
    fn unknown(&mut self) {
        let start = self.at;
        let rest = self.source.get(start..).unwrap_or("");
        let known = |c: char| c.is_ascii_alphanumeric() || " \t\r\n_\"#{}()[],:=!<>-?.&|+*/%;".contains(c);
        let len = rest.find(known).unwrap_or(rest.len()).max(1);
        self.at += len;
        self.push(TokenKind::Unknown, start);
        self.nul_in(start, rest.get(..len).unwrap_or(""));
    }
}

/// True for a text that is one name, dots included.
pub(crate) fn is_name(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.first().is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'_')
        && word_end(bytes, 0) == bytes.len()
}

fn is_tail(bytes: &[u8], at: usize) -> bool {
    match bytes.get(at) {
        Some(byte) if byte.is_ascii_alphanumeric() || *byte == b'_' => true,
        Some(b'-') => bytes.get(at + 1).is_some_and(u8::is_ascii_alphanumeric),
        _ => false,
    }
}

fn word_end(bytes: &[u8], mut at: usize) -> usize {
    loop {
        while is_tail(bytes, at) {
            at += 1;
        }
        let dotted = bytes.get(at) == Some(&b'.')
            && bytes.get(at + 1).is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'_');
        if !dotted {
            return at;
        }
        at += 2;
    }
}

fn number_end(bytes: &[u8], mut at: usize) -> usize {
    let word = |at: usize| bytes.get(at).is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    while word(at) {
        at += 1;
    }
    if bytes.get(at) == Some(&b'.') && bytes.get(at + 1).is_some_and(u8::is_ascii_digit) {
        at += 2;
        while word(at) {
            at += 1;
        }
    }
    if bytes.get(at) == Some(&b'%') { at + 1 } else { at }
}
