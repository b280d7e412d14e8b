//! The walk over a file's tree that finds what each name means.

use smol_str::SmolStr;
use weir_dsl::ast::*;
use weir_dsl::{FileId, Span};

use super::{Names, Occurrence, PolicyName, PolicyNames, Symbol, entity_symbol};
use crate::env::{EXCHANGE, Entity, Env, Scope as Here, resolve_type};
use crate::ids::*;
use crate::types::Type;

/// What can be read at a place.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reads {
    /// Fields and the policy's names.
    All,
    /// Fields alone.
    Fields,
    /// The policy's names alone: thresholds.
    Members,
    /// Nothing but locals.
    Locals,
}

/// A walk.
pub(super) struct Walk<'e> {
    env: &'e Env,
    package: &'e str,
    file: FileId,
    out: Names,
    policy: PolicyNames<'e>,
    events: Vec<EventId>,
    /// Events to try when those at hand have no such field: of an expression signal read elsewhere.
    others: Vec<EventId>,
    reads: Reads,
    locals: Vec<(&'e str, u32, Option<Type>)>,
}

impl<'e> Walk<'e> {
    pub(super) fn new(env: &'e Env, package: &'e str, file: FileId) -> Self {
        Self {
            env,
            package,
            file,
            out: Names::default(),
            policy: PolicyNames::default(),
            events: Vec::new(),
            others: Vec::new(),
            reads: Reads::Locals,
            locals: Vec::new(),
        }
    }

    pub(super) fn finish(mut self) -> Names {
        self.out.occurrences.sort_by_key(|found| (found.span.start, found.span.end, !found.declares));
        self.out.occurrences.dedup_by(|b, a| a.span == b.span && a.symbol == b.symbol);
        self.out.unknown.sort_unstable();
        self.out
    }

