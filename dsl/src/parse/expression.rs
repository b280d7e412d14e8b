//! Expressions: the grammar answers flat lists of operands and operators, folded here by precedence.
//!
//! Loosest first: `or`, `and`, `not`, one comparison, `+ -`, `* / %`, `??`, unary minus, call and index.
//! Every tree made is at most [`MAX_DEPTH`] deep, so that whoever walks it may recurse.

use pest::iterators::Pairs;
use std::iter::Peekable;

use crate::ast::{
    ArithmeticOp, Arm, BecausePart, CompareOp, Expr, ExprKind, LiteralKind, Name, State, TextOp,
};
use crate::codes::Code;
use crate::parse::build::{Build, Node, Rule};
use crate::parse::limits::MAX_DEPTH;
use crate::parse::literal;
use crate::span::Span;

/// A tree and how deep it is.
struct Deep {
    expr: Expr,
    depth: u32,
}

type List<'i> = Peekable<Pairs<'i, Rule>>;

/// The expression of an `expr` or `amount` pair.
pub(crate) fn expr(build: &mut Build<'_>, pair: Node<'_>) -> Option<Expr> {
    deep(build, pair).map(|deep| deep.expr)
}

fn deep(build: &mut Build<'_>, pair: Node<'_>) -> Option<Deep> {
    disjunction(build, &mut pair.into_inner().peekable())
}

fn next_is(list: &mut List<'_>, rule: Rule) -> bool {
    list.peek().is_some_and(|pair| pair.as_rule() == rule)
}

impl Build<'_> {
    /// A node above children of which the deepest is `below` deep.
    fn node(&mut self, kind: ExprKind, span: Span, below: u32) -> Option<Deep> {
        let depth = below + 1;
        if depth > MAX_DEPTH {
            self.error_help(
                Code::TOO_LARGE,
                span,
                format!("expression more than {MAX_DEPTH} operators deep"),
                "name its parts: `signal name = …` or `fn name(…) -> type = …`",
            );
            return None;
        }
        Some(Deep { expr: Expr { kind, span }, depth })
    }
}

fn disjunction(build: &mut Build<'_>, list: &mut List<'_>) -> Option<Deep> {
    let first = negated(build, list)?;
    if !next_is(list, Rule::junction) {
        return Some(first);
    }
    let mut any: Vec<Deep> = Vec::new();
    let mut all = vec![first];
    while let Some(junction) = list.next_if(|pair| pair.as_rule() == Rule::junction) {
        let term = negated(build, list)?;
        if junction.as_str() == "or" {
            let done = std::mem::replace(&mut all, vec![term]);
            any.push(join(build, done, ExprKind::And)?);
        } else {
            all.push(term);
        }
    }
    any.push(join(build, all, ExprKind::And)?);
    join(build, any, ExprKind::Or)
}

fn join(build: &mut Build<'_>, mut terms: Vec<Deep>, kind: fn(Vec<Expr>) -> ExprKind) -> Option<Deep> {
    if terms.len() == 1 {
        return terms.pop();
    }
    let span = terms.first()?.expr.span.to(terms.last()?.expr.span);
    let below = terms.iter().map(|term| term.depth).max()?;
    build.node(kind(terms.into_iter().map(|term| term.expr).collect()), span, below)
}

fn negated(build: &mut Build<'_>, list: &mut List<'_>) -> Option<Deep> {
    let mut nots = Vec::new();
    while let Some(not) = list.next_if(|pair| pair.as_rule() == Rule::negation) {
        nots.push(build.span(&not));
    }
    let mut term = comparison(build, list)?;
    for not in nots.into_iter().rev() {
        let span = not.to(term.expr.span);
        term = build.node(ExprKind::Not(Box::new(term.expr)), span, term.depth)?;
    }
    Some(term)
}

fn comparison(build: &mut Build<'_>, list: &mut List<'_>) -> Option<Deep> {
    let left = sum(build, list)?;
    let Some(rule) = list.peek().map(Node::as_rule) else { return Some(left) };
    match rule {
        Rule::compare => {
            let sign = list.next()?;
            let op = compare_op(sign.as_str())?;
            let right = sum(build, list)?;
            let below = left.depth.max(right.depth);
            let mut span = left.expr.span.to(right.expr.span);
            let (left, right) = (Box::new(left.expr), Box::new(right.expr));
            if let Some(ignoring) = list.next_if(|pair| pair.as_rule() == Rule::ignoring) {
                span = span.to(build.span(&ignoring));
                if op != CompareOp::Eq {
                    build.error_help(
                        Code::SYNTAX,
                        build.span(&sign),
                        format!("`ignoring case` goes with `==`, not with `{}`", op.sign()),
                        "write `not (a == b ignoring case)` for the opposite",
                    );
                    return None;
                }
                return build.node(ExprKind::EqIgnoringCase(left, right), span, below);
            }
            build.node(ExprKind::Compare(op, left, right), span, below)
        }
        Rule::is_test => {
            let test = list.next()?;
            let span = left.expr.span.to(build.tight(&test));
            let mut negated = false;
            let mut state = None;
            for part in test.into_inner() {
                match part.as_rule() {
                    Rule::kw_not => negated = true,
                    Rule::state => state = Some(state_of(build, part)?),
                    _ => {}
                }
            }
            build.node(ExprKind::Is(Box::new(left.expr), state?, negated), span, left.depth)
        }
        Rule::relation => relation(build, left, list),
        _ => Some(left),
    }
}

