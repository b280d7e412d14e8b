//! What a journal holds.

use weir_compiler::hir::Hir;
use weir_engine::wire::{Bytes, Decoder, Error, put_input, put_outcomes, put_text, put_u64};
use weir_engine::{CallRequest, Input, Outcome, Seq};

/// Something that an engine was given.
#[derive(Clone, Debug)]
pub enum Entry {
    /// An input: a request, a response, a command, time that passes.
    Input(Input),
    /// What `resume` was given for a decision that waited for models.
    Outcomes {
        /// The decision's number.
        seq: Seq,
        /// In the order of its calls.
        outcomes: Vec<Outcome>,
    },
    /// Lists, tables or schedules were loaded; what they hold is elsewhere, under this hash.
    Loaded {
        /// Which.
        contents: Contents,
        /// Their name, in full.
        name: String,
        /// SHA-256 of what was loaded.
        hash: [u8; 32],
    },
}

/// Kinds of what is loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contents {
    /// A list.
    List,
    /// A table.
    Table,
    /// A schedule.
    Schedule,
}

const INPUT: u8 = 1;
const OUTCOMES: u8 = 2;
const LOADED: u8 = 3;

pub(crate) fn put_entry_input(out: &mut Vec<u8>, hir: &Hir, input: &Input) {
    out.push(INPUT);
    put_input(out, &hir.schema, input);
}

pub(crate) fn put_entry_outcomes(
    out: &mut Vec<u8>,
    hir: &Hir,
    seq: Seq,
    calls: &[CallRequest],
    outcomes: &[Outcome],
) {
    out.push(OUTCOMES);
    put_u64(out, seq.0);
    // What is not given counts as failed: it is written so.
    let each =
        calls.iter().enumerate().map(|(at, call)| (call.model, outcomes.get(at).unwrap_or(&Outcome::Failed)));
    put_outcomes(out, hir, each);
}

pub(crate) fn put_entry_loaded(out: &mut Vec<u8>, contents: Contents, name: &str, hash: [u8; 32]) {
    out.push(LOADED);
    out.push(match contents {
        Contents::List => 0,
        Contents::Table => 1,
        Contents::Schedule => 2,
    });
    put_text(out, name);
    out.extend_from_slice(&hash);
}

/// Reads the next entry.
pub(crate) fn entry(bytes: &mut Bytes<'_>, decoder: &mut Decoder<'_>) -> Result<Entry, Error> {
    Ok(match bytes.byte()? {
        INPUT => Entry::Input(decoder.input(bytes)?),
        OUTCOMES => Entry::Outcomes { seq: Seq(bytes.u64()?), outcomes: decoder.outcomes(bytes)? },
        LOADED => Entry::Loaded {
            contents: match bytes.byte()? {
                0 => Contents::List,
                1 => Contents::Table,
                2 => Contents::Schedule,
                _ => return Err(Error::Damaged("contents of no known kind")),
            },
            name: bytes.text()?.to_owned(),
            hash: bytes.array()?,
        },
        _ => return Err(Error::Damaged("an entry of no known kind")),
    })
}
