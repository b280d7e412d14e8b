//! From the grammar's errors to sentences.
//!
//! The grammar says which rules it tried at the furthest place it reached. [`expected`] is the one place
//! that turns a rule into human words; frequent slips from other languages get a sentence and a fix of their
//! own before that.

use pest::error::{ErrorVariant, InputLocation};
use std::ops::Range;

use crate::ast::Verb;
use crate::codes::Code;
use crate::diagnostic::{Applicability, Diagnostic};
use crate::parse::build::{Build, GrammarError, Rule};
use crate::parse::lexer::TokenKind;
use crate::parse::suggest::nearest;
use crate::span::{FileSpan, Span};

/// The words that cannot name a value.
pub(crate) const OPERATORS: [&str; 16] = [
    "and", "or", "not", "in", "is", "of", "per", "over", "where", "when", "then", "because", "if", "case",
    "true", "false",
];

const VALUE: &str = "a value";

/// What the grammar hoped to find.
enum Expected {
    /// A keyword, or a clause by its keyword.
    Word(String),
    /// A sign.
    Sign(&'static str),
    /// Something with a form of its own.
    Thing(&'static str),
    /// Any operator that could go on.
    Operator,
    /// Nothing more.
    End,
    /// Not worth a word.
    Hidden,
}

/// A rule in human words.
fn expected(rule: Rule) -> Expected {
    use Expected::{End, Hidden, Operator, Sign, Thing, Word};
    match rule {
        Rule::EOI => End,
        Rule::name | Rule::ident | Rule::value | Rule::declared_body => Thing("a name"),
        Rule::expr
        | Rule::amount
        | Rule::negation
        | Rule::minus
        | Rule::paren
        | Rule::array
        | Rule::case_
        | Rule::money
        | Rule::boolean
        | Rule::quantity
        | Rule::signed
        | Rule::pattern
        | Rule::arm
        | Rule::wildcard => Thing(VALUE),
        Rule::type_ | Rule::named | Rule::enumeration => Thing("a type"),
        Rule::string => Thing("a string in double quotes"),
        Rule::int => Thing("a whole number"),
        Rule::number => Thing("a number"),
        Rule::rate => Thing("a rate such as `20/s`"),
        Rule::duration => Thing("a duration such as `10m`"),
        Rule::percent => Thing("a share such as `5%`"),
        Rule::window => Thing("a duration such as `10m`, or a parameter"),
        Rule::key | Rule::target => Thing("a key such as `session`"),
        Rule::verb => Thing("a verdict such as `challenge`"),
        Rule::action | Rule::actions => Thing("an action such as `challenge session for 30m`"),
        Rule::measure | Rule::statistic | Rule::aggregate | Rule::elapsed_from | Rule::meter => {
            Thing("a measure such as `count`")
        }
        Rule::state => Thing("a state such as `missing` or `known`"),
        Rule::given_value => Thing("`contains`, `=`, `late` or `active`"),
        Rule::mode_body => Thing("`shadow`, `enforce` or `canary`"),
        Rule::field | Rule::assignment => Thing("a field"),
        Rule::watched => Thing("a signal such as `name = count`"),
        Rule::step => Thing("a step such as `then login as entry`"),
        Rule::change | Rule::assigned => Thing("an override such as `name = 3`"),
        Rule::decide_arm => Thing("an arm such as `block when score >= 90`"),
        Rule::spared => Thing("whom to spare, such as `devices known 30d`"),
        Rule::sign => Thing("`+` or `-`"),
        Rule::cap_actions => Word("actions".into()),
        Rule::parameters => Sign("("),
        Rule::move_ => Thing("a step such as `expect no action`"),
        Rule::where_clause => Word("where".into()),
        Rule::per => Word("per".into()),
        Rule::over => Word("over".into()),
        Rule::before_this => Word("before".into()),
        Rule::because_clause => Word("because".into()),
        Rule::harm_clause => Word("harm".into()),
        Rule::unknown_clause => Word("if".into()),
        Rule::mode_clause => Word("mode".into()),
        Rule::when_clause => Word("when".into()),
        Rule::then_clause => Word("then".into()),
        Rule::alias => Word("alias".into()),
        Rule::range => Word("in".into()),
        Rule::on_event => Word("on".into()),
        Rule::with => Word("with".into()),
        Rule::to => Word("to".into()),
        Rule::by => Word("by".into()),
        Rule::for_ => Word("for".into()),
        Rule::at_event => Word("at".into()),
        Rule::comma | Rule::least | Rule::bound | Rule::sparing => Sign(","),
        Rule::colon => Sign(":"),
        Rule::equals => Sign("="),
        Rule::lbrace => Sign("{"),
        Rule::rbrace => Sign("}"),
        Rule::lparen => Sign("("),
        Rule::rparen => Sign(")"),
        Rule::lbracket | Rule::tags_body => Sign("["),
        Rule::rbracket => Sign("]"),
        Rule::langle => Sign("<"),
        Rule::rangle => Sign(">"),
        Rule::arrow => Sign("->"),
        Rule::fat_arrow => Sign("=>"),
        Rule::dots => Sign(".."),
        Rule::compare
        | Rule::arithmetic
        | Rule::junction
        | Rule::is_test
        | Rule::relation
        | Rule::ignoring
        | Rule::kw_is
        | Rule::kw_ignoring => Operator,
        Rule::arguments
        | Rule::index
        | Rule::given_entry
        | Rule::question
        | Rule::slash
        | Rule::prefix
        | Rule::move_word
        | Rule::window_kind
        | Rule::scope => Hidden,
        _ => {
            let debug = format!("{rule:?}");
            debug.strip_prefix("kw_").map_or(Hidden, |word| Word(word.replace('_', "-")))
        }
    }
}

/// The words that would have been right where `rule` was tried.
fn candidates(rule: Rule) -> Vec<String> {
    let all = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    match rule {
        Rule::verb | Rule::decide_arm => Verb::ALL.iter().map(|verb| verb.word().to_owned()).collect(),
        Rule::action | Rule::actions => {
            let others =
                ["score", "exempt", "tag", "alert", "notify", "ticket", "revoke", "lock", "activate", "mask"];
            Verb::ALL.iter().map(|verb| verb.word()).chain(others).map(str::to_owned).collect()
        }
        Rule::measure | Rule::aggregate => all(&[
            "count",
            "rate",
            "concurrent",
            "share",
            "distinct",
            "entropy",
            "top",
            "sequential",
            "cv",
            "sum",
            "avg",
            "min",
            "max",
            "stddev",
            "p1",
            "p5",
            "p50",
            "p95",
            "p99",
            "first",
            "last",
            "elapsed",
            "bucket",
            "gcra",
            "usual",
        ]),
        Rule::state => all(&["missing", "known", "active", "tagged", "new"]),
        Rule::window_kind => all(&["tumbling", "exact", "economy"]),
        Rule::scope => all(&["local", "owned", "global"]),
        Rule::given_value => all(&["contains", "late", "active"]),
        Rule::mode_body => all(&["shadow", "enforce", "canary"]),
        Rule::is_test | Rule::kw_is => all(&["is"]),
        Rule::relation => all(&["in", "not", "matches", "contains", "starts", "ends"]),
        Rule::junction => all(&["and", "or"]),
        Rule::ignoring => all(&["ignoring"]),
        Rule::move_ => all(&MOVES),
        rule => match expected(rule) {
            Expected::Word(word) => vec![word],
            _ => Vec::new(),
        },
    }
}

/// The keywords that begin a step of a test.
pub(crate) const MOVES: [&str; 6] = ["given", "unmapped", "repeat", "wait", "release", "expect"];

/// Reports why a range of tokens is no clause of its kind. `form` shows one that is.
///
/// Says nothing where the lexer already has: in a range with a string that does not end or a NUL byte.
pub(crate) fn clause(build: &mut Build<'_>, error: &GrammarError, tokens: Range<usize>, form: &str) {
    let spoiled = tokens.clone().any(|at| match build.tokens.kind(at) {
        TokenKind::OpenText => true,
        TokenKind::Unknown | TokenKind::Text => build.tokens.text(at).contains('\0'),
        _ => false,
    });
    if spoiled {
        return;
    }
    let base = build.tokens.span_of(&tokens).start;
    let at = base + offset(error);
    let index = build.tokens.index_at(&tokens, at);
    let found = Found::new(build, index, &tokens);
    let mut diagnostic = sentence(build, error, &found);
    if diagnostic.help.is_none() {
        diagnostic.help = Some(format!("write it as `{form}`"));
    }
    build.diagnostics.push(diagnostic);
    // Operators of other languages come in numbers: name them all at once.
    if matches!(found.text.as_str(), "&&" | "||") {
        for at in index + 1..tokens.end {
            let right = match build.tokens.text(at) {
                "&&" => "and",
                "||" => "or",
                _ => continue,
            };
            let place = build.at(build.tokens.span(at));
            build.diagnostics.push(swapped(place, build.tokens.text(at), right));
        }
    }
}

/// An operator of another language.
fn swapped(at: FileSpan, text: &str, right: &str) -> Diagnostic {
    Diagnostic::new(Code::SYNTAX, at, format!("`{text}` is no operator here"))
        .help(format!("write `{right}`", right = right.trim_end()))
        .fix(format!("write `{right}`", right = right.trim_end()), at, right, Applicability::Suggested)
}

/// Reports why the text of a placeholder is no expression.
pub(crate) fn hole(build: &mut Build<'_>, error: &GrammarError, span: Span) {
    let text = span.text(build.text).trim();
    let at = Span::at((span.start + offset(error)).min(span.end));
    let found =
        Found { span: at, text: String::new(), kind: TokenKind::End, before: String::new(), before_span: at };
    let words = describe(error, &found);
    let at = build.at(span);
    build.diagnostics.push(
        Diagnostic::new(Code::SYNTAX, at, format!("`{text}` is no value to print: expected {words}"))
            .help("a placeholder holds a name or an expression, as in `{name}`; write `{{` for a brace"),
    );
}

fn offset(error: &GrammarError) -> u32 {
    match error.location {
        InputLocation::Pos(at) | InputLocation::Span((at, _)) => at as u32,
    }
}

/// The token at which the grammar stopped.
struct Found {
    span: Span,
    text: String,
    kind: TokenKind,
    /// The token before it.
    before: String,
    /// Where that stands.
    before_span: Span,
}

impl Found {
    fn new(build: &Build<'_>, index: usize, range: &Range<usize>) -> Self {
        let before = index.checked_sub(1).filter(|before| *before >= range.start);
        let before_span = before.map_or(Span::default(), |before| build.tokens.span(before));
        let before = before.map_or("", |before| build.tokens.text(before)).to_owned();
        if index >= range.end {
            let span = Span::at(build.tokens.span_of(range).end);
            return Self { span, text: String::new(), kind: TokenKind::End, before, before_span };
        }
        let (kind, mut span) = (build.tokens.kind(index), build.tokens.span(index));
        let mut text = build.tokens.text(index).to_owned();
        // The first `/` of a foreign comment divides; the second one is the surprise.
        if text == "/" && before == "/" && before_span.end == span.start {
            text = "//".to_owned();
            span = before_span.to(span);
        }
        Self { span, text, kind, before, before_span }
    }

    fn words(&self) -> String {
        match self.kind {
            TokenKind::End => "the end of the clause".to_owned(),
            TokenKind::Text | TokenKind::OpenText => "a string".to_owned(),
            TokenKind::Unknown => match self.text.chars().next() {
                Some(first) if first.is_control() => format!("the character U+{:04X}", u32::from(first)),
                _ => format!("`{}`", shortened(&self.text)),
            },
            _ => format!("`{}`", shortened(&self.text)),
        }
    }
}

fn shortened(text: &str) -> String {
    const MOST: usize = 32;
    if text.chars().count() <= MOST {
        return text.to_owned();
    }
    text.chars().take(MOST).chain(['…']).collect()
}

fn rules(error: &GrammarError) -> &[Rule] {
    match &error.variant {
        ErrorVariant::ParsingError { positives, .. } => positives,
        ErrorVariant::CustomError { .. } => &[],
    }
}

/// What was expected, as a list in words.
fn describe(error: &GrammarError, found: &Found) -> String {
    let (mut words, mut signs, mut things) = (Vec::new(), Vec::new(), Vec::new());
    let (mut operator, mut end) = (false, false);
    for rule in rules(error) {
        match expected(*rule) {
            Expected::Word(word) => words.push(format!("`{word}`")),
            Expected::Sign(sign) => signs.push(format!("`{sign}`")),
            Expected::Thing(thing) => things.push(thing.to_owned()),
            Expected::Operator => operator = true,
            Expected::End => end = found.kind != TokenKind::End,
            Expected::Hidden => {}
        }
    }
    if things.iter().any(|thing| thing == VALUE) {
        // A value may begin with all of these.
        things.retain(|thing| thing == VALUE);
        words.retain(|word| word != "`case`");
    }
    let mut all = things;
    all.append(&mut signs);
    all.append(&mut words);
    let mut seen = Vec::new();
    all.retain(|one| {
        let new = !seen.contains(one);
        if new {
            seen.push(one.clone());
        }
        new
    });
    const MOST: usize = 6;
    if all.len() > MOST {
        all.truncate(MOST - 1);
        all.push("another clause".to_owned());
    }
    if operator {
        all.push("an operator".to_owned());
    }
    if end && all.len() < 2 {
        all.push("nothing more".to_owned());
    }
    match all.split_last() {
        None => "something else".to_owned(),
        Some((only, [])) => only.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
    }
}

fn sentence(build: &Build<'_>, error: &GrammarError, found: &Found) -> Diagnostic {
    if let ErrorVariant::CustomError { .. } = error.variant {
        return Diagnostic::new(Code::TOO_LARGE, build.at(found.span), "this clause takes too long to read")
            .help("split it into smaller clauses");
    }
    if let Some(diagnostic) = slip(build, error, found) {
        return diagnostic;
    }
    let words = describe(error, found);
    let at = build.at(found.span);
    let diagnostic = Diagnostic::new(Code::SYNTAX, at, format!("expected {words}, found {}", found.words()));
    if found.kind != TokenKind::Word {
        return diagnostic;
    }
    let keyword = OPERATORS.contains(&found.text.as_str());
    let wanted: Vec<String> = rules(error).iter().flat_map(|rule| candidates(*rule)).collect();
    if let Some(right) = nearest(&found.text, wanted.iter().map(String::as_str))
        && !keyword
    {
        return diagnostic.help(format!("did you mean `{right}`?")).fix(
            format!("write `{right}`"),
            at,
            right,
            Applicability::Suggested,
        );
    }
    let names = rules(error).iter().any(|rule| matches!(expected(*rule), Expected::Thing("a name" | VALUE)));
    if names && keyword {
        return diagnostic
            .help(format!("`{}` is a keyword of the language and cannot name a value", found.text));
    }
    diagnostic
}

/// Slips that deserve a sentence of their own.
fn slip(build: &Build<'_>, error: &GrammarError, found: &Found) -> Option<Diagnostic> {
    let at = build.at(found.span);
    let syntax = |title: &str| Diagnostic::new(Code::SYNTAX, at, title);
    let operator = rules(error).iter().any(|rule| matches!(expected(*rule), Expected::Operator));
    let value = rules(error).iter().any(|rule| matches!(expected(*rule), Expected::Thing(VALUE)));
    let swap = |right: &str| swapped(at, &found.text, right);
    let text = found.text.as_str();
    Some(match (found.kind, text) {
        (TokenKind::Equals, _) if operator => syntax("`=` does not compare").help("compare with `==`").fix(
            "write `==`",
            at,
            "==",
            Applicability::Suggested,
        ),
        (TokenKind::Sign, "&&") => swap("and"),
        (TokenKind::Sign, "||") => swap("or"),
        (TokenKind::Sign, "!") => swap(if value { "not " } else { "not" }),
        (TokenKind::Sign, ";") => syntax("clauses end without `;`")
            .help("remove it: a clause ends where the next one begins")
            .fix("remove it", at, "", Applicability::Automatic),
        (TokenKind::Sign, "//") => syntax("comments begin with `#`").help("write `# …`").fix(
            "write `#`",
            at,
            "#",
            Applicability::Suggested,
        ),
        (TokenKind::Sign, "==" | "!=" | "<" | "<=" | ">" | ">=") if operator => {
            syntax("comparisons do not chain")
                .help("compare twice, as in `a < b and b < c`, or put one of them in parentheses")
        }
        (TokenKind::Word, "of") if operator => {
            let before = build.at(found.before_span);
            let measures = candidates(Rule::measure);
            let title = format!("`{}` is no measure", shortened(&found.before));
            let diagnostic = Diagnostic::new(Code::SYNTAX, before, title);
            match nearest(&found.before, measures.iter().map(String::as_str)) {
                Some(right) => diagnostic.help(format!("did you mean `{right}`?")).fix(
                    format!("write `{right}`"),
                    before,
                    right,
                    Applicability::Suggested,
                ),
                None => diagnostic.help(format!("measures are `{}`", measures.join("`, `"))),
            }
        }
        (TokenKind::Word, "case") if found.before == "ignoring" => {
            syntax("`ignoring case` comes last").help("write `a == b ignoring case`")
        }
        (TokenKind::Number, _) if malformed(text) => Diagnostic::new(
            Code::BAD_LITERAL,
            at,
            format!("`{}` is no number with a unit", shortened(text)),
        )
        .help(
            "numbers are `2_000`, `0.25`, `90%`; durations `400ms`, `5s`, `10m`, `1h`, `7d`; rates `20/s`, \
                 `6/min`, `100/h`; money `USD 5`",
        ),
        (TokenKind::Unknown, _) if text.starts_with(['\'', '“', '”', '‘', '’', '«', '`']) => {
            syntax("strings take straight double quotes").help("write `\"…\"`")
        }
        (TokenKind::Unknown, _) => {
            let one: String = text.chars().take(1).collect();
            let first = one.chars().next().map_or(0, u32::from);
            let shown = if one.chars().any(char::is_control) { String::new() } else { format!("`{one}`, ") };
            Diagnostic::new(Code::SYNTAX, at, format!("unexpected character: {shown}U+{first:04X}"))
                .help("remove it; outside of strings and comments the language is plain ASCII")
        }
        _ => return None,
    })
}

/// True for a number token that is none of the language's literals.
fn malformed(text: &str) -> bool {
    let digits_end = text.find(|c: char| !c.is_ascii_digit() && c != '_').unwrap_or(text.len());
    let (digits, unit) = text.split_at(digits_end);
    let bad_digits = digits.ends_with('_') || digits.contains("__");
    let unit = unit.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    bad_digits || !matches!(unit, "" | "%" | "ms" | "s" | "m" | "h" | "d")
}

/// Reports a misspelt keyword.
pub(crate) fn misspelt(build: &mut Build<'_>, at: usize, right: &str, what: &str) {
    let place = build.at(build.tokens.span(at));
    let word = build.tokens.text(at);
    build.diagnostics.push(
        Diagnostic::new(Code::SYNTAX, place, format!("`{}` begins no {what}", shortened(word)))
            .help(format!("did you mean `{right}`?"))
            .fix(format!("write `{right}`"), place, right, Applicability::Automatic),
    );
}
