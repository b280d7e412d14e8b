//! How often an event is asked about each axis, which decides how its values are looked at.

use crate::axis::AxisId;
use crate::cluster::{Cluster, axes_of};

/// Past this expected number of conditions of groups that come to an axis, it is coded for every event.
const NEARLY_ALL: f32 = 1.5;
/// Past this expected number of conditions of any kind, too: those that are asked one by one compare values as well.
const OFTEN: f32 = 3.0;

/// By axis, the expected number of conditions that ask about it, an event.
#[derive(Clone, Debug)]
pub(crate) struct Demand {
    /// Of conditions in groups; their leads count as any number.
    groups: Vec<f32>,
    /// Of those that are asked one by one.
    straight: Vec<f32>,
}

impl Demand {
    /// Of clusters over so many axes.
    pub(crate) fn new(clusters: &[Cluster<'_>], axes: usize) -> Self {
        let mut demand = Self { groups: vec![0.0; axes], straight: vec![0.0; axes] };
        for cluster in clusters {
            let asked = if cluster.straight { &mut demand.straight } else { &mut demand.groups };
            for member in &cluster.members {
                let mut left = if cluster.straight { 1.0 } else { f32::INFINITY };
                for (pass, clause) in &member.clauses {
                    for axis in axes_of(clause) {
                        if let Some(asked) = asked.get_mut(usize::from(axis.0)) {
                            *asked += left;
                        }
                    }
                    left = if left.is_finite() { left * pass } else { *pass };
                }
            }
        }
        demand
    }

    /// It is coded for every event: leads of groups look at it, or nearly every event comes to it.
    pub(crate) fn is_eager(&self, axis: AxisId) -> bool {
        let (groups, straight) = self.of(axis);
        groups > NEARLY_ALL || groups + straight > OFTEN
    }

    /// An event asks about it once or so, if at all.
    pub(crate) fn is_rare(&self, axis: AxisId) -> bool {
        let (groups, straight) = self.of(axis);
        groups + straight <= NEARLY_ALL
    }

    fn of(&self, axis: AxisId) -> (f32, f32) {
        let of = |demand: &[f32]| demand.get(usize::from(axis.0)).copied().unwrap_or_default();
        (of(&self.groups), of(&self.straight))
    }
}
