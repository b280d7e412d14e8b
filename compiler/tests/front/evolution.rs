//! What is said of schemas that change: `data/evolution/*.weir`, old and new parted by `---`.

use weir_compiler::env::Env;
use weir_compiler::evolution::evolve;
use weir_dsl::Sources;

use crate::support;

#[test]
fn changes() {
    support::golden("evolution", "weir", |text| {
        let (old, new) = text.split_once("\n---\n").unwrap();
        let mut sources = Sources::default();
        let (old, faults) = Env::build(&support::parse(old, &mut sources));
        assert_eq!(faults, []);
        let mut sources = Sources::default();
        let (new, faults) = Env::build(&support::parse(new, &mut sources));
        assert_eq!(faults, []);
        support::show(&sources, &evolve(&old.schema, &new.schema))
    });
}

#[test]
fn a_schema_follows_itself() {
    let mut sources = Sources::default();
    let (env, _) = Env::build(&support::library(&mut sources));
    assert_eq!(evolve(&env.schema, &env.schema), []);
}
