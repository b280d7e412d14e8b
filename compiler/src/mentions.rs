//! Which names an item mentions, whatever they mean.
//!
//! Imports are judged by this: an import is used when an item mentions its name. A field or signal of the
//! same name counts as well, so an import is never called unused wrongly.

use std::collections::HashSet;

use smol_str::SmolStr;
use weir_dsl::ast::*;

/// The names an item mentions, with every dotted beginning: `a.b.c` also mentions `a.b` and `a`.
pub fn of_item(item: &Item, into: &mut HashSet<SmolStr>) {
    let mut walk = Walk { see: &mut |text| insert(into, text), call: &mut |_| () };
    walk.item(item);
}

/// The functions an expression calls, in order.
pub fn calls<'a>(expr: &'a Expr) -> Vec<&'a Name> {
    let mut found: Vec<&'a Name> = Vec::new();
    let mut walk = Walk { see: &mut |_| (), call: &mut |name| found.push(name) };
    walk.expr(expr);
    found
}

fn insert(into: &mut HashSet<SmolStr>, text: &str) {
    for (dot, _) in text.match_indices('.') {
        let beginning = text.get(..dot).unwrap_or("");
        if !into.contains(beginning) {
            into.insert(beginning.into());
        }
    }
    if !into.contains(text) {
        into.insert(text.into());
    }
}

struct Walk<'w, 'a> {
    see: &'w mut dyn FnMut(&str),
    call: &'w mut dyn FnMut(&'a Name),
}

