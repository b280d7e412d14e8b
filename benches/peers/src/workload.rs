//! A folder of events, lists, rules and patterns, as `generate.py` writes it; each file plain or `.xz`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use ipnet::IpNet;
use lzma_rust2::XzReader;
use serde::Deserialize;

use crate::event::{Event, Field, Kind};

/// Where the workload is that ships.
const SHIPPED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/workload");

/// Everything a run needs but the rules.
pub struct Workload {
    folder: PathBuf,
    events: String,
    /// Lists of address ranges, by name.
    pub lists: Vec<List>,
}

/// A list of address ranges.
#[derive(Clone, Debug)]
pub struct List {
    pub name: String,
    pub ranges: Vec<IpNet>,
}

/// A rule.
#[derive(Clone, Debug)]
pub struct Rule {
    pub id: String,
    pub action: String,
    pub expr: Expr,
    /// How many of the workload's events match, computed by its generator.
    pub expected: u32,
}

/// A condition.
#[derive(Clone, Debug, PartialEq)]
pub enum Expr {
    And(Vec<Expr>),
    Or(Vec<Expr>),
    Not(Box<Expr>),
    Test(Field, Test),
}

/// What is asked of a field.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    Eq(Constant),
    Ne(Constant),
    In(Vec<Constant>),
    Compare(Order, Constant),
    Contains(String),
    StartsWith(String),
    EndsWith(String),
    /// A regular expression that is searched for.
    Matches(String),
    /// The address is inside a range of the list; by its place in [`Workload::lists`].
    InList(usize),
    IsTrue,
}

/// An order of numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Order {
    Lt,
    Le,
    Gt,
    Ge,
}

/// What a field is compared with, of the field's own type.
#[derive(Clone, Debug, PartialEq)]
pub enum Constant {
    Text(String),
    Int(i64),
    Float(f64),
    Truth(bool),
}

/// Rules for an engine to compile, with the lists they ask.
#[derive(Clone, Copy)]
pub struct Set<'w> {
    pub rules: &'w [&'w Rule],
    pub lists: &'w [List],
    /// Some events to choose an order of work by; what matches may not depend on them.
    pub sample: &'w [Event<'w>],
}

#[derive(Deserialize)]
struct RawRule {
    id: String,
    action: String,
    expr: RawExpr,
    expected: u32,
}

#[derive(Deserialize)]
struct RawExpr {
    op: String,
    #[serde(default)]
    args: Vec<RawExpr>,
    field: Option<Field>,
    #[serde(default)]
    value: serde_json::Value,
}

impl Workload {
    /// The folder that `WEIR_WORKLOAD` names, or the one that ships.
    ///
    /// # Errors
    /// When a file is missing or not what it should be.
    pub fn open() -> Result<Self, String> {
        let folder = std::env::var_os("WEIR_WORKLOAD").map_or_else(|| PathBuf::from(SHIPPED), PathBuf::from);
        let events = read(&folder, "events.ndjson")?;
        let lists: BTreeMap<String, Vec<String>> = serde_json::from_str(&read(&folder, "lists.json")?)
            .map_err(|error| format!("lists.json: {error}"))?;
        let lists = lists.into_iter().map(|(name, ranges)| {
            let range =
                |text: &String| text.parse().map_err(|_| format!("list {name}: `{text}` is no range"));
            let ranges = ranges.iter().map(range).collect::<Result<_, _>>()?;
            Ok(List { name, ranges })
        });
        Ok(Self { lists: lists.collect::<Result<_, String>>()?, folder, events })
    }

