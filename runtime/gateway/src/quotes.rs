//! Where the quotes of a line stand, found in one pass that also tells whether the line is plain.
//!
//! Sixteen bytes are compared at a time. A text is then what lies between two set bits: nothing is looped over whose length the
//! processor would have to guess, which costs more than the bytes do.

use wide::i8x16;

/// A bit for each byte of a line: set where it is a quote.
#[derive(Clone, Debug, Default)]
pub(crate) struct Quotes(Vec<u64>);

impl Quotes {
    /// Marks a line; false where it is not plain, which is printable ASCII without a backslash.
    pub(crate) fn mark(&mut self, line: &[u8]) -> bool {
        self.0.clear();
        self.0.reserve(line.len() / 64 + 1);
        let mut odd = i8x16::ZERO;
        let (blocks, tail) = line.as_chunks::<64>();
        for block in blocks {
            self.0.push(marks(block, &mut odd));
        }
        if !tail.is_empty() {
            let mut last = [b' '; 64];
            last.iter_mut().zip(tail).for_each(|(to, byte)| *to = *byte);
            self.0.push(marks(&last, &mut odd));
        }
        odd.to_bitmask() == 0
    }

    /// Where the first quote from a place on stands.
    #[inline]
    pub(crate) fn next(&self, from: usize) -> Option<usize> {
        let mut at = from / 64;
        let mut word = self.0.get(at)? & (u64::MAX << (from % 64));
        while word == 0 {
            at += 1;
            word = *self.0.get(at)?;
        }
        Some(at * 64 + word.trailing_zeros() as usize)
    }
}

/// The quotes of a block; `odd` gets what is not plain.
#[inline]
fn marks(block: &[u8; 64], odd: &mut i8x16) -> u64 {
    let mut word = 0;
    let (parts, _) = block.as_chunks::<16>();
    for (nth, part) in parts.iter().enumerate() {
        let bytes = i8x16::new(part.map(u8::cast_signed));
        // Bytes that are no ASCII are negative.
        *odd |= bytes.simd_lt(i8x16::splat(0x20))
            | bytes.simd_eq(i8x16::splat(0x7f))
            | bytes.simd_eq(i8x16::splat(0x5c));
        let quotes = bytes.simd_eq(i8x16::splat(0x22)).to_bitmask();
        word |= (quotes as u64) << (16 * nth);
    }
    word
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::text::is_plain;

    #[test]
    fn every_byte_is_plain_or_not() {
        for byte in 0..=u8::MAX {
            for length in [1, 15, 16, 17, 63, 64, 65, 130] {
                let mut line = vec![b'a'; length];
                line[length - 1] = byte;
                assert_eq!(Quotes::default().mark(&line), is_plain(&line), "{byte} {length}");
            }
        }
    }

    proptest! {
        #[test]
        fn all_quotes_are_found(line in "[a\"]{0,300}", from in 0_usize..310) {
            let mut quotes = Quotes::default();
            prop_assert!(quotes.mark(line.as_bytes()));
            let rest = line.as_bytes().iter().enumerate().skip(from);
            prop_assert_eq!(quotes.next(from), rest.clone().find(|(_, byte)| **byte == b'"').map(|(at, _)| at));
        }
    }
}
