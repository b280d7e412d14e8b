//! What each pattern becomes, and the stages that a scan goes through.

use regex_syntax::hir::Hir;

use crate::automaton::{Automaton, Way};
use crate::codec::{Reader, Unreadable, Writer};
use crate::commonplace::Commonplace;
use crate::crowd::Crowd;
use crate::pattern::{Limits, Pattern};
use crate::shape::{Need, Shape, wide};
use crate::words::{Action, Place, Word, Words};

/// More words of a single byte than these would make everything interesting.
const MAX_BYTES: usize = 16;

/// Bytes of an automaton for one expression and every text. Beyond, it takes long to build, and one for ASCII is mostly far smaller.
const UNICODE: usize = 48 << 10;

/// Automata for several expressions at once that may turn out too large.
const MAX_FAILURES: usize = 12;

/// Looking for words costs more than an automaton over the whole text: picoseconds a text.
const DEAR: u64 = 150_000;

/// The stages of a scan. Ids are numbers of patterns, but in words of [`Action::Try`].
#[derive(Debug)]
pub(crate) struct Plan {
    /// Patterns that hold for every text, as bits.
    pub(crate) always: Box<[u64]>,
    pub(crate) some_always: bool,
    /// What begins at the start of the text, read until nothing can match any more.
    pub(crate) heads: Vec<Automaton>,
    /// What ends at its end, read backwards.
    pub(crate) tails: Vec<Automaton>,
    /// Words anywhere.
    pub(crate) words: Option<Words>,
    /// Expressions that are tried where words stand that they need.
    pub(crate) confirms: Vec<Confirm>,
    /// For each [`Action::Pend`], the expressions of which the first words stand here, as bits, then those of the second words. An
    /// expression is decided when both have been found.
    pub(crate) rows: Box<[u64]>,
    /// Expressions that need no words, over the whole text.
    pub(crate) rest: Vec<Automaton>,
    /// Patterns that are left to `regex`.
    pub(crate) strange: Crowd,
}

/// An expression that is looked for only where words stand that it needs.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Confirm {
    pub(crate) pattern: u32,
    pub(crate) way: Way,
    /// Every match begins at the start of the text.
    pub(crate) anchored: bool,
    /// Without, `regex` is asked.
    pub(crate) automaton: Option<Automaton>,
}

impl Plan {
    pub(crate) fn new(patterns: &[Pattern], limits: &Limits) -> Plan {
        let mut builder = Builder {
            limits: *limits,
            left: limits.total,
            failures: 0,
            common: Commonplace::get(),
            words: Vec::new(),
            bytes: 0,
            pends: Vec::new(),
            heads: Vec::new(),
            tails: Vec::new(),
            rest: Vec::new(),
            strange: Vec::new(),
            confirms: Vec::new(),
            always: vec![0; patterns.len().div_ceil(64)],
        };
        for (id, pattern) in (0..).zip(patterns) {
            builder.add(id, pattern);
        }
        builder.finish()
    }

    /// Bytes that the stages take.
    pub(crate) fn bytes(&self) -> usize {
        let automata = self.heads.iter().chain(&self.tails).chain(&self.rest);
        let confirms = self.confirms.iter().filter_map(|confirm| confirm.automaton.as_ref());
        automata.chain(confirms).map(Automaton::bytes).sum::<usize>()
            + self.words.as_ref().map_or(0, Words::bytes)
    }

    pub(crate) fn write(&self, writer: &mut Writer) {
        for word in &self.always {
            writer.u32(*word as u32);
            writer.u32((*word >> 32) as u32);
        }
        for automata in [&self.heads, &self.tails, &self.rest] {
            writer.u32(automata.len() as u32);
            automata.iter().for_each(|automaton| automaton.write(writer));
        }
        writer.u32(self.confirms.len() as u32);
        for confirm in &self.confirms {
            writer.u32(confirm.pattern);
            writer.u32(match confirm.way {
                Way::From => 0,
                Way::After => 1,
                Way::Back => 2,
            });
            writer.u32(u32::from(confirm.anchored));
            writer.u32(u32::from(confirm.automaton.is_some()));
            if let Some(automaton) = &confirm.automaton {
                automaton.write(writer);
            }
        }
        writer.u32(self.rows.len() as u32);
        for word in &self.rows {
            writer.u32(*word as u32);
            writer.u32((*word >> 32) as u32);
        }
        writer.table(self.strange.ids());
        writer.u32(u32::from(self.words.is_some()));
        if let Some(words) = &self.words {
            words.write(writer);
        }
    }

