//! Attack mode: rule sets that a rule has switched on for a time.
//!
//! `activate shop.strict for 1h` is on at once and off an hour after the rule has last fired: each firing moves the end
//! on, so a condition that comes and goes within the hour never lets it flap. Every rule that activates a rule set
//! holds its own end; the set is on while any of them holds. What a suspended or switched-off rule has activated is off.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

/// A rule set that a rule has switched on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Active {
    /// The package or policy (`package.policy`).
    pub target: SmolStr,
    /// The rule that did it, by full name.
    pub rule: SmolStr,
    /// Since when, in ms UTC.
    pub since: i64,
    /// Until when; the instant itself is free.
    pub until: i64,
}

impl Active {
    /// Whether it switches on a policy of a package.
    pub(crate) fn covers(&self, package: &str, policy: &str) -> bool {
        let rest = self.target.strip_prefix(package);
        rest == Some("") || rest.and_then(|rest| rest.strip_prefix('.')) == Some(policy)
    }
}

/// All of them, in order of target and rule. There are no more than rules that activate.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Activations {
    all: Vec<Active>,
}

impl Activations {
    /// A rule switches a rule set on until `until`, or moves its end on; answers what holds then.
    pub(crate) fn put(&mut self, target: &SmolStr, rule: &SmolStr, at: i64, until: i64) -> Active {
        self.all.retain(|active| at < active.until);
        let place = self.all.binary_search_by(|active| (&active.target, &active.rule).cmp(&(target, rule)));
        let known = place.ok().and_then(|place| self.all.get_mut(place));
        if let Some(active) = known {
            active.until = active.until.max(until);
            return active.clone();
        }
        let active = Active { target: target.clone(), rule: rule.clone(), since: at, until };
        self.all.insert(place.unwrap_or_else(|place| place), active.clone());
        active
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Active> {
        self.all.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_firing_moves_the_end_and_keeps_the_beginning() {
        let mut all = Activations::default();
        let (strict, one, other) = ("shop.strict".into(), "shop.watch.one".into(), "shop.watch.other".into());
        all.put(&strict, &one, 0, 100);
        all.put(&strict, &other, 10, 50);
        all.put(&strict, &one, 60, 160);
        all.put(&strict, &one, 61, 70);
        let found: Vec<_> =
            all.iter().map(|active| (active.rule.as_str(), active.since, active.until)).collect();
        assert_eq!(found, [("shop.watch.one", 0, 160)], "the other has ended");
        all.put(&strict, &one, 160, 260);
        assert_eq!(all.iter().map(|active| active.since).collect::<Vec<_>>(), [160]);
    }

    #[test]
    fn a_package_covers_its_policies_and_no_others() {
        let active = |target: &str| Active { target: target.into(), rule: "r".into(), since: 0, until: 1 };
        assert!(active("shop").covers("shop", "strict") && active("shop.strict").covers("shop", "strict"));
        assert!(!active("shop.strict").covers("shop", "lax") && !active("shop").covers("shopping", "strict"));
        assert!(!active("shop.strict").covers("shop.strict.more", "x"));
    }
}
