//! Diagnostics for people: excerpts with labels, drawn by annotate-snippets.

use std::ops::Range;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Element, Group, Level, Origin, Patch, Renderer, Snippet};

use super::excerpt::{Excerpt, clusters, marked};
use super::lines::{Index, Lines};
use super::plain_line;
use crate::diagnostic::{Applicability, Diagnostic, Edit, Fix, Severity};
use crate::source::Sources;
use crate::span::FileId;

/// A fix whose new text is longer than this, in bytes, is named and not drawn.
const LONGEST_PATCH: usize = 2_000;
/// A fix with more edits than this is named and not drawn.
const MOST_EDITS: usize = 16;
/// At most so many secondary labels are drawn.
const MOST_LABELS: usize = 12;

/// Every diagnostic with its excerpts, notes, help and fix, in the order given; each ends with the line
/// `see: weir explain CODE` and is followed by an empty line.
///
/// `styled` adds ANSI colours; the text is otherwise the same.
pub fn human(diagnostics: &[Diagnostic], sources: &Sources, styled: bool) -> String {
    let renderer = if styled { Renderer::styled() } else { Renderer::plain() }.decor_style(DecorStyle::Ascii);
    let mut index = Index::new(sources);
    let mut out = String::new();
    for diagnostic in diagnostics {
        let groups = report(diagnostic, sources, &mut index);
        push_drawing(&mut out, &renderer.render(&groups));
        out.push_str(&format!("\nsee: weir explain {}\n\n", diagnostic.code));
    }
    out
}

/// Appends a drawing, without the lines that announce another file and name none: the renderer draws them
/// before an excerpt whose place is stated apart (see [`snippet`]).
fn push_drawing(out: &mut String, drawing: &str) {
    let announces_nothing = |line: &str| {
        let mut escape = false;
        let shown = line.chars().filter(|c| {
            let hidden = escape || *c == '\u{1b}';
            escape = hidden && *c != 'm';
            !hidden && *c != ' '
        });
        shown.eq(":::".chars())
    };
    let mut separator = "";
    for line in drawing.lines().filter(|line| !announces_nothing(line)) {
        out.push_str(separator);
        out.push_str(line);
        separator = "\n";
    }
}

fn report<'a>(diagnostic: &Diagnostic, sources: &Sources, index: &mut Index<'a>) -> Vec<Group<'a>> {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let title = level.primary_title(plain_line(&diagnostic.title)).id(diagnostic.code.to_string());
    let mut main = title.elements(excerpts(diagnostic, sources, index));
    let hidden = diagnostic.secondary.len().saturating_sub(MOST_LABELS);
    if hidden > 0 {
        main = main.element(Level::NOTE.message(format!("and {hidden} more places")));
    }
    for note in &diagnostic.notes {
        main = main.element(Level::NOTE.message(plain_lines(note)));
    }
    if let Some(help) = &diagnostic.help {
        main = main.element(Level::HELP.message(plain_lines(help)));
    }
    let mut groups = vec![main];
    groups.extend(diagnostic.fix.as_ref().map(|fix| suggestion(fix, sources, index)));
    groups
}

/// Like [`plain_line`], line by line.
fn plain_lines(text: &str) -> String {
    text.lines().map(plain_line).collect::<Vec<_>>().join("\n")
}

/// A place to be drawn.
struct Mark {
    file: FileId,
    range: Range<usize>,
    text: String,
    primary: bool,
}

