//! "Did you mean": the nearest of the names that would have been right.

/// The candidate nearest to `name`, if it is near enough to be a slip: at most a third of the letters
/// differ (insertions, deletions, replacements and swaps of neighbours count one each). Ties go to the
/// candidate that comes first in alphabetical order, so the answer does not depend on the order given.
///
/// Cost: `O(candidates * length)`; `O(length^2)` more for candidates of about the same length and letters. Names
/// longer than 64 letters are not compared.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = folded(name);
    if wanted.is_empty() || wanted.len() > LONGEST {
        return None;
    }
    let most = (wanted.len() / 3).max(1);
    let used = used(&wanted);
    let mut letters = Vec::new();
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        // A letter takes one to four bytes.
        if candidate.len() + most < wanted.len() || candidate.len() > 4 * (wanted.len() + most) {
            continue;
        }
        letters.clear();
        letters.extend(fold(candidate));
        if candidate == name || letters.is_empty() || letters.len() > LONGEST {
            continue;
        }
        if letters.len().abs_diff(wanted.len()) > most {
            continue;
        }
        // One change adds one letter and takes one away, at most.
        if (self::used(&letters) ^ used).count_ones() as usize > 2 * most {
            continue;
        }
        let apart = distance(&wanted, &letters);
        // One letter replaced in a name of two letters leaves nothing in common.
        if apart > most || apart >= wanted.len().max(letters.len()) {
            continue;
        }
        if best.is_none_or(|known| (apart, candidate) < known) {
            best = Some((apart, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// Longest name compared, in letters.
const LONGEST: usize = 64;

fn folded(name: &str) -> Vec<char> {
    fold(name).collect()
}

/// Lower case, with `_`, `-` and `.` alike: mixing them up is the commonest slip.
fn fold(name: &str) -> impl Iterator<Item = char> + '_ {
    let separator = |letter| if matches!(letter, '_' | '.') { '-' } else { letter };
    name.chars().flat_map(char::to_lowercase).map(separator)
}

/// Which letters occur, several to a bit: names that differ in many bits differ in many letters.
fn used(letters: &[char]) -> u64 {
    letters.iter().fold(0, |used, letter| used | 1 << (u32::from(*letter) % 64))
}

/// Optimal string alignment distance (Damerau–Levenshtein without overlapping swaps).
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    let mut row = Vec::with_capacity(b.len() + 1);
    for (i, &x) in a.iter().enumerate() {
        row.clear();
        row.push(i + 1);
        for (j, &y) in b.iter().enumerate() {
            let at = |row: &[usize], column: usize| row.get(column).copied().unwrap_or(usize::MAX / 2);
            let mut best =
                (at(&last, j) + usize::from(x != y)).min(at(&last, j + 1) + 1).min(at(&row, j) + 1);
            let swapped = i > 0 && j > 0 && a.get(i - 1) == Some(&y) && b.get(j - 1) == Some(&x);
            if swapped {
                best = best.min(at(&before_last, j - 1) + 1);
            }
            row.push(best);
        }
        std::mem::swap(&mut before_last, &mut last);
        std::mem::swap(&mut last, &mut row);
    }
    last.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_found() {
        let names = ["outcome", "user", "user_agent", "session", "giftcard.check", "ip"];
        assert_eq!(nearest("outcom", names), Some("outcome"));
        assert_eq!(nearest("sesion", names), Some("session"));
        assert_eq!(nearest("giftcard_check", names), Some("giftcard.check"));
        assert_eq!(nearest("User", names), Some("user"));
        assert_eq!(nearest("uesr", names), Some("user"));
    }

    #[test]
    fn strangers_are_not() {
        let names = ["outcome", "user", "ip"];
        assert_eq!(nearest("banana", names), None);
        assert_eq!(nearest("at", ["ip"]), None);
        assert_eq!(nearest("", names), None);
        assert_eq!(nearest(&"x".repeat(1_000_000), names), None);
    }

    #[test]
    fn ties_do_not_depend_on_order() {
        assert_eq!(nearest("bar", ["baz", "bat"]), Some("bat"));
        assert_eq!(nearest("bar", ["bat", "baz"]), Some("bat"));
    }

    #[test]
    fn distances_are_those_of_the_definition() {
        let letters = |text: &str| text.chars().collect::<Vec<_>>();
        for (a, b, apart) in
            [("", "abc", 3), ("abc", "abc", 0), ("ab", "ba", 1), ("kitten", "sitting", 3), ("ca", "abc", 3)]
        {
            assert_eq!(distance(&letters(a), &letters(b)), apart, "{a} {b}");
            assert_eq!(distance(&letters(b), &letters(a)), apart, "{b} {a}");
        }
    }
}
