//! Any bytes as a label file, and any bytes as columns, through every method: no panic, no NaN.
#![no_main]

use aftermap::cli::label_file::{LabelFile, Meaning, prepare};
use aftermap::consensus::{Columns, METHODS, Model, Skill, batch};
use aftermap::domain::scale::Scale;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let _ = (Skill::from_bytes(data), Model::from_bytes(data));
    as_columns(data);
    as_file(data);
});

fn run(scale: &Scale, columns: &Columns) {
    for rule in METHODS {
        for c in batch::run(rule, scale, columns).consensus {
            let sum: f64 = c.probabilities.iter().sum();
            assert!((sum - 1.0).abs() < 1e-9 && c.evidence.is_finite() && c.entropy.is_finite(), "{}", rule.method());
        }
    }
}

fn as_columns(data: &[u8]) {
    let Some(scale) = Scale::built_in("jds4") else { return };
    let labels: Vec<&[u8]> = data.chunks_exact(3).take(500).collect();
    let pick = |at: usize| labels.iter().map(|label| u32::from(label[at])).collect();
    let answers = labels.iter().map(|label| label[2] % 8).collect();
    let gold = (0..256).map(|tile| data.get(tile).filter(|byte| **byte < 6).copied()).collect();
    if let Ok(columns) = Columns::new(pick(0), pick(1), answers, gold, 256) {
        run(&scale, &columns);
    }
}

fn as_file(data: &[u8]) {
    let Ok(file) = LabelFile::parse(data) else { return };
    let Ok(coding) = Meaning::default().coding(file.labels.list.iter().map(|label| &**label)) else { return };
    if let Ok(prepared) = prepare(&file, &coding, &vec![None; file.tasks.list.len()]) {
        run(&coding.scale, &prepared.columns);
    }
}
