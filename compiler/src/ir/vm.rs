//! Runs programs.
//!
//! An instruction is looked at at most once a run, because jumps go forward alone; whatever a program says, it ends
//! and does not panic. A register, constant or program that is not there is unknown.

use std::borrow::Cow;

use crate::arith;
use crate::convert;
use crate::data::Data;
use crate::hir::{CompareOp, Pattern, TextOp};
use crate::ids::*;
use crate::ir::{Exit, Instruction, Join, MOST_REGISTERS, Memo, Op, Operand, Program, Test, Unit, When};
use crate::shared::SharedVec;
use crate::show;
use crate::value::Value;
use crate::walk::{World, call_builtin, equal_ignoring_case, is_member};

/// Value registers of small programs, which are nearly all: making and dropping thirty-two would cost more than running, and a
/// condition that compares fields and readings with constants needs none.
const FEW: usize = 4;
const MANY: usize = MOST_REGISTERS as usize;

/// A unit with what its programs need besides the world.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Machine<'h> {
    pub(crate) unit: &'h Unit,
    pub(crate) patterns: &'h SharedVec<PatternId, Pattern>,
    pub(crate) data: &'h Data,
    /// What has been remembered of the event at hand, where its world is asked.
    pub(crate) memo: Option<&'h Memo>,
}

type Found<'a> = Option<Cow<'a, Value>>;

/// The state of a run.
struct Registers<'a, const N: usize> {
    truths: [Option<bool>; MANY],
    values: [Found<'a>; N],
}

impl<const N: usize> Registers<'_, N> {
    fn new() -> Self {
        Self { truths: [None; MANY], values: [const { None }; N] }
    }
}

impl<'h> Machine<'h> {
    /// The truth of a program.
    pub(crate) fn truth(&self, program: &Program, world: &impl World) -> Option<bool> {
        match usize::from(program.registers) {
            0 => self.run::<0, _>(program, world, &mut Registers::new()),
            1..=FEW => self.run::<FEW, _>(program, world, &mut Registers::new()),
            _ => self.run::<MANY, _>(program, world, &mut Registers::new()),
        }
    }