    fn here(&self) -> Here<'e> {
        Here { package: self.package, file: self.file }
    }

    fn push(&mut self, span: Span, symbol: Symbol, declares: bool) {
        self.out.occurrences.push(Occurrence { span, symbol, declares });
    }

    fn read(&mut self, span: Span, symbol: Symbol) {
        self.push(span, symbol, false);
    }

    fn unknown(&mut self, span: Span) {
        self.out.unknown.push(span);
    }

    fn declare_own(&mut self, name: &Name) {
        self.push(name.span, Symbol::Entity(self.package.into(), name.text.clone()), true);
    }

    fn declare_member(&mut self, name: &Name) {
        self.push(name.span, Symbol::Member(self.policy.full.clone(), name.text.clone()), true);
    }

    /// `package` and `use`.
    pub(super) fn head(&mut self, tree: &File) {
        if let Some(name) = &tree.package {
            self.push(name.span, Symbol::Package(name.text.clone()), true);
        }
        for clause in &tree.uses {
            self.package_named(&clause.package);
            for name in &clause.names {
                let owner = self.env.packages.get(&clause.package.text);
                if owner.is_some_and(|owner| owner.own.contains_key(&name.text)) {
                    self.read(name.span, Symbol::Entity(clause.package.text.clone(), name.text.clone()));
                } else {
                    self.unknown(name.span);
                }
            }
        }
    }

    fn package_named(&mut self, name: &Name) {
        if self.env.packages.contains_key(&name.text) {
            self.read(name.span, Symbol::Package(name.text.clone()));
        } else {
            self.unknown(name.span);
        }
    }

    /// A name that only the package can explain.
    fn entity(&mut self, name: &Name) {
        match entity_symbol(self.env, self.package, &name.text) {
            Some(symbol) => self.read(name.span, symbol),
            None => self.unknown(name.span),
        }
    }

    fn event(&mut self, name: &Name) -> Option<EventId> {
        let found = self.env.event(self.here(), name).ok();
        if name.text == EXCHANGE && found.is_none() {
            self.read(name.span, Symbol::Builtin(name.text.clone()));
        } else {
            self.entity(name);
        }
        found
    }

    /// Runs `body` at another place.
    fn at(&mut self, reads: Reads, events: Vec<EventId>, body: impl FnOnce(&mut Self)) {
        let before = (self.reads, std::mem::replace(&mut self.events, events));
        self.reads = reads;
        body(self);
        (self.reads, self.events) = before;
    }

    fn with_locals(&mut self, locals: Vec<(&'e str, u32, Option<Type>)>, body: impl FnOnce(&mut Self)) {
        let before = self.locals.len();
        self.locals.extend(locals);
        body(self);
        self.locals.truncate(before);
    }

    /// One item.
    pub(super) fn item(&mut self, item: &'e Item) {
        match &item.kind {
            ItemKind::Envelope(fields) => {
                for field in fields {
                    self.declared_field(self.env.schema.envelope_field(&field.name.text), field);
                }
            }
            ItemKind::Event(event) => {
                self.declare_own(&event.name);
                let id = self.env.schema.event(&event.name.text);
                for field in &event.fields {
                    self.declared_field(id.and_then(|id| self.env.schema.field(id, &field.name.text)), field);
                }
            }
            ItemKind::Derive(derive) => self.derive(derive),
            ItemKind::List(list) => {
                self.declare_own(&list.name);
                if let ListSource::Values(values) = &list.source {
                    let ty = resolve_type(&list.ty, self.file, &mut Vec::new()).ty;
                    let member = match ty {
                        Type::Set(member) => Some(*member),
                        _ => None,
                    };
                    for value in values {
                        self.expr(value, member.as_ref());
                    }
                }
            }
            ItemKind::Table(table) => self.declare_own(&table.name),
            ItemKind::Tag(name) | ItemKind::Queue(name) => self.declare_own(name),
            ItemKind::Decoy(decoy) => {
                self.declare_own(&decoy.name);
                self.event(&decoy.event);
            }
            ItemKind::Schedule(schedule) => self.declare_own(&schedule.name),
            ItemKind::Fingerprint(fingerprint) => {
                self.declare_own(&fingerprint.name);
                let events: Vec<EventId> = self.env.schema.events.ids().collect();
                self.at(Reads::Fields, events, |walk| walk.key(&fingerprint.key));
            }
            ItemKind::Model(model) => {
                self.declare_own(&model.name);
                for input in &model.inputs {
                    self.push(input.name.span, Symbol::Local(self.file, input.name.span.start), true);
                }
            }
            ItemKind::Function(function) => {
                self.declare_own(&function.name);
                let locals = function.params.iter().map(|param| {
                    self.push(param.name.span, Symbol::Local(self.file, param.name.span.start), true);
                    let ty = resolve_type(&param.ty, self.file, &mut Vec::new()).ty;
                    (param.name.text.as_str(), param.name.span.start, Some(ty))
                });
                let locals = locals.collect::<Vec<_>>();
                let output = resolve_type(&function.output, self.file, &mut Vec::new()).ty;
                self.with_locals(locals, |walk| {
                    walk.at(Reads::Locals, Vec::new(), |walk| walk.expr(&function.body, Some(&output)));
                });
            }
            ItemKind::Policy(policy) => self.policy(policy),
            ItemKind::Cap(cap) => self.cap(cap),
            ItemKind::Decide(decide) => self.at(Reads::Members, Vec::new(), |walk| walk.decide(decide)),
            ItemKind::Tune(tune) => self.tune(tune),
            ItemKind::Test(test) => self.at(Reads::Locals, Vec::new(), |walk| walk.moves(&test.moves)),
        }
    }

    fn declared_field(&mut self, id: Option<FieldId>, field: &Field) {
        match id {
            Some(id) => self.push(field.name.span, Symbol::Field(id), true),
            None => self.unknown(field.name.span),
        }
    }

    fn derive(&mut self, derive: &'e Derive) {
        let event = self.event(&derive.event);
        self.read(derive.source.span, Symbol::Builtin(derive.source.text.clone()));
        let schema = &self.env.schema;
        let exchange =
            ["http.request", "http.response"].into_iter().filter_map(|name| schema.event(name)).collect();
        self.at(Reads::Fields, exchange, |walk| {
            walk.condition(derive.filter.as_ref());
            walk.assignments(event, &derive.fields);
        });
    }

    fn assignments(&mut self, event: Option<EventId>, fields: &'e [Assignment]) {
        for assignment in fields {
            let field = event.and_then(|event| self.env.schema.field(event, &assignment.name.text));
            match field {
                Some(field) => self.read(assignment.name.span, Symbol::Field(field)),
                None => self.unknown(assignment.name.span),
            }
            let ty = field.and_then(|field| self.env.schema.fields.get(field)).map(|field| field.ty.clone());
            self.expr(&assignment.value, ty.as_ref());
        }
    }

    fn cap(&mut self, cap: &'e Cap) {
        match &cap.kind {
            CapKind::Actions { key, at: _, filter } => {
                let schema = &self.env.schema;
                let has =
                    |event: &EventId| key.parts.iter().all(|part| schema.field(*event, &part.text).is_some());
                let events = schema.events.ids().filter(has).collect();
                self.at(Reads::Fields, events, |walk| {
                    walk.key(key);
                    walk.condition(filter.as_ref());
                    walk.because(&cap.because);
                });
            }
            CapKind::Share { event, population, over, .. } => {
                let event = self.event(event);
                self.at(Reads::Fields, event.into_iter().collect(), |walk| {
                    walk.plural(population);
                    walk.window(&over.window);
                    walk.because(&cap.because);
                });
            }
        }
    }

    fn tune(&mut self, tune: &'e Tune) {
        self.entity(&tune.policy);
        let Some(Entity::Policy(full)) = self.env.find(self.package, &tune.policy.text) else { return };
        let Some(source) = self.env.policies.get(&full) else { return };
        let Some((_, policy)) = source.syntax() else { return };
        let names = PolicyNames::of(self.env, &source.package, source.at.file, policy);
        for change in &tune.changes {
            match &change.kind {
                ChangeKind::Mode(mode) => {
                    self.at(Reads::Fields, names.events.clone(), |walk| walk.mode(mode))
                }
                ChangeKind::Harm(harm) => {
                    self.at(Reads::Fields, names.events.clone(), |walk| walk.plural(&harm.population));
                }
                ChangeKind::RuleMode(name, mode) => {
                    self.read(name.span, Symbol::Rule(full.clone(), name.text.clone()));
                    self.at(Reads::Fields, names.events.clone(), |walk| walk.mode(mode));
                }
                ChangeKind::Param(name, _) => {
                    self.read(name.span, Symbol::Member(full.clone(), name.text.clone()));
                }
            }
        }
    }

    fn policy(&mut self, policy: &'e Policy) {
        self.declare_own(&policy.name);
        self.policy = PolicyNames::of(self.env, self.package, self.file, policy);
        let events = self.policy.events.clone();
        self.at(Reads::All, events, |walk| {
            for member in &policy.members {
                walk.member(member);
            }
        });
        self.policy = PolicyNames::default();
    }

    fn member(&mut self, member: &'e Member) {
        match &member.kind {
            MemberKind::On { events, filter } => {
                for event in events {
                    self.event(event);
                }
                self.condition(filter.as_ref());
            }
            MemberKind::Requires(event) => {
                self.event(event);
            }
            MemberKind::Tags(_) => {}
            MemberKind::Mode(mode) => self.mode(mode),
            MemberKind::Harm(harm) => self.plural(&harm.population),
            MemberKind::Param(param) => self.declare_member(&param.name),
            MemberKind::Signal(signal) => {
                self.declare_member(&signal.name);
                match &signal.value {
                    SignalValue::Aggregate(aggregate) => {
                        self.population(&aggregate.population, &aggregate.measure, |_| ());
                        if let Some(Scope::Global(window)) = &aggregate.scope {
                            self.window(window);
                        }
                    }
                    SignalValue::Usual(usual) => self.member_named(&usual.signal),
                    SignalValue::Expr(expr) => {
                        self.others = self.policy.counted.clone();
                        self.expr(expr, None);
                        self.others.clear();
                    }
                }
            }
            MemberKind::Watch(watch) => {
                for watched in &watch.signals {
                    self.declare_member(&watched.name);
                }
                self.population(&watch.population, &Measure::Count, |walk| {
                    for watched in &watch.signals {
                        match &watched.value {
                            WatchedValue::Measure { measure, filter, least: _ } => {
                                walk.measure(measure);
                                walk.condition(filter.as_ref());
                            }
                            WatchedValue::Usual(usual) => walk.member_named(&usual.signal),
                        }
                    }
                });
            }
            MemberKind::Cohort(cohort) => {
                self.declare_member(&cohort.name);
                self.population(&cohort.population, &Measure::Count, |walk| walk.key(&cohort.by));
            }
            MemberKind::Sequence(sequence) => self.sequence(sequence),
            MemberKind::Rule(rule) => self.rule(rule),
            MemberKind::Decide(decide) => self.decide(decide),
        }
    }

    /// A population, and what is measured over it.
    fn population(&mut self, population: &'e Population, measure: &'e Measure, body: impl FnOnce(&mut Self)) {
        let event = self.event(&population.event);
        // Of `elapsed from a to b` the population is of `a`, but for its name.
        let event = match measure {
            Measure::ElapsedFrom { event, .. } => self.env.event(self.here(), event).ok(),
            _ => event,
        };
        self.at(Reads::All, event.into_iter().collect(), |walk| {
            walk.condition(population.filter.as_ref());
            walk.measure(measure);
            if let Some(key) = &population.per {
                walk.key(key);
            }
            body(walk);
        });
        if let Some(over) = &population.over {
            self.window(&over.window);
        }
    }

    fn measure(&mut self, measure: &'e Measure) {
        match measure {
            Measure::Count | Measure::Rate | Measure::Concurrent | Measure::CvOfGaps => {}
            Measure::Share(predicate) => self.expr(predicate, None),
            Measure::Distinct(names) | Measure::Entropy(names) | Measure::Top(names) => {
                for name in names {
                    self.value(&name.text, name.span, None);
                }
            }
            Measure::Sequential(name) | Measure::Of(_, name) => self.value(&name.text, name.span, None),
            Measure::ElapsedFrom { event, filter } => {
                self.event(event);
                self.condition(filter.as_ref());
            }
            Measure::Bucket(arguments) | Measure::Gcra(arguments) => self.exprs(arguments),
        }
    }

    fn sequence(&mut self, sequence: &'e Sequence) {
        self.declare_member(&sequence.name);
        self.window(&sequence.within);
        for (at, step) in sequence.steps.iter().enumerate() {
            let event = self.event(&step.event);
            let symbol = |name: &Name, walk: &Self| {
                Symbol::Step(walk.policy.full.clone(), sequence.name.text.clone(), name.text.clone())
            };
            self.at(Reads::All, event.into_iter().collect(), |walk| {
                if at == 0 {
                    walk.key(&sequence.per);
                }
                walk.condition(step.filter.as_ref());
            });
            match &step.kind {
                StepKind::First(name) | StepKind::Then(name) => {
                    self.push(name.span, symbol(name, self), true)
                }
                StepKind::ThenNo(window) => self.window(window),
                StepKind::Without { after, before } => {
                    self.read(after.span, symbol(after, self));
                    self.read(before.span, symbol(before, self));
                }
            }
        }
    }

    fn rule(&mut self, rule: &'e Rule) {
        self.push(rule.name.span, Symbol::Rule(self.policy.full.clone(), rule.name.text.clone()), true);
        self.expr(&rule.when, None);
        for action in rule.then.iter().chain(&rule.if_unknown) {
            self.action(action);
        }
        self.because(&rule.because);
        if let Some(harm) = &rule.harm {
            self.plural(&harm.population);
        }
        if let Some(mode) = &rule.mode {
            self.mode(mode);
        }
    }

    fn decide(&mut self, decide: &'e Decide) {
        self.at(Reads::Members, Vec::new(), |walk| {
            for (_, condition) in &decide.arms {
                walk.expr(condition, None);
            }
        });
    }

    fn mode(&mut self, mode: &'e Mode) {
        if let Mode::Canary { share: _, per } = mode {
            self.key(per);
        }
    }

    fn because(&mut self, because: &'e Option<Because>) {
        for part in because.iter().flat_map(|because| &because.parts) {
            if let BecausePart::Hole(expr) = part {
                self.expr(expr, None);
            }
        }
    }

    fn action(&mut self, action: &'e Action) {
        match &action.kind {
            ActionKind::Score { .. } | ActionKind::LockPassword => {}
            ActionKind::Exempt(package) => self.package_named(package),
            ActionKind::Hold { event, queue, within, otherwise: _, with } => {
                self.event(event);
                self.entity(queue);
                self.window(within);
                self.with(with);
            }
            ActionKind::Tag { key, tag, duration } => {
                self.key(key);
                self.entity(tag);
                self.window(duration);
            }
            ActionKind::Aside(_, queue) => self.entity(queue),
            ActionKind::Revoke(name) => self.value(&name.text, name.span, None),
            ActionKind::Mask(name) => self.value(&name.text, name.span, None),
            ActionKind::Activate { target, duration } => {
                self.activated(target);
                self.window(duration);
            }
            ActionKind::Verdict(verdict) => self.verdict(verdict),
        }
    }

    fn activated(&mut self, target: &Name) {
        if self.env.packages.contains_key(&target.text) {
            return self.read(target.span, Symbol::Package(target.text.clone()));
        }
        match self.env.policies.get(&target.text) {
            Some(source) => {
                let (package, name) = self.split(target, source.package.len());
                self.read(package, Symbol::Package(source.package.clone()));
                self.read(name, Symbol::Entity(source.package.clone(), source.name.clone()));
            }
            None => self.entity(target),
        }
    }

    /// The parts of a dotted name before and behind the dot at a byte of it.
    fn split(&self, name: &Name, dot: usize) -> (Span, Span) {
        let at = name.span.start.saturating_add(dot as u32);
        (Span::new(name.span.start, at), Span::new(at.saturating_add(1).min(name.span.end), name.span.end))
    }

    fn with(&mut self, with: &Option<With>) {
        if let Some(With::Decoy(name)) = with {
            self.entity(name);
        }
    }

    fn verdict(&mut self, verdict: &'e Verdict) {
        if let Some(key) = &verdict.target {
            self.key(key);
        }
        let on = verdict.on.as_ref().and_then(|on| self.event(on));
        self.with(&verdict.with);
        for window in verdict.by.iter().chain(&verdict.duration) {
            self.window(window);
        }
        for spared in &verdict.sparing {
            let mut events = self.events.clone();
            events.extend(on);
            self.at(Reads::Fields, events, |walk| walk.plural(&spared.who));
            match &spared.how {
                SparedHow::Passed => {}
                SparedHow::Known(window) => self.window(window),
                SparedHow::With(event) => {
                    self.event(event);
                }
                SparedHow::Tagged(name) | SparedHow::In(name) => self.entity(name),
            }
        }
    }

    fn moves(&mut self, moves: &'e [Move]) {
        for step in moves {
            match &step.kind {
                MoveKind::Given(given) => self.given(given),
                MoveKind::Unmapped(event) => {
                    self.event(event);
                }
                MoveKind::Repeat { variable, body, .. } => {
                    let at = variable.span.start;
                    self.push(variable.span, Symbol::Local(self.file, at), true);
                    self.with_locals(vec![(variable.text.as_str(), at, Some(Type::Int))], |walk| {
                        walk.moves(body)
                    });
                }
                MoveKind::Wait(_) | MoveKind::Release(..) => {}
                MoveKind::Emit { event, fields } => {
                    let id = self.event(event);
                    self.assignments(id, fields);
                }
                MoveKind::Expect(
                    Expect::Fired(rule, _) | Expect::NotFired(rule, _) | Expect::Unknown(rule, _),
                ) => {
                    self.tested(rule, true);
                }
                MoveKind::Expect(_) => {}
            }
        }
    }

    fn given(&mut self, given: &'e Given) {
        match given {
            Given::Contains(name, value) | Given::Answer(name, value) => {
                self.entity(name);
                let declarations = &self.env.declarations;
                let ty = match self.env.find(self.package, &name.text) {
                    Some(Entity::List(id)) => declarations.lists.get(id).map(|list| list.member.clone()),
                    Some(Entity::Model(id)) => declarations.models.get(id).map(|model| model.output.clone()),
                    _ => None,
                };
                self.expr(value, ty.as_ref());
            }
            Given::Entry(name, key, value) => {
                self.entity(name);
                let table = match self.env.find(self.package, &name.text) {
                    Some(Entity::Table(id)) => self.env.declarations.tables.get(id),
                    _ => None,
                };
                self.expr(key, table.map(|table| &table.key));
                self.expr(value, table.map(|table| &table.value));
            }
            Given::Late(name) | Given::Active(name) => self.entity(name),
            Given::Usual(name, value) => {
                self.tested(name, false);
                self.expr(value, None);
            }
        }
    }

    /// A rule, or a signal or cohort, of a policy that the tests of this package run: alone, behind its policy's name, or in
    /// full.
    fn tested(&mut self, name: &Name, rule: bool) {
        let env = self.env;
        let (before, last) = name.text.rsplit_once('.').map_or(("", name.text.as_str()), |parts| parts);
        let Some(package) = env.packages.get(self.package) else { return self.unknown(name.span) };
        let own = package.own.values().map(|declared| &declared.entity);
        let imported = package.imports.values().filter_map(|import| import.entity.as_ref());
        let policies = own.chain(imported).filter_map(|entity| match entity {
            Entity::Policy(full) => Some((full, env.policies.get(full)?)),
            _ => None,
        });
        let has = |full: &str| {
            super::members(env, full).any(|(_, member)| match &member.kind {
                MemberKind::Rule(found) => rule && found.name.text == last,
                other => !rule && super::declares(other).iter().any(|name| name.text == last),
            })
        };
        let mut policies = policies
            .filter(|(full, source)| before.is_empty() || before == source.name || before == full.as_str());
        let Some((full, source)) = policies.find(|(full, _)| has(full)) else {
            return self.unknown(name.span);
        };
        let span = Span::new(name.span.end.saturating_sub(last.len() as u32), name.span.end);
        if !before.is_empty() {
            let end = span.start.saturating_sub(1);
            let policy = Span::new(end.saturating_sub(source.name.len() as u32), end);
            self.read(policy, Symbol::Entity(source.package.clone(), source.name.clone()));
        }
        let symbol = if rule { Symbol::Rule } else { Symbol::Member };
        self.read(span, symbol(full.clone(), last.into()));
    }

    fn window(&mut self, window: &Window) {
        if let Window::Param(name) = window {
            self.member_named(name);
        }
    }

    fn member_named(&mut self, name: &Name) {
        if self.policy.names.contains_key(name.text.as_str()) {
            self.read(name.span, Symbol::Member(self.policy.full.clone(), name.text.clone()));
        } else {
            self.unknown(name.span);
        }
    }

    fn key(&mut self, key: &Key) {
        for part in &key.parts {
            self.value(&part.text, part.span, None);
        }
    }

    /// `sessions`, `devices`: the plural of a field is a word of its own and takes no part in renaming.
    fn plural(&mut self, who: &Name) {
        self.read(who.span, Symbol::Builtin(who.text.clone()));
    }

    fn condition(&mut self, filter: Option<&'e Expr>) {
        if let Some(filter) = filter {
            self.expr(filter, Some(&Type::Bool));
        }
    }

    fn exprs(&mut self, exprs: &'e [Expr]) {
        for expr in exprs {
            self.expr(expr, None);
        }
    }

    fn expr(&mut self, expr: &'e Expr, want: Option<&Type>) {
        match &expr.kind {
            ExprKind::Literal(_) => {}
            ExprKind::Template(parts) => {
                for part in parts {
                    if let BecausePart::Hole(hole) = part {
                        self.expr(hole, None);
                    }
                }
            }
            ExprKind::Name(text) => self.value(text, expr.span, want),
            ExprKind::Call(name, arguments) => self.call(name, arguments),
            ExprKind::Paren(inner) | ExprKind::Negate(inner) => self.expr(inner, want),
            ExprKind::Not(inner) => self.expr(inner, Some(&Type::Bool)),
            ExprKind::Array(items) => {
                for item in items {
                    self.expr(item, want);
                }
            }
            ExprKind::And(items) | ExprKind::Or(items) => self.exprs(items),
            ExprKind::Case(subject, arms) => {
                let ty = self.type_of(subject);
                self.expr(subject, None);
                for arm in arms {
                    if let Some(pattern) = &arm.pattern {
                        self.expr(pattern, ty.as_ref());
                    }
                    self.expr(&arm.value, want);
                }
            }
            ExprKind::Index(base, key) => {
                let ty = match &base.kind {
                    ExprKind::Name(name) => match self.env.find(self.package, name) {
                        Some(Entity::Table(id)) => {
                            self.env.declarations.tables.get(id).map(|table| table.key.clone())
                        }
                        _ => None,
                    },
                    _ => None,
                };
                self.expr(base, None);
                self.expr(key, ty.as_ref());
            }
            ExprKind::Compare(_, left, right) | ExprKind::EqIgnoringCase(left, right) => {
                self.both(left, right)
            }
            ExprKind::Arithmetic(_, left, right) => {
                self.expr(left, None);
                self.expr(right, None);
            }
            ExprKind::Fallback(left, right) => {
                let ty = want.cloned().or_else(|| self.type_of(left));
                self.expr(left, want);
                self.expr(right, ty.as_ref());
            }
            ExprKind::In { needle, haystack, negated: _ } => {
                let ty = self.type_of(needle);
                if let (ExprKind::Name(event), ExprKind::Name(cohort)) = (&needle.kind, &haystack.kind)
                    && event == "event"
                    && matches!(self.policy.names.get(cohort.as_str()), Some(PolicyName::Cohort(_)))
                {
                    self.read(needle.span, Symbol::Builtin(event.clone()));
                } else {
                    self.expr(needle, None);
                }
                self.expr(haystack, ty.as_ref());
            }
            ExprKind::TextTest { subject, pattern, .. } => {
                self.expr(subject, None);
                self.expr(pattern, None);
            }
            ExprKind::Is(subject, state, _) => {
                self.expr(subject, None);
                match state {
                    State::Missing | State::Known | State::Active => {}
                    State::Tagged(tag) => self.entity(tag),
                    State::New(key, window) => {
                        self.key(key);
                        self.window(window);
                    }
                }
            }
        }
    }

    /// Two sides of which one may be a variant of the other's type.
    fn both(&mut self, left: &'e Expr, right: &'e Expr) {
        let (of_left, of_right) = (self.type_of(left), self.type_of(right));
        // As the checker does: the right side is read with the left's type, unless only the right one has a type.
        if self.names_variant(right, of_left.as_ref()) {
            self.expr(left, None);
            self.expr(right, of_left.as_ref());
        } else {
            self.expr(left, of_right.as_ref());
            self.expr(right, of_left.as_ref());
        }
    }

    fn names_variant(&self, expr: &Expr, ty: Option<&Type>) -> bool {
        matches!((&expr.kind, ty), (ExprKind::Name(text), Some(ty)) if is_variant(text, ty))
    }

    fn call(&mut self, name: &'e Name, arguments: &'e [Expr]) {
        let declarations = &self.env.declarations;
        let params: &[(SmolStr, Type)] = match self.env.find(self.package, &name.text) {
            Some(Entity::Function(id)) => {
                self.env.functions.get(id).map(|function| function.params.as_slice()).unwrap_or_default()
            }
            Some(Entity::Model(id)) => {
                declarations.models.get(id).map(|model| model.inputs.as_slice()).unwrap_or_default()
            }
            _ => &[],
        };
        match entity_symbol(self.env, self.package, &name.text) {
            Some(symbol) => self.read(name.span, symbol),
            None if crate::check::is_builtin(&name.text) => {
                self.read(name.span, Symbol::Builtin(name.text.clone()));
            }
            None => self.unknown(name.span),
        }
        for (at, argument) in arguments.iter().enumerate() {
            self.expr(argument, params.get(at).map(|(_, ty)| ty));
        }
    }

    fn fields_readable(&self) -> bool {
        matches!(self.reads, Reads::All | Reads::Fields)
    }

    fn members_readable(&self) -> bool {
        matches!(self.reads, Reads::All | Reads::Members)
    }

    /// The field of a name in the events at hand.
    fn field(&self, name: &str) -> Option<FieldId> {
        if self.events.is_empty() {
            return self.env.schema.envelope_field(name);
        }
        self.events.iter().find_map(|event| self.env.schema.field(*event, name))
    }

    /// A name where a value stands; the order is the checker's.
    fn value(&mut self, text: &SmolStr, span: Span, want: Option<&Type>) {
        if let Some((_, at, _)) = self.locals.iter().rfind(|(name, ..)| name == text) {
            return self.read(span, Symbol::Local(self.file, *at));
        }
        if want.is_some_and(|want| is_variant(text, want)) {
            return self.read(span, Symbol::Variant(text.clone()));
        }
        if self.fields_readable()
            && let Some(field) = self.field(text)
        {
            return self.read(span, Symbol::Field(field));
        }
        if self.members_readable() && self.member_value(text, span) {
            return;
        }
        if matches!(text.as_str(), "now" | "score") {
            return self.read(span, Symbol::Builtin(text.clone()));
        }
        if let Some(symbol) = entity_symbol(self.env, self.package, text) {
            return self.read(span, symbol);
        }
        let elsewhere = self.others.iter().find_map(|event| self.env.schema.field(*event, text));
        if let Some(field) = elsewhere {
            return self.read(span, Symbol::Field(field));
        }
        self.unknown(span);
    }

    /// A name of the policy, with what stands behind its dots.
    fn member_value(&mut self, text: &str, span: Span) -> bool {
        let mut parts = text.split('.');
        let head = parts.next().unwrap_or(text);
        let Some(member) = self.policy.names.get(head).copied() else { return false };
        let policy = self.policy.full.clone();
        let mut at = span.start;
        let mut next = |part: &str| {
            let span = Span::new(at, at.saturating_add(part.len() as u32));
            at = span.end.saturating_add(1);
            span
        };
        let head_span = next(head);
        self.read(head_span, Symbol::Member(policy.clone(), head.into()));
        match member {
            PolicyName::Sequence(sequence) => {
                let Some(step) = parts.next() else { return true };
                let step_span = next(step);
                let known = sequence
                    .steps
                    .iter()
                    .find(|known| super::step_name(known).is_some_and(|n| n.text == step));
                let Some(known) = known else {
                    self.unknown(step_span);
                    return true;
                };
                self.read(step_span, Symbol::Step(policy, head.into(), step.into()));
                let field = text.get(head.len() + step.len() + 2..).unwrap_or("");
                if field.is_empty() {
                    return true;
                }
                let field_span = Span::new(step_span.end.saturating_add(1), span.end);
                let event = self.env.event(self.here(), &known.event).ok();
                match event.and_then(|event| self.env.schema.field(event, field)) {
                    Some(field) if text.get(head.len() + step.len() + 2..) != Some("age") => {
                        self.read(field_span, Symbol::Field(field));
                    }
                    _ if field == "age" => self.read(field_span, Symbol::Builtin("age".into())),
                    _ => self.unknown(field_span),
                }
            }
            PolicyName::Cohort(_) => {
                if let Some(property) = parts.next() {
                    let property_span = next(property);
                    self.read(property_span, Symbol::Builtin(property.into()));
                }
            }
            _ => {
                if let Some(property) = parts.next() {
                    let property_span = next(property);
                    self.unknown(property_span);
                }
            }
        }
        true
    }

    /// The type of an expression, where a glance tells it.
    fn type_of(&self, expr: &Expr) -> Option<Type> {
        match &expr.kind {
            ExprKind::Paren(inner) | ExprKind::Fallback(inner, _) => self.type_of(inner),
            ExprKind::Name(text) => {
                if let Some((.., ty)) = self.locals.iter().rfind(|(name, ..)| name == text) {
                    return ty.clone();
                }
                if self.fields_readable()
                    && let Some(field) = self.field(text)
                {
                    return self.env.schema.fields.get(field).map(|field| field.ty.clone());
                }
                if self.members_readable()
                    && let Some(ty) = self.policy.type_of(self.env, self.package, self.file, text)
                {
                    return Some(ty);
                }
                if self.members_readable()
                    && let Some((sequence, rest)) = text.split_once('.')
                    && let Some(PolicyName::Sequence(sequence)) = self.policy.names.get(sequence)
                    && let Some((step, field)) = rest.split_once('.')
                {
                    let step = sequence
                        .steps
                        .iter()
                        .find(|known| super::step_name(known).is_some_and(|n| n.text == step))?;
                    let event = self.env.event(self.here(), &step.event).ok()?;
                    let field = self.env.schema.field(event, field)?;
                    return self.env.schema.fields.get(field).map(|field| field.ty.clone());
                }
                let field = self.others.iter().find_map(|event| self.env.schema.field(*event, text))?;
                self.env.schema.fields.get(field).map(|field| field.ty.clone())
            }
            ExprKind::Index(base, _) => match &base.kind {
                ExprKind::Name(name) => match self.env.find(self.package, name)? {
                    Entity::Table(id) => {
                        self.env.declarations.tables.get(id).map(|table| table.value.clone())
                    }
                    _ => None,
                },
                _ => None,
            },
            ExprKind::Call(name, _) => match self.env.find(self.package, &name.text)? {
                Entity::Function(id) => self.env.functions.get(id).map(|function| function.output.clone()),
                Entity::Model(id) => self.env.declarations.models.get(id).map(|model| model.output.clone()),
                _ => None,
            },
            _ => None,
        }
    }
}

/// Whether a bare name is a value of a type.
fn is_variant(text: &str, ty: &Type) -> bool {
    match ty {
        Type::Enum(variants) => variants.iter().any(|variant| variant == text),
        Type::Country => text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase()),
        Type::Set(of) | Type::List(of) => is_variant(text, of),
        _ => false,
    }
}
