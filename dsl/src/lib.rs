//! The Weir policy language: text to syntax tree and diagnostics, and back.
