//! Trees from the attributes of `TreeEnsembleClassifier`, `TreeEnsembleRegressor` (versions 1 to 3) and `TreeEnsemble` (version 5).

use super::Real;
use super::plain::{Mode, Node, Plain, Vote};
use super::score::{Aggregate, Post};
use crate::file::{self, within};
use crate::limits::Limits;
use crate::refusal::Refusal;
use crate::tensor::Data;

/// How trees of a node aggregate, and what becomes of the sums.
pub(crate) struct Rest {
    pub(crate) aggregate: Aggregate,
    pub(crate) post: Post,
    pub(crate) base: Vec<f64>,
}

/// The trees of version 1 to 3; `prefix` is `class` or `target`.
pub(crate) fn read<T: Real>(
    node: &file::Node,
    prefix: &str,
    targets: usize,
    limits: &Limits,
) -> Result<Plain<T>, Refusal> {
    let wrong = |what: &str| Refusal::malformed(format!("{}: {what}", node.label()));
    let ids = node.ints("nodes_nodeids");
    let trees = node.ints("nodes_treeids");
    let modes = node.texts("nodes_modes");
    let features = node.ints("nodes_featureids");
    let holds = node.ints("nodes_truenodeids");
    let fails = node.ints("nodes_falsenodeids");
    let missing = node.ints("nodes_missing_value_tracks_true");
    let thresholds = reals::<T>(node, "nodes_values");
    let count = ids.len();
    within("nodes of trees", count, limits.tree_nodes)?;
    let lengths = [trees.len(), modes.len(), features.len(), holds.len(), fails.len(), thresholds.len()];
    if count == 0 || lengths.iter().any(|length| *length != count) {
        return Err(wrong("its lists of nodes differ in length, or are empty"));
    }
    if !missing.is_empty() && missing.len() != count {
        return Err(wrong("`nodes_missing_value_tracks_true` has another length than the nodes"));
    }
    let mut places: Vec<(i64, i64, u32)> =
        trees.iter().zip(ids).zip(0..).map(|((tree, id), at)| (*tree, *id, at)).collect();
    places.sort_unstable();
    if places.array_windows().any(|[a, b]| (a.0, a.1) == (b.0, b.1)) {
        return Err(wrong("a node is there twice"));
    }
    let find = |tree: i64, id: i64| {
        let found = places.binary_search_by_key(&(tree, id), |place| (place.0, place.1)).ok()?;
        places.get(found).map(|place| place.2)
    };
    let mut nodes = Vec::with_capacity(count);
    for (at, mode) in modes.iter().enumerate() {
        let tree = trees.get(at).copied().unwrap_or(0);
        let child = |list: &[i64]| list.get(at).and_then(|id| find(tree, *id));
        let mode = mode_of(mode).ok_or_else(|| wrong(&format!("the mode `{mode}` is not known")))?;
        let (holds, fails) = match mode {
            Mode::Leaf => (0, 0),
            _ => {
                child(holds).zip(child(fails)).ok_or_else(|| wrong("a node has a child that is not there"))?
            }
        };
        nodes.push(Raw {
            mode,
            missing_holds: missing.get(at) == Some(&1),
            feature: features.get(at).copied().unwrap_or(0),
            threshold: thresholds.get(at).copied().unwrap_or(T::ZERO),
            holds: Child::Node(holds),
            fails: Child::Node(fails),
            members: (0, 0),
        });
    }
    let mut roots = Vec::new();
    let mut seen: Vec<i64> = Vec::new();
    for (at, tree) in (0_u32..).zip(trees) {
        if at == 0 || trees.get(at as usize - 1) != Some(tree) {
            roots.push(at);
            seen.push(*tree);
        }
    }
    seen.sort_unstable();
    if seen.array_windows().any(|[a, b]| a == b) {
        return Err(wrong("the nodes of a tree do not stand together"));
    }
    within("trees", roots.len(), limits.trees)?;
    // Votes, by the leaf they are for, in their order.
    let list = |name: &str| node.ints(&format!("{prefix}_{name}"));
    let (vote_trees, vote_nodes, vote_targets) = (list("treeids"), list("nodeids"), list("ids"));
    let weights = reals::<T>(node, &format!("{prefix}_weights"));
    within("weights of leaves", weights.len(), limits.tree_nodes)?;
    if [vote_trees.len(), vote_nodes.len(), vote_targets.len()].iter().any(|length| *length != weights.len())
    {
        return Err(wrong("its lists of weights differ in length"));
    }
    let mut votes = Vec::with_capacity(weights.len());
    for (((tree, id), target), weight) in vote_trees.iter().zip(vote_nodes).zip(vote_targets).zip(weights) {
        let at = find(*tree, *id).ok_or_else(|| wrong("a weight is for a node that is not there"))?;
        votes.push((at, vote(*target, weight, targets).ok_or_else(|| wrong("a weight is for no target"))?));
    }
    votes.sort_by_key(|(at, _)| *at);
    let of_leaf = |at: u32| {
        let from = votes.partition_point(|(leaf, _)| *leaf < at);
        let to = votes.partition_point(|(leaf, _)| *leaf <= at);
        votes.get(from..to).unwrap_or(&[]).iter().map(|(_, vote)| *vote)
    };
    build(&nodes, &roots, Vec::new(), of_leaf, limits).map_err(|what| what.of(node))
}

