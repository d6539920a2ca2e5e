//! The development sets as the reference procedures read them.

use std::path::{Path, PathBuf};

use aftermap::cli::label_file::{self, Coding, LabelFile, Meaning};

/// A set with truth, in the file's numbering.
pub struct Set {
    pub coding: Coding,
    /// Task, worker, answer; side answers dropped, the first of repeats kept, tasks numbered by first appearance.
    pub labels: Vec<(u32, u32, u8)>,
    /// Truth per task.
    pub truth: Vec<Option<u8>>,
    pub workers: u32,
}

impl Set {
    pub fn classes(&self) -> usize {
        self.coding.scale.classes().len()
    }
}

/// The folder with the sets, if it is there.
pub fn root() -> Option<PathBuf> {
    let base = std::env::var("AFTERMAP_TEST_DATA").unwrap_or_else(|_| "../shared/data".into());
    let root = Path::new(&base).join("crowd");
    root.is_dir().then_some(root)
}

/// Reads a set; `maybe` is merged into damage where `merge`, as the reference does.
pub fn read(root: &Path, name: &str, ordered: bool, merge: bool, keep_repeats: bool) -> Result<Set, String> {
    let file = LabelFile::read(&root.join(name).join("labels.csv"))?;
    let truth = label_file::read_answers(&root.join(name).join("truth.csv"))?;
    let haiti = name.starts_with("haiti");
    let maybe = ("2".to_string(), "0".to_string(), "1".to_string());
    let meaning = Meaning {
        side: if haiti { vec!["3".into()] } else { Vec::new() },
        between: if haiti && !merge { vec![maybe] } else { Vec::new() },
        merged: if haiti && merge { vec![("2".into(), "1".into())] } else { Vec::new() },
        ordered,
        classes: Vec::new(),
    };
    let labels = file.labels.list.iter().map(|label| &**label).chain(truth.iter().map(|row| row.1.as_str()));
    let coding = meaning.coding(labels)?;
    let telling = coding.scale.answers.iter().filter(|a| a.role != aftermap::domain::scale::Role::Side).count();
    let mut seen = std::collections::HashSet::new();
    let mut number = vec![None; file.tasks.list.len()];
    let (mut rows, mut next) = (Vec::new(), 0);
    for &(task, worker, label) in &file.rows {
        let answer = coding.answer(&file.labels.list[label as usize]).ok_or("a label without meaning")?;
        if usize::from(answer) < telling && (keep_repeats || seen.insert((task, worker))) {
            let task = *number[task as usize].get_or_insert_with(|| {
                next += 1;
                next - 1
            });
            rows.push((task, worker, answer));
        }
    }
    let mut classes = vec![None; next as usize];
    for (task, label, _) in &truth {
        if let Some(at) = file.tasks.get(task).and_then(|task| number[task as usize]) {
            classes[at as usize] = coding.class(label);
        }
    }
    let workers = file.workers.list.len() as u32;
    Ok(Set { coding, labels: rows, truth: classes, workers })
}
