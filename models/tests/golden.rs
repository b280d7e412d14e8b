//! Golden vectors as NumPy writes them, plain and compressed, with numbers and texts.
#![cfg(feature = "files")]
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test stops at the first surprise"
)]

mod common;

use common::data;
use weir_models::golden::Golden;
use weir_models::rows::{Rows, read_npz, read_table};
use weir_models::{Model, Options};

fn model(name: &str) -> Model {
    let bytes = std::fs::read(data(&format!("reference/{name}.onnx"))).unwrap();
    Model::load(&bytes, &Options::default()).unwrap()
}

fn archive(name: &str) -> Vec<u8> {
    std::fs::read(data(&format!("reference/{name}.golden.npz"))).unwrap()
}

#[test]
fn models_agree_with_what_travels_beside_them() {
    for name in ["xgb100", "logreg", "strings_lr"] {
        let model = model(name);
        let golden = Golden::read(&model, &archive(name)).unwrap();
        let agreement = golden.verify(&model, 1e-6).unwrap();
        assert_eq!((agreement.rows, agreement.wrong, agreement.first), (64, 0, None), "{name}");
        assert!(agreement.largest < 1e-6);
    }
}

#[test]
fn another_model_differs_and_says_where() {
    let (one, other) = (model("logreg"), model("logreg_noscale"));
    let golden = Golden::read(&one, &archive("logreg")).unwrap();
    let agreement = golden.verify(&other, 1e-6).unwrap();
    assert!(agreement.wrong > 0);
    assert!(agreement.first.unwrap().contains("`probabilities`"));
    // Golden vectors of a model with other inputs.
    let error = Golden::read(&one, &archive("xgb100")).unwrap_err().to_string();
    assert!(error.contains("no array `X`"), "{error}");
}

#[test]
fn damaged_archives_are_refused() {
    let model = model("xgb100");
    let bytes = archive("xgb100");
    let mut state = 1_u64;
    for _ in 0..400 {
        let mut bytes = bytes.clone();
        for _ in 0..4 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let at = (state >> 33) as usize % bytes.len();
            bytes[at] ^= 1 << (state % 8);
        }
        if let Ok(golden) = Golden::read(&model, &bytes) {
            let _ = golden.verify(&model, 1e-6);
        }
        bytes.truncate((state >> 33) as usize % bytes.len());
        let _ = read_npz(&bytes);
    }
}

#[test]
fn tables_find_their_columns() {
    let model = model("strings_lr");
    let named = "fails,ua,country,rate\n3,chrome,RU,5.5\n,curl,DE,1\n";
    let bare = "RU\tchrome\t5.5\t3\nDE\tcurl\t1\t\n";
    let (named, bare) =
        (read_table(model.signature(), named.as_bytes()), read_table(model.signature(), bare.as_bytes()));
    let (named, bare) = (named.unwrap(), bare.unwrap());
    assert_eq!(named.count(), 2);
    // NaN is unlike itself, so by what is printed.
    assert_eq!(format!("{named:?}"), format!("{bare:?}"));
    for wrong in ["RU\tchrome\t5.5\n", "RU\tchrome\tx\t3\n", "a,b\n\"", ""] {
        let read = read_table(model.signature(), wrong.as_bytes());
        assert!(read.as_ref().map_or(true, |rows| rows.count() == 0), "{wrong:?}: {read:?}");
    }
    assert!(Rows::of_floats(model.signature(), &[0; 8]).is_err());
}
