//! Walker and bytecode give the same answers, for generated well-typed expressions over worlds in which anything may
//! be missing, at the extremes and one beside them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test")]

use std::borrow::Cow;
use std::cell::Cell;
use std::sync::Arc;

use proptest::prelude::*;
use weir_compiler::data::{Data, ListData, ScheduleData, TableData};
use weir_compiler::evaluate::Evaluator;
use weir_compiler::hir::*;
use weir_compiler::ids::*;
use weir_compiler::ir::{self, Memo, Unit};
use weir_compiler::types::Type;
use weir_compiler::value::{Currency, Value};
use weir_compiler::walk::{Walker, World};
use weir_dsl::FileSpan;

const USD: Currency = Currency(*b"USD");
const EUR: Currency = Currency(*b"EUR");

/// The types generated, each with two fields, a reading, a captured field, a model's answer and a parameter.
const TYPES: [Type; 7] =
    [Type::Bool, Type::Int, Type::Float, Type::Text, Type::Duration, Type::Money, Type::Timestamp];

/// A well-typed expression of one of [`TYPES`].
#[derive(Clone, Debug)]
enum Tree {
    Const(Value),
    /// A parameter with a value.
    Param(Value),
    /// One of what the world has of a type.
    Ask(u8, usize),
    Join(bool, Vec<Tree>),
    Not(Box<Tree>),
    Compare(CompareOp, Box<Tree>, Box<Tree>),
    Same(Box<Tree>, Box<Tree>),
    Arithmetic(ArithmeticOp, usize, Box<Tree>, Box<Tree>),
    Negate(usize, Box<Tree>),
    ToFloat(Box<Tree>),
    Fallback(usize, Box<Tree>, Box<Tree>),
    IsKnown(Box<Tree>),
    InList(Box<Tree>),
    InSet(Box<Tree>, Vec<Tree>),
    Lookup(Box<Tree>),
    Matches(u32, Box<Tree>),
    Text(TextOp, Box<Tree>, Box<Tree>),
    Ask0(u8),
    Case(usize, Box<Tree>, Vec<(Option<Tree>, Tree)>),
    Builtin(Builtin, usize, Vec<Tree>),
    Template(Vec<(String, usize, Tree)>),
    Convert(usize, Box<Tree>),
    Named(usize, Box<Tree>),
}

fn ints() -> impl Strategy<Value = i64> {
    prop_oneof![
        4 => -3_i64..4,
        1 => prop::sample::select(vec![i64::MIN, i64::MIN + 1, i64::MAX - 1, i64::MAX, 1 << 53, (1 << 53) + 1]),
        1 => any::<i64>(),
    ]
}

fn floats() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => (-3_i32..4).prop_map(|int| f64::from(int) / 2.0),
        1 => prop::sample::select(vec![f64::MIN, f64::MAX, f64::MIN_POSITIVE, 5e-324, -0.0, 0.0, 9_007_199_254_740_993.0]),
        1 => any::<f64>().prop_filter("finite", |float| float.is_finite()),
    ]
}

fn texts() -> impl Strategy<Value = Value> {
    let texts = [
        "",
        "a",
        "A",
        "ab",
        "/login",
        "/wp-login.php",
        "é",
        "İ",
        "7",
        "2026-01-05T00:00:00Z",
        "http://EX.org:8/x",
    ];
    prop::sample::select(texts.to_vec()).prop_map(Value::text)
}

fn value(ty: usize) -> BoxedStrategy<Value> {
    match TYPES[ty] {
        Type::Bool => any::<bool>().prop_map(Value::Bool).boxed(),
        Type::Int => ints().prop_map(Value::Int).boxed(),
        Type::Float => floats().prop_map(Value::Float).boxed(),
        Type::Duration => ints().prop_map(Value::Duration).boxed(),
        Type::Timestamp => ints().prop_map(Value::Time).boxed(),
        Type::Money => {
            (ints(), prop::sample::select(vec![USD, EUR])).prop_map(|(n, c)| Value::Money(n, c)).boxed()
        }
        _ => texts().boxed(),
    }
}

