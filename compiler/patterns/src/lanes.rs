//! A first look at a text: four bytes at each place against up to 32 lanes, each of which takes some bytes first, some second and so on.
//!
//! A lane holds a few fragments of words, and takes whatever can be put together of their first, second, third and fourth bytes. A shuffle
//! looks up many places at once (Teddy, of Hyperscan: Wang et al., NSDI 2019): by half bytes, of which both must be taken, or by seven
//! bits where the machine can. So a lane takes more than its fragments; they are laid into lanes such that ordinary texts have little of
//! the rest.
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

/// For bytes first to fourth, by the whole byte: which lanes take them.
pub(crate) type Tables = [[u32; 256]; WIDTH];

/// Lanes that take nothing.
pub(crate) const NOTHING: Tables = [[0; 256]; WIDTH];

/// For bytes first to fourth, by their low and high halves: which of eight lanes take them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, align(32))]
pub(crate) struct Halves {
    /// Each table twice, for both halves of a register of 32 bytes.
    pub(crate) low: [[u8; 32]; WIDTH],
    pub(crate) high: [[u8; 32]; WIDTH],
}

/// For bytes first to fourth, by their low seven bits: which of eight lanes take them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, align(64))]
pub(crate) struct Sevenths {
    pub(crate) tables: [[u8; 128]; WIDTH],
}

/// One to four bytes that a word cannot do without. What is missing may be anything.
pub(crate) type Fragment = [Option<u8>; WIDTH];

/// The lanes of a set of words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lanes {
    /// Groups of eight lanes.
    count: usize,
    tables: Box<Tables>,
    /// What the instructions of this machine work with.
    level: Level,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Level {
    Plain,
    Halves(Box<[Halves]>),
    Sevenths(Box<[Sevenths]>),
}

impl Lanes {
    /// Lays fragments into lanes: 8 of them, or 16 or 32 where that spares more than it costs.
    pub(crate) fn build(fragments: &[Fragment], common: &Commonplace) -> Lanes {
        let mut best = (u64::MAX, 0, None);
        for count in [1, 2, 4] {
            if count == 1 || fragments.len() > 4 * count {
                let tables = lay(fragments, 8 * count, common);
                let price = price(&tables, count);
                if price < best.0 {
                    best = (price, count, Some(tables));
                }
            }
        }
        Lanes::new(best.1, best.2.unwrap_or_else(|| Box::new(NOTHING)))
    }

    fn new(count: usize, tables: Box<Tables>) -> Lanes {
        let mut lanes = Lanes { count, tables, level: Level::Plain };
        if simd::wide() {
            lanes.level = lanes.sevenths();
        } else if simd::narrow() {
            lanes.level = lanes.halves();
        }
        lanes
    }

    fn sevenths(&self) -> Level {
        Level::Sevenths((0..self.count).map(|group| Sevenths::of(&self.tables, group)).collect())
    }

    fn halves(&self) -> Level {
        Level::Halves((0..self.count).map(|group| Halves::of(&self.tables, group)).collect())
    }

    /// The same lanes for each kind of instructions that this machine has.
    #[cfg(test)]
    pub(crate) fn levels(&self) -> Vec<Lanes> {
        let mut levels = vec![Level::Plain];
        levels.extend(simd::narrow().then(|| self.halves()));
        levels.extend(simd::wide().then(|| self.sevenths()));
        levels
            .into_iter()
            .map(|level| Lanes { count: self.count, tables: self.tables.clone(), level })
            .collect()
    }

