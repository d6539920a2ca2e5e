//! Label files of the voting core: `task,worker,label[,timestamp]` as CSV, and how labels become answers of a scale.

use std::collections::HashMap;
use std::io::Read;
use std::path::Path;

use crate::consensus::Columns;
use crate::domain::names::Names;
use crate::domain::scale::{Answer, Role, Scale};

/// Most different labels a file may hold: more is a sign of a wrong column.
const LABELS_AT_MOST: usize = 200;

/// A label file as numbers.
#[derive(Debug, Default)]
pub struct LabelFile {
    /// Tasks in order of first appearance.
    pub tasks: Names,
    /// Workers in order of first appearance.
    pub workers: Names,
    /// Labels in order of first appearance.
    pub labels: Names,
    /// Task, worker and label of each row; rows of one task and worker are in order of time.
    pub rows: Vec<(u32, u32, u32)>,
}

impl LabelFile {
    /// Reads a label file.
    ///
    /// # Errors
    /// When the file cannot be read, a column is missing or a line is damaged: the sentence names file and line.
    pub fn read(path: &Path) -> Result<LabelFile, String> {
        let file = std::fs::File::open(path).map_err(|e| format!("{}: {e}", path.display()))?;
        LabelFile::parse(std::io::BufReader::with_capacity(1 << 18, file))
            .map_err(|reason| format!("{}: {reason}", path.display()))
    }

    /// Reads label rows from any source; see [`LabelFile::read`].
    ///
    /// # Errors
    /// A sentence that names the line.
    pub fn parse(source: impl Read) -> Result<LabelFile, String> {
        let mut reader = csv::ReaderBuilder::new().flexible(false).from_reader(source);
        let headers = reader.headers().map_err(|e| sentence(&e))?.clone();
        let column = |name: &str| headers.iter().position(|header| header.trim() == name);
        let required =
            |name: &str| column(name).ok_or(format!("line 1: no column `{name}`; needed are task,worker,label"));
        let (task, worker, label) = (required("task")?, required("worker")?, required("label")?);
        let time = column("timestamp");
        let mut file = LabelFile::default();
        let mut times: Vec<Box<str>> = Vec::new();
        let mut record = csv::StringRecord::new();
        while reader.read_record(&mut record).map_err(|e| sentence(&e))? {
            let line = record.position().map_or(0, csv::Position::line);
            let cell = |at: usize, name: &str| match record[at].trim() {
                "" => Err(format!("line {line}: empty {name}")),
                text => Ok(text),
            };
            let row = (
                file.tasks.number(cell(task, "task")?),
                file.workers.number(cell(worker, "worker")?),
                file.labels.number(cell(label, "label")?),
            );
            if file.labels.list.len() > LABELS_AT_MOST {
                return Err(format!(
                    "line {line}: more than {LABELS_AT_MOST} different labels; is `label` the right column?"
                ));
            }
            file.rows.push(row);
            if let Some(time) = time {
                times.push(record[time].trim().into());
            }
        }
        if file.rows.len() > u32::MAX as usize {
            return Err("more than 4,294,967,295 rows".into());
        }
        file.sort_by_time(&times);
        Ok(file)
    }

    /// Puts rows in order of time: as numbers where all times are numbers, else as text (RFC 3339 sorts so).
    fn sort_by_time(&mut self, times: &[Box<str>]) {
        if times.is_empty() {
            return;
        }
        let numbers: Option<Vec<f64>> =
            times.iter().map(|time| time.parse().ok().filter(|t: &f64| !t.is_nan())).collect();
        let mut order: Vec<usize> = (0..self.rows.len()).collect();
        match numbers {
            Some(numbers) => order.sort_by(|&a, &b| numbers[a].total_cmp(&numbers[b])),
            None => order.sort_by(|&a, &b| times[a].cmp(&times[b])),
        }
        self.rows = order.into_iter().map(|at| self.rows[at]).collect();
    }
}

fn sentence(error: &csv::Error) -> String {
    let line = error.position().map_or(0, csv::Position::line);
    match error.kind() {
        csv::ErrorKind::Utf8 { .. } => format!("line {line}: not UTF-8; save the file as UTF-8 CSV"),
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("line {line}: {len} cells where the header has {expected_len}")
        }
        _ => error.to_string(),
    }
}

/// Reads a `task,label` file: gold or truth, with the line of each row.
///
/// # Errors
/// As [`LabelFile::read`].
pub fn read_answers(path: &Path) -> Result<Vec<(String, String, u64)>, String> {
    let fail = |reason: String| format!("{}: {reason}", path.display());
    let mut reader = csv::Reader::from_path(path).map_err(|e| fail(sentence(&e)))?;
    let headers = reader.headers().map_err(|e| fail(sentence(&e)))?.clone();
    let column = |name: &str| headers.iter().position(|header| header.trim() == name);
    let (Some(task), Some(label)) = (column("task"), column("label")) else {
        return Err(fail("line 1: the columns task,label are needed".into()));
    };
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|e| fail(sentence(&e)))?;
        let line = record.position().map_or(0, csv::Position::line);
        rows.push((record[task].trim().to_string(), record[label].trim().to_string(), line));
    }
    Ok(rows)
}

/// What the labels of a file mean.
#[derive(Debug, Clone, Default)]
pub struct Meaning {
    /// Labels that say nothing about the class.
    pub side: Vec<String>,
    /// Labels that lie between two classes: label, milder, graver.
    pub between: Vec<(String, String, String)>,
    /// Labels that are merged into another before anything else.
    pub merged: Vec<(String, String)>,
    /// Whether the classes are grades of one thing.
    pub ordered: bool,
    /// Classes in their order; those found beside them follow, numbers by value, then words by letter.
    pub classes: Vec<String>,
}

