//! Which events a reading covers.

/// The kinds of window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is the language's word")]
pub enum Kind {
    Sliding,
    Exact,
    Economy,
    Tumbling,
}

/// The log of an exact window: entries a key.
pub const LOG: usize = 4_096;
/// The same for `distinct`, quantiles, `entropy`, `top` and `sequential`.
pub const VALUE_LOG: usize = 1_024;

/// Every event of a key that was not dropped, in order of arrival.
#[derive(Clone, Debug)]
pub struct Trail<V> {
    kind: Kind,
    length: i128,
    held: Vec<(i128, V)>,
    /// Of the newest event held.
    newest_lane: Option<i128>,
    log: Vec<(i128, V)>,
    /// The time of the youngest entry that left the log.
    left: Option<i128>,
    bound: usize,
}

/// What a reading covers.
#[derive(Clone, Debug)]
pub struct Cover<V> {
    /// The inner lanes, oldest first, each in order of arrival.
    pub inner: Vec<Vec<(i128, V)>>,
    /// The edge, of which `k / width` counts.
    pub edge: Vec<(i128, V)>,
    /// From 1 to `width`.
    pub k: i128,
    /// The width of a lane.
    pub width: i128,
    /// The interval is not hard.
    pub estimated: bool,
    /// An economy window, which has no interval.
    pub collapsed: bool,
}

impl<V: Copy> Cover<V> {
    /// The content of the inner lanes.
    pub fn inner(&self) -> Vec<V> {
        self.inner.iter().flatten().map(|(_, v)| *v).collect()
    }

    /// The content of the edge.
    pub fn edge(&self) -> Vec<V> {
        self.edge.iter().map(|(_, v)| *v).collect()
    }

    /// Both.
    pub fn all(&self) -> Vec<V> {
        [self.edge(), self.inner()].concat()
    }

    /// `floor(n * k / width)`, in two steps because `n` may be as long as a sum of floats.
    pub fn part(&self, n: i128) -> i128 {
        let (whole, rest) = (n.div_euclid(self.width), n.rem_euclid(self.width));
        whole * self.k + (rest * self.k).div_euclid(self.width)
    }
}

impl<V: Copy> Trail<V> {
    /// No event yet; `bound` is that of the log.
    pub fn new(kind: Kind, length: i64, bound: usize) -> Self {
        Self {
            kind,
            length: length.into(),
            held: Vec::new(),
            newest_lane: None,
            log: Vec::new(),
            left: None,
            bound,
        }
    }

    /// Nothing has come.
    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// The latest time of an event that was held.
    pub fn latest(&self) -> Option<i128> {
        self.held.iter().map(|(at, _)| *at).max()
    }

    /// The width of a lane.
    pub fn width(&self) -> i128 {
        match self.kind {
            Kind::Sliding | Kind::Exact => (self.length + 6) / 7,
            Kind::Economy | Kind::Tumbling => self.length,
        }
    }

    /// How far back a reading reaches, in ms: the effective window.
    pub fn reach(&self) -> i128 {
        match self.kind {
            Kind::Sliding => 7 * self.width(),
            _ => self.length,
        }
    }

    fn lanes(&self) -> i128 {
        match self.kind {
            Kind::Sliding | Kind::Exact => 8,
            Kind::Economy | Kind::Tumbling => 2,
        }
    }

    fn lane(&self, t: i128) -> i128 {
        t.div_euclid(self.width())
    }

    /// Takes an event; false when its lane has passed.
    pub fn add(&mut self, t: i64, v: V) -> bool {
        let t = i128::from(t);
        let lane = self.lane(t);
        if self.newest_lane.is_some_and(|newest| lane <= newest - self.lanes()) {
            return false;
        }
        self.newest_lane = self.newest_lane.max(Some(lane));
        self.held.push((t, v));
        if self.kind == Kind::Exact {
            self.enter_log(t, v);
        }
        true
    }

    fn enter_log(&mut self, t: i128, v: V) {
        let at = self.log.partition_point(|(known, _)| *known <= t);
        self.log.insert(at, (t, v));
        let newest = self.log.last().unwrap().0;
        let leaves = |entries: &[(i128, V)], left: Option<i128>, bound: usize, length: i128| {
            let first = entries[0].0;
            entries.len() > bound || first <= newest - length || left.is_some_and(|left| first <= left)
        };
        while !self.log.is_empty() && leaves(&self.log, self.left, self.bound, self.length) {
            let (gone, _) = self.log.remove(0);
            self.left = self.left.max(Some(gone));
        }
    }

    /// What a reading at `t` covers.
    pub fn cover(&self, t: i64) -> Cover<V> {
        let t = i128::from(t);
        let from = t - self.length;
        if self.kind == Kind::Exact && self.left.is_none_or(|left| left <= from) {
            let within = self.log.iter().filter(|(at, _)| *at > from && *at <= t).copied().collect();
            return Cover {
                inner: vec![within],
                edge: vec![],
                k: 1,
                width: 1,
                estimated: false,
                collapsed: false,
            };
        }
        let (c, width) = (self.lane(t), self.width());
        let (first, edge) = match self.kind {
            Kind::Sliding | Kind::Exact => (c - 6, Some(c - 7)),
            Kind::Economy => (c, Some(c - 1)),
            Kind::Tumbling => (c, None),
        };
        let oldest = self.newest_lane.map(|newest| newest - self.lanes() + 1);
        let of = |lane: i128| -> Vec<(i128, V)> {
            let is_held = oldest.is_some_and(|oldest| lane >= oldest);
            self.held.iter().filter(|(at, _)| is_held && self.lane(*at) == lane).copied().collect()
        };
        let collapsed = self.kind == Kind::Economy;
        let lost = oldest.is_some_and(|oldest| edge.unwrap_or(first) < oldest);
        Cover {
            inner: (first..=c).map(of).collect(),
            edge: edge.map(of).unwrap_or_default(),
            k: width - t.rem_euclid(width),
            width,
            estimated: collapsed || lost,
            collapsed,
        }
    }

    /// Events in `(t - reach, t]`, whatever lane they are in.
    pub fn since(&self, t: i64) -> Vec<(i128, V)> {
        let t = i128::from(t);
        let first = match self.kind {
            Kind::Tumbling => t.div_euclid(self.length) * self.length - 1,
            _ => t - self.reach(),
        };
        self.held.iter().filter(|(at, _)| *at > first && *at <= t).copied().collect()
    }
}
