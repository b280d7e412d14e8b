//! Actions: which of them can be meant, on whom, and when.
//!
//! A verdict on a **place**, **software** or **group** key falls on a crowd. It names the event it touches
//! (`on login`) and whom it spares. Three exceptions, from the reasons behind the rule: `pass` and `log` stop
//! nobody; `throttle COHORT to usual` takes the surplus alone and leaves the slice its volume, so it names its
//! event and need not spare; `tag` and `alert` punish nobody. `renewing` is refused on place and software keys,
//! where others keep the time running; a campaign is named by the engine, so on groups it is allowed.

use std::rc::Rc;

use smol_str::SmolStr;
use weir_dsl::ast::{self, ActionKind, Verb};
use weir_dsl::{Applicability, Code, Diagnostic, Span};

use super::Checker;
use super::key::KeyUse;
use super::literal::rate_of;
use super::rule::Frame;
use crate::env::Entity;
use crate::hir::{self, Action, Key, KeyKind, KeyPart, Phase, To, Verdict};
use crate::ids::*;
use crate::suggest;
use crate::types::Type;

/// The most points of one rule: scores are clamped to 0–100.
pub const POINTS_LIMIT: i64 = 100;

impl<'a> Checker<'a> {
    /// Lowers an action; nothing after a fault.
    pub(super) fn action(&mut self, action: &'a ast::Action) -> Option<Action> {
        match &action.kind {
            ActionKind::Score { points, span } => self.points(*points, *span),
            ActionKind::Exempt(package) => self.exempt(package),
            ActionKind::Hold { event, queue, within, otherwise, with } => {
                self.hold(event, queue, within, *otherwise, with.as_ref(), action.span)
            }
            ActionKind::Tag { key, tag, duration } => {
                let key = self.key(key, KeyUse::Target);
                let result = self.env.tag(self.scope, tag);
                let tag = self.found(tag, result);
                let duration = self.window(duration);
                Some(Action::Tag { key: key?, tag: tag?, duration: duration? })
            }
            ActionKind::Aside(aside, queue) => {
                let result = self.env.queue(self.scope, queue);
                Some(Action::Aside(*aside, self.found(queue, result)?))
            }
            ActionKind::Revoke(name) => self.revoke(name),
            ActionKind::LockPassword => self.lock_password(action.span),
            ActionKind::Activate { target, duration } => {
                let duration = self.window(duration);
                let target = self.activated(target)?;
                Some(Action::Activate { target, duration: duration? })
            }
            ActionKind::Mask(name) => {
                let field = self.field_named(name)?;
                Some(Action::Mask(field))
            }
            ActionKind::Verdict(verdict) => self.verdict(verdict, action.span).map(Action::Verdict),
        }
    }

    fn points(&mut self, points: i64, span: Span) -> Option<Action> {
        if points.unsigned_abs() > POINTS_LIMIT.unsigned_abs() || points == 0 {
            let title = if points == 0 {
                "no points".to_owned()
            } else {
                format!("{points} points; a score is between 0 and 100")
            };
            self.fault(Code::OUT_OF_RANGE, span, title, "write between -100 and +100");
            return None;
        }
        i32::try_from(points).ok().map(Action::Score)
    }

    fn exempt(&mut self, package: &ast::Name) -> Option<Action> {
        let env = self.env;
        if !env.packages.contains_key(&package.text) {
            let title = format!("no package `{}`", package.text);
            let mut diagnostic = Diagnostic::new(Code::UNKNOWN_NAME, self.at(package.span), title);
            diagnostic = match suggest::nearest(&package.text, env.packages.keys().map(SmolStr::as_str)) {
                Some(near) => diagnostic.help(format!("did you mean `{near}`?")).fix(
                    format!("write `{near}`"),
                    self.at(package.span),
                    near,
                    Applicability::Suggested,
                ),
                None => diagnostic.help("an exemption is from a package"),
            };
            self.report(diagnostic);
            return None;
        }
        let by = self.scope.package;
        if !env.rights.allow(by, &package.text) {
            let title = format!("`{by}` may not exempt from `{}`", package.text);
            let diagnostic = Diagnostic::new(Code::NO_RIGHT, self.at(package.span), title)
                .note("an exemption lifts all actions and scores of a package, so a project says who may")
                .help(format!("add `\"{by}\" = [\"{}\"]` to `[exempt]` in weir.toml", package.text));
            self.report(diagnostic);
            return None;
        }
        Some(Action::Exempt(package.text.clone()))
    }

