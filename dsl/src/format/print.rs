//! From tokens and their layout to text.

use super::sheet::{Blanks, Group, Sheet, Style};

/// Columns deeper than this are not used, so that nesting cannot make the output larger than a small
/// multiple of the input.
const DEEPEST: usize = 100;
/// What follows a comment in the middle of a clause is indented by so many columns more.
const CONTINUED: usize = 4;

/// Prints every token and comment of the sheet.
///
/// Outer groups are decided before inner ones, each once, by looking ahead at most one line's width: linear.
pub(super) fn print(mut sheet: Sheet<'_, '_>, capacity: usize) -> String {
    let groups = sheet.take_groups();
    let count = sheet.tokens.len();
    let mut printer = Printer {
        sheet,
        out: String::with_capacity(capacity),
        column: 0,
        indent: 0,
        breaks: vec![None; count + 1],
    };
    let mut groups = groups.iter().peekable();
    for at in 0..count {
        printer.gap(at);
        while let Some(group) = groups.next_if(|group| group.first <= at) {
            printer.decide(group);
        }
        printer.token(at);
    }
    printer.gap(count);
    if !printer.out.is_empty() {
        printer.out.push('\n');
    }
    printer.out
}

struct Printer<'t, 's> {
    sheet: Sheet<'t, 's>,
    out: String,
    /// Characters on the current line.
    column: usize,
    /// Indentation of the current line, continuations after comments not counted.
    indent: usize,
    /// Where broken groups begin lines, and with what indentation.
    breaks: Vec<Option<usize>>,
}

impl Printer<'_, '_> {
    fn token(&mut self, at: usize) {
        self.out.push_str(self.sheet.tokens.text(at));
        self.column += self.sheet.width(at);
    }

    fn new_line(&mut self, indent: usize, blank: bool) {
        if !self.out.is_empty() {
            self.out.push_str(if blank { "\n\n" } else { "\n" });
        }
        self.out.extend(std::iter::repeat_n(' ', indent));
        self.column = indent;
    }

    /// What stands before a token: a comma, comments, a line break or a space.
    fn gap(&mut self, at: usize) {
        let tokens = self.sheet.tokens;
        if self.sheet.has_comma(at) {
            self.out.push(',');
            self.column += 1;
        }
        let end = at == tokens.len();
        let line = self.sheet.line_at(at);
        let soft = self.breaks.get(at).copied().flatten();
        let commented = tokens.commented(at);
        let (indent, blanks) = match (line, soft) {
            (Some(line), _) => (line.indent, line.blanks),
            (None, Some(indent)) => (indent, Blanks::Drop),
            (None, None) if end => (0, Blanks::Keep),
            (None, None) if commented => (self.indent + CONTINUED, Blanks::Drop),
            (None, None) => {
                let gap = self.sheet.gap(at);
                self.out.extend(std::iter::repeat_n(' ', gap));
                self.column += gap;
                return;
            }
        };
        // Comments before a closing bracket belong to what it closes.
        let inner = if tokens.closes(at) { indent + 2 } else { indent };
        let opened = at.checked_sub(1).is_none_or(|before| matches!(tokens.text(before), "{" | "(" | "["));
        let token_blank = tokens.get(at).is_some_and(|token| token.blank);
        let any_blank = token_blank || tokens.comments(at).iter().any(|comment| comment.blank);
        let mut first = true;
        let mut blank = |had: bool| {
            let begins = std::mem::take(&mut first);
            match blanks {
                Blanks::Drop => false,
                Blanks::Keep => had && !(opened && begins),
                Blanks::Want => (had && !(opened && begins)) || (begins && !any_blank),
            }
        };
        for comment in tokens.comments(at) {
            if comment.own_line {
                let empty = blank(comment.blank);
                self.new_line(inner, empty);
            } else {
                let pad = 2 + self.sheet.comment_pad(at);
                self.out.extend(std::iter::repeat_n(' ', pad));
            }
            self.out.push_str(tokens.comment_text(comment));
        }
        if end {
            return;
        }
        let empty = blank(token_blank && !tokens.closes(at));
        self.new_line(indent, empty);
        if line.is_some() || soft.is_some() {
            self.indent = indent;
        }
    }

    /// Breaks a group or leaves it on its line. The token it begins with is about to be printed.
    fn decide(&mut self, group: &Group) {
        let broken = group.always || !self.fits(group);
        let commas = if broken { &group.broken_commas } else { &group.flat_commas };
        for at in commas {
            self.sheet.comma(*at);
        }
        if !broken {
            return;
        }
        for (at, extra) in &group.breaks {
            let column = match group.style {
                Style::Block if self.sheet.tokens.closes(*at) => self.indent,
                Style::Block => self.indent + 2,
                Style::Clause(columns) => self.indent + columns,
                Style::Chain => self.column.saturating_sub(self.sheet.width(*at) + 1),
                Style::Hang => self.column,
            };
            if let Some(place) = self.breaks.get_mut(*at) {
                *place = Some((column + extra).min(DEEPEST));
            }
        }
    }

    /// Whether a group, and what must follow it on its line, ends before its limit.
    fn fits(&self, group: &Group) -> bool {
        let tokens = self.sheet.tokens;
        let mut column = self.column + self.sheet.width(group.first);
        let mut commas = group.flat_commas.iter().peekable();
        for at in group.first + 1..=tokens.len() {
            let inside = at <= group.last;
            if column > group.limit {
                return false;
            }
            let breaks = tokens.commented(at)
                || self.sheet.line_at(at).is_some()
                || self.breaks.get(at).is_some_and(Option::is_some);
            if breaks || at == tokens.len() {
                return !inside;
            }
            let comma = commas.next_if_eq(&&at).is_some() || self.sheet.has_comma(at);
            column += usize::from(comma) + self.sheet.gap(at) + self.sheet.width(at);
        }
        column <= group.limit
    }
}
