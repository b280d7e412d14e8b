//! The native tier finds what the interpreter finds, which is what the conditions say, however its code is generated.

use std::sync::{Arc, LazyLock};

use proptest::prelude::*;
use weir_native::{Compiler, Generation, Options};
use weir_plan::generate::{KINDS, Kept, Tree, agrees, condition, data, scalars, tree, value};
use weir_plan::{Condition, Frame, Literals, Plan};

/// A compiler for each way of generating code, without a canary that could mend what is wrong.
static COMPILERS: LazyLock<Vec<Compiler>> = LazyLock::new(|| {
    let options = Generation::ALL.map(|generation| Options { generation, canary: 0, ..Options::default() });
    options.map(Compiler::new).to_vec()
});

/// Runs rows through a plan of the trees, on the interpreter and on native code of each kind.
fn compare(trees: &[Tree], rows: &[[Kept; 8]], sampled: usize, walk: bool) -> Result<(), TestCaseError> {
    let data = data();
    let mut literals = Literals::default();
    let conditions: Vec<Condition> = trees.iter().map(|tree| condition(tree, false, &mut literals)).collect();
    let first = Plan::new(&literals, &conditions, &data, &[]);
    let sample: Vec<_> = rows.iter().take(sampled).map(|row| scalars(&first, row)).collect();
    let plan = Arc::new(Plan::new(&literals, &conditions, &data, &sample));
    let natives: Vec<_> = COMPILERS.iter().map(|compiler| compiler.compile(Arc::clone(&plan))).collect();
    for native in &natives {
        let status = native.status();
        prop_assert_eq!(&status.refused, &[]);
        prop_assert_eq!(status.native_groups, plan.groups().len());
    }
    let mut frame = Frame::new(&plan);
    for row in rows {
        let scalars = scalars(&plan, row);
        let mut found = Vec::new();
        plan.matches(&scalars, &mut frame, &mut found);
        let mut possible = Vec::new();
        plan.possible(&scalars, &mut frame, None, |id, certain| possible.push((id, certain)));
        if walk {
            agrees(&plan, trees, row, &data, &found, &possible)?;
        }
        for (native, generation) in natives.iter().zip(Generation::ALL) {
            let mut again = Vec::new();
            plan.matches_with(&scalars, &mut frame, &**native, &mut again);
            prop_assert_eq!(&again, &found, "{:?}", generation);
            let mut again = Vec::new();
            plan.possible(&scalars, &mut frame, Some(&**native), |id, certain| again.push((id, certain)));
            prop_assert_eq!(&again, &possible, "{:?}", generation);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]
    #[test]
    fn conditions_interpreter_and_native_code_agree(
        trees in prop::collection::vec(tree(), 1..300),
        rows in prop::collection::vec(KINDS.map(value), 1..12),
        sampled in 0_usize..12,
    ) {
        compare(&trees, &rows, sampled, true)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4, max_shrink_iters: 20, ..ProptestConfig::default() })]
    #[test]
    fn thousands_of_conditions_agree(
        trees in prop::collection::vec(tree(), 2_000..6_000),
        rows in prop::collection::vec(KINDS.map(value), 8),
        sampled in 0_usize..8,
    ) {
        compare(&trees, &rows, sampled, false)?;
    }
}
