//! Builders of items, policies and tests excepted.

use crate::ast::{
    Assignment, Cap, CapKind, Decide, Decoy, Derive, Event, Field, Fingerprint, Function, ItemKind, List,
    ListSource, Model, Name, Parameter, Schedule, Table, Tune, Type, TypeKind, Use,
};
use crate::ast::{Change, ChangeKind};
use crate::codes::Code;
use crate::parse::build::{Build, Node, Rule};
use crate::parse::expression::expr;
use crate::parse::{action, signal};

pub(crate) fn use_(build: &mut Build<'_>, pair: Node<'_>) -> Option<Use> {
    let span = build.span(&pair);
    let mut names = pair.into_inner().filter(|part| part.as_rule() == Rule::name);
    let package = build.name(&names.next()?);
    Some(Use { package, names: names.map(|name| build.name(&name)).collect(), span })
}

pub(crate) fn envelope(build: &mut Build<'_>, pair: Node<'_>) -> Option<ItemKind> {
    let mut fields = Vec::new();
    for part in pair.into_inner().filter(|part| part.as_rule() == Rule::field) {
        fields.push(field(build, part)?);
    }
    Some(ItemKind::Envelope(fields))
}

pub(crate) fn event(build: &mut Build<'_>, pair: Node<'_>) -> Option<ItemKind> {
    let mut head = None;
    let mut fields = Vec::new();
    for part in pair.into_inner() {
        match part.as_rule() {
            Rule::event_head => head = Some(event_head(build, part)?),
            Rule::field => fields.push(field(build, part)?),
            _ => {}
        }
    }
    let (name, aliases) = head?;
    Some(ItemKind::Event(Event { name, aliases, fields }))
}

pub(crate) fn event_head(build: &mut Build<'_>, pair: Node<'_>) -> Option<(Name, Vec<Name>)> {
    let mut name = None;
    let mut aliases = Vec::new();
    for part in pair.into_inner() {
        match part.as_rule() {
            Rule::name => name = Some(build.name(&part)),
            Rule::alias => aliases = names(build, part, Rule::name),
            _ => {}
        }
    }
    Some((name?, aliases))
}

/// All names of one rule inside a pair.
pub(crate) fn names(build: &Build<'_>, pair: Node<'_>, rule: Rule) -> Vec<Name> {
    pair.into_inner().filter(|part| part.as_rule() == rule).map(|part| build.name(&part)).collect()
}

pub(crate) fn field(build: &mut Build<'_>, pair: Node<'_>) -> Option<Field> {
    let span = build.tight(&pair);
    let (mut name, mut ty) = (None, None);
    let (mut personal, mut response) = (false, false);
    let mut aliases = Vec::new();
    for part in pair.into_inner() {
        match part.as_rule() {
            Rule::name => name = Some(build.name(&part)),
            Rule::type_ => ty = Some(type_(build, part)?),
            Rule::kw_personal => personal = true,
            Rule::kw_response => response = true,
            Rule::alias => aliases = names(build, part, Rule::name),
            _ => {}
        }
    }
    Some(Field { name: name?, ty: ty?, personal, response, aliases, span })
}

pub(crate) fn type_(build: &mut Build<'_>, pair: Node<'_>) -> Option<Type> {
    let span = build.tight(&pair);
    let mut optional = false;
    let mut kind = None;
    for part in pair.into_inner() {
        match part.as_rule() {
            Rule::enumeration => kind = Some(TypeKind::Enum(names(build, part, Rule::ident))),
            Rule::named => kind = Some(named(build, part)?),
            Rule::question => optional = true,
            _ => {}
        }
    }
    Some(Type { kind: kind?, optional, span })
}

