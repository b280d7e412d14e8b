//! A rule set from the one linked before it: what an edit has changed, and the rest as it was.
//!
//! ```text
//!  before  │ a │ b  │ c │ d │            each fragment's expressions, parameters, rules … stand together
//!  edited      b'                        as many expressions as before: in their place
//!  after   │ a │ b' │ c │ d │
//!  edited          c'                    otherwise behind all others; what they leave is never asked again
//!  after   │ a │ b' │ ▒ │ d │ c' │
//! ```
//!
//! Everything else keeps its place and is [shared](crate::shared), so whoever has made something of the rule set before finds
//! what has changed by comparing pointers. A fragment is rewritten as a whole or not at all.
//!
//! New states and signals come behind all others, so that nothing that is remembered changes its place. Whatever else changes
//! (a state that nobody asks for any more, a new sequence), or where much has been left behind, everything is linked anew;
//! [`Kept::again`] says so by answering nothing.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use smol_str::format_smolstr;

use super::merge::{self, Fresh, Known, Renumber, Texts};
use super::{Linked, Options, Reading, full_names, in_parts, missing, supplied, tuned, wake};
use crate::env::Env;
use crate::hir::{Hir, Mode, Sequence, Signal, State};
use crate::ids::*;
use crate::shared::SharedVec;
use crate::tune::Tune;
use crate::visit::{self, Visitor};
use crate::{budget, canonical};

/// A rule set of fewer expressions than so many may leave as many behind as one of so many.
const SMALL: usize = 4_096;

/// A fragment, and what tells whether it is still the same one.
pub(crate) trait Piece {
    /// The fragment.
    fn fragment(&self) -> Option<&Hir>;
}

/// Where the parts of a fragment stand in a rule set.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    pub(super) at: Renumber,
    pub(super) fresh: Fresh,
    /// How many expressions it has.
    pub(super) exprs: usize,
    /// And of what else stands in a row.
    lengths: [usize; 3],
}

impl Layout {
    pub(super) fn new(exprs: usize, lengths: [usize; 3], (at, fresh): (Renumber, Fresh)) -> Self {
        Self { at, fresh, exprs, lengths }
    }
}

/// How many parameters, policies and rules there are.
pub(super) fn lengths(fragment: &Hir) -> [usize; 3] {
    [fragment.params.len(), fragment.policies.len(), fragment.rules.len()]
}

/// A rule set with all that is needed to link the next one.
pub(crate) struct Kept<P> {
    tunes: Vec<Tune>,
    options: Options,
    pieces: Vec<(Arc<P>, Option<Layout>)>,
    known: Known,
    linked: Linked,
    /// How many expressions nothing asks for any more.
    left_behind: usize,
    has_budget: bool,
}

fn has_budget(hir: &Hir) -> bool {
    hir.rules.values().any(|rule| rule.harm.is_some())
}

impl<P: Piece> Kept<P> {
    /// Links everything.
    pub(crate) fn new(env: &Env, pieces: Vec<Arc<P>>, tunes: Vec<Tune>, options: &Options) -> Self {
        let fragments: Vec<&Hir> = pieces.iter().filter_map(|piece| piece.fragment()).collect();
        let (linked, layouts, known) = in_parts(env, &fragments, &tunes, options);
        let pieces = pieces.into_iter().zip(layouts).collect();
        let has_budget = has_budget(&linked.hir);
        Self { tunes, options: options.clone(), pieces, known, linked, left_behind: 0, has_budget }
    }

    /// What was linked.
    pub(crate) fn linked(&self) -> Linked {
        self.linked.clone()
    }

