//! Every reference inside a [`Hir`], for whoever moves parts of one.
//!
//! There is no `_` here: whoever adds a field or a variant to the [`Hir`] is told by the compiler to say what
//! it refers to.

use weir_dsl::FileSpan;

use crate::hir::*;
use crate::ids::*;

/// What to do with references. Each method may change what it is given.
///
/// References to the schema and to package-level declarations are not visited: fragments of one project
/// share those.
pub trait Visitor {
    /// An expression.
    fn expr(&mut self, _id: &mut ExprId) {}
    /// A pattern.
    fn pattern(&mut self, _id: &mut PatternId) {}
    /// A parameter.
    fn param(&mut self, _id: &mut ParamId) {}
    /// A signal.
    fn signal(&mut self, _id: &mut SignalId) {}
    /// A state.
    fn state(&mut self, _id: &mut StateId) {}
    /// A cohort.
    fn cohort(&mut self, _id: &mut CohortId) {}
    /// A sequence.
    fn sequence(&mut self, _id: &mut SequenceId) {}
    /// A model call.
    fn call(&mut self, _id: &mut CallId) {}
    /// A fact.
    fn fact(&mut self, _id: &mut FactId) {}
    /// A policy.
    fn policy(&mut self, _id: &mut PolicyId) {}
    /// A rule.
    fn rule(&mut self, _id: &mut RuleId) {}
    /// A length of time, before its parameter is visited.
    fn span(&mut self, _span: &mut Span) {}
    /// A place in source text.
    fn place(&mut self, _at: &mut FileSpan) {}
}

/// Visits every reference of a rule set or fragment.
pub fn hir(hir: &mut Hir, with: &mut impl Visitor) {
    let Hir {
        schema: _,
        declarations: _,
        exprs,
        patterns,
        params,
        signals,
        states,
        cohorts,
        sequences,
        calls,
        facts,
        good,
        policies,
        rules,
        caps,
        derives,
    } = hir;
    exprs.values_mut().for_each(|node| expr(node, with));
    patterns.values_mut().for_each(|Pattern { op: _, source: _, regex: _ }| ());
    params.values_mut().for_each(|node| param(node, with));
    signals.values_mut().for_each(|node| signal(node, with));
    states.values_mut().for_each(|node| state(node, with));
    cohorts.values_mut().for_each(|node| cohort(node, with));
    sequences.values_mut().for_each(|node| sequence(node, with));
    calls.values_mut().for_each(|Call { model: _, inputs }| exprs_of(inputs, with));
    facts.values_mut().for_each(|node| fact(node, with));
    good.iter_mut().for_each(|node| spared(node, with));
    policies.values_mut().for_each(|node| policy(node, with));
    rules.values_mut().for_each(|node| rule(node, with));
    caps.iter_mut().for_each(|node| cap(node, with));
    derives.iter_mut().for_each(|node| derive(node, with));
}

/// Visits every reference of a test.
pub fn test(test: &mut Test, with: &mut impl Visitor) {
    let Test { name: _, package: _, exprs, moves, at } = test;
    exprs.values_mut().for_each(|node| expr(node, with));
    moves.iter_mut().for_each(|step| move_of_test(step, with));
    with.place(at);
}

fn exprs_of(ids: &mut [ExprId], with: &mut impl Visitor) {
    ids.iter_mut().for_each(|id| with.expr(id));
}

fn filter(id: &mut Option<ExprId>, with: &mut impl Visitor) {
    if let Some(id) = id {
        with.expr(id);
    }
}

fn span(span: &mut Span, with: &mut impl Visitor) {
    with.span(span);
    let Span { ms: _, param } = span;
    if let Some(param) = param {
        with.param(param);
    }
}

fn window(Window { span: length, kind: _ }: &mut Window, with: &mut impl Visitor) {
    span(length, with);
}

fn parts(parts: &mut [Part], with: &mut impl Visitor) {
    for part in parts {
        match part {
            Part::Text(_) => (),
            Part::Value(value) => with.expr(value),
        }
    }
}

fn key(Key { parts, kind: _, text: _ }: &mut Key, with: &mut impl Visitor) {
    parts.iter_mut().for_each(|part| key_part(part, with));
}

fn key_part(part: &mut KeyPart, with: &mut impl Visitor) {
    match part {
        KeyPart::Field(_) | KeyPart::Prefix { field: _, v4: _, v6: _ } | KeyPart::Fingerprint(_) => (),
        KeyPart::Cohort(cohort) => with.cohort(cohort),
        KeyPart::Captured { sequence, step: _, field: _ } => with.sequence(sequence),
    }
}

