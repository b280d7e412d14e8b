//! `weir journal`: what is in a journal.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value as Json, json};
use weir_compiler::civil;
use weir_compiler::data::Data;
use weir_compiler::hir::Hir;
use weir_compiler::ids::FieldId;
use weir_compiler::show;
use weir_compiler::value::Value;
use weir_engine::{Engine, Input, Options, Outcome as Answered, Record, Secret};
use weir_journal::{Contents, End, Entry, Error, Segment, segments};

use crate::args::JournalArgs;
use crate::node::memory::read_secret;
use crate::ui::{self, Exit, Failure, Outcome, Ui};

/// How many entries of each kind there are.
#[derive(Clone, Copy, Default)]
struct Counts {
    requests: u64,
    responses: u64,
    ticks: u64,
    commands: u64,
    outcomes: u64,
    loaded: u64,
    from: Option<i64>,
    to: i64,
}

pub(crate) fn run(args: &JournalArgs, ui: &mut Ui) -> Outcome {
    let unreadable = |path: &Path, error: &Error| match error {
        Error::Secret => Failure::with_help(
            format!("cannot read `{}`: {error}", path.display()),
            "`--secret FILE` names the secret of the node that wrote it",
        ),
        error => Failure::new(format!("cannot read `{}`: {error}", path.display())),
    };
    let paths = segments(&args.path).map_err(|error| unreadable(&args.path, &error))?;
    if paths.is_empty() {
        return Err(Failure::new(format!("there is no journal in `{}`", args.path.display())));
    }
    let secret = read_secret(&args.secret.clone().unwrap_or_else(|| beside(&args.path)))?;
    let mut rows = Vec::new();
    let mut sound = true;
    for path in &paths {
        let segment = Segment::read(path, secret).map_err(|error| unreadable(path, &error))?;
        let reader = Reader::new(&segment, secret, args.reveal);
        let (counts, damage) = reader.entries(&segment, args.inputs, ui)?;
        let torn = match &segment.end {
            End::Whole => None,
            End::Torn { at, left } => Some((*at, *left)),
        };
        sound &= torn.is_none() && damage.is_none();
        if let (true, Some((at, left))) = (args.inputs, torn) {
            ui.say(format_args!("`{}` ends at byte {at}: {left} bytes are not whole", path.display()));
        }
        if !args.inputs && !args.json {
            summary(path, &segment, &counts, damage.as_deref(), ui)?;
        }
        rows.push(json!({
            "segment": path.display().to_string(), "rules": hex(&segment.head.rules), "tenant": segment.head.tenant,
            "blocks": segment.blocks, "requests": counts.requests, "responses": counts.responses,
            "ticks": counts.ticks, "commands": counts.commands, "outcomes": counts.outcomes,
            "loaded": counts.loaded, "from": counts.from.map(civil::format),
            "to": counts.from.map(|_| civil::format(counts.to)),
            "torn": torn.map(|(at, left)| json!({ "at": at, "left": left })), "damage": damage,
        }));
    }
    if args.json {
        ui.json(&json!({ "version": 1, "sound": sound, "segments": rows }))?;
    }
    Ok(if sound { Exit::Clean } else { Exit::Failed })
}

