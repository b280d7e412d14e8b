//! Some of a unit's programs, with what they need and nothing else.

use std::collections::BTreeMap;

use smol_str::SmolStr;

use crate::ir::lower::{mentioned, mentioned_by_key};
use crate::ir::{Instruction, Op, Operand, Root, SymbolKind, Test, Unit, When};
use crate::shared::SharedVec;

/// Items kept of a pool, and where each has gone.
struct Kept<'a, T> {
    from: &'a [T],
    items: Vec<T>,
    places: BTreeMap<u32, u32>,
}

impl<'a, T: Clone> Kept<'a, T> {
    fn new(from: &'a [T]) -> Self {
        Self { from, items: Vec::new(), places: BTreeMap::new() }
    }

    fn keep(&mut self, place: &mut u32) {
        let next = self.items.len() as u32;
        let to = *self.places.entry(*place).or_insert(next);
        if to == next {
            self.items.extend(self.from.get(*place as usize).cloned());
        }
        *place = to;
    }
}

/// What programs share, by place.
#[derive(Clone, Copy)]
pub(super) enum Pool {
    Const,
    Key,
    Type,
    Memo,
}

/// Every place in what programs share that an instruction names.
pub(super) fn each_place(instruction: &mut Instruction, with: &mut impl FnMut(Pool, &mut u32)) {
    let operand = |operand: &mut Operand, with: &mut dyn FnMut(Pool, &mut u32)| {
        if let Operand::Const(place) = operand {
            with(Pool::Const, place);
        }
    };
    match instruction {
        Instruction::Test { memo, test, .. } => {
            if let Some(place) = memo {
                with(Pool::Memo, place);
            }
            match test {
                Test::Bool(a) | Test::Known(a) | Test::Matches(a, _) | Test::InList(a, _) => operand(a, with),
                Test::Compare(_, a, b)
                | Test::EqIgnoringCase(a, b)
                | Test::Text(_, a, b)
                | Test::InSet(a, b) => {
                    operand(a, with);
                    operand(b, with);
                }
                Test::Tagged(key, _) => with(Pool::Key, key),
                Test::Const(_)
                | Test::Truth(_)
                | Test::Absent(_)
                | Test::InCohort(_)
                | Test::Holds(_)
                | Test::Schedule(_) => {}
            }
        }
        Instruction::Set { op, .. } => match op {
            Op::Load(a) | Op::Negate(a) | Op::ToFloat(a) | Op::Lookup(_, a) => operand(a, with),
            Op::Show(a, ty) | Op::Convert(a, ty) => {
                operand(a, with);
                with(Pool::Type, ty);
            }
            Op::Arithmetic(_, a, b) | Op::Join(a, b) => {
                operand(a, with);
                operand(b, with);
            }
            Op::Unknown
            | Op::Truth(_)
            | Op::Fingerprint(_)
            | Op::CohortValue(..)
            | Op::Captured(..)
            | Op::Age(..)
            | Op::Call(_)
            | Op::Score
            | Op::Now
            | Op::Variable(_)
            | Op::Builtin(..)
            | Op::List(..) => {}
        },
        Instruction::Jump { when, .. } => match when {
            When::Known(a) | When::Missing(a) => operand(a, with),
            When::Remembered(place) => with(Pool::Memo, place),
            When::Always | When::Unknown(_) => {}
        },
    }
}

impl Unit {
    /// The programs of which one of the expressions is wanted; constants, types, keys and places in the memo are numbered anew.
    /// Cost: linear in what is kept.
    #[must_use]
    pub fn select(&self, mut wanted: impl FnMut(&Root) -> bool) -> Self {
        let mut programs: Vec<_> =
            self.programs().filter(|program| program.roots.iter().any(&mut wanted)).cloned().collect();
        let (mut consts, mut types) = (Kept::new(&self.consts), Kept::new(&self.types));
        let mut keys = Kept::new(&self.keys);
        let every: Vec<u32> = (0..self.memos).collect();
        let mut memos = Kept::new(&every);
        for instruction in programs.iter_mut().flat_map(|program| &mut program.code) {
            each_place(instruction, &mut |pool, place| match pool {
                Pool::Const => consts.keep(place),
                Pool::Key => keys.keep(place),
                Pool::Type => types.keep(place),
                Pool::Memo => memos.keep(place),
            });
        }
        let mut symbols: BTreeMap<(SymbolKind, u32), SmolStr> = BTreeMap::new();
        let mut add = |kind: SymbolKind, id: u32| {
            if let Some(name) = self.symbols.get(&(kind, id)) {
                symbols.insert((kind, id), name.clone());
            }
        };
        programs.iter().flat_map(|program| &program.code).for_each(|code| mentioned(code, &mut add));
        keys.items.iter().flat_map(|key| &key.parts).for_each(|part| mentioned_by_key(part, &mut add));
        let mut unit = Self {
            memos: memos.items.len() as u32,
            consts: consts.items,
            types: types.items,
            keys: keys.items,
            symbols,
            programs: programs.into_iter().collect(),
            entries: SharedVec::default(),
        };
        unit.index();
        unit
    }
}
