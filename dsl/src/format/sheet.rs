//! What the layout says of each token: where lines begin, what may break, what stands in columns.

use super::tokens::Tokens;

/// Lines are filled up to this column, counted in characters.
pub(super) const LINE: usize = 120;
/// Conditions and lists of actions break earlier, for they are read clause by clause.
pub(super) const CLAUSE: usize = 80;
/// Cells wider than this do not take part in columns, so that one long name moves nobody else.
const WIDEST_CELL: usize = 40;
/// Lines wider than this do not take part in columns of comments.
const WIDEST_LINE: usize = 90;

/// Empty lines before a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Blanks {
    /// None.
    Drop,
    /// One where the author had any.
    Keep,
    /// One in any case.
    Want,
}

/// A line that begins with a token whatever its length.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    /// Columns before it.
    pub(super) indent: usize,
    /// Empty lines before it.
    pub(super) blanks: Blanks,
}

/// How the lines of a broken group are indented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// Two columns more than the line the group begins on; a closing bracket none.
    Block,
    /// So many columns more than the line the group begins on.
    Clause(usize),
    /// `and` and `or` stand left of the column of the first operand.
    Chain,
    /// Under the first token of the group.
    Hang,
}

/// Tokens that stand on one line, or break at all of their break points.
#[derive(Clone, Debug)]
pub(super) struct Group {
    pub(super) first: usize,
    pub(super) last: usize,
    /// The widest line it may make.
    pub(super) limit: usize,
    pub(super) style: Style,
    /// Tokens that begin a line when the group is broken, with extra indentation.
    pub(super) breaks: Vec<(usize, usize)>,
    /// Tokens with a comma before them when the group is on one line.
    pub(super) flat_commas: Vec<usize>,
    /// Tokens with a comma before them when the group is broken.
    pub(super) broken_commas: Vec<usize>,
    /// Never on one line.
    pub(super) always: bool,
}

