//! [`Lanes::mark`](crate::lanes::Lanes::mark) with the shuffles of AVX2, 32 places at a time. The one module of this crate with `unsafe` code.
//!
//! Memory is read through references to arrays alone, so that no load can leave its slice.
#![allow(
    unsafe_code,
    reason = "loads of registers, and a call after the processor was asked; see docs/unsafe.md"
)]

use crate::lanes::{Group, Marks};

#[cfg(target_arch = "x86_64")]
pub(crate) use avx2::{available, mark};

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::*;

    use super::{Group, Marks};
    use crate::lanes::{PLACES, WIDTH};

    /// Whether [`mark`] may be called on this processor.
    pub(crate) fn available() -> bool {
        is_x86_feature_detected!("avx2")
    }

    /// As [`Lanes::mark_slowly`](crate::lanes::Lanes::mark_slowly). Marks nothing of what the processor cannot.
    #[inline]
    pub(crate) fn mark(groups: &[Group], text: &[u8], marks: &mut Marks) {
        debug_assert!(available());
        // SAFETY: `Lanes` calls this only if `available` said so.
        unsafe {
            match groups {
                [group] => mark_groups(std::array::from_ref(group), text, marks),
                _ => match (groups.first_chunk::<4>(), groups.first_chunk::<2>()) {
                    (Some(groups), _) => mark_groups(groups, text, marks),
                    (_, Some(groups)) => mark_groups(groups, text, marks),
                    _ => *marks = Marks::default(),
                },
            }
        }
    }

    #[target_feature(enable = "avx2")]
    fn mark_groups<const N: usize>(groups: &[Group; N], text: &[u8], marks: &mut Marks) {
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
    fn places<const N: usize>(groups: &[Group; N], bytes: [__m256i; WIDTH]) -> u32 {
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
pub(crate) fn available() -> bool {
    false
}

/// Never called: there is nothing [`available`].
#[cfg(not(target_arch = "x86_64"))]
pub(crate) fn mark(_: &[Group], _: &[u8], marks: &mut Marks) {
    *marks = Marks::default();
}

#[cfg(test)]
mod tests {
    use crate::lanes::{Group, Lanes, Marks, PLACES};
    use proptest::prelude::*;

    fn group() -> impl Strategy<Value = Group> {
        // Few bits, many, and all.
        let entry = prop_oneof![2 => Just(0_u8), 3 => any::<u8>(), 2 => Just(0xFF)];
        prop::collection::vec(entry, 128).prop_map(|entries| {
            let mut group = Group::default();
            for (table, entries) in group.low.iter_mut().chain(&mut group.high).zip(entries.chunks(16)) {
                table[..16].copy_from_slice(entries);
                table[16..].copy_from_slice(entries);
            }
            group
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

        #[test]
        fn both_mark_the_same(groups in prop::collection::vec(group(), 1..=4), text in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..100),
            prop::collection::vec(any::<u8>(), PLACES - 40..PLACES + 60),
            prop::collection::vec(b'a'..b'g', 0..200),
        ]) {
            let groups = if groups.len() == 3 { groups[..2].to_vec() } else { groups };
            if !super::available() {
                return Ok(());
            }
            let (mut fast, mut slow) = (Marks::default(), [u64::MAX; PLACES / 64]);
            super::mark(&groups, &text, &mut fast);
            Lanes::from_groups(groups.into()).mark_slowly(&text, &mut slow);
            if text.len() <= PLACES + 3 {
                prop_assert_eq!(fast, slow);
            }
        }
    }
}
