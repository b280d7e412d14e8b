//! Sets as bytes: a magic, a version, then fixed-width little-endian numbers and slices with their lengths before them.

use crate::pattern::{Pattern, Single};
use crate::plan::Plan;

/// Why bytes are not a set of patterns that this version reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// The bytes do not begin as those of a set do.
    #[error("not a set of patterns")]
    Magic,
    /// The bytes are of another version of this crate.
    #[error("a set of patterns of another version")]
    Version,
    /// The bytes end too early, go on too long, or contradict themselves.
    #[error("a damaged set of patterns")]
    Damaged,
}

const MAGIC: [u8; 4] = *b"WPS\0";

/// Raised whenever the layout or the meaning of a stored table changes.
const VERSION: u32 = 2;

/// Bytes in the making.
pub(crate) struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    pub(crate) fn u32(&mut self, value: u32) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    /// Slices of 4 GiB and more do not occur: limits are far below.
    pub(crate) fn slice(&mut self, bytes: &[u8]) {
        self.u32(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
        self.bytes.extend_from_slice(bytes);
    }

    pub(crate) fn table(&mut self, numbers: &[u32]) {
        self.u32(u32::try_from(numbers.len()).unwrap_or(u32::MAX));
        for &number in numbers {
            self.u32(number);
        }
    }
}

/// Bytes not yet read.
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn u32(&mut self) -> Result<u32, Unreadable> {
        let (head, rest) = self.rest.split_first_chunk().ok_or(Unreadable::Damaged)?;
        self.rest = rest;
        Ok(u32::from_le_bytes(*head))
    }

    /// A number of things of which each takes at least `bytes` bytes, so that nobody reserves what cannot come.
    pub(crate) fn count(&mut self, bytes: usize) -> Result<usize, Unreadable> {
        let count = self.u32()? as usize;
        if count > self.rest.len() / bytes.max(1) { Err(Unreadable::Damaged) } else { Ok(count) }
    }

    pub(crate) fn slice(&mut self) -> Result<&'a [u8], Unreadable> {
        let count = self.count(1)?;
        let (head, rest) = self.rest.split_at_checked(count).ok_or(Unreadable::Damaged)?;
        self.rest = rest;
        Ok(head)
    }

    pub(crate) fn table(&mut self) -> Result<Box<[u32]>, Unreadable> {
        let count = self.count(4)?;
        let (head, rest) = self.rest.split_at_checked(4 * count).ok_or(Unreadable::Damaged)?;
        self.rest = rest;
        Ok(head.as_chunks().0.iter().map(|chunk| u32::from_le_bytes(*chunk)).collect())
    }

    pub(crate) fn text(&mut self) -> Result<&'a str, Unreadable> {
        std::str::from_utf8(self.slice()?).map_err(|_| Unreadable::Damaged)
    }
}

pub(crate) fn write(singles: &[Single], plan: &Plan) -> Vec<u8> {
    let mut writer = Writer { bytes: MAGIC.to_vec() };
    writer.u32(VERSION);
    writer.u32(u32::try_from(singles.len()).unwrap_or(u32::MAX));
    for single in singles {
        let pattern = single.pattern();
        writer.u32(match pattern {
            Pattern::Contains(_) => 0,
            Pattern::StartsWith(_) => 1,
            Pattern::EndsWith(_) => 2,
            Pattern::Regex(_) => 3,
        });
        writer.slice(pattern.source().as_bytes());
    }
    plan.write(&mut writer);
    writer.bytes
}

pub(crate) fn read(bytes: &[u8]) -> Result<(Box<[Single]>, Plan), Unreadable> {
    let rest = bytes.strip_prefix(&MAGIC).ok_or(Unreadable::Magic)?;
    let mut reader = Reader { rest };
    if reader.u32().map_err(|_| Unreadable::Magic)? != VERSION {
        return Err(Unreadable::Version);
    }
    let count = reader.count(8)?;
    let mut singles = Vec::with_capacity(count);
    for _ in 0..count {
        let kind = reader.u32()?;
        let source = reader.text()?.into();
        singles.push(Single::new(&match kind {
            0 => Pattern::Contains(source),
            1 => Pattern::StartsWith(source),
            2 => Pattern::EndsWith(source),
            3 => Pattern::Regex(source),
            _ => return Err(Unreadable::Damaged),
        }));
    }
    let plan = Plan::read(&mut reader, count)?;
    if reader.rest.is_empty() { Ok((singles.into(), plan)) } else { Err(Unreadable::Damaged) }
}
