//! What stands over the rules: a panic, switches, the brake, attack mode, open cases and truth.
//!
//! All of it is state, in order and by name, so that it survives a snapshot, a replay and another rule set. What the
//! hot path asks of it is worked out for the rule set at hand when it is first asked after a change, rule by rule, and
//! remembered: a change of rule set costs nothing here, whatever stands over the rules.

use std::cell::Cell;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use weir_compiler::civil;
use weir_compiler::ids::*;

use crate::activation::{Activations, Active};
use crate::brake::{Brakes, Suspension};
use crate::cases::Cases;
use crate::command::Answer;
use crate::names::NameHash;
use crate::ruleset::RuleSet;
use crate::truth::Truth;

/// What keeps a rule from acting.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Halt {
    /// Nothing.
    #[default]
    No,
    /// An operator: it does not even fire.
    Off,
    /// The brake: it acts as in shadow.
    Suspended,
}

/// A command about a name; the latest that is about a rule counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Switch {
    name: SmolStr,
    off: bool,
}

/// What stands over the rules now.
#[derive(Clone, Debug, PartialEq)]
pub enum Engaged {
    /// `panic off`, since then.
    Panic(i64),
    /// A rule is switched off.
    Off(SmolStr),
    /// The brake has suspended a rule, by full name; what its budget counts.
    Suspended(SmolStr, Suspension, SmolStr),
    /// A rule set is active.
    Active(Active),
}

impl std::fmt::Display for Engaged {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Panic(since) => {
                write!(f, "panic off since {}: no rule, entry or score acts", civil::format(*since))
            }
            Self::Off(rule) => write!(f, "{rule} is switched off"),
            Self::Suspended(rule, suspension, population) => {
                let since = civil::format(suspension.at);
                write!(f, "{rule} is suspended since {since}: {}", suspension.words(population))
            }
            Self::Active(active) => {
                let until = civil::format(active.until);
                write!(f, "{} is active until {until} by {}", active.target, active.rule)
            }
        }
    }
}

/// The state.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Control {
    panic: Option<i64>,
    /// In the order of the commands, each name once.
    switches: Vec<Switch>,
    pub(crate) brakes: Brakes,
    active: Activations,
    pub(crate) cases: Cases,
    pub(crate) truth: Truth,
    /// Worked out from the rest for a rule set.
    #[serde(skip)]
    bound: Bound,
}

/// What stands over each rule and policy of a rule set, as far as that has been asked.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bound {
    /// The address of the rule set, to be compared and nothing else.
    set: usize,
    halts: IdVec<RuleId, Cell<Option<Halt>>>,
    until: IdVec<PolicyId, Cell<Option<i64>>>,
}

impl Bound {
    /// While nothing has been asked.
    pub(crate) fn new(set: &RuleSet) -> Self {
        Self {
            set: std::ptr::from_ref(set).addr(),
            halts: set.hir.rules.values().map(|_| Cell::default()).collect(),
            until: set.hir.policies.values().map(|_| Cell::default()).collect(),
        }
    }

    /// Where to remember something about a rule set; nowhere when it is another.
    fn place<'a, I: Id, T>(&self, set: &RuleSet, of: &'a IdVec<I, T>, id: I) -> Option<&'a T> {
        if self.set == std::ptr::from_ref(set).addr() { of.get(id) } else { None }
    }
}

/// Whether a command about `name` is about a rule.
fn is_about(set: &RuleSet, name: &str, rule: RuleId) -> bool {
    let Some(rule) = set.hir.rules.get(rule) else { return false };
    let Some(policy) = set.hir.policies.get(rule.policy) else { return false };
    let of_policy = name.strip_prefix(policy.package.as_str()).and_then(|rest| rest.strip_prefix('.'));
    rule.full_name == name || policy.package == name || of_policy == Some(policy.name.as_str())
}

impl Control {
    /// Since when nothing acts, if so.
    pub(crate) fn panics(&self) -> Option<i64> {
        self.panic
    }

    /// What keeps a rule from acting.
    pub(crate) fn halt(&self, set: &RuleSet, rule: RuleId) -> Halt {
        // Nearly always nothing is switched off or suspended.
        if self.switches.is_empty() && self.brakes.is_quiet() {
            return Halt::No;
        }
        let place = self.bound.place(set, &self.bound.halts, rule);
        if let Some(known) = place.and_then(Cell::get) {
            return known;
        }
        let halt = self.find_halt(set, rule);
        if let Some(place) = place {
            place.set(Some(halt));
        }
        halt
    }

    /// Whether attack mode makes a policy act at `at`.
    pub(crate) fn is_active(&self, set: &RuleSet, policy: PolicyId, at: i64) -> bool {
        if self.active.is_empty() {
            return false;
        }
        let place = self.bound.place(set, &self.bound.until, policy);
        let until = place.and_then(Cell::get).unwrap_or_else(|| {
            let until = self.find_until(set, policy);
            if let Some(place) = place {
                place.set(Some(until));
            }
            until
        });
        at < until
    }

    pub(crate) fn panic(&mut self, since: Option<i64>) -> Answer {
        if self.panic.is_some() == since.is_some() {
            return Answer::NotFound;
        }
        self.panic = since;
        Answer::Done(1)
    }

