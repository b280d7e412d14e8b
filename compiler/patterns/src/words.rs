//! Words anywhere in a text: a filter over three bytes at each place, then a comparison with the few words that have these bytes.
//!
//! ```text
//!  text   M o z i l l a / 5 . 0 …        for each place: 7 + 5 bits of two bytes choose a number of the
//!           └─┬─┘                        filter, 5 bits of the third a bit of it
//!             ▼
//!  filter  [o:7 z:5] ── bit i:5 ──▶ 0: nothing begins here (nearly always)
//!             │
//!             ▼ 1
//!  buckets [o:7 z:5] ──▶ checks: the last eight bytes of a word as one number, then what is before them ──▶ an action
//! ```
//!
//! The three bytes of a word are those that are rarest in ordinary texts, wherever they stand in it.

use crate::codec::{Reader, Unreadable, Writer};
use crate::commonplace::Commonplace;

/// What is to be done where a word stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// A pattern holds.
    Found(u32),
    /// An expression may match from here on.
    Try(u32),
    /// An expression may match somewhere.
    Pend(u32),
}

/// Where a word has to stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Anywhere,
    Start,
    End,
}

/// A word, where it has to stand, and what is to be done then.
#[derive(Clone, Debug)]
pub(crate) struct Word {
    pub(crate) bytes: Vec<u8>,
    pub(crate) place: Place,
    pub(crate) action: Action,
}

/// Words that are looked for together.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Words {
    /// Of two bytes, the third bytes of interest.
    filter: Box<[u32; FILTER]>,
    /// Of two bytes, the checks: `checks[starts[i]..starts[i + 1]]`.
    starts: Box<[u32]>,
    checks: Box<[Check]>,
    /// The words without their last eight bytes, one after the other.
    pool: Box<[u8]>,
}

const FILTER: usize = 1 << 12;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Check {
    /// The last eight bytes, the last of them on top; of a shorter word as many as there are, on top.
    value: u64,
    /// From the place of the three bytes to the end of the word.
    ahead: u32,
    len: u32,
    /// Where the word is in the pool.
    pool: u32,
    /// The kind of action, the place, and an id, in 2, 2 and 28 bits.
    action: u32,
}

fn bucket(one: u8, two: u8) -> usize {
    usize::from(one & 0x7F) << 5 | usize::from(two & 0x1F)
}

impl Words {
    /// `None` of no words. No word is empty, no id is 2²⁸ or more.
    pub(crate) fn build(words: &[Word], common: &Commonplace) -> Option<Words> {
        if words.is_empty() {
            return None;
        }
        let mut filter = Box::new([0_u32; FILTER]);
        let mut buckets: Vec<Vec<Check>> = vec![Vec::new(); FILTER];
        let mut pool = Vec::new();
        for word in words {
            let bytes = &*word.bytes;
            let check = Check {
                value: last_eight(bytes),
                ahead: 0,
                len: u32::try_from(bytes.len()).ok()?,
                pool: u32::try_from(pool.len()).ok()?,
                action: pack(word.action, word.place)?,
            };
            pool.extend_from_slice(bytes);
            let (places, third, back) = match bytes {
                [] => continue,
                [one] => ((0..32).map(|two| bucket(*one, two)).collect(), u32::MAX, 0),
                [one, two] => (vec![bucket(*one, *two)], u32::MAX, 0),
                _ => {
                    let price = |(_, gram): &(usize, &[u8; 3])| {
                        let shared = buckets.get(bucket(gram[0], gram[1])).map_or(0, Vec::len) as u64;
                        (u64::from(common.often(*gram)) + 20) * (1 + shared)
                    };
                    let Some((back, [one, two, three])) = bytes.array_windows().enumerate().min_by_key(price)
                    else {
                        continue;
                    };
                    (vec![bucket(*one, *two)], 1 << (three & 31), back)
                }
            };
            for place in places {
                if let (Some(bits), Some(checks)) = (filter.get_mut(place), buckets.get_mut(place)) {
                    *bits |= third;
                    checks.push(Check { ahead: check.len - back as u32, ..check });
                }
            }
        }
        let (mut starts, mut checks) = (vec![0], Vec::new());
        for bucket in buckets {
            checks.extend(bucket);
            starts.push(u32::try_from(checks.len()).ok()?);
        }
        Some(Words { filter, starts: starts.into(), checks: checks.into(), pool: pool.into() })
    }

    /// Calls `act` for every word that stands in the text, with the place where it begins; for one that stands in two places, twice.
    #[inline]
    pub(crate) fn scan(&self, text: &[u8], mut act: impl FnMut(Action, usize)) {
        let mut base = 0;
        while base < text.len() {
            let rest = text.get(base..).unwrap_or_default();
            let mut mask = match rest.first_chunk() {
                Some(block) => self.mask(block),
                None => {
                    let mut block = [0; BLOCK + 3];
                    for (to, from) in block.iter_mut().zip(rest) {
                        *to = *from;
                    }
                    self.mask(&block)
                        & u64::MAX.checked_shr(64_u32.saturating_sub(rest.len() as u32)).unwrap_or(0)
                }
            };
            while mask != 0 {
                self.check(text, base + mask.trailing_zeros() as usize, &mut act);
                mask &= mask - 1;
            }
            base += BLOCK;
        }
    }

    /// Which of the places are interesting.
    fn mask(&self, block: &[u8; BLOCK + 3]) -> u64 {
        let mut mask = 0;
        for (place, bytes) in block.windows(4).take(BLOCK).enumerate() {
            if let [one, two, three, _] = bytes {
                let bits = self.filter.get(bucket(*one, *two)).copied().unwrap_or(0);
                mask |= u64::from(bits >> (three & 31) & 1) << place;
            }
        }
        mask
    }

