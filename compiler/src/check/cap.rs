//! Caps: the most that any rule may do.

use weir_dsl::ast::{self, CapKind as Form};
use weir_dsl::{Code, Diagnostic};

use super::Checker;
use super::key::KeyUse;
use super::name::{Place, PlaceKind};
use crate::hir::{Cap, CapKind, Phase};
use crate::ids::*;

impl<'a> Checker<'a> {
    /// Lowers a cap into the fragment.
    pub(super) fn cap(&mut self, item: &'a ast::Item, cap: &'a ast::Cap) {
        let kind = match &cap.kind {
            Form::Actions { key, at, filter } => {
                let events = self.events_with(key);
                self.place = Place::new(PlaceKind::Cap, &events);
                let key = self.key(key, KeyUse::State);
                let filter = filter.as_ref().map(|filter| (self.condition(filter), filter.span));
                if let Some((filter, span)) = filter
                    && self.phase(filter, &events) != Phase::Request
                {
                    let title = "a cap is applied before there is a response";
                    self.fault(Code::RESPONSE_PHASE, span, title, "depend on fields of the request");
                }
                key.map(|key| CapKind::Actions { key, at: *at, filter: filter.map(|(filter, _)| filter) })
            }
            Form::Share { verb, event, share, population, over, least, otherwise } => {
                let id = self.event(event);
                let share = self.share(share);
                let window = self.window(&over.window);
                let least = match least {
                    Some(literal) => self.least(Some(literal)),
                    None => Some(1),
                };
                if otherwise >= verb {
                    let title = format!("`{}` is not weaker than `{}`", otherwise.word(), verb.word());
                    self.fault(
                        Code::BAD_ACTION,
                        item.span,
                        title,
                        "beyond a cap something weaker happens: `else challenge`",
                    );
                }
                if over.before_this {
                    self.fault(
                        Code::BAD_ACTION,
                        over.span,
                        "a cap counts every event",
                        "leave `before this` out",
                    );
                }
                id.and_then(|event| {
                    self.place = Place::new(PlaceKind::Cap, &[event]);
                    let population = self.population_key(population)?;
                    Some(CapKind::Share {
                        verb: *verb,
                        event,
                        share: share?,
                        population,
                        over: window?,
                        least: least?,
                        otherwise: *otherwise,
                    })
                })
            }
        };
        let because = match &cap.because {
            Some(because) => self.parts(&because.parts),
            None => {
                let diagnostic =
                    Diagnostic::new(Code::NO_BECAUSE, self.at(item.span), "a cap that does not say why")
                        .help("add `because \"…\"`: people read it when the cap has held something back");
                self.report(diagnostic);
                Vec::new()
            }
        };
        if let Some(kind) = kind {
            let at = self.at(item.span);
            self.hir.caps.push(Cap { package: self.scope.package.into(), kind, because, at });
        }
    }

    /// The events that have a key's fields; none where the envelope has them.
    fn events_with(&self, key: &ast::Key) -> Vec<EventId> {
        let schema = &self.hir.schema;
        if key.parts.iter().all(|part| schema.envelope_field(&part.text).is_some()) {
            return Vec::new();
        }
        let has = |event: &EventId| key.parts.iter().all(|part| schema.field(*event, &part.text).is_some());
        schema.events.ids().filter(has).collect()
    }
}
