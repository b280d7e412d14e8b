//! The Weir standard library: policies, schemas, lists and samples, embedded.
