//! Models made up from random bits: every operator of the tabular family in every form it has, and the arithmetic around.

use prost::Message as _;
use prost::bytes::Bytes;

use crate::proto;
use crate::runtime::Random;

/// A model, and what to ask it.
pub(crate) struct Made {
    pub(crate) what: String,
    pub(crate) bytes: Vec<u8>,
    pub(crate) thresholds: Vec<f32>,
    pub(crate) takes_odd: bool,
    /// How far answers may lie apart.
    pub(crate) most: f64,
}

/// The numbers of element types.
const FLOAT: i32 = 1;
const INT64: i32 = 7;
const STRING: i32 = 8;
const DOUBLE: i32 = 11;

pub(crate) fn model(random: &mut Random) -> Made {
    match random.below(12) {
        0..=2 => classifier(random),
        3..=5 => regressor(random),
        6 => ensemble_five(random),
        7 => linear(random),
        8 => preparation(random),
        9 => encoder(random),
        _ => arithmetic(random),
    }
}

struct Attributes(Vec<proto::Attribute>);

impl Attributes {
    fn add(&mut self, name: &str, kind: i32, set: impl FnOnce(&mut proto::Attribute)) {
        let mut one = proto::Attribute { name: name.into(), kind, ..Default::default() };
        set(&mut one);
        self.0.push(one);
    }
    fn ints(&mut self, name: &str, values: Vec<i64>) {
        self.add(name, 7, |one| one.ints = values);
    }
    fn floats(&mut self, name: &str, values: Vec<f32>) {
        self.add(name, 6, |one| one.floats = values);
    }
    fn texts(&mut self, name: &str, values: &[impl AsRef<str>]) {
        self.add(name, 8, |one| {
            one.strings =
                values.iter().map(|text| Bytes::copy_from_slice(text.as_ref().as_bytes())).collect();
        });
    }
    fn text(&mut self, name: &str, value: &str) {
        self.add(name, 3, |one| one.s = Bytes::copy_from_slice(value.as_bytes()));
    }
    fn int(&mut self, name: &str, value: i64) {
        self.add(name, 2, |one| one.i = value);
    }
    fn float(&mut self, name: &str, value: f32) {
        self.add(name, 1, |one| one.f = value);
    }
    fn tensor(&mut self, name: &str, tensor: proto::Tensor) {
        self.add(name, 4, |one| one.t = Some(tensor.encode_to_vec().into()));
    }
}

/// A graph in the making.
#[derive(Default)]
struct Graph {
    nodes: Vec<Bytes>,
    constants: Vec<Bytes>,
    inputs: Vec<Bytes>,
    outputs: Vec<Bytes>,
    names: usize,
}

impl Graph {
    fn input(&mut self, name: &str, element: i32, shape: &[i64]) {
        self.inputs.push(port(name, element, shape));
    }

    fn output(&mut self, name: &str, element: i32) {
        self.outputs.push(port(name, element, &[]));
    }

    fn node(
        &mut self,
        operator: &str,
        ml: bool,
        inputs: &[&str],
        outputs: &[&str],
        attributes: Vec<proto::Attribute>,
    ) {
        let own = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let node = proto::Node {
            input: own(inputs),
            output: own(outputs),
            op_type: operator.into(),
            domain: if ml { "ai.onnx.ml".into() } else { String::new() },
            attribute: attributes.iter().map(|one| one.encode_to_vec().into()).collect(),
            ..Default::default()
        };
        self.nodes.push(node.encode_to_vec().into());
    }

    fn constant(&mut self, tensor: proto::Tensor) -> String {
        self.names += 1;
        let name = format!("constant{}", self.names);
        self.constants.push(proto::Tensor { name: name.clone(), ..tensor }.encode_to_vec().into());
        name
    }

