//! Builders of rules and of the small members of a policy.

use crate::ast::{
    Action, ActionKind, Aside, Because, BecausePart, Expr, Harm, MemberKind, Mode, Name, Param, Spared,
    SparedHow, To, Verdict, With,
};
use crate::codes::Code;
use crate::parse::build::{Build, Node, Rule};
use crate::parse::{item, literal, signal};
use crate::span::Span;

pub(crate) fn on(build: &mut Build<'_>, pair: Node<'_>) -> Option<MemberKind> {
    let mut events = Vec::new();
    let mut filter = None;
    for part in pair.into_inner() {
        match part.as_rule() {
            Rule::name => events.push(build.name(&part)),
            Rule::where_clause => filter = Some(signal::filter(build, part)?),
            _ => {}
        }
    }
    Some(MemberKind::On { events, filter })
}

pub(crate) fn requires(build: &mut Build<'_>, pair: Node<'_>) -> Option<MemberKind> {
    item::names(build, pair, Rule::name).pop().map(MemberKind::Requires)
}

pub(crate) fn tags(build: &mut Build<'_>, pair: Node<'_>) -> Option<MemberKind> {
    let mut tags = Vec::new();
    for part in pair.into_inner().filter(|part| part.as_rule() == Rule::string) {
        tags.push(build.quoted(&part));
    }
    Some(MemberKind::Tags(tags))
}

pub(crate) fn mode(build: &mut Build<'_>, pair: Node<'_>) -> Option<Mode> {
    let (mut share, mut found) = (None, None);
    for part in pair.into_inner() {
        match part.as_rule() {
            Rule::kw_shadow => found = Some(Mode::Shadow),
            Rule::kw_enforce => found = Some(Mode::Enforce),
            Rule::percent => share = Some(build.literal(&part)?),
            Rule::key => found = Some(Mode::Canary { share: share.take()?, per: build.key(part)? }),
            _ => {}
        }
    }
    found
}

/// A mode behind its keyword.
pub(crate) fn mode_clause(build: &mut Build<'_>, pair: Node<'_>) -> Option<Mode> {
    mode(build, pair.into_inner().find(|part| part.as_rule() == Rule::mode_body)?)
}

/// A budget behind its keyword. Its span begins at `start`, where the keyword stands.
pub(crate) fn harm(build: &mut Build<'_>, pair: Node<'_>, start: u32) -> Option<Harm> {
    let span = Span::new(start, build.span(&pair).end);
    let (mut share, mut population) = (None, None);
    for part in pair.into_inner() {
        match part.as_rule() {
            Rule::percent => share = Some(build.literal(&part)?),
            Rule::ident => population = Some(build.name(&part)),
            _ => {}
        }
    }
    Some(Harm { share: share?, population: population?, span })
}

pub(crate) fn harm_clause(build: &mut Build<'_>, pair: Node<'_>) -> Option<Harm> {
    let start = build.span(&pair).start;
    harm(build, pair.into_inner().find(|part| part.as_rule() == Rule::harm_body)?, start)
}

pub(crate) fn param(build: &mut Build<'_>, pair: Node<'_>) -> Option<MemberKind> {
    let (mut name, mut ty, mut default, mut range) = (None, None, None, None);
    for part in pair.into_inner() {
        match part.as_rule() {
            Rule::ident => name = Some(build.name(&part)),
            Rule::type_ => ty = Some(item::type_(build, part)?),
            Rule::signed => default = Some(build.signed(part)?),
            Rule::range => {
                let mut ends = Vec::new();
                for end in part.into_inner().filter(|end| end.as_rule() == Rule::signed) {
                    ends.push(build.signed(end)?);
                }
                let mut ends = ends.into_iter();
                range = Some((ends.next()?, ends.next()?));
            }
            _ => {}
        }
    }
    Some(MemberKind::Param(Param { name: name?, ty: ty?, default: default?, range }))
}

/// A rule, or what could be parsed of it.
#[derive(Default)]
pub(crate) struct RuleParts {
    pub(crate) name: Option<Name>,
    pub(crate) when: Option<Expr>,
    pub(crate) then: Vec<Action>,
    pub(crate) because: Option<Because>,
    pub(crate) harm: Option<Harm>,
    pub(crate) if_unknown: Vec<Action>,
    pub(crate) mode: Option<Mode>,
}

impl RuleParts {
    /// Says that a rule has two clauses of one kind, when it has.
    pub(crate) fn once(build: &mut Build<'_>, taken: bool, keyword: &str, span: Span) {
        if taken {
            build.error_help(
                Code::SYNTAX,
                span,
                format!("a rule has one `{keyword}`"),
                "remove one of the two, or write two rules",
            );
        }
    }

