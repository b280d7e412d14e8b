//! Reading a journal, up to the first block that is not whole.

use std::fs;
use std::path::{Path, PathBuf};

use weir_compiler::hir::Hir;
use weir_engine::Secret;
use weir_engine::wire::{self, Bytes, Decoder, Dropped};

use crate::Error;
use crate::cipher::{Cipher, TAG};
use crate::entry::{Entry, entry};
use crate::head::Head;

/// How the files of a journal end.
pub(crate) const EXTENSION: &str = "weirjrnl";

/// The segments of a journal: a file is one, a folder may hold several, in the order in which they were written.
///
/// # Errors
/// When it cannot be read.
pub fn segments(path: &Path) -> Result<Vec<PathBuf>, Error> {
    if !path.is_dir() {
        return Ok(vec![path.to_path_buf()]);
    }
    let mut found = Vec::new();
    for file in fs::read_dir(path)? {
        let path = file?.path();
        if path.extension().is_some_and(|extension| extension == EXTENSION) {
            found.push(path);
        }
    }
    // Numbers have as many digits as the largest.
    found.sort();
    Ok(found)
}

/// The number of a segment's file.
pub fn number(path: &Path) -> Option<u64> {
    path.file_stem()?.to_str()?.parse().ok()
}

/// Where a segment's sound part ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// At its end.
    Whole,
    /// In the middle: what follows was cut off, as by a crash, or is not as it was written.
    Torn {
        /// The byte at which the first unsound block begins.
        at: u64,
        /// Bytes from there on.
        left: u64,
    },
}

/// A segment, opened.
#[derive(Debug)]
pub struct Segment {
    /// Its head.
    pub head: Head,
    /// The entries of its sound blocks.
    plain: Vec<u8>,
    /// How many blocks are sound.
    pub blocks: u64,
    /// Where they end.
    pub end: End,
}

impl Segment {
    /// Opens the bytes of a segment: every block up to the first that is not whole.
    ///
    /// # Errors
    /// When they are none of a segment, or sealed with another secret.
    pub fn open(bytes: &[u8], secret: Secret) -> Result<Self, Error> {
        let mut left = Bytes::new(bytes);
        let head = Head::read(&mut left)?;
        let at = |left: &Bytes<'_>| bytes.len() - left.left();
        let cipher = Cipher::new(secret, &head.salt, bytes.get(..at(&left)).unwrap_or_default());
        let mut segment = Self { head, plain: Vec::new(), blocks: 0, end: End::Whole };
        while !left.is_empty() {
            let start = at(&left);
            match block(&mut left, &cipher, segment.blocks) {
                Some(plain) => segment.plain.extend_from_slice(&plain),
                // The first block is whole before anything is written: if it is all there, it is the secret.
                None if segment.blocks == 0 && bytes.len() >= start + 12 + TAG => return Err(Error::Secret),
                None => {
                    segment.end = End::Torn { at: start as u64, left: (bytes.len() - start) as u64 };
                    break;
                }
            }
            segment.blocks += 1;
        }
        Ok(segment)
    }

    /// Opens a file.
    ///
    /// # Errors
    /// When it cannot be read, and as [`Segment::open`].
    pub fn read(path: &Path, secret: Secret) -> Result<Self, Error> {
        Self::open(&fs::read(path)?, secret)
    }

    /// Its entries, for a rule set's schema.
    pub fn entries<'a>(&'a self, hir: &'a Hir) -> Entries<'a> {
        Entries {
            bytes: Bytes::new(&self.plain),
            decoder: Decoder::new(self.head.dictionary.clone(), hir),
            failed: false,
        }
    }
}

/// The next block, opened; nothing when it is not whole.
fn block(left: &mut Bytes<'_>, cipher: &Cipher, number: u64) -> Option<Vec<u8>> {
    let length = u32::from_le_bytes(left.array().ok()?);
    if u64::from_le_bytes(left.array().ok()?) != number {
        return None;
    }
    cipher.open(number, left.take(usize::try_from(length).ok()?).ok()?)
}

/// Entries, one by one; the first that cannot be read is the last.
#[derive(Debug)]
pub struct Entries<'a> {
    bytes: Bytes<'a>,
    decoder: Decoder<'a>,
    failed: bool,
}

impl Entries<'_> {
    /// What had no place in the schema so far.
    pub fn dropped(&self) -> Dropped {
        self.decoder.dropped()
    }
}

impl Iterator for Entries<'_> {
    type Item = Result<Entry, wire::Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed || self.bytes.is_empty() {
            return None;
        }
        let found = entry(&mut self.bytes, &mut self.decoder);
        self.failed = found.is_err();
        Some(found)
    }
}
