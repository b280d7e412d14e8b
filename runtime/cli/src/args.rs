//! The arguments of every command.

use std::path::PathBuf;

use crate::cache::Cache;
use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use weir_compiler::evaluate::Tier;

/// Check, test, replay and explain bot-management and fraud policies.
#[derive(Debug, Parser)]
#[command(name = "weir", version, about, long_about = None, after_help = "\
Examples:
  weir init shop --profile shop              a project of your own
  weir check shop                            what is wrong with it, and how to mend it
  weir test shop --coverage                  its tests, on a virtual clock
  weir replay access.log.gz                  who the standard library would have stopped, and why
  weir replay --explain 4711 access.log.gz   one decision, step by step
  weir run shop --data state                 events in, decisions out, line by line
  weir explain W0301                         what a diagnostic means

Exit codes: 0 clean, 1 errors in policies or failed tests, 2 usage or input and output. \
A replay exits 0 whatever it decides. With `--json`, standard output is one JSON value, or \
nothing when the exit code is 2 and there was nothing to work on.")]
pub(crate) struct Args {
    /// When to colour the output: `auto` (on a terminal, unless NO_COLOR is set), `always` or `never`.
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "WHEN",
        default_value_t = Color::Auto,
        hide_possible_values = true,
        help_heading = "Output"
    )]
    pub(crate) color: Color,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// When to colour the output; `auto`, `always` or `never`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Init(InitArgs),
    Check(CheckArgs),
    Fmt(FmtArgs),
    Fix(FixArgs),
    Test(TestArgs),
    Replay(ReplayArgs),
    Run(RunArgs),
    Explain(ExplainArgs),
    Journal(JournalArgs),
    Keygen(KeygenArgs),
    Ir(IrArgs),
    Compile(CompileArgs),
    Rules(RulesArgs),
    Model(ModelArgs),
    Lsp(LspArgs),
    Completions(CompletionsArgs),
}

/// Serve an editor: diagnostics while typing, completion, renaming and the rest.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  weir lsp                     over standard input and output, as editors start it
  weir lsp --socket 9257       over a connection to this port of this machine")]
pub(crate) struct LspArgs {
    /// Speak over standard input and output; the default.
    #[arg(long, conflicts_with = "socket")]
    pub(crate) stdio: bool,
    /// Connect to a port of this machine where the editor listens.
    #[arg(long, value_name = "PORT")]
    pub(crate) socket: Option<u16>,
}

/// Make a project: a `weir.toml` and first policies with their tests.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  weir init my-site
  weir init my-shop --profile shop")]
pub(crate) struct InitArgs {
    /// The folder to make; it may exist, and nothing in it is overwritten.
    pub(crate) dir: PathBuf,
    /// Which packs to begin with: `default`, `shop` or `bank`.
    #[arg(long, value_name = "NAME", default_value = "default")]
    pub(crate) profile: String,
}

/// Say what is wrong with policies, and how to mend it.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  weir check .
  weir check policies/login.weir --format concise
  weir check . --state --deny warnings")]
