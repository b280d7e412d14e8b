//! What must hold of a program before it is run.
//!
//! The machine would not panic without: what is not there is unknown. But a program that names it is a mistake, and is
//! refused where it is read.

use crate::ir::lower::{mentioned, mentioned_by_key};
use crate::ir::print::symbol;
use crate::ir::{Exit, Instruction, Kind, MOST_REGISTERS, Op, Operand, Program, Test, Unit, When};
use crate::value::Value;

/// A fault of a program: at which instruction, if it is of one, and what it is.
pub(super) type Fault = (Option<usize>, String);

impl Unit {
    /// The first fault of a key.
    pub(super) fn verify_keys(&self) -> Result<(), Fault> {
        for (at, key) in self.keys.iter().enumerate() {
            let mut missing = None;
            for part in &key.parts {
                mentioned_by_key(part, &mut |kind, id| {
                    if !self.symbols.contains_key(&(kind, id)) {
                        missing = Some(symbol(kind, id));
                    }
                });
            }
            if let Some(missing) = missing {
                return Err((Some(at), format!("`{missing}` is not declared")));
            }
        }
        Ok(())
    }

    /// The first fault of a program.
    pub(super) fn verify(&self, program: &Program) -> Result<(), Fault> {
        let Program { kind, truths, registers, code, .. } = program;
        if *truths > MOST_REGISTERS || *registers > MOST_REGISTERS {
            return Err((None, format!("more than {MOST_REGISTERS} registers")));
        }
        if (*kind == Kind::Truth && *truths == 0) || (*kind == Kind::Value && *registers == 0) {
            return Err((None, "no register for what it answers".to_owned()));
        }
        for (at, instruction) in code.iter().enumerate() {
            self.instruction(program, at, instruction).map_err(|fault| (Some(at), fault))?;
        }
        Ok(())
    }

    fn instruction(&self, program: &Program, at: usize, instruction: &Instruction) -> Result<(), String> {
        let mut missing = None;
        mentioned(instruction, &mut |kind, id| {
            if !self.symbols.contains_key(&(kind, id)) {
                missing = Some(symbol(kind, id));
            }
        });
        if let Some(missing) = missing {
            return Err(format!("`{missing}` is not declared"));
        }
        let truth = |register: u8| match register < program.truths {
            true => Ok(()),
            false => Err(format!("there is no register `t{register}`")),
        };
        let row = |first: u8, count: u8| match first.checked_add(count) {
            Some(end) if end <= program.registers => Ok(()),
            _ => Err(format!("there are no {count} registers from `r{first}` on")),
        };
        let target = |to: u32| match (at as u64) < u64::from(to) && to as usize <= program.code.len() {
            true => Ok(()),
            false => Err(format!("`{to}` is no place after this one")),
        };
        let memo = |place: u32| match place < self.memos {
            true => Ok(()),
            false => Err(format!("there is no place `m{place}`")),
        };
        let operand = |operand: &Operand| match operand {
            Operand::Register(register) => row(*register, 1),
            Operand::Const(place) => self.constant(*place).map(|_| ()),
            Operand::Field(_) | Operand::Signal(_) => Ok(()),
        };
        let is = |operand: &Operand, what: &str, right: fn(&Value) -> bool| match operand {
            Operand::Const(place) if !right(self.constant(*place)?) => {
                Err(format!("`{operand}` is no {what}"))
            }
            _ => Ok(()),
        };
        let text = |operand: &Operand| is(operand, "text", |value| matches!(value, Value::Text(_)));
        let ty = |place: u32| match self.types.get(place as usize) {
            Some(_) => Ok(()),
            None => Err(format!("there is no type `y{place}`")),
        };
        match instruction {
            Instruction::Test { to, memo: place, test, exit, .. } => {
                truth(*to)?;
                place.map_or(Ok(()), memo)?;
                if let Exit::False(to) | Exit::True(to) = exit {
                    target(*to)?;
                }
                match test {
                    Test::Truth(register) => truth(*register),
                    Test::Bool(a) => {
                        operand(a)?;
                        is(a, "truth", |value| matches!(value, Value::Bool(_)))
                    }
                    Test::Known(a) | Test::InList(a, _) => operand(a),
                    Test::Compare(_, a, b) => operand(a).and_then(|()| operand(b)),
                    Test::EqIgnoringCase(a, b) | Test::Text(_, a, b) => {
                        operand(a)?;
                        operand(b)?;
                        text(a)?;
                        text(b)
                    }
                    Test::Matches(a, _) => operand(a).and_then(|()| text(a)),
                    Test::InSet(a, set) => {
                        operand(a)?;
                        operand(set)?;
                        is(set, "list", |value| matches!(value, Value::List(_)))
                    }
                    Test::Tagged(key, _) => match self.keys.get(*key as usize) {
                        Some(_) => Ok(()),
                        None => Err(format!("there is no key `x{key}`")),
                    },
                    Test::Const(_)
                    | Test::Absent(_)
                    | Test::InCohort(_)
                    | Test::Holds(_)
                    | Test::Schedule(_) => Ok(()),
                }
            }
            Instruction::Set { to, op } => {
                row(*to, 1)?;
                match op {
                    Op::Load(a) | Op::Negate(a) | Op::ToFloat(a) | Op::Lookup(_, a) => operand(a),
                    Op::Show(a, place) | Op::Convert(a, place) => operand(a).and_then(|()| ty(*place)),
                    Op::Arithmetic(_, a, b) => operand(a).and_then(|()| operand(b)),
                    Op::Join(a, b) => {
                        operand(a)?;
                        operand(b)?;
                        text(a)?;
                        text(b)
                    }
                    Op::Truth(register) => truth(*register),
                    Op::Builtin(_, first, count) | Op::List(first, count) => row(*first, *count),
                    Op::Unknown
                    | Op::Fingerprint(_)
                    | Op::CohortValue(..)
                    | Op::Captured(..)
                    | Op::Age(..)
                    | Op::Call(_)
                    | Op::Score
                    | Op::Now
                    | Op::Variable(_) => Ok(()),
                }
            }
            Instruction::Jump { when, to } => {
                target(*to)?;
                match when {
                    When::Always => Ok(()),
                    When::Unknown(register) => truth(*register),
                    When::Known(a) | When::Missing(a) => operand(a),
                    When::Remembered(place) => memo(*place),
                }
            }
        }
    }

    fn constant(&self, place: u32) -> Result<&Value, String> {
        self.consts.get(place as usize).ok_or_else(|| format!("there is no constant `k{place}`"))
    }
}