    /// Reads the plan of so many patterns.
    pub(crate) fn read(reader: &mut Reader<'_>, patterns: usize) -> Result<Plan, Unreadable> {
        let ids = u32::try_from(patterns).map_err(|_| Unreadable::Damaged)?;
        let mut always = Vec::new();
        for _ in 0..patterns.div_ceil(64) {
            always.push(u64::from(reader.u32()?) | u64::from(reader.u32()?) << 32);
        }
        let mut automata = || -> Result<Vec<Automaton>, Unreadable> {
            (0..reader.count(270)?).map(|_| Automaton::read(reader, ids)).collect()
        };
        let (heads, tails, rest) = (automata()?, automata()?, automata()?);
        let mut confirms = Vec::new();
        for _ in 0..reader.count(12)? {
            confirms.push(Confirm {
                pattern: reader
                    .u32()
                    .and_then(|id| if id < ids { Ok(id) } else { Err(Unreadable::Damaged) })?,
                way: match reader.u32()? {
                    0 => Way::From,
                    1 => Way::After,
                    2 => Way::Back,
                    _ => return Err(Unreadable::Damaged),
                },
                anchored: reader.u32()? == 1,
                automaton: match reader.u32()? {
                    0 => None,
                    1 => Some(Automaton::read(reader, ids)?),
                    _ => return Err(Unreadable::Damaged),
                },
            });
        }
        let mut rows = Vec::new();
        for _ in 0..reader.count(8)? {
            rows.push(u64::from(reader.u32()?) | u64::from(reader.u32()?) << 32);
        }
        let width = 2 * confirms.len().div_ceil(64);
        let strange = reader.table()?;
        let words = match reader.u32()? {
            0 => None,
            1 => Some(Words::read(reader, ids, confirms.len() as u32, (rows.len() / width.max(1)) as u32)?),
            _ => return Err(Unreadable::Damaged),
        };
        let known = strange.iter().all(|&id| id < ids);
        let beyond = patterns % 64;
        let full = beyond == 0 || always.last().is_none_or(|word| word >> beyond == 0);
        let rows = rows.into();
        let some_always = always.iter().any(|word| *word != 0);
        let plan = Plan {
            always: always.into(),
            some_always,
            heads,
            tails,
            words,
            confirms,
            rows,
            rest,
            strange: Crowd::new(strange),
        };
        if known && full { Ok(plan) } else { Err(Unreadable::Damaged) }
    }
}

struct Builder {
    limits: Limits,
    /// Bytes that automata may still take.
    left: usize,
    /// Automata that turned out too large.
    failures: usize,
    common: &'static Commonplace,
    words: Vec<Word>,
    /// Words of a single byte.
    bytes: usize,
    /// Words, the expression that may match where they stand, and whether they are the first and the second that it needs.
    pends: Vec<(Vec<u8>, u32, [bool; 2])>,
    heads: Vec<(u32, Hir)>,
    tails: Vec<(u32, Hir)>,
    rest: Vec<(u32, Hir)>,
    strange: Vec<u32>,
    confirms: Vec<Confirm>,
    always: Vec<u64>,
}