    pub(crate) fn finish(self) -> Option<crate::ast::Rule> {
        Some(crate::ast::Rule {
            name: self.name?,
            when: self.when?,
            then: self.then,
            because: self.because,
            harm: self.harm,
            if_unknown: self.if_unknown,
            mode: self.mode,
        })
    }
}

pub(crate) fn rule(build: &mut Build<'_>, pair: Node<'_>) -> Option<MemberKind> {
    let mut parts = RuleParts::default();
    for part in pair.into_inner() {
        let span = build.tight(&part);
        match part.as_rule() {
            Rule::ident => parts.name = Some(build.name(&part)),
            Rule::when_clause => parts.when = Some(signal::filter(build, part)?),
            Rule::then_clause => parts.then = actions_of(build, part)?,
            Rule::because_clause => {
                RuleParts::once(build, parts.because.is_some(), "because", span);
                parts.because = Some(because(build, part)?);
            }
            Rule::harm_clause => {
                RuleParts::once(build, parts.harm.is_some(), "harm", span);
                parts.harm = Some(harm_clause(build, part)?);
            }
            Rule::unknown_clause => {
                RuleParts::once(build, !parts.if_unknown.is_empty(), "if unknown", span);
                parts.if_unknown = actions_of(build, part)?;
            }
            Rule::mode_clause => {
                RuleParts::once(build, parts.mode.is_some(), "mode", span);
                parts.mode = Some(mode_clause(build, part)?);
            }
            _ => {}
        }
    }
    parts.finish().map(MemberKind::Rule)
}

/// A `because` clause.
pub(crate) fn because(build: &mut Build<'_>, pair: Node<'_>) -> Option<Because> {
    let string = pair.into_inner().find(|part| part.as_rule() == Rule::string)?;
    Some(because_text(build, &string))
}

/// The string of a `because`.
pub(crate) fn because_text(build: &mut Build<'_>, string: &Node<'_>) -> Because {
    let span = build.span(string);
    let parts: Vec<BecausePart> = literal::template(build, string.as_str(), span);
    Because { parts, span }
}

fn actions_of(build: &mut Build<'_>, pair: Node<'_>) -> Option<Vec<Action>> {
    actions(build, pair.into_inner().find(|part| part.as_rule() == Rule::actions)?)
}

pub(crate) fn actions(build: &mut Build<'_>, pair: Node<'_>) -> Option<Vec<Action>> {
    let mut all = Vec::new();
    for part in pair.into_inner().filter(|part| part.as_rule() == Rule::action) {
        all.push(action(build, part)?);
    }
    Some(all)
}

pub(crate) fn action(build: &mut Build<'_>, pair: Node<'_>) -> Option<Action> {
    let span = build.tight(&pair);
    let inner = pair.into_inner().next()?;
    let kind = match inner.as_rule() {
        Rule::score => score(build, inner)?,
        Rule::exempt => ActionKind::Exempt(item::names(build, inner, Rule::name).pop()?),
        Rule::hold => hold(build, inner)?,
        Rule::tagging => tagging(build, inner)?,
        Rule::aside => {
            let aside = match inner.clone().into_inner().next()?.as_rule() {
                Rule::kw_alert => Aside::Alert,
                Rule::kw_notify => Aside::Notify,
                _ => Aside::Ticket,
            };
            ActionKind::Aside(aside, item::names(build, inner, Rule::value).pop()?)
        }
        Rule::revoke => ActionKind::Revoke(item::names(build, inner, Rule::value).pop()?),
        Rule::lock => ActionKind::LockPassword,
        Rule::activate => activate(build, inner)?,
        Rule::mask => ActionKind::Mask(item::names(build, inner, Rule::value).pop()?),
        _ => ActionKind::Verdict(verdict(build, inner)?),
    };
    Some(Action { kind, span })
}

fn score(build: &mut Build<'_>, pair: Node<'_>) -> Option<ActionKind> {
    let (mut negative, mut points, mut start, mut end) = (false, None, 0, 0);
    for part in pair.into_inner() {
        match part.as_rule() {
            Rule::sign => {
                negative = part.as_str() == "-";
                start = build.span(&part).start;
            }
            Rule::int => {
                points = i64::try_from(build.integer(&part)?).ok();
                end = build.span(&part).end;
            }
            _ => {}
        }
    }
    let points = points?;
    Some(ActionKind::Score { points: if negative { -points } else { points }, span: Span::new(start, end) })
}

