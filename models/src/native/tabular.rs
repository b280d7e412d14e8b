//! The operators of `ai.onnx.ml`.

use super::lower::{Lowering, Operand};
use super::memory::Arena;
use super::node::Made;
use super::run::order;
use super::step::{Code, Codes, Encode, Kernel, Linear, LinearClass, Norm, OneHot, Step, Svm};
use crate::file::Node;
use crate::refusal::Refusal;
use crate::signature::Keys;
use crate::tensor::{Data, Element};
use crate::trees::packed::Packed;
use crate::trees::plain::Plain;
use crate::trees::read::{self, Rest};
use crate::trees::score::{Aggregate, Class, Ensemble, Post, Totals, Trees};

impl<'a> Lowering<'a> {
    pub(crate) fn tabular(&mut self, node: &'a Node) -> Made {
        match node.operator.as_str() {
            "TreeEnsembleClassifier" => self.tree_classifier(node),
            "TreeEnsembleRegressor" | "TreeEnsemble" => self.tree_regressor(node),
            "LinearClassifier" => self.linear_classifier(node),
            "LinearRegressor" => self.linear_regressor(node),
            "SVMRegressor" => self.svm_regressor(node),
            "Scaler" => self.scaler(node),
            "Normalizer" => self.normalizer(node),
            "Imputer" => self.imputer(node),
            "Binarizer" => self.binarizer(node),
            "LabelEncoder" => self.label_encoder(node),
            "CategoryMapper" => self.category_mapper(node),
            "OneHotEncoder" => self.one_hot(node),
            "ArrayFeatureExtractor" => self.feature_extractor(node),
            "FeatureVectorizer" => self.feature_vectorizer(node),
            "ZipMap" => self.zip_map(node),
            _ => Err(self.refuse("an operator that the native back-end does not have")),
        }
    }

    /// One row of features: what trees and linear models take.
    fn row(&mut self, node: &'a Node) -> Result<Operand, Refusal> {
        let x = self.required(node, 0)?;
        let is_row = matches!(x.shape.as_slice(), [_] | [1, _]);
        if !is_row || x.element == Element::String {
            return Err(
                self.refuse(format!("a row of numbers is needed, not {} of {:?}", x.element, x.shape))
            );
        }
        // Integers are compared as floats.
        if matches!(x.element, Element::Float | Element::Double) { Ok(x) } else { self.as_float(&x) }
    }

    /// The labels of a classifier, and their type.
    fn labels(&mut self, node: &'a Node, ints: &str) -> Result<(Vec<i64>, Element), Refusal> {
        let texts = node.texts("classlabels_strings");
        if !texts.is_empty() {
            return Ok((texts.iter().map(|text| self.symbols.intern(text)).collect(), Element::String));
        }
        Ok((node.ints(ints).to_vec(), Element::Int64))
    }

    fn tree_classifier(&mut self, node: &'a Node) -> Made {
        let x = self.row(node)?;
        let (labels, element) = self.labels(node, "classlabels_int64s")?;
        if labels.is_empty() {
            return Err(Refusal::malformed(format!("{}: it has no labels", node.label())));
        }
        let targets = labels.len();
        let rest = read::rest(node)?;
        if !matches!(rest.base.len(), 0 | 1) && rest.base.len() != targets {
            return Err(self.refuse("another number of base values than classes"));
        }
        let mut ids = node.ints("class_ids").to_vec();
        ids.sort_unstable();
        ids.dedup();
        let class = |all_positive| Class {
            labels: labels.clone(),
            is_binary: targets == 2 && ids.len() == 1,
            all_positive,
        };
        let (ensemble, work) = if x.element == Element::Double {
            let plain = read::read::<f64>(node, "class", targets, self.limits)?;
            let class = class(plain.votes.iter().all(|vote| vote.weight >= 0.0 || vote.weight.is_nan()));
            self.ensemble_of_double(plain, targets, rest, Some(class), &x)?
        } else {
            let plain = read::read::<f32>(node, "class", targets, self.limits)?;
            let class = class(plain.votes.iter().all(|vote| vote.weight >= 0.0 || vote.weight.is_nan()));
            self.ensemble_of(plain, targets, rest, Some(class), &x)?
        };
        let [label, scores] = self.trees(ensemble, &x, work)?;
        Ok(vec![Operand { element, ..label }, scores])
    }