    /// Links what has changed since, where that can be done by itself. The order of pieces is as it was. Cost: linear in what has
    /// changed, with a look at each fragment and each rule.
    pub(crate) fn again(
        &mut self,
        env: &Env,
        pieces: &[Arc<P>],
        tunes: &[Tune],
        options: &Options,
    ) -> Option<Linked> {
        let before = &self.linked.hir;
        let is_like = Arc::ptr_eq(&before.schema, &env.schema)
            && Arc::ptr_eq(&before.declarations, &env.declarations)
            && self.pieces.len() == pieces.len()
            && self.tunes == tunes
            && self.options == *options
            && self.linked.diagnostics.is_empty();
        if !is_like {
            return None;
        }
        let fragments: Vec<&Hir> = pieces.iter().filter_map(|piece| piece.fragment()).collect();
        let supplied = supplied(env, &fragments, options);
        let mut linked = self.linked.clone();
        let mut layouts = Vec::new();
        let mut left_behind = self.left_behind;
        for (nth, (piece, (known, layout))) in pieces.iter().zip(&self.pieces).enumerate() {
            if Arc::ptr_eq(piece, known) {
                continue;
            }
            let (before, fragment) = (known.fragment()?, piece.fragment()?);
            let layout = layout.as_ref()?;
            let names = full_names(fragment);
            let is_same_policy = !names.is_empty() && names == full_names(before);
            if !is_same_policy || names.iter().any(|name| missing(env, name, supplied.as_ref()).is_some()) {
                return None;
            }
            let mut fragment = fragment.clone();
            if !tuned::apply(env, &mut fragment, tunes).is_empty() {
                return None;
            }
            if options.as_if_enforce {
                fragment.policies.values_mut().for_each(|policy| policy.mode = Mode::Enforce);
                fragment.rules.values_mut().for_each(|rule| rule.mode = Mode::Enforce);
            }
            merge::resolve(&mut fragment);
            let next = replace(&mut linked, &mut self.known, layout, fragment)?;
            if supplied.is_some() && next.at.signals.len() > layout.at.signals.len() {
                return None;
            }
            if next.at.exprs != layout.at.exprs {
                left_behind += layout.exprs;
            }
            layouts.push((nth, next));
        }
        if left_behind * 4 > linked.hir.exprs.len().max(SMALL) || has_budget(&linked.hir) != self.has_budget {
            return None;
        }
        for (nth, layout) in layouts.iter().filter(|_| supplied.is_some()) {
            let fragment = pieces.get(*nth)?.fragment()?;
            if !fragment.calls.is_empty() {
                // What a model is given may stand with another fragment.
                return None;
            }
            let range = |from: u32, length: usize| from as usize..from as usize + length;
            let (rules, exprs) =
                (range(layout.at.rules, fragment.rules.len()), range(layout.at.exprs, layout.exprs));
            wake::mark_rules(&mut linked.hir, supplied.as_ref()?, rules, exprs);
        }
        for (nth, layout) in layouts {
            if let (Some(known), Some(piece)) = (self.pieces.get_mut(nth), pieces.get(nth)) {
                *known = (Arc::clone(piece), Some(layout));
            }
        }
        self.left_behind = left_behind;
        self.linked = linked;
        Some(self.linked.clone())
    }
}

