//! The text form, read back.
//!
//! What is read is checked as it comes: every id declared, every register, constant, type, key and place there, every jump forward.
//! Text that is wrong is an error with its line, never a panic; the work and the memory are linear in the text.

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;
use smol_str::SmolStr;

use crate::hir::{ArithmeticOp, Builtin, CohortValue, CompareOp, Key, KeyKind, KeyPart, TextOp};
use crate::ids::*;
use crate::ir::words::{MAGIC, VERSION, Word};
use crate::ir::{
    Exit, Instruction, Join, Kind, MOST_EXPRESSIONS, MOST_INSTRUCTIONS, MOST_MEMOS, Op, Operand, Program,
    Root, SymbolKind, Test, Unit, When,
};
use crate::types::Type;
use crate::value::{Country, Currency, Value};

/// How deep lists and types may nest.
const DEEPEST: usize = 16;

/// Why text is no unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IrError {
    /// From 1; 0 when the text ended too early.
    pub line: usize,
    /// What is wrong.
    pub reason: String,
}

impl std::fmt::Display for IrError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}: {}", self.line, self.reason)
    }
}

impl std::error::Error for IrError {}

/// Reads a unit: [`Unit`]'s `Display` turned round.
///
/// # Errors
/// With the first line that is wrong.
pub fn parse(text: &str) -> Result<Unit, IrError> {
    let mut reader =
        Reader { unit: Unit::default(), open: None, key_lines: Vec::new(), known: HashSet::new() };
    let mut lines = text.lines().enumerate().map(|(at, line)| (at + 1, line));
    let (line, first) = lines.next().unwrap_or_default();
    if first.split(' ').next() != Some(MAGIC) {
        return Err(IrError { line, reason: format!("no `{MAGIC} {VERSION}`") });
    }
    if first != format!("{MAGIC} {VERSION}") {
        return Err(IrError { line, reason: format!("another version than {VERSION}") });
    }
    for (line, text) in lines {
        reader.line(line, text)?;
    }
    if reader.open.is_some() {
        return Err(IrError { line: 0, reason: "a program has no `end`".to_owned() });
    }
    reader.unit.verify_keys().map_err(|(at, reason)| {
        let line = at.and_then(|at| reader.key_lines.get(at)).copied();
        IrError { line: line.unwrap_or_default(), reason }
    })?;
    let mut unit = reader.unit;
    unit.index();
    Ok(unit)
}

struct Open {
    program: Program,
    /// Where it begins, and where its instructions are.
    line: usize,
    lines: Vec<usize>,
}

struct Reader {
    unit: Unit,
    open: Option<Open>,
    key_lines: Vec<usize>,
    /// The expressions that have programs.
    known: HashSet<(ExprId, Kind)>,
}

type Read<T> = Result<T, String>;

impl Reader {
    fn line(&mut self, line: usize, text: &str) -> Result<(), IrError> {
        let mut words = Words { rest: text.trim_start_matches(' ') };
        if words.rest.is_empty() {
            return Ok(());
        }
        let read = match self.open.take() {
            None => self.declaration(line, &mut words),
            Some(open) => self.inside(line, open, &mut words)?,
        };
        read.and_then(|()| words.end()).map_err(|reason| IrError { line, reason })
    }

    fn declaration(&mut self, line: usize, words: &mut Words<'_>) -> Read<()> {
        let unit = &mut self.unit;
        let word = words.word()?;
        if word != "program" && !unit.programs.is_empty() {
            return Err("a declaration after the first program".to_owned());
        }
        match word {
            "memos" => {
                unit.memos = words.number()?;
                if unit.memos > MOST_MEMOS { Err(format!("more than {MOST_MEMOS} places")) } else { Ok(()) }
            }
            "const" => {
                words.place('k', unit.consts.len())?;
                unit.consts.push(words.constant(0)?);
                Ok(())
            }
            "type" => {
                words.place('y', unit.types.len())?;
                unit.types.push(words.ty(0)?);
                Ok(())
            }
            "key" => {
                words.place('x', unit.keys.len())?;
                unit.keys.push(words.key()?);
                self.key_lines.push(line);
                Ok(())
            }
            "program" => {
                words.place_plain(unit.programs.len())?;
                let kind = words.one_of::<Kind>("truth` or `value")?;
                let (truths, registers) = (words.number()?, words.number()?);
                let program = Program { kind, truths, registers, roots: Vec::new(), code: Vec::new() };
                self.open = Some(Open { program, line, lines: Vec::new() });
                Ok(())
            }
            word => {
                let kind = SymbolKind::of(word).ok_or_else(|| format!("`{word}` is no declaration"))?;
                let id = words.id(kind.letter())?;
                let name = SmolStr::from(words.text()?);
                match unit.symbols.insert((kind, id), name) {
                    None => Ok(()),
                    Some(_) => Err("declared twice".to_owned()),
                }
            }
        }
    }

