//! The deterministic core of Weir: events in, decisions out; no clock, no IO.
//!
//! An [`Engine`] runs a linked rule set over a stream of [`Input`]s and answers each with a [`Decision`], or with
//! the questions it has for models first. What happens in which order is `docs/reference/evaluation.md`; what the
//! aggregates compute is `docs/reference/signals.md`.
//!
//! In ten lines of another program, the policy apart:
//!
//! ```
//! let policy = r#"
//! package shop
//!
//! envelope {
//!   at:      timestamp
//!   session: id<session>?
//! }
//!
//! event login {
//!   outcome: enum { success, failure }?
//! }
//!
//! policy guesser {
//!   on login
//!   mode enforce
//!   signal tries = count of login per session over 10m
//!
//!   rule keeps-trying {
//!     when tries > 2
//!     then challenge
//!     because "{tries} logins of one session within ten minutes"
//!   }
//! }
//! "#;
//!
//! use weir_engine::Engine;
//!
//! let mut engine = Engine::compile([("shop.weir", policy)])?;
//! for second in 0..3 {
//!     let login = engine.event("login", &[("session", "s1"), ("outcome", "failure")])?;
//!     let decision = engine.decide(1_760_000_000_000 + second * 1_000, vec![login]);
//!     let why: Vec<&str> = decision.reasons().collect();
//!     println!("{}: {why:?}", decision.verdict.verb.word());
//! #   assert_eq!(decision.verdict.verb.word(), if second < 2 { "pass" } else { "challenge" });
//! #   assert_eq!(why.first().is_some(), second == 2, "{why:?}");
//! }
//! // pass: []
//! // pass: []
//! // challenge: ["3 logins of one session within ten minutes"]
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod activation;
mod batch;
mod brake;
mod cases;
mod cell;
mod cohort;
mod command;
mod control;
mod count;
mod coverage;
mod decision;
mod derive;
mod early;
mod embed;
mod enforcement;
mod engine;
pub mod evidence;
mod exchange;
mod explain;
mod facts;
#[cfg(test)]
mod fixture;
mod harm;
mod image;
mod input;
mod judge;
mod keyhash;
mod keys;
mod limits;
mod moves;
mod names;
mod partition;
mod plan;
mod print;
mod privacy;
mod publish;
mod readings;
mod reads;
mod record;
mod recording;
mod resolve;
mod ruleset;
mod screen;
mod sense;
mod sequence;
mod shares;
mod snapshot;
pub mod state;
mod store;
mod table;
mod tags;
pub mod testing;
mod tier;
mod timers;
mod truth;
mod version;
mod view;
mod wanted;
pub mod wire;

pub use activation::Active;
pub use brake::{ALPHA, Suspension, log_evidence};
pub use cases::{Case, Closed};
pub use cohort::Surplus;
pub use command::{Answer, Command};
pub use control::Engaged;
pub use decision::{
    Acting, CapHit, Decision, Effect, EffectKind, EntryHit, EventDecision, Fate, Match, Ruling, Shown, Source,
};
pub use derive::{Answers, BODY, Derived, Http};
pub use embed::{EventError, Refused};
pub use engine::Engine;
pub use explain::{Counterfactual, Explanation, LookTrace, Resolution, RuleTrace, Stage, Trace};
pub use image::Carried;
pub use input::{CallRequest, Input, Outcome, Pending, Seq, Step};
pub use keyhash::{KeyHash, Secret};
pub use limits::{Limits, Options};
pub use names::NameHash;
pub use publish::{Rollout, Updates};
pub use record::{FieldError, Place, Record, RecordBuilder, clip};
pub use sense::{Sensed, Why};
pub use sequence::{Held, Mark};
pub use snapshot::SnapshotError;
pub use store::Tallies;
pub use tier::EventPlan;
pub use truth::{DecisionId, NotADecision, Said, Told};
pub use version::{Replacement, Retired, Version};
