//! What a regular expression comes down to when only whether it holds is asked: a few words, or an expression and words that it needs.

use regex_syntax::hir::literal::{ExtractKind, Extractor};
use regex_syntax::hir::{Class, Hir, HirKind, Look, Repetition};

use crate::commonplace::Commonplace;

/// More words than these are better looked for by an automaton.
const MAX_WORDS: usize = 64;

/// More common second words than these spare less than they cost.
const DEAR_SECOND: u64 = 100_000;

/// A regular expression, made plain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// It holds for every text.
    Always,
    /// It holds where one of these words stands: anywhere, at the start, at the end, or as the whole text.
    Words { words: Vec<Vec<u8>>, start: bool, end: bool },
    /// All else. `start`, `end`: every match begins at the start of the text, ends at its end.
    Expression { hir: Hir, start: bool, end: bool },
    /// It is left to `regex`.
    Strange,
}

/// Words of which at least one stands in every text that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Need {
    pub(crate) words: Vec<Vec<u8>>,
    /// The same of other words, if there are any that are worth it.
    pub(crate) also: Vec<Vec<u8>>,
    /// A match begins where the word does, and no two matches can be tried over the same long stretch.
    pub(crate) local: bool,
    /// What looking for it costs, in picoseconds a text.
    pub(crate) cost: u64,
}

impl Shape {
    pub(crate) fn of(source: &str) -> Shape {
        let Ok(hir) = regex_syntax::parse(source) else { return Shape::Strange };
        let hir = trim(bare(&hir));
        let properties = hir.properties();
        if properties.minimum_len() == Some(0) {
            // Empty matches between the bytes of one character do not count; only word boundaries can ask for one.
            let looks = properties.look_set();
            if looks.is_empty() {
                return Shape::Always;
            }
            if looks.contains_word() {
                return Shape::Strange;
            }
        }
        let start = properties.look_set_prefix().contains(Look::Start);
        let end = properties.look_set_suffix().contains(Look::End);
        let (inside, opened, closed) = inside(&hir);
        if (opened, closed) == (start, end)
            && inside.properties().look_set().is_empty()
            && inside.properties().minimum_len() > Some(0)
        {
            let words = extract(&inside).filter(|seq| seq.is_exact()).and_then(|seq| words(&seq));
            if let Some(mut words) = words.filter(|words| words.len() <= 32) {
                words.sort_unstable();
                words.dedup();
                return Shape::Words { words, start, end };
            }
        }
        Shape::Expression { hir, start, end }
    }
}

impl Need {
    /// The cheapest words that an expression needs, if it needs any.
    pub(crate) fn of(hir: &Hir, common: &Commonplace) -> Option<Need> {
        let words = || words(&extract(hir)?);
        let prefix = if wide(hir) { None } else { words().and_then(|words| Need::new(words, true, common)) };
        let inner = inner(hir, common);
        [prefix, inner].into_iter().flatten().min_by_key(|need| need.cost)
    }

    fn new(mut words: Vec<Vec<u8>>, local: bool, common: &Commonplace) -> Option<Need> {
        words.sort_unstable();
        words.dedup();
        for width in [4, 3] {
            if words.len() > 16 {
                words.iter_mut().for_each(|word| word.truncate(width));
                words.dedup();
            }
        }
        if words.len() > 2 * MAX_WORDS {
            return None;
        }
        // Where a word is found, so is what it contains. A local one has to begin at the same place.
        let all = words.clone();
        words.retain(|word| {
            !all.iter().any(|other| {
                other.len() < word.len()
                    && if local {
                        word.starts_with(other)
                    } else {
                        memchr::memmem::find(word, other).is_some()
                    }
            })
        });
        // What they all begin with, if that is hardly more common: `nikto/` for `nikto/0` to `nikto/9`.
        let shared = words.first().map_or(0, |first| {
            let same =
                |word: &Vec<u8>| first.iter().zip(word).take_while(|(one, other)| one == other).count();
            words.iter().map(same).min().unwrap_or(0)
        });
        let often = |words: &[Vec<u8>]| words.iter().map(|word| u64::from(common.rarest(word))).sum::<u64>();
        if words.len() > 1 && shared >= 3 {
            let prefix: Vec<u8> = words.first().into_iter().flatten().take(shared).copied().collect();
            if u64::from(common.rarest(&prefix)) <= often(&words) + 20 {
                words = vec![prefix];
            }
        }
        if words.is_empty() || words.len() > MAX_WORDS || words.iter().any(Vec::is_empty) {
            return None;
        }
        let cost = often(&words) * if local { 15 } else { 200 };
        Some(Need { words, also: Vec::new(), local, cost })
    }
}