    /// Whether it is the one that ships.
    pub fn ships(&self) -> bool {
        self.folder == Path::new(SHIPPED)
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The lines of events.
    pub fn lines(&self) -> Vec<&str> {
        self.events.lines().filter(|line| !line.is_empty()).collect()
    }

    /// The numbers of rules there are sets of, in order.
    pub fn sizes(&self) -> Vec<usize> {
        let names = fs::read_dir(&self.folder).into_iter().flatten().flatten().map(|entry| entry.file_name());
        let sizes = names.filter_map(|name| {
            let name = name.to_str()?.strip_prefix("rules-")?;
            name.strip_suffix(".xz").unwrap_or(name).strip_suffix(".json")?.parse().ok()
        });
        sizes.collect::<BTreeSet<usize>>().into_iter().collect()
    }

    /// A set of rules.
    ///
    /// # Errors
    /// When there is none of the size, or it is not as it should be.
    pub fn rules(&self, size: usize) -> Result<Vec<Rule>, String> {
        let name = format!("rules-{size}.json");
        let rules: Vec<RawRule> =
            serde_json::from_str(&read(&self.folder, &name)?).map_err(|error| format!("{name}: {error}"))?;
        let rules = rules.into_iter().map(|raw| {
            let expr = self.expr(raw.expr).map_err(|error| format!("{name}: {}: {error}", raw.id))?;
            Ok(Rule { id: raw.id, action: raw.action, expr, expected: raw.expected })
        });
        rules.collect()
    }

    /// Literals and regular expressions to look for.
    ///
    /// # Errors
    /// When the file is not there or a line is neither.
    pub fn patterns(&self) -> Result<(Vec<String>, Vec<String>), String> {
        let (mut literals, mut regexes) = (Vec::new(), Vec::new());
        for line in read(&self.folder, "patterns-500.txt")?.lines() {
            match line.split_once('\t') {
                Some(("L", literal)) => literals.push(literal.to_owned()),
                Some(("R", regex)) => regexes.push(regex.to_owned()),
                _ => return Err(format!("patterns-500.txt: `{line}` is neither")),
            }
        }
        Ok((literals, regexes))
    }

    /// What to look in, one a line. A folder without `hay.txt` has user agent, path and query of its events.
    pub fn hay(&self, events: &[Event<'_>]) -> Vec<String> {
        match read(&self.folder, "hay.txt") {
            Ok(hay) => hay.lines().map(str::to_owned).collect(),
            Err(_) => {
                events.iter().map(|event| [event.user_agent, event.path, event.query].join("\t")).collect()
            }
        }
    }

    fn expr(&self, raw: RawExpr) -> Result<Expr, String> {
        if raw.args.is_empty() {
            let field = raw.field.ok_or("a test without a field")?;
            return Ok(Expr::Test(field, self.test(&raw.op, field, raw.value)?));
        }
        let mut args = raw.args.into_iter().map(|arg| self.expr(arg)).collect::<Result<Vec<_>, _>>()?;
        match (raw.op.as_str(), args.len()) {
            ("and", _) => Ok(Expr::And(args)),
            ("or", _) => Ok(Expr::Or(args)),
            ("not", 1) => Ok(Expr::Not(Box::new(args.swap_remove(0)))),
            (op, _) => Err(format!("`{op}` joins nothing")),
        }
    }

    fn test(&self, op: &str, field: Field, value: serde_json::Value) -> Result<Test, String> {
        let text =
            |value: &serde_json::Value| value.as_str().map(str::to_owned).ok_or("not a text".to_owned());
        let constant = |value: &serde_json::Value| {
            let constant = match field.kind() {
                Kind::Text => value.as_str().map(|text| Constant::Text(text.to_owned())),
                Kind::Int => value.as_i64().map(Constant::Int),
                Kind::Float => value.as_f64().map(Constant::Float),
                Kind::Truth => value.as_bool().map(Constant::Truth),
                Kind::Ip => None,
            };
            constant.ok_or_else(|| format!("{value} does not compare with `{}`", field.name()))
        };
        let compare = |order| Ok(Test::Compare(order, constant(&value)?));
        match op {
            "eq" => Ok(Test::Eq(constant(&value)?)),
            "ne" => Ok(Test::Ne(constant(&value)?)),
            "in" => {
                let members = value.as_array().ok_or("`in` without an array")?;
                Ok(Test::In(members.iter().map(constant).collect::<Result<_, _>>()?))
            }
            "lt" => compare(Order::Lt),
            "le" => compare(Order::Le),
            "gt" => compare(Order::Gt),
            "ge" => compare(Order::Ge),
            "contains" => Ok(Test::Contains(text(&value)?)),
            "starts_with" => Ok(Test::StartsWith(text(&value)?)),
            "ends_with" => Ok(Test::EndsWith(text(&value)?)),
            "matches" => Ok(Test::Matches(text(&value)?)),
            "is_true" => Ok(Test::IsTrue),
            "in_list" => {
                let name = text(&value)?;
                let at = self.lists.iter().position(|list| list.name == name);
                Ok(Test::InList(at.ok_or_else(|| format!("no list `{name}`"))?))
            }
            _ => Err(format!("`{op}` is no operator")),
        }
    }
}

impl Expr {
    /// Calls `f` with every test.
    pub fn tests<'w>(&'w self, f: &mut impl FnMut(Field, &'w Test)) {
        match self {
            Self::And(args) | Self::Or(args) => args.iter().for_each(|arg| arg.tests(f)),
            Self::Not(arg) => arg.tests(f),
            Self::Test(field, test) => f(*field, test),
        }
    }
}

impl Set<'_> {
    /// The fields that its rules read: an engine need not be given others.
    pub fn fields(&self) -> Vec<Field> {
        fields(self.rules)
    }
}

/// The fields that rules read.
pub fn fields(rules: &[&Rule]) -> Vec<Field> {
    let mut fields = BTreeSet::new();
    rules.iter().for_each(|rule| rule.expr.tests(&mut |field, _| _ = fields.insert(field)));
    fields.into_iter().collect()
}

impl Order {
    /// Its sign.
    pub const fn sign(self) -> &'static str {
        match self {
            Self::Lt => "<",
            Self::Le => "<=",
            Self::Gt => ">",
            Self::Ge => ">=",
        }
    }

