//! An engine in another program: policies as texts, an event by its names, a decision. The rest of the interface is for whoever
//! needs more: profiles, lists from files, responses, models, records.

use std::fmt;
use std::sync::Arc;

use weir_compiler::analysis::Analysis;
use weir_compiler::convert;
use weir_compiler::data::{Data, ListData};
use weir_compiler::hir::{Hir, Source};
use weir_compiler::link::Options as LinkOptions;
use weir_dsl::{Diagnostic, Severity};

use crate::decision::Decision;
use crate::engine::Engine;
use crate::input::{Input, Outcome, Step};
use crate::limits::Options;
use crate::record::{FieldError, Record};

/// Why policies make no engine.
#[derive(Clone, Debug)]
pub struct Refused(pub Vec<Diagnostic>);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let errors = self.0.iter().filter(|found| found.severity == Severity::Error);
        let titles: Vec<&str> = errors.map(|error| error.title.as_str()).collect();
        f.write_str(&titles.join("; "))
    }
}

impl std::error::Error for Refused {}

/// Why names and texts make no event.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum EventError {
    /// No schema declares it.
    #[error("no schema declares an event `{0}`")]
    Unknown(String),
    /// A field of it.
    #[error("`{field}`: {error}")]
    Field {
        /// Its name.
        field: String,
        /// What is wrong with it, or with its value.
        error: FieldError,
    },
}

impl Engine {
    /// An engine over all policies of some files, each given by its name and its text, with empty state. Lists have the members
    /// that are written in place; what nothing supplies is unknown.
    ///
    /// # Errors
    /// With every diagnostic, when one is an error.
    pub fn compile<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, Refused> {
        let mut analysis = Analysis::new();
        for (name, text) in files {
            analysis.set_file(name, text);
        }
        let found = analysis.found();
        let linked = found.link(&found.everything(), &LinkOptions::default());
        let diagnostics: Vec<Diagnostic> =
            found.diagnostics.iter().chain(&linked.diagnostics).cloned().collect();
        if diagnostics.iter().any(|found| found.severity == Severity::Error) {
            return Err(Refused(diagnostics));
        }
        let data = in_place(&linked.hir);
        Ok(Self::new(linked.hir, data, Options::default()))
    }

    /// An event of the schema, its fields by name and their values as people write them. Linear in the fields: whoever makes many
    /// looks up a [`Place`](crate::Place) for each.
    ///
    /// # Errors
    /// When there is no such event or field, or a text is no value of its field's type.
    pub fn event(&self, name: &str, fields: &[(&str, &str)]) -> Result<Record, EventError> {
        let schema = &self.hir().schema;
        let event = schema.event(name).ok_or_else(|| EventError::Unknown(name.to_owned()))?;
        let mut record = self.record(event);
        for (name, text) in fields {
            let refused = |error| EventError::Field { field: (*name).to_owned(), error };
            let field = schema.field(event, name).ok_or_else(|| refused(FieldError::Unknown))?;
            let declared = schema.fields.get(field).ok_or_else(|| refused(FieldError::Unknown))?;
            let value = convert::from_text(text, &declared.ty);
            let value = value.ok_or_else(|| refused(FieldError::Type { expected: declared.ty.clone() }))?;
            record.set(field, value).map_err(refused)?;
        }
        Ok(record.finish())
    }

    /// Decides a request at its time, in milliseconds UTC, by its events. A rule that asks a model is unknown; [`Engine::begin`] lets
    /// models answer.
    pub fn decide(&mut self, at: i64, events: Vec<Record>) -> Decision {
        match self.begin(Input::Request { at, events }) {
            Step::Decided(decision) => decision,
            Step::Pending(pending) => {
                let outcomes = vec![Outcome::Failed; pending.calls.len()];
                self.resume(pending, &outcomes)
            }
        }
    }
}

/// The lists that are written in place.
fn in_place(hir: &Hir) -> Data {
    let mut data = Data::default();
    for (id, list) in hir.declarations.lists.iter() {
        if let Source::Values(values) = &list.source {
            let mut members = ListData::empty(&list.member);
            values.iter().for_each(|value| members.insert(value));
            data.set_list(id, Arc::new(members));
        }
    }
    data
}

impl Decision {
    /// Why: what the rules that matched say, in the order of the events.
    pub fn reasons(&self) -> impl Iterator<Item = &str> {
        self.events.iter().flat_map(|event| &event.matches).map(|found| found.because.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: &str =
        "package shop\n\nenvelope {\n  at: timestamp\n}\n\nevent login {\n  tries: int?\n}\n";

    #[test]
    fn what_is_no_policy_is_refused_with_its_titles() {
        let refused =
            Engine::compile([("a.weir", "package shop\n\npolicy p {\n  on login\n}\n")]).unwrap_err();
        assert!(refused.to_string().contains("login"), "{refused}");
    }

    #[test]
    fn names_and_texts_that_make_no_event_are_told() {
        let engine = Engine::compile([("shop.weir", POLICY)]).unwrap();
        let why = |name, fields: &[(&str, &str)]| engine.event(name, fields).unwrap_err().to_string();
        assert_eq!(why("logout", &[]), "no schema declares an event `logout`");
        assert_eq!(why("login", &[("user", "ann")]), "`user`: the event has no such field");
        assert_eq!(why("login", &[("tries", "many")]), "`tries`: expected a value of type int");
        assert!(engine.event("login", &[("tries", "3")]).is_ok());
    }
}
