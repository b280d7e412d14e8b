//! The ledger: a line for every decision in which something happened, kept on disk for as long as truth may take.
//!
//! An engine remembers decisions for hours; a chargeback comes after months. So whoever runs an engine appends to a
//! [`Writer`] what matched, was held or stopped, and [`Stats`] joins it with labels by the decision's id and
//! says how right each rule was. No personal value is in it: an id, a time, verdicts, rules by the hash of their
//! names with a dictionary beside, and the score.
//!
//! ```text
//!  Decision ──Writer──▶ DIR/2026-01.0000.weirledger, 2026-01.0001…, 2026-02.0000… ──read──▶ Row ──▶ Stats ◀── labels
//! ```
//!
//! # Format
//!
//! A segment begins with `WEIRLEDG` and a version (2 bytes). Frames follow, numbers little-endian: a kind (1 byte), the
//! length of the body (2), the body in postcard's encoding, and a CRC-32 of the three. Kinds: 1 a name and its hash, before its first
//! use; 2 a decision; 3 what somebody said of one. A writer never touches a segment that another began, so at most a tail is
//! damaged; a reader takes what comes before the damage and says how much it left.
//!
//! **Evolution.** A reader passes over kinds it does not know and bytes after those it knows of a body, so both may be added; anything
//! else is a new version. Verdicts are numbers of their own ([`Row`]), never positions in the lattice.

mod precision;
mod reader;
mod row;
mod stats;
mod writer;

pub use precision::Precision;
pub use reader::{Ending, Found, read, segments};
pub use row::{Fired, How, Row, SaidRow};
pub use stats::{RuleStats, Stats};
pub use writer::Writer;

const MAGIC: &[u8; 8] = b"WEIRLEDG";
const VERSION: u16 = 1;
/// Kind, length and checksum.
const HEAD: usize = 3;
const SUM: usize = 4;

const NAME: u8 = 1;
const DECISION: u8 = 2;
const SAID: u8 = 3;

/// What the names of segments end with.
const EXTENSION: &str = "weirledger";