    /// The value of a program.
    pub(crate) fn value<'a>(&self, program: &Program, world: &'a impl World) -> Found<'a>
    where
        'h: 'a,
    {
        // What stands for itself needs no registers.
        if let [Instruction::Set { to: 0, op: Op::Load(operand) }] = program.code.as_slice()
            && !matches!(operand, Operand::Register(_))
        {
            return self.load(operand, world);
        }
        if usize::from(program.registers) <= FEW {
            let mut registers = Registers::<FEW>::new();
            self.run(program, world, &mut registers);
            registers.values[0].take()
        } else {
            let mut registers = Registers::<MANY>::new();
            self.run(program, world, &mut registers);
            registers.values[0].take()
        }
    }

    /// Runs a program; answers its first truth register.
    fn run<'a, const N: usize, W: World>(
        &self,
        program: &Program,
        world: &'a W,
        registers: &mut Registers<'a, N>,
    ) -> Option<bool>
    where
        'h: 'a,
    {
        let mut at = 0;
        while let Some(instruction) = program.code.get(at) {
            at += 1;
            let to = match instruction {
                Instruction::Test { to, join, not, memo, test, exit } => {
                    let truth = self.remembered(*memo, || self.test(test, registers, world));
                    let truth = if *not { truth.map(|truth| !truth) } else { truth };
                    let Some(place) = registers.truths.get_mut(usize::from(*to)) else { continue };
                    *place = joined(*join, *place, truth);
                    match (exit, *place) {
                        (Exit::False(to), Some(false)) | (Exit::True(to), Some(true)) => *to,
                        _ => continue,
                    }
                }
                Instruction::Set { to, op } => {
                    let value = self.op(op, registers, world);
                    if let Some(place) = registers.values.get_mut(usize::from(*to)) {
                        *place = value;
                    }
                    continue;
                }
                Instruction::Jump { when, to } => {
                    let jumps = match when {
                        When::Always => true,
                        When::Unknown(register) => {
                            registers.truths.get(usize::from(*register)).copied().flatten().is_none()
                        }
                        When::Known(operand) => self.fetch(operand, registers, world).is_some(),
                        When::Missing(operand) => self.fetch(operand, registers, world).is_none(),
                        When::Remembered(memo) => self.memo.is_some_and(|known| known.get(*memo).is_some()),
                    };
                    if !jumps {
                        continue;
                    }
                    *to
                }
            };
            // Forward, whatever is written there.
            at = at.max(to as usize);
        }
        registers.truths[0]
    }

    fn remembered(&self, place: Option<u32>, find: impl FnOnce() -> Option<bool>) -> Option<bool> {
        let (Some(memo), Some(place)) = (self.memo, place) else { return find() };
        match memo.get(place) {
            Some(truth) => truth,
            None => {
                let truth = find();
                memo.put(place, truth);
                truth
            }
        }
    }

    /// The value of an operand, borrowed wherever it can be.
    #[inline]
    fn fetch<'x, 'a, const N: usize, W: World>(
        &self,
        operand: &Operand,
        registers: &'x Registers<'a, N>,
        world: &'a W,
    ) -> Found<'x>
    where
        'h: 'a,
        'a: 'x,
    {
        match operand {
            Operand::Field(_) | Operand::Const(_) | Operand::Signal(_) => self.load(operand, world),
            Operand::Register(register) => {
                registers.values.get(usize::from(*register))?.as_deref().map(Cow::Borrowed)
            }
        }
    }

    /// The value of an operand that is no register.
    #[inline]
    fn load<'a, W: World>(&self, operand: &Operand, world: &'a W) -> Found<'a>
    where
        'h: 'a,
    {
        match operand {
            Operand::Field(field) => world.field(*field),
            Operand::Const(place) => self.constant(*place).map(Cow::Borrowed),
            Operand::Signal(signal) => world.signal(*signal).map(Cow::Owned),
            Operand::Register(_) => None,
        }
    }

    fn constant(&self, place: u32) -> Option<&'h Value> {
        self.unit.consts.get(place as usize)
    }

    /// Looks at two operands; the second is nearly always a constant.
    #[inline]
    fn both<'a, const N: usize, W: World>(
        &self,
        left: &Operand,
        right: &Operand,
        registers: &Registers<'a, N>,
        world: &'a W,
        look: impl FnOnce(&Value, &Value) -> Option<bool>,
    ) -> Option<bool>
    where
        'h: 'a,
    {
        let left = self.fetch(left, registers, world)?;
        match right {
            Operand::Const(place) => look(&left, self.constant(*place)?),
            _ => look(&left, &*self.fetch(right, registers, world)?),
        }
    }

    fn test<'a, const N: usize, W: World>(
        &self,
        test: &Test,
        registers: &Registers<'a, N>,
        world: &'a W,
    ) -> Option<bool>
    where
        'h: 'a,
    {
        match test {
            Test::Compare(op, a, b) => self.both(a, b, registers, world, |a, b| compare(*op, a, b)),
            Test::Truth(register) => registers.truths.get(usize::from(*register)).copied().flatten(),
            Test::Bool(a) => match &*self.fetch(a, registers, world)? {
                Value::Bool(truth) => Some(*truth),
                _ => None,
            },
            Test::Known(a) => Some(self.fetch(a, registers, world).is_some()),
            Test::Text(op, a, b) => self.both(a, b, registers, world, |a, b| match (a, b) {
                (Value::Text(subject), Value::Text(pattern)) => match op {
                    TextOp::Contains => Some(subject.contains(&**pattern)),
                    TextOp::StartsWith => Some(subject.starts_with(&**pattern)),
                    TextOp::EndsWith => Some(subject.ends_with(&**pattern)),
                    TextOp::Glob | TextOp::Regex => None,
                },
                _ => None,
            }),
            Test::Matches(a, pattern) => match &*self.fetch(a, registers, world)? {
                Value::Text(text) => Some(self.patterns.get(*pattern)?.regex.is_match(text)),
                _ => None,
            },
            Test::InList(a, list) => {
                let needle = self.fetch(a, registers, world)?;
                Some(self.data.list(*list)?.contains(&needle))
            }
            Test::InSet(a, set) => self.both(a, set, registers, world, |needle, set| match set {
                Value::List(members) => Some(is_member(needle, members)),
                _ => None,
            }),
            Test::EqIgnoringCase(a, b) => self.both(a, b, registers, world, |a, b| match (a, b) {
                (Value::Text(a), Value::Text(b)) => Some(equal_ignoring_case(a, b)),
                _ => None,
            }),
            Test::Absent(signal) => world.absent(*signal),
            Test::InCohort(cohort) => world.in_cohort(*cohort),
            Test::Holds(sequence) => world.holds(*sequence),
            Test::Tagged(key, tag) => world.tagged(self.unit.keys.get(*key as usize)?, *tag),
            Test::Schedule(schedule) => Some(self.data.schedule(*schedule)?.is_active(world.now())),
            Test::Const(truth) => *truth,
        }
    }

    fn op<'a, const N: usize, W: World>(
        &self,
        op: &Op,
        registers: &Registers<'a, N>,
        world: &'a W,
    ) -> Found<'a>
    where
        'h: 'a,
    {
        let owned = match op {
            Op::Unknown => None,
            Op::Load(Operand::Register(register)) => {
                return registers.values.get(usize::from(*register))?.clone();
            }
            Op::Load(operand) => return self.load(operand, world),
            Op::Lookup(table, key) => {
                let key = self.fetch(key, registers, world)?;
                return Some(Cow::Borrowed(self.data.table(*table)?.get(&key)?));
            }
            Op::Arithmetic(op, a, b) => {
                let (a, b) = (self.fetch(a, registers, world)?, self.fetch(b, registers, world)?);
                arith::arithmetic(*op, &a, &b)
            }
            Op::Negate(a) => arith::negate(&*self.fetch(a, registers, world)?),
            Op::ToFloat(a) => match &*self.fetch(a, registers, world)? {
                Value::Int(int) => Some(Value::Float(*int as f64)),
                Value::Float(float) => Some(Value::Float(*float)),
                _ => None,
            },
            Op::Truth(register) => {
                registers.truths.get(usize::from(*register)).copied().flatten().map(Value::Bool)
            }
            Op::Builtin(builtin, first, count) => {
                let values = row(registers, *first, *count)?;
                call_builtin(*builtin, &values, world)
            }
            Op::List(first, count) => Some(Value::List(row(registers, *first, *count)?.into())),
            Op::Convert(a, ty) => {
                convert::convert(&*self.fetch(a, registers, world)?, self.unit.types.get(*ty as usize)?)
            }
            Op::Show(a, ty) => {
                let value = self.fetch(a, registers, world)?;
                Some(Value::text(&show::show(&value, self.unit.types.get(*ty as usize)?)))
            }
            Op::Join(a, b) => {
                match (&*self.fetch(a, registers, world)?, &*self.fetch(b, registers, world)?) {
                    (Value::Text(a), Value::Text(b)) => Some(Value::text(&format!("{a}{b}"))),
                    _ => None,
                }
            }
            Op::Fingerprint(shape) => world.fingerprint(*shape),
            Op::CohortValue(cohort, value) => world.cohort_value(*cohort, *value),
            Op::Captured(sequence, step, field) => world.captured(*sequence, *step, *field),
            Op::Age(sequence, step) => world.age(*sequence, *step).map(Value::Duration),
            Op::Call(call) => world.call(*call),
            Op::Score => world.score().map(Value::Int),
            Op::Now => Some(Value::Time(world.now())),
            Op::Variable(depth) => world.variable(*depth).map(Value::Int),
        };
        owned.map(Cow::Owned)
    }
}

