//! What recovery of items and members shares: clauses cut out by their first words, each parsed strictly.

use std::ops::Range;

use crate::ast::Decide;
use crate::codes::Code;
use crate::diagnostic::{Applicability, Diagnostic};
use crate::parse::build::{Build, GrammarError, Node, Rule};
use crate::parse::lexer::TokenKind;
use crate::parse::split::{Keyword, Level, Piece, braced, fits, plain, split};
use crate::parse::suggest::nearest;
use crate::parse::{item, report};
use crate::span::Span;

impl Build<'_> {
    /// Parses one island, or reports why it cannot be.
    pub(crate) fn island<T>(
        &mut self,
        rule: Rule,
        tokens: Range<usize>,
        form: &str,
        build: impl FnOnce(&mut Self, Node<'_>) -> Option<T>,
    ) -> Option<T> {
        let span = self.tokens.span_of(&tokens);
        match self.strict(rule, span, build) {
            Ok(node) => node,
            Err(error) => {
                report::clause(self, &error, tokens, form);
                None
            }
        }
    }

    /// Like [`Build::island`], for a rule whose keywords come before the part that matters.
    pub(crate) fn island_last<T>(
        &mut self,
        rule: Rule,
        tokens: Range<usize>,
        form: &str,
        build: impl FnOnce(&mut Self, Node<'_>) -> Option<T>,
    ) -> Option<T> {
        use pest::Parser as _;
        let span = self.tokens.span_of(&tokens);
        let text = span.text(self.text);
        match crate::parse::build::Grammar::parse(rule, text) {
            Ok(pairs) => {
                let base = std::mem::replace(&mut self.base, span.start);
                let last = pairs.filter(|pair| pair.as_rule() == Rule::actions).last();
                let node = last.and_then(|pair| build(self, pair));
                self.base = base;
                node
            }
            Err(error) => {
                report::clause(self, &Box::new(error), tokens, form);
                None
            }
        }
    }

    /// Reports tokens that begin no clause.
    pub(crate) fn unexpected(&mut self, tokens: Range<usize>, what: &str, form: &str) {
        if tokens.clone().any(|at| self.tokens.kind(at) == TokenKind::OpenText) {
            return;
        }
        let span = self.tokens.span(tokens.start);
        let found = self.tokens.text(tokens.start);
        let found: String = found.chars().filter(|c| !c.is_control()).take(32).collect();
        self.error_help(
            Code::SYNTAX,
            span,
            format!("expected {what}, found `{found}`"),
            format!("write it as `{form}`"),
        );
    }
}

/// Ranges of tokens, each from one start to the next.
pub(crate) struct Islands {
    ranges: std::vec::IntoIter<Range<usize>>,
}

impl Islands {
    /// Cuts `range` where `starts` holds, outside of nested braces. The first island begins with the range.
    pub(crate) fn new(
        build: &Build<'_>,
        range: Range<usize>,
        starts: impl Fn(&Build<'_>, usize) -> bool,
    ) -> Self {
        let mut ranges = Vec::new();
        let mut from = range.start;
        let mut at = range.start;
        while at < range.end {
            if at > from && starts(build, at) {
                ranges.push(from..at);
                from = at;
            }
            at = match build.tokens.mate(at) {
                Some(mate) if mate > at && mate < range.end => mate + 1,
                _ => at + 1,
            };
        }
        if from < range.end {
            ranges.push(from..range.end);
        }
        Self { ranges: ranges.into_iter() }
    }
}

impl Iterator for Islands {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Self::Item> {
        self.ranges.next()
    }
}

/// True when a clause may begin with this token: behind what can end one, and behind an opening brace.
pub(crate) fn ended(build: &Build<'_>, at: usize) -> bool {
    at.checked_sub(1)
        .is_none_or(|before| build.tokens.can_end(before) || build.tokens.kind(before) == TokenKind::LBrace)
}

/// A word at the start of a line, behind something that can end a clause.
pub(crate) fn generic_start(build: &Build<'_>, at: usize) -> bool {
    build.tokens.kind(at) == TokenKind::Word && build.tokens.first(at) && ended(build, at)
}

impl Piece {
    /// The keyword that the first word of tokens that begin nothing may have meant.
    pub(crate) fn misspelt(&self, build: &Build<'_>, level: Level) -> Option<Keyword> {
        misspelt_at(build, self.tokens.start, self.tokens.end, level)
    }
}

fn misspelt_at(build: &Build<'_>, at: usize, end: usize, level: Level) -> Option<Keyword> {
    if level.other().keyword(build.tokens.word(at)).is_some() {
        return None;
    }
    let right = nearest(build.tokens.word(at), level.keywords().iter().map(|(word, _)| *word))?;
    let keyword = level.keyword(right)?;
    // A line that merely begins with a similar name is left alone unless all else looks right too.
    (build.tokens.first(at) || fits(build.tokens, at, keyword, end)).then_some(keyword)
}

/// Where a failed piece without braces should have ended: before a misspelt keyword, or before the line on
/// which the grammar stopped.
pub(crate) fn rest_after(
    build: &Build<'_>,
    piece: &Piece,
    error: &GrammarError,
    level: Level,
) -> Option<Piece> {
    let body = piece.body();
    let rest = |at: usize| Piece { keyword: None, tokens: at..piece.tokens.end, open: None, close: None };
    let misspelt = (body.start + 1..body.end)
        .find(|at| generic_start(build, *at) && misspelt_at(build, *at, body.end, level).is_some());
    if let Some(at) = misspelt {
        return Some(rest(at));
    }
    let stopped = match error.location {
        pest::error::InputLocation::Pos(at) | pest::error::InputLocation::Span((at, _)) => at as u32,
    };
    let at = build.tokens.index_at(&body, build.tokens.span_of(&body).start + stopped);
    (at > body.start && at < body.end && build.tokens.first(at)).then(|| rest(at))
}

/// Hands a piece to `parse`; what that gives back, and what begins nothing, is looked at in its turn.
pub(crate) fn each(
    build: &mut Build<'_>,
    piece: Piece,
    level: Level,
    mut parse: impl FnMut(&mut Build<'_>, Piece, Keyword) -> Option<Piece>,
) {
    let mut queue = vec![piece];
    while let Some(piece) = queue.pop() {
        if let Some(keyword) = piece.keyword {
            queue.extend(parse(build, piece, keyword));
            continue;
        }
        let range = piece.tokens.clone();
        let Some(keyword) = piece.misspelt(build, level) else {
            nothing(build, &piece, level);
            continue;
        };
        let what = if level == Level::File { "item" } else { "clause of a policy" };
        report::misspelt(build, range.start, keyword.word(), what);
        let meant = if keyword.braced() {
            braced(build.tokens, range.clone(), keyword, level)
        } else {
            plain(build.tokens, range.clone(), Some(keyword), level)
        };
        let end = meant.tokens.end;
        let rest = split(build.tokens, end..range.end, level);
        queue.extend(rest.into_iter().rev());
        queue.push(meant);
    }
}

/// Reports tokens that begin nothing.
fn nothing(build: &mut Build<'_>, piece: &Piece, level: Level) {
    let at = piece.tokens.start;
    let spoiled = piece
        .tokens
        .clone()
        .any(|at| build.tokens.kind(at) == TokenKind::OpenText || build.tokens.text(at).contains('\0'));
    if spoiled {
        return;
    }
    let place = build.at(build.tokens.span(at));
    let word = build.tokens.text(at);
    if build.tokens.kind(at) == TokenKind::RBrace {
        build.diagnostics.push(
            Diagnostic::new(Code::UNBALANCED, place, "`}` without a `{` before it")
                .help("remove it, or find the `{` that is missing above")
                .fix("remove it", place, "", Applicability::Suggested),
        );
        return;
    }
    let shown: String = word.chars().filter(|c| !c.is_control()).take(32).collect();
    let (title, help) = match (level, level.other().keyword(word)) {
        (Level::File, Some(_)) => {
            (format!("`{word}` stands outside of a policy"), "put it inside `policy name { … }`".to_owned())
        }
        (Level::Policy, Some(_)) => {
            (format!("`{word}` cannot stand inside a policy"), "put it before or behind the policy".to_owned())
        }
        (Level::File, None) => (
            format!("expected an item, found `{shown}`"),
            "items begin with `package`, `use`, `event`, `derive`, `list`, `table`, `tag`, `queue`, `decoy`, \
             `schedule`, `fingerprint`, `model`, `fn`, `policy`, `cap`, `decide`, `tune` or `test`"
                .to_owned(),
        ),
        (Level::Policy, None) => (
            format!("expected a clause of a policy, found `{shown}`"),
            "clauses begin with `on`, `requires`, `tags`, `mode`, `harm`, `param`, `signal`, `watch`, `cohort`, \
             `sequence`, `rule` or `decide`"
                .to_owned(),
        ),
    };
    build.error_help(Code::SYNTAX, place.span, title, help);
}

/// Reports a piece whose closing brace is missing.
pub(crate) fn unclosed(build: &mut Build<'_>, piece: &Piece) {
    let Some(open) = piece.open else { return };
    // A string that swallowed its line may have swallowed the brace.
    if piece.tokens.clone().any(|at| build.tokens.kind(at) == TokenKind::OpenText) {
        return;
    }
    let what = build.tokens.text(piece.tokens.start);
    let name = piece.keyword.map_or("", Keyword::word);
    let head = build.tokens.text(piece.tokens.start + 1);
    let title = if open > piece.tokens.start + 1 {
        format!("`{what} {head}` has no closing `}}`", what = if name.is_empty() { what } else { name })
    } else {
        format!("`{what}` has no closing `}}`")
    };
    let end = build.tokens.span_of(&piece.tokens).end;
    let behind = build.at(Span::at(end));
    let opened = build.at(build.tokens.span(open));
    build.diagnostics.push(
        Diagnostic::new(Code::UNBALANCED, opened, title)
            .label("opened here")
            .also(behind, "should be closed by here")
            .help("add `}` where it ends")
            .fix("close it", behind, "\n}", Applicability::Suggested),
    );
}

/// The arms of a `decide`, each on its own.
pub(crate) fn decide(build: &mut Build<'_>, piece: &Piece) -> Option<Decide> {
    let islands = Islands::new(build, piece.inside(), |build, at| {
        let word = build.tokens.word(at);
        word == "otherwise"
            || build.tokens.word(at + 1) == "when" && !word.is_empty()
            || (generic_start(build, at) && !matches!(word, "and" | "or" | "not" | "when" | "in" | "is"))
    });
    let (mut arms, mut otherwise) = (Vec::new(), None);
    let mut whole = true;
    for tokens in islands {
        let word = build.tokens.word(tokens.start);
        if word == "otherwise" || nearest(word, ["otherwise"]).is_some() {
            if word != "otherwise" {
                report::misspelt(build, tokens.start, "otherwise", "arm");
            }
            let body = tokens.start + 1..tokens.end;
            otherwise =
                build.island(Rule::whole_verb, body, "otherwise pass", |build, pair| build.verb(&pair));
        } else {
            let form = "block when score >= 90";
            match build.island(Rule::whole_decide_arm, tokens, form, item::decide_arm) {
                Some(arm) => arms.push(arm),
                None => whole = false,
            }
        }
    }
    whole.then_some(())?;
    Some(Decide { arms, otherwise: otherwise?, span: build.tokens.span_of(&piece.tokens) })
}
