//! Items of a file: the strict parse, and the islands of an item that fails it.

use std::ops::Range;

use crate::ast::{
    Assignment, Derive, Event, Field, File, Item, ItemKind, Move, MoveKind, Policy, Test, Tune,
};
use crate::codes::Code;
use crate::diagnostic::{Applicability, Diagnostic};
use crate::parse::build::{Build, GrammarError, Node, Rule};
use crate::parse::cache::{Cache, Parsed};
use crate::parse::island::{Islands, ended, generic_start};
use crate::parse::lexer::TokenKind;
use crate::parse::split::{Keyword, Level, Piece, split};
use crate::parse::suggest::nearest;
use crate::parse::{island, item, limits, policy, report, scenario};
use crate::span::Span;

/// Parses all items. With a cache, pieces seen before are copied from it.
pub(crate) fn file(build: &mut Build<'_>, mut cache: Option<&mut Cache>) -> File {
    let mut file = File::default();
    let pieces = split(build.tokens, 0..build.tokens.len(), Level::File);
    let packaged = pieces
        .iter()
        .any(|piece| piece.keyword.or_else(|| piece.misspelt(build, Level::File)) == Some(Keyword::Package));
    for piece in pieces {
        if build.diagnostics.len() > limits::MAX_DIAGNOSTICS {
            break;
        }
        match piece.keyword {
            Some(Keyword::Package) => package(build, &piece, &mut file),
            Some(Keyword::Use) => use_(build, &piece, &mut file),
            Some(Keyword::Policy) => {
                if let Some(policy) = policy_item(build, &piece, cache.as_deref_mut()) {
                    file.items.push(policy);
                }
            }
            None if stands_alone(build, &piece) => {
                let parsed = items(build, piece);
                file.items.extend(parsed);
            }
            _ => {
                let found = cached(build, cache.as_deref_mut().map(|cache| &mut cache.items), piece, items);
                file.items.extend(found);
            }
        }
    }
    if !packaged {
        let at = build.at(Span::at(0));
        build.diagnostics.push(
            Diagnostic::new(Code::NO_PACKAGE, at, "file without a package")
                .help("begin the file with `package name`, as in `package acme.login`"),
        );
    }
    file.broken = std::mem::take(&mut build.broken);
    file
}

/// Tokens that begin nothing may turn out to be a misspelt `package`, `use` or `policy`: not for the cache.
fn stands_alone(build: &Build<'_>, piece: &Piece) -> bool {
    piece.keyword.is_none()
        && matches!(
            piece.misspelt(build, Level::File),
            None | Some(Keyword::Package | Keyword::Use | Keyword::Policy)
        )
}

