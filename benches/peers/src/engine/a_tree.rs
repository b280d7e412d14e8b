//! `a-tree`: an index of Boolean expressions that share their parts, after Ji and Jacobsen, A-Tree (SIGMOD 2021).
//!
//! It compares, and asks sets; it has no tests of parts of text, no patterns and no ranges of addresses. Its fractions are decimal
//! and slow, so the score is in thousandths.

use a_tree::{ATree as Index, AttributeDefinition, EventError};

use super::words::{PLAIN, thousandths, written};
use super::{Compiled, Engine, Matcher};
use crate::event::{Event, Field, Kind, Value};
use crate::workload::{Constant, Set, Test, fields};

/// The engine.
pub struct ATree;

struct Rules {
    index: Index<usize>,
    fields: Vec<Field>,
}

impl Engine for ATree {
    fn name(&self) -> &'static str {
        "a-tree"
    }

    fn package(&self) -> Option<&'static str> {
        Some("a-tree")
    }

    fn compile<'w>(&self, set: Set<'w>) -> Result<Compiled<'w>, String> {
        let (mut rules, mut left_out) = (Vec::new(), Vec::new());
        for (at, rule) in set.rules.iter().enumerate() {
            match written(&rule.expr, &PLAIN, &mut test) {
                Ok(text) => rules.push((at, text)),
                Err(why) => left_out.push((at, why)),
            }
        }
        // Fields of rules that it takes: every attribute costs a copy an event.
        let kept: Vec<_> = rules.iter().filter_map(|(at, _)| set.rules.get(*at).copied()).collect();
        let fields: Vec<Field> = fields(&kept);
        let attributes: Vec<AttributeDefinition> = fields.iter().map(|field| attribute(*field)).collect();
        let mut index = Index::new(&attributes).map_err(|error| format!("{error:?}"))?;
        for (at, text) in &rules {
            index.insert(at, text).map_err(|error| format!("{text}: {error:?}"))?;
        }
        Ok(Compiled { matcher: Box::new(Rules { index, fields }), left_out })
    }
}

impl Matcher for Rules {
    fn run(&mut self, events: &[Event<'_>], counts: &mut [u32]) -> Result<(), String> {
        let fault = |error: EventError| error.to_string();
        for event in events {
            let mut builder = self.index.make_event();
            for field in &self.fields {
                let name = field.name();
                let set = match event.get(*field) {
                    Value::Text(text) => builder.with_string(name, text),
                    Value::Int(int) => builder.with_integer(name, int),
                    Value::Float(float) => builder.with_integer(name, (float * 1e3).round() as i64),
                    Value::Truth(truth) => builder.with_boolean(name, truth),
                    Value::Ip(_) => Ok(()),
                };
                set.map_err(fault)?;
            }
            let event = builder.build().map_err(fault)?;
            let report = self.index.search(&event).map_err(|error| format!("{error:?}"))?;
            report.matches().iter().for_each(|rule| counts[**rule] += 1);
        }
        Ok(())
    }
}

fn attribute(field: Field) -> AttributeDefinition {
    match field.kind() {
        Kind::Text | Kind::Ip => AttributeDefinition::string(field.name()),
        Kind::Int | Kind::Float => AttributeDefinition::integer(field.name()),
        Kind::Truth => AttributeDefinition::boolean(field.name()),
    }
}

fn test(field: Field, test: &Test) -> Result<String, String> {
    let name = field.name();
    match test {
        Test::Eq(own) => Ok(format!("{name} = {}", constant(own)?)),
        Test::Ne(own) => Ok(format!("{name} <> {}", constant(own)?)),
        Test::In(members) => {
            let members = members.iter().map(constant).collect::<Result<Vec<_>, _>>()?;
            Ok(format!("{name} in [{}]", members.join(", ")))
        }
        Test::Compare(order, own) => Ok(format!("{name} {} {}", order.sign(), constant(own)?)),
        Test::IsTrue => Ok(name.to_owned()),
        Test::Contains(_) | Test::StartsWith(_) | Test::EndsWith(_) => {
            Err("tests of parts of text".to_owned())
        }
        Test::Matches(_) => Err("regular expressions".to_owned()),
        Test::InList(_) => Err("ranges of addresses".to_owned()),
    }
}

fn constant(of: &Constant) -> Result<String, String> {
    match of {
        Constant::Text(own) if !own.contains(['"', '\\']) => Ok(format!("\"{own}\"")),
        Constant::Text(_) => Err("quotes in text".to_owned()),
        Constant::Int(own) => Ok(own.to_string()),
        Constant::Float(own) => {
            thousandths(*own).map(|own| own.to_string()).ok_or_else(|| "fractions".to_owned())
        }
        Constant::Truth(_) => Err("a comparison of truth values".to_owned()),
    }
}
