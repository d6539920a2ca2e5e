//! `aftermap consensus`: the voting core as a tool of its own, CSV in, CSV out.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use super::consensus_report;
use super::label_file::{self, Coding, LabelFile, Meaning, Prepared};
use crate::consensus::batch::{self, Outcome};
use crate::consensus::policy::{self, TileFacts};
use crate::consensus::{self, VotingRule};
use crate::domain::consensus::{Consensus, TileState};
use crate::domain::policy::Policy;

/// Turn a file of labels into one consensus per task.
///
/// Example: aftermap consensus labels.csv --ordinal --side bad_imagery --out consensus.csv --report report.txt
#[derive(Debug, Clone, clap::Args)]
pub struct ConsensusArgs {
    /// CSV with the columns task,worker,label and perhaps timestamp
    pub labels: PathBuf,
    /// CSV with the columns task,label: answers that experts fixed
    #[arg(long)]
    pub gold: Option<PathBuf>,
    /// default, majority, wawa, dawid-skene, hds or weighted-share
    #[arg(long, default_value = "default")]
    pub method: String,
    /// The classes are grades of one thing, in the order of --classes, else of their numbers or letters
    #[arg(long)]
    pub ordinal: bool,
    /// All classes in their order
    #[arg(long, value_delimiter = ',', value_name = "L,L")]
    pub classes: Vec<String>,
    /// Labels that say nothing about the class, such as "bad imagery"
    #[arg(long, value_delimiter = ',', value_name = "L,L")]
    pub side: Vec<String>,
    /// A label between two classes, such as "maybe"; may be repeated
    #[arg(long, value_name = "L=A,B")]
    pub between: Vec<String>,
    /// Merges a label into another before anything else; may be repeated
    #[arg(long = "as", value_name = "L=M")]
    pub merge: Vec<String>,
    /// Calls this class where its probability (of ordered classes: that of it or worse) is at least P; may be repeated
    #[arg(long, value_name = "L=P")]
    pub screen: Vec<String>,
    /// CSV to write: one row a task, in order of first appearance
    #[arg(long)]
    pub out: PathBuf,
    /// CSV to write: one row a worker
    #[arg(long)]
    pub workers_out: Option<PathBuf>,
    /// Summary to write: agreement, who was trusted, what is contested, calibration against gold
    #[arg(long)]
    pub report: Option<PathBuf>,
}

/// Everything that came out of a run.
pub struct Run {
    /// The labels as read.
    pub file: LabelFile,
    /// What the labels mean.
    pub coding: Coding,
    /// The labels as the core saw them.
    pub prepared: Prepared,
    /// The expert's class of each task of the file.
    pub gold: Vec<Option<u8>>,
    /// What the method said, in the core's numbering.
    pub outcome: Outcome,
    /// The method.
    pub rule: &'static dyn VotingRule,
    screens: Vec<(u8, f64)>,
}

/// Runs the verb.
///
/// # Errors
/// One sentence that names file and line. Nothing is published where gold says that the crowd cannot be read.
pub fn run(args: &ConsensusArgs) -> Result<(), String> {
    let run = consensus(args)?;
    if let Some(path) = &args.report {
        write(path, |out| consensus_report::write(&run, out))?;
    }
    if let Some(path) = &args.workers_out {
        write(path, |out| write_workers(&run, out))?;
    }
    let model = &run.outcome.fitted.model;
    if !model.identifiable {
        return Err(format!(
            "not identifiable: without gold the labels call only {:.0} % of {} gold tasks rightly, so no consensus is \
             written; look at --report and --workers-out, set accounts aside or add gold",
            100.0 * model.gold_accuracy.unwrap_or(0.0),
            model.gold_tiles
        ));
    }
    write(&args.out, |out| write_tasks(&run, out))
}