/// Visits every reference of an expression node.
pub fn expr(Expr { kind, ty: _, at }: &mut Expr, with: &mut impl Visitor) {
    with.place(at);
    match kind {
        ExprKind::Const(_)
        | ExprKind::Field(_)
        | ExprKind::Fingerprint(_)
        | ExprKind::Score
        | ExprKind::Now
        | ExprKind::Variable(_)
        | ExprKind::ScheduleActive(_) => (),
        ExprKind::Param(param) => with.param(param),
        ExprKind::Signal(signal) | ExprKind::Absent(signal) => with.signal(signal),
        ExprKind::InCohort(cohort) | ExprKind::CohortValue(cohort, _) => with.cohort(cohort),
        ExprKind::Holds(sequence)
        | ExprKind::Captured { sequence, step: _, field: _ }
        | ExprKind::Age { sequence, step: _ } => with.sequence(sequence),
        ExprKind::Call(call) => with.call(call),
        ExprKind::Named(_, inner)
        | ExprKind::Not(inner)
        | ExprKind::Negate(inner)
        | ExprKind::ToFloat(inner)
        | ExprKind::IsKnown(inner)
        | ExprKind::InList(inner, _)
        | ExprKind::Lookup(_, inner)
        | ExprKind::Convert(inner) => with.expr(inner),
        ExprKind::Matches(inner, pattern) => {
            with.expr(inner);
            with.pattern(pattern);
        }
        ExprKind::And(operands)
        | ExprKind::Or(operands)
        | ExprKind::Builtin(_, operands)
        | ExprKind::Array(operands) => exprs_of(operands, with),
        ExprKind::Compare(_, left, right)
        | ExprKind::EqIgnoringCase(left, right)
        | ExprKind::Arithmetic(_, left, right)
        | ExprKind::Fallback(left, right)
        | ExprKind::InSet(left, right)
        | ExprKind::TextTest(_, left, right) => {
            with.expr(left);
            with.expr(right);
        }
        ExprKind::Tagged(whom, _) => key(whom, with),
        ExprKind::Case(subject, arms) => {
            with.expr(subject);
            for (pattern, value) in arms {
                filter(pattern, with);
                with.expr(value);
            }
        }
        ExprKind::Template(template) => parts(template, with),
    }
}

fn param(Param { name: _, ty: _, value: _, range: _, at }: &mut Param, with: &mut impl Visitor) {
    with.place(at);
}

fn signal(signal: &mut Signal, with: &mut impl Visitor) {
    let Signal { name: _, state, before_this: _, least: _, ty: _, phase: _, at, unmapped: _ } = signal;
    with.state(state);
    with.place(at);
}

fn state(state: &mut State, with: &mut impl Visitor) {
    let State {
        measure,
        event: _,
        filter: which,
        key: per,
        window: over,
        phase: _,
        identity: _,
        bytes_per_key: _,
    } = state;
    match measure {
        Measure::Count
        | Measure::Rate
        | Measure::Concurrent
        | Measure::CvOfGaps
        | Measure::Elapsed
        | Measure::LastSeen
        | Measure::Bucket { capacity: _, leak: _ }
        | Measure::Gcra { rate: _, burst: _ } => (),
        Measure::Share(value) | Measure::Sequential(value) | Measure::Of(_, value) => with.expr(value),
        Measure::Distinct(values) | Measure::Entropy(values) | Measure::Top(values) => {
            exprs_of(values, with);
        }
        Measure::Usual { of, floor: _ } => with.state(of),
    }
    filter(which, with);
    if let Some(per) = per {
        key(per, with);
    }
    if let Some(over) = over {
        window(over, with);
    }
}

fn cohort(cohort: &mut Cohort, with: &mut impl Visitor) {
    let Cohort {
        name: _,
        event: _,
        filter: which,
        by,
        dimensions: _,
        window: over,
        floor: _,
        lift: _,
        least: _,
        phase: _,
        at,
        unmapped: _,
    } = cohort;
    filter(which, with);
    by.iter_mut().for_each(|part| key_part(part, with));
    window(over, with);
    with.place(at);
}

fn sequence(sequence: &mut Sequence, with: &mut impl Visitor) {
    let Sequence { name: _, key: per, horizon, steps, without, then_no, phase: _, at, unmapped: _ } =
        sequence;
    key(per, with);
    span(horizon, with);
    for Step { name: _, event: _, filter: which, captures: _, phase: _ } in steps {
        filter(which, with);
    }
    for Without { event: _, filter: which, after: _, before: _, phase: _ } in without {
        filter(which, with);
    }
    if let Some(ThenNo { event: _, filter: which, within, phase: _ }) = then_no {
        filter(which, with);
        span(within, with);
    }
    with.place(at);
}

