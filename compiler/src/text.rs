//! What the built-in functions find in text: pieces, numbers, addresses, card numbers, mailboxes, and how alike two are.
//!
//! Every function is total and bounded by the length of its text, which the schema bounds. `None` is unknown.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

/// The longest text, in characters, that [`edits`] compares: the cost is the product of two lengths.
pub const EDITS_LIMIT: usize = 256;

/// The int that a whole text is: an optional `-` and decimal digits, nothing else.
pub fn number(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

/// What stands behind the first `left`, up to the next `right`: to the end where there is none. An empty `left` is the
/// beginning, an empty `right` the end. Nothing without a `left`.
pub fn between<'t>(text: &'t str, left: &str, right: &str) -> Option<&'t str> {
    let start = text.find(left)?.checked_add(left.len())?;
    let rest = text.get(start..)?;
    match (right.is_empty(), rest.find(right)) {
        (false, Some(end)) => rest.get(..end),
        _ => Some(rest),
    }
}

/// Percent-decoding, once, as of the URL standard: an escape that is none stays as it is. Nothing where what comes of it is not
/// UTF-8.
pub fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        match (first, behind) {
            (b'%', [high, low, behind @ ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                let digit = |byte: &u8| char::from(*byte).to_digit(16).unwrap_or(0) as u8;
                bytes.push(digit(high) << 4 | digit(low));
                rest = behind;
            }
            _ => {
                bytes.push(*first);
                rest = behind;
            }
        }
    }
    String::from_utf8(bytes).ok()
}

/// The address that a host is written as. Of version 4 also the forms that the URL standard reads: one to four parts, decimal,
/// octal behind `0`, hexadecimal behind `0x`, the last part filling what is left.
pub fn address(text: &str) -> Option<IpAddr> {
    let text = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    if let Ok(ip) = text.parse::<IpAddr>() {
        return Some(ip.to_canonical());
    }
    let mut parts: Vec<u64> = Vec::with_capacity(4);
    for part in text.strip_suffix('.').unwrap_or(text).split('.') {
        if parts.len() == 4 {
            return None;
        }
        parts.push(octets(part)?);
    }
    let (last, front) = parts.split_last()?;
    if front.iter().any(|part| *part > 255) || *last >= 256_u64.pow(5 - parts.len() as u32) {
        return None;
    }
    let front = front.iter().zip(0_u32..).fold(0, |sum, (part, at)| sum | part << (24 - 8 * at));
    u32::try_from(front | last).ok().map(|bits| IpAddr::V4(Ipv4Addr::from(bits)))
}

fn octets(part: &str) -> Option<u64> {
    let (digits, radix) = match part.get(..2) {
        Some("0x" | "0X") => (part.get(2..)?, 16),
        Some(two) if two.starts_with('0') => (part.get(1..)?, 8),
        _ => (part, 10),
    };
    let empty_hex = digits.is_empty() && radix == 16;
    if empty_hex {
        return Some(0);
    }
    let plain = digits.chars().all(|digit| digit.is_digit(radix));
    plain.then(|| u64::from_str_radix(digits, radix).ok()).flatten()
}

/// Whether a payment card's number stands in the text: 13 to 19 digits between other characters, single spaces or hyphens
/// among them allowed, beginning with 2 to 6, whose check digit is right (ISO/IEC 7812-1, Luhn).
pub fn card_number(text: &str) -> bool {
    let mut plain: Vec<u8> = Vec::new();
    let mut spaced: Vec<u8> = Vec::new();
    let mut gap = false;
    for byte in text.bytes().chain([b'.', b'.']) {
        if byte.is_ascii_digit() {
            plain.push(byte - b'0');
            spaced.push(byte - b'0');
            gap = false;
            continue;
        }
        let is_card = is_card(&plain);
        plain.clear();
        if is_card {
            return true;
        }
        let joins = matches!(byte, b' ' | b'-') && !gap && !spaced.is_empty();
        if !joins {
            if self::is_card(&spaced) {
                return true;
            }
            spaced.clear();
        }
        gap = true;
    }
    false
}

