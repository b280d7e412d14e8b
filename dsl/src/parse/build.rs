//! From pest's pairs to the tree: what all builders share.
//!
//! A builder answers `None` when it has said why in a diagnostic, or when a pair is not what the grammar
//! promises. The second never happens while grammar and builders agree; [`Build::strict`] reports it all the
//! same rather than lose text in silence.

use pest::Parser as _;
use pest::iterators::Pair;
use smol_str::SmolStr;
use std::ops::Range;

use crate::ast::{Key, Literal, LiteralKind, Name, Text, Verb, Window};
use crate::codes::Code;
use crate::diagnostic::Diagnostic;
use crate::parse::lexer::Tokens;
use crate::parse::literal;
use crate::span::{FileId, FileSpan, Span};

/// The machine pest makes of the grammar.
#[derive(pest_derive::Parser)]
#[grammar = "weir.pest"]
pub(crate) struct Grammar;

pub(crate) type Node<'i> = Pair<'i, Rule>;
pub(crate) type GrammarError = Box<pest::error::Error<Rule>>;

/// Builds the nodes of one file, and collects what there is to say.
pub(crate) struct Build<'s> {
    pub(crate) file: FileId,
    pub(crate) text: &'s str,
    pub(crate) tokens: &'s Tokens<'s>,
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// Names whose declaration could not be parsed.
    pub(crate) broken: Vec<Name>,
    /// Strings are templates: true inside tests.
    pub(crate) templates: bool,
    /// Where the text of the clause at hand begins in the file.
    pub(crate) base: u32,
}

impl<'s> Build<'s> {
    pub(crate) fn new(file: FileId, text: &'s str, tokens: &'s Tokens<'s>) -> Self {
        Self { file, text, tokens, diagnostics: Vec::new(), broken: Vec::new(), templates: false, base: 0 }
    }