const ORDERED: [usize; 5] = [1, 2, 4, 5, 6];

fn compare_op() -> impl Strategy<Value = CompareOp> {
    use CompareOp::*;
    prop::sample::select(vec![Eq, Ne, Lt, Le, Gt, Ge])
}

fn leaf(ty: usize) -> BoxedStrategy<Tree> {
    prop_oneof![
        2 => value(ty).prop_map(Tree::Const),
        1 => value(ty).prop_map(Tree::Param),
        5 => (0_u8..6).prop_map(move |which| Tree::Ask(which, ty)),
    ]
    .boxed()
}

/// A tree of a type, at most so deep.
fn tree(ty: usize, depth: u32) -> BoxedStrategy<Tree> {
    if depth == 0 {
        return leaf(ty);
    }
    let of = move |ty: usize| tree(ty, depth - 1);
    let boxed = move |ty: usize| tree(ty, depth - 1).prop_map(Box::new);
    let any_type = 0..TYPES.len();
    let case = (0_usize..2).prop_flat_map(move |subject| {
        let subject = [1, 3][subject];
        let arm = (prop::option::weighted(0.8, of(subject)), of(ty));
        (Just(subject), boxed(subject), prop::collection::vec(arm, 0..4))
    });
    let common = prop_oneof![
        3 => leaf(ty),
        2 => (boxed(ty), boxed(ty)).prop_map(move |(a, b)| Tree::Fallback(ty, a, b)),
        1 => case.prop_map(move |(_, subject, arms)| Tree::Case(ty, subject, arms)),
        1 => boxed(ty).prop_map(move |a| Tree::Named(ty, a)),
        1 => any_type.clone().prop_flat_map(boxed).prop_map(move |a| Tree::Convert(ty, a)),
    ];
    let own: BoxedStrategy<Tree> = match TYPES[ty] {
        Type::Bool => prop_oneof![
            6 => (any::<bool>(), prop::collection::vec(of(0), 1..5)).prop_map(|(or, all)| Tree::Join(or, all)),
            3 => boxed(0).prop_map(Tree::Not),
            4 => (compare_op(), prop::sample::select(ORDERED.to_vec()))
                .prop_flat_map(move |(op, ty)| (Just(op), boxed(ty), boxed(ty)))
                .prop_map(|(op, a, b)| Tree::Compare(op, a, b)),
            2 => (any::<bool>(), any_type.clone())
                .prop_flat_map(move |(ne, ty)| (Just(ne), boxed(ty), boxed(ty)))
                .prop_map(|(ne, a, b)| Tree::Compare(if ne { CompareOp::Ne } else { CompareOp::Eq }, a, b)),
            1 => (boxed(3), boxed(3)).prop_map(|(a, b)| Tree::Same(a, b)),
            2 => any_type.prop_flat_map(boxed).prop_map(Tree::IsKnown),
            2 => boxed(3).prop_map(Tree::InList),
            1 => (boxed(1), prop::collection::vec(of(1), 0..4)).prop_map(|(a, set)| Tree::InSet(a, set)),
            2 => (0_u32..4, boxed(3)).prop_map(|(pattern, a)| Tree::Matches(pattern, a)),
            2 => (prop::sample::select(vec![TextOp::Contains, TextOp::StartsWith, TextOp::EndsWith]), boxed(3), boxed(3))
                .prop_map(|(op, a, b)| Tree::Text(op, a, b)),
            3 => (0_u8..6).prop_map(Tree::Ask0),
        ]
        .boxed(),
        Type::Text => prop_oneof![
            1 => boxed(3).prop_map(Tree::Lookup),
            1 => of(3).prop_map(|a| Tree::Builtin(Builtin::Lower, 3, vec![a])),
            1 => of(3).prop_map(|a| Tree::Builtin(Builtin::Host, 3, vec![a])),
            1 => of(3).prop_map(|a| Tree::Builtin(Builtin::Header, 3, vec![a])),
            1 => prop::collection::vec(
                ("[a-c]{0,2}", 0..TYPES.len()).prop_flat_map(move |(text, ty)| (Just(text), Just(ty), of(ty))),
                0..3,
            )
            .prop_map(Tree::Template),
        ]
        .boxed(),
        _ => {
            let unary = match TYPES[ty] {
                Type::Int => of(3).prop_map(|a| Tree::Builtin(Builtin::Length, 1, vec![a])).boxed(),
                Type::Float => prop_oneof![
                    boxed(1).prop_map(Tree::ToFloat),
                    (prop::sample::select(vec![Builtin::Log, Builtin::Exp, Builtin::Sqrt]), of(2))
                        .prop_map(|(builtin, a)| Tree::Builtin(builtin, 2, vec![a])),
                ]
                .boxed(),
                Type::Timestamp => leaf(ty),
                _ => of(ty).prop_map(move |a| Tree::Builtin(Builtin::Abs, ty, vec![a])).boxed(),
            };
            // Operand types of each operator that gives this type.
            use ArithmeticOp::{Add, Div, Mul, Rem, Sub};
            let shapes: Vec<(ArithmeticOp, usize, usize)> = match TYPES[ty] {
                Type::Int => vec![(Add, 1, 1), (Sub, 1, 1), (Mul, 1, 1), (Rem, 1, 1)],
                Type::Float => vec![
                    (Add, 2, 2), (Sub, 2, 2), (Mul, 2, 2), (Div, 2, 2), (Rem, 2, 2), (Div, 1, 1), (Div, 4, 4), (Div, 5, 5),
                ],
                Type::Duration => vec![(Add, 4, 4), (Sub, 4, 4), (Mul, 4, 1), (Mul, 2, 4), (Div, 4, 1), (Sub, 6, 6)],
                Type::Money => vec![(Add, 5, 5), (Sub, 5, 5), (Mul, 5, 2), (Mul, 1, 5), (Div, 5, 1)],
                _ => vec![(Add, 6, 4), (Sub, 6, 4)],
            };
            let arithmetic = prop::sample::select(shapes)
                .prop_flat_map(move |(op, a, b)| (Just(op), boxed(a), boxed(b)))
                .prop_map(move |(op, a, b)| Tree::Arithmetic(op, ty, a, b));
            let least = (prop::sample::select(vec![Builtin::Min, Builtin::Max]), of(ty), of(ty))
                .prop_map(move |(builtin, a, b)| Tree::Builtin(builtin, ty, vec![a, b]));
            if TYPES[ty] == Type::Timestamp {
                prop_oneof![2 => arithmetic, 1 => least].boxed()
            } else {
                let negate = boxed(ty).prop_map(move |a| Tree::Negate(ty, a));
                prop_oneof![4 => arithmetic, 1 => least, 1 => negate, 1 => unary].boxed()
            }
        }
    };
    prop_oneof![1 => common, 2 => own].boxed()
}