fn named(build: &mut Build<'_>, pair: Node<'_>) -> Option<TypeKind> {
    let (mut name, mut bound) = (None, None);
    let mut args = Vec::new();
    for part in pair.into_inner() {
        if bound.is_some() && matches!(part.as_rule(), Rule::int | Rule::type_) {
            let span = build.span(&part);
            build.error_help(
                Code::SYNTAX,
                span,
                "a bound comes last, and there is one",
                "write `list<string, 64>` or `string<4096>`",
            );
            return None;
        }
        match part.as_rule() {
            Rule::ident => name = Some(build.name(&part)),
            Rule::int => bound = Some(build.integer(&part)?),
            Rule::type_ => args.push(type_(build, part)?),
            _ => {}
        }
    }
    Some(TypeKind::Named { name: name?, args, bound })
}

pub(crate) fn derive(build: &mut Build<'_>, pair: Node<'_>) -> Option<ItemKind> {
    let mut derive = None;
    let mut fields = Vec::new();
    for part in pair.into_inner() {
        match part.as_rule() {
            Rule::derive_head => derive = Some(derive_head(build, part)?),
            Rule::assignment => fields.push(assignment(build, part)?),
            _ => {}
        }
    }
    Some(ItemKind::Derive(Derive { fields, ..derive? }))
}

/// A derive without its fields.
pub(crate) fn derive_head(build: &mut Build<'_>, pair: Node<'_>) -> Option<Derive> {
    let (mut event, mut source, mut filter) = (None, None, None);
    for part in pair.into_inner() {
        match part.as_rule() {
            Rule::name if event.is_none() => event = Some(build.name(&part)),
            Rule::name => source = Some(build.name(&part)),
            Rule::where_clause => filter = Some(signal::filter(build, part)?),
            _ => {}
        }
    }
    Some(Derive { event: event?, source: source?, filter, fields: Vec::new() })
}

pub(crate) fn assignment(build: &mut Build<'_>, pair: Node<'_>) -> Option<Assignment> {
    let (mut name, mut value) = (None, None);
    for part in pair.into_inner() {
        match part.as_rule() {
            Rule::name => name = Some(build.name(&part)),
            Rule::expr => value = Some(expr(build, part)?),
            _ => {}
        }
    }
    Some(Assignment { name: name?, value: value? })
}

pub(crate) fn list(build: &mut Build<'_>, pair: Node<'_>) -> Option<ItemKind> {
    let (mut name, mut ty, mut source) = (None, None, None);
    for part in pair.into_inner() {
        match part.as_rule() {
            Rule::ident => name = Some(build.name(&part)),
            Rule::type_ => ty = Some(type_(build, part)?),
            Rule::string => source = Some(ListSource::File(build.quoted(&part))),
            Rule::array => {
                let mut values = Vec::new();
                for value in part.into_inner().filter(|value| value.as_rule() == Rule::expr) {
                    values.push(expr(build, value)?);
                }
                source = Some(ListSource::Values(values));
            }
            _ => {}
        }
    }
    Some(ItemKind::List(List { name: name?, ty: ty?, source: source? }))
}

pub(crate) fn table(build: &mut Build<'_>, pair: Node<'_>) -> Option<ItemKind> {
    let (mut name, mut ty, mut file) = (None, None, None);
    for part in pair.into_inner() {
        match part.as_rule() {
            Rule::ident => name = Some(build.name(&part)),
            Rule::type_ => ty = Some(type_(build, part)?),
            Rule::string => file = Some(build.quoted(&part)),
            _ => {}
        }
    }
    Some(ItemKind::Table(Table { name: name?, ty: ty?, file: file? }))
}

/// The name of a tag or a queue.
pub(crate) fn declared(build: &mut Build<'_>, pair: Node<'_>) -> Option<Name> {
    pair.into_inner().next().map(|name| build.name(&name))
}

