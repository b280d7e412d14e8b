//! What can be named at a place: for completion, in clauses that may be broken.

use std::collections::BTreeMap;

use smol_str::{SmolStr, format_smolstr};
use weir_dsl::FileId;
use weir_dsl::ast::{self, ItemKind, Measure, MemberKind, SignalValue, Statistic, WatchedValue};

use super::package_of;
use crate::env::{Env, Scope};
use crate::ids::EventId;
use crate::types::Type;

/// A name that a policy declares.
#[derive(Clone, Copy, Debug)]
pub enum PolicyName<'a> {
    /// A parameter.
    Param(&'a ast::Param),
    /// A signal.
    Signal(&'a ast::Signal),
    /// A signal of a watch.
    Watched(&'a ast::Watch, &'a ast::Watched),
    /// A cohort.
    Cohort(&'a ast::Cohort),
    /// A sequence.
    Sequence(&'a ast::Sequence),
}

impl PolicyName<'_> {
    /// What to call it.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Param(_) => "parameter",
            Self::Signal(_) | Self::Watched(..) => "signal",
            Self::Cohort(_) => "cohort",
            Self::Sequence(_) => "sequence",
        }
    }
}

/// The names that a policy declares, and the events it judges.
#[derive(Clone, Debug, Default)]
pub struct PolicyNames<'a> {
    /// Its full name.
    pub full: SmolStr,
    /// The events of its `on`.
    pub events: Vec<EventId>,
    /// Those of its signals, cohorts and sequences.
    pub counted: Vec<EventId>,
    /// Parameters, signals, cohorts and sequences.
    pub names: BTreeMap<&'a str, PolicyName<'a>>,
}

impl<'a> PolicyNames<'a> {
    /// Those of a policy of a package.
    pub fn of(env: &Env, package: &str, file: FileId, policy: &'a ast::Policy) -> Self {
        let scope = Scope { package, file };
        let event = |name: &ast::Name| env.event(scope, name).ok();
        let mut own = Self { full: format_smolstr!("{package}.{}", policy.name.text), ..Self::default() };
        for member in &policy.members {
            match &member.kind {
                MemberKind::On { events, .. } => own.events.extend(events.iter().filter_map(event)),
                MemberKind::Param(param) => own.declare(&param.name, PolicyName::Param(param)),
                MemberKind::Signal(signal) => {
                    if let SignalValue::Aggregate(aggregate) = &signal.value {
                        own.counted.extend(event(&aggregate.population.event));
                    }
                    own.declare(&signal.name, PolicyName::Signal(signal));
                }
                MemberKind::Watch(watch) => {
                    own.counted.extend(event(&watch.population.event));
                    for watched in &watch.signals {
                        own.declare(&watched.name, PolicyName::Watched(watch, watched));
                    }
                }
                MemberKind::Cohort(cohort) => {
                    own.counted.extend(event(&cohort.population.event));
                    own.declare(&cohort.name, PolicyName::Cohort(cohort));
                }
                MemberKind::Sequence(sequence) => {
                    own.counted.extend(sequence.steps.iter().filter_map(|step| event(&step.event)));
                    own.declare(&sequence.name, PolicyName::Sequence(sequence));
                }
                _ => {}
            }
        }
        own
    }

    fn declare(&mut self, name: &'a ast::Name, what: PolicyName<'a>) {
        self.names.entry(name.text.as_str()).or_insert(what);
    }

    /// The type of a name as far as its declaration says it: parameters, and signals that give a field back.
    pub fn type_of(&self, env: &Env, package: &str, file: FileId, name: &str) -> Option<Type> {
        let scope = Scope { package, file };
        let field = |event: &ast::Name, field: &ast::Name| {
            let id = env.schema.field(env.event(scope, event).ok()?, &field.text)?;
            env.schema.fields.get(id).map(|field| field.ty.clone())
        };
        let measured = |measure: &Measure, event: &ast::Name| match measure {
            Measure::Count | Measure::Distinct(_) | Measure::Sequential(_) => Some(Type::Int),
            Measure::Rate => Some(Type::Rate),
            Measure::Share(_) => Some(Type::Probability),
            Measure::Concurrent => Some(Type::Int),
            Measure::CvOfGaps | Measure::Entropy(_) => Some(Type::Float),
            Measure::ElapsedFrom { .. } => Some(Type::Duration),
            Measure::Top(names) => field(event, names.first()?),
            Measure::Of(Statistic::Stddev | Statistic::Avg, _) => None,
            Measure::Of(_, name) => field(event, name),
            Measure::Bucket(_) => Some(Type::Float),
            Measure::Gcra(_) => Some(Type::Bool),
        };
        match self.names.get(name)? {
            PolicyName::Param(param) => Some(crate::env::resolve_type(&param.ty, file, &mut Vec::new()).ty),
            PolicyName::Signal(signal) => match &signal.value {
                SignalValue::Aggregate(aggregate) => {
                    measured(&aggregate.measure, &aggregate.population.event)
                }
                SignalValue::Usual(_) => Some(Type::Float),
                SignalValue::Expr(expr) => match &expr.kind {
                    ast::ExprKind::Call(called, _) => match env.find(package, &called.text)? {
                        crate::env::Entity::Model(id) => {
                            env.declarations.models.get(id).map(|model| model.output.clone())
                        }
                        crate::env::Entity::Function(id) => {
                            env.functions.get(id).map(|function| function.output.clone())
                        }
                        _ => None,
                    },
                    _ => None,
                },
            },
            PolicyName::Watched(watch, watched) => match &watched.value {
                WatchedValue::Measure { measure, .. } => measured(measure, &watch.population.event),
                WatchedValue::Usual(_) => Some(Type::Float),
            },
            PolicyName::Sequence(_) => Some(Type::Bool),
            PolicyName::Cohort(_) => None,
        }
    }
}

/// Where a byte of a file stands.
#[derive(Clone, Debug, Default)]
pub struct Where<'a> {
    /// The file's package.
    pub package: SmolStr,
    /// The item there.
    pub item: Option<&'a ast::Item>,
    /// The member of a policy there.
    pub member: Option<&'a ast::Member>,
    /// The policy's names.
    pub policy: Option<PolicyNames<'a>>,
}

/// What stands around a byte.
pub fn where_at<'a>(env: &Env, file: FileId, tree: &'a ast::File, at: u32) -> Where<'a> {
    let package = package_of(file, tree);
    let item = tree.items.iter().rfind(|item| item.span.start <= at && at <= item.span.end);
    let policy = match item.map(|item| &item.kind) {
        Some(ItemKind::Policy(policy)) => Some(policy),
        _ => None,
    };
    let member = policy.and_then(|policy| {
        policy.members.iter().rfind(|member| member.span.start <= at && at <= member.span.end)
    });
    let policy = policy.map(|policy| PolicyNames::of(env, &package, file, policy));
    Where { package, item, member, policy }
}