/// What the world says; everything may be missing.
#[derive(Clone, Debug)]
struct Answers {
    /// By type, of each kind.
    values: Vec<[Option<Value>; 6]>,
    truths: [Option<bool>; 6],
    now: i64,
    asked: Cell<u32>,
}

fn answers() -> impl Strategy<Value = Answers> {
    let of = |ty: usize| prop::array::uniform6(prop::option::weighted(0.75, value(ty)));
    let values: Vec<_> = (0..TYPES.len()).map(of).collect();
    (values, prop::array::uniform6(prop::option::weighted(0.75, any::<bool>())), ints())
        .prop_map(|(values, truths, now)| Answers { values, truths, now, asked: Cell::new(0) })
}

impl Answers {
    fn get(&self, which: usize, id: u32) -> Option<Value> {
        self.values.get(id as usize)?.get(which)?.clone()
    }
}

impl World for Answers {
    fn field(&self, field: FieldId) -> Option<Cow<'_, Value>> {
        let (ty, which) = (field.0 as usize / 2, field.0 as usize % 2);
        self.values.get(ty)?.get(which)?.as_ref().map(Cow::Borrowed)
    }
    fn fingerprint(&self, shape: FingerprintId) -> Option<Value> {
        self.get(2, shape.0)
    }
    fn signal(&self, signal: SignalId) -> Option<Value> {
        self.get(3, signal.0)
    }
    fn absent(&self, _: SignalId) -> Option<bool> {
        self.truths[0]
    }
    fn in_cohort(&self, _: CohortId) -> Option<bool> {
        self.truths[1]
    }
    fn cohort_value(&self, _: CohortId, _: CohortValue) -> Option<Value> {
        None
    }
    fn holds(&self, _: SequenceId) -> Option<bool> {
        self.truths[2]
    }
    fn captured(&self, _: SequenceId, step: u16, _: FieldId) -> Option<Value> {
        self.get(4, u32::from(step))
    }
    fn age(&self, _: SequenceId, _: u16) -> Option<i64> {
        Some(self.now)
    }
    fn call(&self, call: CallId) -> Option<Value> {
        self.asked.set(self.asked.get() + 1);
        self.get(5, call.0)
    }
    fn tagged(&self, _: &Key, tag: TagId) -> Option<bool> {
        self.truths[3 + tag.0 as usize]
    }
    fn now(&self) -> i64 {
        self.now
    }
    fn http(&self, builtin: Builtin, argument: &Value) -> Option<Value> {
        (builtin == Builtin::Header).then(|| argument.clone())
    }
}

