//! Members of a policy: the strict parse, and the islands of a member that fails it.

use std::ops::Range;

use crate::ast::{Because, Member, MemberKind, Watch};
use crate::codes::Code;
use crate::diagnostic::Applicability;
use crate::parse::action::{self, RuleParts};
use crate::parse::build::{Build, GrammarError, Node, Rule};
use crate::parse::island::{Islands, generic_start};
use crate::parse::lexer::TokenKind;
use crate::parse::split::{Keyword, Level, Piece};
use crate::parse::suggest::nearest;
use crate::parse::{island, item, limits, report, signal};
use crate::span::Span;

/// The clauses of a rule.
const RULE_CLAUSES: [&str; 6] = ["when", "then", "because", "harm", "if", "mode"];

/// Parses a piece of a policy. One piece gives several members when a keyword in it was misspelt.
pub(crate) fn members(build: &mut Build<'_>, piece: Piece) -> Vec<Member> {
    let mut out = Vec::new();
    island::each(build, piece, Level::Policy, |build, piece, keyword| {
        let span = build.tokens.span_of(&piece.tokens);
        if let Some(diagnostic) = limits::check_member(build.file, build.tokens, piece.tokens.clone()) {
            build.diagnostics.push(diagnostic);
            broken(build, &piece, keyword);
            return None;
        }
        match strict(build, &piece, keyword) {
            Ok(Some(kind)) => out.push(Member { kind, span, doc: None }),
            Ok(None) => broken(build, &piece, keyword),
            Err(error) if keyword.braced() => {
                let kind = recover(build, &piece, keyword, &error);
                out.extend(kind.map(|kind| Member { kind, span, doc: None }));
            }
            Err(error) => {
                // What stands before an error on a line of its own may be whole.
                if let Some(rest) = island::rest_after(build, &piece, &error, Level::Policy) {
                    let piece = Piece { tokens: piece.tokens.start..rest.tokens.start, ..piece };
                    match strict(build, &piece, keyword) {
                        Ok(kind) => {
                            let span = build.tokens.span_of(&piece.tokens);
                            match kind {
                                Some(kind) => out.push(Member { kind, span, doc: None }),
                                None => broken(build, &piece, keyword),
                            }
                            return Some(rest);
                        }
                        Err(error) if rest.misspelt(build, Level::Policy).is_some() => {
                            report::clause(build, &error, piece.body(), form(keyword));
                            broken(build, &piece, keyword);
                            return Some(rest);
                        }
                        Err(_) => {}
                    }
                }
                report::clause(build, &error, piece.body(), form(keyword));
                broken(build, &piece, keyword);
            }
        }
        None
    });
    out
}

fn broken(build: &mut Build<'_>, piece: &Piece, keyword: Keyword) {
    if matches!(
        keyword,
        Keyword::Param | Keyword::Signal | Keyword::Cohort | Keyword::Sequence | Keyword::Rule
    ) {
        build.broken_name(&piece.body());
    }
    if keyword == Keyword::Watch {
        // A watch declares every `name =` inside it.
        for at in piece.inside() {
            if build.tokens.kind(at + 1) == TokenKind::Equals {
                build.broken_name(&(at..at + 1));
            }
        }
    }
}

/// A member of each kind, as one might write it.
pub(crate) fn form(keyword: Keyword) -> &'static str {
    match keyword {
        Keyword::On => "on login, signup where …",
        Keyword::Requires => "requires login mapped",
        Keyword::Tags => "tags [\"OAT-008\", \"T1110\"]",
        Keyword::Mode => "mode shadow` or `mode canary 5% per session",
        Keyword::Harm => "harm at most 0.1% of known-good sessions",
        Keyword::Param => "param name: int = 20 in 5..32",
        Keyword::Signal => "signal name = count of login where … per user over 10m",
        Keyword::Watch => "watch login per shape over 10m { name = count where … }",
        Keyword::Cohort => {
            "cohort name of search by (shape, channel) over 5m against usual, floor 50, lift at least 8, at least 500"
        }
        Keyword::Sequence => "sequence name per user within 72h { first login as a then transfer as b }",
        Keyword::Rule => "rule name { when … then … because \"…\" }",
        Keyword::Decide => "decide { block when score >= 90 otherwise pass }",
        _ => "policy name { on login … }",
    }
}