/// Puts a fragment, whose parameters have their values, in the place of the one that has been there. Nothing where something that was
/// kept is kept no more, where it keeps anything new but states, or has another number of parameters or rules. What is known
/// may know too much then.
fn replace(linked: &mut Linked, known: &mut Known, before: &Layout, fragment: Hir) -> Option<Layout> {
    let hir = &mut linked.hir;
    let texts = Texts::of(&fragment);
    let (first_state, first_signal) = (hir.states.len(), hir.signals.len());
    let mut next_state = first_state;
    let states = texts.states.iter().map(|text| {
        *known.states.entry(Arc::clone(text)).or_insert_with(|| {
            next_state += 1;
            StateId::from_index(next_state - 1)
        })
    });
    let mut at = Renumber {
        states: states.collect(),
        cohorts: same(&texts.cohorts, &known.cohorts, &before.at.cohorts)?,
        calls: same(&texts.calls, &known.calls, &before.at.calls)?,
        facts: same(&texts.facts, &known.facts, &before.at.facts)?,
        patterns: ids(&texts.patterns, &known.patterns)?,
        ..before.at.clone()
    };
    if lengths(&fragment) != before.lengths
        || !before.at.states.iter().all(|id| at.states.contains(id))
        || !fragment.caps.is_empty()
        || !fragment.derives.is_empty()
    {
        return None;
    }
    // They stand in the order in which rules have come to them.
    let named = |id: &SignalId, name: &str| hir.signals.get(*id).is_some_and(|signal| signal.name == name);
    let mut next_signal = first_signal;
    let signals = fragment.signals.values().map(|signal| {
        before.at.signals.iter().copied().find(|id| named(id, &signal.name)).unwrap_or_else(|| {
            next_signal += 1;
            SignalId::from_index(next_signal - 1)
        })
    });
    at.signals = signals.collect();
    let named = |id: &SequenceId, name: &str| hir.sequences.get(*id).is_some_and(|known| known.name == name);
    let sequences = fragment.sequences.values();
    at.sequences = sequences
        .map(|sequence| before.at.sequences.iter().copied().find(|id| named(id, &sequence.name)))
        .collect::<Option<_>>()?;
    let are_kept = before.at.signals.iter().all(|id| at.signals.contains(id))
        && before.at.sequences.iter().all(|id| at.sequences.contains(id));
    if !are_kept {
        return None;
    }
    let bytes: Vec<u32> =
        fragment.states.values().map(|state| budget::bytes_per_key(&fragment, state)).collect();
    let identities = texts.states;
    let texts: Vec<String> = fragment.sequences.ids().map(|id| canonical::sequence(&fragment, id)).collect();

    let mut there = fragment.clone();
    visit::hir(&mut there, &mut at);
    let in_place = there.exprs.len() == before.exprs && asks_alike(hir, &there, &at, &before.fresh);
    if !in_place {
        at.exprs = u32::try_from(hir.exprs.len()).ok()?;
        there = fragment;
        visit::hir(&mut there, &mut at);
    }
    let mut next =
        Layout { at, fresh: before.fresh.clone(), exprs: there.exprs.len(), lengths: before.lengths };

    for ((sequence, id), text) in there.sequences.values().zip(&next.at.sequences).zip(&texts) {
        let former = hir.sequences.get(*id)?;
        if !keeps_alike(former, sequence) || canonical::sequence(hir, *id) != *text {
            return None;
        }
        if former.at != sequence.at {
            hir.sequences.get_mut(*id)?.at = sequence.at;
        }
    }
    let described = identities.into_iter().zip(bytes);
    for ((state, id), (identity, bytes_per_key)) in
        there.states.into_iter().zip(&next.at.states).zip(described)
    {
        // Of those that are alike the first is the one.
        if id.index() == hir.states.len() {
            hir.states.push(State { identity, bytes_per_key, ..state });
            next.fresh.states.push(*id);
        }
    }
    for (signal, id) in there.signals.values().zip(&next.at.signals) {
        if id.index() == hir.signals.len() {
            hir.signals.push(signal.clone());
            continue;
        }
        let former = hir.signals.get(*id)?;
        if !reads_alike(former, signal) {
            return None;
        }
        if former.at != signal.at {
            hir.signals.get_mut(*id)?.at = signal.at;
        }
    }
    for (cohort, id) in there.cohorts.values().zip(&next.at.cohorts) {
        if next.fresh.cohorts.contains(id) && hir.cohorts.get(*id)?.at != cohort.at {
            hir.cohorts.get_mut(*id)?.at = cohort.at;
        }
    }
    if in_place {
        put(&mut hir.exprs, next.at.exprs, there.exprs)?;
    } else {
        hir.exprs.extend(there.exprs);
    }
    put(&mut hir.params, next.at.params, there.params)?;
    put(&mut hir.policies, next.at.policies, there.policies)?;
    put(&mut hir.rules, next.at.rules, there.rules)?;
    if hir.states.len() > first_state || hir.signals.len() > first_signal {
        note(linked, &next.at)?;
    }
    Some(next)
}

