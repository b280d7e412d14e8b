//! The words of the language, in one table: semantic tokens, completion, and the grammars of the editors come from it.
//!
//! Keywords are contextual: a word of this table may also name a field. Who asks says where the word stands.

/// What a word is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Begins an item of a file.
    Item,
    /// Begins a member of a policy.
    Member,
    /// Begins a clause inside of an item or member, or goes on with it.
    Clause,
    /// Stands between or before values.
    Operator,
    /// A verdict, or another action.
    Action,
    /// Measures past events.
    Measure,
    /// Names a type.
    Type,
    /// A value.
    Constant,
    /// A move of a test.
    Move,
}

/// A word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word {
    /// As written.
    pub text: &'static str,
    /// What it is.
    pub kind: Kind,
    /// What it does, in a line; empty for words that only join others.
    pub doc: &'static str,
    /// What completion writes, `$1` and the like being places to fill in; the word itself when empty.
    pub snippet: &'static str,
}

macro_rules! words {
    ($($kind:ident { $($text:literal $($doc:literal)? $(=> $snippet:literal)?;)* })*) => {
        /// Every word, by kind.
        pub const WORDS: &[Word] = &[$($(
            Word { text: $text, kind: Kind::$kind, doc: concat!($($doc)?), snippet: concat!($($snippet)?) },
        )*)*];
    };
}

