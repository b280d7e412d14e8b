//! The registry of diagnostic codes.
//!
//! A code is `W` and four digits; its page is `docs/diagnostics/W0101.md`. A released code is never reused.
//! `W00xx` reading text, `W01xx` names and projects, `W02xx` types, `W03xx` keys, actions and phases,
//! `W04xx` lints, `W05xx` tests, `W06xx` lists, tables, models and limits.

use serde::{Serialize, Serializer};
use std::fmt;

use crate::diagnostic::Severity;

/// A diagnostic code.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(u16);

/// What the registry says of a code.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The code.
    pub code: Code,
    /// Its severity.
    pub severity: Severity,
    /// A name of a few words, for lists.
    pub name: &'static str,
}

macro_rules! codes {
    ($($(#[doc = $doc:literal])* $ident:ident = $number:literal $severity:ident $name:literal;)*) => {
        impl Code {
            $(
                #[doc = $name]
                pub const $ident: Self = Self($number);
            )*
        }
        /// Every code, in order of number.
        pub const REGISTRY: &[Entry] = &[
            $(Entry { code: Code::$ident, severity: Severity::$severity, name: $name },)*
        ];
    };
}

codes! {
    // Reading text.
    SYNTAX = 1 Error "syntax error";
    UNBALANCED = 2 Error "unbalanced braces or an unterminated string";
    NOT_TEXT = 3 Error "not text: invalid UTF-8 or NUL bytes";
    TOO_LARGE = 4 Error "too large or too deeply nested";
    NO_PACKAGE = 5 Error "file without a package clause";
    BAD_LITERAL = 6 Error "malformed literal";

    // Names and projects.
    UNKNOWN_NAME = 101 Error "unknown name";
    DUPLICATE_NAME = 102 Error "name declared twice";
    CYCLIC_USE = 103 Error "packages that use each other";
    NOT_IMPORTED = 104 Error "name of another package without an import";
    UNUSED_IMPORT = 105 Warning "import never used";
    WRONG_KIND = 106 Error "a name of another kind";
    RECURSION = 107 Error "definition that needs itself";
    BAD_PROJECT = 108 Error "project file that cannot be used";
    MISSING_FILE = 109 Error "file that cannot be read";
    AMBIGUOUS_NAME = 110 Error "name with more than one meaning";

    // Types.
    TYPE_MISMATCH = 201 Error "types that do not mix";
    BAD_ARGUMENTS = 202 Error "wrong arguments";
    NOT_CONSTANT = 203 Error "a constant is needed";
    OUT_OF_RANGE = 204 Error "value out of range";
    UNKNOWN_VARIANT = 205 Error "no such variant";
    BAD_PATTERN = 206 Error "pattern that cannot be compiled";
    UNBOUNDED = 207 Error "bound missing or too large";
    BAD_SCHEMA = 208 Error "schema that cannot evolve so";

    // Keys, actions and phases.
    NO_SCOPE = 301 Error "action on a crowd without a scope";
    NO_SPARING = 302 Error "action on a crowd that spares nobody";
    CLAIMED_USER = 303 Error "sparing a user who is only claimed";
    RESPONSE_PHASE = 304 Error "action on a request that has already been answered";
    BAD_ACTION = 305 Error "action that cannot be meant";
    NO_RIGHT = 306 Error "exemption without the right to it";
    RENEWING_CROWD = 307 Error "renewing on a place or software key";
    BAD_KEY = 308 Error "key that cannot be used here";
    NOT_MAPPED = 309 Error "required event that nothing supplies";
    BAD_SEQUENCE = 310 Error "sequence that cannot be matched";
    CONDITIONAL_EXEMPTION = 311 Error "exemption that depends on state";
    NO_BECAUSE = 312 Error "rule without a reason";

    // Lints.
    NEVER_TRUE = 401 Warning "condition that is never true";
    SUBSUMED = 402 Warning "rule implied by another";
    CONTRADICTION = 403 Warning "contradictory bounds";
    NEGATED_OPTIONAL = 404 Warning "optional field under negation";
    INSIDE_ERROR = 405 Warning "comparison inside its error band";
    UNUSED_SIGNAL = 406 Warning "signal that nothing reads";
    INACTIVE = 407 Warning "rule that nothing can wake";
    NO_LITERAL = 408 Warning "pattern without a literal";
    ALWAYS_TRUE = 409 Warning "condition that is always true";
    UNREACHABLE = 410 Warning "arm or rule that is never reached";
    UNUSED_DECLARATION = 411 Warning "declaration that nothing uses";

    // Tests.
    BAD_TEST = 501 Error "test that cannot run";
    TEST_WITHOUT_EXPECTATION = 502 Warning "test that expects nothing";

    // Lists, tables, models and limits.
    BAD_LIST = 601 Error "list or table that cannot be loaded";
    STATE_BUDGET = 602 Error "state over budget";
    STALE_LIST = 603 Warning "list older than its limit";
    BAD_MODEL = 604 Error "model that cannot be used";
}

impl Code {
    /// Looks a code up by its text, `W0101` or `w0101`.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix(['W', 'w'])?;
        let number: u16 = digits.parse().ok()?;
        (digits.len() == 4).then_some(Self(number)).filter(|code| code.entry().is_some())
    }

    /// Its registry entry. Every constant of this type has one.
    pub fn entry(self) -> Option<&'static Entry> {
        REGISTRY.iter().find(|entry| entry.code == self)
    }

    /// Its severity.
    pub fn severity(self) -> Severity {
        self.entry().map_or(Severity::Error, |entry| entry.severity)
    }

    /// Its name of a few words.
    pub fn name(self) -> &'static str {
        self.entry().map_or("", |entry| entry.name)
    }

    /// Its documentation page, from the project's root.
    pub fn page(self) -> String {
        format!("docs/diagnostics/{self}.md")
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "W{:04}", self.0)
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