fn fact(fact: &mut Fact, with: &mut impl Visitor) {
    let Fact { event: _, filter: which, key: whom, first: _, phase: _ } = fact;
    filter(which, with);
    key(whom, with);
}

fn mode(mode: &mut Mode, with: &mut impl Visitor) {
    match mode {
        Mode::Shadow | Mode::Enforce => (),
        Mode::Canary { share: _, per } => key(per, with),
    }
}

fn policy(policy: &mut Policy, with: &mut impl Visitor) {
    let Policy {
        package: _,
        name: _,
        events: _,
        filter: which,
        tags: _,
        mode: how,
        harm: _,
        decide: Decide { arms, otherwise: _ },
        at,
        doc: _,
        rules,
    } = policy;
    filter(which, with);
    mode(how, with);
    for (_, condition) in arms {
        with.expr(condition);
    }
    with.place(at);
    rules.iter_mut().for_each(|id| with.rule(id));
}

fn rule(rule: &mut Rule, with: &mut impl Visitor) {
    let Rule {
        name: _,
        full_name: _,
        policy,
        when,
        phase: _,
        then,
        if_unknown,
        because,
        mode: how,
        harm: _,
        exempts: _,
        inactive: _,
        at,
        doc: _,
    } = rule;
    with.policy(policy);
    with.expr(when);
    then.iter_mut().chain(if_unknown).for_each(|node| action(node, with));
    parts(because, with);
    mode(how, with);
    with.place(at);
}

fn action(action: &mut Action, with: &mut impl Visitor) {
    match action {
        Action::Score(_) | Action::Exempt(_) | Action::Aside(..) | Action::Mask(_) => (),
        Action::Verdict(node) => verdict(node, with),
        Action::Hold { queue: _, within, otherwise: _, status: _ } => span(within, with),
        Action::Tag { key: whom, tag: _, duration } => {
            key(whom, with);
            span(duration, with);
        }
        Action::Revoke(whom) | Action::LockPassword(whom) => key(whom, with),
        Action::Activate { target: _, duration } => span(duration, with),
    }
}

fn verdict(verdict: &mut Verdict, with: &mut impl Visitor) {
    let Verdict { verb: _, target, on: _, status: _, decoy: _, to, by, duration, renewing: _, sparing } =
        verdict;
    if let Some(target) = target {
        key(target, with);
    }
    let (None | Some(To::Rate(_) | To::Usual | To::Place(_))) = to;
    for length in by.iter_mut().chain(duration) {
        span(length, with);
    }
    sparing.iter_mut().for_each(|node| spared(node, with));
}

fn spared(spared: &mut Spared, with: &mut impl Visitor) {
    match spared {
        Spared::Fact { fact, age } => {
            with.fact(fact);
            span(age, with);
        }
        Spared::Tagged(whom, _) => key(whom, with),
        Spared::InList(_, _) => (),
    }
}

fn cap(cap: &mut Cap, with: &mut impl Visitor) {
    let Cap { package: _, kind, because, at } = cap;
    match kind {
        CapKind::Actions { key: whom, at: _, filter: which } => {
            key(whom, with);
            filter(which, with);
        }
        CapKind::Share { verb: _, event: _, share: _, population, over, least: _, otherwise: _ } => {
            key(population, with);
            span(over, with);
        }
    }
    parts(because, with);
    with.place(at);
}

fn derive(derive: &mut Derive, with: &mut impl Visitor) {
    let Derive { event: _, filter: which, fields, package: _, at } = derive;
    filter(which, with);
    for (_, value, _) in fields {
        with.expr(value);
    }
    with.place(at);
}

fn move_of_test(Move { kind, at }: &mut Move, with: &mut impl Visitor) {
    with.place(at);
    match kind {
        MoveKind::ListContains(_, value) | MoveKind::ModelAnswers(_, value) | MoveKind::Usual(_, value) => {
            with.expr(value);
        }
        MoveKind::TableEntry(_, entry, value) => {
            with.expr(entry);
            with.expr(value);
        }
        MoveKind::ModelLate(_)
        | MoveKind::ScheduleActive(_)
        | MoveKind::Unmapped(_)
        | MoveKind::Wait(_)
        | MoveKind::Release(..) => {}
        MoveKind::Repeat { times: _, every: _, body } => {
            body.iter_mut().for_each(|step| move_of_test(step, with));
        }
        MoveKind::Emit(_, fields) => fields.iter_mut().for_each(|(_, value)| with.expr(value)),
        MoveKind::Expect(_) => (),
    }
}
