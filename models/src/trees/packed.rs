//! Trees packed to be walked without branches, eight at a time.
//!
//! ```text
//! node, 8 bytes    threshold f32 | child 20 bits, feature 12 bits
//! row              [ NaN | used features … | -1 × features that some node needs negated … ]
//! step             at = child + (row[feature] > threshold)
//! leaf             feature 0, child itself; its threshold is its value: NaN is above nothing, so it stays
//! group            eight trees, breadth first together: their roots share a cache line, children are neighbours
//! ```
//!
//! Every comparison is made one of `>`: a comparison with NaN is false, so the neighbour that NaN goes to is put first, and where that is the one of the
//! larger values, `x <= t` is asked as `-x > -next(t)` of a negated copy. That is exact: the floats next to a threshold are known, and nothing is between. Eight chains of
//! loads hide each other's latency; a row of 4,096 values and twelve bits of feature need no check of bounds.
//!
//! The layout is that of branch-free walkers such as FIL and Treelite's and of VPred (Asadi, Lin, de Vries, *Runtime Optimizations for Tree-based
//! Machine Learning Models*, 2014), which predicates and interleaves. QuickScorer (Lucchese et al. 2015) visits all nodes that fail, feature by feature, and pays for trees of up to
//! 64 leaves over batches; for single rows over trees of any depth the walk touches fewer lines.

use super::plain::{Mode, Plain};

/// Trees walked together.
const LANES: usize = 8;
/// Values of a row in the layout.
pub(crate) const ROW: usize = 1 << FEATURE_BITS;
const FEATURE_BITS: u32 = 12;
const CHILDREN: usize = 1 << (32 - FEATURE_BITS);

#[derive(Clone, Copy, Debug)]
struct Node {
    threshold: f32,
    /// `child << FEATURE_BITS | feature`
    next: u32,
}

#[derive(Clone, Debug)]
struct Group {
    nodes: Vec<Node>,
    depth: u32,
    trees: usize,
}

/// What a leaf's value is.
#[derive(Clone, Debug)]
pub(crate) enum Leaves {
    /// The weight, all for one target.
    One(u32),
    /// The weight, for the target of its tree.
    OfTree(Vec<u32>),
    /// The bits are an index: a range of votes from there to the next.
    Votes {
        /// One more than leaves.
        starts: Vec<u32>,
        votes: Vec<super::plain::Vote<f32>>,
    },
}

/// An ensemble, packed.
#[derive(Clone, Debug)]
pub(crate) struct Packed {
    groups: Vec<Group>,
    /// Features of the input that are copied, in order; those after `negated` are copied with the other sign.
    copied: Vec<u32>,
    negated: usize,
    pub(crate) leaves: Leaves,
}

/// A row as the layout has it; the first value stays NaN.
#[derive(Clone, Debug)]
pub(crate) struct Row(Box<[f32; ROW]>);

impl Default for Row {
    fn default() -> Self {
        Self(Box::new([f32::NAN; ROW]))
    }
}

impl Packed {
    /// Packs an ensemble; nothing where a comparison, the features or the trees do not fit, which [`Plain`] then walks.
    pub(crate) fn new(plain: &Plain<f32>) -> Option<Self> {
        let mut tests = Vec::with_capacity(plain.nodes.len());
        for node in &plain.nodes {
            tests.push(if node.mode == Mode::Leaf { None } else { Some(Test::new(node)?) });
        }
        let mut used: Vec<(bool, u32)> =
            tests.iter().flatten().map(|test| (test.is_negated, test.feature)).collect();
        used.sort_unstable();
        used.dedup();
        if used.len() >= ROW {
            return None;
        }
        let leaves = Leaves::new(plain)?;
        let mut packed = Self {
            groups: Vec::new(),
            negated: used.partition_point(|(is_negated, _)| !is_negated),
            copied: used.iter().map(|(_, feature)| *feature).collect(),
            leaves,
        };
        let mut nth_leaf = 0;
        let leaf_numbers: Vec<u32> = plain
            .nodes
            .iter()
            .map(|node| {
                nth_leaf += u32::from(node.mode == Mode::Leaf);
                nth_leaf.saturating_sub(1)
            })
            .collect();
        for (roots, depths) in plain.roots.chunks(LANES).zip(plain.depths.chunks(LANES)) {
            let group = packed.group(plain, &tests, &used, &leaf_numbers, roots, depths)?;
            packed.groups.push(group);
        }
        Some(packed)
    }