fn joined(join: Join, before: Option<bool>, truth: Option<bool>) -> Option<bool> {
    match join {
        Join::Set => truth,
        Join::And => match (before, truth) {
            (Some(false), _) | (_, Some(false)) => Some(false),
            (Some(true), Some(true)) => Some(true),
            _ => None,
        },
        Join::Or => match (before, truth) {
            (Some(true), _) | (_, Some(true)) => Some(true),
            (Some(false), Some(false)) => Some(false),
            _ => None,
        },
    }
}

/// [`arith::compare`], with the commonest pairs of types first.
#[inline]
fn compare(op: CompareOp, left: &Value, right: &Value) -> Option<bool> {
    match (op, left, right) {
        (CompareOp::Eq, Value::Text(left), Value::Text(right)) => Some(left == right),
        (CompareOp::Ne, Value::Text(left), Value::Text(right)) => Some(left != right),
        (CompareOp::Eq, Value::Variant(left), Value::Variant(right)) => Some(left == right),
        (CompareOp::Ne, Value::Variant(left), Value::Variant(right)) => Some(left != right),
        (_, Value::Int(left), Value::Int(right)) => Some(match op {
            CompareOp::Eq => left == right,
            CompareOp::Ne => left != right,
            CompareOp::Lt => left < right,
            CompareOp::Le => left <= right,
            CompareOp::Gt => left > right,
            CompareOp::Ge => left >= right,
        }),
        _ => arith::compare(op, left, right),
    }
}

/// So many registers from one on, all of them known.
fn row<const N: usize>(registers: &Registers<'_, N>, first: u8, count: u8) -> Option<Vec<Value>> {
    let (first, count) = (usize::from(first), usize::from(count));
    let values = registers.values.get(first..first.checked_add(count)?)?;
    values.iter().map(|value| value.as_deref().cloned()).collect()
}