    /// Marks the places of at most [`PLACES`] that may pass, in as many words as these take. Behind the text come zeros.
    #[inline]
    pub(crate) fn mark(&self, text: &[u8], marks: &mut Marks) {
        match &self.level {
            Level::Sevenths(groups) => simd::mark_sevenths(groups, text, marks),
            Level::Halves(groups) => simd::mark_halves(groups, text, marks),
            Level::Plain => mark_plainly(&self.tables, text, marks),
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        size_of::<Tables>()
            + match &self.level {
                Level::Plain => 0,
                Level::Halves(groups) => size_of_val(&**groups),
                Level::Sevenths(groups) => size_of_val(&**groups),
            }
    }

    pub(crate) fn write(&self, writer: &mut Writer) {
        writer.u32(self.count as u32);
        for group in 0..self.count {
            for table in self.tables.iter() {
                writer.slice(&table.map(|lanes| (lanes >> (8 * group)) as u8));
            }
        }
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Lanes, Unreadable> {
        let count = reader.u32()? as usize;
        if ![1, 2, 4].contains(&count) {
            return Err(Unreadable::Damaged);
        }
        let mut tables = Box::new(NOTHING);
        for group in 0..count {
            for table in tables.iter_mut() {
                let bytes: &[u8; 256] = reader.slice()?.try_into().map_err(|_| Unreadable::Damaged)?;
                for (lanes, byte) in table.iter_mut().zip(bytes) {
                    *lanes |= u32::from(*byte) << (8 * group);
                }
            }
        }
        Ok(Lanes::new(count, tables))
    }
}

impl Halves {
    pub(crate) fn of(tables: &Tables, group: usize) -> Halves {
        let mut halves = Halves { low: [[0; 32]; WIDTH], high: [[0; 32]; WIDTH] };
        for ((table, low), high) in tables.iter().zip(&mut halves.low).zip(&mut halves.high) {
            for (byte, lanes) in table.iter().enumerate() {
                let lanes = (lanes >> (8 * group)) as u8;
                for (half, entry) in [(&mut *low, byte & 15), (&mut *high, byte >> 4)] {
                    half.iter_mut().skip(entry).step_by(16).for_each(|entry| *entry |= lanes);
                }
            }
        }
        halves
    }
}

impl Sevenths {
    pub(crate) fn of(tables: &Tables, group: usize) -> Sevenths {
        let mut sevenths = Sevenths { tables: [[0; 128]; WIDTH] };
        for (table, sevenths) in tables.iter().zip(&mut sevenths.tables) {
            for (byte, lanes) in table.iter().enumerate() {
                if let Some(entry) = sevenths.get_mut(byte & 127) {
                    *entry |= (lanes >> (8 * group)) as u8;
                }
            }
        }
        sevenths
    }
}

/// As [`Lanes::mark`], with no more than the language has.
pub(crate) fn mark_plainly(tables: &Tables, text: &[u8], marks: &mut Marks) {
    let [first, second, third, fourth] = tables;
    let take = |table: &[u32; 256], byte: Option<&u8>| {
        table.get(usize::from(byte.copied().unwrap_or(0))).copied().unwrap_or(0)
    };
    for (word, base) in marks.iter_mut().zip((0..text.len().min(PLACES)).step_by(64)) {
        let block = text.get(base..).unwrap_or_default();
        *word = 0;
        for place in 0..block.len().min(64) {
            let passes = take(first, block.get(place))
                & take(second, block.get(place + 1))
                & take(third, block.get(place + 2))
                & take(fourth, block.get(place + 3));
            *word |= u64::from(passes != 0) << place;
        }
    }
}

/// Picoseconds for an ordinary text, roughly: 32 places a block and group, and what is marked for nothing.
///
/// Half bytes are what it assumes, so that a set is the same on every machine.
fn price(tables: &Tables, count: usize) -> u64 {
    let mut product = Box::new(NOTHING);
    for group in 0..count {
        let halves = Halves::of(tables, group);
        for ((table, low), high) in product.iter_mut().zip(&halves.low).zip(&halves.high) {
            for (byte, lanes) in table.iter_mut().enumerate() {
                if let (Some(low), Some(high)) = (low.get(byte & 15), high.get(byte >> 4)) {
                    *lanes |= u32::from(low & high) << (8 * group);
                }
            }
        }
    }
    let (mut marked, mut texts) = (0, 0);
    for text in Commonplace::texts() {
        texts += 1;
        let mut marks = Marks::default();
        mark_plainly(&product, text.as_bytes(), &mut marks);
        marked += marks.iter().map(|word| u64::from(word.count_ones())).sum::<u64>();
    }
    marked * 4_000 / texts + count as u64 * 6_000
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
fn lay(fragments: &[Fragment], count: usize, common: &Commonplace) -> Box<Tables> {
    let mut lanes = vec![Lane::default(); count];
    let mut tables = Box::new(NOTHING);
    for fragment in fragments {
        let mut best: Option<(f32, usize, &mut Lane, Lane)> = None;
        for (index, lane) in lanes.iter_mut().enumerate() {
            let with = lane.with(fragment, common);
            let more = with.passes() - lane.passes();
            if best.as_ref().is_none_or(|best| more < best.0) {
                best = Some((more, index, lane, with));
            }
        }
        if let Some((_, index, lane, with)) = best {
            *lane = with;
            for (table, byte) in tables.iter_mut().zip(fragment) {
                match byte {
                    Some(byte) => table
                        .iter_mut()
                        .skip(usize::from(*byte))
                        .take(1)
                        .for_each(|entry| *entry |= 1 << index),
                    None => table.iter_mut().for_each(|entry| *entry |= 1 << index),
                }
            }
        }
    }
    tables
}