/// The trees of version 5.
pub(crate) fn read_five<T: Real>(
    node: &file::Node,
    targets: usize,
    limits: &Limits,
) -> Result<Plain<T>, Refusal> {
    let wrong = |what: &str| Refusal::malformed(format!("{}: {what}", node.label()));
    let features = node.ints("nodes_featureids");
    let holds = node.ints("nodes_truenodeids");
    let fails = node.ints("nodes_falsenodeids");
    let holds_leaf = node.ints("nodes_trueleafs");
    let fails_leaf = node.ints("nodes_falseleafs");
    let missing = node.ints("nodes_missing_value_tracks_true");
    let thresholds = reals::<T>(node, "nodes_splits");
    let modes: &[i64] = match node.tensor("nodes_modes").map(|tensor| &tensor.data) {
        Some(Data::Int(values)) => values,
        _ => return Err(wrong("it has no modes")),
    };
    let count = features.len();
    within("nodes of trees", count, limits.tree_nodes)?;
    let lengths =
        [holds.len(), fails.len(), holds_leaf.len(), fails_leaf.len(), thresholds.len(), modes.len()];
    if lengths.iter().any(|length| *length != count) {
        return Err(wrong("its lists of nodes differ in length"));
    }
    if !missing.is_empty() && missing.len() != count {
        return Err(wrong("`nodes_missing_value_tracks_true` has another length than the nodes"));
    }
    let (leaf_targets, leaf_weights) = (node.ints("leaf_targetids"), reals::<T>(node, "leaf_weights"));
    if leaf_targets.len() != leaf_weights.len() {
        return Err(wrong("its lists of leaves differ in length"));
    }
    within("leaves of trees", leaf_weights.len(), limits.tree_nodes)?;
    let mut votes = Vec::with_capacity(leaf_weights.len());
    for (target, weight) in leaf_targets.iter().zip(leaf_weights) {
        votes.push(vote(*target, weight, targets).ok_or_else(|| wrong("a leaf is for no target"))?);
    }
    // Sets are one list, each ended by NaN.
    let members = reals::<T>(node, "membership_values");
    let mut next_set = 0_usize;
    let mut nodes = Vec::with_capacity(count);
    for (at, mode) in modes.iter().enumerate() {
        let mode = match mode {
            0 => Mode::AtMost,
            1 => Mode::Below,
            2 => Mode::AtLeast,
            3 => Mode::Above,
            4 => Mode::Equal,
            5 => Mode::Unequal,
            6 => Mode::Member,
            other => return Err(wrong(&format!("the mode {other} is not known"))),
        };
        let mut set = (0, 0);
        if mode == Mode::Member {
            let rest = members.get(next_set..).unwrap_or(&[]);
            let length = rest.iter().position(|value| value.is_nan()).unwrap_or(rest.len());
            set = (next_set as u32, length as u32);
            next_set += length + 1;
        }
        let child = |list: &[i64], leaves: &[i64]| {
            let id = u32::try_from(list.get(at).copied().unwrap_or(-1)).ok()?;
            let is_leaf = leaves.get(at) == Some(&1);
            let most = if is_leaf { votes.len() } else { count };
            ((id as usize) < most).then_some(if is_leaf { Child::Leaf(id) } else { Child::Node(id) })
        };
        let missing_child = || wrong("a node has a child that is not there");
        nodes.push(Raw {
            mode,
            missing_holds: missing.get(at) == Some(&1),
            feature: features.get(at).copied().unwrap_or(0),
            threshold: thresholds.get(at).copied().unwrap_or(T::ZERO),
            holds: child(holds, holds_leaf).ok_or_else(missing_child)?,
            fails: child(fails, fails_leaf).ok_or_else(missing_child)?,
            members: set,
        });
    }
    let mut roots = Vec::new();
    for root in node.ints("tree_roots") {
        let root = u32::try_from(*root).ok().filter(|root| (*root as usize) < count);
        roots.push(root.ok_or_else(|| wrong("a root is not there"))?);
    }
    if roots.is_empty() {
        return Err(wrong("it has no trees"));
    }
    within("trees", roots.len(), limits.trees)?;
    let of_leaf = |at: u32| votes.get(at as usize).copied().into_iter();
    build(&nodes, &roots, members, of_leaf, limits).map_err(|what| what.of(node))
}