fn hold(build: &mut Build<'_>, pair: Node<'_>) -> Option<ActionKind> {
    let (mut event, mut queue, mut within, mut otherwise, mut response) = (None, None, None, None, None);
    for part in pair.into_inner() {
        match part.as_rule() {
            Rule::value => event = Some(build.name(&part)),
            Rule::ident => queue = Some(build.name(&part)),
            Rule::window => within = Some(build.window(part)?),
            Rule::verb => otherwise = build.verb(&part),
            Rule::with => response = Some(with(build, part)?),
            _ => {}
        }
    }
    Some(ActionKind::Hold {
        event: event?,
        queue: queue?,
        within: within?,
        otherwise: otherwise?,
        with: response,
    })
}

fn tagging(build: &mut Build<'_>, pair: Node<'_>) -> Option<ActionKind> {
    let (mut key, mut tag, mut duration) = (None, None, None);
    for part in pair.into_inner() {
        match part.as_rule() {
            Rule::key => key = Some(build.key(part)?),
            Rule::ident => tag = Some(build.name(&part)),
            Rule::window => duration = Some(build.window(part)?),
            _ => {}
        }
    }
    Some(ActionKind::Tag { key: key?, tag: tag?, duration: duration? })
}

fn activate(build: &mut Build<'_>, pair: Node<'_>) -> Option<ActionKind> {
    let (mut target, mut duration) = (None, None);
    for part in pair.into_inner() {
        match part.as_rule() {
            Rule::value => target = Some(build.name(&part)),
            Rule::window => duration = Some(build.window(part)?),
            _ => {}
        }
    }
    Some(ActionKind::Activate { target: target?, duration: duration? })
}

fn with(build: &mut Build<'_>, pair: Node<'_>) -> Option<With> {
    let mut found = None;
    for part in pair.into_inner() {
        match part.as_rule() {
            Rule::int => found = Some(With::Status(build.integer(&part)?, build.span(&part))),
            Rule::value => found = Some(With::Decoy(build.name(&part))),
            _ => {}
        }
    }
    found
}

fn verdict(build: &mut Build<'_>, pair: Node<'_>) -> Option<Verdict> {
    let mut verb = None;
    let (mut target, mut on, mut response, mut to) = (None, None, None, None);
    let (mut by, mut duration, mut renewing) = (None, None, false);
    let mut sparing = Vec::new();
    for part in pair.into_inner() {
        match part.as_rule() {
            Rule::verb => verb = build.verb(&part),
            Rule::target => target = Some(build.key(part.into_inner().next()?)?),
            Rule::on_event => on = item::names(build, part, Rule::value).pop(),
            Rule::with => response = Some(with(build, part)?),
            Rule::to => {
                for part in part.into_inner() {
                    match part.as_rule() {
                        Rule::kw_usual => to = Some(To::Usual(build.span(&part))),
                        Rule::rate => to = Some(To::Rate(build.literal(&part)?)),
                        Rule::string => to = Some(To::Place(build.quoted(&part))),
                        _ => {}
                    }
                }
            }
            Rule::by => by = Some(window_of(build, part)?),
            Rule::for_ => {
                for part in part.into_inner() {
                    match part.as_rule() {
                        Rule::window => duration = Some(build.window(part)?),
                        Rule::kw_renewing => renewing = true,
                        _ => {}
                    }
                }
            }
            Rule::sparing => {
                for part in part.into_inner().filter(|part| part.as_rule() == Rule::spared) {
                    sparing.push(spared(build, part)?);
                }
            }
            _ => {}
        }
    }
    Some(Verdict { verb: verb?, target, on, with: response, to, by, duration, renewing, sparing })
}

fn window_of(build: &mut Build<'_>, pair: Node<'_>) -> Option<crate::ast::Window> {
    build.window(pair.into_inner().find(|part| part.as_rule() == Rule::window)?)
}

fn spared(build: &mut Build<'_>, pair: Node<'_>) -> Option<Spared> {
    let span = build.span(&pair);
    let (mut who, mut how) = (None, None);
    let mut keyword = Rule::kw_with;
    for part in pair.into_inner() {
        match part.as_rule() {
            Rule::value if who.is_none() => who = Some(build.name(&part)),
            Rule::value => {
                let name = build.name(&part);
                how = Some(match keyword {
                    Rule::kw_tagged => SparedHow::Tagged(name),
                    Rule::kw_in => SparedHow::In(name),
                    _ => SparedHow::With(name),
                });
            }
            Rule::kw_passed => how = Some(SparedHow::Passed),
            Rule::window => how = Some(SparedHow::Known(build.window(part)?)),
            rule => keyword = rule,
        }
    }
    Some(Spared { who: who?, how: how?, span })
}