    fn tree_regressor(&mut self, node: &'a Node) -> Made {
        let x = self.row(node)?;
        let targets = usize::try_from(node.int("n_targets").unwrap_or(1)).ok();
        let targets = targets.filter(|targets| (1..=self.limits.ports).contains(targets));
        let targets = targets.ok_or_else(|| self.refuse("a number of targets past all bounds"))?;
        let rest = read::rest(node)?;
        let is_five = node.operator == "TreeEnsemble";
        if x.element == Element::Double {
            let plain = if is_five {
                read::read_five::<f64>(node, targets, self.limits)?
            } else {
                read::read::<f64>(node, "target", targets, self.limits)?
            };
            let (ensemble, work) = self.ensemble_of_double(plain, targets, rest, None, &x)?;
            let [_, scores] = self.trees(ensemble, &x, work)?;
            // Version 5 answers in the type of its input.
            return Ok(vec![if is_five { self.cast(&scores, Element::Double)? } else { scores }]);
        }
        let plain = if is_five {
            read::read_five::<f32>(node, targets, self.limits)?
        } else {
            read::read::<f32>(node, "target", targets, self.limits)?
        };
        if targets == 1 && plain.roots.len() == 1 {
            return self.one_tree_regressor(plain, rest, &x);
        }
        let (ensemble, work) = self.ensemble_of(plain, targets, rest, None, &x)?;
        let [_, scores] = self.trees(ensemble, &x, work)?;
        Ok(vec![scores])
    }

    /// A single tree is first a table of its leaves.
    fn one_tree_regressor(&mut self, plain: Plain<f32>, rest: Rest, x: &Operand) -> Made {
        let finish = Ensemble {
            trees: Trees::Plain(Plain::empty()),
            count: 1,
            targets: 1,
            aggregate: rest.aggregate,
            base: rest.base.clone(),
            post: rest.post,
            class: None,
        };
        let mut cells = Vec::new();
        for leaf in plain.leaves() {
            let votes = plain.votes(leaf);
            // What several votes of one leaf make is their sum, or the least or greatest.
            let value = votes.iter().map(|vote| vote.weight).reduce(|a, b| match rest.aggregate {
                Aggregate::Sum | Aggregate::Average => a + b,
                Aggregate::Min => a.min(b),
                Aggregate::Max => a.max(b),
            });
            let (mut sums, mut seen, mut out) = ([value.unwrap_or(0.0)], [1], [0.0]);
            finish.regress(&mut Totals { sums: &mut sums, seen: &mut seen }, &mut out);
            cells.extend(out);
        }
        self.features_fit(plain.features, x)?;
        self.plant(1, plain.nodes.len())?;
        Ok(vec![self.source(plain, x.clone(), cells)?])
    }

    fn features_fit(&self, features: usize, x: &Operand) -> Result<(), Refusal> {
        if features > x.len() {
            return Err(self.refuse(format!(
                "it looks at feature {}, and its input has {}",
                features - 1,
                x.len()
            )));
        }
        Ok(())
    }

    fn ensemble_of(
        &mut self,
        plain: Plain<f32>,
        targets: usize,
        rest: Rest,
        class: Option<Class>,
        x: &Operand,
    ) -> Result<(Ensemble, usize), Refusal> {
        self.features_fit(plain.features, x)?;
        self.plant(plain.roots.len(), plain.nodes.len())?;
        let (count, work) = (plain.roots.len(), plain.work());
        let trees = match Packed::new(&plain) {
            Some(packed) => Trees::Packed(packed),
            None => Trees::Plain(plain),
        };
        let Rest { aggregate, post, base } = rest;
        Ok((Ensemble { trees, count, targets, aggregate, base, post, class }, work))
    }

