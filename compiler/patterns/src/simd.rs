//! [`Lanes::mark`](crate::lanes::Lanes::mark) with shuffles: 32 places at a time with AVX2, 64 with AVX-512 (VBMI). The one module of this
//! crate with `unsafe` code.
//!
//! Memory is read through references to arrays, or, where a text ends within a register, through a mask of the bytes that it still has.
#![allow(
    unsafe_code,
    reason = "loads of registers, and calls after the processor was asked; see docs/unsafe.md"
)]

#[cfg(target_arch = "x86_64")]
pub(crate) use avx2::{mark_halves, narrow};
#[cfg(target_arch = "x86_64")]
pub(crate) use avx512::{mark_sevenths, wide};

#[cfg(target_arch = "x86_64")]
mod avx512 {
    use std::arch::x86_64::*;

    use crate::lanes::{Marks, PLACES, Sevenths, WIDTH};

    /// Whether [`mark_sevenths`] may be called on this processor.
    pub(crate) fn wide() -> bool {
        is_x86_feature_detected!("avx512vbmi")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512f")
    }

    /// As [`mark_plainly`](crate::lanes::mark_plainly) where a byte stands for those with the same low seven bits.
    #[inline]
    pub(crate) fn mark_sevenths(groups: &[Sevenths], text: &[u8], marks: &mut Marks) {
        debug_assert!(wide());
        // SAFETY: `Lanes` calls this only if `wide` said so.
        unsafe {
            match groups {
                [group] => mark(std::array::from_ref(group), text, marks),
                _ => match (groups.first_chunk::<4>(), groups.first_chunk::<2>()) {
                    (Some(groups), _) => mark(groups, text, marks),
                    (_, Some(groups)) => mark(groups, text, marks),
                    _ => *marks = Marks::default(),
                },
            }
        }
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
    fn mark<const N: usize>(groups: &[Sevenths; N], text: &[u8], marks: &mut Marks) {
        for (word, base) in marks.iter_mut().zip((0..text.len().min(PLACES)).step_by(64)) {
            let rest = text.get(base..).unwrap_or_default();
            let bytes = [0, 1, 2, 3].map(|at| from(rest, at));
            let mut any = _mm512_setzero_si512();
            for group in groups {
                let [one, two, three, four] = look_up(group, &bytes);
                // 0x80: all three.
                let all = _mm512_and_si512(_mm512_ternarylogic_epi64::<0x80>(one, two, three), four);
                any = _mm512_or_si512(any, all);
            }
            *word = _mm512_test_epi8_mask(any, any) & first(rest.len());
        }
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
    fn look_up(group: &Sevenths, bytes: &[__m512i; WIDTH]) -> [__m512i; WIDTH] {
        let mut found = [_mm512_setzero_si512(); WIDTH];
        for ((found, table), bytes) in found.iter_mut().zip(&group.tables).zip(bytes) {
            let (low, high) = table.split_at(64);
            *found = _mm512_permutex2var_epi8(from(low, 0), *bytes, from(high, 0));
        }
        found
    }

    /// As many ones, from the lowest bit on.
    #[inline]
    fn first(count: usize) -> u64 {
        u64::MAX.unbounded_shr(64_u32.saturating_sub(count as u32))
    }

    /// 64 bytes from a place on, with zeros behind the last.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
    fn from(bytes: &[u8], at: usize) -> __m512i {
        let bytes = bytes.get(at..).unwrap_or_default();
        // SAFETY: the mask has a bit for each of the first 64 bytes that the slice has, and no other byte is read.
        unsafe { _mm512_maskz_loadu_epi8(first(bytes.len()), bytes.as_ptr().cast()) }
    }
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::*;

    use crate::lanes::{Halves, Marks, PLACES, WIDTH};

    /// Whether [`mark_halves`] may be called on this processor.
    pub(crate) fn narrow() -> bool {
        is_x86_feature_detected!("avx2")
    }

    /// As [`mark_plainly`](crate::lanes::mark_plainly) where a byte stands for all that have both of its halves from some byte.
    #[inline]
    pub(crate) fn mark_halves(groups: &[Halves], text: &[u8], marks: &mut Marks) {
        debug_assert!(narrow());
        // SAFETY: `Lanes` calls this only if `narrow` said so.
        unsafe {
            match groups {
                [group] => mark(std::array::from_ref(group), text, marks),
                _ => match (groups.first_chunk::<4>(), groups.first_chunk::<2>()) {
                    (Some(groups), _) => mark(groups, text, marks),
                    (_, Some(groups)) => mark(groups, text, marks),
                    _ => *marks = Marks::default(),
                },
            }
        }
    }

    #[target_feature(enable = "avx2")]
    fn mark<const N: usize>(groups: &[Halves; N], text: &[u8], marks: &mut Marks) {
        *marks = Marks::default();
        let mut rest = text.get(..PLACES + 3).unwrap_or(text);
        let mut base = 0;
        while base < PLACES && !rest.is_empty() {
            let found = if let Some(block) = rest.first_chunk::<35>() {
                places(groups, [0, 1, 2, 3].map(|at| load_at(block, at)))
            } else if let (Some(first), Some(last)) =
                (rest.first_chunk(), rest.get(1..).and_then(|rest| rest.last_chunk()))
            {
                // 33 or 34 bytes are left: the second of them, or the third, begins the last 32.
                let (first, last) = (load(first), load(last));
                if rest.len() == 33 {
                    places(groups, [first, last, shift::<1>(last), shift::<2>(last)])
                } else {
                    places(groups, [first, load_at(rest, 1), last, shift::<1>(last)])
                }
            } else {
                // The last bytes: of a long text together with what is before them, to read 32 at once.
                let (first, before) = match text.last_chunk() {
                    Some(last) => (load(last), 32 - rest.len()),
                    None => (short(rest), 0),
                };
                let end = u32::MAX >> (32 - rest.len());
                let bytes = [first, shift::<1>(first), shift::<2>(first), shift::<3>(first)];
                places(groups, bytes).unbounded_shr(before as u32) & end
            };
            if let Some(word) = marks.get_mut(base / 64) {
                *word |= u64::from(found) << (base % 64);
            }
            rest = rest.get(32..).unwrap_or_default();
            base += 32;
        }
    }

    /// Which of 32 places pass in any of the groups. `bytes`: those of each place, those behind them and so on.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn places<const N: usize>(groups: &[Halves; N], bytes: [__m256i; WIDTH]) -> u32 {
        let half = _mm256_set1_epi8(0x0F);
        let low = bytes.map(|bytes| _mm256_and_si256(bytes, half));
        let high = bytes.map(|bytes| _mm256_and_si256(_mm256_srli_epi16::<4>(bytes), half));
        let mut any = _mm256_setzero_si256();
        for group in groups {
            let mut all = _mm256_set1_epi8(-1);
            for (tables, halves) in [(&group.low, &low), (&group.high, &high)] {
                for (table, halves) in tables.iter().zip(halves) {
                    all = _mm256_and_si256(all, _mm256_shuffle_epi8(load(table), *halves));
                }
            }
            any = _mm256_or_si256(any, all);
        }
        !_mm256_movemask_epi8(_mm256_cmpeq_epi8(any, _mm256_setzero_si256())).cast_unsigned()
    }

    /// 32 bytes from a place on, or as if there were zeros.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn load_at(bytes: &[u8], at: usize) -> __m256i {
        let block = bytes.get(at..).and_then(|bytes| bytes.first_chunk());
        block.map_or(_mm256_setzero_si256(), |block| load(block))
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn load(bytes: &[u8; 32]) -> __m256i {
        // SAFETY: the reference says that 32 bytes can be read; the load asks for no alignment.
        unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn load_half(bytes: &[u8; 16]) -> __m128i {
        // SAFETY: the reference says that 16 bytes can be read; the load asks for no alignment.
        unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) }
    }