/// The secret of the data folder that a journal is in.
fn beside(path: &Path) -> PathBuf {
    let folder = if path.is_dir() { Some(path) } else { path.parent() };
    folder.and_then(Path::parent).unwrap_or(path).join("secret")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn summary(
    path: &Path,
    segment: &Segment,
    counts: &Counts,
    damage: Option<&str>,
    ui: &mut Ui,
) -> Result<(), Failure> {
    ui.line(ui::bold(path.display()))?;
    ui.line(format_args!("  rule set  {}", hex(&segment.head.rules)))?;
    if let Some(from) = counts.from {
        ui.line(format_args!("  from      {}  to  {}", civil::format(from), civil::format(counts.to)))?;
    }
    ui.line(format_args!(
        "  entries   {} requests, {} responses, {} ticks, {} commands, {} outcomes of models, {} loaded",
        counts.requests, counts.responses, counts.ticks, counts.commands, counts.outcomes, counts.loaded
    ))?;
    match &segment.end {
        End::Whole => ui.line(format_args!("  blocks    {}, whole", segment.blocks))?,
        End::Torn { at, left } => ui.line(format_args!(
            "  blocks    {}, whole up to byte {at}; {left} bytes after it are not",
            segment.blocks
        ))?,
    }
    match damage {
        Some(damage) => ui.line(format_args!("  stopped   {damage}")),
        None => Ok(()),
    }
}

/// Reads a segment by its own names.
struct Reader {
    engine: Engine,
    reveal: bool,
}

impl Reader {
    fn new(segment: &Segment, secret: Secret, reveal: bool) -> Self {
        let tenant = segment.head.tenant.as_str().into();
        let options = Options { secret, tenant, ..Options::default() };
        Self { engine: Engine::new(segment.head.stand_in(), Data::default(), options), reveal }
    }

    fn hir(&self) -> &Hir {
        self.engine.hir()
    }

    /// Counts the entries, and prints them if asked; why it stopped before the end, if it did.
    fn entries(
        &self,
        segment: &Segment,
        print: bool,
        ui: &mut Ui,
    ) -> Result<(Counts, Option<String>), Failure> {
        let mut counts = Counts::default();
        for entry in segment.entries(self.hir()) {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => return Ok((counts, Some(error.to_string()))),
            };
            let at = match &entry {
                Entry::Input(Input::Request { at, .. }) => (&mut counts.requests, Some(*at)),
                Entry::Input(Input::Response { at, .. }) => (&mut counts.responses, Some(*at)),
                Entry::Input(Input::Tick { at }) => (&mut counts.ticks, Some(*at)),
                Entry::Input(Input::Command { at, .. }) => (&mut counts.commands, Some(*at)),
                Entry::Outcomes { .. } => (&mut counts.outcomes, None),
                Entry::Loaded { .. } => (&mut counts.loaded, None),
            };
            *at.0 += 1;
            if let Some(at) = at.1 {
                counts.from = counts.from.or(Some(at));
                counts.to = at;
            }
            if print {
                ui.json(&self.json(&entry))?;
            }
        }
        Ok((counts, None))
    }

    fn json(&self, entry: &Entry) -> Json {
        match entry {
            Entry::Input(Input::Request { at, events }) => {
                json!({ "request": { "at": at, "events": self.records(events) } })
            }
            Entry::Input(Input::Response { request, at, fields, events }) => {
                let fields: Vec<Json> = fields.iter().map(|fields| self.fields(fields.iter())).collect();
                json!({ "response": { "of": request.0, "at": at, "fields": fields, "events": self.records(events) } })
            }
            Entry::Input(Input::Tick { at }) => json!({ "tick": at }),
            Entry::Input(Input::Command { at, command }) => json!({ "command": command, "at": at }),
            Entry::Outcomes { seq, outcomes } => {
                let each = outcomes.iter().map(|outcome| match outcome {
                    Answered::Answer(value) => json!({ "answer": format!("{value:?}") }),
                    Answered::Late => json!("late"),
                    Answered::Failed => json!("failed"),
                });
                json!({ "outcomes": each.collect::<Vec<_>>(), "of": seq.0 })
            }
            Entry::Loaded { contents, name, hash } => {
                let kind = match contents {
                    Contents::List => "list",
                    Contents::Table => "table",
                    Contents::Schedule => "schedule",
                };
                json!({ "loaded": name, "kind": kind, "sha256": hex(hash) })
            }
        }
    }

    fn records(&self, records: &[Record]) -> Vec<Json> {
        let schema = &self.hir().schema;
        let each = records.iter().map(|record| {
            let name = schema.events.get(record.event()).map(|event| event.name.as_str());
            let known: Vec<(FieldId, Value)> = record
                .fields(schema)
                .filter_map(|(slot, value)| Some((slot.field, value?.clone())))
                .collect();
            json!({ "event": name, "fields": self.fields(known.iter()) })
        });
        each.collect()
    }

    fn fields<'f>(&self, fields: impl Iterator<Item = &'f (FieldId, Value)>) -> Json {
        let mut object = Map::new();
        for (id, value) in fields {
            let Some(field) = self.hir().schema.fields.get(*id) else { continue };
            let shown = match field.personal && !self.reveal {
                true => self.engine.pseudonym(std::slice::from_ref(value)),
                false => show::show(value, &field.ty),
            };
            object.insert(field.name.to_string(), shown.into());
        }
        Json::Object(object)
    }
}