    fn hold(
        &mut self,
        event: &ast::Name,
        queue: &ast::Name,
        within: &ast::Window,
        otherwise: Verb,
        with: Option<&ast::With>,
        span: Span,
    ) -> Option<Action> {
        let held = self.event(event);
        let result = self.env.queue(self.scope, queue);
        let queue = self.found(queue, result);
        let within = self.window(within);
        let status = match with {
            Some(ast::With::Status(status, at)) if otherwise == Verb::Block => {
                Some(self.status(*status, *at)?)
            }
            Some(ast::With::Status(_, at)) => {
                let title = format!("`{}` has no status", otherwise.word());
                self.fault(Code::BAD_ACTION, *at, title, "only `block` answers with a status");
                return None;
            }
            Some(ast::With::Decoy(name)) => {
                self.fault(Code::BAD_ACTION, name.span, "what was held cannot be answered with a decoy", "");
                return None;
            }
            None => None,
        };
        if matches!(otherwise, Verb::Hold | Verb::Redirect | Verb::Deceive | Verb::Throttle | Verb::Delay) {
            let title = format!("`{}` settles nothing when the time is over", otherwise.word());
            self.fault(
                Code::BAD_ACTION,
                span,
                title,
                "write `else pass`, `else block`, `else step-up` or `else challenge`",
            );
            return None;
        }
        let held = held?;
        if !self.place.events.contains(&held) {
            let title = format!("`{}` is not the event at hand", event.text);
            self.fault(Code::BAD_ACTION, event.span, title, "hold an event that the policy is on");
            return None;
        }
        Some(Action::Hold { queue: queue?, within: within?, otherwise, status })
    }

    fn status(&mut self, status: u64, span: Span) -> Option<u16> {
        let known = u16::try_from(status).ok().filter(|status| (100..=599).contains(status));
        if known.is_none() {
            let title = format!("{status} is no status of a response");
            self.fault(Code::OUT_OF_RANGE, span, title, "a status is between 100 and 599");
        }
        known
    }

    fn revoke(&mut self, name: &ast::Name) -> Option<Action> {
        let key = ast::Key { parts: vec![name.clone()], prefix: None, span: name.span };
        let key = self.key(&key, KeyUse::Target)?;
        if key.kind != KeyKind::Actor {
            let title = format!("`{}` cannot be revoked", name.text);
            self.fault(Code::BAD_KEY, name.span, title, "revoke a session, a token or a device");
            return None;
        }
        Some(Action::Revoke(key))
    }

    fn lock_password(&mut self, span: Span) -> Option<Action> {
        let field = self.field("user", span);
        match field {
            Some(field) => Some(Action::LockPassword(self.field_key(field))),
            None => {
                self.fault(Code::BAD_KEY, span, "the event has no `user` whose password could be locked", "");
                None
            }
        }
    }

    fn activated(&mut self, target: &ast::Name) -> Option<SmolStr> {
        let env = self.env;
        if env.packages.contains_key(&target.text) || env.policies.contains_key(&target.text) {
            return Some(target.text.clone());
        }
        if let Some(Entity::Policy(policy)) = env.find(self.scope.package, &target.text) {
            self.found(target, Ok(()));
            return Some(policy);
        }
        let title = format!("no package or policy `{}`", target.text);
        let names = env.packages.keys().chain(env.policies.keys()).map(SmolStr::as_str);
        let mut diagnostic = Diagnostic::new(Code::UNKNOWN_NAME, self.at(target.span), title);
        if let Some(near) = suggest::nearest(&target.text, names) {
            diagnostic = diagnostic.help(format!("did you mean `{near}`?"));
        }
        self.report(diagnostic);
        None
    }