impl<'a> Walk<'_, 'a> {
    fn name(&mut self, name: &Name) {
        (self.see)(&name.text);
    }

    fn names(&mut self, names: &[Name]) {
        for name in names {
            self.name(name);
        }
    }

    fn key(&mut self, key: &Key) {
        self.names(&key.parts);
    }

    fn window(&mut self, window: &Window) {
        match window {
            Window::Literal(_) => (),
            Window::Param(name) => self.name(name),
        }
    }

    fn filter(&mut self, filter: &'a Option<Expr>) {
        if let Some(filter) = filter {
            self.expr(filter);
        }
    }

    fn exprs(&mut self, exprs: &'a [Expr]) {
        for expr in exprs {
            self.expr(expr);
        }
    }

    fn item(&mut self, item: &'a Item) {
        match &item.kind {
            ItemKind::Envelope(_)
            | ItemKind::Event(_)
            | ItemKind::Table(_)
            | ItemKind::Tag(_)
            | ItemKind::Queue(_)
            | ItemKind::Schedule(_)
            | ItemKind::Model(_) => (),
            ItemKind::Derive(derive) => {
                self.name(&derive.event);
                self.filter(&derive.filter);
                self.assignments(&derive.fields);
            }
            ItemKind::List(list) => match &list.source {
                ListSource::File(_) => (),
                ListSource::Values(values) => self.exprs(values),
            },
            ItemKind::Decoy(decoy) => self.name(&decoy.event),
            ItemKind::Fingerprint(fingerprint) => self.key(&fingerprint.key),
            ItemKind::Function(function) => self.expr(&function.body),
            ItemKind::Policy(policy) => policy.members.iter().for_each(|member| self.member(member)),
            ItemKind::Cap(cap) => self.cap(cap),
            ItemKind::Decide(decide) => self.decide(decide),
            ItemKind::Tune(tune) => self.tune(tune),
            ItemKind::Test(test) => test.moves.iter().for_each(|step| self.step_of_test(step)),
        }
    }

    fn assignments(&mut self, assignments: &'a [Assignment]) {
        for assignment in assignments {
            self.expr(&assignment.value);
        }
    }

    fn cap(&mut self, cap: &'a Cap) {
        match &cap.kind {
            CapKind::Actions { key, at: _, filter } => {
                self.key(key);
                self.filter(filter);
            }
            CapKind::Share { verb: _, event, share: _, population, over, least: _, otherwise: _ } => {
                self.name(event);
                self.name(population);
                self.window(&over.window);
            }
        }
        self.because(&cap.because);
    }

    fn decide(&mut self, decide: &'a Decide) {
        for (_, condition) in &decide.arms {
            self.expr(condition);
        }
    }

    fn tune(&mut self, tune: &'a Tune) {
        self.name(&tune.policy);
        for change in &tune.changes {
            match &change.kind {
                ChangeKind::Mode(mode) | ChangeKind::RuleMode(_, mode) => self.mode(mode),
                ChangeKind::Harm(_) | ChangeKind::Param(..) => (),
            }
        }
    }

    fn mode(&mut self, mode: &Mode) {
        match mode {
            Mode::Shadow | Mode::Enforce => (),
            Mode::Canary { share: _, per } => self.key(per),
        }
    }

    fn because(&mut self, because: &'a Option<Because>) {
        for part in because.iter().flat_map(|because| &because.parts) {
            self.part(part);
        }
    }

    fn part(&mut self, part: &'a BecausePart) {
        match part {
            BecausePart::Text(_) => (),
            BecausePart::Hole(expr) => self.expr(expr),
        }
    }

    fn member(&mut self, member: &'a Member) {
        match &member.kind {
            MemberKind::On { events, filter } => {
                self.names(events);
                self.filter(filter);
            }
            MemberKind::Requires(event) => self.name(event),
            MemberKind::Tags(_) | MemberKind::Harm(_) | MemberKind::Param(_) => (),
            MemberKind::Mode(mode) => self.mode(mode),
            MemberKind::Signal(signal) => match &signal.value {
                SignalValue::Aggregate(aggregate) => {
                    self.measure(&aggregate.measure);
                    self.population(&aggregate.population);
                    if let Some(Scope::Global(staleness)) = &aggregate.scope {
                        self.window(staleness);
                    }
                }
                SignalValue::Usual(usual) => self.name(&usual.signal),
                SignalValue::Expr(expr) => self.expr(expr),
            },
            MemberKind::Watch(watch) => {
                self.population(&watch.population);
                for watched in &watch.signals {
                    match &watched.value {
                        WatchedValue::Measure { measure, filter, least: _ } => {
                            self.measure(measure);
                            self.filter(filter);
                        }
                        WatchedValue::Usual(usual) => self.name(&usual.signal),
                    }
                }
            }
            MemberKind::Cohort(cohort) => {
                self.population(&cohort.population);
                self.key(&cohort.by);
            }
            MemberKind::Sequence(sequence) => {
                self.key(&sequence.per);
                self.window(&sequence.within);
                for step in &sequence.steps {
                    self.name(&step.event);
                    self.filter(&step.filter);
                    if let StepKind::ThenNo(within) = &step.kind {
                        self.window(within);
                    }
                }
            }
            MemberKind::Rule(rule) => self.rule(rule),
            MemberKind::Decide(decide) => self.decide(decide),
        }
    }

    fn population(&mut self, population: &'a Population) {
        self.name(&population.event);
        self.filter(&population.filter);
        if let Some(per) = &population.per {
            self.key(per);
        }
        if let Some(over) = &population.over {
            self.window(&over.window);
        }
    }

    fn measure(&mut self, measure: &'a Measure) {
        match measure {
            Measure::Count | Measure::Rate | Measure::Concurrent | Measure::CvOfGaps => (),
            Measure::Share(predicate) => self.expr(predicate),
            Measure::Distinct(names) | Measure::Entropy(names) | Measure::Top(names) => self.names(names),
            Measure::Sequential(name) | Measure::Of(_, name) => self.name(name),
            Measure::ElapsedFrom { event, filter } => {
                self.name(event);
                self.filter(filter);
            }
            Measure::Bucket(arguments) | Measure::Gcra(arguments) => self.exprs(arguments),
        }
    }

    fn rule(&mut self, rule: &'a Rule) {
        self.expr(&rule.when);
        for action in rule.then.iter().chain(&rule.if_unknown) {
            self.action(action);
        }
        self.because(&rule.because);
        if let Some(mode) = &rule.mode {
            self.mode(mode);
        }
    }

    fn action(&mut self, action: &Action) {
        match &action.kind {
            ActionKind::Score { .. } | ActionKind::Exempt(_) | ActionKind::LockPassword => (),
            ActionKind::Hold { event, queue, within, otherwise: _, with } => {
                self.name(event);
                self.name(queue);
                self.window(within);
                self.with(with);
            }
            ActionKind::Tag { key, tag, duration } => {
                self.key(key);
                self.name(tag);
                self.window(duration);
            }
            ActionKind::Aside(_, name) | ActionKind::Revoke(name) | ActionKind::Mask(name) => self.name(name),
            ActionKind::Activate { target, duration } => {
                self.name(target);
                self.window(duration);
            }
            ActionKind::Verdict(verdict) => self.verdict(verdict),
        }
    }

    fn with(&mut self, with: &Option<With>) {
        match with {
            None | Some(With::Status(..)) => (),
            Some(With::Decoy(name)) => self.name(name),
        }
    }

    fn verdict(&mut self, verdict: &Verdict) {
        if let Some(target) = &verdict.target {
            self.key(target);
        }
        if let Some(on) = &verdict.on {
            self.name(on);
        }
        self.with(&verdict.with);
        for window in verdict.by.iter().chain(&verdict.duration) {
            self.window(window);
        }
        for spared in &verdict.sparing {
            match &spared.how {
                SparedHow::Passed => (),
                SparedHow::Known(window) => self.window(window),
                SparedHow::With(name) | SparedHow::Tagged(name) | SparedHow::In(name) => self.name(name),
            }
        }
    }

    fn step_of_test(&mut self, step: &'a Move) {
        match &step.kind {
            MoveKind::Given(given) => match given {
                Given::Contains(name, value) | Given::Answer(name, value) | Given::Usual(name, value) => {
                    self.name(name);
                    self.expr(value);
                }
                Given::Entry(name, key, value) => {
                    self.name(name);
                    self.expr(key);
                    self.expr(value);
                }
                Given::Late(name) | Given::Active(name) => self.name(name),
            },
            MoveKind::Unmapped(event) => self.name(event),
            MoveKind::Repeat { times: _, variable: _, every: _, body } => {
                body.iter().for_each(|step| self.step_of_test(step));
            }
            MoveKind::Wait(_) | MoveKind::Release(..) | MoveKind::Expect(_) => (),
            MoveKind::Emit { event, fields } => {
                self.name(event);
                self.assignments(fields);
            }
        }
    }

    fn expr(&mut self, expr: &'a Expr) {
        match &expr.kind {
            ExprKind::Literal(_) => (),
            ExprKind::Template(parts) => parts.iter().for_each(|part| self.part(part)),
            ExprKind::Name(text) => (self.see)(text),
            ExprKind::Call(name, arguments) => {
                self.name(name);
                (self.call)(name);
                self.exprs(arguments);
            }
            ExprKind::Paren(inner) | ExprKind::Not(inner) | ExprKind::Negate(inner) => self.expr(inner),
            ExprKind::Array(items) | ExprKind::And(items) | ExprKind::Or(items) => self.exprs(items),
            ExprKind::Case(subject, arms) => {
                self.expr(subject);
                for arm in arms {
                    self.filter(&arm.pattern);
                    self.expr(&arm.value);
                }
            }
            ExprKind::Index(left, right)
            | ExprKind::Compare(_, left, right)
            | ExprKind::EqIgnoringCase(left, right)
            | ExprKind::Arithmetic(_, left, right)
            | ExprKind::Fallback(left, right)
            | ExprKind::In { needle: left, haystack: right, negated: _ }
            | ExprKind::TextTest { op: _, subject: left, pattern: right, negated: _ } => {
                self.expr(left);
                self.expr(right);
            }
            ExprKind::Is(subject, state, _) => {
                self.expr(subject);
                match state {
                    State::Missing | State::Known | State::Active => (),
                    State::Tagged(tag) => self.name(tag),
                    State::New(key, window) => {
                        self.key(key);
                        self.window(window);
                    }
                }
            }
        }
    }
}