impl Group {
    pub(super) fn new(first: usize, last: usize, limit: usize, style: Style) -> Self {
        Self {
            first,
            last,
            limit,
            style,
            breaks: Vec::new(),
            flat_commas: Vec::new(),
            broken_commas: Vec::new(),
            always: false,
        }
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Mark {
    line: Option<Line>,
    tight: bool,
    spaced: bool,
    pad: usize,
    comment_pad: usize,
    comma: bool,
}

/// The layout of a text's tokens.
#[derive(Debug)]
pub(super) struct Sheet<'t, 's> {
    pub(super) tokens: &'t Tokens<'s>,
    marks: Vec<Mark>,
    groups: Vec<Group>,
    widths: Vec<usize>,
}

impl<'t, 's> Sheet<'t, 's> {
    pub(super) fn new(tokens: &'t Tokens<'s>) -> Self {
        let widths = (0..tokens.len()).map(|at| tokens.text(at).chars().count()).collect();
        Self { tokens, marks: vec![Mark::default(); tokens.len() + 1], groups: Vec::new(), widths }
    }

    fn mark(&mut self, at: usize) -> Option<&mut Mark> {
        self.marks.get_mut(at)
    }

    /// Begins a line with a token.
    pub(super) fn line(&mut self, at: usize, indent: usize, blanks: Blanks) {
        if let Some(mark) = self.mark(at) {
            mark.line = Some(Line { indent, blanks });
        }
    }

    /// No space before a token.
    pub(super) fn tighten(&mut self, at: usize) {
        if let Some(mark) = self.mark(at) {
            mark.tight = true;
        }
    }

    /// A space before a token even if the author had none.
    pub(super) fn space_out(&mut self, at: usize) {
        if let Some(mark) = self.mark(at) {
            mark.spaced = true;
        }
    }

    /// A comma before a token.
    pub(super) fn comma(&mut self, at: usize) {
        if let Some(mark) = self.mark(at) {
            mark.comma = true;
        }
    }

    pub(super) fn group(&mut self, group: Group) {
        if !group.breaks.is_empty() {
            self.groups.push(group);
        }
    }

    /// The groups by first token, outer ones first.
    pub(super) fn take_groups(&mut self) -> Vec<Group> {
        let mut groups = std::mem::take(&mut self.groups);
        groups.sort_by(|a, b| a.first.cmp(&b.first).then(b.last.cmp(&a.last)));
        groups
    }

    pub(super) fn line_at(&self, at: usize) -> Option<Line> {
        self.marks.get(at).and_then(|mark| mark.line)
    }

    pub(super) fn comment_pad(&self, at: usize) -> usize {
        self.marks.get(at).map_or(0, |mark| mark.comment_pad)
    }

    pub(super) fn has_comma(&self, at: usize) -> bool {
        self.marks.get(at).is_some_and(|mark| mark.comma)
    }

    /// The width of a token, in characters.
    pub(super) fn width(&self, at: usize) -> usize {
        self.widths.get(at).copied().unwrap_or(0)
    }

    /// The columns between a token and the one before it when both are on one line, the comma not counted.
    pub(super) fn gap(&self, at: usize) -> usize {
        let mark = self.marks.get(at).copied().unwrap_or_default();
        usize::from(self.spaces(at, mark)) + mark.pad
    }

    fn spaces(&self, at: usize, mark: Mark) -> bool {
        let Some(before) = at.checked_sub(1) else { return false };
        let (a, b) = (self.tokens.text(before), self.tokens.text(at));
        if mark.spaced {
            return true;
        }
        if mark.tight {
            return false;
        }
        let joined = self.tokens.get(at).is_some_and(|token| token.joined);
        let other = |at: usize| self.tokens.get(at).is_some_and(|t| t.class == super::tokens::Class::Other);
        if other(at) || other(before) || (a == ">" && b == "=") {
            return !joined;
        }
        let apart_from_brackets = !matches!(
            (a, b),
            (_, "," | ")" | "]" | ":" | "?" | ".." | "") | ("(" | "[" | "..", _) | ("{", "}")
        );
        apart_from_brackets && !matches!((a, b), ("usual" | "bucket" | "gcra", "("))
    }

    /// The width of `first..=last` on one line; none if a comment or a line stands inside, or if it exceeds
    /// `limit`.
    fn flat(&self, first: usize, last: usize, limit: usize) -> Option<usize> {
        let mut width = self.width(first);
        for at in first + 1..=last {
            if self.tokens.commented(at) || self.line_at(at).is_some() || width > limit {
                return None;
            }
            width += usize::from(self.has_comma(at)) + self.gap(at) + self.width(at);
        }
        (width <= limit).then_some(width)
    }

    /// Lines up rows of the same kind. A row is its first and last token and the tokens that begin its
    /// cells; a row that keeps an empty line above begins a new set of columns.
    pub(super) fn align(&mut self, rows: &[Row]) {
        let mut rest = rows;
        while !rest.is_empty() {
            let together = rest.iter().skip(1).take_while(|row| !self.blank_above(row.first)).count() + 1;
            let (run, others) = rest.split_at(together.min(rest.len()));
            let cells = run.iter().map(|row| row.cells.len()).max().unwrap_or(0);
            for cell in 0..cells {
                self.align_cell(run, cell);
            }
            self.align_comments(run);
            rest = others;
        }
    }

    fn blank_above(&self, at: usize) -> bool {
        self.tokens.get(at).is_some_and(|token| token.blank)
            || self.tokens.comments(at).iter().any(|c| c.blank)
    }

    fn align_cell(&mut self, rows: &[Row], cell: usize) {
        let widths: Vec<Option<(usize, usize)>> = rows
            .iter()
            .map(|row| {
                let at = *row.cells.get(cell)?;
                let from =
                    cell.checked_sub(1).map_or(Some(row.first), |before| row.cells.get(before).copied())?;
                let commented = self.tokens.commented(at);
                let width = self.flat(from, at.checked_sub(1)?, WIDEST_CELL).filter(|_| !commented)?;
                Some((at, width))
            })
            .collect();
        let widest = widths.iter().flatten().map(|(_, width)| *width).max().unwrap_or(0);
        for (at, width) in widths.into_iter().flatten() {
            if let Some(mark) = self.mark(at) {
                mark.pad = widest - width;
            }
        }
    }

    fn align_comments(&mut self, rows: &[Row]) {
        let widths: Vec<(usize, usize)> = rows
            .iter()
            .filter(|row| self.tokens.comments(row.last + 1).first().is_some_and(|comment| !comment.own_line))
            .filter_map(|row| Some((row.last + 1, self.flat(row.first, row.last, WIDEST_LINE)?)))
            .collect();
        let widest = widths.iter().map(|(_, width)| *width).max().unwrap_or(0);
        for (at, width) in widths {
            if let Some(mark) = self.mark(at) {
                mark.comment_pad = widest - width;
            }
        }
    }
}

/// A row of columns.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) first: usize,
    pub(super) last: usize,
    pub(super) cells: Vec<usize>,
}
