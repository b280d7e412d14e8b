//! Appends decisions to a folder of monthly segments.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use serde::Serialize;
use weir_compiler::civil;
use weir_engine::{Decision, Engine, NameHash, Told};

use crate::row::{Row, SaidRow};
use crate::{DECISION, EXTENSION, MAGIC, NAME, SAID, VERSION};

/// A segment of more bytes than this is followed by another.
const SEGMENT: u64 = 256 << 20;
/// Months that are open at once: decisions come nearly in order.
const OPEN: usize = 3;

/// Appends to a ledger. Every writer begins segments of its own.
#[derive(Debug)]
pub struct Writer {
    folder: PathBuf,
    open: BTreeMap<String, Segment>,
    written: u64,
}

#[derive(Debug)]
struct Segment {
    file: BufWriter<File>,
    bytes: u64,
    /// Names that are in it.
    names: BTreeSet<NameHash>,
}

impl Writer {
    /// In a folder, which is made where it is missing.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn new(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        Ok(Self { folder: folder.to_path_buf(), open: BTreeMap::new(), written: 0 })
    }

    /// Adds a decision; nothing is written of one in which nothing happened.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn add(&mut self, engine: &Engine, decision: &Decision) -> io::Result<()> {
        let Some((row, names)) = Row::of(engine, decision) else { return Ok(()) };
        let segment = self.segment(row.at)?;
        for (hash, name) in names {
            if segment.names.insert(hash) {
                segment.frame(NAME, &(hash, name))?;
            }
        }
        segment.frame(DECISION, &row)?;
        self.written += 1;
        Ok(())
    }

    /// Adds what somebody said of a decision at a time.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn tell(&mut self, told: Told, at: i64) -> io::Result<()> {
        self.segment(at)?.frame(SAID, &SaidRow::new(told, at))?;
        self.written += 1;
        Ok(())
    }

    /// Rows written.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Hands everything to the operating system.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn flush(&mut self) -> io::Result<()> {
        self.open.values_mut().try_for_each(|segment| segment.file.flush())
    }

    fn segment(&mut self, at: i64) -> io::Result<&mut Segment> {
        let month = month(at);
        if self.open.get(&month).is_some_and(|segment| segment.bytes >= SEGMENT)
            && let Some(mut full) = self.open.remove(&month)
        {
            full.file.flush()?;
        }
        if !self.open.contains_key(&month)
            && self.open.len() >= OPEN
            && let Some((_, mut oldest)) = self.open.pop_first()
        {
            oldest.file.flush()?;
        }
        match self.open.entry(month) {
            std::collections::btree_map::Entry::Occupied(known) => Ok(known.into_mut()),
            std::collections::btree_map::Entry::Vacant(place) => {
                let segment = Segment::begin(&self.folder, place.key())?;
                Ok(place.insert(segment))
            }
        }
    }
}

/// `2026-01`; times that no calendar has a name for go together.
fn month(at: i64) -> String {
    let text = civil::format(at);
    let is_month = |text: &&str| {
        text.bytes().enumerate().all(|(at, b)| if at == 4 { b == b'-' } else { b.is_ascii_digit() })
    };
    text.get(..7).filter(is_month).unwrap_or("0000-00").to_owned()
}

impl Segment {
    /// The first of the month's numbers that nobody has taken.
    fn begin(folder: &Path, month: &str) -> io::Result<Self> {
        for number in 0..10_000 {
            let path = folder.join(format!("{month}.{number:04}.{EXTENSION}"));
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                Ok(file) => {
                    let mut file = BufWriter::new(file);
                    file.write_all(MAGIC)?;
                    file.write_all(&VERSION.to_le_bytes())?;
                    return Ok(Self { file, bytes: 0, names: BTreeSet::new() });
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::Error::other("a month has more segments than there are numbers"))
    }

    fn frame(&mut self, kind: u8, body: &impl Serialize) -> io::Result<()> {
        let body = postcard::to_allocvec(body).map_err(io::Error::other)?;
        // A decision with thousands of rules: the reader could not tell its length, so it is not written.
        let Ok(length) = u16::try_from(body.len()) else {
            return Err(io::Error::other("a row of more than 64 KiB"));
        };
        let mut sum = crc32fast::Hasher::new();
        for part in [&[kind][..], &length.to_le_bytes(), &body] {
            sum.update(part);
            self.file.write_all(part)?;
        }
        self.file.write_all(&sum.finalize().to_le_bytes())?;
        self.bytes += body.len() as u64;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_is_a_name_for_a_file_whatever_the_time() {
        assert_eq!(month(1_767_571_200_000), "2026-01");
        for at in [i64::MIN, -62_200_000_000_000, i64::MAX, 300_000_000_000_000] {
            assert_eq!(month(at).len(), 7, "{}", month(at));
            assert!(month(at).bytes().all(|b| b.is_ascii_digit() || b == b'-'));
        }
    }
}