fn excerpts<'a>(diagnostic: &Diagnostic, sources: &Sources, index: &mut Index<'a>) -> Vec<Element<'a>> {
    let labels = std::iter::once(&diagnostic.primary).chain(diagnostic.secondary.iter().take(MOST_LABELS));
    let mut marks: Vec<Mark> = Vec::new();
    for (at, label) in labels.enumerate() {
        let lines = index.lines(label.file);
        let (start, end) = lines.clamp(label.span);
        let range = marked(lines, start..end);
        marks.push(Mark { file: label.file, range, text: plain_line(&label.text), primary: at == 0 });
    }
    let mut files: Vec<FileId> = Vec::new();
    for mark in &marks {
        if !files.contains(&mark.file) {
            files.push(mark.file);
        }
    }
    let mut elements = Vec::new();
    for file in files {
        let of_file: Vec<&Mark> = marks.iter().filter(|mark| mark.file == file).collect();
        let ranges: Vec<Range<usize>> = of_file.iter().map(|mark| mark.range.clone()).collect();
        let lines = index.lines(file);
        let mut runs = clusters(lines, &ranges);
        // The run with the primary label comes first; the others follow in source order.
        runs.sort_by_key(|(members, ..)| {
            !members.iter().any(|at| of_file.get(*at).is_some_and(|m| m.primary))
        });
        for (members, first, last) in runs {
            let marks: Vec<&Mark> = members.iter().filter_map(|at| of_file.get(*at).copied()).collect();
            elements.extend(snippet(lines, &plain_line(sources.name(file)), first, last, &marks));
        }
    }
    elements
}

/// One excerpt with its labels. Where a line was cut, the columns drawn are not those of the file, so the
/// place is stated apart.
fn snippet<'a>(
    lines: &Lines<'a>,
    path: &str,
    first: usize,
    last: usize,
    marks: &[&Mark],
) -> Vec<Element<'a>> {
    let mut focus: Vec<&Mark> = marks.to_vec();
    focus.sort_by_key(|mark| !mark.primary);
    let ranges: Vec<Range<usize>> = focus.iter().map(|mark| mark.range.clone()).collect();
    let excerpt = Excerpt::new(lines, first, last, &ranges);
    let mut snippet = Snippet::source(excerpt.text.clone()).line_start(excerpt.first_line);
    for mark in marks {
        let kind = if mark.primary { AnnotationKind::Primary } else { AnnotationKind::Context };
        let label = (!mark.text.is_empty()).then(|| mark.text.clone());
        snippet = snippet.annotation(kind.span(excerpt.span(&mark.range)).label(label));
    }
    if !excerpt.cut {
        return vec![snippet.path(path.to_owned()).into()];
    }
    let at = lines.position(ranges.first().map_or(0, |range| range.start));
    let origin = Origin::path(path.to_owned()).line(at.line).char_column(at.column);
    vec![origin.into(), snippet.into()]
}

/// The fix as a diff under its own title.
fn suggestion<'a>(fix: &Fix, sources: &Sources, index: &mut Index<'a>) -> Group<'a> {
    let unsure = match fix.applicability {
        Applicability::Automatic => "",
        Applicability::Suggested => " (check that this is what you mean)",
    };
    let group = Group::with_title(Level::HELP.secondary_title(format!("{}{unsure}", plain_line(&fix.title))));
    let size: usize = fix.edits.iter().map(|edit| edit.text.len()).sum();
    if size > LONGEST_PATCH || fix.edits.len() > MOST_EDITS || overlapping(&fix.edits) {
        return group;
    }
    let mut elements: Vec<Element<'a>> = Vec::new();
    let mut files: Vec<FileId> = fix.edits.iter().map(|edit| edit.file).collect();
    files.dedup();
    for file in files {
        let lines = index.lines(file);
        let edits: Vec<&Edit> = fix.edits.iter().filter(|edit| edit.file == file).collect();
        let ranges: Vec<Range<usize>> = edits
            .iter()
            .map(|edit| {
                let (start, end) = lines.clamp(edit.span);
                start..end
            })
            .collect();
        for (members, first, last) in clusters(lines, &ranges) {
            let focus: Vec<Range<usize>> = members.iter().filter_map(|at| ranges.get(*at).cloned()).collect();
            let excerpt = Excerpt::new(lines, first, last, &focus);
            let mut snippet = Snippet::source(excerpt.text.clone())
                .line_start(excerpt.first_line)
                .path(plain_line(sources.name(file)));
            for at in members {
                if let (Some(edit), Some(range)) = (edits.get(at), ranges.get(at)) {
                    snippet = snippet.patch(Patch::new(excerpt.span(range), edit.text.clone()));
                }
            }
            elements.push(snippet.into());
        }
    }
    group.elements(elements)
}

fn overlapping(edits: &[Edit]) -> bool {
    crate::fix::check(edits).is_err()
}