pub(crate) fn decoy(build: &mut Build<'_>, pair: Node<'_>) -> Option<ItemKind> {
    let (mut name, mut event, mut file, mut rate, mut otherwise) = (None, None, None, None, None);
    for part in pair.into_inner() {
        match part.as_rule() {
            Rule::ident => name = Some(build.name(&part)),
            Rule::name => event = Some(build.name(&part)),
            Rule::string => file = Some(build.quoted(&part)),
            Rule::rate => rate = Some(build.literal(&part)?),
            Rule::verb => otherwise = build.verb(&part),
            _ => {}
        }
    }
    Some(ItemKind::Decoy(Decoy {
        name: name?,
        event: event?,
        file: file?,
        rate: rate?,
        otherwise: otherwise?,
    }))
}

pub(crate) fn schedule(build: &mut Build<'_>, pair: Node<'_>) -> Option<ItemKind> {
    let (mut name, mut file) = (None, None);
    for part in pair.into_inner() {
        match part.as_rule() {
            Rule::ident => name = Some(build.name(&part)),
            Rule::string => file = Some(build.quoted(&part)),
            _ => {}
        }
    }
    Some(ItemKind::Schedule(Schedule { name: name?, file: file? }))
}

pub(crate) fn fingerprint(build: &mut Build<'_>, pair: Node<'_>) -> Option<ItemKind> {
    let (mut name, mut key) = (None, None);
    for part in pair.into_inner() {
        match part.as_rule() {
            Rule::ident => name = Some(build.name(&part)),
            Rule::key => key = Some(build.key(part)?),
            _ => {}
        }
    }
    Some(ItemKind::Fingerprint(Fingerprint { name: name?, key: key? }))
}

pub(crate) fn model(build: &mut Build<'_>, pair: Node<'_>) -> Option<ItemKind> {
    let (mut name, mut inputs, mut output, mut file, mut within) = (None, None, None, None, None);
    for part in pair.into_inner() {
        match part.as_rule() {
            Rule::ident => name = Some(build.name(&part)),
            Rule::parameters => inputs = Some(parameters(build, part)?),
            Rule::type_ => output = Some(type_(build, part)?),
            Rule::string => file = Some(build.quoted(&part)),
            Rule::window => within = Some(build.window(part)?),
            _ => {}
        }
    }
    Some(ItemKind::Model(Model { name: name?, inputs: inputs?, output: output?, file: file?, within }))
}

pub(crate) fn function(build: &mut Build<'_>, pair: Node<'_>) -> Option<ItemKind> {
    let (mut name, mut params, mut output, mut body) = (None, None, None, None);
    for part in pair.into_inner() {
        match part.as_rule() {
            Rule::ident => name = Some(build.name(&part)),
            Rule::parameters => params = Some(parameters(build, part)?),
            Rule::type_ => output = Some(type_(build, part)?),
            Rule::expr => body = Some(expr(build, part)?),
            _ => {}
        }
    }
    Some(ItemKind::Function(Function { name: name?, params: params?, output: output?, body: body? }))
}

fn parameters(build: &mut Build<'_>, pair: Node<'_>) -> Option<Vec<Parameter>> {
    let mut all = Vec::new();
    for parameter in pair.into_inner().filter(|part| part.as_rule() == Rule::parameter) {
        let (mut name, mut ty) = (None, None);
        for part in parameter.into_inner() {
            match part.as_rule() {
                Rule::ident => name = Some(build.name(&part)),
                Rule::type_ => ty = Some(type_(build, part)?),
                _ => {}
            }
        }
        all.push(Parameter { name: name?, ty: ty? });
    }
    Some(all)
}

pub(crate) fn cap(build: &mut Build<'_>, pair: Node<'_>) -> Option<ItemKind> {
    let (mut kind, mut because) = (None, None);
    for part in pair.into_inner() {
        match part.as_rule() {
            Rule::cap_actions => kind = Some(cap_actions(build, part)?),
            Rule::cap_share => kind = Some(cap_share(build, part)?),
            Rule::because_clause => because = Some(action::because(build, part)?),
            _ => {}
        }
    }
    Some(ItemKind::Cap(Cap { kind: kind?, because }))
}