    fn group(
        &self,
        plain: &Plain<f32>,
        tests: &[Option<Test>],
        used: &[(bool, u32)],
        leaf_numbers: &[u32],
        roots: &[u32],
        depths: &[u32],
    ) -> Option<Group> {
        let mut nodes = vec![Node { threshold: 0.0, next: 0 }; LANES];
        // Lanes without a tree stay where they are.
        (0..LANES as u32).zip(&mut nodes).for_each(|(at, node)| node.next = at << FEATURE_BITS);
        let mut waiting: std::collections::VecDeque<(u32, u32)> = (0..).zip(roots.iter().copied()).collect();
        while let Some((at, from)) = waiting.pop_front() {
            let node = match tests.get(from as usize)? {
                None => {
                    let leaf = plain.nodes.get(from as usize)?;
                    let threshold = match &self.leaves {
                        Leaves::Votes { .. } => f32::from_bits(*leaf_numbers.get(from as usize)?),
                        _ => plain.votes(leaf).first().map_or(0.0, |vote| vote.weight),
                    };
                    Node { threshold, next: at << FEATURE_BITS }
                }
                Some(test) => {
                    let child = nodes.len() as u32;
                    let feature = used.binary_search(&(test.is_negated, test.feature)).ok()? as u32 + 1;
                    let blank = Node { threshold: 0.0, next: 0 };
                    nodes.extend([blank, blank]);
                    if nodes.len() > CHILDREN {
                        return None;
                    }
                    waiting.push_back((child, test.else_next));
                    waiting.push_back((child + 1, test.above_next));
                    Node { threshold: test.threshold, next: child << FEATURE_BITS | feature }
                }
            };
            *nodes.get_mut(at as usize)? = node;
        }
        Some(Group { nodes, depth: depths.iter().copied().max().unwrap_or(0), trees: roots.len() })
    }

    /// Gives each tree's leaf value for a row of the model's input, in order of the trees. `input` has all features of the ensemble.
    #[inline]
    pub(crate) fn walk(&self, input: &[f32], row: &mut Row, mut leaf: impl FnMut(f32)) {
        let row = self.fill(input, row);
        for group in &self.groups {
            let values = group.walk(row);
            values.iter().take(group.trees).for_each(|value| leaf(*value));
        }
    }

    #[inline]
    #[expect(
        clippy::indexing_slicing,
        reason = "fewer features than the row has places; the input has every one"
    )]
    fn fill<'a>(&self, input: &[f32], row: &'a mut Row) -> &'a [f32; ROW] {
        let (plain, negated) = self.copied.split_at(self.negated);
        for (feature, place) in plain.iter().zip(row.0[1..].iter_mut()) {
            *place = input[*feature as usize];
        }
        for (feature, place) in negated.iter().zip(row.0[1 + self.negated..].iter_mut()) {
            *place = -input[*feature as usize];
        }
        &row.0
    }
}

