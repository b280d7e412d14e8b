//! Moves the spans of a tree, for the cache keeps them relative.

use smol_str::SmolStr;

use crate::ast::*;
use crate::diagnostic::{Diagnostic, Edit, Fix, Label};
use crate::span::Span;

/// A value with places in it.
pub(crate) trait Shift {
    /// Moves every span by `delta` bytes.
    fn shift(&mut self, delta: i64);
}

impl Shift for Span {
    fn shift(&mut self, delta: i64) {
        *self = self.shifted(delta);
    }
}

impl<T: Shift> Shift for Vec<T> {
    fn shift(&mut self, delta: i64) {
        self.iter_mut().for_each(|one| one.shift(delta));
    }
}

impl<T: Shift> Shift for Option<T> {
    fn shift(&mut self, delta: i64) {
        self.iter_mut().for_each(|one| one.shift(delta));
    }
}

impl<T: Shift> Shift for Box<T> {
    fn shift(&mut self, delta: i64) {
        (**self).shift(delta);
    }
}

impl<A: Shift, B: Shift> Shift for (A, B) {
    fn shift(&mut self, delta: i64) {
        self.0.shift(delta);
        self.1.shift(delta);
    }
}

/// Values without places.
macro_rules! still {
    ($($ty:ty),* $(,)?) => {
        $(impl Shift for $ty {
            fn shift(&mut self, _delta: i64) {}
        })*
    };
}

/// Structs: every field is named, so that a new one cannot be forgotten.
macro_rules! fields {
    ($($ty:ident { $($field:ident),* $(,)? })*) => {
        $(impl Shift for $ty {
            fn shift(&mut self, delta: i64) {
                let Self { $($field),* } = self;
                $($field.shift(delta);)*
            }
        })*
    };
}

/// Enums: variants with their values in parentheses or braces.
macro_rules! variants {
    ($($ty:ident { $($variant:ident $(($($value:ident),*))? $({ $($field:ident),* })?),* $(,)? })*) => {
        $(impl Shift for $ty {
            fn shift(&mut self, delta: i64) {
                match self {
                    $(Self::$variant $(($($value),*))? $({ $($field),* })? => {
                        let _ = delta;
                        $($($value.shift(delta);)*)?
                        $($($field.shift(delta);)*)?
                    })*
                }
            }
        })*
    };
}

still!(
    SmolStr,
    String,
    bool,
    u8,
    u64,
    i64,
    Verb,
    Aside,
    CompareOp,
    ArithmeticOp,
    TextOp,
    Statistic,
    WindowKind,
    LiteralKind,
);

fields! {
    Name { text, span }
    Text { value, span }
    Item { kind, span, doc }
    Field { name, ty, personal, response, aliases, span }
    Type { kind, optional, span }
    Event { name, aliases, fields }
    Derive { event, source, filter, fields }
    Assignment { name, value }
    List { name, ty, source }
    Table { name, ty, file }
    Decoy { name, event, file, rate, otherwise }
    Schedule { name, file }
    Fingerprint { name, key }
    Model { name, inputs, output, file, within }
    Parameter { name, ty }
    Function { name, params, output, body }
    Policy { name, members }
    Member { kind, span, doc }
    Harm { share, population, span }
    Param { name, ty, default, range }
    Signal { name, value }
    Aggregate { measure, population, least, scope, span }
    Population { event, filter, per, over }
    Over { window, before_this, kind, span }
    Usual { signal, floor, span }
    Watch { population, signals }
    Watched { name, value, span, doc }
    Cohort { name, population, by, floor, lift, least }
    Sequence { name, per, within, steps }
    Step { kind, event, filter, span }
    Rule { name, when, then, because, harm, if_unknown, mode }
    Because { parts, span }
    Action { kind, span }
    Verdict { verb, target, on, with, to, by, duration, renewing, sparing }
    Spared { who, how, span }
    Cap { kind, because }
    Decide { arms, otherwise, span }
    Tune { policy, changes }
    Change { kind, span }
    Test { name, moves }
    Move { kind, span }
    Expr { kind, span }
    Arm { pattern, value, span }
    Literal { kind, span }
    Label { file, span, text }
    Edit { file, span, text }
    Fix { title, edits, applicability }
    Diagnostic { code, severity, title, primary, secondary, notes, help, fix }
}

still!(
    crate::span::FileId,
    crate::codes::Code,
    crate::diagnostic::Severity,
    crate::diagnostic::Applicability
);

variants! {
    ItemKind {
        Envelope(a), Event(a), Derive(a), List(a), Table(a), Tag(a), Queue(a), Decoy(a), Schedule(a),
        Fingerprint(a), Model(a), Function(a), Policy(a), Cap(a), Decide(a), Tune(a), Test(a),
    }
    TypeKind { Enum(a), Named { name, args, bound } }
    ListSource { File(a), Values(a) }
    MemberKind {
        On { events, filter }, Requires(a), Tags(a), Mode(a), Harm(a), Param(a), Signal(a), Watch(a), Cohort(a),
        Sequence(a), Rule(a), Decide(a),
    }
    Mode { Shadow, Enforce, Canary { share, per } }
    SignalValue { Aggregate(a), Usual(a), Expr(a) }
    Measure {
        Count, Rate, Concurrent, Share(a), Distinct(a), Entropy(a), Top(a), Sequential(a), CvOfGaps, Of(a, b),
        ElapsedFrom { event, filter }, Bucket(a), Gcra(a),
    }
    Window { Literal(a), Param(a) }
    Scope { Local, Owned, Global(a) }
    WatchedValue { Measure { measure, filter, least }, Usual(a) }
    StepKind { First(a), Then(a), ThenNo(a), Without { after, before } }
    BecausePart { Text(a), Hole(a) }
    ActionKind {
        Score { points, span }, Exempt(a), Hold { event, queue, within, otherwise, with },
        Tag { key, tag, duration }, Aside(a, b), Revoke(a), LockPassword, Activate { target, duration }, Mask(a),
        Verdict(a),
    }
    With { Status(a, b), Decoy(a) }
    To { Usual(a), Rate(a), Place(a) }
    SparedHow { Passed, Known(a), With(a), Tagged(a), In(a) }
    CapKind {
        Actions { key, at, filter }, Share { verb, event, share, population, over, least, otherwise },
    }
    ChangeKind { Mode(a), Harm(a), RuleMode(a, b), Param(a, b) }
    MoveKind {
        Given(a), Unmapped(a), Repeat { times, variable, every, body }, Wait(a), Release(a, b), Emit { event, fields },
        Expect(a),
    }
    Given { Contains(a, b), Answer(a, b), Entry(a, b, c), Usual(a, b), Late(a), Active(a) }
    Expect {
        NoAction, Fired(a, b), NotFired(a, b), Unknown(a, b), Action(a, b), Score(a, b, c), StoppedFrom(a), Case(a, b),
    }
    ExprKind {
        Literal(a), Template(a), Name(a), Call(a, b), Index(a, b), Paren(a), Array(a), Case(a, b), Not(a),
        Negate(a), And(a), Or(a), Compare(a, b, c), EqIgnoringCase(a, b), Arithmetic(a, b, c), Fallback(a, b),
        In { needle, haystack, negated }, Is(a, b, c), TextTest { op, subject, pattern, negated },
    }
    State { Missing, Known, Active, Tagged(a), New(a, b) }
}

impl Shift for Key {
    fn shift(&mut self, delta: i64) {
        let Self { parts, prefix: _, span } = self;
        parts.shift(delta);
        span.shift(delta);
    }
}