fn cap_actions(build: &mut Build<'_>, pair: Node<'_>) -> Option<CapKind> {
    let (mut key, mut at, mut filter) = (None, None, None);
    for part in pair.into_inner() {
        match part.as_rule() {
            Rule::key => key = Some(build.key(part)?),
            Rule::verb => at = build.verb(&part),
            Rule::where_clause => filter = Some(signal::filter(build, part)?),
            _ => {}
        }
    }
    Some(CapKind::Actions { key: key?, at: at?, filter })
}

fn cap_share(build: &mut Build<'_>, pair: Node<'_>) -> Option<CapKind> {
    let (mut verb, mut event, mut share, mut population) = (None, None, None, None);
    let (mut over, mut least, mut otherwise) = (None, None, None);
    for part in pair.into_inner() {
        match part.as_rule() {
            Rule::verb if verb.is_none() => verb = build.verb(&part),
            Rule::verb => otherwise = build.verb(&part),
            Rule::name => event = Some(build.name(&part)),
            Rule::percent => share = Some(build.literal(&part)?),
            Rule::ident => population = Some(build.name(&part)),
            Rule::over => over = Some(signal::over(build, part)?),
            Rule::least => least = Some(signal::least(build, part)?),
            _ => {}
        }
    }
    Some(CapKind::Share {
        verb: verb?,
        event: event?,
        share: share?,
        population: population?,
        over: over?,
        least,
        otherwise: otherwise?,
    })
}

pub(crate) fn decide(build: &mut Build<'_>, pair: Node<'_>) -> Option<Decide> {
    let span = build.span(&pair);
    let mut arms = Vec::new();
    let mut otherwise = None;
    for part in pair.into_inner() {
        match part.as_rule() {
            Rule::decide_arm => arms.push(decide_arm(build, part)?),
            Rule::verb => otherwise = build.verb(&part),
            _ => {}
        }
    }
    Some(Decide { arms, otherwise: otherwise?, span })
}

pub(crate) fn decide_arm(
    build: &mut Build<'_>,
    pair: Node<'_>,
) -> Option<(crate::ast::Verb, crate::ast::Expr)> {
    let (mut verb, mut when) = (None, None);
    for part in pair.into_inner() {
        match part.as_rule() {
            Rule::verb => verb = build.verb(&part),
            Rule::expr => when = Some(expr(build, part)?),
            _ => {}
        }
    }
    Some((verb?, when?))
}

pub(crate) fn tune(build: &mut Build<'_>, pair: Node<'_>) -> Option<ItemKind> {
    let mut policy = None;
    let mut changes = Vec::new();
    for part in pair.into_inner() {
        match part.as_rule() {
            Rule::name => policy = Some(build.name(&part)),
            Rule::change => changes.push(change(build, part)?),
            _ => {}
        }
    }
    Some(ItemKind::Tune(Tune { policy: policy?, changes }))
}

pub(crate) fn change(build: &mut Build<'_>, pair: Node<'_>) -> Option<Change> {
    let span = build.tight(&pair);
    let part = pair.into_inner().next()?;
    let kind = match part.as_rule() {
        Rule::mode_clause => ChangeKind::Mode(action::mode_clause(build, part)?),
        Rule::harm_clause => ChangeKind::Harm(action::harm_clause(build, part)?),
        Rule::rule_mode => {
            let (mut rule, mut mode) = (None, None);
            for part in part.into_inner() {
                match part.as_rule() {
                    Rule::ident => rule = Some(build.name(&part)),
                    Rule::mode_clause => mode = Some(action::mode_clause(build, part)?),
                    _ => {}
                }
            }
            ChangeKind::RuleMode(rule?, mode?)
        }
        Rule::assigned => {
            let (mut name, mut value) = (None, None);
            for part in part.into_inner() {
                match part.as_rule() {
                    Rule::ident => name = Some(build.name(&part)),
                    Rule::signed => value = Some(build.signed(part)?),
                    _ => {}
                }
            }
            ChangeKind::Param(name?, value?)
        }
        _ => return None,
    };
    Some(Change { kind, span })
}