fn strict(
    build: &mut Build<'_>,
    piece: &Piece,
    keyword: Keyword,
) -> Result<Option<MemberKind>, GrammarError> {
    let span = build.tokens.span_of(&piece.body());
    let start = build.tokens.span(piece.tokens.start).start;
    match keyword {
        Keyword::On => build.strict(Rule::whole_on, span, action::on),
        Keyword::Requires => build.strict(Rule::whole_requires, span, action::requires),
        Keyword::Tags => build.strict(Rule::whole_tags, span, action::tags),
        Keyword::Mode => build
            .strict(Rule::whole_mode, span, |build, pair| action::mode(build, pair).map(MemberKind::Mode)),
        Keyword::Harm => build.strict(Rule::whole_harm, span, |build, pair| {
            action::harm(build, pair, start).map(MemberKind::Harm)
        }),
        Keyword::Param => build.strict(Rule::whole_param, span, action::param),
        Keyword::Signal => build.strict(Rule::whole_signal, span, signal::signal),
        Keyword::Watch => build.strict(Rule::whole_watch, span, signal::watch),
        Keyword::Cohort => build.strict(Rule::whole_cohort, span, signal::cohort),
        Keyword::Sequence => build.strict(Rule::whole_sequence, span, signal::sequence),
        Keyword::Rule => build.strict(Rule::whole_rule, span, action::rule),
        _ => build.strict(Rule::whole_decide, span, |build, pair| {
            let decide = item::decide(build, pair)?;
            Some(MemberKind::Decide(crate::ast::Decide { span: Span::new(start, decide.span.end), ..decide }))
        }),
    }
}

fn recover(
    build: &mut Build<'_>,
    piece: &Piece,
    keyword: Keyword,
    error: &GrammarError,
) -> Option<MemberKind> {
    let before = build.diagnostics.len();
    if piece.unclosed() {
        island::unclosed(build, piece);
    }
    let kind = if piece.open.is_none() {
        None
    } else {
        match keyword {
            Keyword::Rule => rule(build, piece),
            Keyword::Watch => watch(build, piece),
            Keyword::Sequence => sequence(build, piece),
            _ => island::decide(build, piece).map(MemberKind::Decide),
        }
    };
    if build.diagnostics.len() == before {
        report::clause(build, error, piece.body(), form(keyword));
    }
    if kind.is_none() {
        broken(build, piece, keyword);
    }
    kind
}

fn watch(build: &mut Build<'_>, piece: &Piece) -> Option<MemberKind> {
    let population =
        build.island(Rule::whole_watch_head, piece.head(), form(Keyword::Watch), signal::watch_head);
    let mut signals = Vec::new();
    let islands = Islands::new(build, piece.inside(), |build, at| {
        let line = generic_start(build, at)
            && !matches!(
                build.tokens.text(at),
                "where"
                    | "and"
                    | "or"
                    | "not"
                    | "in"
                    | "is"
                    | "at"
                    | "matches"
                    | "contains"
                    | "starts"
                    | "ends"
                    | "ignoring"
                    | "of"
            );
        let named = build.tokens.kind(at + 1) == TokenKind::Equals && island::ended(build, at);
        build.tokens.kind(at) == TokenKind::Word && (line || named)
    });
    for tokens in islands {
        let form = "name = count where …, at least 10";
        match build.island(Rule::whole_watched, tokens.clone(), form, signal::watched) {
            Some(watched) => signals.push(watched),
            None => build.broken_name(&tokens),
        }
    }
    Some(MemberKind::Watch(Watch { population: population?, signals }))
}

fn sequence(build: &mut Build<'_>, piece: &Piece) -> Option<MemberKind> {
    let form = form(Keyword::Sequence);
    let sequence = build.island(Rule::whole_sequence_head, piece.head(), form, signal::sequence_head);
    let islands = Islands::new(build, piece.inside(), |build, at| match build.tokens.word(at) {
        "then" => true,
        "first" | "without" => island::ended(build, at),
        "" | "where" | "and" | "or" | "as" | "within" | "between" | "not" | "in" | "is" => false,
        _ => generic_start(build, at),
    });
    let mut steps = Vec::new();
    let mut whole = true;
    for tokens in islands {
        if let Some(right) = nearest(build.tokens.word(tokens.start), ["first", "then", "without"]) {
            report::misspelt(build, tokens.start, right, "step of a sequence");
            whole = false;
            continue;
        }
        let form = "then login as entry where …";
        match build.island(Rule::whole_step, tokens, form, signal::step) {
            Some(step) => steps.push(step),
            None => whole = false,
        }
    }
    // A sequence that lacks a step would mean something else.
    whole.then_some(())?;
    Some(MemberKind::Sequence(crate::ast::Sequence { steps, ..sequence? }))
}