    /// The bytes `N` places further, with zeros behind them.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn shift<const N: i32>(bytes: __m256i) -> __m256i {
        _mm256_alignr_epi8::<N>(_mm256_permute2x128_si256::<0x81>(bytes, bytes), bytes)
    }

    /// Fewer than 32 bytes, with zeros behind them. A copy through memory would have to wait until it is written.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn short(text: &[u8]) -> __m256i {
        if let (Some(first), Some(last)) = (text.first_chunk::<16>(), text.last_chunk::<16>()) {
            // Of the last 16 bytes those that the first 16 do not have, moved to the front.
            const MOVES: &[u8; 32] = b"\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0A\x0B\x0C\x0D\x0E\x0F\
                \x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80";
            let moves = MOVES.get(32 - text.len()..).and_then(|moves| moves.first_chunk());
            let moves = moves.map_or(_mm_set1_epi8(-1), |moves| load_half(moves));
            return _mm256_set_m128i(_mm_shuffle_epi8(load_half(last), moves), load_half(first));
        }
        let len = text.len() as u32;
        let (one, two) = if let (Some(first), Some(last)) = (text.first_chunk(), text.last_chunk()) {
            let last = u64::from_le_bytes(*last);
            (u64::from_le_bytes(*first), last.unbounded_shr(8 * (16 - len)))
        } else if let (Some(first), Some(last)) = (text.first_chunk(), text.last_chunk()) {
            let last = u64::from(u32::from_le_bytes(*last));
            (u64::from(u32::from_le_bytes(*first)) | last << (8 * (len - 4)), 0)
        } else {
            (text.iter().rev().fold(0, |value, &byte| value << 8 | u64::from(byte)), 0)
        };
        _mm256_set_epi64x(0, 0, two.cast_signed(), one.cast_signed())
    }
}

