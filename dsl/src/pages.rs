//! The documentation page of every code, as `weir explain CODE` prints it.
//!
//! Pages are Markdown. A block ```` ```weir fail(W0101) ```` is a whole file in which `weir check` finds that
//! code and no other; a plain ```` ```weir ```` block is a whole file in which it finds nothing. A
//! ```` ```toml ```` block before them is the `weir.toml` they are checked with.

use crate::codes::Code;

macro_rules! pages {
    ($($code:ident $number:literal)*) => {
        /// The page of a code, with its title as first line. `tests/pages.rs` keeps the set complete.
        pub fn page(code: Code) -> Option<&'static str> {
            $(
                if code == Code::$code {
                    return Some(include_str!(concat!("../../docs/diagnostics/", $number, ".md")));
                }
            )*
            None
        }
    };
}

pages! {
    SYNTAX "W0001"
    UNBALANCED "W0002"
    NOT_TEXT "W0003"
    TOO_LARGE "W0004"
    NO_PACKAGE "W0005"
    BAD_LITERAL "W0006"
    UNKNOWN_NAME "W0101"
    DUPLICATE_NAME "W0102"
    CYCLIC_USE "W0103"
    NOT_IMPORTED "W0104"
    UNUSED_IMPORT "W0105"
    WRONG_KIND "W0106"
    RECURSION "W0107"
    BAD_PROJECT "W0108"
    MISSING_FILE "W0109"
    AMBIGUOUS_NAME "W0110"
    TYPE_MISMATCH "W0201"
    BAD_ARGUMENTS "W0202"
    NOT_CONSTANT "W0203"
    OUT_OF_RANGE "W0204"
    UNKNOWN_VARIANT "W0205"
    BAD_PATTERN "W0206"
    UNBOUNDED "W0207"
    BAD_SCHEMA "W0208"
    NO_SCOPE "W0301"
    NO_SPARING "W0302"
    CLAIMED_USER "W0303"
    RESPONSE_PHASE "W0304"
    BAD_ACTION "W0305"
    NO_RIGHT "W0306"
    RENEWING_CROWD "W0307"
    BAD_KEY "W0308"
    NOT_MAPPED "W0309"
    BAD_SEQUENCE "W0310"
    CONDITIONAL_EXEMPTION "W0311"
    NO_BECAUSE "W0312"
    NEVER_TRUE "W0401"
    SUBSUMED "W0402"
    CONTRADICTION "W0403"
    NEGATED_OPTIONAL "W0404"
    INSIDE_ERROR "W0405"
    UNUSED_SIGNAL "W0406"
    INACTIVE "W0407"
    NO_LITERAL "W0408"
    ALWAYS_TRUE "W0409"
    UNREACHABLE "W0410"
    UNUSED_DECLARATION "W0411"
    BAD_TEST "W0501"
    TEST_WITHOUT_EXPECTATION "W0502"
    BAD_LIST "W0601"
    STATE_BUDGET "W0602"
    STALE_LIST "W0603"
    BAD_MODEL "W0604"
}