    fn file(self, ml: i64) -> Vec<u8> {
        let graph = proto::Graph {
            node: self.nodes,
            initializer: self.constants,
            input: self.inputs,
            output: self.outputs,
            ..Default::default()
        };
        // The name of a graph is required, and not in what the crate reads: field 2, written by hand.
        let mut bytes = graph.encode_to_vec();
        bytes.extend([0x12, 1, b'g']);
        let set = |domain: &str, version| proto::OperatorSet { domain: domain.into(), version };
        proto::Model {
            ir_version: 8,
            graph: Some(bytes.into()),
            opset_import: vec![set("", 17), set("ai.onnx.ml", ml)],
            ..Default::default()
        }
        .encode_to_vec()
    }
}

fn port(name: &str, element: i32, shape: &[i64]) -> Bytes {
    let dimension = |size: &i64| proto::Dimension { value: (*size > 0).then_some(*size), name: None };
    let shape = (!shape.is_empty()).then(|| proto::Shape { dim: shape.iter().map(dimension).collect() });
    let kind = proto::Type { tensor: Some(proto::TensorType { element, shape }), ..Default::default() };
    proto::ValueInfo { name: name.into(), kind: Some(kind) }.encode_to_vec().into()
}

fn floats(shape: &[i64], values: Vec<f32>) -> proto::Tensor {
    proto::Tensor { dims: shape.to_vec(), data_type: FLOAT, float_data: values, ..Default::default() }
}

fn ints(shape: &[i64], values: Vec<i64>) -> proto::Tensor {
    proto::Tensor { dims: shape.to_vec(), data_type: INT64, int64_data: values, ..Default::default() }
}

/// Trees as flat lists.
#[derive(Default)]
struct Forest {
    trees: Vec<i64>,
    ids: Vec<i64>,
    modes: Vec<&'static str>,
    features: Vec<i64>,
    holds: Vec<i64>,
    fails: Vec<i64>,
    values: Vec<f32>,
    missing: Vec<i64>,
    leaf_trees: Vec<i64>,
    leaf_ids: Vec<i64>,
    leaf_targets: Vec<i64>,
    leaf_weights: Vec<f32>,
}

const MODES: [&str; 6] = ["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ"];

/// How votes are spread over targets.
#[derive(Clone, Copy)]
enum Votes {
    One,
    OfTree,
    All,
}

impl Forest {
    fn new(random: &mut Random, features: usize, targets: usize, votes: Votes) -> Self {
        let mut forest = Self::default();
        let mixed = random.chance(3);
        let mode = *random.choose(&MODES);
        let has_missing = random.chance(2);
        let positive = random.chance(3);
        for tree in 0..1 + random.below(20) {
            let depth = random.below(6);
            let target = random.below(targets) as i64;
            let first = forest.ids.len();
            forest.grow(
                random,
                tree as i64,
                depth,
                &|random: &mut Random| {
                    if mixed { *random.choose(&MODES) } else { mode }
                },
                features,
                has_missing,
            );
            for at in first..forest.ids.len() {
                if forest.modes[at] != "LEAF" {
                    continue;
                }
                let wanted: Vec<i64> = match votes {
                    Votes::One => vec![0],
                    Votes::OfTree => vec![target],
                    Votes::All => (0..targets as i64).filter(|_| !random.chance(4)).collect(),
                };
                let wanted = if wanted.is_empty() { vec![0] } else { wanted };
                for target in wanted {
                    forest.leaf_trees.push(tree as i64);
                    forest.leaf_ids.push(forest.ids[at]);
                    forest.leaf_targets.push(target);
                    let weight = random.normal() * 0.3;
                    forest.leaf_weights.push(if positive { weight.abs() } else { weight });
                }
            }
        }
        forest
    }