    /// A line of a program. A fault of the whole program is of another line.
    fn inside(&mut self, line: usize, mut open: Open, words: &mut Words<'_>) -> Result<Read<()>, IrError> {
        let word = match words.word() {
            Ok(word) => word,
            Err(reason) => return Ok(Err(reason)),
        };
        let read = match word {
            "end" => return self.close(open).map(Ok),
            "of" => words.root().and_then(|root| {
                if root.expr.index() >= MOST_EXPRESSIONS {
                    return Err(format!("`e{}` is too many expressions", root.expr.0));
                }
                if !self.known.insert((root.expr, open.program.kind)) {
                    return Err(format!("`e{}` has two programs", root.expr.0));
                }
                open.program.roots.push(root);
                Ok(())
            }),
            word => match word.parse::<usize>() {
                Ok(at) if open.program.code.len() == at && at < MOST_INSTRUCTIONS => {
                    words.instruction().map(|instruction| {
                        open.program.code.push(instruction);
                        open.lines.push(line);
                    })
                }
                _ => Err(format!("`{word}` is not the number of the next instruction")),
            },
        };
        self.open = Some(open);
        Ok(read)
    }

    fn close(&mut self, open: Open) -> Result<(), IrError> {
        self.unit.verify(&open.program).map_err(|(at, reason)| {
            let line = at.and_then(|at| open.lines.get(at)).copied();
            IrError { line: line.unwrap_or(open.line), reason }
        })?;
        self.unit.programs.push(open.program);
        Ok(())
    }
}

/// What is left of a line.
struct Words<'t> {
    rest: &'t str,
}