    fn ensemble_of_double(
        &mut self,
        plain: Plain<f64>,
        targets: usize,
        rest: Rest,
        class: Option<Class>,
        x: &Operand,
    ) -> Result<(Ensemble, usize), Refusal> {
        self.features_fit(plain.features, x)?;
        self.plant(plain.roots.len(), plain.nodes.len())?;
        let (count, work) = (plain.roots.len(), plain.work());
        let Rest { aggregate, post, base } = rest;
        Ok((Ensemble { trees: Trees::Double(plain), count, targets, aggregate, base, post, class }, work))
    }

    fn linear_classifier(&mut self, node: &'a Node) -> Made {
        let x = self.row(node)?;
        let x = self.as_float(&x)?;
        let (labels, element) = self.labels(node, "classlabels_ints")?;
        let offsets = node.floats("intercepts");
        let weights = node.floats("coefficients");
        let targets = offsets.len();
        if targets == 0 || weights.len() != targets.saturating_mul(x.len()) {
            return Err(self.refuse(format!("{} coefficients for {} features", weights.len(), x.len())));
        }
        if targets > 1 && labels.len() < targets {
            return Err(self.refuse("fewer labels than scores"));
        }
        if targets == 1 && labels.len() != 2 && element == Element::String {
            return Err(self.refuse("one score for other than two texts"));
        }
        let is_spread = targets == 1 && labels.len() == 2;
        let post = read::post(node)?;
        let class = Some((labels.into(), is_spread));
        self.linear(&x, (weights, offsets), post, class).map(|mut made| {
            if let Some(label) = made.first_mut() {
                label.element = element;
            }
            made
        })
    }

    fn linear_regressor(&mut self, node: &'a Node) -> Made {
        let x = self.row(node)?;
        let x = self.as_float(&x)?;
        let targets = usize::try_from(node.int("targets").unwrap_or(1)).unwrap_or(0);
        let weights = node.floats("coefficients");
        if targets == 0 || Some(weights.len()) != targets.checked_mul(x.len()) {
            return Err(self.refuse(format!("{} coefficients for {} features", weights.len(), x.len())));
        }
        let given = node.floats("intercepts");
        let zeros = vec![0.0; targets];
        let offsets = if given.is_empty() { &zeros } else { given };
        if offsets.len() != targets {
            return Err(self.refuse("another number of intercepts than targets"));
        }
        let post = match read::post(node)? {
            // One score has nothing to be spread over.
            Post::Logistic | Post::Softmax | Post::SoftmaxZero if targets == 1 => Post::None,
            post => post,
        };
        Ok(self.linear(&x, (weights, offsets), post, None)?.into_iter().skip(1).collect())
    }

    fn linear(
        &mut self,
        x: &Operand,
        (weights, offsets): (&[f32], &[f32]),
        post: Post,
        class: Option<(Box<[i64]>, bool)>,
    ) -> Made {
        let (features, targets) = (x.len(), offsets.len());
        self.spend(features.saturating_mul(targets))?;
        let is_spread = class.as_ref().is_some_and(|class| class.1);
        let width = if is_spread { 2 } else { targets };
        let outputs = [(Element::Int64, vec![1]), (Element::Float, vec![1, width])];
        let made = self.emit(&[x], outputs, |from, [label, to]| {
            Step::Linear(Box::new(Linear {
                from: from.first().copied().unwrap_or(0),
                features,
                weights: weights.into(),
                offsets: offsets.into(),
                post,
                to,
                class: class.map(|(labels, is_spread)| LinearClass { labels, is_spread, to: label }),
            }))
        })?;
        Ok(made.into())
    }