#[cfg(not(target_arch = "x86_64"))]
pub(crate) use elsewhere::{mark_halves, mark_sevenths, narrow, wide};

/// No instructions of which this module knows: nobody asks for marks.
#[cfg(not(target_arch = "x86_64"))]
mod elsewhere {
    use crate::lanes::{Halves, Marks, Sevenths};

    pub(crate) fn narrow() -> bool {
        false
    }

    pub(crate) fn wide() -> bool {
        false
    }

    pub(crate) fn mark_halves(_: &[Halves], _: &[u8], marks: &mut Marks) {
        *marks = Marks::default();
    }

    pub(crate) fn mark_sevenths(_: &[Sevenths], _: &[u8], marks: &mut Marks) {
        *marks = Marks::default();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{mark_halves, mark_sevenths, narrow, wide};
    use crate::lanes::{Halves, Marks, NOTHING, PLACES, Sevenths, Tables, WIDTH, mark_plainly};

    /// Tables in which few bytes, many and all are taken.
    fn tables() -> impl Strategy<Value = Box<Tables>> {
        let entry = prop_oneof![6 => Just(0_u32), 3 => any::<u32>(), 1 => Just(u32::MAX)];
        prop::collection::vec(entry, 64).prop_map(|entries| {
            let mut tables = Box::new(NOTHING);
            for (at, entry) in tables.iter_mut().flatten().enumerate() {
                *entry = entries[(at * 31 + at / 64) % 64];
            }
            tables
        })
    }

    /// What lanes take that tell bytes apart by these two keys alone.
    fn coarse(tables: &Tables, keys: [fn(usize) -> usize; 2]) -> Tables {
        let mut coarse = NOTHING;
        for (table, coarse) in tables.iter().zip(&mut coarse) {
            let [one, other] = keys.map(|key| {
                let mut any = [0; 256];
                table.iter().enumerate().for_each(|(byte, lanes)| any[key(byte)] |= lanes);
                any
            });
            for (byte, entry) in coarse.iter_mut().enumerate() {
                *entry = one[keys[0](byte)] & other[keys[1](byte)];
            }
        }
        coarse
    }

    fn text() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof![
            prop::collection::vec(any::<u8>(), 0..140),
            prop::collection::vec(any::<u8>(), PLACES - 70..=PLACES + WIDTH - 1),
            prop::collection::vec(b'a'..b'g', 0..200),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

        #[test]
        fn halves_mark_what_the_plain_way_does(tables in tables(), count in prop_oneof![Just(1), Just(2), Just(4)], text in text()) {
            if narrow() {
                let mut tables = tables;
                tables.iter_mut().flatten().for_each(|lanes| *lanes &= u32::MAX >> (32 - 8 * count));
                let groups: Vec<Halves> = (0..count).map(|group| Halves::of(&tables, group)).collect();
                let product = coarse(&tables, [|byte| byte & 15, |byte| byte >> 4]);
                let (mut fast, mut plain) = ([0; PLACES / 64], Marks::default());
                mark_halves(&groups, &text, &mut fast);
                mark_plainly(&product, &text, &mut plain);
                prop_assert_eq!(fast, plain);
            }
        }

        #[test]
        fn sevenths_mark_what_the_plain_way_does(tables in tables(), count in prop_oneof![Just(1), Just(2), Just(4)], text in text()) {
            if wide() {
                let mut tables = tables;
                tables.iter_mut().flatten().for_each(|lanes| *lanes &= u32::MAX >> (32 - 8 * count));
                let groups: Vec<Sevenths> = (0..count).map(|group| Sevenths::of(&tables, group)).collect();
                let aliased = coarse(&tables, [|byte| byte & 127, |byte| byte & 127]);
                let (mut fast, mut plain) = (Marks::default(), Marks::default());
                mark_sevenths(&groups, &text, &mut fast);
                mark_plainly(&aliased, &text, &mut plain);
                prop_assert_eq!(fast, plain);
            }
        }
    }
}