impl Builder {
    fn add(&mut self, id: u32, pattern: &Pattern) {
        match pattern {
            Pattern::Contains(text) | Pattern::StartsWith(text) | Pattern::EndsWith(text)
                if text.is_empty() =>
            {
                self.always(id);
            }
            Pattern::Contains(text) => self.word(id, text.as_bytes()),
            Pattern::StartsWith(text) => self.heads.push((id, Hir::literal(text.as_bytes()))),
            Pattern::EndsWith(text) => self.tails.push((id, Hir::literal(text.as_bytes()))),
            Pattern::Regex(source) => match Shape::of(source) {
                Shape::Always => self.always(id),
                Shape::Strange => self.strange.push(id),
                Shape::Words { words, start: false, end: false } => {
                    words.iter().for_each(|word| self.word(id, word));
                }
                Shape::Words { words, start, end } => {
                    let words = Hir::alternation(words.into_iter().map(Hir::literal).collect());
                    if start && end {
                        let end = Hir::look(regex_syntax::hir::Look::End);
                        self.heads.push((id, Hir::concat(vec![words, end])));
                    } else if start {
                        self.heads.push((id, words));
                    } else {
                        self.tails.push((id, words));
                    }
                }
                Shape::Expression { hir, start, end } => self.expression(id, hir, start, end),
            },
        }
    }

    fn always(&mut self, id: u32) {
        if let Some(word) = self.always.get_mut(id as usize / 64) {
            *word |= 1 << (id % 64);
        }
    }

    fn word(&mut self, id: u32, bytes: &[u8]) {
        if bytes.len() == 1 {
            if self.bytes == MAX_BYTES {
                self.rest.push((id, Hir::literal(bytes)));
                return;
            }
            self.bytes += 1;
        }
        let word = Word { bytes: bytes.to_vec(), place: Place::Anywhere, action: Action::Found(id) };
        self.words.push(word);
    }

    fn expression(&mut self, id: u32, hir: Hir, start: bool, end: bool) {
        let anchored = start || end;
        let need = if anchored && !wide(&hir) { None } else { Need::of(&hir, self.common) };
        let need = need.filter(|need| {
            let words = need.words.iter().chain(&need.also);
            let bytes = words.filter(|word| word.len() == 1).count();
            need.cost < if anchored { DEAR / 3 } else { DEAR } && self.bytes + bytes <= MAX_BYTES
        });
        match need {
            Some(need) => self.confirm(id, &hir, start, end, need),
            None if start => self.heads.push((id, hir)),
            None if end => self.tails.push((id, hir)),
            None => self.rest.push((id, hir)),
        }
    }

    fn confirm(&mut self, id: u32, hir: &Hir, start: bool, end: bool, need: Need) {
        let way = match () {
            () if start => Way::From,
            () if end => Way::Back,
            () if need.local => Way::From,
            () => Way::After,
        };
        let automaton = self.single(id, hir, way);
        let confirm = self.confirms.len() as u32;
        let local = need.local && !start && !end && automaton.is_some();
        self.confirms.push(Confirm { pattern: id, way, anchored: start, automaton });
        if local {
            for bytes in need.words {
                self.bytes += usize::from(bytes.len() == 1);
                let action = Action::Try(confirm);
                self.words.push(Word { bytes, place: Place::Anywhere, action });
            }
        } else {
            self.pend(confirm, need);
        }
    }

    fn pend(&mut self, confirm: u32, need: Need) {
        let alone = need.also.is_empty();
        let first = need.words.into_iter().map(|word| (word, [true, alone]));
        let second = need.also.into_iter().map(|word| (word, [false, true]));
        for (word, which) in first.chain(second) {
            self.bytes += usize::from(word.len() == 1);
            self.pends.push((word, confirm, which));
        }
    }

    /// One row for each word that expressions wait for.
    fn rows(&mut self) -> Box<[u64]> {
        let width = self.confirms.len().div_ceil(64);
        let mut rows: Vec<u64> = Vec::new();
        self.pends.sort();
        for group in self.pends.chunk_by(|one, other| one.0 == other.0) {
            let from = rows.len();
            let row = (from / (2 * width).max(1)) as u32;
            rows.resize(from + 2 * width, 0);
            for (_, confirm, which) in group {
                for (half, _) in which.iter().enumerate().filter(|(_, is)| **is) {
                    if let Some(bits) = rows.get_mut(from + half * width + *confirm as usize / 64) {
                        *bits |= 1 << (confirm % 64);
                    }
                }
            }
            if let Some((bytes, ..)) = group.first() {
                let action = Action::Pend(row);
                self.words.push(Word { bytes: bytes.clone(), place: Place::Anywhere, action });
            }
        }
        rows.into()
    }