fn relation(build: &mut Build<'_>, left: Deep, list: &mut List<'_>) -> Option<Deep> {
    let relation = list.next()?;
    let right = sum(build, list)?;
    let span = left.expr.span.to(right.expr.span);
    let below = left.depth.max(right.depth);
    let mut negated = false;
    let mut op = None;
    for part in relation.into_inner() {
        match part.as_rule() {
            Rule::kw_not => negated = true,
            Rule::kw_matches => op = Some(TextOp::Glob),
            Rule::kw_regex => op = Some(TextOp::Regex),
            Rule::kw_contains => op = Some(TextOp::Contains),
            Rule::kw_starts => op = Some(TextOp::StartsWith),
            Rule::kw_ends => op = Some(TextOp::EndsWith),
            _ => {}
        }
    }
    let (subject, pattern) = (Box::new(left.expr), Box::new(right.expr));
    let Some(op) = op else {
        return build.node(ExprKind::In { needle: subject, haystack: pattern, negated }, span, below);
    };
    if matches!(op, TextOp::Glob | TextOp::Regex)
        && !matches!(pattern.kind, ExprKind::Literal(LiteralKind::Text(_)) | ExprKind::Template(_))
    {
        build.error_help(
            Code::SYNTAX,
            pattern.span,
            "`matches` takes a pattern in quotes",
            "write `matches \"/api/*\"` or `matches regex \"^/api/\"`; a list of patterns goes with `in`",
        );
        return None;
    }
    build.node(ExprKind::TextTest { op, subject, pattern, negated }, span, below)
}

fn state_of(build: &mut Build<'_>, pair: Node<'_>) -> Option<State> {
    let mut found = None;
    let mut key = None;
    for part in pair.into_inner() {
        match part.as_rule() {
            Rule::kw_missing => found = Some(State::Missing),
            Rule::kw_known => found = Some(State::Known),
            Rule::kw_active => found = Some(State::Active),
            Rule::value => found = Some(State::Tagged(build.name(&part))),
            Rule::key => key = Some(build.key(part)?),
            Rule::window => found = Some(State::New(key.take()?, build.window(part)?)),
            _ => {}
        }
    }
    found
}

/// The signs of comparisons.
pub(crate) fn compare_op(sign: &str) -> Option<CompareOp> {
    use CompareOp::{Eq, Ge, Gt, Le, Lt, Ne};
    [Eq, Ne, Lt, Le, Gt, Ge].into_iter().find(|op| op.sign() == sign)
}

/// `+ -` over `* / %` over `??`, each from left to right.
fn sum(build: &mut Build<'_>, list: &mut List<'_>) -> Option<Deep> {
    climb(build, list, 0)
}

fn precedence(sign: &str) -> u8 {
    match sign {
        "+" | "-" => 0,
        "??" => 2,
        _ => 1,
    }
}

fn climb(build: &mut Build<'_>, list: &mut List<'_>, least: u8) -> Option<Deep> {
    let mut left = if least > 2 { operand(build, list)? } else { climb(build, list, least + 1)? };
    while let Some(sign) =
        list.next_if(|pair| pair.as_rule() == Rule::arithmetic && precedence(pair.as_str()) == least)
    {
        let right = climb(build, list, least + 1)?;
        let below = left.depth.max(right.depth);
        let span = left.expr.span.to(right.expr.span);
        let (a, b) = (Box::new(left.expr), Box::new(right.expr));
        let kind = match sign.as_str() {
            "+" => ExprKind::Arithmetic(ArithmeticOp::Add, a, b),
            "-" => ExprKind::Arithmetic(ArithmeticOp::Sub, a, b),
            "*" => ExprKind::Arithmetic(ArithmeticOp::Mul, a, b),
            "/" => ExprKind::Arithmetic(ArithmeticOp::Div, a, b),
            "%" => ExprKind::Arithmetic(ArithmeticOp::Rem, a, b),
            _ => ExprKind::Fallback(a, b),
        };
        left = build.node(kind, span, below)?;
    }
    Some(left)
}