    fn verdict(&mut self, verdict: &'a ast::Verdict, span: Span) -> Option<Verdict> {
        let before = self.diagnostics.len();
        let target = match &verdict.target {
            Some(key) => Some(self.key(key, KeyUse::Target)?),
            None => None,
        };
        let on = match &verdict.on {
            Some(event) => Some((self.event(event)?, event.span)),
            None => None,
        };
        if let (Some(target), Some((event, at))) = (&target, on) {
            self.is_readable(target, "the action", &[event], at);
        }
        if let (None, Some((event, at))) = (&target, on)
            && !self.place.events.contains(&event)
        {
            let title = format!("`{}` is not the event at hand", self.event_name(event));
            self.fault(Code::BAD_ACTION, at, title, "without a key an action is on the event at hand alone");
        }
        let (status, decoy) = self.with(verdict, target.is_some(), on.map(|(event, _)| event), span);
        let to = self.to(verdict, target.as_ref(), on.map(|(event, _)| event), span);
        let by = self.by(verdict, span);
        let duration = verdict.duration.as_ref().and_then(|window| self.window(window));
        match (&target, &verdict.duration) {
            (Some(key), None) => {
                let title = format!("for how long is `{}` to last on `{}`?", verdict.verb.word(), key.text);
                self.fault(Code::BAD_ACTION, span, title, "an action on a key has a duration: `for 30m`");
            }
            (None, Some(_)) => {
                let title = format!("`{}` for a time, and on nobody", verdict.verb.word());
                self.fault(Code::BAD_ACTION, span, title, "a duration needs a key: `block session for 30m`");
            }
            _ => {}
        }
        if verdict.verb == Verb::Hold {
            let title = "a hold does not say who looks at it";
            self.fault(
                Code::BAD_ACTION,
                span,
                title,
                "write `hold transfer for fraud-desk within 4h else block`",
            );
        }
        let sparing: Vec<Option<hir::Spared>> = verdict
            .sparing
            .iter()
            .map(|spared| self.spared(spared, target.is_some(), on.map(|(event, _)| event)))
            .collect();
        if let Some(target) = &target {
            let at = verdict.target.as_ref().map_or(span, |key| key.span);
            if self.is_party(target, at) {
                self.check_crowd(verdict, target, to.as_ref(), span);
            }
        }
        let sound = self
            .diagnostics
            .get(before..)
            .unwrap_or_default()
            .iter()
            .all(|diagnostic| diagnostic.severity != weir_dsl::Severity::Error);
        sound.then(|| Verdict {
            verb: verdict.verb,
            target,
            on: on.map(|(event, _)| event),
            status,
            decoy,
            to,
            by,
            duration,
            renewing: verdict.renewing,
            sparing: sparing.into_iter().flatten().collect(),
        })
    }

    /// What keeps an action from falling on a crowd.
    fn check_crowd(&mut self, verdict: &ast::Verdict, target: &Key, to: Option<&To>, span: Span) {
        let of = match target.kind {
            KeyKind::Actor => return,
            KeyKind::Place => "many people share a place",
            KeyKind::Software => "everyone who runs one build shares it",
            KeyKind::Group => "many people are in a group",
        };
        if matches!(verdict.verb, Verb::Pass | Verb::Log) {
            return;
        }
        let key_span = verdict.target.as_ref().map_or(span, |key| key.span);
        if verdict.renewing && matches!(target.kind, KeyKind::Place | KeyKind::Software) {
            let diagnostic = Diagnostic::new(
                Code::RENEWING_CROWD,
                self.at(span),
                format!("`renewing` on `{}`", target.text),
            )
            .also(self.at(key_span), of)
            .note("every attempt of anybody behind it would keep the time running")
            .help("leave `renewing` out");
            self.report(diagnostic);
        }
        if verdict.on.is_none() {
            let event =
                self.place.events.first().map_or_else(|| "login".into(), |event| self.event_name(*event));
            let diagnostic = Diagnostic::new(
                Code::NO_SCOPE,
                self.at(span),
                format!("`{} {}` does not say which event it touches", verdict.verb.word(), target.text),
            )
            .also(self.at(key_span), of)
            .help(format!("write `{} {} on {event} …`", verdict.verb.word(), target.text));
            let after = self.at(Span::at(key_span.end));
            self.report(diagnostic.fix(
                format!("add `on {event}`"),
                after,
                format!(" on {event}"),
                Applicability::Suggested,
            ));
        }
        let takes_surplus = matches!(to, Some(To::Usual));
        if verdict.sparing.is_empty() && !takes_surplus {
            let diagnostic = Diagnostic::new(
                Code::NO_SPARING,
                self.at(span),
                format!("`{} {}` spares nobody", verdict.verb.word(), target.text),
            )
            .also(self.at(key_span), of)
            .help("add `, sparing sessions that passed or devices known 30d`");
            let after = self.at(Span::at(span.end));
            self.report(diagnostic.fix(
                "spare who has proved to be good",
                after,
                ", sparing sessions that passed or devices known 30d",
                Applicability::Suggested,
            ));
        }
    }