/// Aggregation, transformation and base values of a node of any version.
pub(crate) fn rest(node: &file::Node) -> Result<Rest, Refusal> {
    let wrong = |what: String| Refusal::malformed(format!("{}: {what}", node.label()));
    let (aggregate, post) = if node.operator == "TreeEnsemble" {
        let aggregate = match node.int("aggregate_function").unwrap_or(1) {
            0 => Aggregate::Average,
            1 => Aggregate::Sum,
            2 => Aggregate::Min,
            3 => Aggregate::Max,
            other => return Err(wrong(format!("the aggregation {other} is not known"))),
        };
        let post = match node.int("post_transform").unwrap_or(0) {
            0 => Post::None,
            // The specification has these two the other way round; models are made for what ONNX Runtime does.
            1 => Post::Logistic,
            2 => Post::Softmax,
            3 => Post::SoftmaxZero,
            4 => Post::Probit,
            other => return Err(wrong(format!("the transformation {other} is not known"))),
        };
        (aggregate, post)
    } else {
        let name = node.text("aggregate_function").unwrap_or("SUM");
        let aggregate = match name {
            "SUM" => Aggregate::Sum,
            "AVERAGE" => Aggregate::Average,
            "MIN" => Aggregate::Min,
            "MAX" => Aggregate::Max,
            other => return Err(wrong(format!("the aggregation `{other}` is not known"))),
        };
        (aggregate, post(node)?)
    };
    Ok(Rest { aggregate, post, base: reals::<f64>(node, "base_values") })
}

/// The transformation that a node names.
pub(crate) fn post(node: &file::Node) -> Result<Post, Refusal> {
    let name = node.text("post_transform").unwrap_or("NONE");
    Post::of_name(name).ok_or_else(|| {
        Refusal::malformed(format!("{}: the transformation `{name}` is not known", node.label()))
    })
}

fn mode_of(name: &str) -> Option<Mode> {
    Some(match name {
        "BRANCH_LEQ" => Mode::AtMost,
        "BRANCH_LT" => Mode::Below,
        "BRANCH_GTE" => Mode::AtLeast,
        "BRANCH_GT" => Mode::Above,
        "BRANCH_EQ" => Mode::Equal,
        "BRANCH_NEQ" => Mode::Unequal,
        "LEAF" => Mode::Leaf,
        _ => return None,
    })
}

fn vote<T>(target: i64, weight: T, targets: usize) -> Option<Vote<T>> {
    let target = u32::try_from(target).ok().filter(|target| (*target as usize) < targets)?;
    Some(Vote { target, weight })
}

/// Numbers of an attribute, or of the tensor that stands for it.
fn reals<T: Real>(node: &file::Node, name: &str) -> Vec<T> {
    let tensor = node.tensor(&format!("{name}_as_tensor")).or_else(|| node.tensor(name));
    match tensor.map(|tensor| &tensor.data) {
        Some(Data::Double(values)) => values.iter().map(|value| T::of(*value)).collect(),
        Some(Data::Float(values)) => values.iter().map(|value| T::of((*value).into())).collect(),
        _ => node.floats(name).iter().map(|value| T::of((*value).into())).collect(),
    }
}

struct Raw<T> {
    mode: Mode,
    missing_holds: bool,
    feature: i64,
    threshold: T,
    holds: Child,
    fails: Child,
    members: (u32, u32),
}

#[derive(Clone, Copy)]
enum Child {
    Node(u32),
    Leaf(u32),
}

