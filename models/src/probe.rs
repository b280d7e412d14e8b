//! A model tried in a process of its own first.
//!
//! ONNX Runtime and tract are large, and a file can make them abort, loop or take all memory. So whoever means to run a model in one of them lets a child
//! load it and score one row first; what ends the child ends nothing else.

use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::call::Input;
use crate::model::Model;
use crate::refusal::Refusal;
use crate::tensor::Element;

/// Scores a row of zeros: what the child does once it has loaded the model.
///
/// # Errors
///
/// A back-end that opens no session or fails on the row.
pub fn score_zeros(model: &Model) -> Result<(), Refusal> {
    let failed = |error: crate::Failure| Refusal::Unsupported(error.to_string());
    let ports = &model.signature().inputs;
    let widths: Vec<usize> = ports.iter().map(|port| port.width().unwrap_or(1)).collect();
    let widest = widths.iter().copied().max().unwrap_or(1).min(1 << 24);
    let (floats, doubles, ints, texts) =
        (vec![0.0_f32; widest], vec![0.0_f64; widest], vec![0_i64; widest], vec![""; widest]);
    let inputs: Vec<Input<'_>> = ports
        .iter()
        .zip(widths)
        .map(|(port, width)| match port.element() {
            Some(Element::Float) | None => Input::Float(floats.get(..width).unwrap_or(&[])),
            Some(Element::Double) => Input::Double(doubles.get(..width).unwrap_or(&[])),
            Some(Element::String) => Input::Text(texts.get(..width).unwrap_or(&[])),
            Some(_) => Input::Int(ints.get(..width).unwrap_or(&[])),
        })
        .collect();
    let mut scratch = model.scratch().map_err(failed)?;
    model.score(&mut scratch, &inputs).map_err(failed)?;
    Ok(())
}

/// Runs a command that loads a model and ends with 0 where that went well.
///
/// # Errors
///
/// A child that cannot be started, says no (its standard error is the reason), is killed by a signal, or takes longer than `within`; it is then
/// ended.
pub fn in_child(mut command: Command, within: Duration) -> Result<(), Refusal> {
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
    let mut child =
        child.map_err(|error| Refusal::Unsupported(format!("no process to try the model in: {error}")))?;
    let began = Instant::now();
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if began.elapsed() < within => std::thread::sleep(Duration::from_millis(2)),
            _ => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(Refusal::Unsupported(format!(
                    "the model was not loaded within {} s by a process of its own",
                    within.as_secs_f32()
                )));
            }
        }
    };
    if status.success() {
        return Ok(());
    }
    let mut said = String::new();
    if let Some(errors) = child.stderr.take() {
        use std::io::Read as _;
        let _ = errors.take(4_096).read_to_string(&mut said);
    }
    Err(Refusal::Unsupported(why(status, said.trim())))
}

fn why(status: ExitStatus, said: &str) -> String {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return format!(
            "the back-end was killed by signal {signal} while it loaded the model in a process of its own"
        );
    }
    match (said, status.code()) {
        ("", code) => format!("the back-end ended with code {}", code.unwrap_or(-1)),
        (said, _) => said.trim_start_matches("error: ").to_owned(),
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn an_abort_a_hang_and_a_no_are_told_apart() {
        let within = Duration::from_secs(5);
        assert!(in_child(shell("exit 0"), within).is_ok());
        let error = in_child(shell("kill -ABRT $$"), within).unwrap_err().to_string();
        assert!(error.contains("signal 6"), "{error}");
        let error =
            in_child(shell("echo error: no such operator >&2; exit 1"), within).unwrap_err().to_string();
        assert_eq!(error, "no such operator");
        let error = in_child(shell("sleep 60"), Duration::from_millis(50)).unwrap_err().to_string();
        assert!(error.contains("not loaded within"), "{error}");
    }
}
