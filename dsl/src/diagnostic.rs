//! What the compiler has to say to an author.
//!
//! One value, many renderers: a [`Diagnostic`] is built once, by whichever stage found the fault, and shown
//! as text for people, one line for tools, or JSON (see [`crate::render`]).
//!
//! Wording follows three questions: what is wrong (`title`), why (labels and notes), what to do (`help`,
//! `fix`). Lower case, no full stop, the author's text in backticks, no Rust type names.

use serde::Serialize;

use crate::codes::Code;
use crate::span::{FileId, FileSpan, Span};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing; nothing to mend.
    Note,
    /// Runs, and probably does not do what was meant.
    Warning,
    /// Does not compile.
    Error,
}

/// A finding of the parser, the checker or a lint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// Its number in the registry, which names its documentation page.
    pub code: Code,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, in one line.
    pub title: String,
    /// The place, with what stands there.
    pub primary: Label,
    /// Other places that matter.
    pub secondary: Vec<Label>,
    /// Facts that explain it.
    pub notes: Vec<String>,
    /// What to do.
    pub help: Option<String>,
    /// A change that mends it.
    pub fix: Option<Fix>,
}

/// A place and what is to be said of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Label {
    /// The file.
    pub file: FileId,
    /// The range in it.
    pub span: Span,
    /// What stands there; may be empty.
    pub text: String,
}

/// A change of source text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fix {
    /// What it does, in one line.
    pub title: String,
    /// Replacements, in source order, not overlapping.
    pub edits: Vec<Edit>,
    /// Whether `weir fix` may apply it unasked.
    pub applicability: Applicability,
}

/// Whether a fix may be applied unasked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Applicability {
    /// Keeps the meaning, or restores the only one that was possible.
    Automatic,
    /// Probably what was meant; a person should look.
    Suggested,
}

/// One replacement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Edit {
    /// The file.
    pub file: FileId,
    /// What is replaced.
    pub span: Span,
    /// By what.
    pub text: String,
}

impl Diagnostic {
    /// A diagnostic of the code's own severity at `at`.
    pub fn new(code: Code, at: FileSpan, title: impl Into<String>) -> Self {
        Self {
            code,
            severity: code.severity(),
            title: title.into(),
            primary: Label { file: at.file, span: at.span, text: String::new() },
            secondary: Vec::new(),
            notes: Vec::new(),
            help: None,
            fix: None,
        }
    }

    /// Says what stands at the primary place.
    #[must_use]
    pub fn label(mut self, text: impl Into<String>) -> Self {
        self.primary.text = text.into();
        self
    }

    /// Adds another place.
    #[must_use]
    pub fn also(mut self, at: FileSpan, text: impl Into<String>) -> Self {
        self.secondary.push(Label { file: at.file, span: at.span, text: text.into() });
        self
    }

    /// Adds a fact.
    #[must_use]
    pub fn note(mut self, text: impl Into<String>) -> Self {
        self.notes.push(text.into());
        self
    }

    /// Says what to do.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }

    /// Offers a change of one place.
    #[must_use]
    pub fn fix(
        mut self,
        title: impl Into<String>,
        at: FileSpan,
        text: impl Into<String>,
        applicability: Applicability,
    ) -> Self {
        let edits = vec![Edit { file: at.file, span: at.span, text: text.into() }];
        self.fix = Some(Fix { title: title.into(), edits, applicability });
        self
    }
}
