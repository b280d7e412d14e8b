//! `rhai`, a scripting language: all rules in one script, walked once an event.
//!
//! Each rule that holds calls a function of the host. Constant sets are asked through another, since an array is copied whenever it is
//! asked and a variable is looked for among all others; so are patterns and lists of addresses.

use std::cell::RefCell;
use std::collections::HashSet;
use std::fmt::Write;
use std::rc::Rc;

use rhai::{AST, Dynamic, Engine as Script, ImmutableString, OptimizationLevel, Scope};

use super::host::{self, Host};
use super::words::{C, quoted, written};
use super::{Compiled, Engine, Matcher};
use crate::event::{self, Event, Field};
use crate::workload::{Constant, Set, Test};

/// The engine.
pub struct Rhai;

struct Rules {
    script: Script,
    ast: AST,
    scope: Scope<'static>,
    fields: Vec<Field>,
    hits: Rc<RefCell<Vec<i64>>>,
}

/// A constant set.
enum Members {
    Texts(HashSet<String>),
    Ints(HashSet<i64>),
}

impl Engine for Rhai {
    fn name(&self) -> &'static str {
        "rhai"
    }

    fn package(&self) -> Option<&'static str> {
        Some("rhai")
    }

    fn compile<'w>(&self, set: Set<'w>) -> Result<Compiled<'w>, String> {
        let host = Rc::new(Host::of(set)?);
        let mut sets: Vec<Members> = Vec::new();
        let mut text = String::new();
        for (at, rule) in set.rules.iter().enumerate() {
            let when = written(&rule.expr, &C, &mut |field, own| Ok(test(field, own, &host, &mut sets)))?;
            _ = writeln!(text, "if {when} {{ hit({at}); }}");
        }
        let hits = Rc::new(RefCell::new(Vec::new()));
        let mut script = Script::new();
        script.set_max_expr_depths(0, 0).set_optimization_level(OptimizationLevel::Simple);
        let mut scope = Scope::new();
        let fields = set.fields();
        for field in &fields {
            scope.push_dynamic(field.name(), Dynamic::UNIT);
        }
        let sets = Rc::new(sets);
        let texts = Rc::clone(&sets);
        script.register_fn("member", move |set: i64, text: ImmutableString| match texts.get(set as usize) {
            Some(Members::Texts(texts)) => texts.contains(text.as_str()),
            _ => false,
        });
        script.register_fn("member", move |set: i64, int: i64| match sets.get(set as usize) {
            Some(Members::Ints(ints)) => ints.contains(&int),
            _ => false,
        });
        let lent = Rc::clone(&host);
        script.register_fn("found", move |pattern: i64, text: ImmutableString| lent.matches(pattern, &text));
        script.register_fn("in_list", move |list: i64, ip: i64| host.in_list(list, ip));
        let told = Rc::clone(&hits);
        script.register_fn("hit", move |rule: i64| told.borrow_mut().push(rule));

        let ast = script.compile_with_scope(&scope, &text).map_err(|error| error.to_string())?;
        Ok(Compiled { matcher: Box::new(Rules { script, ast, scope, fields, hits }), left_out: Vec::new() })
    }
}

impl Matcher for Rules {
    fn run(&mut self, events: &[Event<'_>], counts: &mut [u32]) -> Result<(), String> {
        for event in events {
            for field in &self.fields {
                let value: Dynamic = match event.get(*field) {
                    event::Value::Text(text) => text.into(),
                    event::Value::Int(int) => int.into(),
                    event::Value::Float(float) => float.into(),
                    event::Value::Truth(truth) => truth.into(),
                    event::Value::Ip(ip) => host::number(ip).into(),
                };
                self.scope.set_value(field.name(), value);
            }
            self.script.run_ast_with_scope(&mut self.scope, &self.ast).map_err(|error| error.to_string())?;
            for rule in self.hits.borrow_mut().drain(..) {
                counts[rule as usize] += 1;
            }
        }
        Ok(())
    }
}

fn test(field: Field, test: &Test, host: &Host, sets: &mut Vec<Members>) -> String {
    let name = field.name();
    match test {
        Test::Eq(own) => format!("{name} == {}", constant(own)),
        Test::Ne(own) => format!("{name} != {}", constant(own)),
        Test::In(own) => {
            sets.push(members(own));
            format!("member({}, {name})", sets.len() - 1)
        }
        Test::Compare(order, own) => format!("{name} {} {}", order.sign(), constant(own)),
        Test::Contains(own) => format!("{name}.contains({})", quoted(own)),
        Test::StartsWith(own) => format!("{name}.starts_with({})", quoted(own)),
        Test::EndsWith(own) => format!("{name}.ends_with({})", quoted(own)),
        Test::Matches(own) => format!("found({}, {name})", host.number(own)),
        Test::InList(list) => format!("in_list({list}, {name})"),
        Test::IsTrue => name.to_owned(),
    }
}

fn members(of: &[Constant]) -> Members {
    let texts: HashSet<String> = of.iter().filter_map(super::tree::text).map(str::to_owned).collect();
    if texts.is_empty() {
        return Members::Ints(of.iter().filter_map(super::tree::number).collect());
    }
    Members::Texts(texts)
}

fn constant(of: &Constant) -> String {
    match of {
        Constant::Text(own) => quoted(own),
        Constant::Int(own) => own.to_string(),
        Constant::Float(own) => format!("{own:?}"),
        Constant::Truth(own) => own.to_string(),
    }
}