fn operand(build: &mut Build<'_>, list: &mut List<'_>) -> Option<Deep> {
    let mut signs = Vec::new();
    while let Some(minus) = list.next_if(|pair| pair.as_rule() == Rule::minus) {
        signs.push(build.span(&minus));
    }
    let mut value = atom(build, list)?;
    while let Some(index) = list.next_if(|pair| pair.as_rule() == Rule::index) {
        let span = value.expr.span.to(build.span(&index));
        let key = deep(build, index.into_inner().find(|part| part.as_rule() == Rule::expr)?)?;
        let below = value.depth.max(key.depth);
        value = build.node(ExprKind::Index(Box::new(value.expr), Box::new(key.expr)), span, below)?;
    }
    for sign in signs.into_iter().rev() {
        let span = sign.to(value.expr.span);
        value = build.node(ExprKind::Negate(Box::new(value.expr)), span, value.depth)?;
    }
    Some(value)
}

fn atom(build: &mut Build<'_>, list: &mut List<'_>) -> Option<Deep> {
    let pair = list.next()?;
    let span = build.span(&pair);
    match pair.as_rule() {
        Rule::value => {
            let text = pair.as_str().into();
            let Some(arguments) = list.next_if(|pair| pair.as_rule() == Rule::arguments) else {
                return build.node(ExprKind::Name(text), span, 0);
            };
            let whole = span.to(build.span(&arguments));
            let (values, below) = many(build, arguments)?;
            build.node(ExprKind::Call(Name { text, span }, values), whole, below)
        }
        Rule::string if build.templates => {
            let mut parts = literal::template(build, pair.as_str(), span);
            let plain = match parts.len() {
                0 => Some("".into()),
                1 => match parts.pop()? {
                    BecausePart::Text(text) => Some(text),
                    hole @ BecausePart::Hole(_) => {
                        parts.push(hole);
                        None
                    }
                },
                _ => None,
            };
            let kind = match plain {
                Some(text) => ExprKind::Literal(LiteralKind::Text(text)),
                None => ExprKind::Template(parts),
            };
            build.node(kind, span, 0)
        }
        Rule::money | Rule::quantity | Rule::string | Rule::boolean => {
            let literal = build.literal(&pair)?;
            build.node(ExprKind::Literal(literal.kind), span, 0)
        }
        Rule::paren => {
            let inner = deep(build, pair.into_inner().find(|part| part.as_rule() == Rule::expr)?)?;
            build.node(ExprKind::Paren(Box::new(inner.expr)), span, inner.depth)
        }
        Rule::array => {
            let (values, below) = many(build, pair)?;
            build.node(ExprKind::Array(values), span, below)
        }
        Rule::case_ => case(build, pair, span),
        _ => None,
    }
}

/// The expressions between brackets, and the depth of the deepest.
fn many(build: &mut Build<'_>, pair: Node<'_>) -> Option<(Vec<Expr>, u32)> {
    let mut below = 0;
    let mut values = Vec::new();
    for part in pair.into_inner().filter(|part| part.as_rule() == Rule::expr) {
        let value = deep(build, part)?;
        below = below.max(value.depth);
        values.push(value.expr);
    }
    Some((values, below))
}

fn case(build: &mut Build<'_>, pair: Node<'_>, span: Span) -> Option<Deep> {
    let mut subject = None;
    let mut arms = Vec::new();
    let mut below = 0;
    for part in pair.into_inner() {
        match part.as_rule() {
            Rule::amount => {
                let value = deep(build, part)?;
                below = below.max(value.depth);
                subject = Some(value.expr);
            }
            Rule::arm => {
                let span = build.tight(&part);
                let mut pattern = None;
                let mut value = None;
                for part in part.into_inner() {
                    match part.as_rule() {
                        Rule::pattern => {
                            if let Some(amount) =
                                part.into_inner().find(|part| part.as_rule() == Rule::amount)
                            {
                                let amount = deep(build, amount)?;
                                below = below.max(amount.depth);
                                pattern = Some(amount.expr);
                            }
                        }
                        Rule::expr => {
                            let answer = deep(build, part)?;
                            below = below.max(answer.depth);
                            value = Some(answer.expr);
                        }
                        _ => {}
                    }
                }
                arms.push(Arm { pattern, value: value?, span });
            }
            _ => {}
        }
    }
    build.node(ExprKind::Case(Box::new(subject?), arms), span, below)
}