    /// A subtree; answers its id.
    fn grow(
        &mut self,
        random: &mut Random,
        tree: i64,
        depth: usize,
        mode: &dyn Fn(&mut Random) -> &'static str,
        features: usize,
        has_missing: bool,
    ) -> i64 {
        let at = self.ids.len();
        let id = if self.trees.last() == Some(&tree) { self.ids[at - 1] + 1 } else { 0 };
        let is_leaf = depth == 0 || random.chance(5);
        self.trees.push(tree);
        self.ids.push(id);
        self.modes.push(if is_leaf { "LEAF" } else { mode(random) });
        self.features.push(if is_leaf { 0 } else { random.below(features) as i64 });
        let odd = [0.0, -0.0, 1.0, -1.0, f32::INFINITY, f32::NEG_INFINITY, 1e-45];
        self.values.push(if random.chance(6) { *random.choose(&odd) } else { random.normal() });
        self.missing.push(i64::from(has_missing && random.chance(2)));
        self.holds.push(0);
        self.fails.push(0);
        if !is_leaf {
            self.holds[at] = self.grow(random, tree, depth - 1, mode, features, has_missing);
            self.fails[at] = self.grow(random, tree, depth - 1, mode, features, has_missing);
        }
        id
    }

    fn attributes(&self, prefix: &str, double: bool) -> Attributes {
        let mut all = Attributes(Vec::new());
        all.ints("nodes_treeids", self.trees.clone());
        all.ints("nodes_nodeids", self.ids.clone());
        all.texts("nodes_modes", &self.modes);
        all.ints("nodes_featureids", self.features.clone());
        all.ints("nodes_truenodeids", self.holds.clone());
        all.ints("nodes_falsenodeids", self.fails.clone());
        if self.missing.contains(&1) {
            all.ints("nodes_missing_value_tracks_true", self.missing.clone());
        }
        all.ints(&format!("{prefix}_treeids"), self.leaf_trees.clone());
        all.ints(&format!("{prefix}_nodeids"), self.leaf_ids.clone());
        all.ints(&format!("{prefix}_ids"), self.leaf_targets.clone());
        let list = |all: &mut Attributes, name: &str, values: &[f32]| {
            if double {
                let tensor = proto::Tensor {
                    dims: vec![values.len() as i64],
                    data_type: DOUBLE,
                    double_data: values.iter().map(|value| f64::from(*value)).collect(),
                    ..Default::default()
                };
                all.tensor(&format!("{name}_as_tensor"), tensor);
            } else {
                all.floats(name, values.to_vec());
            }
        };
        list(&mut all, "nodes_values", &self.values);
        list(&mut all, &format!("{prefix}_weights"), &self.leaf_weights);
        all
    }
}

const POSTS: [&str; 5] = ["NONE", "LOGISTIC", "SOFTMAX", "SOFTMAX_ZERO", "PROBIT"];

fn classifier(random: &mut Random) -> Made {
    let features = 1 + random.below(8);
    let classes = 2 + random.below(3);
    let votes = *random.choose(&[Votes::One, Votes::OfTree, Votes::All]);
    let votes = if classes > 2 && matches!(votes, Votes::One) { Votes::OfTree } else { votes };
    let forest = Forest::new(random, features, classes, votes);
    let double = random.chance(5);
    let element = if double {
        DOUBLE
    } else if random.chance(6) {
        INT64
    } else {
        FLOAT
    };
    let mut all = forest.attributes("class", double);
    let is_text = random.chance(2);
    if is_text {
        all.texts("classlabels_strings", &["bot", "human", "unsure", "other"][..classes]);
    } else {
        all.ints("classlabels_int64s", [3, 7, -1, 12][..classes].to_vec());
    }
    let post = *random.choose(&POSTS[..4]);
    all.text("post_transform", post);
    // What ONNX leaves open for two classes and one score is not compared: base values go with classes.
    let base = random.below(3);
    if base == 1 {
        let values = (0..classes).map(|_| random.normal() * 0.2).collect();
        if !double {
            all.floats("base_values", values);
        }
    } else if base == 2 && matches!(votes, Votes::One) && !double {
        all.floats("base_values", vec![random.normal() * 0.2]);
    }
    let mut graph = Graph::default();
    graph.input("x", element, &[0, features as i64]);
    graph.node("TreeEnsembleClassifier", true, &["x"], &["label", "scores"], all.0);
    graph.output("label", if is_text { STRING } else { INT64 });
    graph.output("scores", FLOAT);
    Made {
        what: format!("classifier of {classes}, {post}, base {base}"),
        bytes: graph.file(3),
        thresholds: forest.values,
        takes_odd: true,
        most: 1e-6,
    }
}