/// The expression without captures: `Hir`'s constructors then join what stood on both sides of them.
fn bare(hir: &Hir) -> Hir {
    match hir.kind() {
        HirKind::Capture(capture) => bare(&capture.sub),
        HirKind::Concat(parts) => Hir::concat(parts.iter().map(bare).collect()),
        HirKind::Alternation(parts) => Hir::alternation(parts.iter().map(bare).collect()),
        HirKind::Repetition(repetition) => {
            Hir::repetition(Repetition { sub: Box::new(bare(&repetition.sub)), ..repetition.clone() })
        }
        HirKind::Empty | HirKind::Literal(_) | HirKind::Class(_) | HirKind::Look(_) => hir.clone(),
    }
}

/// Drops what may be empty at an end where a match may begin or end anywhere, and `^(?s:.*)` and `(?s:.*)$` with the anchor.
fn trim(hir: Hir) -> Hir {
    let HirKind::Concat(parts) = hir.kind() else {
        return match hir.kind() {
            HirKind::Repetition(repetition) if repetition.min == 0 => Hir::empty(),
            _ => hir,
        };
    };
    let optional = |part: &Hir| matches!(part.kind(), HirKind::Repetition(repetition) if repetition.min == 0);
    let mut parts = &**parts;
    loop {
        parts = match parts {
            [first, rest @ ..] if optional(first) => rest,
            [rest @ .., last] if optional(last) => rest,
            [look, any, rest @ ..] if is_look(look, Look::Start) && is_anything(any) && solid(rest) => rest,
            [rest @ .., any, look] if is_look(look, Look::End) && is_anything(any) && solid(rest) => rest,
            _ => return Hir::concat(parts.to_vec()),
        };
    }
}

/// Whether all matches take at least a byte, so that they begin and end between characters.
fn solid(parts: &[Hir]) -> bool {
    parts.iter().any(|part| part.properties().minimum_len() > Some(0))
}

fn is_look(hir: &Hir, look: Look) -> bool {
    matches!(hir.kind(), HirKind::Look(this) if *this == look)
}

/// Whether it is `(?s:.*)`.
fn is_anything(hir: &Hir) -> bool {
    let HirKind::Repetition(Repetition { min: 0, max: None, sub, .. }) = hir.kind() else { return false };
    match sub.kind() {
        HirKind::Class(Class::Unicode(class)) => {
            matches!(class.ranges(), [range] if range.start() == '\0' && range.end() == char::MAX)
        }
        _ => false,
    }
}

/// What stands between the anchors, and which of them there are.
fn inside(hir: &Hir) -> (Hir, bool, bool) {
    let HirKind::Concat(parts) = hir.kind() else { return (hir.clone(), false, false) };
    let mut parts = &**parts;
    let (mut start, mut end) = (false, false);
    while let [first, rest @ ..] = parts
        && is_look(first, Look::Start)
    {
        (parts, start) = (rest, true);
    }
    while let [rest @ .., last] = parts
        && is_look(last, Look::End)
    {
        (parts, end) = (rest, true);
    }
    (Hir::concat(parts.to_vec()), start, end)
}

fn extract(hir: &Hir) -> Option<regex_syntax::hir::literal::Seq> {
    let seq = Extractor::new().kind(ExtractKind::Prefix).limit_class(16).limit_literal_len(32).extract(hir);
    seq.is_finite().then_some(seq)
}

fn words(seq: &regex_syntax::hir::literal::Seq) -> Option<Vec<Vec<u8>>> {
    let literals = seq.literals()?;
    let words: Vec<_> = literals.iter().map(|literal| literal.as_bytes().to_vec()).collect();
    (!words.is_empty() && words.iter().all(|word| !word.is_empty())).then_some(words)
}

