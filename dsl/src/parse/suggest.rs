//! Did-you-mean: the known word nearest to a misspelt one.

/// Longest word worth comparing, in bytes. Every keyword is far shorter.
const MAX_WORD: usize = 32;

/// The candidate nearest to `word`, when it is near enough: one edit in a word of up to five letters, two
/// in a longer one, where a swap of neighbours counts as one edit. None when `word` is itself a candidate.
pub(crate) fn nearest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    if word.len() < 2 || word.len() > MAX_WORD {
        return None;
    }
    // Of equally near words the one with the same first letter is meant.
    let mut best: Option<((usize, bool), &'c str)> = None;
    for candidate in candidates {
        if candidate == word {
            return None;
        }
        let allowed = match candidate.len().min(word.len()) {
            0..=2 => 0,
            3..=5 => 1,
            _ => 2,
        };
        if candidate.len().abs_diff(word.len()) > allowed {
            continue;
        }
        let distance = distance(word.as_bytes(), candidate.as_bytes());
        let rank = (distance, word.as_bytes().first() != candidate.as_bytes().first());
        if distance <= allowed && best.is_none_or(|(least, _)| rank < least) {
            best = Some((rank, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// Edits between two words: insert, delete, replace, swap neighbours (optimal string alignment).
fn distance(a: &[u8], b: &[u8]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut previous: Vec<usize> = (0..=b.len()).collect();
    let mut last_a = None;
    for (row, x) in a.iter().enumerate() {
        let mut current = vec![row + 1];
        let mut left = row + 1;
        let mut last_b = None;
        for (column, y) in b.iter().enumerate() {
            let at = |line: &[usize], column: usize| line.get(column).copied().unwrap_or(usize::MAX / 2);
            let replace = at(&previous, column) + usize::from(x != y);
            let mut cost = replace.min(at(&previous, column + 1) + 1).min(left + 1);
            if column > 0 && last_a == Some(y) && last_b == Some(x) {
                cost = cost.min(at(&before, column - 1) + 1);
            }
            current.push(cost);
            left = cost;
            last_b = Some(y);
        }
        before = std::mem::replace(&mut previous, current);
        last_a = Some(x);
    }
    previous.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words_are_found_and_far_ones_are_not() {
        let words = ["because", "when", "then", "harm", "mode", "if"];
        assert_eq!(nearest("becuase", words), Some("because"));
        assert_eq!(nearest("wehn", words), Some("when"));
        assert_eq!(nearest("moed", words), Some("mode"));
        assert_eq!(nearest("then", words), None);
        assert_eq!(nearest("login", words), None);
        assert_eq!(nearest("of", words), None);
        assert_eq!(nearest("parm", ["harm", "param"]), Some("param"));
    }

    #[test]
    fn a_swap_is_one_edit() {
        assert_eq!(distance(b"ab", b"ba"), 1);
        assert_eq!(distance(b"kitten", b"sitting"), 3);
        assert_eq!(distance(b"", b"abc"), 3);
    }
}