fn regressor(random: &mut Random) -> Made {
    let features = 1 + random.below(8);
    let targets = 1 + random.below(3);
    let votes = *random.choose(&[Votes::OfTree, Votes::All]);
    let forest = Forest::new(random, features, targets, if targets == 1 { Votes::One } else { votes });
    let double = random.chance(5);
    let element = if double { DOUBLE } else { FLOAT };
    let mut all = forest.attributes("target", double);
    all.int("n_targets", targets as i64);
    let post = *random.choose(&POSTS[..4]);
    all.text("post_transform", post);
    let aggregate = *random.choose(&["SUM", "AVERAGE", "MIN", "MAX"]);
    all.text("aggregate_function", aggregate);
    if random.chance(2) && !double {
        all.floats("base_values", (0..targets).map(|_| random.normal()).collect());
    }
    let mut graph = Graph::default();
    graph.input("x", element, &[0, features as i64]);
    graph.node("TreeEnsembleRegressor", true, &["x"], &["y"], all.0);
    graph.output("y", FLOAT);
    Made {
        what: format!("regressor of {targets}, {aggregate}, {post}"),
        bytes: graph.file(if double { 3 } else { *random.choose(&[1, 3]) }),
        thresholds: forest.values,
        takes_odd: true,
        most: 1e-5,
    }
}