/// The scale of a file and the answer that each of its labels is.
#[derive(Debug, Clone)]
pub struct Coding {
    /// Classes, then between, then side answers; keys are the labels.
    pub scale: Scale,
    answers: HashMap<String, u8>,
}

impl Meaning {
    /// The scale of these labels. A file with one class gets a second, `other`: certainty needs an alternative.
    ///
    /// # Errors
    /// When a meaning names a label in two ways or a class that is none.
    pub fn coding<'a>(&self, labels: impl Iterator<Item = &'a str>) -> Result<Coding, String> {
        let merged = |label: &str| {
            let target = self.merged.iter().find(|(from, _)| from == label);
            target.map_or(label.to_string(), |(_, to)| to.clone())
        };
        let is_class = |label: &String| !self.side.contains(label) && !self.between.iter().any(|b| b.0 == *label);
        let named = self.between.iter().flat_map(|b| [b.1.as_str(), b.2.as_str()]);
        let all: Vec<String> = labels.map(str::to_string).collect();
        let mut found: Vec<String> =
            all.iter().map(|label| merged(label)).chain(named.map(str::to_string)).filter(is_class).collect();
        found.sort_by(|a, b| order_of(a).partial_cmp(&order_of(b)).unwrap_or(std::cmp::Ordering::Equal));
        let mut classes: Vec<String> = Vec::new();
        for class in self.classes.iter().map(|label| merged(label)).filter(is_class).chain(found) {
            if !classes.contains(&class) {
                classes.push(class);
            }
        }
        while classes.len() < 2 {
            classes.push(if classes.iter().any(|c| c == "other") { "another".into() } else { "other".into() });
        }
        self.scale(classes, &all, merged)
    }

    fn scale(&self, classes: Vec<String>, all: &[String], merged: impl Fn(&str) -> String) -> Result<Coding, String> {
        let mut answers: Vec<Answer> = classes.iter().map(|key| answer(key, Role::Class)).collect();
        let place = |label: &String| {
            let at = classes.iter().position(|class| class == label);
            at.map(|at| at as u8).ok_or(format!("`{label}` is no class, so nothing lies between it and another"))
        };
        for (label, low, high) in &self.between {
            let (a, b) = (place(low)?, place(high)?);
            if a == b {
                return Err(format!("`{label}` lies between `{low}` and itself"));
            }
            answers.push(answer(label, Role::Between { low: a.min(b), high: a.max(b) }));
        }
        answers.extend(self.side.iter().map(|key| answer(key, Role::Side)));
        if answers.len() > LABELS_AT_MOST {
            return Err(format!("{} different labels, more than {LABELS_AT_MOST}", answers.len()));
        }
        let mut places = HashMap::new();
        for (at, answer) in answers.iter().enumerate() {
            if places.insert(answer.key.clone(), at as u8).is_some() {
                return Err(format!("`{}` is given two meanings", answer.key));
            }
        }
        for label in all {
            let at = places[&merged(label)];
            places.insert(label.clone(), at);
        }
        let heavy_from = (classes.len() - 1) as u8;
        Ok(Coding { scale: Scale { key: "file".into(), ordered: self.ordered, heavy_from, answers }, answers: places })
    }
}

fn answer(key: &str, role: Role) -> Answer {
    Answer::new(key, role, 0)
}

/// Numbers before words, numbers by value.
fn order_of(label: &str) -> (bool, f64, String) {
    match label.parse::<f64>() {
        Ok(number) if number.is_finite() => (false, number, label.into()),
        _ => (true, 0.0, label.into()),
    }
}

impl Coding {
    /// The answer that a label is.
    pub fn answer(&self, label: &str) -> Option<u8> {
        self.answers.get(label).copied()
    }

    /// The class that a label is, if it is one.
    pub fn class(&self, label: &str) -> Option<u8> {
        self.answer(label).filter(|&answer| usize::from(answer) < self.scale.classes().len())
    }
}

/// A file's labels as columns for the core, numbered so that no order of rows can change a result.
pub struct Prepared {
    /// The columns.
    pub columns: Columns,
    /// The core's number of each task, by its number in the file.
    pub tile_of: Vec<u32>,
    /// The core's number of each worker, by its number in the file.
    pub volunteer_of: Vec<u32>,
}

/// Numbers the labels for the core; `gold` has one entry a task of the file.
///
/// # Errors
/// When a label has no meaning.
pub fn prepare(file: &LabelFile, coding: &Coding, gold: &[Option<u8>]) -> Result<Prepared, String> {
    let (tile_of, volunteer_of) = (file.tasks.ranks(), file.workers.ranks());
    let answers: Vec<u8> = (file.labels.list.iter())
        .map(|label| coding.answer(label).ok_or(format!("the label `{label}` has no meaning")))
        .collect::<Result<_, _>>()?;
    let mut gold_of = vec![None; file.tasks.list.len()];
    gold.iter().zip(&tile_of).for_each(|(&gold, &tile)| gold_of[tile as usize] = gold);
    let columns = Columns::new(
        file.rows.iter().map(|row| tile_of[row.0 as usize]).collect(),
        file.rows.iter().map(|row| volunteer_of[row.1 as usize]).collect(),
        file.rows.iter().map(|row| answers[row.2 as usize]).collect(),
        gold_of,
        volunteer_of.len() as u32,
    );
    Ok(Prepared { columns: columns.map_err(|e| e.to_string())?, tile_of, volunteer_of })
}