fn is_card(digits: &[u8]) -> bool {
    if !(13..=19).contains(&digits.len()) || !digits.first().is_some_and(|first| (2..=6).contains(first)) {
        return false;
    }
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(at, digit)| match (at % 2, u32::from(*digit)) {
            (0, digit) => digit,
            (_, digit) => digit * 2 / 10 + digit * 2 % 10,
        })
        .sum();
    sum.is_multiple_of(10)
}

/// The Shannon entropy of a text's characters, in bits a character; 0 of none.
pub fn letter_entropy(text: &str) -> f64 {
    let mut counts: BTreeMap<char, u32> = BTreeMap::new();
    let mut all = 0_u32;
    for letter in text.chars() {
        *counts.entry(letter).or_default() += 1;
        all += 1;
    }
    if all == 0 {
        return 0.0;
    }
    let mut counts: Vec<u32> = counts.into_values().collect();
    // In one order, so that equal texts but for their letters have equal bits.
    counts.sort_unstable();
    let sum: f64 = counts.into_iter().map(|n| f64::from(n) * libm::log2(f64::from(n))).sum();
    (libm::log2(f64::from(all)) - sum / f64::from(all)).max(0.0)
}

/// How many characters must be put in, taken out or replaced to turn one text into the other (Levenshtein 1965). Nothing when one
/// is longer than [`EDITS_LIMIT`].
pub fn edits(left: &str, right: &str) -> Option<i64> {
    let left: Vec<char> = left.chars().take(EDITS_LIMIT + 1).collect();
    let right: Vec<char> = right.chars().take(EDITS_LIMIT + 1).collect();
    if left.len() > EDITS_LIMIT || right.len() > EDITS_LIMIT {
        return None;
    }
    let mut row: Vec<i64> = (0..).take(right.len() + 1).collect();
    for (a, above) in left.iter().zip(1_i64..) {
        let mut corner = above - 1;
        let mut before = above;
        for (place, b) in row.iter_mut().zip(std::iter::once(None).chain(right.iter().map(Some))) {
            let Some(b) = b else {
                *place = above;
                continue;
            };
            let replaced = corner + i64::from(a != b);
            corner = *place;
            before = replaced.min(corner + 1).min(before + 1);
            *place = before;
        }
    }
    row.last().copied()
}