    /// An automaton for one expression: for every text if it is small enough, or else for texts in ASCII, or none.
    fn single(&mut self, id: u32, hir: &Hir, way: Way) -> Option<Automaton> {
        let item = [(id, hir)];
        let limit = self.limits.automaton;
        let all = self.bounded(&item, way, false, limit.min(UNICODE));
        all.or_else(|| self.bounded(&item, way, true, limit))
    }

    fn bounded(&mut self, items: &[(u32, &Hir)], way: Way, ascii: bool, limit: usize) -> Option<Automaton> {
        let automaton = Automaton::build(items, way, ascii, limit.min(self.left))?;
        self.left = self.left.checked_sub(automaton.bytes())?;
        Some(automaton)
    }

    /// As few automata as fit into the limits; what fits nowhere is left over.
    fn union(
        &mut self,
        items: &[(u32, Hir)],
        way: Way,
        automata: &mut Vec<Automaton>,
        over: &mut Vec<(u32, Hir)>,
    ) {
        match items {
            [] => {}
            _ if way == Way::After && self.failures >= MAX_FAILURES => {}
            [(id, hir)] => match self.single(*id, hir, way) {
                Some(automaton) => automata.push(automaton),
                None => over.push((*id, hir.clone())),
            },
            _ => {
                let all: Vec<_> = items.iter().map(|(id, hir)| (*id, hir)).collect();
                let automaton = if self.failures < MAX_FAILURES {
                    self.bounded(&all, way, false, self.limits.automaton)
                } else {
                    None
                };
                if let Some(automaton) = automaton {
                    automata.push(automaton);
                } else {
                    self.failures += 1;
                    let (one, two) = items.split_at(items.len() / 2);
                    self.union(one, way, automata, over);
                    self.union(two, way, automata, over);
                }
            }
        }
    }

    fn finish(mut self) -> Plan {
        let (mut heads, mut tails, mut rest, mut over) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (items, way, place, automata) in [
            (std::mem::take(&mut self.heads), Way::From, Place::Start, &mut heads),
            (std::mem::take(&mut self.tails), Way::Back, Place::End, &mut tails),
            (std::mem::take(&mut self.rest), Way::After, Place::Anywhere, &mut rest),
        ] {
            // Many words at an end are found with the words that may stand anywhere.
            let (words, items): (Vec<_>, Vec<_>) = if items.len() > 100 && place != Place::Anywhere {
                items.into_iter().partition(|(_, hir)| literal(hir).is_some_and(|word| word.len() > 2))
            } else {
                (Vec::new(), items)
            };
            for (id, hir) in words {
                let bytes = literal(&hir).unwrap_or_default().to_vec();
                self.words.push(Word { bytes, place, action: Action::Found(id) });
            }
            self.failures = 0;
            let before = over.len();
            self.union(&items, way, automata, &mut over);
            if way == Way::After && self.failures >= MAX_FAILURES {
                // So many automata over the whole text are slower than the engines of `regex`.
                automata.clear();
                over.truncate(before);
                self.strange.extend(items.iter().map(|(id, _)| *id));
            }
        }
        for (id, hir) in over {
            match Need::of(&hir, self.common).filter(|need| need.words.iter().all(|word| word.len() > 1)) {
                Some(need) => {
                    let confirm = self.confirms.len() as u32;
                    self.confirms.push(Confirm {
                        pattern: id,
                        way: Way::After,
                        anchored: false,
                        automaton: None,
                    });
                    self.pend(confirm, need);
                }
                None => self.strange.push(id),
            }
        }
        let rows = self.rows();
        let words = Words::build(self.words, self.common);
        Plan {
            some_always: self.always.iter().any(|word| *word != 0),
            always: self.always.into(),
            heads,
            tails,
            words,
            confirms: self.confirms,
            rows,
            rest,
            strange: Crowd::new(self.strange.into()),
        }
    }
}

fn literal(hir: &Hir) -> Option<&[u8]> {
    match hir.kind() {
        regex_syntax::hir::HirKind::Literal(literal) => Some(&literal.0),
        _ => None,
    }
}