/// Reads the files and computes the consensus of every task.
///
/// # Errors
/// One sentence that names file and line.
pub fn consensus(args: &ConsensusArgs) -> Result<Run, String> {
    let known = || consensus::METHODS.map(|rule| rule.method()).join(", ");
    let rule = consensus::method(&args.method).ok_or(format!("no method `{}`; there are {}", args.method, known()))?;
    let meaning = meaning(args)?;
    let file = LabelFile::read(&args.labels)?;
    let gold_rows = args.gold.as_deref().map_or(Ok(Vec::new()), label_file::read_answers)?;
    let labels = file.labels.list.iter().map(|label| &**label).chain(gold_rows.iter().map(|row| row.1.as_str()));
    let coding = meaning.coding(labels)?;
    let mut gold = vec![None; file.tasks.list.len()];
    for (task, label, line) in &gold_rows {
        let class = coding.class(label).ok_or(format!("gold: line {line}: `{label}` is no class"))?;
        if let Some(task) = file.tasks.get(task) {
            gold[task as usize] = Some(class);
        }
    }
    let screens = args.screen.iter().map(|text| screen(text, &coding)).collect::<Result<_, _>>()?;
    let prepared = label_file::prepare(&file, &coding, &gold)?;
    let outcome = batch::run(rule, &coding.scale, &prepared.columns);
    Ok(Run { file, coding, prepared, gold, outcome, rule, screens })
}

fn meaning(args: &ConsensusArgs) -> Result<Meaning, String> {
    let split = |text: &str, what: &str| {
        text.split_once('=').map(|(a, b)| (a.to_string(), b.to_string())).ok_or(format!("`{text}`: write {what}"))
    };
    let between = |text: &String| {
        let (label, classes) = split(text, "--between label=class,class")?;
        let (low, high) = classes.split_once(',').ok_or(format!("`{text}`: write --between label=class,class"))?;
        Ok((label, low.to_string(), high.to_string()))
    };
    Ok(Meaning {
        side: args.side.clone(),
        between: args.between.iter().map(between).collect::<Result<_, String>>()?,
        merged: args.merge.iter().map(|text| split(text, "--as label=other")).collect::<Result<_, _>>()?,
        ordered: args.ordinal,
        classes: args.classes.clone(),
    })
}

fn screen(text: &str, coding: &Coding) -> Result<(u8, f64), String> {
    let wrong = || format!("`{text}`: write --screen class=probability, such as 1=.35");
    let (label, share) = text.split_once('=').ok_or_else(wrong)?;
    let share: f64 = share.parse().ok().filter(|p| (0.0..=1.0).contains(p)).ok_or_else(wrong)?;
    Ok((coding.class(label).ok_or_else(|| format!("`{label}` in --screen is no class"))?, share))
}

impl Run {
    /// The consensus of a task of the file; a gold task's is the expert's.
    pub fn consensus(&self, task: usize) -> Consensus {
        let mut consensus = self.outcome.consensus[self.prepared.tile_of[task] as usize].clone();
        if let Some(class) = self.gold[task] {
            consensus.probabilities.fill(0.0);
            consensus.probabilities[usize::from(class)] = 1.0;
            (consensus.class, consensus.probability, consensus.entropy) = (Some(class), Some(1.0), 0.0);
            consensus.evidence = 1e12f64.ln();
            return consensus;
        }
        let called = self.screens.iter().find(|(class, share)| self.is_screened(&consensus, *class, *share));
        if let Some(&(class, _)) = called {
            consensus.class = Some(class);
            consensus.probability = Some(consensus.probabilities[usize::from(class)]);
        }
        consensus
    }

    fn is_screened(&self, consensus: &Consensus, class: u8, share: f64) -> bool {
        let at = usize::from(class);
        match consensus.class {
            None => false,
            Some(call) if self.coding.scale.ordered => {
                call < class && policy::screen(&consensus.probabilities, at, share)
            }
            Some(_) => consensus.probabilities[at] >= share,
        }
    }