    #[inline(always)]
    fn check(&self, text: &[u8], at: usize, act: &mut impl FnMut(Action, usize)) {
        let one = text.get(at).copied().unwrap_or(0);
        let two = text.get(at + 1).copied().unwrap_or(0);
        let from = self.starts.get(bucket(one, two)).copied().unwrap_or(0) as usize;
        let to = self.starts.get(bucket(one, two) + 1).copied().unwrap_or(0) as usize;
        for check in self.checks.get(from..to).unwrap_or_default() {
            let end = at + check.ahead as usize;
            let len = check.len as usize;
            let (Some(start), Some(before)) = (end.checked_sub(len), text.get(..end)) else { continue };
            let same = match before.last_chunk::<8>() {
                Some(last) => {
                    let differ = u64::from_le_bytes(*last) ^ check.value;
                    if len < 8 {
                        differ >> (64 - 8 * len as u32) == 0
                    } else {
                        differ == 0 && (len == 8 || self.same(before, start, check))
                    }
                }
                None => self.same(before, start, check),
            };
            if same {
                let (action, place) = unpack(check.action);
                let there = match place {
                    Place::Anywhere => true,
                    Place::Start => start == 0,
                    Place::End => end == text.len(),
                };
                if there {
                    act(action, start);
                }
            }
        }
    }

    #[inline(never)]
    fn same(&self, before: &[u8], start: usize, check: &Check) -> bool {
        let word = self.pool.get(check.pool as usize..check.pool as usize + check.len as usize);
        word.is_some() && before.get(start..) == word
    }

    pub(crate) fn bytes(&self) -> usize {
        4 * FILTER + 4 * self.starts.len() + size_of::<Check>() * self.checks.len() + self.pool.len()
    }

    pub(crate) fn write(&self, writer: &mut Writer) {
        // Most of the two tables is empty: buckets are written as the lengths of those that are not.
        let ends = self.starts.iter().skip(1);
        let used: Vec<_> = (self.starts.iter().zip(ends).enumerate())
            .filter(|(_, (from, to))| from != to)
            .map(|(bucket, (from, to))| (bucket as u32, to - from))
            .collect();
        writer.u32(used.len() as u32);
        for (bucket, count) in used {
            writer.u32(bucket);
            writer.u32(self.filter.get(bucket as usize).copied().unwrap_or(0));
            writer.u32(count);
        }
        writer.u32(self.checks.len() as u32);
        for check in &self.checks {
            writer.u32(check.value as u32);
            writer.u32((check.value >> 32) as u32);
            for number in [check.ahead, check.len, check.pool, check.action] {
                writer.u32(number);
            }
        }
        writer.slice(&self.pool);
    }

    /// Reads words whose actions name patterns and expressions below these numbers.
    pub(crate) fn read(reader: &mut Reader<'_>, patterns: u32, confirms: u32) -> Result<Words, Unreadable> {
        let mut filter = Box::new([0_u32; FILTER]);
        let mut counts = vec![0_u32; FILTER];
        for _ in 0..reader.count(12)? {
            let bucket = reader.u32()? as usize;
            let (bits, count) = (reader.u32()?, reader.u32()?);
            *filter.get_mut(bucket).ok_or(Unreadable::Damaged)? = bits;
            *counts.get_mut(bucket).ok_or(Unreadable::Damaged)? = count;
        }
        let (mut starts, mut sum) = (vec![0], 0_u32);
        for count in counts {
            sum = sum.checked_add(count).ok_or(Unreadable::Damaged)?;
            starts.push(sum);
        }
        let count = reader.count(24)?;
        let mut checks = Vec::with_capacity(count);
        for _ in 0..count {
            checks.push(Check {
                value: u64::from(reader.u32()?) | u64::from(reader.u32()?) << 32,
                ahead: reader.u32()?,
                len: reader.u32()?,
                pool: reader.u32()?,
                action: reader.u32()?,
            });
        }
        let pool = reader.slice()?;
        let sound = sum as usize == checks.len()
            && checks.iter().all(|check| {
                let known = match unpack(check.action).0 {
                    Action::Found(id) => id < patterns,
                    Action::Try(id) | Action::Pend(id) => id < confirms,
                };
                known
                    && check.len > 0
                    && check.ahead <= check.len
                    && check.pool as usize + check.len as usize <= pool.len()
            });
        let words = Words { filter, starts: starts.into(), checks: checks.into(), pool: pool.into() };
        if sound { Ok(words) } else { Err(Unreadable::Damaged) }
    }
}

/// Places that are looked at together.
const BLOCK: usize = 64;

fn last_eight(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |value, &byte| value >> 8 | u64::from(byte) << 56)
}

fn pack(action: Action, place: Place) -> Option<u32> {
    let place = match place {
        Place::Anywhere => 0,
        Place::Start => 1,
        Place::End => 2,
    };
    let (kind, id) = match action {
        Action::Found(id) => (0, id),
        Action::Try(id) => (1, id),
        Action::Pend(id) => (2, id),
    };
    (id < 1 << 28).then_some(kind << 30 | place << 28 | id)
}

fn unpack(packed: u32) -> (Action, Place) {
    let place = match packed >> 28 & 3 {
        0 => Place::Anywhere,
        1 => Place::Start,
        _ => Place::End,
    };
    let id = packed & ((1 << 28) - 1);
    let action = match packed >> 30 {
        0 => Action::Found(id),
        1 => Action::Try(id),
        _ => Action::Pend(id),
    };
    (action, place)
}
