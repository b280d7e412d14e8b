//! Cuts a file into items and a policy into members, without knowing what stands inside them.
//!
//! A piece begins with a keyword in a shape that only such a piece has (`list NAME :`), or at the start of a
//! line. One with braces ends with its closing brace; one without ends where the next piece begins. A piece
//! whose closing brace is missing ends before the next keyword at the margin (items) or the next member that
//! cannot stand inside another (members).

use std::ops::Range;

use crate::parse::lexer::{TokenKind, Tokens};

/// What kind of piece a keyword begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Keyword {
    Package,
    Use,
    Envelope,
    Event,
    Derive,
    List,
    Table,
    Tag,
    Queue,
    Decoy,
    Schedule,
    Fingerprint,
    Model,
    Function,
    Policy,
    Cap,
    Tune,
    Test,
    Decide,
    On,
    Requires,
    Tags,
    Mode,
    Harm,
    Param,
    Signal,
    Watch,
    Cohort,
    Sequence,
    Rule,
}

use Keyword as K;

/// Whether pieces of a file or of a policy are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    /// Items.
    File,
    /// Members of a policy.
    Policy,
}

const ITEMS: [(&str, Keyword); 19] = [
    ("package", K::Package),
    ("use", K::Use),
    ("envelope", K::Envelope),
    ("event", K::Event),
    ("derive", K::Derive),
    ("list", K::List),
    ("table", K::Table),
    ("tag", K::Tag),
    ("queue", K::Queue),
    ("decoy", K::Decoy),
    ("schedule", K::Schedule),
    ("fingerprint", K::Fingerprint),
    ("model", K::Model),
    ("fn", K::Function),
    ("policy", K::Policy),
    ("cap", K::Cap),
    ("tune", K::Tune),
    ("test", K::Test),
    ("decide", K::Decide),
];

const MEMBERS: [(&str, Keyword); 12] = [
    ("on", K::On),
    ("requires", K::Requires),
    ("tags", K::Tags),
    ("mode", K::Mode),
    ("harm", K::Harm),
    ("param", K::Param),
    ("signal", K::Signal),
    ("watch", K::Watch),
    ("cohort", K::Cohort),
    ("sequence", K::Sequence),
    ("rule", K::Rule),
    ("decide", K::Decide),
];

impl Level {
    /// The keywords that begin a piece of this level.
    pub(crate) fn keywords(self) -> &'static [(&'static str, Keyword)] {
        match self {
            Self::File => &ITEMS,
            Self::Policy => &MEMBERS,
        }
    }

    /// The level whose keywords may have strayed here.
    pub(crate) fn other(self) -> Self {
        match self {
            Self::File => Self::Policy,
            Self::Policy => Self::File,
        }
    }

    /// The piece a word begins.
    pub(crate) fn keyword(self, word: &str) -> Option<Keyword> {
        self.keywords().iter().find(|(text, _)| *text == word).map(|(_, keyword)| *keyword)
    }
}

impl Keyword {
    /// The keyword as written.
    pub(crate) fn word(self) -> &'static str {
        let all = ITEMS.iter().chain(&MEMBERS);
        all.clone().find(|(_, keyword)| *keyword == self).map_or("", |(word, _)| word)
    }

    /// True for a piece that ends with a closing brace.
    pub(crate) fn braced(self) -> bool {
        matches!(
            self,
            K::Use
                | K::Envelope
                | K::Event
                | K::Derive
                | K::Policy
                | K::Tune
                | K::Test
                | K::Decide
                | K::Watch
                | K::Sequence
                | K::Rule
        )
    }
}

/// A piece: the tokens of one item or member.
#[derive(Clone, Debug)]
pub(crate) struct Piece {
    /// What it is; none for tokens that begin nothing.
    pub(crate) keyword: Option<Keyword>,
    /// Its tokens, the keyword included.
    pub(crate) tokens: Range<usize>,
    /// The opening brace, for a piece with braces.
    pub(crate) open: Option<usize>,
    /// The closing brace, when it was found.
    pub(crate) close: Option<usize>,
}