    pub(crate) fn switch(&mut self, set: &RuleSet, name: SmolStr, off: bool, room: usize) -> Answer {
        let found = set.hir.rules.ids().filter(|rule| is_about(set, &name, *rule)).count();
        if found == 0 {
            return Answer::NotFound;
        }
        let known = self.switches.iter().position(|switch| switch.name == name);
        if known.is_none() && self.switches.len() >= room {
            return Answer::NoRoom;
        }
        if let Some(known) = known {
            self.switches.remove(known);
        }
        self.switches.push(Switch { name, off });
        if self.switches.iter().all(|switch| !switch.off) {
            self.switches.clear();
        }
        Answer::Done(found)
    }

    pub(crate) fn resume(&mut self, rule: &str) -> Answer {
        if self.brakes.resume(NameHash::of("rule", rule)) { Answer::Done(1) } else { Answer::NotFound }
    }

    /// A rule switches a rule set on.
    pub(crate) fn activate(&mut self, set: &RuleSet, target: &SmolStr, rule: RuleId, at: i64, until: i64) {
        let Some(rule) = set.hir.rules.get(rule) else { return };
        let active = self.active.put(target, &rule.full_name, at, until);
        // Under attack this comes at every event, so nothing is worked out anew: a rule that fires holds its own end.
        for (id, policy) in set.hir.policies.iter() {
            if active.covers(&policy.package, &policy.name)
                && let Some(place) = self.bound.place(set, &self.bound.until, id)
                && let Some(end) = place.get()
            {
                place.set(Some(active.until.max(end)));
            }
        }
    }

    /// Forgets what has been worked out for a rule set; to be called after every change but an activation.
    pub(crate) fn bind(&mut self, set: &RuleSet) {
        self.bound = Bound::new(set);
    }

    /// The same with another rule set, whose [`Bound::new`] is at hand. Constant time.
    pub(crate) fn rebind(&mut self, fresh: &mut Bound) {
        std::mem::swap(&mut self.bound, fresh);
    }

    /// Nothing stands over any rule.
    fn is_quiet(&self) -> bool {
        self.switches.is_empty() && self.brakes.is_quiet() && self.active.is_empty()
    }

    fn find_halt(&self, set: &RuleSet, rule: RuleId) -> Halt {
        let last = self.switches.iter().rev().find(|switch| is_about(set, &switch.name, rule));
        if last.is_some_and(|switch| switch.off) {
            return Halt::Off;
        }
        // Nearly always nothing is suspended, and what rules say need not be told.
        let name = set.names.rules.get(rule).filter(|name| self.brakes.has_suspended(**name));
        match name.and_then(|_| set.harms.identity(&set.hir, &set.names, rule)) {
            Some((name, version)) if self.brakes.is_suspended(name, version) => Halt::Suspended,
            _ => Halt::No,
        }
    }

    /// Until when attack mode makes a policy act.
    fn find_until(&self, set: &RuleSet, policy: PolicyId) -> i64 {
        let Some(policy) = set.hir.policies.get(policy) else { return i64::MIN };
        let covers = self.active.iter().filter(|active| active.covers(&policy.package, &policy.name));
        let acting = covers.filter(|active| {
            let rule = set.names.rule(&active.rule);
            rule.is_none_or(|rule| self.halt(set, rule) == Halt::No)
        });
        acting.map(|active| active.until).max().unwrap_or(i64::MIN)
    }

    /// What stands over the rules at `at`.
    pub(crate) fn engaged(&self, set: &RuleSet, at: i64) -> Vec<Engaged> {
        // Nearly always nothing does.
        if self.panic.is_none() && self.is_quiet() {
            return Vec::new();
        }
        let mut found: Vec<Engaged> = self.panic.map(Engaged::Panic).into_iter().collect();
        for (id, rule) in set.hir.rules.iter() {
            match self.halt(set, id) {
                Halt::No => {}
                Halt::Off => found.push(Engaged::Off(rule.full_name.clone())),
                Halt::Suspended => {
                    let identity = set.harms.identity(&set.hir, &set.names, id);
                    let suspension =
                        identity.and_then(|(name, version)| self.brakes.suspension(name, version));
                    let population =
                        rule.harm.as_ref().map(|harm| harm.population.clone()).unwrap_or_default();
                    found.extend(suspension.map(|suspension| {
                        Engaged::Suspended(rule.full_name.clone(), suspension.clone(), population)
                    }));
                }
            }
        }
        found.extend(self.active.iter().filter(|active| at < active.until).cloned().map(Engaged::Active));
        found
    }

    /// The same, as far as it is about rules that look at an event, in words.
    pub(crate) fn standing(&self, set: &RuleSet, event: EventId, at: i64) -> Vec<String> {
        let looks = |policy: PolicyId| {
            set.hir.policies.get(policy).is_some_and(|policy| policy.events.contains(&event))
        };
        let concerns = |engaged: &Engaged| match engaged {
            Engaged::Panic(_) => true,
            Engaged::Off(name) | Engaged::Suspended(name, ..) => {
                set.hir.rules.values().any(|rule| rule.full_name == *name && looks(rule.policy))
            }
            Engaged::Active(active) => set
                .hir
                .policies
                .iter()
                .any(|(id, policy)| active.covers(&policy.package, &policy.name) && looks(id)),
        };
        self.engaged(set, at).into_iter().filter(concerns).map(|engaged| engaged.to_string()).collect()
    }
}