/// Notes the states and signals of a policy again.
fn note(linked: &mut Linked, at: &Renumber) -> Option<()> {
    let id = PolicyId(at.policies);
    let policy = linked.hir.policies.get(id)?;
    let names = Arc::make_mut(&mut linked.names);
    for id in &at.signals {
        let name =
            format_smolstr!("{}.{}.{}", policy.package, policy.name, linked.hir.signals.get(*id)?.name);
        names.entry(name).or_insert(Reading::Signal(*id));
    }
    let members = linked.members.get_mut(id)?;
    members.states.clone_from(&at.states);
    members.states.sort();
    members.states.dedup();
    Some(())
}

/// Puts items where others have been.
fn put<I: Id, T: Clone>(into: &mut SharedVec<I, T>, from: u32, items: SharedVec<I, T>) -> Option<()> {
    for (nth, item) in items.into_iter().enumerate() {
        *into.get_mut(I::from_index(from as usize + nth))? = item;
    }
    Some(())
}

/// The ids under which parts are known; nothing where one is not.
fn ids<K: Eq + Hash, I: Id>(texts: &[K], known: &HashMap<K, I>) -> Option<Vec<I>> {
    texts.iter().map(|text| known.get(text).copied()).collect()
}

/// The same where they are these ids in whatever order.
fn same<K: Eq + Hash, I: Id + Ord>(texts: &[K], known: &HashMap<K, I>, before: &[I]) -> Option<Vec<I>> {
    let found = ids(texts, known)?;
    let (mut one, mut two) = (found.clone(), before.to_vec());
    one.sort_unstable();
    two.sort_unstable();
    (one == two).then_some(found)
}

/// Whether a signal reads the same in the same way.
fn reads_alike(one: &Signal, two: &Signal) -> bool {
    let of = |signal: &Signal| (signal.state, signal.before_this, signal.least, signal.phase);
    of(one) == of(two) && one.name == two.name && one.ty == two.ty
}

/// Whether two sequences of one text keep the same.
fn keeps_alike(one: &Sequence, two: &Sequence) -> bool {
    let steps = |sequence: &Sequence| {
        sequence.steps.iter().map(|step| (step.name.clone(), step.captures.clone())).collect::<Vec<_>>()
    };
    one.name == two.name && one.key == two.key && steps(one) == steps(two)
}

/// Whether all that a fragment has brought to a rule set, and the same of another fragment in its place, asks expressions that
/// stand in the same places.
fn asks_alike(hir: &Hir, there: &Hir, at: &Renumber, fresh: &Fresh) -> bool {
    #[derive(Default, PartialEq)]
    struct Asked(Vec<ExprId>);
    impl Visitor for Asked {
        fn expr(&mut self, id: &mut ExprId) {
            self.0.push(*id);
        }
    }
    /// Items by what they will be, those of `own` alone and in their order.
    fn of<I: Id + PartialEq, T: Clone>(items: &SharedVec<I, T>, at: &[I], own: &[I]) -> SharedVec<I, T> {
        let place = |id: &I| at.iter().position(|known| known == id);
        own.iter().filter_map(|id| items.get(I::from_index(place(id)?)).cloned()).collect()
    }
    fn own<I: Id, T: Clone>(items: &SharedVec<I, T>, own: &[I]) -> SharedVec<I, T> {
        own.iter().filter_map(|id| items.get(*id).cloned()).collect()
    }
    let asked = |of: &mut Hir| {
        let mut asked = Asked::default();
        visit::hir(of, &mut asked);
        asked
    };
    let mut former = Hir {
        states: own(&hir.states, &fresh.states),
        cohorts: own(&hir.cohorts, &fresh.cohorts),
        calls: own(&hir.calls, &fresh.calls),
        facts: own(&hir.facts, &fresh.facts),
        sequences: own(&hir.sequences, &at.sequences),
        ..Hir::default()
    };
    let mut next = Hir {
        states: of(&there.states, &at.states, &fresh.states),
        cohorts: of(&there.cohorts, &at.cohorts, &fresh.cohorts),
        calls: of(&there.calls, &at.calls, &fresh.calls),
        facts: of(&there.facts, &at.facts, &fresh.facts),
        sequences: there.sequences.clone(),
        ..Hir::default()
    };
    asked(&mut former) == asked(&mut next)
}