    fn with(
        &mut self,
        verdict: &ast::Verdict,
        on_key: bool,
        on: Option<EventId>,
        span: Span,
    ) -> (Option<u16>, Option<DecoyId>) {
        match &verdict.with {
            Some(ast::With::Status(status, at)) => {
                if verdict.verb == Verb::Block {
                    return (self.status(*status, *at), None);
                }
                let title = format!("`{}` has no status", verdict.verb.word());
                self.fault(Code::BAD_ACTION, *at, title, "only `block` answers with a status");
                (None, None)
            }
            Some(ast::With::Decoy(name)) if verdict.verb == Verb::Deceive => {
                let result = self.env.decoy(self.scope, name);
                let Some(decoy) = self.found(name, result) else { return (None, None) };
                self.check_decoy(decoy, name, on_key, on);
                (None, Some(decoy))
            }
            Some(ast::With::Decoy(name)) => {
                let title = format!("`{}` answers with no decoy", verdict.verb.word());
                self.fault(
                    Code::BAD_ACTION,
                    name.span,
                    title,
                    &format!("write `deceive … with {}`", name.text),
                );
                (None, None)
            }
            None => {
                if verdict.verb == Verb::Deceive {
                    self.fault(
                        Code::BAD_ACTION,
                        span,
                        "deceive with what?",
                        "name a decoy: `deceive with labyrinth`",
                    );
                }
                (None, None)
            }
        }
    }

    /// A decoy answers its own event.
    fn check_decoy(&mut self, decoy: DecoyId, name: &ast::Name, on_key: bool, on: Option<EventId>) {
        let Some((event, at)) =
            self.hir.declarations.decoys.get(decoy).map(|decoy| (decoy.event, decoy.named.at))
        else {
            return;
        };
        let touches = match on {
            Some(on) => on == event,
            None => on_key || self.place.events.contains(&event),
        };
        if !touches {
            let event = self.event_name(event);
            let title = format!("decoy `{}` answers `{event}`, which this action does not touch", name.text);
            let diagnostic = Diagnostic::new(Code::BAD_ACTION, self.at(name.span), title)
                .also(at, "declared here")
                .help(format!("write `on {event}`, or declare a decoy for the event"));
            self.report(diagnostic);
        }
    }

    fn to(
        &mut self,
        verdict: &ast::Verdict,
        target: Option<&Key>,
        on: Option<EventId>,
        span: Span,
    ) -> Option<To> {
        let verb = verdict.verb;
        match (&verdict.to, verb) {
            (None, Verb::Throttle) => {
                self.fault(
                    Code::BAD_ACTION,
                    span,
                    "throttle to what?",
                    "say how fast: `throttle session to 1/s for 1h`",
                );
                None
            }
            (None, Verb::Redirect) => {
                self.fault(Code::BAD_ACTION, span, "redirect to where?", "write `redirect to \"/wait\"`");
                None
            }
            (None, _) => None,
            (Some(ast::To::Rate(literal)), Verb::Throttle) => {
                if target.is_none() {
                    let title = "a rate is somebody's, and there is no key";
                    self.fault(Code::BAD_ACTION, span, title, "write `throttle session to 1/s for 1h`");
                    return None;
                }
                let rate = rate_of(&literal.kind);
                if rate.is_none() {
                    self.fault(
                        Code::BAD_ACTION,
                        literal.span,
                        "a throttle's rate is above zero",
                        "write `1/s`, or `block`",
                    );
                }
                rate.map(To::Rate)
            }
            (Some(ast::To::Usual(at)), Verb::Throttle) => {
                let cohort = match target.map(|key| key.parts.as_slice()) {
                    Some([KeyPart::Cohort(cohort)]) => self.hir.cohorts.get(*cohort),
                    _ => None,
                };
                let Some(cohort) = cohort else {
                    let title = "only a cohort has a usual rate";
                    self.fault(Code::BAD_ACTION, *at, title, "write a rate: `to 1/s`");
                    return None;
                };
                let (event, name) = (cohort.event, cohort.name.clone());
                if on.is_some_and(|on| on != event) {
                    let event = self.event_name(event);
                    let title = format!("the usual rate of `{name}` is of `{event}`");
                    self.fault(Code::BAD_ACTION, *at, title, &format!("write `on {event}`"));
                    return None;
                }
                Some(To::Usual)
            }
            (Some(ast::To::Place(place)), Verb::Redirect) => {
                let known = place.value.starts_with('/') && !place.value.starts_with("//")
                    || place.value.starts_with("https://")
                    || place.value.starts_with("http://");
                if !known || place.value.contains(['\r', '\n', '\0']) {
                    let title = "not a place to redirect to";
                    self.fault(
                        Code::BAD_ACTION,
                        place.span,
                        title,
                        "write a path such as \"/wait\", or a URL",
                    );
                    return None;
                }
                Some(To::Place(place.value.clone()))
            }
            (Some(ast::To::Place(place)), _) => {
                let title = format!("`{}` goes nowhere", verb.word());
                self.fault(Code::BAD_ACTION, place.span, title, "only `redirect` has a place");
                None
            }
            (Some(ast::To::Rate(literal)), _) => {
                let title = format!("`{}` has no rate", verb.word());
                self.fault(Code::BAD_ACTION, literal.span, title, "only `throttle` has a rate");
                None
            }
            (Some(ast::To::Usual(at)), _) => {
                let title = format!("`{}` has no rate", verb.word());
                self.fault(Code::BAD_ACTION, *at, title, "write `throttle`");
                None
            }
        }
    }

