//! `tune`: overrides of a policy, typed against it.

use smol_str::SmolStr;
use weir_dsl::ast::{self, ChangeKind as Form, MemberKind};
use weir_dsl::{Applicability, Code, Diagnostic};

use super::Checker;
use super::name::{Place, PlaceKind};
use super::policy::order;
use crate::env::resolve_type;
use crate::ids::*;
use crate::suggest;
use crate::tune::{Change, ChangeKind, Tune};
use crate::value::Value;

impl<'a> Checker<'a> {
    /// Checks a tune; nothing when its policy is not known.
    pub(super) fn tune(&mut self, item: &ast::Item, tune: &ast::Tune) -> Option<Tune> {
        let result = self.env.policy(self.scope, &tune.policy);
        let full = self.found(&tune.policy, result)?;
        let env = self.env;
        let source = env.policies.get(&full)?;
        let (_, policy) = source.syntax()?;
        // Events of the policy are visible where it is written, which canary keys are read by.
        let there = crate::env::Scope { package: &source.package, file: source.at.file };
        let events: Vec<EventId> = policy
            .members
            .iter()
            .filter_map(|member| match &member.kind {
                MemberKind::On { events, .. } => Some(events),
                _ => None,
            })
            .flatten()
            .filter_map(|event| env.event(there, event).ok())
            .collect();
        self.place = Place::new(PlaceKind::Rule, &events);
        let mut changes = Vec::with_capacity(tune.changes.len());
        for change in &tune.changes {
            let kind = match &change.kind {
                Form::Mode(mode) => Some(ChangeKind::Mode(self.mode(mode))),
                Form::Harm(harm) => self.harm(harm).map(ChangeKind::Harm),
                Form::RuleMode(name, mode) => {
                    let rules = policy.members.iter().filter_map(|member| match &member.kind {
                        MemberKind::Rule(rule) => Some(&rule.name.text),
                        _ => None,
                    });
                    let known = self.is_one_of("rule", name, &full, rules.collect());
                    let mode = self.mode(mode);
                    known.then(|| ChangeKind::RuleMode(name.text.clone(), mode))
                }
                Form::Param(name, literal) => self.tuned_param(policy, &full, source.at.file, name, literal),
            };
            if let Some(kind) = kind {
                changes.push(Change { kind, at: self.at(change.span) });
            }
        }
        Some(Tune { policy: full, package: self.scope.package.into(), changes, at: self.at(item.span) })
    }

    fn tuned_param(
        &mut self,
        policy: &ast::Policy,
        full: &str,
        file: weir_dsl::FileId,
        name: &ast::Name,
        literal: &ast::Literal,
    ) -> Option<ChangeKind> {
        let params: Vec<&ast::Param> = policy
            .members
            .iter()
            .filter_map(|member| match &member.kind {
                MemberKind::Param(param) => Some(param),
                _ => None,
            })
            .collect();
        if !self.is_one_of("parameter", name, full, params.iter().map(|param| &param.name.text).collect()) {
            return None;
        }
        let param = params.into_iter().find(|param| param.name.text == name.text)?;
        // Faults of the type are reported where the policy is checked.
        let ty = resolve_type(&param.ty, file, &mut Vec::new()).ty;
        let value = self.constant_of(&literal.kind, literal.span, &ty)?;
        if let Some((low, high)) = &param.range {
            let bound = |literal: &ast::Literal| crate::literal::value_of(&literal.kind, &ty).ok();
            if let (Some(low), Some(high)) = (bound(low), bound(high))
                && !within(&value, &low, &high)
            {
                let span = param.range.as_ref().map_or(param.name.span, |(low, high)| low.span.to(high.span));
                let title = format!("`{}` of `{full}` cannot be that", name.text);
                let diagnostic = Diagnostic::new(Code::OUT_OF_RANGE, self.at(literal.span), title)
                    .also(weir_dsl::FileSpan { file, span }, "the range it may be tuned in")
                    .help("choose a value in the range, or write a policy of your own");
                self.report(diagnostic);
                return None;
            }
        }
        Some(ChangeKind::Param(name.text.clone(), value))
    }

    fn is_one_of(&mut self, what: &str, name: &ast::Name, policy: &str, names: Vec<&SmolStr>) -> bool {
        if names.iter().any(|known| **known == name.text) {
            return true;
        }
        let title = format!("`{policy}` has no {what} `{}`", name.text);
        let mut diagnostic = Diagnostic::new(Code::UNKNOWN_NAME, self.at(name.span), title);
        if let Some(near) = suggest::nearest(&name.text, names.iter().map(|name| name.as_str())) {
            diagnostic = diagnostic.help(format!("did you mean `{near}`?")).fix(
                format!("write `{near}`"),
                self.at(name.span),
                near,
                Applicability::Suggested,
            );
        }
        self.report(diagnostic);
        false
    }
}

/// Whether a value lies in a range, its ends included; not if they are of two currencies.
fn within(value: &Value, low: &Value, high: &Value) -> bool {
    order(low, value).is_some_and(std::cmp::Ordering::is_le)
        && order(value, high).is_some_and(std::cmp::Ordering::is_le)
}