impl<'t> Words<'t> {
    fn word(&mut self) -> Read<&'t str> {
        let (word, rest) = self.rest.split_once(' ').unwrap_or((self.rest, ""));
        self.rest = rest;
        if word.is_empty() { Err("the line ends too early".to_owned()) } else { Ok(word) }
    }

    fn end(&self) -> Read<()> {
        if self.rest.is_empty() { Ok(()) } else { Err(format!("`{}` is too much", self.rest)) }
    }

    fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    fn number<T: std::str::FromStr>(&mut self) -> Read<T> {
        let word = self.word()?;
        word.parse().map_err(|_| format!("`{word}` is no number, or too large"))
    }

    fn one_of<T: Word>(&mut self, what: &str) -> Read<T> {
        let word = self.word()?;
        T::of(word).ok_or_else(|| format!("`{word}` is not `{what}`"))
    }

    /// A number after a letter.
    fn id<T: std::str::FromStr>(&mut self, letter: char) -> Read<T> {
        let word = self.word()?;
        let number = word.strip_prefix(letter).and_then(|number| number.parse().ok());
        number.ok_or_else(|| format!("`{word}` is not `{letter}` with a number"))
    }

    /// The place of the next item of a pool.
    fn place(&mut self, letter: char, next: usize) -> Read<()> {
        let place: usize = self.id(letter)?;
        if place == next {
            Ok(())
        } else {
            Err(format!("`{letter}{place}` comes where `{letter}{next}` should"))
        }
    }

    fn place_plain(&mut self, next: usize) -> Read<()> {
        let place: usize = self.number()?;
        if place == next { Ok(()) } else { Err(format!("`{place}` comes where `{next}` should")) }
    }

    fn text(&mut self) -> Read<String> {
        let mut chars = self.rest.char_indices();
        let mut text = String::new();
        if chars.next().is_none_or(|(_, c)| c != '"') {
            return Err("no text in quotation marks".to_owned());
        }
        loop {
            match chars.next() {
                None => return Err("the text does not end".to_owned()),
                Some((_, '"')) => break,
                Some((_, '\\')) => match chars.next() {
                    Some((_, c @ ('"' | '\\'))) => text.push(c),
                    Some((_, 'u')) => {
                        let digits: String =
                            chars.by_ref().map(|(_, c)| c).take_while(|c| *c != '}').collect();
                        let code = digits.strip_prefix('{').filter(|hex| hex.len() <= 6);
                        let code = code.and_then(|hex| u32::from_str_radix(hex, 16).ok());
                        text.push(code.and_then(char::from_u32).ok_or("`\\u{…}` names no character")?);
                    }
                    _ => return Err("after `\\` comes `\"`, `\\` or `u{…}`".to_owned()),
                },
                Some((_, c)) => text.push(c),
            }
        }
        let rest = chars.as_str();
        self.rest = match rest.strip_prefix(' ') {
            Some(rest) => rest,
            None if rest.is_empty() => rest,
            None => return Err("no space after a text".to_owned()),
        };
        Ok(text)
    }

    fn constant(&mut self, depth: usize) -> Read<Value> {
        if depth > DEEPEST {
            return Err("nested too deep".to_owned());
        }
        Ok(match self.word()? {
            "int" => Value::Int(self.number()?),
            "float" => Value::float(self.number()?).ok_or("a float is finite")?,
            "bool" => Value::Bool(self.number()?),
            "text" => Value::text(&self.text()?),
            "ip" => Value::Ip(self.number::<IpAddr>()?),
            "cidr" => Value::Cidr(self.number::<IpNet>()?),
            "asn" => Value::Asn(self.number()?),
            "country" => Value::Country(Country::parse(self.word()?).ok_or("no code of a country")?),
            "duration" => Value::Duration(self.number()?),
            "time" => Value::Time(self.number()?),
            "money" => {
                Value::Money(self.number()?, Currency::parse(self.word()?).ok_or("no code of a currency")?)
            }
            "variant" => Value::Variant(self.number()?),
            "list" => {
                let mut members = Vec::new();
                for _ in 0..self.number::<usize>()? {
                    members.push(self.constant(depth + 1)?);
                }
                Value::List(members.into())
            }
            "map" => {
                let mut entries = Vec::new();
                for _ in 0..self.number::<usize>()? {
                    entries.push((Arc::from(self.text()?), self.constant(depth + 1)?));
                }
                Value::Map(entries.into())
            }
            word => return Err(format!("`{word}` is no kind of constant")),
        })
    }

    fn ty(&mut self, depth: usize) -> Read<Type> {
        if depth > DEEPEST {
            return Err("nested too deep".to_owned());
        }
        Ok(match self.word()? {
            "int" => Type::Int,
            "float" => Type::Float,
            "bool" => Type::Bool,
            "string" => Type::Text,
            "ip" => Type::Ip,
            "cidr" => Type::Cidr,
            "asn" => Type::Asn,
            "country" => Type::Country,
            "duration" => Type::Duration,
            "timestamp" => Type::Timestamp,
            "money" => Type::Money,
            "rate" => Type::Rate,
            "probability" => Type::Probability,
            "fingerprint" => Type::Fingerprint,
            "pattern" => Type::Pattern,
            "error" => Type::Error,
            "id" => Type::Id(self.text()?.into()),
            "enum" => {
                let mut variants: Vec<SmolStr> = Vec::new();
                for _ in 0..self.number::<usize>()? {
                    variants.push(self.text()?.into());
                }
                Type::Enum(variants.into())
            }
            "set" => Type::Set(Box::new(self.ty(depth + 1)?)),
            "list" => Type::List(Box::new(self.ty(depth + 1)?)),
            "map" => Type::Map(Box::new(self.ty(depth + 1)?), Box::new(self.ty(depth + 1)?)),
            word => return Err(format!("`{word}` is no type")),
        })
    }

    fn key(&mut self) -> Read<Key> {
        let kind = self.one_of::<KeyKind>("actor`, `place`, `software` or `group")?;
        let text = self.text()?.into();
        let mut parts = Vec::new();
        while !self.is_at_end() {
            parts.push(match self.word()? {
                "field" => KeyPart::Field(FieldId(self.id('f')?)),
                "prefix" => {
                    KeyPart::Prefix { field: FieldId(self.id('f')?), v4: self.number()?, v6: self.number()? }
                }
                "fingerprint" => KeyPart::Fingerprint(FingerprintId(self.id('p')?)),
                "cohort" => KeyPart::Cohort(CohortId(self.id('h')?)),
                "captured" => KeyPart::Captured {
                    sequence: SequenceId(self.id('q')?),
                    step: self.number()?,
                    field: FieldId(self.id('f')?),
                },
                word => return Err(format!("`{word}` is no part of a key")),
            });
        }
        Ok(Key { parts, kind, text })
    }

    fn root(&mut self) -> Read<Root> {
        Ok(Root { expr: ExprId(self.id('e')?), label: self.text()?.into() })
    }

    fn operand(&mut self) -> Read<Operand> {
        let word = self.rest.split(' ').next().unwrap_or_default();
        Ok(match word.chars().next() {
            Some('r') => Operand::Register(self.id('r')?),
            Some('k') => Operand::Const(self.id('k')?),
            Some('f') => Operand::Field(FieldId(self.id('f')?)),
            Some('s') => Operand::Signal(SignalId(self.id('s')?)),
            None => return Err("the line ends too early".to_owned()),
            _ => return Err(format!("`{word}` is no register, constant, field or signal")),
        })
    }

    fn instruction(&mut self) -> Read<Instruction> {
        let word = self.rest.split(' ').next().unwrap_or_default();
        match word.chars().next() {
            Some('t') => self.test_instruction(),
            Some('r') => {
                let to = self.id('r')?;
                if self.word()? != "=" {
                    return Err("no `=`".to_owned());
                }
                Ok(Instruction::Set { to, op: self.op()? })
            }
            Some('j') => self.jump(),
            _ => Err(format!("`{word}` begins no instruction")),
        }
    }

    fn jump(&mut self) -> Read<Instruction> {
        if self.word()? != "jump" {
            return Err("no `jump`".to_owned());
        }
        let word = self.rest.split(' ').next().unwrap_or_default();
        let when = match word {
            "unknown" | "known" | "missing" | "memo" => {
                self.word()?;
                match word {
                    "unknown" => When::Unknown(self.id('t')?),
                    "known" => When::Known(self.operand()?),
                    "missing" => When::Missing(self.operand()?),
                    _ => When::Remembered(self.id('m')?),
                }
            }
            _ => When::Always,
        };
        Ok(Instruction::Jump { when, to: self.number()? })
    }

    fn test_instruction(&mut self) -> Read<Instruction> {
        let to = self.id('t')?;
        let join = self.one_of::<Join>("=`, `and` or `or")?;
        let mut word = self.word()?;
        let not = word == "not";
        if not {
            word = self.word()?;
        }
        let mut memo = None;
        if word == "memo" {
            memo = Some(self.id('m')?);
            word = self.word()?;
        }
        let test = self.test(word)?;
        let exit = match self.is_at_end() {
            true => Exit::Never,
            false => match self.word()? {
                "else" => Exit::False(self.number()?),
                "then" => Exit::True(self.number()?),
                word => return Err(format!("`{word}` is neither `else` nor `then`")),
            },
        };
        Ok(Instruction::Test { to, join, not, memo, test, exit })
    }

    fn test(&mut self, word: &str) -> Read<Test> {
        if let Some(op) = CompareOp::of(word) {
            return Ok(Test::Compare(op, self.operand()?, self.operand()?));
        }
        if let Some(op) = TextOp::of(word) {
            return Ok(Test::Text(op, self.operand()?, self.operand()?));
        }
        Ok(match word {
            "true" => Test::Const(Some(true)),
            "false" => Test::Const(Some(false)),
            "unknown" => Test::Const(None),
            "truth" => Test::Truth(self.id('t')?),
            "bool" => Test::Bool(self.operand()?),
            "known" => Test::Known(self.operand()?),
            "eq-ignoring-case" => Test::EqIgnoringCase(self.operand()?, self.operand()?),
            "matches" => Test::Matches(self.operand()?, PatternId(self.id('g')?)),
            "in-list" => Test::InList(self.operand()?, ListId(self.id('l')?)),
            "in-set" => Test::InSet(self.operand()?, self.operand()?),
            "absent" => Test::Absent(SignalId(self.id('s')?)),
            "in-cohort" => Test::InCohort(CohortId(self.id('h')?)),
            "holds" => Test::Holds(SequenceId(self.id('q')?)),
            "tagged" => Test::Tagged(self.id('x')?, TagId(self.id('a')?)),
            "scheduled" => Test::Schedule(ScheduleId(self.id('d')?)),
            word => return Err(format!("`{word}` is no test")),
        })
    }

    fn op(&mut self) -> Read<Op> {
        let word = self.word()?;
        if let Some(op) = ArithmeticOp::of(word) {
            return Ok(Op::Arithmetic(op, self.operand()?, self.operand()?));
        }
        if let Some(value) = CohortValue::of(word) {
            return Ok(Op::CohortValue(CohortId(self.id('h')?), value));
        }
        Ok(match word {
            "unknown" => Op::Unknown,
            "load" => Op::Load(self.operand()?),
            "truth" => Op::Truth(self.id('t')?),
            "fingerprint" => Op::Fingerprint(FingerprintId(self.id('p')?)),
            "captured" => Op::Captured(SequenceId(self.id('q')?), self.number()?, FieldId(self.id('f')?)),
            "age" => Op::Age(SequenceId(self.id('q')?), self.number()?),
            "call" => Op::Call(CallId(self.id('c')?)),
            "score" => Op::Score,
            "now" => Op::Now,
            "variable" => Op::Variable(self.number()?),
            "neg" => Op::Negate(self.operand()?),
            "float" => Op::ToFloat(self.operand()?),
            "lookup" => Op::Lookup(TableId(self.id('b')?), self.operand()?),
            "fn" => Op::Builtin(self.one_of::<Builtin>("a function")?, self.id('r')?, self.number()?),
            "list" => Op::List(self.id('r')?, self.number()?),
            "show" => Op::Show(self.operand()?, self.id('y')?),
            "join" => Op::Join(self.operand()?, self.operand()?),
            "convert" => Op::Convert(self.operand()?, self.id('y')?),
            word => return Err(format!("`{word}` is no operation")),
        })
    }
}
