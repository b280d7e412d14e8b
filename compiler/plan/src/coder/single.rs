//! One pattern of a text, looked for by itself: class 1 where it is not found, 2 where it is.

use std::fmt;
use std::sync::Arc;

use memchr::memmem::Finder;
use regex::Regex;

use crate::coder::OTHER;
use crate::literal::Test;

/// A pattern.
#[derive(Clone, Debug)]
pub(crate) enum Single {
    Contains(Box<Finder<'static>>),
    StartsWith(Arc<str>),
    EndsWith(Arc<str>),
    Regex(Box<Regex>),
    /// What no compiler of expressions takes is found nowhere.
    Never,
}

impl Single {
    /// Of a test that is a pattern.
    pub(crate) fn new(test: &Test) -> Self {
        match test {
            Test::Contains(text) => Self::Contains(Box::new(Finder::new(text.as_bytes()).into_owned())),
            Test::StartsWith(text) => Self::StartsWith(Arc::clone(text)),
            Test::EndsWith(text) => Self::EndsWith(Arc::clone(text)),
            Test::Regex(regex) => Regex::new(regex).map_or(Self::Never, |regex| Self::Regex(Box::new(regex))),
            _ => Self::Never,
        }
    }

    /// The class of a text.
    #[inline]
    pub(crate) fn class(&self, text: &str) -> u32 {
        OTHER + u32::from(self.is_found(text))
    }

    /// Whether it is found in a text.
    #[inline]
    pub(crate) fn is_found(&self, text: &str) -> bool {
        match self {
            Self::Contains(finder) => finder.find(text.as_bytes()).is_some(),
            Self::StartsWith(start) => text.starts_with(&**start),
            Self::EndsWith(end) => text.ends_with(&**end),
            Self::Regex(regex) => regex.is_match(text),
            Self::Never => false,
        }
    }

    /// Looking takes no longer than remembering what was found.
    pub(crate) fn is_slight(&self) -> bool {
        matches!(self, Self::StartsWith(_) | Self::EndsWith(_) | Self::Never)
    }

    /// What it costs, as in [`cost`](crate::cost).
    pub(crate) fn cost(&self) -> f32 {
        match self {
            Self::Contains(_) => 15.0,
            Self::StartsWith(_) | Self::EndsWith(_) | Self::Never => 4.0,
            Self::Regex(_) => 120.0,
        }
    }
}

impl fmt::Display for Single {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Contains(finder) => write!(f, "holds {:?}", String::from_utf8_lossy(finder.needle())),
            Self::StartsWith(start) => write!(f, "starts with {start:?}"),
            Self::EndsWith(end) => write!(f, "ends with {end:?}"),
            Self::Regex(regex) => write!(f, "matches {:?}", regex.as_str()),
            Self::Never => f.write_str("never"),
        }
    }
}
