use crate::args::ReplayArgs;
use crate::ui::{Failure, Outcome, Ui};
pub(crate) fn run(_args: &ReplayArgs, _ui: &mut Ui) -> Outcome {
    Err(Failure::new("under construction"))
}