/// The form of version 5, from the same trees.
fn ensemble_five(random: &mut Random) -> Made {
    let features = 1 + random.below(8);
    let targets = 1 + random.below(3);
    let forest =
        Forest::new(random, features, targets, if targets == 1 { Votes::One } else { Votes::OfTree });
    let double = random.chance(4);
    let count = forest.ids.len();
    let is_leaf = |at: usize| forest.modes[at] == "LEAF";
    let mut number = vec![0_i64; count];
    let (mut inner, mut leaves) = (0, 0);
    for (at, number) in number.iter_mut().enumerate() {
        let next = if is_leaf(at) { &mut leaves } else { &mut inner };
        *number = *next;
        *next += 1;
    }
    let place = |tree: i64, id: i64| {
        (0..count).find(|at| forest.trees[*at] == tree && forest.ids[*at] == id).unwrap()
    };
    let mut all = Attributes(Vec::new());
    let inners: Vec<usize> = (0..count).filter(|at| !is_leaf(*at)).collect();
    let roots: Vec<i64> =
        (0..count).filter(|at| forest.ids[*at] == 0 && !is_leaf(*at)).map(|at| number[at]).collect();
    if roots.is_empty() {
        return regressor(random);
    }
    let mut sets = Vec::new();
    let mut modes = Vec::new();
    for at in &inners {
        // Some comparisons become sets.
        if random.chance(8) {
            sets.extend([3.0_f32, 0.0, 2.0].iter().filter(|value| !value.is_nan()).take(1 + random.below(3)));
            sets.push(f32::NAN);
            modes.push(6_u8);
        } else {
            modes.push(MODES.iter().position(|mode| *mode == forest.modes[*at]).unwrap() as u8);
        }
    }
    let side = |list: &[i64]| {
        let children = inners.iter().map(|at| place(forest.trees[*at], list[*at]));
        children.map(|child| (number[child], i64::from(is_leaf(child)))).unzip::<i64, i64, Vec<_>, Vec<_>>()
    };
    let (holds, holds_leaf) = side(&forest.holds);
    let (fails, fails_leaf) = side(&forest.fails);
    all.ints("nodes_truenodeids", holds);
    all.ints("nodes_trueleafs", holds_leaf);
    all.ints("nodes_falsenodeids", fails);
    all.ints("nodes_falseleafs", fails_leaf);
    all.ints("nodes_featureids", inners.iter().map(|at| forest.features[*at]).collect());
    all.ints("tree_roots", roots);
    if forest.missing.contains(&1) {
        all.ints("nodes_missing_value_tracks_true", inners.iter().map(|at| forest.missing[*at]).collect());
    }
    let list = |values: Vec<f32>| proto::Tensor {
        dims: vec![values.len() as i64],
        data_type: if double { DOUBLE } else { FLOAT },
        double_data: if double { values.iter().map(|value| f64::from(*value)).collect() } else { Vec::new() },
        float_data: if double { Vec::new() } else { values },
        ..Default::default()
    };
    all.tensor("nodes_splits", list(inners.iter().map(|at| forest.values[*at]).collect()));
    all.tensor(
        "nodes_modes",
        proto::Tensor {
            dims: vec![modes.len() as i64],
            data_type: 2,
            raw_data: modes.into(),
            ..Default::default()
        },
    );
    if !sets.is_empty() {
        all.tensor("membership_values", list(sets));
    }
    let leaf_at: Vec<usize> = (0..count).filter(|at| is_leaf(*at)).collect();
    let vote = |at: usize| {
        (0..forest.leaf_ids.len())
            .find(|vote| {
                forest.leaf_trees[*vote] == forest.trees[at] && forest.leaf_ids[*vote] == forest.ids[at]
            })
            .unwrap()
    };
    all.ints("leaf_targetids", leaf_at.iter().map(|at| forest.leaf_targets[vote(*at)]).collect());
    all.tensor("leaf_weights", list(leaf_at.iter().map(|at| forest.leaf_weights[vote(*at)]).collect()));
    all.int("n_targets", targets as i64);
    let (aggregate, post) = (random.below(4) as i64, random.below(4) as i64);
    all.int("aggregate_function", aggregate);
    all.int("post_transform", post);
    let mut graph = Graph::default();
    let element = if double { DOUBLE } else { FLOAT };
    graph.input("x", element, &[0, features as i64]);
    graph.node("TreeEnsemble", true, &["x"], &["y"], all.0);
    graph.output("y", element);
    Made {
        what: format!(
            "ensemble of version 5, {targets} targets, aggregate {aggregate}, post {post}, double {double}"
        ),
        bytes: graph.file(5),
        thresholds: forest.values,
        takes_odd: true,
        most: 1e-5,
    }
}

fn linear(random: &mut Random) -> Made {
    let features = 1 + random.below(20);
    let mut graph = Graph::default();
    let element = *random.choose(&[FLOAT, FLOAT, INT64, DOUBLE]);
    graph.input("x", element, &[0, features as i64]);
    let mut all = Attributes(Vec::new());
    let what;
    match random.below(3) {
        0 => {
            let targets = *random.choose(&[1, 2, 3]);
            all.floats("coefficients", (0..features * targets).map(|_| random.normal()).collect());
            all.floats("intercepts", (0..targets).map(|_| random.normal()).collect());
            let labels = targets.max(2);
            let is_text = random.chance(2);
            if is_text {
                all.texts("classlabels_strings", &["bot", "human", "unsure"][..labels]);
            } else {
                all.ints("classlabels_ints", [5, 9, -2][..labels].to_vec());
            }
            let post = *random.choose(&POSTS[..4]);
            all.text("post_transform", post);
            what = format!("linear classifier of {targets}, {post}");
            graph.node("LinearClassifier", true, &["x"], &["label", "scores"], all.0);
            graph.output("label", if is_text { STRING } else { INT64 });
            graph.output("scores", FLOAT);
        }
        1 if element == FLOAT => {
            let targets = 1 + random.below(3);
            all.floats("coefficients", (0..features * targets).map(|_| random.normal()).collect());
            if random.chance(2) {
                all.floats("intercepts", (0..targets).map(|_| random.normal()).collect());
            }
            all.int("targets", targets as i64);
            let post = *random.choose(&POSTS[..4]);
            all.text("post_transform", post);
            what = format!("linear regressor of {targets}, {post}");
            graph.node("LinearRegressor", true, &["x"], &["y"], all.0);
            graph.output("y", FLOAT);
        }
        _ => {
            graph.inputs.clear();
            graph.input("x", FLOAT, &[0, features as i64]);
            let vectors = 1 + random.below(12);
            let kernel = *random.choose(&["LINEAR", "POLY", "RBF", "SIGMOID"]);
            all.text("kernel_type", kernel);
            all.floats("kernel_params", vec![0.1, 0.3, 2.0]);
            all.floats("support_vectors", (0..vectors * features).map(|_| random.normal()).collect());
            all.floats("coefficients", (0..vectors).map(|_| random.normal()).collect());
            all.floats("rho", vec![random.normal()]);
            all.int("n_supports", vectors as i64);
            what = format!("support vectors, {kernel}");
            graph.node("SVMRegressor", true, &["x"], &["y"], all.0);
            graph.output("y", FLOAT);
        }
    }
    Made { what, bytes: graph.file(1), thresholds: Vec::new(), takes_odd: false, most: 2e-5 }
}

