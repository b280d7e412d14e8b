//! Addresses by the networks they are in: one walk for all lists and sets of a field.
//!
//! The networks of all literals cut the space of addresses into intervals, and each interval has the class of the literals
//! that cover it. An index over the first bits of an IPv4 address leaves a few intervals to look through.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use ipnet::IpNet;

use crate::coder::OTHER;
use crate::runs::Runs;

/// The most bits of the index: 256 KiB.
const MOST_BITS: u32 = 16;

/// The classes of addresses.
#[derive(Clone, Debug)]
pub(crate) struct Networks {
    v4: Intervals<u32>,
    /// By the first bits of an address, the interval that the lowest such address is in.
    index: Vec<u32>,
    shift: u32,
    v6: Intervals<u128>,
    count: u32,
}

/// Intervals of a space of addresses, each from its start to the next.
#[derive(Clone, Debug)]
struct Intervals<T> {
    starts: Vec<T>,
    classes: Vec<u32>,
}

impl Networks {
    /// For sets of networks; returns the classes of each as well.
    pub(crate) fn new(sets: impl Iterator<Item = Vec<IpNet>>) -> (Self, Vec<Runs>) {
        let (mut v4, mut v6): (Edges<u32>, Edges<u128>) = (Edges::default(), Edges::default());
        let mut literals = 0;
        for networks in sets {
            for network in networks {
                match network {
                    IpNet::V4(net) => {
                        v4.add(net.network().to_bits(), net.broadcast().to_bits().checked_add(1), literals);
                    }
                    IpNet::V6(net) => {
                        v6.add(net.network().to_bits(), net.broadcast().to_bits().checked_add(1), literals);
                    }
                }
            }
            literals += 1;
        }
        let mut classes =
            Classes { known: HashMap::new(), of_literal: vec![Vec::new(); literals], count: OTHER + 1 };
        let (v4, v6) = (v4.intervals(&mut classes), v6.intervals(&mut classes));
        // Some four slots of the index for each interval.
        let bits = (v4.starts.len().max(1).ilog2() + 2).min(MOST_BITS);
        let shift = 32 - bits;
        let index = (0..1_u32 << bits).map(|first| v4.at(first << shift) as u32).collect();
        let runs = classes.of_literal.into_iter().map(Runs::of).collect();
        (Self { v4, index, shift, v6, count: classes.count }, runs)
    }

    pub(crate) fn classes(&self) -> u32 {
        self.count
    }

    /// The class of an address. Cost: an index and the intervals that begin with the same bits; logarithmic for IPv6.
    pub(crate) fn class(&self, ip: IpAddr) -> u32 {
        match ip {
            IpAddr::V4(ip) => {
                let bits = ip.to_bits();
                let Some(first) = self.index.get((bits >> self.shift) as usize) else { return OTHER };
                let first = *first as usize;
                let rest = self.v4.starts.get(first + 1..).unwrap_or_default();
                let further = rest.iter().take_while(|start| **start <= bits).take(8).count();
                let at = if further < 8 { first + further } else { self.v4.at(bits) };
                self.v4.classes.get(at).copied().unwrap_or(OTHER)
            }
            IpAddr::V6(ip) => {
                let at = self.v6.at(ip.to_bits());
                self.v6.classes.get(at).copied().unwrap_or(OTHER)
            }
        }
    }
}

impl<T: Ord> Intervals<T> {
    /// The interval of an address.
    fn at(&self, bits: T) -> usize {
        self.starts.partition_point(|start| *start <= bits).saturating_sub(1)
    }
}

/// Where the literals of a space of addresses begin and end.
struct Edges<T>(BTreeMap<T, Vec<(usize, i32)>>);

impl<T> Default for Edges<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

/// Classes by the literals that hold.
struct Classes {
    known: HashMap<Vec<usize>, u32>,
    of_literal: Vec<Vec<u32>>,
    count: u32,
}

impl Classes {
    fn class(&mut self, literals: Vec<usize>) -> u32 {
        if literals.is_empty() {
            return OTHER;
        }
        let Self { known, of_literal, count } = self;
        *known.entry(literals).or_insert_with_key(|literals| {
            for literal in literals {
                if let Some(classes) = of_literal.get_mut(*literal) {
                    classes.push(*count);
                }
            }
            *count += 1;
            *count - 1
        })
    }
}

impl<T: Ord + Copy + Default> Edges<T> {
    fn add(&mut self, from: T, to: Option<T>, literal: usize) {
        self.0.entry(from).or_default().push((literal, 1));
        if let Some(to) = to {
            self.0.entry(to).or_default().push((literal, -1));
        }
    }

    fn intervals(mut self, classes: &mut Classes) -> Intervals<T> {
        self.0.entry(T::default()).or_default();
        let mut open: BTreeMap<usize, i32> = BTreeMap::new();
        let mut intervals = Intervals { starts: Vec::new(), classes: Vec::new() };
        for (start, edges) in self.0 {
            for (literal, change) in edges {
                let depth = open.entry(literal).or_default();
                *depth += change;
                if *depth == 0 {
                    open.remove(&literal);
                }
            }
            let class = classes.class(open.keys().copied().collect());
            if intervals.classes.last() != Some(&class) {
                intervals.starts.push(start);
                intervals.classes.push(class);
            }
        }
        intervals
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use proptest::prelude::*;

    use super::*;

    fn network() -> impl Strategy<Value = IpNet> {
        prop_oneof![
            (any::<u32>(), 0_u8..=32).prop_map(|(bits, length)| {
                IpNet::new(Ipv4Addr::from_bits(bits & 0x0f0f_00ff).into(), length).unwrap().trunc()
            }),
            (any::<u128>(), 0_u8..=128).prop_map(|(bits, length)| {
                IpNet::new(Ipv6Addr::from_bits(bits & (0xff << 120 | 0xff)).into(), length).unwrap().trunc()
            }),
        ]
    }

    proptest! {
        #[test]
        fn a_class_says_which_sets_hold(
            sets in prop::collection::vec(prop::collection::vec(network(), 0..30), 0..6),
            ips in prop::collection::vec(network(), 40),
        ) {
            let (coder, runs) = Networks::new(sets.iter().cloned());
            for ip in ips {
                for ip in [ip.network(), ip.broadcast()] {
                    let class = coder.class(ip);
                    prop_assert!(class >= OTHER && class < coder.classes());
                    for (set, runs) in sets.iter().zip(&runs) {
                        let held = runs.iter().any(|(first, last)| (first..=last).contains(&class));
                    prop_assert_eq!(held, set.iter().any(|net| net.contains(&ip)));
                    }
                }
            }
        }
    }
}