/// The mailbox that a mail address reaches, as far as its text tells: lower case, without what stands behind a `+`, and for the
/// one large provider that ignores dots without them. Nothing when it is no mail address.
pub fn mailbox(text: &str) -> Option<String> {
    let text = text.trim().to_lowercase();
    let (local, domain) = text.rsplit_once('@')?;
    let local = local.split('+').next().unwrap_or(local);
    if local.is_empty() || domain.is_empty() || domain.contains(char::is_whitespace) {
        return None;
    }
    match domain {
        "gmail.com" | "googlemail.com" => Some(format!("{}@gmail.com", local.replace('.', ""))),
        _ => Some(format!("{local}@{domain}")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_are_whole_texts() {
        assert_eq!(number("007"), Some(7));
        assert_eq!(number("-3"), Some(-3));
        for bad in ["", "-", "+3", "1_000", " 1", "1.0", "9223372036854775808", "٣"] {
            assert_eq!(number(bad), None, "{bad}");
        }
    }

    #[test]
    fn pieces_end_at_the_next_mark_or_at_the_end() {
        assert_eq!(between("a=1&page=12&b=3", "page=", "&"), Some("12"));
        assert_eq!(between("page=12", "page=", "&"), Some("12"));
        assert_eq!(between("/v2/x", "/v", "/"), Some("2"));
        assert_eq!(between("abc", "", "c"), Some("ab"));
        assert_eq!(between("abc", "a", ""), Some("bc"));
        assert_eq!(between("abc", "x", ""), None);
        assert_eq!(between("", "", ""), Some(""));
    }

    #[test]
    fn escapes_are_decoded_once() {
        assert_eq!(decoded("%2e%2E/%252e").as_deref(), Some("../%2e"));
        assert_eq!(decoded("100%").as_deref(), Some("100%"));
        assert_eq!(decoded("%zz%4").as_deref(), Some("%zz%4"));
        assert_eq!(decoded("%ff"), None);
    }

    #[test]
    fn addresses_as_browsers_read_them() {
        let local = Some(IpAddr::V4(Ipv4Addr::LOCALHOST));
        for same in ["127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.0.0.1.", "0x7f.1"] {
            assert_eq!(address(same), local, "{same}");
        }
        assert_eq!(address("[::ffff:127.0.0.1]"), local);
        assert_eq!(address("[::1]"), "::1".parse().ok());
        assert_eq!(address("0"), "0.0.0.0".parse().ok());
        for bad in ["", ".", "shop.example", "1.2.3.4.5", "256.1.1.1", "4294967296", "0x1g", "09", "1..2"] {
            assert_eq!(address(bad), None, "{bad}");
        }
    }

    #[test]
    fn card_numbers_stand_alone_and_check() {
        for card in [
            "4111111111111111",
            "4111 1111 1111 1111",
            "/pay/4111-1111-1111-1111/now",
            "q=378282246310005&x",
            "12 4111111111111111",
        ] {
            assert!(card_number(card), "{card}");
        }
        for none in [
            "4111111111111112",
            "14111111111111111",
            "41111111111111111111",
            "4111  1111 1111 1111",
            "0000000000000000",
            "1234567890123",
            "",
        ] {
            assert!(!card_number(none), "{none}");
        }
    }

    #[test]
    fn entropy_of_letters() {
        assert_eq!(letter_entropy(""), 0.0);
        assert_eq!(letter_entropy("aaaa"), 0.0);
        assert_eq!(letter_entropy("abab"), 1.0);
        assert_eq!(letter_entropy("abcd"), 2.0);
    }

    #[test]
    fn edits_between_words() {
        assert_eq!(edits("kitten", "sitting"), Some(3));
        assert_eq!(edits("", "abc"), Some(3));
        assert_eq!(edits("straße", "strasse"), Some(2));
        assert_eq!(edits(&"a".repeat(257), ""), None);
    }

    #[test]
    fn mailboxes() {
        assert_eq!(mailbox("Ana.Roe+shop@GMail.com").as_deref(), Some("anaroe@gmail.com"));
        assert_eq!(mailbox("ana.roe@shop.example").as_deref(), Some("ana.roe@shop.example"));
        for bad in ["ana", "@shop.example", "ana@", "+x@shop.example", "a@b c"] {
            assert_eq!(mailbox(bad), None, "{bad}");
        }
    }

    /// Levenshtein's distance by its definition.
    fn plain(a: &[char], b: &[char]) -> i64 {
        match (a.split_first(), b.split_first()) {
            (None, _) => b.len() as i64,
            (_, None) => a.len() as i64,
            (Some((x, a1)), Some((y, b1))) if x == y => plain(a1, b1),
            (Some((_, a1)), Some((_, b1))) => 1 + plain(a1, b).min(plain(a, b1)).min(plain(a1, b1)),
        }
    }

    proptest! {
        #[test]
        fn edits_are_those_of_the_definition(a in "[ab]{0,5}", b in "[ab]{0,5}") {
            let (x, y): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
            prop_assert_eq!(edits(&a, &b), Some(plain(&x, &y)));
        }

        #[test]
        fn nothing_panics(a in any::<String>(), b in any::<String>(), c in any::<String>()) {
            let _ = (number(&a), between(&a, &b, &c), decoded(&a), address(&a), card_number(&a));
            let _ = (letter_entropy(&a), edits(&a, &b), mailbox(&a));
        }

        #[test]
        fn any_plain_address_is_itself(bits in any::<u32>()) {
            let ip = Ipv4Addr::from(bits);
            prop_assert_eq!(address(&ip.to_string()), Some(IpAddr::V4(ip)));
            prop_assert_eq!(address(&bits.to_string()), Some(IpAddr::V4(ip)));
        }
    }
}