pub(crate) struct CheckArgs {
    /// Policy files, or folders that hold them.
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// How to print the findings.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(crate) format: Format,
    /// The same as `--format json`.
    #[arg(long, conflicts_with = "format")]
    pub(crate) json: bool,
    /// Also print the bytes of state each policy needs a key.
    #[arg(long)]
    pub(crate) state: bool,
    /// Exit 1 for warnings too.
    #[arg(long, value_name = "WHAT", value_enum)]
    pub(crate) deny: Option<Deny>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// With the text and what to do.
    Human,
    /// One line each.
    Concise,
    /// One object.
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Deny {
    Warnings,
}

/// Lay policies out in the one way there is.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  weir fmt .
  weir fmt --check .     exit 1 when something would change
  weir fmt --diff .      print what would change
  weir fmt -             standard input to standard output")]
pub(crate) struct FmtArgs {
    /// Policy files, folders that hold them, or `-`.
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// Change nothing; exit 1 when something would change.
    #[arg(long)]
    pub(crate) check: bool,
    /// Change nothing; print what would change, and exit 1 if anything.
    #[arg(long, conflicts_with = "check")]
    pub(crate) diff: bool,
}

/// Apply the fixes that keep the meaning or restore the only one possible.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  weir fix .
  weir fix policies/login.weir --suggested

Files are changed in place. What cannot be fixed is counted; `weir check` shows it.")]
pub(crate) struct FixArgs {
    /// Policy files, or folders that hold them.
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// Also apply fixes that a person should look at.
    #[arg(long)]
    pub(crate) suggested: bool,
}

/// Run the tests of policies on a virtual clock.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  weir test .
  weir test policies/login.weir --filter lunch
  weir test . --coverage --json")]
pub(crate) struct TestArgs {
    /// Policy files, or folders that hold them.
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// Only tests whose name or package contains this.
    #[arg(long, value_name = "TEXT")]
    pub(crate) filter: Option<String>,
    /// Name the rules that never fired, and the conditions never true or never false.
    #[arg(long)]
    pub(crate) coverage: bool,
    /// What evaluates conditions; all decide alike.
    #[arg(long, value_enum, value_name = "NAME", default_value_t)]
    pub(crate) engine: EngineChoice,
    /// Print one object.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Run a log through policies and say who would have been stopped, by which rule, on what evidence.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  weir replay access.log
  weir replay --as-if enforce access.log.1.gz access.log
  weir replay --policy my-site --decisions out.ndjson access.log
  weir replay --explain 4711 access.log
  weir replay --records stopped.weirrec access.log
  weir replay --disable-keys ip,net,asn --as-if enforce --json access.log.xz
  zcat access.log.*.gz | weir replay -

Rules that ship in shadow only watch, so the summary has two columns: what happens in their modes, and \
what would if all were enforced. `--as-if enforce` enforces them all: what a rule stops then has no \
response, and later rules see that. Ctrl-C ends the replay and prints the summary so far.

Decisions are one JSON object a line: seq (0-based input line), id (by which labels name it), ts, \
events, verdict (the strongest over the line's events), shadow (the same, were all enforced), score, \
shadow_score, matches (rule, mode, action, because, phase) and keys.")]
pub(crate) struct ReplayArgs {
    /// Logs, in order of time; `-` is standard input. `.gz`, `.xz` and `.zst` are read as they are.
    #[arg(required = true, value_name = "INPUT")]
    pub(crate) inputs: Vec<PathBuf>,
    /// A project, or policy files, instead of the standard library's default profile.
    #[arg(long, value_name = "PATH")]
    pub(crate) policy: Vec<PathBuf>,
    /// The profile of the project or of the standard library; `default` unless named.
    #[arg(long, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// What the logs are.
    #[arg(long, value_enum, default_value_t = LogFormat::Auto)]
    pub(crate) format: LogFormat,
    /// Decide as if every rule were in this mode.
    #[arg(long, value_enum, value_name = "MODE")]
    pub(crate) as_if: Option<AsIf>,
    /// Make these keys, and what follows from them, missing everywhere.
    #[arg(long, value_enum, value_name = "KEYS", value_delimiter = ',')]
    pub(crate) disable_keys: Vec<DisabledKey>,
    /// Write the decision of each line with a match to this file.
    #[arg(long, value_name = "OUT.ndjson")]
    pub(crate) decisions: Option<PathBuf>,
    /// With `--decisions`: of every line.
    #[arg(long, requires = "decisions")]
    pub(crate) all: bool,
    /// Append what matched, was held or stopped to the ledger in this folder, for `weir rules stats`.
    #[arg(long, value_name = "DIR")]
    pub(crate) ledger: Option<PathBuf>,
    /// Write a record of each decision with a match to this file: `weir explain --record` makes them again.
    #[arg(long, value_name = "FILE", conflicts_with = "reveal")]
    pub(crate) records: Option<PathBuf>,
    /// With `--records`: keep personal fields too, sealed to this operator's public key (`weir keygen`).
    #[arg(long, value_name = "FILE", requires = "records")]
    pub(crate) seal: Option<PathBuf>,
    /// Print why the decision on this input line, counted from 0, is as it is.
    #[arg(long, value_name = "SEQ")]
    pub(crate) explain: Option<u64>,
    /// With `--explain`: every operand of every rule, also of those that did not fire.
    #[arg(long, requires = "explain")]
    pub(crate) full: bool,
    /// Print personal values in clear instead of as keyed hashes.
    #[arg(long)]
    pub(crate) reveal: bool,
    /// What evaluates conditions; all decide alike.
    #[arg(long, value_enum, value_name = "NAME", default_value_t)]
    pub(crate) engine: RunEngine,
    /// Read policies again when they change, and go on with them from the next line.
    #[arg(long, requires = "policy")]
    pub(crate) watch: bool,
    #[command(flatten)]
    pub(crate) cache: CacheArgs,
    /// Print the summary, or the explanation, as one object.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// Found from the first lines.
    Auto,
    /// Combined or common access logs of nginx and Apache.
    Combined,
    /// One JSON object a line, with nginx's variable names.
    NginxJson,
    /// One typed event a line.
    Ndjson,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum AsIf {
    Enforce,
}

/// Where compiled rules are kept from start to start.
#[derive(Debug, ClapArgs)]
pub(crate) struct CacheArgs {
    /// Keep compiled rules in this folder, instead of the user's own for such things.
    #[arg(long, value_name = "DIR", env = "WEIR_CACHE")]
    pub(crate) cache: Option<PathBuf>,
    /// Compile the rules from their text, and keep nothing.
    #[arg(long)]
    pub(crate) no_cache: bool,
    /// Say where compiled rules came from, and what native code was made.
    #[arg(short, long)]
    pub(crate) verbose: bool,
}

impl CacheArgs {
    /// The cache, unless there is to be none.
    pub(crate) fn open(&self) -> Option<Cache> {
        if self.no_cache { None } else { Cache::new(self.cache.as_deref(), self.verbose) }
    }
}

/// Keys that a replay can do without.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DisabledKey {
    /// The client's address, its country, and the session made from it.
    Ip,
    /// Address prefixes.
    Net,
    /// The network's number and class.
    Asn,
}

/// Decide a stream: events on standard input, one decision a line on standard output.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  application | weir run my-site
  tail -F access.log | weir run --format combined --clock wall
  weir run my-site --data state --matched < events.ndjson > decisions.ndjson

A line is an event: {\"event\":\"login\",\"ts\":1767571200000,\"user\":\"ann\",\"outcome\":\"failure\"}. What is known \
only with the response (here `outcome`) counts unless the request was stopped. With \"open\":true the \
response comes later, and names the decision: {\"response\":ID,\"event\":\"login\",\"ts\":…,\"outcome\":\"failure\"}. \
{\"tick\":1767571201000} lets time pass. {\"command\":{\"panic\":{\"off\":true}}} is for operators; others are \
switch (name, off), resume (rule) and release (case, verdict).

With `--data` what is remembered outlives the process: it goes on where it stopped, after a crash too. \
Policies are read again when they change; while they have errors, the running ones go on. \
{\"rollback\":true} puts back the rules before the last change. \
Ctrl-C, a SIGTERM and the end of the input end it in order.")]
pub(crate) struct RunArgs {
    /// A project, or policy files, instead of the standard library's default profile.
    #[arg(value_name = "PATH")]
    pub(crate) policy: Vec<PathBuf>,
    /// The profile of the project or of the standard library; `default` unless named.
    #[arg(long, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// What a line is.
    #[arg(long, value_enum, default_value_t = StreamFormat::Ndjson)]
    pub(crate) format: StreamFormat,
    /// Where state is kept between runs: a folder that is made when it is not there.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Append a record of each decision with a match to this file: `weir explain --record` makes them again.
    #[arg(long, value_name = "FILE", conflicts_with = "reveal")]
    pub(crate) records: Option<PathBuf>,
    /// With `--records`: keep personal fields too, sealed to this operator's key.
    #[arg(long, value_name = "KEY", requires = "records")]
    pub(crate) seal: Option<PathBuf>,
    /// The secret of all key hashes: a file of 32 hexadecimal digits. One is made in the data folder otherwise.
    #[arg(long, value_name = "FILE")]
    pub(crate) secret: Option<PathBuf>,
    /// Append what matched, was held or stopped to the ledger in this folder, for `weir rules stats`.
    #[arg(long, value_name = "DIR")]
    pub(crate) ledger: Option<PathBuf>,
    /// With `--data`: write all that comes in, sealed with the secret, to its folder `journal`.
    #[arg(long, value_enum, value_name = "MODE", default_value_t = JournalMode::Async, requires = "data")]
    pub(crate) journal: JournalMode,
    /// How many MiB of the journal stay when a snapshot has what is in them.
    #[arg(long, value_name = "MIB", default_value_t = 1_024, requires = "data")]
    pub(crate) journal_limit: u64,
    /// Seconds between snapshots.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, requires = "data")]
    pub(crate) snapshot_every: u64,
    /// Seconds between looks at whether the policies have changed; 0 is never.
    #[arg(long, value_name = "SECONDS", default_value_t = 1)]
    pub(crate) reload_every: u64,
    /// Whose time it is.
    #[arg(long, value_enum, default_value_t = Clock::Events)]
    pub(crate) clock: Clock,
    /// With `--clock wall`: how far ahead of it, in ms, an event's time may be; what is further is taken as now.
    #[arg(long, value_name = "MS", default_value_t = 5_000)]
    pub(crate) skew: u32,
    /// Threads that bring state up to date for events whose response comes later, as many as have come at once.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) threads: usize,
    /// What evaluates conditions; all decide alike.
    #[arg(long, value_enum, value_name = "NAME", default_value_t)]
    pub(crate) engine: RunEngine,
    /// Write only decisions in which a rule fired, or an entry was met.
    #[arg(long)]
    pub(crate) matched: bool,
    #[command(flatten)]
    pub(crate) cache: CacheArgs,
    /// Print personal values in clear instead of as keyed hashes.
    #[arg(long)]
    pub(crate) reveal: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum StreamFormat {
    /// One typed event a line.
    Ndjson,
    /// One JSON object a line, with nginx's variable names.
    NginxJson,
    /// Combined or common access logs of nginx and Apache.
    Combined,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Clock {
    /// Time is what events say, and passes with them alone.
    Events,
    /// Time passes when nothing comes, and no event is ahead of it.
    Wall,
}

/// Say what a diagnostic code means, what a rule or policy does, or why a decision on record is as it is.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  weir explain W0301
  weir explain std.ato.credential-stuffing.rotating-proxies
  weir explain rotating-proxies
  weir explain --list
  weir explain --record stopped.weirrec                every decision in it, made again
  weir explain --record stopped.weirrec --seq 4711     one of them, step by step

A record is made again from itself alone, and what comes out is compared with what was decided, byte for \
byte. Exit code 1: a decision made again is another one, or the record is damaged.")]
pub(crate) struct ExplainArgs {
    /// A code such as W0301, or the name of a rule, policy or package, in full or its last part.
    #[arg(value_name = "CODE|RULE", required_unless_present_any = ["list", "record"])]
    pub(crate) what: Option<String>,
    /// Where to look for the rule, besides the standard library.
    #[arg(long, value_name = "PATH")]
    pub(crate) policy: Vec<PathBuf>,
    /// List every code and every rule.
    #[arg(long)]
    pub(crate) list: bool,
    /// Make the decisions on record in this file again.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["what", "list", "policy"])]
    pub(crate) record: Option<PathBuf>,
    /// With `--record`: explain the decisions on this input line.
    #[arg(long, value_name = "SEQ", requires = "record", conflicts_with = "nth")]
    pub(crate) seq: Option<u64>,
    /// With `--record`: explain those on the line that comes at this place in the file, counted from 0.
    #[arg(long, value_name = "N", requires = "record")]
    pub(crate) nth: Option<usize>,
    /// With `--record`: show the personal fields that were sealed to this operator's key.
    #[arg(long, value_name = "FILE", requires = "record")]
    pub(crate) key: Option<PathBuf>,
    /// With `--record`: every operand of every rule, also of those that did not fire.
    #[arg(long, requires = "record")]
    pub(crate) full: bool,
    /// Print one object.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Say what rules did, and how right they were.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  weir replay --as-if enforce --ledger ledger access.log
  weir rules stats --ledger ledger
  weir rules stats --ledger ledger --labels truth.ndjson --json")]
pub(crate) struct RulesArgs {
    #[command(subcommand)]
    pub(crate) what: RulesCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RulesCommand {
    Stats(RulesStatsArgs),
}

/// Per rule: how often it fired and stopped something, what became known of that, and its precision.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  weir rules stats --ledger ledger
  weir rules stats --ledger ledger --labels truth.ndjson --rule std.ato --json

A label is a JSON object a line, as the events `label` and `chargeback`:
  {\"event\":\"label\",\"at\":\"2026-03-01T10:00:00Z\",\"decision\":\"4711-8c1f9a03d2e45b67\",\"verdict\":\"fraud\"}
  {\"event\":\"chargeback\",\"decision\":\"4711-8c1f9a03d2e45b67\"}
Precision is the share of fraud among the decisions labelled fraud or good, with its Wilson interval at \
95 %. It says nothing of those that nobody has labelled.")]
pub(crate) struct RulesStatsArgs {
    /// The ledger's folder.
    #[arg(long, value_name = "DIR")]
    pub(crate) ledger: PathBuf,
    /// Labels and chargebacks beside those in the ledger; `-` is standard input.
    #[arg(long, value_name = "FILE.ndjson")]
    pub(crate) labels: Option<PathBuf>,
    /// Only rules whose full name contains this.
    #[arg(long, value_name = "TEXT")]
    pub(crate) rule: Option<String>,
    /// Print one object.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Print the programs that conditions are compiled to.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  weir ir                                                        of the standard library
  weir ir policies
  weir ir policies/login.weir --rule rotating-proxies
  weir ir --rule std.ato.credential-stuffing.rotating-proxies

The text is described in docs/reference/ir.md.")]
pub(crate) struct IrArgs {
    /// Policy files, or folders that hold them, instead of the standard library.
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// Only of this rule: its name in full, or its last part.
    #[arg(long, value_name = "NAME")]
    pub(crate) rule: Option<String>,
}

/// Print a stage of what the conditions of rules become on their way to the machine.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  weir compile policies --emit plan
  weir compile policies/login.weir --emit clif
  weir compile policies/login.weir --emit asm

The stages are described in docs/reference/native.md.")]
pub(crate) struct CompileArgs {
    /// Policy files, or folders that hold them, instead of the standard library.
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// Which stage.
    #[arg(long, value_enum, value_name = "STAGE", default_value_t = Stage::Plan)]
    pub(crate) emit: Stage,
}

/// A stage of compilation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Stage {
    /// The plan of the conditions of each event: axes, groups, steps.
    Plan,
    /// The programs of all expressions, as `weir ir` prints them.
    Ir,
    /// The code generator's intermediate form of each chunk of a plan.
    Clif,
    /// The instructions of each chunk on this machine.
    Asm,
}

/// What evaluates conditions; every engine decides alike.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum EngineChoice {
    /// Programs over registers, after a plan of all conditions has said which may hold.
    #[default]
    Plan,
    /// Programs over registers alone.
    Bytecode,
    /// The reference walker, slower and simpler.
    Walker,
}

impl From<EngineChoice> for Tier {
    fn from(choice: EngineChoice) -> Self {
        match choice {
            EngineChoice::Plan => Self::Plan,
            EngineChoice::Bytecode => Self::Bytecode,
            EngineChoice::Walker => Self::Walker,
        }
    }
}

/// What evaluates the conditions of rules that run; every engine decides alike.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum RunEngine {
    /// As `plan`, with the plan as machine code once that is compiled, beside the stream.
    #[default]
    Native,
    /// Programs over registers, after a plan of all conditions has said which may hold.
    Plan,
    /// Programs over registers alone.
    Bytecode,
    /// The reference walker, slower and simpler.
    Walker,
}

impl From<RunEngine> for Tier {
    fn from(choice: RunEngine) -> Self {
        match choice {
            RunEngine::Native | RunEngine::Plan => Self::Plan,
            RunEngine::Bytecode => Self::Bytecode,
            RunEngine::Walker => Self::Walker,
        }
    }
}

/// What a node writes of what comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum JournalMode {
    /// Nothing.
    Off,
    /// Everything, at most a second later.
    Async,
    /// Everything, and on the disk before the decision is written.
    Sync,
}

/// Say what is in a journal, or print the inputs in it.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  weir journal state/journal
  weir journal state/journal --inputs > inputs.ndjson
  weir journal 00000000000000000003.weirjrnl --secret state/secret

A journal is sealed with the secret of the node that wrote it. It is read up to the first block that is \
not whole, as after a crash; where that is, is said. Exit code 1: a segment was cut off or changed.")]
pub(crate) struct JournalArgs {
    /// A segment, or a folder of them.
    #[arg(value_name = "FILE|DIR")]
    pub(crate) path: PathBuf,
    /// The node's secret: a file of 32 hexadecimal digits. The `secret` beside the folder otherwise.
    #[arg(long, value_name = "FILE")]
    pub(crate) secret: Option<PathBuf>,
    /// Print each input as one JSON object a line.
    #[arg(long)]
    pub(crate) inputs: bool,
    /// With `--inputs`: personal values in clear instead of as keyed hashes.
    #[arg(long, requires = "inputs")]
    pub(crate) reveal: bool,
    /// Print the summary as one object.
    #[arg(long, conflicts_with = "inputs")]
    pub(crate) json: bool,
}

/// Make a pair of keys.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  weir keygen operator --out fraud-desk.key
  weir replay --records stopped.weirrec --seal fraud-desk.key.pub access.log
  weir explain --record stopped.weirrec --seq 4711 --key fraud-desk.key

The secret key goes to the file, which its owner alone may read, and the public one to the file of the \
same name with `.pub` at its end. What is sealed to the public key, the secret one alone opens.")]
pub(crate) struct KeygenArgs {
    /// Whose.
    #[arg(value_enum)]
    pub(crate) whose: KeyOwner,
    /// Where the secret key goes; nothing is overwritten.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum KeyOwner {
    /// Somebody who may read what decision records keep of people.
    Operator,
}

/// Print a completion script for a shell.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  weir completions bash > /etc/bash_completion.d/weir
  weir completions zsh > ~/.zfunc/_weir")]
pub(crate) struct CompletionsArgs {
    /// The shell.
    pub(crate) shell: clap_complete::Shell,
}

/// ONNX models: look at them, run them, time them, hold them to what they must answer.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  weir model inspect stuffing.onnx                       its inputs and outputs, and what runs it
  weir model run stuffing.onnx --input rows.csv          every output of every row
  weir model bench stuffing.onnx                         what a row costs in each back-end
  weir model verify models/*.onnx                        against the golden vectors beside each
  weir model compare old.onnx new.onnx --input rows.csv  where two versions differ

Three back-ends: `native`, for tabular models; `ort`, ONNX Runtime, which has to be installed (`pip install onnxruntime`
or your system's package) and is found by ORT_DYLIB_PATH or in the usual places; `tract`, for plain neural graphs.
Without `--backend` the first that takes a file runs it. What is not native is first loaded in a process of its own.")]
pub(crate) struct ModelArgs {
    #[command(subcommand)]
    pub(crate) what: ModelCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ModelCommand {
    Inspect(ModelInspectArgs),
    Run(ModelRunArgs),
    Bench(ModelBenchArgs),
    Verify(ModelVerifyArgs),
    Compare(ModelCompareArgs),
    #[command(hide = true)]
    Probe(ModelProbeArgs),
}

/// What runs a model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ModelBackend {
    /// The first that takes the file.
    #[default]
    Auto,
    /// The project's own, for tabular models.
    Native,
    /// ONNX Runtime.
    Ort,
    /// tract, for plain neural graphs.
    Tract,
}

/// Say what a model takes and gives, what is in it, what runs it and why.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  weir model inspect stuffing.onnx
  weir model inspect models/*.onnx --json
  weir model inspect stuffing.onnx --backend native     why the native back-end does not take it")]
pub(crate) struct ModelInspectArgs {
    /// Models.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// What is to run it.
    #[arg(long, value_enum, value_name = "NAME", default_value_t)]
    pub(crate) backend: ModelBackend,
    /// Print one list.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Print every output of every row.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  weir model run stuffing.onnx --input rows.csv
  weir model run stuffing.onnx --input rows.npy --backend ort --json
  weir model run stuffing.onnx --input rows.f32 > scores.csv

A table has commas or tabs between its columns, and names in its first line or none. An input of one column takes the
column of its name; other columns go to the other inputs in order. An empty field is missing (NaN). `.npy` and `.f32`
(little-endian 32-bit floats, row by row) are for models of one input.
Lines are a table with the outputs' names first; with `--json` an object each. A row without an answer is told, and the
exit code is then 1.")]
pub(crate) struct ModelRunArgs {
    /// The model.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// The rows: `.csv`, `.tsv`, `.npy` or `.f32`.
    #[arg(long, value_name = "ROWS")]
    pub(crate) input: PathBuf,
    /// What is to run it.
    #[arg(long, value_enum, value_name = "NAME", default_value_t)]
    pub(crate) backend: ModelBackend,
    /// Print one object a line.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Say what a row costs in each back-end, alone and in batches.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  weir model bench stuffing.onnx
  weir model bench stuffing.onnx --input rows.csv --batch 256
  weir model bench models/*.onnx --backend native --json

Time is that of the one thread at work, the median of nine rounds; each call takes another row than the one before, since
the same row again and again flatters a branch predictor.")]
pub(crate) struct ModelBenchArgs {
    /// Models.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// The rows; made up where there are none.
    #[arg(long, value_name = "ROWS")]
    pub(crate) input: Option<PathBuf>,
    /// Only this one.
    #[arg(long, value_enum, value_name = "NAME")]
    pub(crate) backend: Option<ModelBackend>,
    /// Rows in a batch.
    #[arg(long, value_name = "N", default_value_t = 32)]
    pub(crate) batch: usize,
    /// Print one list.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Hold models to the golden vectors beside them, `NAME.golden.npz`.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  weir model verify stuffing.onnx
  weir model verify stuffing.onnx --golden rows.npz --tolerance 1e-6

The archive has an array for each input, and one for each output to compare, under their names. In Python:
  numpy.savez(\"stuffing.golden.npz\", X=rows, label=labels, probabilities=probabilities)
The exit code is 1 when a row differs.")]
pub(crate) struct ModelVerifyArgs {
    /// Models.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Golden vectors from here instead.
    #[arg(long, value_name = "FILE.npz")]
    pub(crate) golden: Option<PathBuf>,
    /// How far numbers may lie apart, relative above 1.
    #[arg(long, value_name = "DIFFERENCE", default_value_t = 1e-5)]
    pub(crate) tolerance: f64,
    /// What is to run it.
    #[arg(long, value_enum, value_name = "NAME", default_value_t)]
    pub(crate) backend: ModelBackend,
    /// Print one list.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Say where two models, or two back-ends, differ on the same rows.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  weir model compare old.onnx new.onnx --input rows.csv
  weir model compare stuffing.onnx stuffing.onnx --backend native --other-backend ort --input rows.csv

The exit code is 1 when a row differs by more than the tolerance.")]
pub(crate) struct ModelCompareArgs {
    /// A model.
    #[arg(value_name = "A")]
    pub(crate) one: PathBuf,
    /// Another.
    #[arg(value_name = "B")]
    pub(crate) other: PathBuf,
    /// The rows: `.csv`, `.tsv`, `.npy` or `.f32`.
    #[arg(long, value_name = "ROWS")]
    pub(crate) input: PathBuf,
    /// How far numbers may lie apart, relative above 1.
    #[arg(long, value_name = "DIFFERENCE", default_value_t = 1e-5)]
    pub(crate) tolerance: f64,
    /// What is to run them.
    #[arg(long, value_enum, value_name = "NAME", default_value_t)]
    pub(crate) backend: ModelBackend,
    /// What is to run B, if not the same.
    #[arg(long, value_enum, value_name = "NAME")]
    pub(crate) other_backend: Option<ModelBackend>,
    /// Print one object.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Load a model and score a row of zeros.
#[derive(Debug, ClapArgs)]
pub(crate) struct ModelProbeArgs {
    /// The model.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// What is to run it.
    #[arg(long, value_enum, value_name = "NAME")]
    pub(crate) backend: ModelBackend,
}
