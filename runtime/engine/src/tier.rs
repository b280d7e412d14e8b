//! Faster tiers for versions that run already: the plans of a version, and kernels for them.
//!
//! A version decides from its first input on. What takes longer to make than rules may wait for is made beside it and put in
//! here; every engine that runs the version has it from its next event on, and decides as before.

use std::sync::Arc;

use weir_compiler::ids::EventId;
use weir_plan::{Kernel, Plan};

use crate::version::Version;

/// The plan of the rules of one event, for its requests or its responses.
#[derive(Clone, Debug)]
pub struct EventPlan {
    event: EventId,
    place: usize,
    plan: Arc<Plan>,
}

impl EventPlan {
    /// Whose rules.
    pub fn event(&self) -> EventId {
        self.event
    }

    /// Whether they are the rules for responses.
    pub fn is_of_responses(&self) -> bool {
        self.place == 1
    }

    /// The plan.
    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }
}

impl Version {
    /// Makes the plans of all events now; otherwise each is made when its event first comes. Cost: linear in the rules and in what is
    /// loaded.
    pub fn warm(&self) {
        self.screens.warm(&self.set, &self.data);
    }

    /// The plans that have been made: of all events after [`Version::warm`] or where it has [taken another's
    /// place](crate::Replacement), otherwise of those that have come. None on tiers that have none.
    pub fn plans(&self) -> Vec<EventPlan> {
        let plans = self.screens.plans();
        plans.map(|(event, place, plan)| EventPlan { event, place, plan: Arc::clone(plan) }).collect()
    }

    /// Has the groups of one of its plans worked out by a kernel that was made for it. Decisions stay the same; one kernel is
    /// taken for each plan. False, and nothing is done, where it has one or the plan is another version's.
    pub fn set_kernel(&self, of: &EventPlan, kernel: Arc<dyn Kernel>) -> bool {
        self.screens.set_kernel((of.event, of.place), &of.plan, kernel)
    }
}
