//! The rule set of a record: everything it is compiled from, so that any machine compiles the same.

use std::collections::BTreeSet;
use std::io::Read;
use std::sync::Arc;

use flate2::Compression;
use flate2::read::{DeflateDecoder, DeflateEncoder};
use sha2::{Digest, Sha256};
use smol_str::SmolStr;
use weir_compiler::analysis::{Analysis, Selection};
use weir_compiler::link::{Options as LinkOptions, Requires};
use weir_compiler::project::Manifest;
use weir_dsl::{FileId, Severity};

use super::Error;
use super::compiled::Compiled;
use crate::wire::{self, Bytes, put_text, put_u64};

/// The most bytes of policies that a record may hold once unpacked.
const MOST: u64 = 64 << 20;

/// What a rule set is compiled from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// Names and texts of policy files, in the order in which they were added.
    pub files: Vec<(SmolStr, Arc<str>)>,
    /// Name and text of the project file, if there is one.
    pub manifest: Option<(SmolStr, Arc<str>)>,
    /// The text of the project file that holds where that says nothing: the library's own.
    pub base: Option<Arc<str>>,
    /// What of them is linked.
    pub selection: Selection,
    /// Every rule acts, whatever its mode.
    pub as_if_enforce: bool,
    /// The events that something supplies; all, without one.
    pub mapped: Option<BTreeSet<SmolStr>>,
    /// A policy that requires an event which nothing supplies is refused, not left out.
    pub strict: bool,
}

/// What a rule set is called: SHA-256 of all it is compiled from.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RulesHash(pub [u8; 32]);

impl std::fmt::Display for RulesHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl std::fmt::Debug for RulesHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self}")
    }
}

fn put_names<'a>(out: &mut Vec<u8>, names: impl ExactSizeIterator<Item = &'a SmolStr>) {
    put_u64(out, names.len() as u64);
    names.for_each(|name| put_text(out, name));
}

fn names(bytes: &mut Bytes<'_>) -> Result<Vec<SmolStr>, wire::Error> {
    let mut names = Vec::new();
    for _ in 0..bytes.count()? {
        names.push(SmolStr::new(bytes.text()?));
    }
    Ok(names)
}

impl Rules {
    fn plain(&self) -> Vec<u8> {
        let mut out = Vec::new();
        put_u64(&mut out, self.files.len() as u64);
        for (name, text) in &self.files {
            put_text(&mut out, name);
            put_text(&mut out, text);
        }
        out.push(u8::from(self.manifest.is_some()));
        if let Some((name, text)) = &self.manifest {
            put_text(&mut out, name);
            put_text(&mut out, text);
        }
        out.push(u8::from(self.base.is_some()));
        if let Some(text) = &self.base {
            put_text(&mut out, text);
        }
        let Selection { policies, caps, derives, tunes } = &self.selection;
        [policies, caps, derives, tunes].into_iter().for_each(|list| put_names(&mut out, list.iter()));
        out.push(u8::from(self.as_if_enforce));
        out.push(u8::from(self.mapped.is_some()));
        if let Some(events) = &self.mapped {
            put_names(&mut out, events.iter());
        }
        out.push(u8::from(self.strict));
        out
    }

    /// Its name.
    pub fn hash(&self) -> RulesHash {
        RulesHash(Sha256::digest(self.plain()).into())
    }

    /// Its bytes, packed, and its name.
    pub(super) fn write(&self) -> (Vec<u8>, RulesHash) {
        let plain = self.plain();
        let hash = RulesHash(Sha256::digest(&plain).into());
        let mut packed = Vec::new();
        // Reading from memory does not fail.
        let _ = DeflateEncoder::new(plain.as_slice(), Compression::default()).read_to_end(&mut packed);
        (packed, hash)
    }

    /// Reads what [`Rules::write`] has written.
    pub(super) fn read(packed: &[u8]) -> Result<(Self, RulesHash), Error> {
        let mut plain = Vec::new();
        let unpacked = DeflateDecoder::new(packed).take(MOST + 1).read_to_end(&mut plain);
        if unpacked.is_err() || plain.len() as u64 > MOST {
            return Err(Error::Damaged("the rule set cannot be unpacked"));
        }
        let hash = RulesHash(Sha256::digest(&plain).into());
        let mut bytes = Bytes::new(&plain);
        let mut rules = Self::default();
        for _ in 0..bytes.count()? {
            rules.files.push((SmolStr::new(bytes.text()?), bytes.text()?.into()));
        }
        if bytes.truth()? {
            rules.manifest = Some((SmolStr::new(bytes.text()?), bytes.text()?.into()));
        }
        if bytes.truth()? {
            rules.base = Some(bytes.text()?.into());
        }
        let selection = &mut rules.selection;
        for list in
            [&mut selection.policies, &mut selection.caps, &mut selection.derives, &mut selection.tunes]
        {
            *list = names(&mut bytes)?;
        }
        rules.as_if_enforce = bytes.truth()?;
        if bytes.truth()? {
            rules.mapped = Some(names(&mut bytes)?.into_iter().collect());
        }
        rules.strict = bytes.truth()?;
        bytes.end()?;
        Ok((rules, hash))
    }

    /// Compiles it.
    ///
    /// # Errors
    /// When this build finds an error in it.
    pub(super) fn compile(&self) -> Result<Compiled, Error> {
        let mut analysis = Analysis::new();
        for (name, text) in &self.files {
            analysis.set_file(name, Arc::clone(text));
        }
        if let Some((name, text)) = &self.manifest {
            analysis.set_manifest(name, text);
        }
        if let Some(text) = &self.base {
            analysis.set_base(Manifest::parse(FileId::default(), text).0);
        }
        let found = analysis.found();
        let schema = &found.env.schema;
        let options = LinkOptions {
            as_if_enforce: self.as_if_enforce,
            mapped: self
                .mapped
                .as_ref()
                .map(|events| events.iter().filter_map(|name| schema.event(name)).collect()),
            requires: if self.strict { Requires::Refuse } else { Requires::LeaveOut },
        };
        let linked = found.link(&self.selection, &options);
        let error = linked.diagnostics.iter().find(|found| found.severity == Severity::Error);
        if let Some(error) = error {
            return Err(Error::Rules(error.title.clone()));
        }
        Ok(Compiled::new(linked.hir))
    }
}