#[derive(Default)]
struct Writer {
    hir: Hir,
}

impl Writer {
    fn push(&mut self, kind: ExprKind, ty: usize) -> ExprId {
        self.hir.exprs.push(Expr { kind, ty: TYPES[ty].clone(), at: FileSpan::default() })
    }

    fn all(&mut self, trees: &[Tree]) -> Vec<ExprId> {
        trees.iter().map(|tree| self.write(tree).0).collect()
    }

    /// An expression and its type.
    fn write(&mut self, tree: &Tree) -> (ExprId, usize) {
        let kind_of = |value: &Value| match value {
            Value::Bool(_) => 0,
            Value::Int(_) => 1,
            Value::Float(_) => 2,
            Value::Duration(_) => 4,
            Value::Money(..) => 5,
            Value::Time(_) => 6,
            _ => 3,
        };
        let (kind, ty) = match tree {
            Tree::Const(value) => (ExprKind::Const(value.clone()), kind_of(value)),
            Tree::Param(value) => {
                let ty = kind_of(value);
                let param = Param {
                    name: "p".into(),
                    ty: TYPES[ty].clone(),
                    value: value.clone(),
                    range: None,
                    at: FileSpan::default(),
                };
                (ExprKind::Param(self.hir.params.push(param)), ty)
            }
            Tree::Ask(which, ty) => {
                let id = *ty as u32;
                let kind = match which {
                    0 | 1 => ExprKind::Field(FieldId(id * 2 + u32::from(*which))),
                    2 => ExprKind::Fingerprint(FingerprintId(id)),
                    3 => ExprKind::Signal(SignalId(id)),
                    4 => ExprKind::Captured { sequence: SequenceId(0), step: id as u16, field: FieldId(0) },
                    _ => ExprKind::Call(CallId(id)),
                };
                (kind, *ty)
            }
            Tree::Join(or, operands) => {
                let operands = self.all(operands);
                (if *or { ExprKind::Or(operands) } else { ExprKind::And(operands) }, 0)
            }
            Tree::Not(a) => (ExprKind::Not(self.write(a).0), 0),
            Tree::Compare(op, a, b) => (ExprKind::Compare(*op, self.write(a).0, self.write(b).0), 0),
            Tree::Same(a, b) => (ExprKind::EqIgnoringCase(self.write(a).0, self.write(b).0), 0),
            Tree::Arithmetic(op, ty, a, b) => {
                (ExprKind::Arithmetic(*op, self.write(a).0, self.write(b).0), *ty)
            }
            Tree::Negate(ty, a) => (ExprKind::Negate(self.write(a).0), *ty),
            Tree::ToFloat(a) => (ExprKind::ToFloat(self.write(a).0), 2),
            Tree::Fallback(ty, a, b) => (ExprKind::Fallback(self.write(a).0, self.write(b).0), *ty),
            Tree::IsKnown(a) => (ExprKind::IsKnown(self.write(a).0), 0),
            Tree::InList(a) => (ExprKind::InList(self.write(a).0, ListId(0)), 0),
            Tree::InSet(a, members) => {
                let members = self.all(members);
                let set = self.push(ExprKind::Array(members), 1);
                (ExprKind::InSet(self.write(a).0, set), 0)
            }
            Tree::Lookup(a) => (ExprKind::Lookup(TableId(0), self.write(a).0), 3),
            Tree::Matches(pattern, a) => (ExprKind::Matches(self.write(a).0, PatternId(*pattern)), 0),
            Tree::Text(op, a, b) => (ExprKind::TextTest(*op, self.write(a).0, self.write(b).0), 0),
            Tree::Ask0(which) => {
                let key = Key {
                    parts: vec![KeyPart::Field(FieldId(6))],
                    kind: KeyKind::Actor,
                    text: "user".into(),
                };
                let kind = match which {
                    0 => ExprKind::Absent(SignalId(0)),
                    1 => ExprKind::InCohort(CohortId(0)),
                    2 => ExprKind::Holds(SequenceId(0)),
                    3 => ExprKind::Tagged(key, TagId(0)),
                    4 => ExprKind::Tagged(key, TagId(1)),
                    _ => ExprKind::ScheduleActive(ScheduleId(0)),
                };
                (kind, 0)
            }
            Tree::Case(ty, subject, arms) => {
                let subject = self.write(subject).0;
                let arms = arms.iter().map(|(pattern, value)| {
                    (pattern.as_ref().map(|pattern| self.write(pattern).0), self.write(value).0)
                });
                (ExprKind::Case(subject, arms.collect()), *ty)
            }
            Tree::Builtin(builtin, ty, arguments) => (ExprKind::Builtin(*builtin, self.all(arguments)), *ty),
            Tree::Template(parts) => {
                let mut written = Vec::new();
                for (text, _, value) in parts {
                    written.push(Part::Text(text.into()));
                    written.push(Part::Value(self.write(value).0));
                }
                (ExprKind::Template(written), 3)
            }
            Tree::Convert(ty, a) => (ExprKind::Convert(self.write(a).0), *ty),
            Tree::Named(ty, a) => (ExprKind::Named("n".into(), self.write(a).0), *ty),
        };
        (self.push(kind, ty), ty)
    }

