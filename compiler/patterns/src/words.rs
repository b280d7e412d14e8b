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

use std::collections::BTreeSet;

use crate::codec::{Reader, Unreadable, Writer};
use crate::commonplace::Commonplace;
use crate::lanes::{Fragment, Lanes, Marks, PLACES, WIDTH};

/// What is to be done where a word stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// A pattern holds.
    Found(u32),
    /// An expression may match from here on.
    Try(u32),
    /// Some expressions may match somewhere: the row that says which.
    Pend(u32),
}

/// Where a word has to stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Words {
    lanes: Lanes,
    /// Of two bytes, the third bytes of interest.
    filter: Box<[u32; FILTER]>,
    /// Of two bytes, the checks: `checks[starts[i]..starts[i + 1]]`.
    starts: Box<[u32]>,
    checks: Box<[Check]>,
    /// The words, one after the other.
    pool: Box<[u8]>,
    /// Where one word has several actions: how many, then these.
    several: Box<[u32]>,
}

const FILTER: usize = 1 << 12;

/// Room for the places that the filter lets pass.
pub(crate) type Hits = [u16; PLACES];

/// What a fragment that is looked for already may be more common than a new one, in thousandths of a time a text.
const NEW: u64 = 25;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Check {
    /// The last eight bytes, the last of them on top; of a shorter word as many as there are, on top.
    value: u64,
    /// The first eight bytes of a longer word.
    head: u64,
    /// From the place of the three bytes to the end of the word.
    ahead: u32,
    len: u32,
    /// Bits of `value` that say nothing.
    shift: u32,
    /// Where the word is in the pool.
    pool: u32,
    /// The place where it has to stand, and the action: see [`pack`] and [`SEVERAL`].
    action: u32,
}

fn bucket(one: u8, two: u8) -> usize {
    usize::from(one & 0x7F) << 5 | usize::from(two & 0x1F)
}

/// Of the two bytes behind those of a bucket, which bit of the filter's number stands for them.
fn bit(three: u8, four: u8) -> u32 {
    u32::from(three.wrapping_add(four.wrapping_mul(3)) & 0x1F)
}

