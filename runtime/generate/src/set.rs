//! A generated rule set, checked and linked.

use std::sync::Arc;

use weir_compiler::analysis::Analysis;
use weir_compiler::data::{Data, ListData, ScheduleData, TableData};
use weir_compiler::hir::{Hir, Source};
use weir_compiler::link::Options;
use weir_dsl::Severity;

use crate::policy::{MANIFEST, Written};
use crate::schema::Schema;
use crate::stream::START;

/// A rule set that checks.
#[derive(Clone, Debug)]
pub struct Set {
    /// Its text.
    pub text: String,
    /// Its events and their fields.
    pub schema: Schema,
    /// The lengths of its windows, in ms.
    pub windows: Vec<i64>,
    /// What the engines run.
    pub hir: Hir,
    /// What is loaded.
    pub data: Data,
}

/// Why a text is no rule set: its errors, one a line.
pub type Refused = String;

impl Set {
    /// Checks and links what was written.
    ///
    /// # Panics
    /// When it has an error: then the generator or the checker is wrong.
    pub fn check(written: Written) -> Self {
        match Self::link(&written.text) {
            Ok((hir, data)) => {
                Self { text: written.text, schema: written.schema, windows: written.windows, hir, data }
            }
            Err(errors) => panic!("a generated rule set does not check:\n{errors}\n{}", written.text),
        }
    }

    /// The same set in other words.
    ///
    /// # Panics
    /// When the text does not check.
    pub fn reworded(&self, text: &str) -> Self {
        match Self::link(text) {
            Ok((hir, data)) => Self { text: text.to_owned(), hir, data, ..self.clone() },
            Err(errors) => panic!("a reworded rule set does not check:\n{errors}\n{text}"),
        }
    }

    /// Checks and links a text of `package gen`.
    ///
    /// # Errors
    /// Its errors, with the text they are about.
    pub fn link(text: &str) -> Result<(Hir, Data), Refused> {
        Editor::default().link(text)
    }
}

/// A session in which one text of `package gen` follows another.
#[derive(Default)]
pub struct Editor {
    analysis: Analysis,
}

impl Editor {
    /// Checks and links the next text.
    ///
    /// # Errors
    /// Its errors, with the text they are about.
    pub fn link(&mut self, text: &str) -> Result<(Hir, Data), Refused> {
        let analysis = &mut self.analysis;
        analysis.set_manifest("weir.toml", MANIFEST);
        analysis.set_file("gen.weir", text);
        let found = analysis.found();
        let errors: Vec<String> = found
            .diagnostics
            .iter()
            .filter(|found| found.severity == Severity::Error)
            .map(|found| {
                let span = found.primary.span;
                let line = text[..span.start as usize].lines().count();
                format!(
                    "{}: {} at line {line}: {}",
                    found.code,
                    found.title,
                    &text[span.start as usize..span.end as usize]
                )
            })
            .collect();
        if !errors.is_empty() {
            return Err(errors.join("\n"));
        }
        let linked = found.link(&found.everything(), &Options::default());
        let wrong: Vec<&str> = linked
            .diagnostics
            .iter()
            .filter(|found| found.severity == Severity::Error)
            .map(|found| found.title.as_str())
            .collect();
        if !wrong.is_empty() || !linked.left_out.is_empty() {
            return Err(format!("{wrong:?} {:?}", linked.left_out));
        }
        let data = data(&linked.hir);
        Ok((linked.hir, data))
    }
}

/// Lists written in place and tables with a few entries; a calendar in one set of two.
fn data(hir: &Hir) -> Data {
    let mut data = Data::default();
    for (id, list) in hir.declarations.lists.iter() {
        let mut members = ListData::empty(&list.member);
        if let Source::Values(values) = &list.source {
            values.iter().for_each(|value| members.insert(value));
        }
        data.set_list(id, Arc::new(members));
    }
    for (id, table) in hir.declarations.tables.iter() {
        let text = if table.named.name == "homes" {
            "a,DE\nabc,JP\n,FR\n"
        } else {
            "a,1\nabc,9223372036854775807\n,-3\n"
        };
        let (entries, bad) = TableData::parse(text, &table.key, &table.value);
        assert!(bad.is_empty(), "{bad:?}");
        data.set_table(id, Arc::new(entries));
    }
    for id in hir.declarations.schedules.ids() {
        if hir.rules.len().is_multiple_of(2) {
            data.set_schedule(id, Arc::new(ScheduleData::new(vec![(START + 5_000, START + 3_600_000)])));
        }
    }
    data
}