impl Piece {
    /// The tokens behind the keyword.
    pub(crate) fn body(&self) -> Range<usize> {
        let skip = usize::from(self.keyword.is_some());
        (self.tokens.start + skip).min(self.tokens.end)..self.tokens.end
    }

    /// The tokens between the braces.
    pub(crate) fn inside(&self) -> Range<usize> {
        let from = self.open.map_or(self.tokens.end, |open| open + 1);
        from..self.close.unwrap_or(self.tokens.end).max(from)
    }

    /// The tokens between keyword and opening brace.
    pub(crate) fn head(&self) -> Range<usize> {
        let body = self.body();
        body.start..self.open.unwrap_or(body.end).max(body.start)
    }

    /// True for a piece with braces whose closing one is missing.
    pub(crate) fn unclosed(&self) -> bool {
        self.open.is_some() && self.close.is_none()
    }
}

/// Cuts a range of tokens into pieces; every token belongs to exactly one. Linear in the range.
pub(crate) fn split(tokens: &Tokens<'_>, range: Range<usize>, level: Level) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut at = range.start;
    while at < range.end {
        let piece = match level.keyword(tokens.word(at)) {
            Some(keyword) if keyword.braced() => braced(tokens, at..range.end, keyword, level),
            Some(keyword) => plain(tokens, at..range.end, Some(keyword), level),
            None => plain(tokens, at..range.end, None, level),
        };
        at = piece.tokens.end.max(at + 1);
        pieces.push(piece);
    }
    pieces
}

/// A piece with braces that begins at the start of `range`.
pub(crate) fn braced(tokens: &Tokens<'_>, range: Range<usize>, keyword: Keyword, level: Level) -> Piece {
    let start = range.start;
    let unopened = |end: usize| Piece { keyword: Some(keyword), tokens: start..end, open: None, close: None };
    // The opening brace: the first one that belongs to no `case`.
    let mut cases = 0_usize;
    let mut at = start + 1;
    let open = loop {
        if at >= range.end {
            return unopened(range.end);
        }
        match tokens.kind(at) {
            TokenKind::LBrace if cases == 0 => break at,
            TokenKind::LBrace => {
                cases -= 1;
                at = tokens.mate(at).map_or(at, |mate| mate.min(range.end));
            }
            TokenKind::RBrace => return unopened(at),
            TokenKind::Word if tokens.text(at) == "case" => cases += 1,
            TokenKind::Word if at > start + 1 && begins(tokens, at, level, range.end) => return unopened(at),
            _ => {}
        }
        at += 1;
    };
    let mate = tokens.mate(open).filter(|mate| *mate < range.end);
    let limit = mate.unwrap_or(range.end);
    let swallowed = (open + 1..limit).find(|at| cannot_nest(tokens, *at, level, mate.is_none()));
    match (swallowed, mate) {
        (Some(end), _) => Piece { keyword: Some(keyword), tokens: start..end, open: Some(open), close: None },
        (None, Some(close)) => {
            Piece { keyword: Some(keyword), tokens: start..close + 1, open: Some(open), close: Some(close) }
        }
        (None, None) => {
            Piece { keyword: Some(keyword), tokens: start..range.end, open: Some(open), close: None }
        }
    }
}

/// A piece without braces of its own, or tokens that begin nothing.
pub(crate) fn plain(
    tokens: &Tokens<'_>,
    range: Range<usize>,
    keyword: Option<Keyword>,
    level: Level,
) -> Piece {
    let start = range.start;
    let piece = |end: usize| Piece { keyword, tokens: start..end, open: None, close: None };
    if keyword.is_none() && tokens.kind(start) == TokenKind::RBrace {
        return piece(start + 1);
    }
    // These are a keyword and a name; the next line is something else, whatever it is.
    if matches!(keyword, Some(K::Package | K::Tag | K::Queue))
        && tokens.kind(start + 1) == TokenKind::Word
        && start + 2 < range.end
        && tokens.first(start + 2)
    {
        return piece(start + 2);
    }
    let mut at = start;
    while at < range.end {
        match tokens.kind(at) {
            TokenKind::LBrace => {
                if let Some(mate) = tokens.mate(at).filter(|mate| *mate < range.end) {
                    // Junk with braces ends with them, so that two broken pieces give two diagnostics.
                    if keyword.is_none() {
                        return piece(mate + 1);
                    }
                    at = mate;
                }
            }
            TokenKind::RBrace => return piece(at),
            // Directly behind the keyword only a new line makes a word a keyword: `tag list`.
            TokenKind::Word
                if at > start
                    && (at > start + 1 || keyword.is_none() || tokens.first(at))
                    && begins(tokens, at, level, range.end) =>
            {
                return piece(at);
            }
            _ => {}
        }
        at += 1;
    }
    piece(range.end)
}

