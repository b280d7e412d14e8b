//! Trees as the file has them: each node with its own comparison. The meaning of an ensemble, and what runs where the packed layout cannot.

use super::Real;

/// How a node compares the feature `x` with its threshold `t`; where it holds, the first child is next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// `x <= t`
    AtMost,
    /// `x < t`
    Below,
    /// `x >= t`
    AtLeast,
    /// `x > t`
    Above,
    /// `x == t`
    Equal,
    /// `x != t`
    Unequal,
    /// `x` is one of a set.
    Member,
    /// No comparison: the end of the way.
    Leaf,
}

/// A node; for leaves `first` and `count` are a range of votes, for [`Mode::Member`] one of members.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Node<T> {
    pub(crate) mode: Mode,
    /// Whether a missing value (NaN) takes the first child whatever the comparison says.
    pub(crate) missing_holds: bool,
    pub(crate) feature: u32,
    pub(crate) threshold: T,
    pub(crate) holds: u32,
    pub(crate) fails: u32,
    pub(crate) first: u32,
    pub(crate) count: u32,
}

/// What a leaf adds to one target.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Vote<T> {
    pub(crate) target: u32,
    pub(crate) weight: T,
}

/// Trees one after the other, each from its root on.
///
/// INVARIANT: children are inside of `nodes`, and none is above itself; a node may have several parents. Features are below `features`.
#[derive(Clone, Debug)]
pub(crate) struct Plain<T> {
    pub(crate) nodes: Vec<Node<T>>,
    pub(crate) roots: Vec<u32>,
    /// How many decisions the longest way through each tree has.
    pub(crate) depths: Vec<u32>,
    pub(crate) votes: Vec<Vote<T>>,
    pub(crate) members: Vec<T>,
    pub(crate) features: usize,
}

impl<T: Real> Plain<T> {
    pub(crate) fn empty() -> Self {
        Self {
            nodes: Vec::new(),
            roots: Vec::new(),
            depths: Vec::new(),
            votes: Vec::new(),
            members: Vec::new(),
            features: 0,
        }
    }

    /// The leaf that a row ends at in a tree.
    pub(crate) fn leaf(&self, root: u32, row: &[T]) -> Option<&Node<T>> {
        let mut node = self.nodes.get(root as usize)?;
        while node.mode != Mode::Leaf {
            let x = *row.get(node.feature as usize)?;
            let t = node.threshold;
            let holds = match node.mode {
                Mode::AtMost => x <= t,
                Mode::Below => x < t,
                Mode::AtLeast => x >= t,
                Mode::Above => x > t,
                Mode::Equal => x == t,
                Mode::Unequal => x != t,
                Mode::Member => self.members(node).contains(&x),
                Mode::Leaf => false,
            };
            let next = if holds || (node.missing_holds && x.is_nan()) { node.holds } else { node.fails };
            node = self.nodes.get(next as usize)?;
        }
        Some(node)
    }

    /// What a leaf adds.
    pub(crate) fn votes(&self, leaf: &Node<T>) -> &[Vote<T>] {
        let first = leaf.first as usize;
        self.votes.get(first..first + leaf.count as usize).unwrap_or(&[])
    }

    fn members(&self, node: &Node<T>) -> &[T] {
        let first = node.first as usize;
        self.members.get(first..first + node.count as usize).unwrap_or(&[])
    }

    /// The leaves, in the order of their nodes.
    pub(crate) fn leaves(&self) -> impl Iterator<Item = &Node<T>> {
        self.nodes.iter().filter(|node| node.mode == Mode::Leaf)
    }

    /// Adds a tree of another ensemble, whose leaf number `n` (in the order of nodes) gives `values[n]` to target 0.
    pub(crate) fn graft(&mut self, from: &Self, values: &[T]) {
        let base = self.nodes.len() as u32;
        self.features = self.features.max(from.features);
        self.roots.extend(from.roots.iter().map(|root| root + base));
        self.depths.extend(&from.depths);
        let members = self.members.len() as u32;
        self.members.extend(&from.members);
        let mut values = values.iter();
        for node in &from.nodes {
            let mut node = *node;
            match node.mode {
                Mode::Leaf => {
                    (node.first, node.count) = (self.votes.len() as u32, 1);
                    let weight = values.next().copied().unwrap_or(T::ZERO);
                    self.votes.push(Vote { target: 0, weight });
                }
                mode => {
                    node.holds += base;
                    node.fails += base;
                    if mode == Mode::Member {
                        node.first += members;
                    }
                }
            }
            self.nodes.push(node);
        }
    }

    /// Decisions that one row takes at most.
    pub(crate) fn work(&self) -> usize {
        self.depths.iter().map(|depth| *depth as usize + 1).sum()
    }
}
