//! What rules do: every action, on events and on keys, where the language allows it.

use crate::expression::Scope;
use crate::policy::Writer;
use crate::schema::Ty;

impl Writer<'_, '_> {
    /// Actions of a rule; `event` when it is decided before the response.
    pub(crate) fn actions(&mut self, s: &Scope, event: bool) -> String {
        let count = self.c.between(1, 3);
        let actions: Vec<String> = (0..count)
            .map(|_| match self.c.below(10) {
                0..=3 if event => self.on_event(s),
                4 | 5 if event => {
                    let points = *self.c.pick(&["+60", "+30", "+100", "-20", "+15", "-100"]);
                    format!("score {points}")
                }
                0..=6 => self.on_key(s),
                7 => {
                    let key = *self.c.pick(&["session", "user", "ip", "(ip, user)", "ip/24", "country"]);
                    let tag = *self.c.pick(&["red", "blue"]);
                    format!("tag {key} {tag} for {}", self.window())
                }
                8 => format!("{} desk", self.c.pick(&["alert", "notify", "ticket"])),
                _ => match self.c.below(3) {
                    0 => format!("revoke {}", self.c.pick(&["session", "token", "device"])),
                    1 => "lock password".into(),
                    _ if event => format!("activate gen for {}", self.window()),
                    _ => "alert desk".into(),
                },
            })
            .collect();
        actions.join(", ")
    }

    fn on_event(&mut self, s: &Scope) -> String {
        let event = self.schema.events[*self.c.pick(&s.events)].name;
        match self.c.below(11) {
            0 => "challenge".into(),
            1 => "log".into(),
            2 => "pass".into(),
            3 => "block".into(),
            4 => format!("block with status {}", self.c.pick(&["402", "403", "599", "100"])),
            5 => "step-up".into(),
            6 => format!("delay by {}", self.window()),
            7 => format!("redirect to \"{}\"", self.c.pick(&["/wait", "https://example.org/"])),
            8 => {
                let otherwise = *self.c.pick(&["block", "pass", "step-up", "block with status 402"]);
                let within = self.window();
                format!("hold {event} for desk within {within} else {otherwise}")
            }
            // Decoys answer the first event alone.
            9 if s.events.contains(&0) => "deceive with maze".into(),
            _ => "challenge".into(),
        }
    }

    fn on_key(&mut self, s: &Scope) -> String {
        let verb = *self.c.pick(&["challenge", "block", "throttle", "log", "step-up", "delay"]);
        let cohorts: Vec<String> = s
            .cohorts
            .iter()
            .filter(|(_, event)| s.events.contains(event))
            .map(|(name, _)| name.clone())
            .collect();
        let crowd = self.c.chance(35);
        let actors = ["session", "user", "device", "token", "(ip, user)"];
        let crowds = ["ip", "ip/24", "asn", "country", "shape", "tool", "user_agent", "ip/16:48"];
        let mut key = (*if crowd { self.c.pick(&crowds) } else { self.c.pick(&actors) }).to_owned();
        if verb == "throttle" && !cohorts.is_empty() && self.c.chance(50) {
            let (name, event) =
                s.cohorts.iter().find(|(_, event)| s.events.contains(event)).cloned().unwrap_or_default();
            let time = self.window();
            return format!("throttle {name} on {} to usual for {time}", self.schema.events[event].name);
        }
        if crowd && !cohorts.is_empty() && self.c.chance(20) {
            key.clone_from(&cohorts[0]);
        }
        // Software that only one field names cannot be in a sequence's place: keys are of the envelope.
        let on = match crowd || self.c.chance(60) {
            true => {
                let known = self.schema.events.len() - 2;
                format!(" on {}", self.schema.events[self.c.below(known)].name)
            }
            false => String::new(),
        };
        let cohort_event = s.cohorts.iter().find(|(name, _)| *name == key).map(|(_, event)| *event);
        let on = match cohort_event {
            Some(event) => format!(" on {}", self.schema.events[event].name),
            None => on,
        };
        let rate = *self.c.pick(&["1/s", "2/s", "6/min", "3/h", "1/d"]);
        let to = if verb == "throttle" { format!(" to {rate}") } else { String::new() };
        let by = if verb == "delay" { format!(" by {}", self.window()) } else { String::new() };
        let time = self.window();
        let renewing = if !crowd && self.c.chance(35) { " renewing" } else { "" };
        let sparing = if crowd || self.c.chance(35) { self.sparing(s) } else { String::new() };
        format!("{verb} {key}{on}{to}{by} for {time}{renewing}{sparing}")
    }

    fn sparing(&mut self, _s: &Scope) -> String {
        let forms = [
            "sessions that passed",
            "devices known 1s",
            "sessions known 10m",
            "devices known 1ms",
            "sessions with ev.a",
            "users tagged red",
            "sessions tagged blue",
            "tokens in partners",
        ];
        let count = self.c.between(1, 2);
        let spared: Vec<&str> = (0..count).map(|_| *self.c.pick(&forms)).collect();
        format!(", sparing {}", spared.join(" or "))
    }

    /// A text field of the response that an event at hand has.
    pub(crate) fn masked(&mut self, s: &Scope) -> Option<&'static str> {
        let [event] = s.events.as_slice() else { return None };
        let fields = self.schema.fields(*event);
        let field = fields.iter().find(|f| f.response && matches!(f.ty, Ty::Text | Ty::Id(_)))?;
        Some(field.name)
    }
}