    fn svm_regressor(&mut self, node: &'a Node) -> Made {
        let x = self.row(node)?;
        let x = self.as_float(&x)?;
        let count = usize::try_from(node.int("n_supports").unwrap_or(0)).unwrap_or(usize::MAX);
        let (vectors, coefficients, rho) =
            (node.floats("support_vectors"), node.floats("coefficients"), node.floats("rho"));
        let features = x.len();
        let fits = if count > 0 {
            Some(vectors.len()) == count.checked_mul(features) && coefficients.len() == count
        } else {
            coefficients.len() == features
        };
        if !fits || rho.is_empty() || features == 0 {
            return Err(self.refuse(format!("lists that do not go with {features} features")));
        }
        if read::post(node)? != Post::None {
            return Err(self.refuse("a transformation of the result"));
        }
        let kernel = match node.text("kernel_type").unwrap_or("LINEAR") {
            _ if count == 0 => Kernel::Linear,
            "LINEAR" => Kernel::Linear,
            "POLY" => Kernel::Poly,
            "RBF" => Kernel::Rbf,
            "SIGMOID" => Kernel::Sigmoid,
            other => return Err(self.refuse(format!("the kernel `{other}` is not known"))),
        };
        let parameter = |nth: usize| node.floats("kernel_params").get(nth).copied().unwrap_or(0.0);
        let (gamma, offset, degree) = (parameter(0), parameter(1), parameter(2));
        self.spend((features + 16).saturating_mul(count.max(1)))?;
        let is_one_class = node.int("one_class").unwrap_or(0) != 0;
        let outputs = [(Element::Float, vec![count]), (Element::Float, vec![1, 1])];
        let [_, made] = self.emit(&[&x], outputs, |from, [kernels, to]| {
            Step::Svm(Box::new(Svm {
                from: from.first().copied().unwrap_or(0),
                features,
                kernel,
                gamma,
                offset,
                degree,
                vectors: if count == 0 { Box::default() } else { vectors.into() },
                coefficients: coefficients.into(),
                rho: rho.into(),
                kernels,
                to,
                is_one_class,
            }))
        })?;
        Ok(vec![made])
    }

    fn scaler(&mut self, node: &'a Node) -> Made {
        let mut x = self.required(node, 0)?;
        if x.element == Element::String {
            return Err(self.refuse("texts"));
        }
        if !matches!(x.element, Element::Float | Element::Double) {
            x = self.as_float(&x)?;
        }
        let width = x.shape.get(1).or(x.shape.first()).copied().unwrap_or(0);
        let (offsets, scales) = (node.floats("offset"), node.floats("scale"));
        let fits = offsets.len() == scales.len() && (offsets.len() == width || offsets.len() == 1);
        if !fits || width == 0 {
            return Err(self.refuse(format!("{} offsets for {width} features", offsets.len())));
        }
        let each = |values: &[f32]| values.iter().copied().cycle().take(x.len()).collect::<Box<[f32]>>();
        let (offsets, scales, is_double) = (each(offsets), each(scales), x.element == Element::Double);
        let [made] = self.emit(&[&x], [(Element::Float, x.shape.clone())], |from, [to]| Step::Scale {
            is_double,
            from: from.first().copied().unwrap_or(0),
            offsets,
            scales,
            to,
        })?;
        Ok(vec![made])
    }

    fn normalizer(&mut self, node: &'a Node) -> Made {
        let x = self.row(node)?;
        let x = self.as_float(&x)?;
        let norm = match node.text("norm").unwrap_or("MAX") {
            "MAX" => Norm::Max,
            "L1" => Norm::L1,
            "L2" => Norm::L2,
            other => return Err(self.refuse(format!("the norm `{other}` is not known"))),
        };
        let count = x.len();
        let [made] = self.emit(&[&x], [(Element::Float, x.shape.clone())], |from, [to]| Step::Normalize {
            norm,
            from: from.first().copied().unwrap_or(0),
            count,
            to,
        })?;
        Ok(vec![made])
    }

    fn imputer(&mut self, node: &'a Node) -> Made {
        let x = self.required(node, 0)?;
        let width = x.shape.get(1).or(x.shape.first()).copied().unwrap_or(0);
        let count = x.len();
        let step = match x.element {
            Element::Float => {
                let values = each(node.floats("imputed_value_floats"), width, count);
                let replaced = node.float("replaced_value_float").unwrap_or(0.0);
                values.map(|values| (Some((values, replaced)), None))
            }
            Element::Int64 => {
                let values = each(node.ints("imputed_value_int64s"), width, count);
                let replaced = node.int("replaced_value_int64").unwrap_or(0);
                values.map(|values| (None, Some((values, replaced))))
            }
            other => return Err(self.refuse(format!("not of {other}"))),
        };
        let (floats, ints) = step.ok_or_else(|| self.refuse("no values to fill in"))?;
        let [made] = self.emit(&[&x], [(x.element, x.shape.clone())], |from, [to]| {
            let from = from.first().copied().unwrap_or(0);
            match (floats, ints) {
                (Some((values, replaced)), _) => Step::Impute { from, replaced, values, to },
                (None, Some((values, replaced))) => Step::ImputeInt { from, replaced, values, to },
                (None, None) => Step::Copy { arena: Arena::Float, from, count, to },
            }
        })?;
        Ok(vec![made])
    }

