use crate::args::TestArgs;
use crate::ui::{Failure, Outcome, Ui};
pub(crate) fn run(_args: &TestArgs, _ui: &mut Ui) -> Outcome { Err(Failure::new("under construction")) }