fn preparation(random: &mut Random) -> Made {
    let features = 1 + random.below(8);
    let mut graph = Graph::default();
    let mut all = Attributes(Vec::new());
    let mut thresholds = Vec::new();
    let operator = *random.choose(&["Scaler", "Normalizer", "Imputer", "Binarizer"]);
    let mut element = FLOAT;
    let each = |random: &mut Random| if random.chance(3) { 1 } else { features };
    let mut odd = true;
    match operator {
        "Scaler" => {
            element = *random.choose(&[FLOAT, FLOAT, DOUBLE, INT64]);
            let count = each(random);
            all.floats("offset", (0..count).map(|_| random.normal()).collect());
            all.floats("scale", (0..count).map(|_| random.normal()).collect());
        }
        "Normalizer" => {
            // Sums of infinities are what they are.
            odd = false;
            let norms = ["MAX", "L1", "L2"];
            all.text("norm", random.choose::<&str>(&norms));
        }
        "Imputer" => {
            let count = each(random);
            all.floats("imputed_value_floats", (0..count).map(|_| random.normal()).collect());
            all.float("replaced_value_float", *random.choose(&[f32::NAN, 0.0, 1.0]));
        }
        _ => {
            let threshold = random.normal();
            thresholds.push(threshold);
            all.float("threshold", threshold);
        }
    }
    graph.input("x", element, &[0, features as i64]);
    graph.node(operator, true, &["x"], &["y"], all.0);
    graph.output("y", FLOAT);
    Made { what: operator.into(), bytes: graph.file(1), thresholds, takes_odd: odd, most: 1e-6 }
}