    /// Whether `left` stands so to `right`.
    #[inline]
    pub fn holds<T: PartialOrd>(self, left: T, right: T) -> bool {
        match self {
            Self::Lt => left < right,
            Self::Le => left <= right,
            Self::Gt => left > right,
            Self::Ge => left >= right,
        }
    }
}

/// Addresses as disjoint ranges in order: one binary search a look-up.
#[derive(Clone, Debug, Default)]
pub struct Ranges {
    v4: Vec<(u32, u32)>,
    v6: Vec<(u128, u128)>,
}

impl Ranges {
    /// Of a list.
    pub fn of(list: &List) -> Self {
        let mut ranges = Self::default();
        for range in &list.ranges {
            match range {
                IpNet::V4(range) => ranges.v4.push((range.network().to_bits(), range.broadcast().to_bits())),
                IpNet::V6(range) => ranges.v6.push((range.network().to_bits(), range.broadcast().to_bits())),
            }
        }
        join(&mut ranges.v4);
        join(&mut ranges.v6);
        ranges
    }

    /// Whether a range holds the address.
    #[inline]
    pub fn contains(&self, ip: IpAddr) -> bool {
        match ip {
            IpAddr::V4(ip) => holds(&self.v4, ip.to_bits()),
            IpAddr::V6(ip) => holds(&self.v6, ip.to_bits()),
        }
    }

    /// The ranges of the fourth version, both ends included.
    pub fn v4(&self) -> &[(u32, u32)] {
        &self.v4
    }
}

fn join<T: Ord + Copy>(ranges: &mut Vec<(T, T)>) {
    ranges.sort_unstable();
    ranges.dedup_by(|next, last| {
        let joined = next.0 <= last.1;
        if joined {
            last.1 = last.1.max(next.1);
        }
        joined
    });
}

fn holds<T: Ord + Copy>(ranges: &[(T, T)], ip: T) -> bool {
    let after = ranges.partition_point(|range| range.0 <= ip);
    after.checked_sub(1).and_then(|at| ranges.get(at)).is_some_and(|range| ip <= range.1)
}

fn read(folder: &Path, name: &str) -> Result<String, String> {
    let plain = folder.join(name);
    if plain.is_file() {
        return fs::read_to_string(&plain).map_err(|error| format!("{}: {error}", plain.display()));
    }
    let packed = folder.join(format!("{name}.xz"));
    let file = fs::File::open(&packed).map_err(|error| format!("{}: {error}", packed.display()))?;
    let mut text = String::new();
    XzReader::new(file, true)
        .read_to_string(&mut text)
        .map_err(|error| format!("{}: {error}", packed.display()))?;
    Ok(text)
}
