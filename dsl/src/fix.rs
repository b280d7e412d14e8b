//! Applying the fixes that diagnostics offer.

use std::collections::BTreeMap;
use std::fmt;

use crate::diagnostic::{Applicability, Diagnostic, Edit};
use crate::span::{FileId, Span};

/// Why edits cannot be applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EditError {
    /// Two edits change the same bytes.
    Overlap(Span, Span),
    /// A range that does not lie in the text, ends before it begins, or cuts a character.
    OutOfRange(Span),
}

impl fmt::Display for EditError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Overlap(a, b) => {
                write!(f, "edits of bytes {}..{} and {}..{} overlap", a.start, a.end, b.start, b.end)
            }
            Self::OutOfRange(span) => {
                write!(f, "an edit of bytes {}..{} does not lie in the text", span.start, span.end)
            }
        }
    }
}

impl std::error::Error for EditError {}

/// `text` with every edit applied, whatever file they name. They may come in any order; insertions at one
/// place keep the order given.
///
/// # Errors
/// When two edits overlap, or one does not lie in the text on character borders. Nothing is applied then.
pub fn apply(text: &str, edits: &[Edit]) -> Result<String, EditError> {
    let mut sorted: Vec<&Edit> = edits.iter().collect();
    sorted.sort_by_key(|edit| (edit.span.start, edit.span.end));
    let mut out = String::with_capacity(text.len());
    let mut done = Span::at(0);
    for edit in sorted {
        let span = edit.span;
        if span.end < span.start || text.get(span.start as usize..span.end as usize).is_none() {
            return Err(EditError::OutOfRange(span));
        }
        let Some(kept) = text.get(done.end as usize..span.start as usize) else {
            return Err(EditError::Overlap(done, span));
        };
        out.push_str(kept);
        out.push_str(&edit.text);
        done = span;
    }
    out.push_str(text.get(done.end as usize..).unwrap_or(""));
    Ok(out)
}

/// Whether edits, of one file or several, can be applied together.
pub(crate) fn check(edits: &[Edit]) -> Result<(), EditError> {
    let mut sorted: Vec<&Edit> = edits.iter().collect();
    sorted.sort_by_key(|edit| (edit.file, edit.span.start, edit.span.end));
    let mut before: Option<&Edit> = None;
    for edit in sorted {
        if edit.span.end < edit.span.start {
            return Err(EditError::OutOfRange(edit.span));
        }
        match before {
            Some(last) if last.file == edit.file && edit.span.start < last.span.end => {
                return Err(EditError::Overlap(last.span, edit.span));
            }
            _ => before = Some(edit),
        }
    }
    Ok(())
}

/// The edits that can be made in one go, and what was left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chosen {
    /// Edits by file, not overlapping, in source order.
    pub edits: BTreeMap<FileId, Vec<Edit>>,
    /// How many fixes they come from.
    pub fixes: usize,
    /// Fixes that touch bytes another fix changes; check again and choose again after applying.
    pub postponed: usize,
}

/// Chooses the fixes `weir fix` applies: the automatic ones, and with `suggested` the others too.
///
/// A fix is taken whole or not at all; of fixes that touch one another the first in `diagnostics` wins, and
/// one equal to a fix already taken counts as made. O(n log n) in the number of edits.
pub fn choose(diagnostics: &[Diagnostic], suggested: bool) -> Chosen {
    let mut chosen = Chosen::default();
    let mut taken: BTreeMap<(FileId, u32, u32), Edit> = BTreeMap::new();
    for fix in diagnostics.iter().filter_map(|diagnostic| diagnostic.fix.as_ref()) {
        let wanted = suggested || fix.applicability == Applicability::Automatic;
        if !wanted || fix.edits.is_empty() || check(&fix.edits).is_err() {
            continue;
        }
        let key = |edit: &Edit| (edit.file, edit.span.start, edit.span.end);
        if fix.edits.iter().all(|edit| taken.get(&key(edit)) == Some(edit)) {
            continue;
        }
        if fix.edits.iter().any(|edit| touches(&taken, edit)) {
            chosen.postponed += 1;
            continue;
        }
        chosen.fixes += 1;
        for edit in &fix.edits {
            taken.insert(key(edit), edit.clone());
        }
    }
    for ((file, ..), edit) in taken {
        chosen.edits.entry(file).or_default().push(edit);
    }
    chosen
}

/// Whether an edit shares a byte, or a place of insertion, with one already taken.
fn touches(taken: &BTreeMap<(FileId, u32, u32), Edit>, edit: &Edit) -> bool {
    let Span { start, end } = edit.span;
    let before = taken.range(..(edit.file, start, 0)).next_back();
    let overlaps = before.is_some_and(|((file, _, last), _)| *file == edit.file && *last > start);
    let from = (edit.file, start, 0);
    let to = (edit.file, end.max(start), u32::MAX);
    overlaps
        || taken.range(from..=to).any(|((_, other, other_end), _)| {
            *other < end || (*other == start && (start == end || other == other_end))
        })
}
