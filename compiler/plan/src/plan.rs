//! The plan of a rule set: all conditions over one kind of event, shared and ready to evaluate.

use weir_compiler::data::Data;
use weir_compiler::ids::FieldId;

use crate::axis::{Axis, AxisId, Place, axes};
use crate::clause::{Clause, normal};
use crate::cluster::cluster;
use crate::condition::Condition;
use crate::demand::Demand;
use crate::frame::negated;
use crate::group::{Groups, Row};
use crate::likely::Likely;
use crate::literal::Literals;
use crate::scalar::{Kind, Scalar};

/// Conditions ready to evaluate.
#[derive(Debug)]
pub struct Plan {
    pub(crate) columns: Vec<(FieldId, Kind)>,
    pub(crate) axes: Vec<Axis>,
    /// The axes that are coded for every event; the others are when something is asked of them.
    pub(crate) eager: Vec<AxisId>,
    /// By axis, where the words of its patterns begin.
    pub(crate) words: Vec<u32>,
    /// In these words, the patterns that are asked for negated.
    pub(crate) negated: Vec<u64>,
    pub(crate) groups: Groups,
    /// How many conditions there are.
    pub(crate) conditions: usize,
    /// By condition: what the plan says of it is all there is to say.
    pub(crate) exact: Vec<bool>,
}

impl Plan {
    /// A plan for conditions over `literals`, given what is loaded and a sample of events, which may be empty and changes the
    /// order of work alone. Cost: linear in the conditions and in the values they name; some microseconds each.
    pub fn new(
        literals: &Literals,
        conditions: &[Condition],
        data: &Data,
        sample: &[Vec<Scalar<'_>>],
    ) -> Self {
        let (axes, places) = axes(literals, data);
        let likely = Likely::new(&axes, sample);
        Self::of(literals, conditions, axes, &places, &likely)
    }

    fn of(
        literals: &Literals,
        conditions: &[Condition],
        axes: Vec<Axis>,
        places: &[Place],
        likely: &Likely,
    ) -> Self {
        let normals: Vec<_> = conditions.iter().map(|condition| normal(condition, &axes, places)).collect();
        let mut exact: Vec<bool> = normals.iter().map(|normal| normal.exact || normal.never).collect();
        let live: Vec<(u32, &[Clause])> = (0..)
            .zip(&normals)
            .filter(|(_, normal)| !normal.never)
            .map(|(id, normal)| (id, normal.clauses.as_slice()))
            .collect();
        let clusters = cluster(&live, &axes, likely);
        let demand = Demand::new(&clusters, axes.len());
        let mut groups = Groups::new(&axes);
        for members in clusters {
            for id in groups.add(members, &axes, &demand) {
                if let Some(exact) = exact.get_mut(id as usize) {
                    *exact = false;
                }
            }
        }
        groups.checks.finish();
        let (words, negated) = negated(&axes, live.iter().flat_map(|(_, clauses)| *clauses));
        Self {
            columns: literals.columns().to_vec(),
            eager: (0..)
                .map(AxisId)
                .zip(&axes)
                .map(|(axis, _)| axis)
                .filter(|axis| demand.is_eager(*axis))
                .collect(),
            axes,
            words,
            negated,
            groups,
            conditions: conditions.len(),
            exact,
        }
    }

    /// The columns of a row: the field of each, and what its values are.
    pub fn columns(&self) -> &[(FieldId, Kind)] {
        &self.columns
    }

    /// How many conditions there are.
    pub fn conditions(&self) -> usize {
        self.conditions
    }

    /// Whether all is said of a condition by what the plan finds; otherwise it may hold where it is found, and no evaluator
    /// finds it where it is not.
    pub fn is_exact(&self, condition: u32) -> bool {
        self.exact.get(condition as usize) == Some(&true)
    }

    /// How many bytes its rows and indexes take.
    pub fn table_bytes(&self) -> usize {
        self.groups.rows.len() * size_of::<Row>() + self.groups.index.len() * 2
    }
}