/// Which clause of a rule begins at a token, misspelt or not.
fn rule_clause(build: &Build<'_>, at: usize) -> Option<&'static str> {
    let word = build.tokens.word(at);
    let before = at.checked_sub(1).map_or("", |before| build.tokens.word(before));
    let starts_line = build.tokens.first(at) && island::ended(build, at);
    match word {
        "" => None,
        "then" if before == "unknown" => None,
        "when" => Some("when"),
        "then" => Some("then"),
        "because" => Some("because"),
        "if" => Some("if"),
        "harm" if starts_line || build.tokens.word(at + 1) == "at" => Some("harm"),
        "mode" if starts_line || matches!(build.tokens.word(at + 1), "shadow" | "enforce" | "canary") => {
            Some("mode")
        }
        _ if starts_line || build.tokens.kind(at + 1) == TokenKind::Text => nearest(word, RULE_CLAUSES),
        _ => None,
    }
}

fn rule(build: &mut Build<'_>, piece: &Piece) -> Option<MemberKind> {
    let before = build.diagnostics.len();
    let mut parts = RuleParts::default();
    let name = |build: &mut Build<'_>, pair: Node<'_>| Some(build.name(&pair));
    parts.name = build.island(Rule::whole_ident, piece.head(), form(Keyword::Rule), name);
    let islands = Islands::new(build, piece.inside(), |build, at| {
        let continues = matches!(
            build.tokens.text(at),
            "and"
                | "or"
                | "not"
                | "in"
                | "is"
                | "matches"
                | "contains"
                | "starts"
                | "ends"
                | "ignoring"
                | "on"
                | "with"
                | "to"
                | "by"
                | "for"
                | "renewing"
                | "sparing"
                | "else"
                | "then"
                | "unknown"
        );
        rule_clause(build, at).is_some() || (generic_start(build, at) && !continues)
    });
    let mut seen: Vec<&str> = Vec::new();
    for tokens in islands {
        let start = build.tokens.span(tokens.start).start;
        let Some(clause) = rule_clause(build, tokens.start) else {
            build.unexpected(tokens, "a clause of a rule", form(Keyword::Rule));
            continue;
        };
        if build.tokens.word(tokens.start) != clause {
            report::misspelt(build, tokens.start, clause, "clause of a rule");
        }
        if clause != "if" {
            let span = build.tokens.span(tokens.start);
            RuleParts::once(build, seen.contains(&clause), clause, span);
        }
        seen.push(clause);
        let body = tokens.start + 1..tokens.end;
        match clause {
            "when" => {
                let form = "when count > 3 and country is known";
                parts.when = build.island(Rule::whole_expr, body, form, crate::parse::expression::expr);
            }
            "then" => parts.then = actions(build, body),
            "because" => {
                let place = build.tokens.span_of(&body);
                let text = build.island(
                    Rule::whole_string,
                    body,
                    "because \"{count} logins failed\"",
                    |build, pair| Some(action::because_text(build, &pair)),
                );
                // A broken reason is a reason: it must not be reported as missing too.
                parts.because = Some(text.unwrap_or(Because { parts: Vec::new(), span: place }));
            }
            "harm" => {
                parts.harm = build.island(Rule::whole_harm, body, form(Keyword::Harm), |build, pair| {
                    action::harm(build, pair, start)
                });
            }
            "mode" => parts.mode = build.island(Rule::whole_mode, body, form(Keyword::Mode), action::mode),
            _ => {
                let form = "if unknown then challenge";
                let list = |build: &mut Build<'_>, pair: Node<'_>| action::actions(build, pair);
                // The two keywords before the actions come as pairs of their own.
                parts.if_unknown =
                    build.island_last(Rule::whole_unknown, body, form, list).unwrap_or_default();
            }
        }
    }
    if build.diagnostics.len() == before {
        for clause in ["when", "then"] {
            if !seen.contains(&clause) {
                let span = build.tokens.span_of(&piece.head());
                build.error_help(
                    Code::SYNTAX,
                    span,
                    format!("rule without a `{clause}`"),
                    format!("write it as `{}`", form(Keyword::Rule)),
                );
            }
        }
    }
    if parts.then.is_empty() {
        return None;
    }
    parts.finish().map(MemberKind::Rule)
}

/// Actions one by one, so that each broken one is reported and the others stay.
fn actions(build: &mut Build<'_>, body: Range<usize>) -> Vec<crate::ast::Action> {
    let span = build.tokens.span_of(&body);
    if let Ok(actions) = build.strict(Rule::whole_actions, span, action::actions) {
        return actions.unwrap_or_default();
    }
    let form = "then challenge session on login for 30m, alert soc";
    let mut out = Vec::new();
    let mut from = body.start;
    let mut depth = 0_usize;
    for at in body.clone() {
        match build.tokens.kind(at) {
            TokenKind::LParen => depth += 1,
            TokenKind::RParen => depth = depth.saturating_sub(1),
            TokenKind::Comma if depth == 0 && build.tokens.word(at + 1) != "sparing" => {
                out.extend(one_action(build, from..at, at, form));
                from = at + 1;
            }
            _ => {}
        }
    }
    out.extend(one_action(build, from..body.end, from.max(body.start + 1) - 1, form));
    out
}

fn one_action(
    build: &mut Build<'_>,
    tokens: Range<usize>,
    comma: usize,
    form: &str,
) -> Option<crate::ast::Action> {
    if tokens.is_empty() && build.tokens.kind(comma) == TokenKind::Comma {
        let place = build.at(build.tokens.span(comma));
        let error = build.error(Code::SYNTAX, place.span, "comma without an action");
        *error = error.clone().help("remove it, or write the action: commas stand between actions").fix(
            "remove it",
            place,
            "",
            Applicability::Suggested,
        );
        return None;
    }
    build.island(Rule::whole_action, tokens, form, action::action)
}
