//! What a plan finds is what its conditions say, in Kleene's logic, worked out one by one.

use proptest::prelude::*;
use weir_plan::generate::{KINDS, agrees, condition, data, scalars, tree, value};
use weir_plan::{Condition, Frame, Interpreter, Literals, Plan};

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]
    #[test]
    fn a_plan_finds_what_its_conditions_say(
        trees in prop::collection::vec(tree(), 1..90),
        rows in prop::collection::vec(KINDS.map(value), 1..12),
        sampled in 0_usize..12,
    ) {
        let data = data();
        let mut literals = Literals::default();
        let conditions: Vec<Condition> = trees.iter().map(|tree| condition(tree, false, &mut literals)).collect();
        let first = Plan::new(&literals, &conditions, &data, &[]);
        let sample: Vec<_> = rows.iter().take(sampled).map(|row| scalars(&first, row)).collect();
        let plan = Plan::new(&literals, &conditions, &data, &sample);
        for group in plan.groups() {
            if let Some(weir_plan::Step::Class(source)) = plan.steps(group).first() {
                let rows = &plan.rows()[source.rows as usize..][..source.count as usize];
                let within = |row: &weir_plan::Bits| row.iter().zip(&group.all).all(|(row, all)| row & !all == 0);
                prop_assert!(rows.iter().all(within), "a row has a bit of no condition");
            }
        }
        let mut frame = Frame::new(&plan);
        for row in &rows {
            let scalars = scalars(&plan, row);
            let mut found = Vec::new();
            plan.matches(&scalars, &mut frame, &mut found);
            let mut possible = Vec::new();
            plan.possible(&scalars, &mut frame, None, |id, certain| possible.push((id, certain)));
            agrees(&plan, &trees, row, &data, &found, &possible)?;
            // A kernel sees all there is to see.
            let mut again = Vec::new();
            plan.matches_with(&scalars, &mut frame, &Interpreter, &mut again);
            prop_assert_eq!(&again, &found);
            let mut again = Vec::new();
            plan.possible(&scalars, &mut frame, Some(&Interpreter), |id, certain| again.push((id, certain)));
            prop_assert_eq!(&again, &possible);
        }
    }
}