words! {
    Item {
        "package" "Names the file's package, once and first." => "package ${1:name}";
        "use" "Imports names of another package." => "use ${1:package} { ${2:name} }";
        "envelope" "Fields that every event carries." => "envelope {\n  ${1:name}: ${2:string}?\n}";
        "event" "A typed record of something that happens." => "event ${1:name} {\n  ${2:field}: ${3:string}?\n}";
        "derive" "Makes business events from plain HTTP." => "derive ${1:event} from http.exchange where ${2:method == POST} {\n  ${3:field}: ${4:body.json(\"/field\")}\n}";
        "list" "A typed set, from a file or written in place." => "list ${1:name}: set<${2:string}> from \"${3:lists/name.txt}\"";
        "table" "A typed look-up from a file." => "table ${1:name}: map<${2:string}, ${3:int}> from \"${4:tables/name.csv}\"";
        "tag" "A tag that rules put on keys." => "tag ${1:name}";
        "queue" "Where people look at cases." => "queue ${1:name}";
        "decoy" "A false answer, bounded." => "decoy ${1:name} on ${2:event} from \"${3:decoys/name.json}\" at most ${4:10/s} else ${5:block}";
        "schedule" "A calendar, asked with `is active`." => "schedule ${1:name} from \"${2:calendars/name.ics}\"";
        "fingerprint" "A client shape of your own." => "fingerprint ${1:name} = (${2:user_agent})";
        "model" "A scoring function from an ONNX file." => "model ${1:name}(${2:x}: ${3:float}) -> ${4:probability} from \"${5:models/name.onnx}\" within ${6:20ms}";
        "fn" "A pure function, inlined where it is called." => "fn ${1:name}(${2:x}: ${3:int}) -> ${4:bool} = ${5:x > 0}";
        "policy" "Rules that belong together." => "policy ${1:name} {\n  on ${2:login}\n  mode shadow\n\n  rule ${3:name} {\n    when ${4:true}\n    then ${5:log}\n    because \"${6:why}\"\n  }\n}";
        "cap" "The most that any rule may do." => "cap actions by ${1:session} at ${2:challenge} where ${3:condition}";
        "tune" "Overrides of a shipped policy." => "tune ${1:policy} {\n  mode ${2:enforce}\n}";
        "test" "Events on a virtual clock, and what must come of them." => "test \"${1:what it shows}\" {\n  ${2:login} { ${3:user}: \"${4:ana}\" }\n  expect rule ${5:name} fired\n}";
        "decide" "What a score comes to." => "decide {\n  block when score >= ${1:90}\n  challenge when score >= ${2:60}\n  otherwise pass\n}";
    }
    Member {
        "on" "The events that the policy judges." => "on ${1:login}";
        "requires" "Without this event the policy is left out." => "requires ${1:event} mapped";
        "tags" "Names of the threat in public catalogues." => "tags [\"${1:OAT-008}\"]";
        "mode" "Whether rules act: `shadow`, `canary` or `enforce`." => "mode ${1:shadow}";
        "harm" "The budget of innocents that a rule may touch." => "harm at most ${1:0.1%} of known-good ${2:sessions}";
        "param" "A value that projects may tune." => "param ${1:name}: ${2:int} = ${3:10} in ${4:1}..${5:100}";
        "signal" "A named value over past events." => "signal ${1:name} = ${2:count} of ${3:login} per ${4:user} over ${5:10m}";
        "watch" "Several signals over one population, key and window." => "watch ${1:login} per ${2:user} over ${3:10m} {\n  ${4:attempts} = count\n}";
        "cohort" "The slice of traffic that explains a surplus." => "cohort ${1:surplus} of ${2:login} by (${3:asn.class}) over ${4:5m} against usual, lift at least ${5:8}, at least ${6:500}";
        "sequence" "Ordered events per key within a horizon." => "sequence ${1:name} per ${2:user} within ${3:1h} {\n  first ${4:login} as ${5:a}\n  then ${6:transfer} as ${7:b}\n}";
        "rule" "A condition, what follows from it, and why." => "rule ${1:name} {\n  when ${2:condition}\n  then ${3:log}\n  because \"${4:why}\"\n}";
    }
    Clause {
        "when" "The condition of a rule." => "when ${1:condition}";
        "then" "What a rule does." => "then ${1:log}";
        "because" "Why, for people; `{name}` shows a value." => "because \"${1:why}\"";
        "if" "`if unknown then …`: what a rule does when its condition is unknown." => "if unknown then ${1:log}";
        "unknown"; "otherwise"; "else";
        "where" "Which events count." => "where ${1:condition}";
        "per" "The key that a value is kept by." => "per ${1:user}";
        "over" "How far back." => "over ${1:10m}";
        "by"; "of"; "from"; "to"; "at"; "least"; "most"; "with"; "within"; "for"; "as"; "alias"; "between"; "without";
        "first"; "before" "`before this`: without the event at hand." => "before this"; "this";
        "tumbling" "Windows aligned to the epoch."; "exact" "Keeps the time of every event."; "economy" "Two buckets, no interval.";
        "against"; "usual" "A baseline by hour of the week."; "lift"; "floor"; "gaps";
        "local" "Kept by this node alone."; "owned" "Exact, traffic routed by key."; "global" "Exchanged between nodes.";
        "sparing" "Whom an action on a crowd leaves alone." => "sparing ${1:sessions that passed}"; "that"; "passed"; "renewing" "The time counts from the last attempt.";
        "mapped"; "shadow" "Rules feed the shadow score only."; "canary" "Rules act on a share of keys." => "canary ${1:5%} per ${2:session}"; "enforce" "Rules act.";
        "known-good"; "personal" "Must not be stored in clear."; "response" "Known only with the response."; "actions"; "status"; "password"; "case";
    }
    Operator {
        "and"; "or"; "not"; "in" "Whether a value is in a list, a set or a cohort."; "is" "Asks for a state: `is missing`, `is known`, `is tagged x`, `is new for …`.";
        "matches" "Text against a glob, or `matches regex`."; "regex"; "contains"; "starts"; "ends"; "ignoring";
        "missing"; "known"; "tagged"; "new"; "active";
    }
    Action {
        "pass" "Lets the event go, weakest of all."; "log" "Lets it go and notes it."; "throttle" "Holds a key to a rate.";
        "delay" "Answers later."; "challenge" "Asks for a proof of humanity."; "step-up" "Asks for a second factor.";
        "redirect" "Sends elsewhere."; "deceive" "Answers with a decoy."; "hold" "Parks a transaction for a person.";
        "block" "Refuses, strongest of all."; "score" "Adds points to the policy's score." => "score +${1:20}";
        "exempt" "Lifts the actions and scores of a package." => "exempt from ${1:package}";
        "alert" "Tells a queue at once."; "notify" "Tells a queue."; "ticket" "Opens a ticket."; "revoke" "Ends a session or token.";
        "lock" "`lock password`: of the event's user." => "lock password"; "activate" "Switches a rule set on for a time."; "mask" "Masks a field of the response.";
    }
    Measure {
        "count" "How many events."; "rate" "Events by time."; "concurrent" "Exchanges in flight."; "share" "The share for which a predicate is true." => "share of ${1:predicate}";
        "distinct" "How many different values." => "distinct ${1:field}"; "entropy" "Shannon entropy of the values, in bits." => "entropy ${1:field}";
        "top" "The most frequent value." => "top ${1:field}"; "sequential" "The longest run of consecutive values." => "sequential ${1:field}";
        "cv" "Variation of the gaps between events." => "cv of gaps"; "sum" "The sum of a field." => "sum of ${1:field}"; "avg" "The mean of a field." => "avg of ${1:field}";
        "min" "The least value." => "min of ${1:field}"; "max" "The greatest value." => "max of ${1:field}"; "stddev" "The standard deviation." => "stddev of ${1:field}";
        "p1"; "p5"; "p50" "The median." => "p50 of ${1:field}"; "p95" => "p95 of ${1:field}"; "p99" => "p99 of ${1:field}"; "last" "The latest value." => "last of ${1:field}";
        "elapsed" "The time between two events." => "elapsed from ${1:a} to ${2:b}"; "bucket" "The level of a leaky bucket." => "bucket(${1:100}, ${2:10/s})"; "gcra" "Whether an event conforms to a rate." => "gcra(${1:10/s}, ${2:20})";
    }
    Type {
        "int" "64-bit signed."; "float" "IEEE double."; "bool" "`true` or `false`."; "string" "Bounded text."; "ip" "An address."; "cidr" "A range of addresses.";
        "asn" "A network's number."; "country" "ISO 3166."; "duration" "A length of time."; "timestamp" "A time, milliseconds UTC."; "money" "An amount with its currency.";
        "rate" "So many in so much time."; "probability" "0 to 1, written in percent."; "id" "An opaque identifier." => "id<${1:user}>"; "fingerprint" "What software looks like.";
        "enum" "One of these." => "enum { ${1:a}, ${2:b} }"; "set" "Membership." => "set<${1:string}>"; "list" "In order, bounded." => "list<${1:string}, ${2:64}>"; "map" "By key." => "map<${1:string}, ${2:int}>"; "pattern" "A glob, in a set.";
    }
    Constant { "true"; "false"; "now" "The time of the event."; }
    Move {
        "given" "Sets a list, table, model, schedule or baseline." => "given ${1:list} contains ${2:value}";
        "unmapped" "Takes an event's source away." => "unmapped ${1:event}";
        "repeat" "Events several times over." => "repeat ${1:20} as ${2:i} every ${3:1s} {\n  ${4}\n}";
        "every"; "wait" "Moves the clock." => "wait ${1:1m}"; "release" "A person settles a case." => "release case ${1:1} as ${2:pass}";
        "expect" "What must have come." => "expect rule ${1:name} fired"; "fired"; "action"; "stopped"; "open"; "no"; "late";
    }
}