    /// Where a task would stand under the default policy.
    pub fn state(&self, task: usize, consensus: &Consensus) -> TileState {
        if self.gold[task].is_some() {
            return TileState::Reviewed;
        }
        let (scale, model) = (&self.coding.scale, &self.outcome.fitted.model);
        policy::decide(scale, &Policy::default(), model, consensus, &TileFacts::default()).state
    }
}

fn write(path: &Path, fill: impl FnOnce(&mut dyn Write) -> std::io::Result<()>) -> Result<(), String> {
    let fail = |e: std::io::Error| format!("{}: {e}", path.display());
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    let mut out = BufWriter::with_capacity(1 << 18, File::create(&part).map_err(fail)?);
    let written = fill(&mut out).and_then(|()| out.flush()).and_then(|()| out.get_ref().sync_all());
    drop(out);
    written.and_then(|()| std::fs::rename(&part, path)).map_err(|e| {
        let _ = std::fs::remove_file(&part);
        fail(e)
    })
}

fn write_tasks(run: &Run, out: &mut dyn Write) -> std::io::Result<()> {
    let classes = run.coding.scale.classes();
    let mut csv = csv::Writer::from_writer(out);
    let names = classes.iter().map(|class| format!("p_{}", class.key));
    let first = ["task", "label", "probability"].map(String::from);
    let last = ["evidence", "effective_redundancy", "labels", "state"].map(String::from);
    csv.write_record(first.into_iter().chain(names).chain(last))?;
    let mut cell = String::new();
    for (task, name) in run.file.tasks.list.iter().enumerate() {
        let c = run.consensus(task);
        csv.write_field(&**name)?;
        csv.write_field(c.class.map_or("", |class| &classes[usize::from(class)].key))?;
        number(&mut csv, &mut cell, c.probability)?;
        for p in &c.probabilities {
            number(&mut csv, &mut cell, Some(*p))?;
        }
        number(&mut csv, &mut cell, Some(c.evidence))?;
        number(&mut csv, &mut cell, Some(c.effective_redundancy))?;
        csv.write_field(c.labels.to_string())?;
        csv.write_field(run.state(task, &c).key())?;
        csv.write_record(None::<&[u8]>)?;
    }
    csv.flush()
}

fn number<W: Write>(csv: &mut csv::Writer<W>, cell: &mut String, value: Option<f64>) -> std::io::Result<()> {
    use std::fmt::Write as _;
    cell.clear();
    if let Some(value) = value {
        let _ = write!(cell, "{value:.6}");
    }
    csv.write_field(&*cell)?;
    Ok(())
}

fn write_workers(run: &Run, out: &mut dyn Write) -> std::io::Result<()> {
    let mut csv = csv::Writer::from_writer(out);
    csv.write_record([
        "worker",
        "labels",
        "accuracy",
        "accuracy_low",
        "accuracy_high",
        "weight",
        "bias",
        "gold_labels",
        "gold_correct",
        "ring",
        "quarantine",
    ])?;
    for (worker, name) in run.file.workers.list.iter().enumerate() {
        let skill = &run.outcome.fitted.skills[run.prepared.volunteer_of[worker] as usize];
        let labels = f64::from(skill.labels);
        let (low, high) =
            crate::consensus::measures::beta_interval(skill.accuracy * labels, (1.0 - skill.accuracy) * labels);
        let number = |value: f64| format!("{value:.6}");
        csv.write_record([
            &**name,
            &skill.labels.to_string(),
            &number(skill.accuracy),
            &number(low),
            &number(high),
            &number(skill.weight),
            &number(skill.bias),
            &skill.gold_labels.to_string(),
            &skill.gold_correct.to_string(),
            &if skill.ring > 0 { skill.ring.to_string() } else { String::new() },
            skill.quarantine.map_or("", |reason| reason.key()),
        ])?;
    }
    csv.flush()
}