fn encoder(random: &mut Random) -> Made {
    let mut graph = Graph::default();
    let mut all = Attributes(Vec::new());
    let words = ["US", "DE", "RU", "chrome", "curl", "Ü", "US"];
    let count = 1 + random.below(words.len());
    let numbers: Vec<i64> = (0..count).map(|_| random.below(9) as i64 - 4).collect();
    let reals: Vec<f32> = (0..count).map(|_| *random.choose(&[0.0, 1.0, -2.0, f32::NAN, 0.5, 3.0])).collect();
    let width = 1 + random.below(3) as i64;
    let (operator, element, out, ml) = match random.below(3) {
        0 => {
            let (keys, element) =
                *random.choose(&[("keys_strings", STRING), ("keys_int64s", INT64), ("keys_floats", FLOAT)]);
            let (values, out) = *random.choose(&[
                ("values_strings", STRING),
                ("values_int64s", INT64),
                ("values_floats", FLOAT),
            ]);
            for name in [keys, values] {
                match name {
                    "keys_strings" | "values_strings" => all.texts(name, &words[..count]),
                    "keys_floats" | "values_floats" => all.floats(name, reals.clone()),
                    _ => all.ints(name, numbers.clone()),
                }
            }
            match out {
                STRING => all.text("default_string", "none"),
                INT64 => all.int("default_int64", 99),
                _ => all.float("default_float", 0.25),
            }
            // Not every pair of types is there in every version.
            ("LabelEncoder", element, out, *random.choose(&[2, 4]))
        }
        1 => {
            all.texts("cats_strings", &words[..count]);
            all.ints("cats_int64s", numbers);
            if random.chance(2) {
                all.int("default_int64", 42);
                ("CategoryMapper", STRING, INT64, 1)
            } else {
                all.text("default_string", "none");
                ("CategoryMapper", INT64, STRING, 1)
            }
        }
        _ => {
            let element = *random.choose(&[STRING, INT64, FLOAT, DOUBLE]);
            if element == STRING {
                all.texts("cats_strings", &words[..count.min(6)]);
            } else {
                let mut numbers = numbers;
                numbers.sort_unstable();
                numbers.dedup();
                all.ints("cats_int64s", numbers);
            }
            all.int("zeros", random.below(2) as i64);
            ("OneHotEncoder", element, FLOAT, 1)
        }
    };
    graph.input("x", element, &[0, width]);
    graph.node(operator, true, &["x"], &["y"], all.0);
    graph.output("y", out);
    Made {
        what: format!("{operator} of {element} to {out}"),
        bytes: graph.file(ml),
        thresholds: reals,
        takes_odd: operator == "LabelEncoder",
        most: 0.0,
    }
}