/// Parses a piece, or copies what an equal piece gave.
fn cached<N: crate::parse::shift::Shift + Clone>(
    build: &mut Build<'_>,
    cache: Option<&mut crate::parse::cache::Shelf<N>>,
    piece: Piece,
    parse: impl FnOnce(&mut Build<'_>, Piece) -> Vec<N>,
) -> Vec<N> {
    let Some(cache) = cache else { return parse(build, piece) };
    let span = build.tokens.span_of(&piece.tokens);
    let text = span.text(build.text);
    if let Some(parsed) = cache.take(text, build.file, span.start) {
        build.diagnostics.extend(parsed.diagnostics);
        build.broken.extend(parsed.broken);
        return parsed.nodes;
    }
    let (diagnostics, broken) = (build.diagnostics.len(), build.broken.len());
    let nodes = parse(build, piece);
    let parsed = Parsed {
        nodes: nodes.clone(),
        diagnostics: build.diagnostics.get(diagnostics..).unwrap_or(&[]).to_vec(),
        broken: build.broken.get(broken..).unwrap_or(&[]).to_vec(),
    };
    cache.put(text, parsed, span.start);
    nodes
}

fn package(build: &mut Build<'_>, piece: &Piece, file: &mut File) {
    let span = build.tokens.span(piece.tokens.start);
    let name = |build: &mut Build<'_>, pair: Node<'_>| pair.into_inner().next().map(|name| build.name(&name));
    let found = build.island(Rule::whole_package, piece.body(), form(Keyword::Package), name);
    if file.package.is_some() {
        build.error_help(Code::SYNTAX, span, "a file has one package", "put the rest into a file of its own");
    } else if !file.items.is_empty() || !file.uses.is_empty() {
        build.error_help(Code::SYNTAX, span, "`package` comes first", "move it to the top of the file");
    }
    if file.package.is_none() {
        file.package = found;
    }
}

fn use_(build: &mut Build<'_>, piece: &Piece, file: &mut File) {
    let start = build.tokens.span(piece.tokens.start);
    if !file.items.is_empty() {
        build.error_help(
            Code::SYNTAX,
            start,
            "`use` comes before the items of a file",
            "move it up, below `package`",
        );
    }
    if piece.unclosed() {
        island::unclosed(build, piece);
        return;
    }
    if let Some(found) = build.island(Rule::whole_use, piece.body(), form(Keyword::Use), item::use_) {
        file.uses.push(crate::ast::Use { span: start.to(found.span), ..found });
    }
}

fn policy_item(build: &mut Build<'_>, piece: &Piece, mut cache: Option<&mut Cache>) -> Option<Item> {
    let span = build.tokens.span_of(&piece.tokens);
    let name = |build: &mut Build<'_>, pair: Node<'_>| Some(build.name(&pair));
    let name = build.island(Rule::whole_ident, piece.head(), form(Keyword::Policy), name);
    if piece.open.is_none() {
        if name.is_some() {
            let behind = Span::at(build.tokens.span_of(&piece.tokens).end);
            build.error_help(
                Code::SYNTAX,
                behind,
                "expected `{`",
                format!("write it as `{}`", form(Keyword::Policy)),
            );
        }
        build.broken_name(&piece.body());
        return None;
    }
    let before = build.diagnostics.len();
    let mut members = Vec::new();
    let mut pieces = split(build.tokens, piece.inside(), Level::Policy);
    // A policy whose braces do not match may still have its own closing one: then a member lacks its.
    let closes = |last: &mut Piece| {
        last.keyword.is_none() && build.tokens.kind(last.tokens.start) == TokenKind::RBrace
    };
    let unclosed = piece.unclosed() && pieces.pop_if(closes).is_none();
    for piece in pieces {
        if build.diagnostics.len() > limits::MAX_DIAGNOSTICS {
            break;
        }
        members.extend(cached(
            build,
            cache.as_deref_mut().map(|cache| &mut cache.members),
            piece,
            policy::members,
        ));
    }
    let blamed = build
        .diagnostics
        .get(before..)
        .is_some_and(|all| all.iter().any(|diagnostic| diagnostic.code == Code::UNBALANCED));
    if unclosed && !blamed {
        island::unclosed(build, piece);
    }
    let Some(name) = name else {
        build.broken_name(&piece.body());
        return None;
    };
    Some(Item { kind: ItemKind::Policy(Policy { name, members }), span, doc: None })
}

/// Parses a piece that is neither package nor policy. A misspelt keyword can make several items of it.
fn items(build: &mut Build<'_>, piece: Piece) -> Vec<Item> {
    let mut out = Vec::new();
    island::each(build, piece, Level::File, |build, piece, keyword| {
        if keyword == Keyword::Policy {
            out.extend(policy_item(build, &piece, None));
            return None;
        }
        let span = build.tokens.span_of(&piece.tokens);
        if let Some(diagnostic) = limits::check_member(build.file, build.tokens, piece.tokens.clone()) {
            build.diagnostics.push(diagnostic);
            broken(build, &piece, keyword);
            return None;
        }
        match strict(build, &piece, keyword) {
            Ok(Some(kind)) => out.push(Item { kind, span, doc: None }),
            Ok(None) => broken(build, &piece, keyword),
            Err(error) if keyword.braced() => {
                let kind = recover(build, &piece, keyword, &error);
                out.extend(kind.map(|kind| Item { kind, span, doc: None }));
            }
            Err(error) => {
                if let Some(rest) = island::rest_after(build, &piece, &error, Level::File) {
                    let piece = Piece { tokens: piece.tokens.start..rest.tokens.start, ..piece };
                    match strict(build, &piece, keyword) {
                        Ok(kind) => {
                            let span = build.tokens.span_of(&piece.tokens);
                            match kind {
                                Some(kind) => out.push(Item { kind, span, doc: None }),
                                None => broken(build, &piece, keyword),
                            }
                            return Some(rest);
                        }
                        Err(error) if rest.misspelt(build, Level::File).is_some() => {
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

/// Remembers the name that a broken item would have declared.
fn broken(build: &mut Build<'_>, piece: &Piece, keyword: Keyword) {
    let declares = matches!(
        keyword,
        Keyword::Event
            | Keyword::List
            | Keyword::Table
            | Keyword::Tag
            | Keyword::Queue
            | Keyword::Decoy
            | Keyword::Schedule
            | Keyword::Fingerprint
            | Keyword::Model
            | Keyword::Function
            | Keyword::Policy
    );
    if declares {
        build.broken_name(&piece.body());
    }
}

/// An item of each kind, as one might write it.
fn form(keyword: Keyword) -> &'static str {
    match keyword {
        Keyword::Package => "package acme.login",
        Keyword::Use => "use std.events { login, signup }",
        Keyword::Envelope => "envelope { ip: ip? personal }",
        Keyword::Event => "event login { user: id<user> personal }",
        Keyword::Derive => {
            "derive login from http.exchange where method == POST { user: body.json(\"/user\") }"
        }
        Keyword::List => "list name: set<string> from \"lists/name.csv\"",
        Keyword::Table => "table name: map<string, country> from \"tables/name.csv\"",
        Keyword::Tag => "tag name",
        Keyword::Queue => "queue name",
        Keyword::Decoy => "decoy name on http.request from \"decoys/name.html\" at most 100/min else block",
        Keyword::Schedule => "schedule name from \"calendars/name.ics\"",
        Keyword::Fingerprint => "fingerprint name = (ja4, http2)",
        Keyword::Model => "model name(input: string) -> probability from \"models/name.onnx\" within 2ms",
        Keyword::Function => "fn name(input: int) -> bool = input > 3",
        Keyword::Cap => {
            "cap block on checkout at 2% of sessions over 10m, at least 50, else challenge because \"…\""
        }
        Keyword::Decide => "decide { block when score >= 90 otherwise pass }",
        Keyword::Tune => "tune policy-name { mode enforce parameter = 3 }",
        Keyword::Test => "test \"what it shows\" { login { user: \"ana\" } expect no action }",
        _ => "policy name { on login … }",
    }
}

fn strict(build: &mut Build<'_>, piece: &Piece, keyword: Keyword) -> Result<Option<ItemKind>, GrammarError> {
    let span = build.tokens.span_of(&piece.body());
    let start = build.tokens.span(piece.tokens.start).start;
    match keyword {
        Keyword::Envelope => build.strict(Rule::whole_envelope, span, item::envelope),
        Keyword::Event => build.strict(Rule::whole_event, span, item::event),
        Keyword::Derive => build.strict(Rule::whole_derive, span, item::derive),
        Keyword::List => build.strict(Rule::whole_list, span, item::list),
        Keyword::Table => build.strict(Rule::whole_table, span, item::table),
        Keyword::Tag => build
            .strict(Rule::whole_declared, span, |build, pair| item::declared(build, pair).map(ItemKind::Tag)),
        Keyword::Queue => build.strict(Rule::whole_declared, span, |build, pair| {
            item::declared(build, pair).map(ItemKind::Queue)
        }),
        Keyword::Decoy => build.strict(Rule::whole_decoy, span, item::decoy),
        Keyword::Schedule => build.strict(Rule::whole_schedule, span, item::schedule),
        Keyword::Fingerprint => build.strict(Rule::whole_fingerprint, span, item::fingerprint),
        Keyword::Model => build.strict(Rule::whole_model, span, item::model),
        Keyword::Function => build.strict(Rule::whole_function, span, item::function),
        Keyword::Cap => build.strict(Rule::whole_cap, span, item::cap),
        Keyword::Tune => build.strict(Rule::whole_tune, span, item::tune),
        Keyword::Test => {
            build.templates = true;
            let test = build.strict(Rule::whole_test, span, scenario::test);
            build.templates = false;
            test
        }
        _ => build.strict(Rule::whole_decide, span, |build, pair| {
            let decide = item::decide(build, pair)?;
            Some(ItemKind::Decide(crate::ast::Decide { span: Span::new(start, decide.span.end), ..decide }))
        }),
    }
}

fn recover(build: &mut Build<'_>, piece: &Piece, keyword: Keyword, error: &GrammarError) -> Option<ItemKind> {
    let before = build.diagnostics.len();
    if piece.unclosed() {
        island::unclosed(build, piece);
    }
    let form = form(keyword);
    let kind = if piece.open.is_none() {
        None
    } else {
        match keyword {
            Keyword::Envelope => Some(ItemKind::Envelope(fields(build, piece.inside()))),
            Keyword::Event => {
                let head = build.island(Rule::whole_event_head, piece.head(), form, item::event_head);
                let fields = fields(build, piece.inside());
                head.map(|(name, aliases)| ItemKind::Event(Event { name, aliases, fields }))
            }
            Keyword::Derive => {
                let head = build.island(Rule::whole_derive_head, piece.head(), form, item::derive_head);
                let fields = assignments(build, piece.inside());
                head.map(|head| ItemKind::Derive(Derive { fields, ..head }))
            }
            Keyword::Tune => tune(build, piece, form),
            Keyword::Test => {
                build.templates = true;
                let test = test(build, piece, form);
                build.templates = false;
                test
            }
            _ => island::decide(build, piece).map(ItemKind::Decide),
        }
    };
    if build.diagnostics.len() == before {
        report::clause(build, error, piece.body(), form);
    }
    if kind.is_none() {
        broken(build, piece, keyword);
    }
    kind
}

fn fields(build: &mut Build<'_>, range: Range<usize>) -> Vec<Field> {
    let islands = Islands::new(build, range, |build, at| {
        let named = build.tokens.kind(at + 1) == TokenKind::Colon && ended(build, at);
        let word = build.tokens.word(at);
        !word.is_empty()
            && (named
                || (generic_start(build, at) && !matches!(word, "personal" | "response" | "alias" | "enum")))
    });
    let mut out = Vec::new();
    for tokens in islands {
        let form = "name: string? personal";
        match build.island(Rule::whole_field, tokens.clone(), form, item::field) {
            Some(field) => out.push(field),
            None => build.broken_name(&tokens),
        }
    }
    out
}

fn assignments(build: &mut Build<'_>, range: Range<usize>) -> Vec<Assignment> {
    let islands = Islands::new(build, range, |build, at| {
        let word = build.tokens.word(at);
        let comma = at.checked_sub(1).is_some_and(|before| build.tokens.kind(before) == TokenKind::Comma);
        let named = build.tokens.kind(at + 1) == TokenKind::Colon && (comma || ended(build, at));
        let line = generic_start(build, at)
            && !matches!(
                word,
                "and" | "or" | "not" | "in" | "is" | "matches" | "contains" | "starts" | "ends" | "ignoring"
            );
        !word.is_empty() && (named || line)
    });
    let mut out = Vec::new();
    for tokens in islands {
        out.extend(build.island(Rule::whole_assignment, tokens, "name: value", item::assignment));
    }
    out
}

fn tune(build: &mut Build<'_>, piece: &Piece, form: &str) -> Option<ItemKind> {
    let name = |build: &mut Build<'_>, pair: Node<'_>| Some(build.name(&pair));
    let policy = build.island(Rule::whole_name, piece.head(), form, name);
    let islands = Islands::new(build, piece.inside(), |build, at| {
        let word = build.tokens.word(at);
        let next = build.tokens.word(at + 1);
        let before = at.checked_sub(1).map_or("", |before| build.tokens.word(before));
        // `rule name mode …`: the mode is not a change of its own.
        let of_rule =
            at.checked_sub(2).is_some_and(|rule| build.tokens.word(rule) == "rule") && !before.is_empty();
        let clause = match word {
            "" => false,
            "mode" => !of_rule && matches!(next, "shadow" | "enforce" | "canary"),
            "harm" => next == "at",
            "rule" => ended(build, at),
            _ => build.tokens.kind(at + 1) == TokenKind::Equals && ended(build, at),
        };
        clause || (generic_start(build, at) && !of_rule)
    });
    let mut changes = Vec::new();
    for tokens in islands {
        let form = "name = 3` or `mode enforce` or `rule name mode shadow";
        changes.extend(build.island(Rule::whole_change, tokens, form, item::change));
    }
    Some(ItemKind::Tune(Tune { policy: policy?, changes }))
}

fn test(build: &mut Build<'_>, piece: &Piece, form: &str) -> Option<ItemKind> {
    let name = |build: &mut Build<'_>, pair: Node<'_>| Some(build.quoted(&pair));
    let before = build.diagnostics.len();
    let name = build.island(Rule::whole_string, piece.head(), form, name);
    let moves = moves(build, piece.inside());
    // A test that lost a step would test something else.
    let whole = build.diagnostics.len() == before && !piece.unclosed();
    whole.then_some(ItemKind::Test(Test { name: name?, moves }))
}

/// Steps of a test or of a `repeat`. Recursion is as deep as braces may nest.
fn moves(build: &mut Build<'_>, range: Range<usize>) -> Vec<Move> {
    let islands = Islands::new(build, range, |build, at| {
        let word = build.tokens.word(at);
        !word.is_empty()
            && ended(build, at)
            && (build.tokens.first(at)
                || report::MOVES.contains(&word)
                || build.tokens.kind(at + 1) == TokenKind::LBrace)
            && !matches!(
                word,
                "and" | "or" | "not" | "in" | "is" | "every" | "as" | "at" | "contains" | "from"
            )
    });
    let mut out = Vec::new();
    for tokens in islands {
        out.extend(one_move(build, tokens));
    }
    out
}

fn one_move(build: &mut Build<'_>, tokens: Range<usize>) -> Option<Move> {
    let span = build.tokens.span_of(&tokens);
    if let Ok(step) = build.strict(Rule::whole_move, span, scenario::move_) {
        return step;
    }
    let word = build.tokens.word(tokens.start);
    let open = tokens.clone().find(|at| build.tokens.kind(*at) == TokenKind::LBrace);
    let emits = !word.is_empty() && open == Some(tokens.start + 1);
    if let Some(right) = nearest(word, report::MOVES)
        && !emits
    {
        report::misspelt(build, tokens.start, right, "step of a test");
        return None;
    }
    let inner = |open: usize| {
        let end = build.tokens.mate(open).filter(|mate| *mate < tokens.end);
        (open + 1..end.unwrap_or(tokens.end), end.map_or(tokens.end, |end| end + 1))
    };
    match open {
        Some(open) if word == "repeat" => {
            let (inside, end) = inner(open);
            let form = "repeat 20 as i every 5s { … }";
            let head = build.island(Rule::whole_repeat_head, tokens.start..open, form, scenario::repeat_head);
            let body = moves(build, inside);
            left_over(build, end..tokens.end);
            let (times, variable, every) = head?;
            Some(Move { kind: MoveKind::Repeat { times, variable, every, body }, span })
        }
        Some(open) if emits => {
            let (inside, end) = inner(open);
            let name = |build: &mut Build<'_>, pair: Node<'_>| Some(build.name(&pair));
            let event = build.island(Rule::whole_name, tokens.start..open, "login { user: \"ana\" }", name);
            let fields = assignments(build, inside);
            left_over(build, end..tokens.end);
            Some(Move { kind: MoveKind::Emit { event: event?, fields }, span })
        }
        _ => {
            let form = match word {
                "given" => "given list contains \"value\"",
                "unmapped" => "unmapped login",
                "wait" => "wait 10m",
                "release" => "release case 1 as block",
                "repeat" => "repeat 20 as i every 5s { … }",
                "expect" => {
                    "expect rule name fired at event 3` or `expect action block` or `expect no action"
                }
                _ => "login { user: \"ana\" }",
            };
            build.island(Rule::whole_move, tokens, form, scenario::move_)
        }
    }
}

fn left_over(build: &mut Build<'_>, tokens: Range<usize>) {
    if tokens.is_empty() {
        return;
    }
    let place = build.at(build.tokens.span(tokens.start));
    if build.tokens.kind(tokens.start) == TokenKind::RBrace {
        build.diagnostics.push(
            Diagnostic::new(Code::UNBALANCED, place, "`}` without a `{` before it")
                .help("remove it, or find the `{` that is missing above")
                .fix("remove it", place, "", Applicability::Suggested),
        );
    } else {
        build.unexpected(tokens, "a step such as `expect no action`", "login { user: \"ana\" }");
    }
}