impl Group {
    /// The value of the leaf that each lane ends at.
    #[inline]
    #[expect(
        clippy::indexing_slicing,
        reason = "children were numbered within the group; twelve bits are below the row's length"
    )]
    fn walk(&self, row: &[f32; ROW]) -> [f32; LANES] {
        let nodes = self.nodes.as_slice();
        let mut at: [u32; LANES] = std::array::from_fn(|lane| lane as u32);
        let mut left = self.depth;
        while left > 0 {
            let before = at;
            // Four levels, then a look whether all have arrived: the longest way is often twice the usual one.
            for _ in 0..left.min(4) {
                for place in &mut at {
                    let node = nodes[*place as usize];
                    let x = row[(node.next & (ROW as u32 - 1)) as usize];
                    *place = (node.next >> FEATURE_BITS) + u32::from(x > node.threshold);
                }
            }
            left -= left.min(4);
            if before == at {
                break;
            }
        }
        at.map(|place| nodes[place as usize].threshold)
    }
}

/// A comparison as one of `>`.
#[derive(Clone, Copy, Debug)]
struct Test {
    feature: u32,
    is_negated: bool,
    threshold: f32,
    else_next: u32,
    above_next: u32,
}

impl Test {
    /// Nothing where it cannot be said as `x > t` or `-x > t`.
    fn new(node: &super::plain::Node<f32>) -> Option<Self> {
        let t = node.threshold;
        if t.is_nan() {
            return None;
        }
        // As `x > bound`: where that holds, and where it does not.
        let (bound, above, below) = match node.mode {
            Mode::AtMost => (t, node.fails, node.holds),
            Mode::Below => (lower(t)?, node.fails, node.holds),
            Mode::AtLeast => (lower(t)?, node.holds, node.fails),
            Mode::Above => (t, node.holds, node.fails),
            Mode::Equal | Mode::Unequal | Mode::Member | Mode::Leaf => return None,
        };
        // NaN is above nothing.
        let nan_next = if node.missing_holds { node.holds } else { node.fails };
        let feature = node.feature;
        if nan_next == below {
            return Some(Self {
                feature,
                is_negated: false,
                threshold: bound,
                else_next: below,
                above_next: above,
            });
        }
        // `x <= b` is `x < next(b)` is `-x > -next(b)`.
        let threshold = -upper(bound)?;
        Some(Self { feature, is_negated: true, threshold, else_next: above, above_next: below })
    }
}

/// The largest float below `t`: `x < t` is `x <= lower(t)`.
fn lower(t: f32) -> Option<f32> {
    let lower = t.next_down();
    // Zeros are equal, so what is below one of them is below both.
    (t != f32::NEG_INFINITY).then_some(if t == 0.0 { 0.0_f32.next_down() } else { lower })
}

/// The smallest float above `t`.
fn upper(t: f32) -> Option<f32> {
    (t != f32::INFINITY).then_some(if t == 0.0 { 0.0_f32.next_up() } else { t.next_up() })
}

impl Leaves {
    fn new(plain: &Plain<f32>) -> Option<Self> {
        let single = plain.leaves().all(|leaf| leaf.count == 1);
        let first = plain.votes.first().map_or(0, |vote| vote.target);
        if single && plain.votes.iter().all(|vote| vote.target == first) {
            return Some(Self::One(first));
        }
        let ends = plain.roots.iter().skip(1).map(|root| *root as usize).chain([plain.nodes.len()]);
        let mut of_tree = Vec::with_capacity(plain.roots.len());
        for (root, end) in plain.roots.iter().zip(ends) {
            let leaves = plain.nodes.get(*root as usize..end)?.iter().filter(|node| node.mode == Mode::Leaf);
            let mut targets = leaves.map(|leaf| plain.votes(leaf).first().map(|vote| vote.target));
            let target = targets.next()??;
            if single && targets.all(|other| other == Some(target)) {
                of_tree.push(target);
            }
        }
        if of_tree.len() == plain.roots.len() {
            return Some(Self::OfTree(of_tree));
        }
        let (mut starts, mut votes) = (vec![0], Vec::new());
        for leaf in plain.leaves() {
            votes.extend(plain.votes(leaf));
            starts.push(votes.len() as u32);
        }
        Some(Self::Votes { starts, votes })
    }
}
