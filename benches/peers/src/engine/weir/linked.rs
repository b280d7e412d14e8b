//! From the neutral rules to Weir's linked rule set with its lists, which every tier starts from.

use std::collections::HashMap;
use std::sync::Arc;

use weir_compiler::analysis::Analysis;
use weir_compiler::data::{Data, ListData};
use weir_compiler::hir::Hir;
use weir_compiler::ids::{ExprId, FieldId, RuleId};
use weir_compiler::link::Options;
use weir_dsl::Severity;

use super::source;
use crate::event::Field;
use crate::workload::Set;

/// A rule set with its lists.
pub struct Linked {
    pub hir: Hir,
    pub data: Data,
    /// The rules of the set, in its order.
    pub rules: Vec<RuleId>,
    /// What each field of the rule set is called here, by its id.
    pub fields: HashMap<FieldId, Field>,
}

impl Linked {
    /// Translates, checks and links.
    ///
    /// # Errors
    /// With the first error of the checker, or when something is missing from the linked set.
    pub fn of(set: Set<'_>) -> Result<Self, String> {
        let mut analysis = Analysis::new();
        analysis.set_file("neutral.weir", source::source(set));
        let found = analysis.found();
        if let Some(error) = found.diagnostics.iter().find(|found| found.severity == Severity::Error) {
            let snippet = analysis.sources().snippet(error.primary.file, error.primary.span);
            return Err(format!("{}: {} at `{snippet}`", error.code, error.title));
        }
        let linked = found.link(&found.everything(), &Options::default());
        if let Some((name, why)) = linked.left_out.first() {
            return Err(format!("{name} is left out: {why}"));
        }
        let hir = linked.hir;
        let mut data = Data::default();
        for (id, declared) in hir.declarations.lists.iter() {
            let list = set.lists.iter().find(|list| declared.named.name == list.name);
            let list = list.ok_or_else(|| format!("no list `{}`", declared.named.name))?;
            let text: String = list.ranges.iter().map(|range| format!("{range}\n")).collect();
            let (list, bad) = ListData::parse(&text, &declared.member);
            if let Some(bad) = bad.first() {
                return Err(format!("{}: line {}: {}", declared.named.name, bad.line, bad.reason));
            }
            data.set_list(id, Arc::new(list));
        }
        let event = hir.schema.event(source::EVENT).ok_or("the event is not declared")?;
        let fields = Field::ALL.iter().map(|field| {
            let id =
                hir.schema.field(event, field.name()).ok_or_else(|| format!("no field `{}`", field.name()));
            Ok((id?, *field))
        });
        let fields = fields.collect::<Result<_, String>>()?;
        let by_name: HashMap<&str, RuleId> =
            hir.rules.iter().map(|(id, rule)| (rule.name.as_str(), id)).collect();
        let rules = set.rules.iter().map(|rule| {
            by_name.get(rule.id.as_str()).copied().ok_or_else(|| format!("rule `{}` is not linked", rule.id))
        });
        let rules = rules.collect::<Result<_, String>>()?;
        Ok(Self { rules, data, fields, hir })
    }

    /// The conditions of the rules, in the set's order.
    pub fn conditions(&self) -> Vec<ExprId> {
        self.rules.iter().filter_map(|rule| self.hir.rules.get(*rule)).map(|rule| rule.when).collect()
    }
}
