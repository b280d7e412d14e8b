//! Reads segments, as far as they are whole.

use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use smol_str::SmolStr;
use weir_engine::NameHash;

use crate::row::{Row, SaidRow};
use crate::{DECISION, EXTENSION, HEAD, MAGIC, NAME, SAID, SUM, VERSION};

/// What a segment holds, in the order in which it was written.
#[derive(Clone, Debug, PartialEq)]
pub enum Found {
    /// A rule's name.
    Name(NameHash, SmolStr),
    /// A decision.
    Decision(Row),
    /// What somebody said.
    Said(SaidRow),
}

/// How a segment ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// With its last row.
    Whole,
    /// Cut off or damaged: what follows from this byte on was left.
    Damaged {
        /// Where the first row begins that cannot be read.
        from: u64,
        /// How many bytes were left.
        left: u64,
    },
    /// It does not begin as a segment, or is of a later version.
    Foreign,
}

/// The segments of a ledger, in order of month and number.
///
/// # Errors
/// When the folder cannot be read.
pub fn segments(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == EXTENSION) && path.is_file() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Hands what a segment holds to `take`. Cost: one row in memory.
///
/// # Errors
/// When the file cannot be opened, or the disk refuses.
pub fn read(path: &Path, take: impl FnMut(Found)) -> io::Result<Ending> {
    let file = File::open(path)?;
    let size = file.metadata()?.len();
    read_from(BufReader::with_capacity(1 << 20, file), size, take)
}

/// As many bytes as there are, up to the buffer's length.
fn fill(from: &mut impl Read, into: &mut [u8]) -> io::Result<bool> {
    match from.read_exact(into) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

pub(crate) fn read_from(mut from: impl Read, size: u64, mut take: impl FnMut(Found)) -> io::Result<Ending> {
    let mut start = [0; MAGIC.len() + 2];
    if !fill(&mut from, &mut start)? || !start.starts_with(MAGIC) || !start.ends_with(&VERSION.to_le_bytes())
    {
        return Ok(Ending::Foreign);
    }
    let mut at = start.len() as u64;
    let mut body = Vec::new();
    while at < size {
        let damaged = Ending::Damaged { from: at, left: size - at };
        let mut head = [0; HEAD];
        if !fill(&mut from, &mut head)? {
            return Ok(damaged);
        }
        let [kind, low, high] = head;
        let length = usize::from(u16::from_le_bytes([low, high]));
        body.resize(length, 0);
        let mut sum = [0; SUM];
        if !fill(&mut from, &mut body)? || !fill(&mut from, &mut sum)? {
            return Ok(damaged);
        }
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(&head);
        hasher.update(&body);
        if hasher.finalize().to_le_bytes() != sum {
            return Ok(damaged);
        }
        let found = match kind {
            NAME => postcard::take_from_bytes(&body).map(|((hash, name), _)| Some(Found::Name(hash, name))),
            DECISION => postcard::take_from_bytes(&body).map(|(row, _)| Some(Found::Decision(row))),
            SAID => postcard::take_from_bytes(&body).map(|(row, _)| Some(Found::Said(row))),
            _ => Ok(None),
        };
        match found {
            Ok(found) => found.into_iter().for_each(&mut take),
            Err(_) => return Ok(damaged),
        }
        at += (HEAD + length + SUM) as u64;
    }
    Ok(Ending::Whole)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frame(kind: u8, body: &[u8]) -> Vec<u8> {
        let mut bytes = vec![kind];
        bytes.extend_from_slice(&(body.len() as u16).to_le_bytes());
        bytes.extend_from_slice(body);
        let sum = crc32fast::hash(&bytes);
        bytes.extend_from_slice(&sum.to_le_bytes());
        bytes
    }

    fn segment(frames: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend(frames.concat());
        bytes
    }

    fn names(bytes: &[u8]) -> (usize, Ending) {
        let mut count = 0;
        let ending = read_from(bytes, bytes.len() as u64, |_| count += 1).unwrap();
        (count, ending)
    }

    fn name(text: &str) -> Vec<u8> {
        postcard::to_allocvec(&(NameHash(7), text)).unwrap()
    }

    #[test]
    fn what_comes_before_the_damage_is_taken() {
        let frames =
            [frame(NAME, &name("a")), frame(200, b"later"), frame(NAME, &[name("b"), vec![9]].concat())];
        let whole = segment(&frames);
        assert_eq!(names(&whole), (2, Ending::Whole));
        let (count, ending) = names(&whole[..whole.len() - 1]);
        let left = frames[2].len() as u64 - 1;
        assert_eq!(
            (count, ending),
            (1, Ending::Damaged { from: (whole.len() - frames[2].len()) as u64, left })
        );
        assert_eq!(names(b"WEIRLEDG"), (0, Ending::Foreign));
        assert_eq!(names(b"something else"), (0, Ending::Foreign));
        assert_eq!(names(&segment(&[])), (0, Ending::Whole));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), kind in 0_u8..5) {
            names(&segment(&[frame(kind, &bytes), bytes.clone()]));
            names(&bytes);
        }

        #[test]
        fn a_flipped_bit_is_noticed(at in 10_usize..60, bit in 0_u8..8) {
            let mut bytes = segment(&[frame(NAME, &name("a-name-of-some-length")), frame(NAME, &name("other"))]);
            let at = at.min(bytes.len() - 1);
            bytes[at] ^= 1 << bit;
            prop_assert!(names(&bytes).1 != Ending::Whole);
        }
    }
}
