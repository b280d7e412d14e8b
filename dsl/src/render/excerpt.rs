//! The few lines of a source that a label needs, long ones cut to a window.

use std::ops::Range;

use super::lines::Lines;

/// Lines longer than this, in bytes, are shown as a window.
const LONGEST_LINE: usize = 240;
/// Bytes shown before the first label of a long line.
const LEAD: usize = 60;
/// Bytes shown of a long line.
const WINDOW: usize = 180;
/// A label over more lines than this marks its first line only.
const TALLEST_LABEL: usize = 6;
/// Labels further apart than this, in lines, are shown as separate excerpts.
const FURTHEST: usize = 8;
const CUT: &str = "…";

/// Consecutive lines of one file, ready to be drawn.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Excerpt {
    /// What is drawn.
    pub(super) text: String,
    /// The number of its first line, from 1.
    pub(super) first_line: usize,
    /// Whether any line was cut, so that columns of `text` are not columns of the file.
    pub(super) cut: bool,
    /// Copied ranges: bytes of the source, and where they begin in `text`.
    pieces: Vec<(Range<usize>, usize)>,
}

impl Excerpt {
    /// The lines `first..=last` (from 0), long ones cut around the first of `focus` that lies in them.
    pub(super) fn new(lines: &Lines<'_>, first: usize, last: usize, focus: &[Range<usize>]) -> Self {
        let mut excerpt = Self { text: String::new(), first_line: first + 1, cut: false, pieces: Vec::new() };
        for line in first..=last {
            if line > first {
                excerpt.text.push('\n');
            }
            let (start, end) = lines.range(line);
            if end - start <= LONGEST_LINE {
                excerpt.copy(lines, start..end);
                continue;
            }
            excerpt.cut = true;
            let at =
                focus.iter().map(|range| range.start).find(|at| (start..=end).contains(at)).unwrap_or(start);
            let from = lines.floor(at.saturating_sub(LEAD)).max(start);
            let to = lines.floor(from + WINDOW).min(end);
            if from > start {
                excerpt.text.push_str(CUT);
            }
            excerpt.copy(lines, from..to);
            if to < end {
                excerpt.text.push_str(CUT);
            }
        }
        excerpt
    }

    fn copy(&mut self, lines: &Lines<'_>, range: Range<usize>) {
        self.pieces.push((range.clone(), self.text.len()));
        self.text.push_str(lines.text().get(range).unwrap_or(""));
    }

    /// Where a byte of the source is drawn; the nearest drawn place for one that is not.
    pub(super) fn place(&self, at: usize) -> usize {
        let next = self.pieces.partition_point(|(range, _)| range.start <= at);
        match next.checked_sub(1).and_then(|last| self.pieces.get(last)) {
            Some((range, drawn)) => drawn + at.min(range.end) - range.start,
            None => self.pieces.first().map_or(0, |(_, drawn)| *drawn),
        }
    }

    /// Where a range of the source is drawn.
    pub(super) fn span(&self, range: &Range<usize>) -> Range<usize> {
        let start = self.place(range.start);
        start..self.place(range.end).max(start)
    }
}

/// What of a range is marked: all of it, or its first line when it is tall.
pub(super) fn marked(lines: &Lines<'_>, range: Range<usize>) -> Range<usize> {
    let first = lines.line(range.start);
    if lines.line(range.end) - first < TALLEST_LABEL {
        return range;
    }
    let (_, end) = lines.range(first);
    range.start..end.max(range.start)
}

/// Groups ranges of one file, given in any order, into runs that are near enough to share an excerpt; each
/// run holds the indices of its ranges and its first and last line.
pub(super) fn clusters(lines: &Lines<'_>, ranges: &[Range<usize>]) -> Vec<(Vec<usize>, usize, usize)> {
    let mut order: Vec<usize> = (0..ranges.len()).collect();
    order.sort_by_key(|at| ranges.get(*at).map(|range| (range.start, range.end)));
    let mut runs: Vec<(Vec<usize>, usize, usize)> = Vec::new();
    for at in order {
        let Some(range) = ranges.get(at) else { continue };
        let (first, last) = (lines.line(range.start), lines.line(range.end));
        match runs.last_mut() {
            Some((members, _, end)) if first <= *end + FURTHEST => {
                members.push(at);
                *end = (*end).max(last);
            }
            _ => runs.push((vec![at], first, last)),
        }
    }
    runs
}
