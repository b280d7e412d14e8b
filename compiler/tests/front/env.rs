//! What is said of declarations: `data/env/*.weir`, several packages a file, and `.out` beside each.

use crate::support;

use weir_compiler::env::Env;
use weir_dsl::Sources;

#[test]
fn declarations() {
    support::golden("env", "weir", |text| {
        let mut sources = Sources::default();
        let files = support::parse(text, &mut sources);
        let (_, diagnostics) = Env::build(&files);
        support::show(&sources, &diagnostics)
    });
}

#[test]
fn the_order_of_files_does_not_matter() {
    for input in support::inputs("env", "weir") {
        let text = std::fs::read_to_string(input).unwrap();
        let mut sources = Sources::default();
        let mut files = support::parse(&text, &mut sources);
        let (first, said) = Env::build(&files);
        files.reverse();
        let (second, again) = Env::build(&files);
        assert_eq!(said, again);
        assert_eq!(first.fingerprint, second.fingerprint);
        assert_eq!(format!("{:?}", first.schema), format!("{:?}", second.schema));
    }
}

#[test]
fn the_library_declares_without_fault() {
    let mut sources = Sources::default();
    let files = support::library(&mut sources);
    assert!(files.len() > 10);
    let (env, diagnostics) = Env::build(&files);
    assert_eq!(support::show(&sources, &diagnostics), "nothing to say\n");
    assert!(env.policies.contains_key("std.ato.credential-stuffing"));
    let login = env.schema.event("login").unwrap();
    let outcome = env.schema.field(login, "outcome").unwrap();
    let slot = env.schema.events[login].slot_info(outcome).unwrap();
    assert!(slot.optional && slot.response);
    // Envelope fields stand at the same slots in all events.
    for event in env.schema.events.values() {
        let slots: Vec<_> = event.slots.iter().take(env.schema.envelope).map(|slot| slot.field).collect();
        assert_eq!(slots, env.schema.fields.ids().take(env.schema.envelope).collect::<Vec<_>>());
    }
    // One name and type is one field, wherever it occurs.
    let lookup = env.schema.event("inventory.lookup").unwrap();
    let cart = env.schema.event("cart.add").unwrap();
    assert_eq!(env.schema.field(lookup, "sku"), env.schema.field(cart, "sku"));
    assert!(env.schema.field(login, "sku").is_none());
    let manifest = support::library_manifest(&mut sources);
    assert_eq!(support::show(&sources, &manifest.check(&env)), "nothing to say\n");
}
