//! A plan as text, for people.

use std::fmt::{self, Write as _};

use weir_compiler::ids::FieldId;

use crate::axis::{AxisId, Coder};
use crate::check::What;
use crate::group::{Entry, Group, Source, Step};
use crate::plan::Plan;
use crate::straight::Node;

impl Plan {
    /// What it does, group by group, with fields as `name` calls them and conditions by their numbers. Equal plans have equal
    /// texts. Cost: linear in the plan, its rows left out.
    pub fn text(&self, name: impl Fn(FieldId) -> String) -> String {
        let mut text = String::new();
        // Writing to a text does not fail.
        let _ = self.write(&mut text, &name);
        text
    }

    fn write(&self, text: &mut String, name: &dyn Fn(FieldId) -> String) -> fmt::Result {
        writeln!(text, "weir-plan 1\nconditions {}", self.conditions)?;
        for (at, axis) in (0..).zip(&self.axes) {
            let field = self.columns.get(usize::from(axis.column.0)).map(|(field, _)| name(*field));
            let kind = match &axis.coder {
                Coder::Presence => "presence",
                Coder::Truth => "truth",
                Coder::Ranges(_) => "ranges",
                Coder::Floats(_) => "ranges of floats",
                Coder::Points(_) => "numbers",
                Coder::Symbols(_) => "texts",
                Coder::Networks(_) => "networks",
                Coder::Single(_) => "one pattern",
                Coder::Patterns(_) => "patterns",
            };
            let field = field.unwrap_or_default();
            write!(text, "axis a{at} {field} by {kind}, {} codes", axis.codes)?;
            text.push_str(if self.eager.contains(&AxisId(at)) { "\n" } else { ", when asked\n" });
        }
        if !self.groups.straight.is_empty() {
            text.push_str("\nstraight\n");
        }
        for (at, node) in self.groups.straight.iter().enumerate() {
            self.write_node(text, at, node)?;
        }
        for (at, group) in self.groups.groups.iter().enumerate() {
            self.write_group(text, at, group)?;
        }
        Ok(())
    }

    fn write_group(&self, text: &mut String, at: usize, group: &Group) -> fmt::Result {
        let count: u32 = group.all.iter().map(|word| word.count_ones()).sum();
        writeln!(text, "\ngroup {at} of {count}")?;
        for step in self.steps(group) {
            match step {
                Step::Class(source) => write_source(text, "class", source)?,
                Step::OrClass(source) => write_source(text, "or class", source)?,
                Step::Begin(slot) => {
                    write!(text, "  begin s{slot}")?;
                    for (axis, pushes) in self.groups.pushes.iter().enumerate() {
                        let rows = pushes.iter().flatten().filter(|push| push.slot == *slot).count();
                        if rows > 0 {
                            write!(text, ", {rows} rows of patterns a{axis}")?;
                        }
                    }
                    text.push('\n');
                }
                Step::End => text.push_str("  end\n"),
            }
        }
        let entries = self.groups.conditions.get(group.first as usize..).unwrap_or_default();
        for entry in entries.iter().take(count as usize) {
            self.write_entry(text, entry)?;
        }
        Ok(())
    }

    /// What is left to ask of a condition, clause by clause.
    fn write_entry(&self, text: &mut String, entry: &Entry) -> fmt::Result {
        write!(text, "  condition {}", entry.id)?;
        if !self.is_exact(entry.id) {
            text.push_str(" maybe");
        }
        if entry.from < entry.to {
            text.push_str(": ");
        }
        self.write_asks(text, entry.from, entry.to)?;
        text.push('\n');
        Ok(())
    }

    /// A clause that is asked, where to go on if it does not hold, and the condition that holds if it does.
    fn write_node(&self, text: &mut String, at: usize, node: &Node) -> fmt::Result {
        write!(text, "  {at}")?;
        if node.from < node.to {
            text.push_str(": ");
            self.write_asks(text, node.from, node.to)?;
            write!(text, ", else {}", node.otherwise)?;
        }
        if node.id != Node::NONE {
            write!(text, "; condition {}", node.id)?;
            text.push_str(if self.is_exact(node.id) { "" } else { " maybe" });
        }
        text.push('\n');
        Ok(())
    }

    fn write_asks(&self, text: &mut String, from: u32, to: u32) -> fmt::Result {
        let asks = self.groups.checks.asks.get(from as usize..to as usize).unwrap_or_default();
        let mut before = "";
        for ask in asks {
            write!(text, "{before}a{}", ask.axis.0)?;
            match ask.what {
                What::Set(bits) => write!(text, " in {bits}")?,
                What::Found(pattern) => write!(text, " has {pattern}")?,
                What::Not(pattern) => write!(text, " has not {pattern}")?,
                What::Direct(direct) => {
                    if let Some(direct) = self.groups.checks.direct.get(direct as usize) {
                        write!(text, " {direct}")?;
                    }
                }
            }
            before = if ask.next == 1 { " and " } else { " or " };
        }
        Ok(())
    }
}

fn write_source(text: &mut String, word: &str, source: &Source) -> fmt::Result {
    let Source { axis, codes, count, .. } = source;
    writeln!(text, "  {word} a{}, {codes} classes in {count} rows", axis.0)
}