/// A chain of small operators over a row.
fn arithmetic(random: &mut Random) -> Made {
    let mut graph = Graph::default();
    let width = 1 + random.below(6) as i64;
    graph.input("x", FLOAT, &[0, width]);
    let (mut value, mut shape) = ("x".to_owned(), vec![1_i64, width]);
    let mut what = Vec::new();
    for nth in 0..1 + random.below(5) {
        let out = format!("v{nth}");
        let last = shape[shape.len() - 1];
        let mut all = Attributes(Vec::new());
        let numbers =
            |random: &mut Random, count: i64| (0..count).map(|_| random.normal()).collect::<Vec<f32>>();
        let operator: String;
        match random.below(13) {
            0 => {
                operator = (*random.choose(&[
                    "Neg",
                    "Abs",
                    "Exp",
                    "Sigmoid",
                    "Relu",
                    "Tanh",
                    "Floor",
                    "Ceil",
                    "Round",
                    "Sign",
                    "Softplus",
                    "Erf",
                    "Reciprocal",
                ]))
                .into();
                graph.node(&operator, false, &[&value], &[&out], all.0);
            }
            1 => {
                operator = (*random.choose(&["Add", "Sub", "Mul", "Div", "Min", "Max"])).into();
                let count = *random.choose(&[1, last]);
                let data = numbers(random, count);
                let constant = graph.constant(floats(&[count], data));
                let inputs = if random.chance(2) { [&value, &constant] } else { [&constant, &value] };
                graph.node(&operator, false, &inputs.map(String::as_str), &[&out], all.0);
            }
            2 => {
                operator = (*random.choose(&[
                    "ReduceSum",
                    "ReduceMean",
                    "ReduceMax",
                    "ReduceMin",
                    "ReduceL1",
                    "ReduceL2",
                    "ReduceSumSquare",
                    "ReduceLogSumExp",
                ]))
                .into();
                all.int("keepdims", 1);
                if operator == "ReduceSum" {
                    let axes = graph.constant(ints(&[1], vec![-1]));
                    graph.node(&operator, false, &[&value, &axes], &[&out], all.0);
                } else {
                    all.ints("axes", vec![-1]);
                    graph.node(&operator, false, &[&value], &[&out], all.0);
                }
                let rank = shape.len();
                shape[rank - 1] = 1;
            }
            3 => {
                operator = (*random.choose(&["Softmax", "LogSoftmax"])).into();
                all.int("axis", -1);
                graph.node(&operator, false, &[&value], &[&out], all.0);
            }
            4 => {
                operator = "MatMul".into();
                let n = 1 + random.below(4) as i64;
                let data = numbers(random, last * n);
                let constant = graph.constant(floats(&[last, n], data));
                graph.node(&operator, false, &[&value, &constant], &[&out], all.0);
                let rank = shape.len();
                shape[rank - 1] = n;
            }
            5 => {
                operator = "Gemm".into();
                let n = 1 + random.below(4) as i64;
                let transposed = random.chance(2);
                let data = numbers(random, last * n);
                let b = graph.constant(floats(&if transposed { [n, last] } else { [last, n] }, data));
                let data = numbers(random, n);
                let c = graph.constant(floats(&[n], data));
                all.int("transB", transposed.into());
                all.float("alpha", *random.choose(&[1.0, 0.5]));
                all.float("beta", *random.choose(&[1.0, 2.0]));
                graph.node(&operator, false, &[&value, &b, &c], &[&out], all.0);
                let rank = shape.len();
                shape[rank - 1] = n;
            }
            6 => {
                operator = "Concat".into();
                all.int("axis", 1);
                graph.node(&operator, false, &[&value, "x"], &[&out], all.0);
                shape[1] += width;
            }
            7 => {
                operator = "Gather".into();
                all.int("axis", 1);
                let count = 1 + random.below(4) as i64;
                let places = (0..count).map(|_| random.below(last as usize) as i64).collect();
                let places = graph.constant(ints(&[count], places));
                graph.node(&operator, false, &[&value, &places], &[&out], all.0);
                shape[1] = count;
            }
            8 => {
                operator = "Slice".into();
                let from = random.below(last as usize) as i64;
                let starts = graph.constant(ints(&[1], vec![from]));
                let ends = graph.constant(ints(&[1], vec![i64::MAX]));
                let axes = graph.constant(ints(&[1], vec![1]));
                graph.node(&operator, false, &[&value, &starts, &ends, &axes], &[&out], all.0);
                shape[1] = last - from;
            }
            9 => {
                operator = "Clip".into();
                let least = graph.constant(floats(&[], vec![-0.7]));
                let most = graph.constant(floats(&[], vec![0.9]));
                graph.node(&operator, false, &[&value, &least, &most], &[&out], all.0);
            }
            10 => {
                operator = "Where".into();
                let constant = graph.constant(floats(&[1], vec![0.1]));
                let test = format!("t{nth}");
                let tests = ["Less", "Greater", "LessOrEqual", "Equal"];
                graph.node(random.choose::<&str>(&tests), false, &[&value, &constant], &[&test], Vec::new());
                graph.node(&operator, false, &[&test, &value, &constant], &[&out], all.0);
            }
            11 => {
                operator = "Pow".into();
                let constant = graph.constant(floats(&[], vec![*random.choose(&[2.0, 3.0, 1.0])]));
                graph.node(&operator, false, &[&value, &constant], &[&out], all.0);
            }
            _ => {
                operator = (*random.choose(&["ArgMax", "ArgMin"])).into();
                all.int("axis", 1);
                all.int("keepdims", 1);
                let index = format!("i{nth}");
                graph.node(&operator, false, &[&value], &[&index], all.0);
                let mut to = Attributes(Vec::new());
                to.int("to", FLOAT.into());
                graph.node("Cast", false, &[&index], &[&out], to.0);
                shape[1] = 1;
            }
        }
        what.push(operator);
        value = out;
    }
    graph.output(&value, FLOAT);
    Made {
        what: what.join(", "),
        bytes: graph.file(3),
        thresholds: vec![0.1, -0.7, 0.9],
        takes_odd: false,
        most: 2e-5,
    }
}