    fn by(&mut self, verdict: &ast::Verdict, span: Span) -> Option<hir::Span> {
        match (&verdict.by, verdict.verb) {
            (Some(window), Verb::Delay) => self.window(window),
            (None, Verb::Delay) => {
                self.fault(Code::BAD_ACTION, span, "delay by how much?", "write `delay by 2s`");
                None
            }
            (Some(_), verb) => {
                let title = format!("`{}` takes no time", verb.word());
                self.fault(Code::BAD_ACTION, span, title, "only `delay` has `by`");
                None
            }
            (None, _) => None,
        }
    }

    /// What can be done depends on when it is decided.
    pub(super) fn check_phase(&mut self, syntax: &ast::Action, action: &Action, frame: &Frame) {
        let (what, on_event) = match action {
            Action::Score(_) => ("a score", true),
            Action::Exempt(_) => ("an exemption", true),
            Action::Hold { .. } => ("a hold", true),
            Action::Verdict(verdict) => ("a verdict on the event", verdict.target.is_none()),
            Action::Mask(field) => return self.check_mask(syntax, *field, frame),
            Action::Activate { .. } => ("activating rules", frame.phase == Phase::Timer),
            Action::Tag { .. } | Action::Aside(..) | Action::Revoke(_) | Action::LockPassword(_) => return,
        };
        if !on_event || frame.phase == Phase::Request {
            return;
        }
        let (title, help) = match frame.phase {
            Phase::Timer => (
                format!("{what} comes too late: there is no event at a deadline"),
                "act on a key for a time, tag, alert, `revoke` or `lock password`",
            ),
            _ => (
                format!("{what} comes too late: the request has been answered"),
                "act on a key for a time (`block session for 30m`), or read signals `before this`",
            ),
        };
        let mut diagnostic = Diagnostic::new(Code::RESPONSE_PHASE, self.at(syntax.span), title).help(help);
        if let Some((at, text)) = &frame.why_late {
            diagnostic = diagnostic.also(*at, text.clone());
        }
        self.report(diagnostic);
    }

    fn check_mask(&mut self, syntax: &ast::Action, field: FieldId, frame: &Frame) {
        let events = Rc::clone(&frame.events);
        let name = self.field_name(field);
        if self.field_phase(field, &events) != Phase::Response {
            let title = format!("`{name}` is not a field of the response");
            self.fault(Code::BAD_ACTION, syntax.span, title, "only what goes out can be masked");
        } else if frame.phase != Phase::Response {
            let title = "nothing to mask yet: this rule is decided before there is a response";
            self.fault(
                Code::RESPONSE_PHASE,
                syntax.span,
                title,
                &format!("read the response in its condition: `{name} is known`"),
            );
        } else if !matches!(self.field_type(field), Type::Text | Type::Id(_) | Type::Error) {
            let title = format!("only text can be masked, and `{name}` is {}", self.field_type(field));
            self.fault(Code::TYPE_MISMATCH, syntax.span, title, "");
        }
    }
}