    fn binarizer(&mut self, node: &'a Node) -> Made {
        let x = self.required(node, 0)?;
        let threshold = node.float("threshold").unwrap_or(0.0);
        if x.element != Element::Float {
            return Err(self.refuse(format!("not of {}", x.element)));
        }
        let count = x.len();
        let [made] = self.emit(&[&x], [(Element::Float, x.shape.clone())], |from, [to]| Step::Binarize {
            from: from.first().copied().unwrap_or(0),
            count,
            threshold,
            to,
        })?;
        Ok(vec![made])
    }

    fn label_encoder(&mut self, node: &'a Node) -> Made {
        let x = self.required(node, 0)?;
        // Version 1: texts to their places, or places to texts.
        let classes = node.texts("classes_strings");
        if !classes.is_empty() {
            let places: Vec<i64> = (0..classes.len() as i64).collect();
            let symbols: Vec<i64> = classes.iter().map(|text| self.symbols.intern(text)).collect();
            return if x.element == Element::String {
                let otherwise = Code::Int(node.int("default_int64").unwrap_or(-1));
                self.encode(&x, List::Ints(symbols), List::Ints(places), otherwise, Element::Int64)
            } else {
                let otherwise = self.symbols.intern(node.text("default_string").unwrap_or("_Unused"));
                self.encode(
                    &x,
                    List::Ints(places),
                    List::Ints(symbols),
                    Code::Int(otherwise),
                    Element::String,
                )
            };
        }
        let Some((keys, key_element)) = self.list(node, "keys") else {
            return Err(self.refuse("keys of a kind that is not known"));
        };
        let Some((values, element)) = self.list(node, "values") else {
            return Err(self.refuse("values of a kind that is not known"));
        };
        if key_element != x.element {
            return Err(self.refuse(format!("keys of {key_element} for values of {}", x.element)));
        }
        let default = node.tensor("default_tensor").map(|tensor| &tensor.data);
        let otherwise = match (element, default) {
            (Element::String, Some(Data::Text(values))) => {
                Code::Int(values.first().map_or(0, |text| self.symbols.intern(text)))
            }
            (Element::String, _) => {
                Code::Int(self.symbols.intern(node.text("default_string").unwrap_or("_Unused")))
            }
            (Element::Float, Some(Data::Float(values))) => {
                Code::Float(values.first().copied().unwrap_or(0.0))
            }
            (Element::Float, _) => Code::Float(node.float("default_float").unwrap_or(-0.0)),
            (Element::Double, Some(Data::Double(values))) => {
                Code::Double(values.first().copied().unwrap_or(0.0))
            }
            (Element::Double, _) => Code::Double(0.0),
            (_, Some(Data::Int(values))) => Code::Int(values.first().copied().unwrap_or(0)),
            _ => Code::Int(node.int("default_int64").unwrap_or(-1)),
        };
        self.encode(&x, keys, values, otherwise, element)
    }

