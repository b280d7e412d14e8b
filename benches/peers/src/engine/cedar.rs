//! `cedar-policy`: a policy a rule; those that permit are the rules that match.
//!
//! It has no patterns but `like`, no fractions that are quick (the score is in thousandths), and asks a range of addresses one by one,
//! which is nothing for a list of a thousand: rules that ask patterns or lists are left out.

use cedar_policy::{
    Authorizer, Context, Entities, EntityUid, Policy, PolicyId, PolicySet, Request, RestrictedExpression,
};

use super::words::{C, quoted, thousandths, written};
use super::{Compiled, Engine, Matcher};
use crate::event::{Event, Field, Value};
use crate::workload::{Constant, Set, Test, fields};

/// The engine.
pub struct Cedar;

struct Rules {
    authorizer: Authorizer,
    policies: PolicySet,
    entities: Entities,
    /// Who does what to what: the same always.
    request: [EntityUid; 3],
    fields: Vec<Field>,
}

impl Engine for Cedar {
    fn name(&self) -> &'static str {
        "cedar"
    }

    fn package(&self) -> Option<&'static str> {
        Some("cedar-policy")
    }

    fn compile<'w>(&self, set: Set<'w>) -> Result<Compiled<'w>, String> {
        let mut policies = PolicySet::new();
        let (mut kept, mut left_out) = (Vec::new(), Vec::new());
        for (at, rule) in set.rules.iter().enumerate() {
            match written(&rule.expr, &C, &mut test) {
                Ok(when) => {
                    let text = format!("permit(principal, action, resource) when {{ {when} }};");
                    let policy = Policy::parse(Some(PolicyId::new(at.to_string())), &text);
                    let policy = policy.map_err(|error| format!("{text}: {error}"))?;
                    policies.add(policy).map_err(|error| error.to_string())?;
                    kept.push(*rule);
                }
                Err(why) => left_out.push((at, why)),
            }
        }
        let entity = |text: &str| text.parse::<EntityUid>().map_err(|error| error.to_string());
        let rules = Rules {
            authorizer: Authorizer::new(),
            policies,
            entities: Entities::empty(),
            request: [entity("Client::\"a\"")?, entity("Action::\"request\"")?, entity("Site::\"a\"")?],
            fields: fields(&kept),
        };
        Ok(Compiled { matcher: Box::new(rules), left_out })
    }
}

impl Matcher for Rules {
    fn run(&mut self, events: &[Event<'_>], counts: &mut [u32]) -> Result<(), String> {
        for event in events {
            let pairs = self.fields.iter().map(|field| {
                let value = match event.get(*field) {
                    Value::Text(text) => RestrictedExpression::new_string(text.to_owned()),
                    Value::Int(int) => RestrictedExpression::new_long(int),
                    Value::Float(float) => RestrictedExpression::new_long((float * 1e3).round() as i64),
                    Value::Truth(truth) => RestrictedExpression::new_bool(truth),
                    Value::Ip(ip) => RestrictedExpression::new_ip(ip.to_string()),
                };
                (field.name().to_owned(), value)
            });
            let context = Context::from_pairs(pairs).map_err(|error| error.to_string())?;
            let [principal, action, resource] = self.request.clone();
            let request = Request::new(principal, action, resource, context, None)
                .map_err(|error| error.to_string())?;
            let response = self.authorizer.is_authorized(&request, &self.policies, &self.entities);
            if let Some(error) = response.diagnostics().errors().next() {
                return Err(error.to_string());
            }
            for policy in response.diagnostics().reason() {
                let id: &str = policy.as_ref();
                counts[id.parse::<usize>().map_err(|error| error.to_string())?] += 1;
            }
        }
        Ok(())
    }
}

fn test(field: Field, test: &Test) -> Result<String, String> {
    let name = format!("context.{}", field.name());
    match test {
        Test::Eq(own) => Ok(format!("{name} == {}", constant(own)?)),
        Test::Ne(own) => Ok(format!("{name} != {}", constant(own)?)),
        Test::In(members) => {
            let members = members.iter().map(constant).collect::<Result<Vec<_>, _>>()?;
            Ok(format!("[{}].contains({name})", members.join(", ")))
        }
        Test::Compare(order, own) => Ok(format!("{name} {} {}", order.sign(), constant(own)?)),
        Test::Contains(own) => Ok(format!("{name} like \"*{}*\"", pattern(own))),
        Test::StartsWith(own) => Ok(format!("{name} like \"{}*\"", pattern(own))),
        Test::EndsWith(own) => Ok(format!("{name} like \"*{}\"", pattern(own))),
        Test::Matches(_) => Err("regular expressions".to_owned()),
        Test::InList(_) => Err("lists of ranges of addresses".to_owned()),
        Test::IsTrue => Ok(name),
    }
}

fn constant(of: &Constant) -> Result<String, String> {
    match of {
        Constant::Text(own) => Ok(quoted(own)),
        Constant::Int(own) => Ok(own.to_string()),
        Constant::Float(own) => {
            thousandths(*own).map(|own| own.to_string()).ok_or_else(|| "fractions".to_owned())
        }
        Constant::Truth(own) => Ok(own.to_string()),
    }
}

fn pattern(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('*', "\\*")
}
