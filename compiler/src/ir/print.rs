//! A unit as text: one thing a line, words separated by spaces.

use std::fmt;

use crate::hir::{Key, KeyPart};
use crate::ir::words::{MAGIC, VERSION, Word};
use crate::ir::{Exit, Instruction, Op, Operand, Program, SymbolKind, Test, Unit, When};
use crate::types::Type;
use crate::value::Value;

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{MAGIC} {VERSION}")?;
        if self.memos > 0 {
            writeln!(f, "memos {}", self.memos)?;
        }
        for ((kind, id), name) in &self.symbols {
            writeln!(f, "{} {}{id} {}", kind.word(), kind.letter(), Quoted(name))?;
        }
        for (at, constant) in self.consts.iter().enumerate() {
            writeln!(f, "const k{at} {}", Constant(constant))?;
        }
        for (at, ty) in self.types.iter().enumerate() {
            writeln!(f, "type y{at} {}", TypeText(ty))?;
        }
        for (at, key) in self.keys.iter().enumerate() {
            writeln!(f, "key x{at} {}", KeyText(key))?;
        }
        self.programs.values().enumerate().try_for_each(|(at, program)| write_program(f, at, program))
    }
}

fn write_program(f: &mut fmt::Formatter<'_>, at: usize, program: &Program) -> fmt::Result {
    let Program { kind, truths, registers, roots, code } = program;
    writeln!(f, "\nprogram {at} {} {truths} {registers}", kind.word())?;
    for root in roots {
        writeln!(f, "  of e{} {}", root.expr.0, Quoted(&root.label))?;
    }
    for (at, instruction) in code.iter().enumerate() {
        writeln!(f, "  {at} {instruction}")?;
    }
    writeln!(f, "end")
}

/// Text between quotation marks. Control characters, the mark and the backslash are escaped.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        for c in self.0.chars() {
            match c {
                '"' | '\\' => write!(f, "\\{c}")?,
                c if c.is_control() => write!(f, "\\u{{{:x}}}", u32::from(c))?,
                c => write!(f, "{c}")?,
            }
        }
        f.write_str("\"")
    }
}

struct Constant<'a>(&'a Value);

impl fmt::Display for Constant<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Value::Int(int) => write!(f, "int {int}"),
            // The shortest text that reads back as the same number.
            Value::Float(float) => write!(f, "float {float:?}"),
            Value::Bool(truth) => write!(f, "bool {truth}"),
            Value::Text(text) => write!(f, "text {}", Quoted(text)),
            Value::Ip(ip) => write!(f, "ip {ip}"),
            Value::Cidr(range) => write!(f, "cidr {range}"),
            Value::Asn(number) => write!(f, "asn {number}"),
            Value::Country(country) => write!(f, "country {}", country.as_str()),
            Value::Duration(ms) => write!(f, "duration {ms}"),
            Value::Time(ms) => write!(f, "time {ms}"),
            Value::Money(minor, currency) => write!(f, "money {minor} {}", currency.as_str()),
            Value::Variant(at) => write!(f, "variant {at}"),
            Value::List(members) => {
                write!(f, "list {}", members.len())?;
                members.iter().try_for_each(|member| write!(f, " {}", Constant(member)))
            }
            Value::Map(entries) => {
                write!(f, "map {}", entries.len())?;
                entries
                    .iter()
                    .try_for_each(|(name, value)| write!(f, " {} {}", Quoted(name), Constant(value)))
            }
        }
    }
}

struct TypeText<'a>(&'a Type);

impl fmt::Display for TypeText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Type::Id(of) => write!(f, "id {}", Quoted(of)),
            Type::Enum(variants) => {
                write!(f, "enum {}", variants.len())?;
                variants.iter().try_for_each(|variant| write!(f, " {}", Quoted(variant)))
            }
            Type::Set(of) => write!(f, "set {}", TypeText(of)),
            Type::List(of) => write!(f, "list {}", TypeText(of)),
            Type::Map(key, of) => write!(f, "map {} {}", TypeText(key), TypeText(of)),
            Type::Error => f.write_str("error"),
            plain => write!(f, "{plain}"),
        }
    }
}

struct KeyText<'a>(&'a Key);

impl fmt::Display for KeyText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Key { parts, kind, text } = self.0;
        write!(f, "{} {}", kind.word(), Quoted(text))?;
        parts.iter().try_for_each(|part| match part {
            KeyPart::Field(field) => write!(f, " field f{}", field.0),
            KeyPart::Prefix { field, v4, v6 } => write!(f, " prefix f{} {v4} {v6}", field.0),
            KeyPart::Fingerprint(shape) => write!(f, " fingerprint p{}", shape.0),
            KeyPart::Cohort(cohort) => write!(f, " cohort h{}", cohort.0),
            KeyPart::Captured { sequence, step, field } => {
                write!(f, " captured q{} {step} f{}", sequence.0, field.0)
            }
        })
    }
}