    /// The keys or values of a `LabelEncoder`.
    fn list(&mut self, node: &'a Node, side: &str) -> Option<(List, Element)> {
        let ints = node.ints(&format!("{side}_int64s"));
        if !ints.is_empty() {
            return Some((List::Ints(ints.to_vec()), Element::Int64));
        }
        let floats = node.floats(&format!("{side}_floats"));
        if !floats.is_empty() {
            return Some((List::Floats(floats.to_vec()), Element::Float));
        }
        let texts = node.texts(&format!("{side}_strings"));
        if !texts.is_empty() {
            let symbols = texts.iter().map(|text| self.symbols.intern(text)).collect();
            return Some((List::Ints(symbols), Element::String));
        }
        let tensor = node.tensor(&format!("{side}_tensor"))?;
        Some(match &tensor.data {
            Data::Int(values) => (List::Ints(values.clone()), tensor.element),
            Data::Float(values) => (List::Floats(values.clone()), tensor.element),
            Data::Double(values) => (List::Doubles(values.clone()), tensor.element),
            Data::Text(values) => {
                (List::Ints(values.iter().map(|text| self.symbols.intern(text)).collect()), tensor.element)
            }
            Data::Unread => return None,
        })
    }

    fn encode(&mut self, x: &Operand, keys: List, values: List, otherwise: Code, element: Element) -> Made {
        if keys.len() != values.len() {
            return Err(self.refuse("another number of keys than values"));
        }
        // Keys that are NaN find nothing before version 4.
        let finds_nan = self.file.ml_opset >= 4 || self.file.ml_opset == 0;
        // Of keys that are there twice the first counts, in the oldest operators the last.
        let places = keys.sorted(finds_nan, self.is_old_map);
        let (keys, values) = (keys.ordered(&places), values.ordered(&places));
        let is_same_arena = matches!(
            (&keys, x.arena()),
            (Codes::Ints(_), Arena::Int)
                | (Codes::Floats(_), Arena::Float)
                | (Codes::Doubles(_), Arena::Double)
        );
        if !is_same_arena {
            return Err(self.refuse(format!("keys of another type than {}", x.element)));
        }
        let count = x.len();
        self.spend(count.saturating_mul(8))?;
        let [made] = self.emit(&[x], [(element, x.shape.clone())], |from, [to]| {
            let from = from.first().copied().unwrap_or(0);
            Step::Encode(Box::new(Encode { from, count, keys, values, to, otherwise }))
        })?;
        Ok(vec![made])
    }

    fn category_mapper(&mut self, node: &'a Node) -> Made {
        let x = self.required(node, 0)?;
        let symbols = node.texts("cats_strings").iter().map(|text| self.symbols.intern(text)).collect();
        let (texts, numbers) = (List::Ints(symbols), List::Ints(node.ints("cats_int64s").to_vec()));
        match x.element {
            Element::String => {
                let otherwise = Code::Int(node.int("default_int64").unwrap_or(-1));
                self.encode(&x, texts, numbers, otherwise, Element::Int64)
            }
            Element::Int64 => {
                let otherwise = self.symbols.intern(node.text("default_string").unwrap_or("_Unused"));
                self.encode(&x, numbers, texts, Code::Int(otherwise), Element::String)
            }
            other => Err(self.refuse(format!("not of {other}"))),
        }
    }

    fn one_hot(&mut self, node: &'a Node) -> Made {
        let x = self.required(node, 0)?;
        let texts = node.texts("cats_strings");
        let listed: Vec<i64> = if texts.is_empty() {
            node.ints("cats_int64s").to_vec()
        } else {
            texts.iter().map(|text| self.symbols.intern(text)).collect()
        };
        if listed.is_empty() || texts.is_empty() == (x.element == Element::String) {
            return Err(self.refuse(format!("categories of another type than {}", x.element)));
        }
        let width = listed.len();
        let mut categories: Vec<(i64, u32)> = listed.into_iter().zip(0..).collect();
        // Of two alike, the later counts.
        categories.sort_by_key(|(key, place)| (*key, std::cmp::Reverse(*place)));
        categories.dedup_by_key(|(key, _)| *key);
        let mut shape = x.shape.clone();
        shape.push(width);
        let (arena, count) = (x.arena(), x.len());
        let is_strict = node.int("zeros").unwrap_or(1) == 0;
        let [made] = self.emit(&[&x], [(Element::Float, shape)], |from, [to]| {
            let from = from.first().copied().unwrap_or(0);
            Step::OneHot(Box::new(OneHot {
                arena,
                from,
                count,
                categories: categories.into(),
                width,
                is_strict,
                to,
            }))
        })?;
        Ok(vec![made])
    }