    fn rule(&mut self, when: ExprId, because: Vec<Part>) {
        self.hir.rules.push(Rule {
            name: "r".into(),
            full_name: "t.p.r".into(),
            policy: PolicyId(0),
            when,
            phase: Phase::Request,
            then: Vec::new(),
            if_unknown: Vec::new(),
            because,
            mode: Mode::Shadow,
            harm: None,
            exempts: false,
            inactive: None,
            at: FileSpan::default(),
            doc: String::new().into(),
        });
    }
}

/// A rule set of conditions and values.
fn hir(conditions: &[Tree], values: &[Tree]) -> Hir {
    let mut writer = Writer::default();
    for (op, source, regex) in [
        (TextOp::Glob, "/wp-*", "^/wp-[^/]*$"),
        (TextOp::Regex, "a+", "a+"),
        (TextOp::Glob, "/wp-*", "^/wp-[^/]*$"),
        (TextOp::Regex, "^$", "^$"),
    ] {
        let regex = regex::Regex::new(regex).unwrap();
        writer.hir.patterns.push(Pattern { op, source: source.into(), regex });
    }
    for condition in conditions {
        let (when, _) = writer.write(condition);
        writer.rule(when, Vec::new());
    }
    let parts: Vec<Part> = values.iter().map(|value| Part::Value(writer.write(value).0)).collect();
    let when = writer.push(ExprKind::Const(Value::Bool(true)), 0);
    writer.rule(when, parts);
    writer.hir
}

