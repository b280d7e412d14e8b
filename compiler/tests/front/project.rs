//! What is said of project files: `data/project/*.toml`, and `.out` beside each.

use crate::support;

use weir_compiler::project::{DependencySource, IdentitySource, Manifest};
use weir_dsl::{FileId, Sources};

#[test]
fn project_files() {
    support::golden("project", "toml", |text| {
        let mut sources = Sources::default();
        let file = sources.set("weir.toml", text);
        let (_, diagnostics) = Manifest::parse(file, text);
        support::show(&sources, &diagnostics)
    });
}

const SHOP: &str = r#"
edition = "2026"
tenant  = "acme"

[packages]
std  = "1"
acme = { path = "policies" }

[profiles.default]
packages = ["std.ato", "acme.derive"]

[profiles.shop]
extends  = "default"
packages = ["retail.gift-cards", "std.ato"]

[identity]
session = "cookie:sid"
token   = "header:Authorization"

[lists]
privacy_relays = { file = "lists/relays.csv", max_age = "2d" }

[limits]
body_bytes = "64 KB"
lateness   = "1m"
keys       = 1_000

[budgets]
"std.ato.credential-stuffing" = "256 MB"

[exempt]
"acme.friends" = ["std.ato"]
"#;

#[test]
fn a_project_says_what_it_says() {
    let (shop, said) = Manifest::parse(FileId(0), SHOP);
    assert_eq!(said, []);
    assert_eq!(shop.tenant, "acme");
    assert_eq!(shop.packages["acme"].source, DependencySource::Path("policies".into()));
    assert_eq!(shop.profile("shop").unwrap(), ["std.ato", "acme.derive", "retail.gift-cards"]);
    assert_eq!(shop.profile("default").unwrap(), ["std.ato", "acme.derive"]);
    assert_eq!(shop.profile("bank"), None);
    assert_eq!(shop.identity["session"].source, IdentitySource::Cookie("sid".into()));
    assert_eq!(shop.identity["token"].source, IdentitySource::Header("authorization".into()));
    assert_eq!(shop.lists["privacy_relays"].max_age, Some(2 * 86_400_000));
    assert_eq!(shop.limits.body_bytes, 64_000);
    assert_eq!(shop.limits.lateness, 60_000);
    assert_eq!(shop.limits.skew, 5_000);
    assert_eq!(shop.limits.keys, 1_000);
    assert_eq!(shop.budgets["std.ato.credential-stuffing"].bytes, 256_000_000);
    assert!(shop.rights.allow("acme.friends", "std.ato"));
    assert!(shop.rights.allow("acme.friends", "acme.friends"));
    assert!(!shop.rights.allow("std.ato", "acme.friends"));
    // The library's own hold by default.
    assert!(shop.rights.allow("std.protect", "std.addresses"));
}

#[test]
fn what_a_project_does_not_say_is_the_librarys() {
    let (base, said) = Manifest::parse(
        FileId(0),
        "edition = \"2026\"\ntenant = \"base\"\n[profiles.default]\npackages = [\"a\"]\n[profiles.bank]\nextends = \"default\"\npackages = [\"b\"]\n[exempt]\nx = [\"y\"]\n",
    );
    assert_eq!(said, []);
    let (shop, _) = Manifest::parse(FileId(1), SHOP);
    let both = shop.over(&base);
    assert_eq!(both.tenant, "acme");
    assert_eq!(both.profile("bank").unwrap(), ["std.ato", "acme.derive", "b"]);
    assert!(both.rights.allow("x", "y") && both.rights.allow("acme.friends", "std.ato"));
}

#[test]
fn profiles_in_a_ring_end() {
    let text = "edition = \"2026\"\n[profiles.a]\nextends = \"b\"\npackages = [\"x\"]\n[profiles.b]\nextends = \"a\"\npackages = [\"y\"]\n";
    let (manifest, said) = Manifest::parse(FileId(0), text);
    assert_eq!(said.len(), 1, "{said:?}");
    assert_eq!(manifest.profile("a").unwrap(), ["y", "x"]);
}