    fn feature_extractor(&mut self, node: &'a Node) -> Made {
        let (mut x, index) = (self.required(node, 0)?, self.required(node, 1)?);
        if x.shape.len() < 2 {
            x = x.shaped(vec![1, x.len()]);
        }
        let index = index.shaped(vec![index.len()]);
        let axis = x.shape.len() - 1;
        Ok(vec![self.pick(&x, &index, axis)?])
    }

    fn feature_vectorizer(&mut self, node: &'a Node) -> Made {
        let mut parts = Vec::with_capacity(node.inputs.len());
        for nth in 0..node.inputs.len() {
            let x = self.required(node, nth)?;
            if x.element == Element::String {
                return Err(self.refuse("texts"));
            }
            let x = self.as_float(&x)?;
            let wanted = node.ints("inputdimensions").get(nth).copied().unwrap_or(x.len() as i64);
            if usize::try_from(wanted) != Ok(x.len()) {
                return Err(self.refuse("an input of another width than declared"));
            }
            parts.push(x.shaped(vec![1, x.len()]));
        }
        Ok(vec![self.join(&parts, 1)?])
    }

    fn zip_map(&mut self, node: &'a Node) -> Made {
        let x = self.required(node, 0)?;
        let texts = node.texts("classlabels_strings");
        let keys = if texts.is_empty() {
            Keys::Ints(node.ints("classlabels_int64s").to_vec())
        } else {
            Keys::Texts(texts.to_vec())
        };
        let count = match &keys {
            Keys::Ints(keys) => keys.len(),
            Keys::Texts(keys) => keys.len(),
        };
        if x.element != Element::Float || x.len() != count {
            return Err(self.refuse(format!("{count} classes for {} values", x.len())));
        }
        Ok(vec![Operand { keys: Some(keys), ..x }])
    }
}

/// One value for all, or one for each feature.
fn each<T: Copy>(values: &[T], width: usize, count: usize) -> Option<Box<[T]>> {
    let first = *values.first()?;
    Some(if values.len() == width {
        values.iter().copied().cycle().take(count).collect()
    } else {
        std::iter::repeat_n(first, count).collect()
    })
}

enum List {
    Ints(Vec<i64>),
    Floats(Vec<f32>),
    Doubles(Vec<f64>),
}

impl List {
    fn len(&self) -> usize {
        match self {
            Self::Ints(values) => values.len(),
            Self::Floats(values) => values.len(),
            Self::Doubles(values) => values.len(),
        }
    }

    /// The places of the values in order, the first or last of equal ones.
    fn sorted(&self, finds_nan: bool, is_last: bool) -> Vec<usize> {
        let mut places: Vec<usize> = (0..self.len()).collect();
        if is_last {
            places.reverse();
        }
        match self {
            Self::Ints(values) => {
                places.sort_by_key(|at| values.get(*at).copied());
                places.dedup_by_key(|at| values.get(*at).copied());
            }
            Self::Floats(values) => {
                let value = |at: &usize| f64::from(values.get(*at).copied().unwrap_or(0.0));
                sort_reals(&mut places, value, finds_nan);
            }
            Self::Doubles(values) => {
                let value = |at: &usize| values.get(*at).copied().unwrap_or(0.0);
                sort_reals(&mut places, value, finds_nan);
            }
        }
        places
    }

    fn ordered(&self, places: &[usize]) -> Codes {
        match self {
            Self::Ints(values) => {
                Codes::Ints(places.iter().filter_map(|at| values.get(*at)).copied().collect())
            }
            Self::Floats(values) => {
                Codes::Floats(places.iter().filter_map(|at| values.get(*at)).copied().collect())
            }
            Self::Doubles(values) => {
                Codes::Doubles(places.iter().filter_map(|at| values.get(*at)).copied().collect())
            }
        }
    }
}

fn sort_reals(places: &mut Vec<usize>, value: impl Fn(&usize) -> f64, finds_nan: bool) {
    places.retain(|at| finds_nan || !value(at).is_nan());
    places.sort_by(|a, b| order(value(a), value(b)));
    places.dedup_by(|a, b| order(value(a), value(b)).is_eq());
}