enum Fault {
    Wrong(&'static str),
    Refused(Refusal),
}

impl Fault {
    fn of(self, node: &file::Node) -> Refusal {
        match self {
            Self::Wrong(what) => Refusal::malformed(format!("{}: {what}", node.label())),
            Self::Refused(refusal) => refusal,
        }
    }
}

/// Copies what the roots reach, each tree by itself. A node that is reached on several ways (as onnxmltools writes sets of categories) is copied once.
fn build<T: Real, V: Iterator<Item = Vote<T>>>(
    nodes: &[Raw<T>],
    roots: &[u32],
    members: Vec<T>,
    of_leaf: impl Fn(u32) -> V,
    limits: &Limits,
) -> Result<Plain<T>, Fault> {
    let plain = Plain { members, ..Plain::empty() };
    let mut builder = Builder { nodes, of_leaf, limits, plain, made: vec![Made::Not; nodes.len()] };
    for root in roots {
        builder.plain.roots.push(builder.plain.nodes.len() as u32);
        let (_, height) = builder.copy(Child::Node(*root), 0)?;
        builder.plain.depths.push(height);
    }
    Ok(builder.plain)
}

struct Builder<'a, T, F> {
    nodes: &'a [Raw<T>],
    of_leaf: F,
    limits: &'a Limits,
    plain: Plain<T>,
    made: Vec<Made>,
}

/// Whether a node is copied.
#[derive(Clone, Copy)]
enum Made {
    Not,
    /// Its children are being copied.
    Begun,
    /// With its place, and decisions from there to the farthest leaf.
    Done(u32, u32),
}

impl<T: Real, V: Iterator<Item = Vote<T>>, F: Fn(u32) -> V> Builder<'_, T, F> {
    /// Answers the place of a copy, and its height. Goes no deeper than the limit on decisions.
    fn copy(&mut self, child: Child, depth: usize) -> Result<(u32, u32), Fault> {
        within("decisions from root to leaf", depth, self.limits.depth).map_err(Fault::Refused)?;
        within("nodes of trees", self.plain.nodes.len(), self.limits.tree_nodes).map_err(Fault::Refused)?;
        let at = self.plain.nodes.len() as u32;
        let nodes = self.nodes;
        let (id, raw) = match child {
            Child::Leaf(leaf) => return self.leaf(leaf, at),
            Child::Node(id) => match nodes.get(id as usize) {
                Some(raw) if raw.mode == Mode::Leaf => return self.leaf(id, at),
                Some(raw) => (id as usize, raw),
                None => return Err(Fault::Wrong("a node has a child that is not there")),
            },
        };
        match self.made.get(id) {
            Some(Made::Done(place, height)) => {
                let (place, height) = (*place, *height);
                let most = depth + height as usize;
                within("decisions from root to leaf", most, self.limits.depth).map_err(Fault::Refused)?;
                return Ok((place, height));
            }
            Some(Made::Begun) => return Err(Fault::Wrong("a node is below itself")),
            _ => {}
        }
        self.mark(id, Made::Begun);
        let feature = u32::try_from(raw.feature).map_err(|_| Fault::Wrong("a feature has no number"))?;
        self.plain.features = self.plain.features.max(feature as usize + 1);
        self.plain.nodes.push(Node {
            mode: raw.mode,
            missing_holds: raw.missing_holds,
            feature,
            threshold: raw.threshold,
            holds: 0,
            fails: 0,
            first: raw.members.0,
            count: raw.members.1,
        });
        let (holds, one) = self.copy(raw.holds, depth + 1)?;
        let (fails, other) = self.copy(raw.fails, depth + 1)?;
        if let Some(node) = self.plain.nodes.get_mut(at as usize) {
            (node.holds, node.fails) = (holds, fails);
        }
        let height = one.max(other) + 1;
        self.mark(id, Made::Done(at, height));
        Ok((at, height))
    }

    fn leaf(&mut self, leaf: u32, at: u32) -> Result<(u32, u32), Fault> {
        let first = self.plain.votes.len() as u32;
        self.plain.votes.extend((self.of_leaf)(leaf));
        within("weights of leaves", self.plain.votes.len(), self.limits.tree_nodes)
            .map_err(Fault::Refused)?;
        self.plain.nodes.push(Node {
            mode: Mode::Leaf,
            missing_holds: false,
            feature: 0,
            threshold: T::ZERO,
            holds: 0,
            fails: 0,
            first,
            count: self.plain.votes.len() as u32 - first,
        });
        Ok((at, 0))
    }

    fn mark(&mut self, id: usize, made: Made) {
        if let Some(place) = self.made.get_mut(id) {
            *place = made;
        }
    }
}