/// The cheapest words that stand somewhere inside of every match.
fn inner(hir: &Hir, common: &Commonplace) -> Option<Need> {
    match hir.kind() {
        HirKind::Concat(parts) => {
            let tails = (0..parts.len().min(24)).filter_map(|from| {
                let tail = Hir::concat(parts.get(from..)?.to_vec());
                Need::new(words(&extract(&tail)?)?, false, common)
            });
            let below = parts.iter().filter_map(|part| inner(part, common));
            let mut needs: Vec<Need> = tails.chain(below).collect();
            needs.sort_by_key(|need| need.cost);
            let mut needs = needs.into_iter();
            let mut best = needs.next()?;
            let other =
                |need: &Need| need.words.iter().all(|word| !best.words.iter().any(|one| overlap(one, word)));
            if let Some(second) = needs.find(other).filter(|need| need.cost < DEAR_SECOND) {
                best.also = second.words;
            }
            Some(best)
        }
        HirKind::Alternation(parts) => {
            let mut all = Vec::new();
            for part in parts {
                all.extend(inner(part, common)?.words);
            }
            Need::new(all, false, common)
        }
        HirKind::Repetition(repetition) if repetition.min > 0 => inner(&repetition.sub, common),
        HirKind::Literal(_) | HirKind::Class(_) => Need::new(words(&extract(hir)?)?, false, common),
        _ => None,
    }
}

/// Whether one is found where the other is.
fn overlap(one: &[u8], other: &[u8]) -> bool {
    memchr::memmem::find(one, other).is_some() || memchr::memmem::find(other, one).is_some()
}

/// Whether something is repeated without a near end that takes nearly every character, so that a walk may be long wherever it begins.
pub(crate) fn wide(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Repetition(repetition) => {
            repetition.max.is_none_or(|max| max > 64) && takes_most(&repetition.sub) || wide(&repetition.sub)
        }
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().any(wide),
        HirKind::Capture(capture) => wide(&capture.sub),
        _ => false,
    }
}

fn takes_most(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Class(Class::Unicode(class)) => {
            let ascii = class.iter().map(|range| (range.start() as u32, (range.end() as u32).min(127)));
            ascii.map(|(from, to)| (to + 1).saturating_sub(from)).sum::<u32>() >= 80
        }
        HirKind::Class(Class::Bytes(class)) => {
            let ascii = class.iter().map(|range| (u32::from(range.start()), u32::from(range.end()).min(127)));
            ascii.map(|(from, to)| (to + 1).saturating_sub(from)).sum::<u32>() >= 80
        }
        HirKind::Repetition(repetition) => takes_most(&repetition.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().any(takes_most),
        HirKind::Capture(capture) => takes_most(&capture.sub),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words_of(source: &str) -> Option<(Vec<String>, bool, bool)> {
        match Shape::of(source) {
            Shape::Words { words, start, end } => Some((
                words.into_iter().map(|word| String::from_utf8_lossy(&word).into_owned()).collect(),
                start,
                end,
            )),
            _ => None,
        }
    }

    fn need_of(source: &str) -> Option<(Vec<String>, bool)> {
        let Shape::Expression { hir, .. } = Shape::of(source) else { return None };
        let need = Need::of(&hir, Commonplace::get())?;
        let words = need.words.iter().map(|word| String::from_utf8_lossy(word).into_owned()).collect();
        Some((words, need.local))
    }

    #[test]
    fn expressions_that_are_words() {
        let word = |word: &str, start, end| Some((vec![word.to_owned()], start, end));
        assert_eq!(words_of("abc"), word("abc", false, false));
        assert_eq!(words_of("^abc"), word("abc", true, false));
        assert_eq!(words_of("^(?s:.*)abc(?s:.*)$"), word("abc", false, false));
        assert_eq!(words_of("^(?s:.*)\\.php$"), word(".php", false, true));
        assert_eq!(words_of("x?abc.*"), word("abc", false, false));
        assert_eq!(words_of("a(?:b)(c)"), word("abc", false, false));
        let several = words_of("\\.(php|cgi)$").unwrap();
        assert_eq!(several, (vec![".cgi".to_owned(), ".php".to_owned()], false, true));
        assert_eq!(words_of("a.c"), None);
        assert_eq!(words_of("\\babc"), None);
        assert_eq!(words_of("^a|b"), None);
        assert_eq!(Shape::of("x*"), Shape::Always);
        assert_eq!(Shape::of("(?-u:\\b)*"), Shape::Always);
        assert_eq!(Shape::of("("), Shape::Strange);
    }

    #[test]
    fn words_that_expressions_need() {
        let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        assert_eq!(need_of("nikto/[0-9]+\\."), Some((owned(&["nikto/"]), true)));
        assert_eq!(
            need_of("[?&]?q=[^&]*(select|union|script|passwd)"),
            Some((owned(&["passwd", "script", "select", "union"]), false))
        );
        assert_eq!(need_of("[a-z]+bot/.").map(|need| need.0), Some(owned(&["bot/"])));
        assert_eq!(need_of("\\w+@\\w+"), Some((owned(&["@"]), false)));
        assert_eq!(need_of("\\w+\\s\\w+"), None);
    }
}