impl Words {
    /// `None` of no words. No word is empty, no id is 2²⁸ or more.
    pub(crate) fn build(mut words: Vec<Word>, common: &Commonplace) -> Option<Words> {
        if words.is_empty() {
            return None;
        }
        words.sort_by(|one, other| (&one.bytes, one.place).cmp(&(&other.bytes, other.place)));
        let mut filter = Box::new([0_u32; FILTER]);
        let mut buckets: Vec<Vec<Check>> = vec![Vec::new(); FILTER];
        let (mut pool, mut several) = (Vec::new(), Vec::new());
        let mut fragments: BTreeSet<Fragment> = BTreeSet::new();
        for group in words.chunk_by(|one, other| one.bytes == other.bytes && one.place == other.place) {
            let Some(Word { bytes, place, action }) = group.first() else { continue };
            let action = if group.len() == 1 {
                pack(*action, *place)?
            } else {
                let list = several.len() as u32 | SEVERAL;
                several.push(u32::try_from(group.len()).ok()?);
                for word in group {
                    several.push(pack(word.action, *place)?);
                }
                list
            };
            let check = Check {
                value: last_eight(bytes),
                head: bytes.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes)),
                ahead: 0,
                len: u32::try_from(bytes.len()).ok()?,
                shift: 64 - 8 * bytes.len().min(8) as u32,
                pool: u32::try_from(pool.len()).ok()?,
                action,
            };
            pool.extend_from_slice(bytes);
            let bytes = &**bytes;
            let (places, third, back) = match bytes {
                [] => continue,
                [one] => ((0..32).map(|two| bucket(*one, two)).collect(), u32::MAX, 0),
                [one, two] => (vec![bucket(*one, *two)], u32::MAX, 0),
                _ => {
                    // Rare in ordinary texts; then one that is looked for already, so that lanes stay narrow; then one with
                    // few words, so that there is little to compare.
                    let price = |back: &usize| match bytes.get(*back..) {
                        Some(rest @ [one, two, _, ..]) => {
                            let shared = buckets.get(bucket(*one, *two)).map_or(0, Vec::len) as u64;
                            let new = !fragments.contains(&fragment(rest));
                            u64::from(common.often(rest)) * (2 + shared) + NEW * u64::from(new) + 4 * shared
                        }
                        _ => u64::MAX,
                    };
                    let Some(back) = (0..=bytes.len().saturating_sub(WIDTH)).min_by_key(price) else {
                        continue;
                    };
                    let Some([one, two, three, ..]) = bytes.get(back..) else { continue };
                    let fourth = bytes.get(back + 3);
                    let bits = fourth.map_or(u32::MAX, |four| 1 << bit(*three, *four));
                    (vec![bucket(*one, *two)], bits, back)
                }
            };
            let fragment = fragment(bytes.get(back..).unwrap_or_default());
            fragments.insert(fragment);
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
        let lanes = Lanes::build(&Vec::from_iter(fragments), common);
        Some(Words {
            lanes,
            filter,
            starts: starts.into(),
            checks: checks.into(),
            pool: pool.into(),
            several: several.into(),
        })
    }

    /// Calls `act` for every word that stands in the text, with the place where it begins; for one that stands in two places, twice.
    #[inline]
    pub(crate) fn scan(&self, text: &[u8], hits: &mut Hits, mut act: impl FnMut(Action, usize)) {
        let mut base = 0;
        while base < text.len() {
            let block = text.get(base..text.len().min(base + PLACES + WIDTH - 1)).unwrap_or_default();
            for &at in self.hits(block, hits) {
                self.check(text, base + usize::from(at), &mut act);
            }
            base += PLACES;
        }
    }

    /// The marked places that the filter lets pass. Most that are marked do not, so nothing branches on it.
    #[inline]
    fn hits<'a>(&self, block: &[u8], hits: &'a mut Hits) -> &'a [u16] {
        let mut marks = Marks::default();
        self.lanes.mark(block, &mut marks);
        let mut count = 0;
        for (word, base) in marks.iter().zip((0..block.len()).step_by(64)) {
            let mut word = *word;
            while word != 0 {
                let at = base + word.trailing_zeros() as usize;
                word &= word - 1;
                let [one, two, three, four] = match block.get(at..).and_then(|rest| rest.first_chunk()) {
                    Some(bytes) => *bytes,
                    None => last_bytes(block, at),
                };
                let bits = self.filter.get(bucket(one, two)).copied().unwrap_or(0);
                if let Some(hit) = hits.get_mut(count) {
                    *hit = at as u16;
                }
                count += (bits >> bit(three, four) & 1) as usize;
            }
        }
        hits.get(..count).unwrap_or_default()
    }

    #[inline(always)]
    fn check(&self, text: &[u8], at: usize, act: &mut impl FnMut(Action, usize)) {
        let one = text.get(at).copied().unwrap_or(0);
        let place = bucket(one, text.get(at + 1).copied().unwrap_or(0));
        let (Some(&from), Some(&to)) = (self.starts.get(place), self.starts.get(place + 1)) else { return };
        for check in self.checks.get(from as usize..to as usize).unwrap_or_default() {
            let end = at + check.ahead as usize;
            let Some(before) = text.get(..end) else { continue };
            let same = match before.last_chunk() {
                Some(last) => {
                    let differ = u64::from_le_bytes(*last) ^ check.value;
                    differ >> (check.shift & 63) == 0 && (check.len <= 8 || self.longer(before, check))
                }
                None => self.same(before, check),
            };
            if same {
                let start = end.saturating_sub(check.len as usize);
                self.act(check.action, start, end == text.len(), act);
            }
        }
    }

    #[inline(always)]
    fn act(&self, action: u32, start: usize, at_end: bool, act: &mut impl FnMut(Action, usize)) {
        let there = |place| match place {
            Place::Anywhere => true,
            Place::Start => start == 0,
            Place::End => at_end,
        };
        if action >= SEVERAL {
            let list = self.several.get((action & !SEVERAL) as usize..).unwrap_or_default();
            if let [count, list @ ..] = list {
                for &action in list.iter().take(*count as usize) {
                    let (action, place) = unpack(action);
                    if there(place) {
                        act(action, start);
                    }
                }
            }
        } else {
            let (action, place) = unpack(action);
            if there(place) {
                act(action, start);
            }
        }
    }

    /// Whether a word of more than eight bytes stands at the end, of which the last eight do.
    #[inline(always)]
    fn longer(&self, before: &[u8], check: &Check) -> bool {
        let start = before.len().wrapping_sub(check.len as usize);
        let first = before.get(start..).and_then(|word| word.first_chunk());
        first.is_some_and(|first| u64::from_le_bytes(*first) == check.head)
            && (check.len <= 16 || self.same(before, check))
    }

    #[inline(never)]
    fn same(&self, before: &[u8], check: &Check) -> bool {
        let word = self.pool.get(check.pool as usize..check.pool as usize + check.len as usize);
        word.is_some_and(|word| before.ends_with(word))
    }

    pub(crate) fn bytes(&self) -> usize {
        self.lanes.bytes()
            + 4 * FILTER
            + 4 * self.starts.len()
            + size_of::<Check>() * self.checks.len()
            + self.pool.len()
    }

    pub(crate) fn write(&self, writer: &mut Writer) {
        // Most of the two tables is empty: buckets are written as the lengths of those that are not.
        let ends = self.starts.iter().skip(1);
        let used: Vec<_> = (self.starts.iter().zip(ends).enumerate())
            .filter(|(_, (from, to))| from != to)
            .map(|(bucket, (from, to))| (bucket as u32, to - from))
            .collect();
        self.lanes.write(writer);
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
            writer.u32(check.head as u32);
            writer.u32((check.head >> 32) as u32);
            for number in [check.ahead, check.len, check.shift, check.pool, check.action] {
                writer.u32(number);
            }
        }
        writer.slice(&self.pool);
        writer.table(&self.several);
    }

    /// Reads words whose actions name patterns, expressions and rows below these numbers.
    pub(crate) fn read(
        reader: &mut Reader<'_>,
        patterns: u32,
        confirms: u32,
        rows: u32,
    ) -> Result<Words, Unreadable> {
        let lanes = Lanes::read(reader)?;
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
        let count = reader.count(36)?;
        let mut checks = Vec::with_capacity(count);
        for _ in 0..count {
            checks.push(Check {
                value: u64::from(reader.u32()?) | u64::from(reader.u32()?) << 32,
                head: u64::from(reader.u32()?) | u64::from(reader.u32()?) << 32,
                ahead: reader.u32()?,
                len: reader.u32()?,
                shift: reader.u32()?,
                pool: reader.u32()?,
                action: reader.u32()?,
            });
        }
        let pool = reader.slice()?;
        let several = reader.table()?;
        let known = |action| match unpack(action).0 {
            Action::Found(id) => id < patterns,
            Action::Try(id) => id < confirms,
            Action::Pend(id) => id < rows,
        };
        let sound = sum as usize == checks.len()
            && checks.iter().all(|check| {
                (check.action >= SEVERAL || known(check.action))
                    && check.len > 0
                    && check.shift < 64
                    && check.ahead <= check.len
                    && check.pool as usize + check.len as usize <= pool.len()
            });
        let mut lists = &*several;
        while let [count, rest @ ..] = lists {
            let (list, rest) = rest.split_at_checked(*count as usize).ok_or(Unreadable::Damaged)?;
            if !list.iter().all(|action| *action < SEVERAL && known(*action)) {
                return Err(Unreadable::Damaged);
            }
            lists = rest;
        }
        let words =
            Words { lanes, filter, starts: starts.into(), checks: checks.into(), pool: pool.into(), several };
        if sound { Ok(words) } else { Err(Unreadable::Damaged) }
    }
}