    /// Parses a range of the text by one rule, which must take all of it.
    ///
    /// The outer answer is the grammar's, the inner one the builder's.
    pub(crate) fn strict<T>(
        &mut self,
        rule: Rule,
        span: Span,
        build: impl FnOnce(&mut Self, Node<'_>) -> Option<T>,
    ) -> Result<Option<T>, GrammarError> {
        let text = self.text.get(span.start as usize..span.end as usize).unwrap_or("");
        let mut pairs = Grammar::parse(rule, text).map_err(Box::new)?;
        let before = self.diagnostics.len();
        let base = std::mem::replace(&mut self.base, span.start);
        let node = pairs.next().and_then(|pair| build(self, pair));
        self.base = base;
        if node.is_none() && self.diagnostics.len() == before {
            let at = FileSpan { file: self.file, span };
            self.diagnostics.push(Diagnostic::new(Code::SYNTAX, at, "this clause cannot be read").help(
                "write it in a simpler form, and report it: the grammar took it and the parser did not",
            ));
        }
        Ok(node)
    }

    /// Adds an error at a place.
    pub(crate) fn error(&mut self, code: Code, span: Span, title: impl Into<String>) -> &mut Diagnostic {
        let at = FileSpan { file: self.file, span };
        self.diagnostics.push(Diagnostic::new(code, at, title));
        let last = self.diagnostics.len() - 1;
        #[expect(clippy::indexing_slicing, reason = "one has just been pushed")]
        &mut self.diagnostics[last]
    }

    /// Adds an error with a help.
    pub(crate) fn error_help(
        &mut self,
        code: Code,
        span: Span,
        title: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.error(code, span, title).help = Some(help.into());
    }

    pub(crate) fn at(&self, span: Span) -> FileSpan {
        FileSpan { file: self.file, span }
    }

    /// The place of a pair in the file.
    pub(crate) fn span(&self, pair: &Node<'_>) -> Span {
        let span = pair.as_span();
        Span::new(self.base + span.start() as u32, self.base + span.end() as u32)
    }

    /// The place of a pair whose rule ends in an optional part, without the blanks pest takes on the way.
    pub(crate) fn tight(&self, pair: &Node<'_>) -> Span {
        let span = self.span(pair);
        let text = pair.as_str();
        Span::new(span.start, span.end - (text.len() - trim_end(text).len()) as u32)
    }

    pub(crate) fn name(&self, pair: &Node<'_>) -> Name {
        Name { text: SmolStr::new(pair.as_str()), span: self.span(pair) }
    }

    pub(crate) fn quoted(&mut self, pair: &Node<'_>) -> Text {
        let span = self.span(pair);
        Text { value: literal::unquote(self, pair.as_str(), span), span }
    }

    pub(crate) fn verb(&self, pair: &Node<'_>) -> Option<Verb> {
        Verb::from_word(pair.as_str())
    }

    /// A literal of any kind but a string; strings may be templates.
    pub(crate) fn literal(&mut self, pair: &Node<'_>) -> Option<Literal> {
        let span = self.span(pair);
        let text = pair.as_str();
        let kind = match pair.as_rule() {
            Rule::string => LiteralKind::Text(literal::unquote(self, text, span)),
            Rule::boolean => LiteralKind::Bool(text == "true"),
            Rule::money => LiteralKind::Money(literal::one_blank(text)),
            _ => literal::quantity(text),
        };
        Some(Literal { kind, span })
    }

    /// A literal with an optional minus before it.
    pub(crate) fn signed(&mut self, pair: Node<'_>) -> Option<Literal> {
        let span = self.span(&pair);
        let mut minus = false;
        let mut found = None;
        for part in pair.into_inner() {
            if part.as_rule() == Rule::minus {
                minus = true;
            } else {
                found = self.literal(&part);
            }
        }
        let mut literal = found?;
        if minus {
            literal.span = span;
            match &mut literal.kind {
                LiteralKind::Int(text) | LiteralKind::Float(text) => *text = SmolStr::new(format!("-{text}")),
                _ => {
                    self.error_help(
                        Code::BAD_LITERAL,
                        span,
                        "only plain numbers can be negative here",
                        "remove the `-`",
                    );
                    return None;
                }
            }
        }
        Some(literal)
    }

    pub(crate) fn window(&mut self, pair: Node<'_>) -> Option<Window> {
        let inner = pair.into_inner().next()?;
        Some(match inner.as_rule() {
            Rule::duration => Window::Literal(self.literal(&inner)?),
            _ => Window::Param(self.name(&inner)),
        })
    }

    pub(crate) fn key(&mut self, pair: Node<'_>) -> Option<Key> {
        let span = self.tight(&pair);
        let mut parts = Vec::new();
        let mut prefix = None;
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::value => parts.push(self.name(&part)),
                Rule::prefix => {
                    let mut lengths = Vec::new();
                    for length in part.into_inner().filter(|length| length.as_rule() == Rule::int) {
                        let most = if lengths.is_empty() { 32 } else { 128 };
                        lengths.push(self.prefix_length(&length, most)?);
                    }
                    prefix = lengths.first().map(|v4| (*v4, lengths.get(1).copied()));
                }
                _ => {}
            }
        }
        Some(Key { parts, prefix, span })
    }

    fn prefix_length(&mut self, pair: &Node<'_>, most: u8) -> Option<u8> {
        let value = literal::integer(pair.as_str()).and_then(|value| u8::try_from(value).ok());
        let value = value.filter(|value| *value <= most);
        if value.is_none() {
            let span = self.span(pair);
            let version = if most == 32 { "IPv4" } else { "IPv6" };
            self.error_help(
                Code::BAD_LITERAL,
                span,
                format!("prefix length `{}` is too large for {version}", pair.as_str()),
                format!("an {version} prefix has at most {most} bits: `ip/24`, `ip/24:56`"),
            );
        }
        value
    }

    /// A whole number without sign.
    pub(crate) fn integer(&mut self, pair: &Node<'_>) -> Option<u64> {
        let value = literal::integer(pair.as_str());
        if value.is_none() {
            let span = self.span(pair);
            self.error_help(
                Code::BAD_LITERAL,
                span,
                format!("`{}` is too large for a whole number", pair.as_str()),
                format!("the largest is {}", i64::MAX),
            );
        }
        value
    }

    /// The names of a range of the text that declares one and could not be parsed.
    pub(crate) fn broken_name(&mut self, tokens: &Range<usize>) {
        let at = tokens.start;
        if at < tokens.end && !self.tokens.word(at).is_empty() {
            self.broken.push(Name { text: SmolStr::new(self.tokens.word(at)), span: self.tokens.span(at) });
        }
    }
}

/// A text without the blanks and comments at its end.
///
/// A comment can only be told from a `#` inside a string from the front, so lines are read forward from the
/// last one that is not blank; a rule's optional tail is skipped over at most a few lines.
pub(crate) fn trim_end(text: &str) -> &str {
    let mut rest = text.trim_end();
    loop {
        let line_start = rest.rfind('\n').map_or(0, |at| at + 1);
        let line = rest.get(line_start..).unwrap_or("");
        let Some(hash) = comment_start(line) else { return rest };
        rest = rest.get(..line_start + hash).unwrap_or("").trim_end();
    }
}

/// Where the comment of a line begins. Strings do not span lines.
fn comment_start(line: &str) -> Option<usize> {
    let mut in_string = false;
    let mut escaped = false;
    for (at, byte) in line.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'#' if !in_string => return Some(at),
            _ => {}
        }
    }
    None
}
