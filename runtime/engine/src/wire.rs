//! How events, inputs and values are written as bytes: compact, deterministic, and without any id.
//!
//! ```text
//!  Dictionary   names and types, once
//!  inputs       event = position · bits of its slots · values
//!  values       kind byte · body
//! ```
//!
//! Equal values have equal bytes. Reading is total and bounded by the number of bytes, and finds every name again
//! in the present schema: `docs/reference/journal.md`.

mod bytes;
mod dictionary;
mod input;
mod value;

pub use bytes::{Bytes, Error, put_bytes, put_i64, put_text, put_u64};
pub use dictionary::Dictionary;
pub use input::{Decoder, Dropped, put_input, put_outcomes, put_record};
pub use value::{Variants, put_type, put_value, ty, value};