/// The first bytes of a slice, as many as lanes look at.
fn fragment(bytes: &[u8]) -> Fragment {
    let mut bytes = bytes.iter().copied();
    [(); WIDTH].map(|()| bytes.next())
}

/// The bytes from a place on, with zeros behind them.
#[cold]
fn last_bytes(block: &[u8], at: usize) -> [u8; 4] {
    let mut rest = block.get(at..).unwrap_or_default().iter();
    [(); 4].map(|()| rest.next().copied().unwrap_or(0))
}

fn last_eight(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |value, &byte| value >> 8 | u64::from(byte) << 56)
}

/// Set in an action, the rest is where its list begins in [`Words::several`].
const SEVERAL: u32 = 3 << 30;

/// The kind of action, the place, and an id, in 2, 2 and 28 bits.
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

        #[test]
        fn every_machine_finds_the_same(
            words in prop::collection::btree_set(prop_oneof!["[ab/]{1,4}", "[a-f./]{1,20}", "\\PC{1,6}"], 1..80),
            texts in prop::collection::vec(prop_oneof!["[ab/]{0,80}", "[a-f./]{0,700}", "\\PC{0,90}"], 1..5),
        ) {
            let list: Vec<Word> = (0..)
                .zip(&words)
                .map(|(id, word)| {
                    let place = [Place::Anywhere, Place::Anywhere, Place::Start, Place::End][id as usize % 4];
                    Word { bytes: word.as_bytes().to_vec(), place, action: Action::Found(id) }
                })
                .collect();
            let built = Words::build(list.clone(), Commonplace::get()).unwrap();
            let all = words.iter().cloned().collect::<String>();
            for text in texts.iter().chain([&all]) {
                let mut expected = Vec::new();
                for (id, Word { bytes, place, .. }) in (0..).zip(&list) {
                    let len = bytes.len();
                    for at in (0..text.len()).filter(|at| text.as_bytes()[*at..].starts_with(bytes)) {
                        if match place {
                            Place::Anywhere => true,
                            Place::Start => at == 0,
                            Place::End => at + len == text.len(),
                        } {
                            expected.push((id, at));
                        }
                    }
                }
                expected.sort_unstable();
                for lanes in built.lanes.levels() {
                    let words = Words { lanes, ..built.clone() };
                    let mut found = Vec::new();
                    words.scan(text.as_bytes(), &mut [0; PLACES], |action, at| {
                        if let Action::Found(id) = action {
                            found.push((id, at));
                        }
                    });
                    found.sort_unstable();
                    prop_assert_eq!(&found, &expected, "{:?} in {:?}", words.lanes, text);
                }
            }
        }
    }
}
