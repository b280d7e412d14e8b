//! Records as a file: rule sets, and decisions made by them.
//!
//! ```text
//!  file     = "weir rec" version section*
//!  section  = kind length payload check
//!  kind 1   = a rule set, packed
//!  kind 2   = a decision: its rule set's name, its number, inputs, outcome, sealed part
//!  check    = the first 16 bytes of SHA-256 over kind, length and payload
//! ```

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};
use smol_str::SmolStr;
use weir_compiler::hir::Hir;

use super::Error;
use super::compiled::{Compiled, Reexecuted};
use super::look;
use super::rules::{Rules, RulesHash};
use crate::explain::Explanation;
use crate::wire::{Bytes, put_bytes, put_u64};

/// What a file of records begins with.
pub const MAGIC: &[u8; 8] = b"weir rec";
/// The version that is written.
pub const VERSION: u64 = 1;

const RULES: u8 = 1;
const DECISION: u8 = 2;
const CHECK: usize = 16;

/// A decision on record, not yet in a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// What its owner calls it: the line of a log, for one.
    pub number: u64,
    /// What was there, and what state answered.
    pub(super) inputs: Vec<u8>,
    /// The decision.
    pub(super) outcome: Vec<u8>,
    /// The personal fields in clear, sealed to somebody's key; empty where they are not kept.
    pub sealed: Vec<u8>,
}

impl Evidence {
    /// Of parts that were kept elsewhere than in a file.
    pub fn new(number: u64, inputs: Vec<u8>, outcome: Vec<u8>) -> Self {
        Self { number, inputs, outcome, sealed: Vec::new() }
    }

    /// What was there, and what state answered.
    pub fn inputs(&self) -> &[u8] {
        &self.inputs
    }

    /// The bytes of the decision.
    pub fn outcome(&self) -> &[u8] {
        &self.outcome
    }
}

/// Begins a file of records with the rule set of those that follow.
pub fn begin(out: &mut Vec<u8>, rules: &Rules) -> RulesHash {
    out.extend_from_slice(MAGIC);
    put_u64(out, VERSION);
    add_rules(out, rules)
}

/// Adds another rule set.
pub fn add_rules(out: &mut Vec<u8>, rules: &Rules) -> RulesHash {
    let (packed, hash) = rules.write();
    section(out, RULES, &packed);
    hash
}

/// Adds a decision made by a rule set that is in the file.
pub fn add(out: &mut Vec<u8>, rules: RulesHash, evidence: &Evidence) {
    let mut payload = Vec::with_capacity(evidence.inputs.len() + evidence.outcome.len() + 64);
    payload.extend_from_slice(&rules.0);
    put_u64(&mut payload, evidence.number);
    put_bytes(&mut payload, &evidence.inputs);
    put_bytes(&mut payload, &evidence.outcome);
    put_bytes(&mut payload, &evidence.sealed);
    section(out, DECISION, &payload);
}

fn section(out: &mut Vec<u8>, kind: u8, payload: &[u8]) {
    let from = out.len();
    out.push(kind);
    put_bytes(out, payload);
    let check = check(out.get(from..).unwrap_or_default());
    out.extend_from_slice(&check);
}

fn check(bytes: &[u8]) -> [u8; CHECK] {
    let digest: [u8; 32] = Sha256::digest(bytes).into();
    let mut check = [0; CHECK];
    check.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
    check
}

/// A file of records, read and its rule sets compiled.
#[derive(Debug)]
pub struct File {
    rules: BTreeMap<RulesHash, Compiled>,
    decisions: Vec<(RulesHash, Evidence)>,
}

impl File {
    /// Reads a file and compiles its rule sets.
    ///
    /// # Errors
    /// When a byte of it is not as it was written, or a rule set does not compile.
    pub fn open(bytes: &[u8]) -> Result<Self, Error> {
        let mut bytes = Bytes::new(bytes);
        match bytes.take(MAGIC.len()) {
            Ok(magic) if magic == MAGIC => {}
            _ => return Err(Error::Magic),
        }
        let version = bytes.u64()?;
        if version != VERSION {
            return Err(Error::Version(version));
        }
        let mut file = Self { rules: BTreeMap::new(), decisions: Vec::new() };
        while !bytes.is_empty() {
            let whole = bytes.rest();
            let kind = bytes.byte()?;
            let payload = bytes.bytes()?;
            let length = whole.len() - bytes.left();
            let sound = check(whole.get(..length).unwrap_or_default());
            if bytes.array::<CHECK>()? != sound {
                return Err(Error::Damaged("a section is not as it was written"));
            }
            match kind {
                RULES => {
                    let (rules, hash) = Rules::read(payload)?;
                    file.rules.insert(hash, rules.compile()?);
                }
                DECISION => {
                    let mut bytes = Bytes::new(payload);
                    let hash = RulesHash(bytes.array()?);
                    if !file.rules.contains_key(&hash) {
                        return Err(Error::Damaged("a decision without its rule set"));
                    }
                    let evidence = Evidence {
                        number: bytes.u64()?,
                        inputs: bytes.bytes()?.to_vec(),
                        outcome: bytes.bytes()?.to_vec(),
                        sealed: bytes.bytes()?.to_vec(),
                    };
                    bytes.end()?;
                    file.decisions.push((hash, evidence));
                }
                // A later build of this version may add kinds that change nothing of these.
                _ => {}
            }
        }
        Ok(file)
    }

    /// How many decisions there are.
    pub fn len(&self) -> usize {
        self.decisions.len()
    }

    /// True without any.
    pub fn is_empty(&self) -> bool {
        self.decisions.is_empty()
    }

    /// The decisions, in order.
    pub fn decisions(&self) -> impl Iterator<Item = &Evidence> {
        self.decisions.iter().map(|(_, evidence)| evidence)
    }

    /// The rule set that made a decision.
    pub fn hir(&self, nth: usize) -> Option<&Hir> {
        let (hash, _) = self.decisions.get(nth)?;
        self.rules.get(hash).map(Compiled::hir)
    }

    /// What the rule set of a decision is called.
    pub fn rules(&self, nth: usize) -> Option<RulesHash> {
        self.decisions.get(nth).map(|(hash, _)| *hash)
    }

    /// Makes a decision again, and compares. Cost: that of judging its events once.
    ///
    /// # Errors
    /// When there is none of that number, or its inputs do not fit its rule set.
    pub fn reexecute(&self, nth: usize) -> Result<Reexecuted, Error> {
        let (hash, evidence) = self.decisions.get(nth).ok_or(Error::None(nth))?;
        self.rules.get(hash).ok_or(Error::None(nth))?.reexecute(evidence)
    }

    /// Explains a decision made again, as the engine explained the first.
    ///
    /// # Errors
    /// When there is none of that number.
    pub fn explain(&self, nth: usize, made: &Reexecuted) -> Result<Explanation, Error> {
        let (hash, _) = self.decisions.get(nth).ok_or(Error::None(nth))?;
        let compiled = self.rules.get(hash).ok_or(Error::None(nth))?;
        Ok(compiled.explain(made))
    }
}

/// Reads the personal fields that were sealed, once they are open: for each look the names with their values.
///
/// # Errors
/// When the bytes are none of them.
pub fn personal(bytes: &[u8]) -> Result<Vec<Vec<(SmolStr, String)>>, Error> {
    let mut bytes = Bytes::new(bytes);
    let mut looks = Vec::new();
    while !bytes.is_empty() {
        looks.push(look::clear(&mut bytes)?);
    }
    Ok(looks)
}