fn data(loaded: bool) -> Data {
    let mut data = Data::default();
    if loaded {
        let (mut list, mut table) = (ListData::empty(&Type::Text), TableData::default());
        list.insert(&Value::text("a"));
        table.insert(&Value::text("a"), Value::text("ab"));
        data.set_list(ListId(0), Arc::new(list));
        data.set_table(TableId(0), Arc::new(table));
        data.set_schedule(ScheduleId(0), Arc::new(ScheduleData::new(vec![(0, 2), (i64::MAX - 1, i64::MAX)])));
    }
    data
}

fn roots(hir: &Hir) -> (Vec<ExprId>, Vec<ExprId>) {
    let truths = hir.rules.values().map(|rule| rule.when).collect();
    let values = hir.rules.values().flat_map(|rule| &rule.because).filter_map(|part| match part {
        Part::Value(expr) => Some(*expr),
        Part::Text(_) => None,
    });
    (truths, values.collect())
}

/// Every answer of both tiers, with and without a memo, on each world in turn.
fn compare(hir: &Hir, unit: &Unit, data: &Data, worlds: &[Answers]) -> Result<(), TestCaseError> {
    let (walker, memo) = (Walker::new(hir, data), Memo::new(unit.memos()));
    let plain = Evaluator::new(hir, data, Some(unit));
    let remembering = plain.with_memo(&memo);
    let (truths, values) = roots(hir);
    for world in worlds {
        memo.begin();
        for evaluator in [&plain, &remembering, &remembering] {
            for expr in &truths {
                prop_assert_eq!(walker.truth(*expr, world), evaluator.truth(*expr, world));
            }
            for expr in &values {
                // As text, because minus zero equals zero and is not the same.
                let [one, other] = [walker.value(*expr, world), evaluator.value(*expr, world)];
                prop_assert_eq!(format!("{one:?}"), format!("{other:?}"));
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn walker_and_bytecode_give_the_same_answers(
        conditions in prop::collection::vec(tree(0, 4), 1..5),
        values in prop::collection::vec((0..TYPES.len()).prop_flat_map(|ty| tree(ty, 3)), 0..4),
        worlds in prop::collection::vec(answers(), 1..5),
        loaded in any::<bool>(),
    ) {
        let hir = hir(&conditions, &values);
        let unit = ir::lower(&hir);
        let (truths, of_values) = roots(&hir);
        prop_assert!(unit.len() <= truths.len() + of_values.len());
        compare(&hir, &unit, &data(loaded), &worlds)?;
    }

    /// Any order of operands gives the same answers and the same programs but for the order within a class of cost.
    #[test]
    fn the_order_of_conjuncts_is_nothing(
        conjuncts in prop::collection::vec(tree(0, 2), 2..6),
        seed in any::<u64>(),
        or in any::<bool>(),
        world in answers(),
    ) {
        let mut shuffled = conjuncts.clone();
        let mut seed = seed;
        for at in (1..shuffled.len()).rev() {
            shuffled.swap(at, (seed % (at as u64 + 1)) as usize);
            seed /= at as u64 + 1;
        }
        let hir = hir(&[Tree::Join(or, conjuncts), Tree::Join(or, shuffled)], &[]);
        let (unit, data) = (ir::lower(&hir), data(true));
        let evaluator = Evaluator::new(&hir, &data, Some(&unit));
        let (truths, _) = roots(&hir);
        prop_assert_eq!(evaluator.truth(truths[0], &world), evaluator.truth(truths[1], &world));
        compare(&hir, &unit, &data, &[world])?;
    }
}

#[test]
fn cheap_operands_come_first_and_dear_ones_may_not_come_at_all() {
    let model =
        || Tree::Compare(CompareOp::Gt, Box::new(Tree::Ask(5, 2)), Box::new(Tree::Const(Value::Float(0.5))));
    let field = || Tree::Ask(0, 0);
    let hir = hir(&[Tree::Join(false, vec![model(), field()])], &[]);
    let (unit, data) = (ir::lower(&hir), data(true));
    let mut values: Vec<[Option<Value>; 6]> = vec![[const { None }; 6]; TYPES.len()];
    values[0][0] = Some(Value::Bool(false));
    let world = Answers { values, truths: [None; 6], now: 0, asked: Cell::new(0) };
    let when = roots(&hir).0[0];
    assert_eq!(Evaluator::new(&hir, &data, Some(&unit)).truth(when, &world), Some(false));
    assert_eq!(world.asked.get(), 0);
    assert_eq!(Evaluator::new(&hir, &data, None).truth(when, &world), Some(false));
    assert_eq!(world.asked.get(), 1, "the walker goes from left to right");
}

#[test]
fn what_is_too_large_stays_with_the_walker() {
    let deep = (0..200).fold(Tree::Ask(0, 1), |inner, _| {
        Tree::Arithmetic(
            ArithmeticOp::Add,
            1,
            Box::new(Tree::Negate(1, Box::new(Tree::Ask(1, 1)))),
            Box::new(inner),
        )
    });
    let hir = hir(&[], &[deep, Tree::Ask(0, 1)]);
    let unit = ir::lower(&hir);
    // The condition and the second value.
    assert_eq!(unit.len(), 2);
    let mut values: Vec<[Option<Value>; 6]> = vec![[const { None }; 6]; TYPES.len()];
    (values[1][0], values[1][1]) = (Some(Value::Int(1)), Some(Value::Int(2)));
    let world = Answers { values, truths: [None; 6], now: 0, asked: Cell::new(0) };
    let data = data(false);
    let evaluator = Evaluator::new(&hir, &data, Some(&unit));
    assert_eq!(evaluator.value(roots(&hir).1[0], &world).as_deref(), Some(&Value::Int(-399)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Text says everything: what is read back is the same unit.
    #[test]
    fn the_text_form_reads_back_as_it_was(
        conditions in prop::collection::vec(tree(0, 4), 1..4),
        values in prop::collection::vec((0..TYPES.len()).prop_flat_map(|ty| tree(ty, 3)), 0..4),
    ) {
        let unit = ir::lower(&hir(&conditions, &values));
        let text = unit.to_string();
        let read = ir::parse(&text).map_err(|error| TestCaseError::fail(format!("{error}\n{text}")))?;
        prop_assert_eq!(read.to_string(), text);
        // As text, because of minus zero.
        prop_assert_eq!(format!("{read:?}"), format!("{unit:?}"));
        let some = unit.select(|root| root.expr.0 % 2 == 0);
        prop_assert_eq!(format!("{:?}", ir::parse(&some.to_string()).unwrap()), format!("{some:?}"));
    }

    /// Text with a few places changed is an error or another program that ends and does not panic.
    #[test]
    fn spoilt_text_is_refused_or_runs(
        conditions in prop::collection::vec(tree(0, 3), 1..3),
        value in tree(3, 2),
        changes in prop::collection::vec((any::<prop::sample::Index>(), 0_usize..9), 1..4),
        world in answers(),
    ) {
        let hir = hir(&conditions, &[value]);
        let text = ir::lower(&hir).to_string();
        let mut words: Vec<String> = text.split_inclusive([' ', '\n']).map(str::to_owned).collect();
        for (place, change) in changes {
            let place = place.index(words.len());
            let with = ["0 ", "4294967295 ", "t31 ", "r255 ", "k1 ", "\"\n", "x0 ", "\n", "f0 "][change];
            words[place] = with.to_owned();
        }
        if let Ok(unit) = ir::parse(&words.concat()) {
            let data = data(true);
            let evaluator = Evaluator::new(&hir, &data, Some(&unit));
            let (truths, values) = roots(&hir);
            for (expr, other) in truths.iter().zip(&values) {
                let _ = (evaluator.truth(*expr, &world), evaluator.value(*other, &world));
            }
        }
    }

    #[test]
    fn any_text_is_taken(text in "(weir-ir 1\n)?[ -~\n]{0,200}") {
        drop(ir::parse(&text));
    }
}

#[test]
fn each_fault_is_named_with_its_line() {
    let program = |line: &str| {
        format!("weir-ir 1\nfield f0 \"a\"\nconst k0 int 1\nprogram 0 truth 1 1\n  {line}\nend\n")
    };
    assert!(ir::parse(&program("0 t0 = eq f0 k0")).is_ok());
    for (line, reason) in [
        ("0 t1 = eq f0 k0", "there is no register `t1`"),
        ("0 t0 = eq f0 k1", "there is no constant `k1`"),
        ("0 t0 = eq f1 k0", "`f1` is not declared"),
        ("0 t0 = eq r1 k0", "there are no 1 registers from `r1` on"),
        ("0 t0 = eq f0 k0 else 0", "`0` is no place after this one"),
        ("0 t0 = eq f0 k0 then 2", "`2` is no place after this one"),
        ("0 t0 = contains f0 k0", "`k0` is no text"),
        ("0 t0 = in-set f0 k0", "`k0` is no list"),
        ("0 t0 = bool k0", "`k0` is no truth"),
        ("0 t0 = memo m0 known f0", "there is no place `m0`"),
        ("0 t0 = tagged x0 a0", "`a0` is not declared"),
        ("0 t0 = eq f0", "the line ends too early"),
        ("0 t0 = eq f0 k0 k0", "`k0` is neither `else` nor `then`"),
        ("0 r0 = fn lower r0 2", "there are no 2 registers from `r0` on"),
        ("0 r0 = convert f0 y0", "there is no type `y0`"),
        ("1 t0 = eq f0 k0", "`1` is not the number of the next instruction"),
        ("0 jump 0", "`0` is no place after this one"),
        ("0 leap 1", "`leap` begins no instruction"),
    ] {
        let error = ir::parse(&program(line)).unwrap_err();
        assert_eq!((error.line, error.reason.as_str()), (5, reason), "{line}");
    }
    for (text, line, reason) in [
        ("", 0, "no `weir-ir 1`"),
        ("weir-ir 2\n", 1, "another version than 1"),
        ("weir-ir 1\nconst k1 int 1\n", 2, "`k1` comes where `k0` should"),
        ("weir-ir 1\nconst k0 float inf\n", 2, "a float is finite"),
        (
            "weir-ir 1\nconst k0 int 9223372036854775808\n",
            2,
            "`9223372036854775808` is no number, or too large",
        ),
        ("weir-ir 1\nfield f0 \"a\"\nfield f0 \"b\"\n", 3, "declared twice"),
        ("weir-ir 1\nkey x0 actor \"u\" field f9\n", 2, "`f9` is not declared"),
        ("weir-ir 1\nprogram 0 truth 0 0\nend\n", 2, "no register for what it answers"),
        ("weir-ir 1\nprogram 0 truth 33 0\nend\n", 2, "more than 32 registers"),
        ("weir-ir 1\nprogram 0 truth 1 0\n", 0, "a program has no `end`"),
        ("weir-ir 1\nprogram 0 truth 1 0\n  of e4194304 \"r\"\n", 3, "`e4194304` is too many expressions"),
        ("weir-ir 1\nmemos 1048577\n", 2, "more than 1048576 places"),
    ] {
        let error = ir::parse(text).unwrap_err();
        assert_eq!((error.line, error.reason.as_str()), (line, reason), "{text}");
    }
    let nested = format!("weir-ir 1\nconst k0 {}int 1\n", "list 1 ".repeat(10_000));
    assert_eq!(ir::parse(&nested).unwrap_err().reason, "nested too deep");
}
