//! A first look at a text: four bytes at each place against up to 32 lanes, each of which takes some bytes first, some second and so on.
//!
//! A lane holds a few fragments of words. Which bytes it takes is said by half bytes, so that a shuffle can look them up for 32 places at
//! once (Teddy, of Hyperscan: Wang et al., NSDI 2019): a byte is taken if both of its halves are. So a lane takes more than its fragments;
//! fragments are laid into lanes such that ordinary texts have little of the rest.
//!
//! ```text
//!  place:      p    p+1   p+2   p+3         lane k lets the place pass if it takes all four;
//!  text        n     f     i     g          a place is marked if any lane lets it pass
//!  low half   [lo0] [lo1] [lo2] [lo3]   each 16 entries of 8 lanes; one group of such tables for every 8 lanes
//!  high half  [hi0] [hi1] [hi2] [hi3]
//! ```

use crate::codec::{Reader, Unreadable, Writer};
use crate::commonplace::Commonplace;
use crate::simd;

/// Places of which marks are made together.
pub(crate) const PLACES: usize = 512;

/// Bytes of a place that are looked at.
pub(crate) const WIDTH: usize = 4;

/// Marks of so many places, as bits.
pub(crate) type Marks = [u64; PLACES / 64];

/// Bytes first to fourth by their low and high halves: which of eight lanes take them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C, align(32))]
pub(crate) struct Group {
    /// Each table twice, for both halves of a register of 32 bytes.
    pub(crate) low: [[u8; 32]; WIDTH],
    pub(crate) high: [[u8; 32]; WIDTH],
}

/// One to four bytes that a word cannot do without. What is missing may be anything.
pub(crate) type Fragment = [Option<u8>; WIDTH];

/// The lanes of a set of words.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Lanes {
    groups: Box<[Group]>,
    /// The same by whole bytes, for machines without the instructions.
    bytes: Box<[[u32; 256]; WIDTH]>,
    fast: bool,
}

impl Lanes {
    /// Lays fragments into lanes: 8 of them, or 16 or 32 where that spares more than it costs.
    pub(crate) fn build(fragments: &[Fragment], common: &Commonplace) -> Lanes {
        let mut fragments = fragments.to_vec();
        fragments.sort_unstable();
        fragments.dedup();
        let choose = |count: usize| {
            let lanes = Lanes::from_groups(lay(&fragments, 8 * count, common));
            (lanes.price(), lanes)
        };
        let mut best = choose(1);
        for count in [2, 4] {
            if fragments.len() > 4 * count {
                let other = choose(count);
                if other.0 < best.0 {
                    best = other;
                }
            }
        }
        best.1
    }

    pub(crate) fn from_groups(groups: Box<[Group]>) -> Lanes {
        let mut bytes = Box::new([[0; 256]; WIDTH]);
        for (place, table) in bytes.iter_mut().enumerate() {
            for (byte, lanes) in table.iter_mut().enumerate() {
                for (index, group) in groups.iter().enumerate() {
                    let low = group.low.get(place).and_then(|table| table.get(byte & 15));
                    let high = group.high.get(place).and_then(|table| table.get(byte >> 4));
                    if let (Some(low), Some(high)) = (low, high) {
                        *lanes |= u32::from(low & high) << (8 * index);
                    }
                }
            }
        }
        Lanes { groups, bytes, fast: simd::available() }
    }

    /// Picoseconds for an ordinary text, roughly: 32 places a block and group, and what is marked for nothing.
    fn price(&self) -> u64 {
        let (mut marked, mut texts) = (0, 0);
        for text in Commonplace::texts() {
            texts += 1;
            let mut marks = Marks::default();
            self.mark_slowly(text.as_bytes(), &mut marks);
            marked += marks.iter().map(|word| u64::from(word.count_ones())).sum::<u64>();
        }
        marked * 4_000 / texts + self.groups.len() as u64 * 6_000
    }

    /// Marks the places of at most [`PLACES`] that pass; clears the others. Behind the text come zeros.
    #[inline]
    pub(crate) fn mark(&self, text: &[u8], marks: &mut Marks) {
        if self.fast { simd::mark(&self.groups, text, marks) } else { self.mark_slowly(text, marks) }
    }

