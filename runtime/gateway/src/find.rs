//! A byte looked for in a short text.

/// Where a byte stands first. Texts in logs are short: eight bytes at a time beat what is made for long ones.
#[inline]
pub(crate) fn find(byte: u8, text: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    let wanted = ONES * u64::from(byte);
    let (groups, tail) = text.as_chunks::<8>();
    for (at, group) in groups.iter().enumerate() {
        let differs = u64::from_le_bytes(*group) ^ wanted;
        // Exact here: below the first zero byte nothing borrows.
        let zero = differs.wrapping_sub(ONES) & !differs & (ONES << 7);
        if zero != 0 {
            return Some(at * 8 + zero.trailing_zeros() as usize / 8);
        }
    }
    let at = tail.iter().position(|known| *known == byte)?;
    Some(groups.len() * 8 + at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_one_is_found() {
        for length in 0..40 {
            for wanted in [b'"', b' ', 0, 0x80, 0xff] {
                for byte in [b'a', b'!', b'#', b' ' + 1, b'~', 0xa2, 0x81, 0x7f, 0xfe, 1] {
                    let mut text = vec![byte; length];
                    assert_eq!(find(wanted, &text), None);
                    text.extend([wanted, wanted, b'#', b'!']);
                    assert_eq!(find(wanted, &text), Some(length));
                }
            }
        }
    }
}