impl fmt::Display for Operand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Register(register) => write!(f, "r{register}"),
            Self::Const(place) => write!(f, "k{place}"),
            Self::Field(field) => write!(f, "f{}", field.0),
            Self::Signal(signal) => write!(f, "s{}", signal.0),
        }
    }
}

impl fmt::Display for Instruction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Test { to, join, not, memo, test, exit } => {
                write!(f, "t{to} {} ", join.word())?;
                if *not {
                    f.write_str("not ")?;
                }
                if let Some(memo) = memo {
                    write!(f, "memo m{memo} ")?;
                }
                write!(f, "{test}")?;
                match exit {
                    Exit::Never => Ok(()),
                    Exit::False(to) => write!(f, " else {to}"),
                    Exit::True(to) => write!(f, " then {to}"),
                }
            }
            Self::Set { to, op } => write!(f, "r{to} = {op}"),
            Self::Jump { when, to } => match when {
                When::Always => write!(f, "jump {to}"),
                When::Unknown(register) => write!(f, "jump unknown t{register} {to}"),
                When::Known(operand) => write!(f, "jump known {operand} {to}"),
                When::Missing(operand) => write!(f, "jump missing {operand} {to}"),
                When::Remembered(memo) => write!(f, "jump memo m{memo} {to}"),
            },
        }
    }
}

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Const(Some(truth)) => write!(f, "{truth}"),
            Self::Const(None) => f.write_str("unknown"),
            Self::Truth(register) => write!(f, "truth t{register}"),
            Self::Bool(a) => write!(f, "bool {a}"),
            Self::Known(a) => write!(f, "known {a}"),
            Self::Compare(op, a, b) => write!(f, "{} {a} {b}", op.word()),
            Self::EqIgnoringCase(a, b) => write!(f, "eq-ignoring-case {a} {b}"),
            Self::Text(op, a, b) => write!(f, "{} {a} {b}", op.word()),
            Self::Matches(a, pattern) => write!(f, "matches {a} g{}", pattern.0),
            Self::InList(a, list) => write!(f, "in-list {a} l{}", list.0),
            Self::InSet(a, set) => write!(f, "in-set {a} {set}"),
            Self::Absent(signal) => write!(f, "absent s{}", signal.0),
            Self::InCohort(cohort) => write!(f, "in-cohort h{}", cohort.0),
            Self::Holds(sequence) => write!(f, "holds q{}", sequence.0),
            Self::Tagged(key, tag) => write!(f, "tagged x{key} a{}", tag.0),
            Self::Schedule(schedule) => write!(f, "scheduled d{}", schedule.0),
        }
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("unknown"),
            Self::Load(a) => write!(f, "load {a}"),
            Self::Truth(register) => write!(f, "truth t{register}"),
            Self::Fingerprint(shape) => write!(f, "fingerprint p{}", shape.0),
            Self::CohortValue(cohort, value) => write!(f, "{} h{}", value.word(), cohort.0),
            Self::Captured(sequence, step, field) => {
                write!(f, "captured q{} {step} f{}", sequence.0, field.0)
            }
            Self::Age(sequence, step) => write!(f, "age q{} {step}", sequence.0),
            Self::Call(call) => write!(f, "call c{}", call.0),
            Self::Score => f.write_str("score"),
            Self::Now => f.write_str("now"),
            Self::Variable(depth) => write!(f, "variable {depth}"),
            Self::Arithmetic(op, a, b) => write!(f, "{} {a} {b}", op.word()),
            Self::Negate(a) => write!(f, "neg {a}"),
            Self::ToFloat(a) => write!(f, "float {a}"),
            Self::Lookup(table, key) => write!(f, "lookup b{} {key}", table.0),
            Self::Builtin(builtin, first, count) => write!(f, "fn {} r{first} {count}", builtin.word()),
            Self::List(first, count) => write!(f, "list r{first} {count}"),
            Self::Show(a, ty) => write!(f, "show {a} y{ty}"),
            Self::Join(a, b) => write!(f, "join {a} {b}"),
            Self::Convert(a, ty) => write!(f, "convert {a} y{ty}"),
        }
    }
}

/// What an id is called in messages: `f3`.
pub(super) fn symbol(kind: SymbolKind, id: u32) -> String {
    format!("{}{id}", kind.letter())
}