    /// As [`mark`](Self::mark), with no more than the language has.
    pub(crate) fn mark_slowly(&self, text: &[u8], marks: &mut Marks) {
        let [first, second, third, fourth] = &*self.bytes;
        let take = |table: &[u32; 256], byte: Option<&u8>| {
            table.get(usize::from(byte.copied().unwrap_or(0))).copied().unwrap_or(0)
        };
        *marks = Marks::default();
        for (word, base) in marks.iter_mut().zip((0..text.len().min(PLACES)).step_by(64)) {
            let block = text.get(base..).unwrap_or_default();
            for place in 0..block.len().min(64) {
                let passes = take(first, block.get(place))
                    & take(second, block.get(place + 1))
                    & take(third, block.get(place + 2))
                    & take(fourth, block.get(place + 3));
                *word |= u64::from(passes != 0) << place;
            }
        }
    }

    pub(crate) fn write(&self, writer: &mut Writer) {
        writer.u32(self.groups.len() as u32);
        for group in &self.groups {
            for table in group.low.iter().chain(&group.high) {
                writer.slice(table.get(..16).unwrap_or_default());
            }
        }
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Lanes, Unreadable> {
        let count = reader.u32()?;
        if ![1, 2, 4].contains(&count) {
            return Err(Unreadable::Damaged);
        }
        let mut groups = Vec::new();
        for _ in 0..count {
            let mut group = Group::default();
            for table in group.low.iter_mut().chain(&mut group.high) {
                let half: [u8; 16] = reader.slice()?.try_into().map_err(|_| Unreadable::Damaged)?;
                for (to, from) in table.iter_mut().zip(half.iter().cycle()) {
                    *to = *from;
                }
            }
            groups.push(group);
        }
        Ok(Lanes::from_groups(groups.into()))
    }
}

/// Which bytes one lane takes.
#[derive(Clone, Copy, Default)]
struct Lane {
    low: [u16; WIDTH],
    high: [u16; WIDTH],
    /// The share of ordinary bytes that it takes first, second and so on.
    share: [f32; WIDTH],
    used: bool,
}

impl Lane {
    fn with(mut self, fragment: &Fragment, common: &Commonplace) -> Lane {
        self.used = true;
        let parts = self.low.iter_mut().zip(&mut self.high).zip(&mut self.share);
        for (((low, high), share), byte) in parts.zip(fragment) {
            let before = (*low, *high);
            match byte {
                Some(byte) => {
                    *low |= 1 << (byte & 15);
                    *high |= 1 << (byte >> 4);
                }
                None => (*low, *high) = (u16::MAX, u16::MAX),
            }
            if before != (*low, *high) {
                *share = common.share(*low, *high);
            }
        }
        self
    }

    fn passes(&self) -> f32 {
        if self.used { self.share.iter().product() } else { 0.0 }
    }
}

/// Each fragment into the lane that takes the least more of ordinary texts for it.
fn lay(fragments: &[Fragment], count: usize, common: &Commonplace) -> Box<[Group]> {
    let mut lanes = vec![Lane::default(); count];
    for fragment in fragments {
        let mut best: Option<(f32, &mut Lane, Lane)> = None;
        for lane in &mut lanes {
            let with = lane.with(fragment, common);
            let more = with.passes() - lane.passes();
            if best.as_ref().is_none_or(|best| more < best.0) {
                best = Some((more, lane, with));
            }
        }
        if let Some((_, lane, with)) = best {
            *lane = with;
        }
    }
    let groups = lanes.chunks(8).map(|lanes| {
        let mut group = Group::default();
        for (bit, lane) in lanes.iter().enumerate() {
            for (tables, masks) in [(&mut group.low, &lane.low), (&mut group.high, &lane.high)] {
                for (table, mask) in tables.iter_mut().zip(masks) {
                    for (entry, lanes) in table.iter_mut().enumerate() {
                        *lanes |= u8::from(mask >> (entry % 16) & 1 == 1) << bit;
                    }
                }
            }
        }
        group
    });
    groups.collect()
}