/// True when the word at `at` begins a piece, seen from inside another one.
fn begins(tokens: &Tokens<'_>, at: usize, level: Level, end: usize) -> bool {
    let Some(keyword) = level.keyword(tokens.text(at)) else { return false };
    let ended = at.checked_sub(1).is_none_or(|before| tokens.can_end(before));
    let fits = || fits(tokens, at, keyword, end);
    if tokens.first(at) { ended || fits() } else { ended && fits() }
}

/// True when what follows the keyword at `at` has the shape that this kind of piece begins with.
pub(crate) fn fits(tokens: &Tokens<'_>, at: usize, keyword: Keyword, end: usize) -> bool {
    use TokenKind::{Colon, Equals, LBrace, LBracket, LParen, Number, Text, Word};
    let kind = |offset: usize| if at + offset < end { tokens.kind(at + offset) } else { TokenKind::End };
    let word = |offset: usize| if at + offset < end { tokens.word(at + offset) } else { "" };
    let named = kind(1) == Word;
    match keyword {
        K::Package | K::Tag | K::Queue => named,
        K::Use | K::Policy | K::Tune | K::Rule => named && kind(2) == LBrace,
        K::Event => named && (kind(2) == LBrace || word(2) == "alias"),
        K::Envelope | K::Decide => kind(1) == LBrace,
        K::Derive | K::Schedule => named && word(2) == "from",
        K::List | K::Table | K::Param => named && kind(2) == Colon,
        K::Decoy => named && word(2) == "on",
        K::Fingerprint | K::Signal => named && kind(2) == Equals,
        K::Model | K::Function => named && kind(2) == LParen,
        K::Cap => {
            (word(1) == "actions" && word(2) == "by")
                || (crate::ast::Verb::from_word(word(1)).is_some() && word(2) == "on")
        }
        K::Test => matches!(kind(1), Text | TokenKind::OpenText),
        K::On => named && (matches!(kind(2), TokenKind::Comma | TokenKind::End) || word(2) == "where"),
        K::Requires => named && word(2) == "mapped",
        K::Tags => kind(1) == LBracket && kind(2) == Text,
        K::Mode => matches!(word(1), "shadow" | "enforce") || (word(1) == "canary" && kind(2) == Number),
        K::Harm => word(1) == "at" && word(2) == "most",
        K::Watch => named && matches!(word(2), "per" | "where" | "over"),
        K::Cohort => named && word(2) == "of",
        K::Sequence => named && word(2) == "per",
    }
}

/// True when the word at `at` begins a piece that cannot stand inside another: an earlier brace is missing.
fn cannot_nest(tokens: &Tokens<'_>, at: usize, level: Level, unbalanced: bool) -> bool {
    if tokens.kind(at) != TokenKind::Word || !tokens.first(at) {
        return false;
    }
    let Some(keyword) = level.keyword(tokens.text(at)) else { return false };
    match level {
        Level::File => {
            let shape = || fits(tokens, at, keyword, tokens.len());
            if !tokens.at_margin(at) {
                return false;
            }
            // In an unbalanced item any item keyword at the margin resynchronises.
            let only_item =
                matches!(keyword, K::Policy | K::Test | K::Derive | K::Function | K::Model | K::Tune);
            if unbalanced { !matches!(keyword, K::Decide | K::Tag) || shape() } else { only_item && shape() }
        }
        Level::Policy => {
            matches!(keyword, K::Rule | K::Watch | K::Signal | K::Param | K::Cohort | K::Sequence)
                && fits(tokens, at, keyword, tokens.len())
        }
    }
}