/// The words of a kind.
pub fn of_kind(kind: Kind) -> impl Iterator<Item = &'static Word> {
    WORDS.iter().filter(move |word| word.kind == kind)
}

/// The first word of a text that is of one of the kinds.
pub fn find(text: &str, kinds: &[Kind]) -> Option<&'static Word> {
    WORDS.iter().find(|word| word.text == text && kinds.contains(&word.kind))
}

/// Whether a text is a word of the language at all.
pub fn is_word(text: &str) -> bool {
    WORDS.iter().any(|word| word.text == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the grammar knows, the table knows, and nothing else.
    #[test]
    fn the_table_is_the_grammars() {
        let grammar = include_str!("../../dsl/src/weir.pest");
        for line in grammar.lines().filter(|line| line.starts_with("kw_")) {
            let word = line.split('"').nth(1).expect("a keyword is quoted");
            assert!(is_word(word), "`{word}` of the grammar is not in the table");
        }
        for verb in weir_dsl::ast::Verb::ALL {
            assert!(find(verb.word(), &[Kind::Action]).is_some());
        }
        for word in WORDS {
            let known = grammar.contains(&format!("\"{}\"", word.text))
                || include_str!("../../dsl/src/parse/split.rs").contains(&format!("\"{}\"", word.text))
                || matches!(
                    word.kind,
                    Kind::Type | Kind::Constant | Kind::Operator | Kind::Clause | Kind::Measure
                );
            assert!(known, "`{}` is no word of the language", word.text);
        }
    }
}
