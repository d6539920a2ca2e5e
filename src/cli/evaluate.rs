//! `aftermap evaluate`: every method on sets with known truth, scored beside each other.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::label_file::{self, LabelFile, Meaning};
use crate::consensus::score::{self, Judged};
use crate::consensus::{self, VotingRule, batch};

/// Score the methods on sets of labels with known truth.
///
/// Example: aftermap evaluate crowd/web crowd/dog --json
#[derive(Debug, Clone, clap::Args)]
pub struct EvaluateArgs {
    /// Folders with labels.csv, truth.csv and meta.json
    #[arg(required = true)]
    pub sets: Vec<PathBuf>,
    /// Methods to run; all of them unless told
    #[arg(long = "method", value_name = "NAME")]
    pub methods: Vec<String>,
    /// Print JSON instead of a table
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Meta {
    classes: Vec<String>,
    ordinal: bool,
    side: Vec<String>,
    between: HashMap<String, (String, String)>,
    #[serde(rename = "as")]
    merged: HashMap<String, String>,
    screen: HashMap<String, f64>,
}

/// One line of the result: the scores of one method on one set.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Line {
    /// Name of the set's folder.
    pub set: String,
    /// Name of the method.
    pub method: String,
    /// Share of tasks with truth that are called rightly.
    pub accuracy: f64,
    /// Mean F1 over the classes of the truth.
    pub macro_f1: f64,
    /// F1 of the screened class (`screen` in meta.json, else damage of a two-class set with answers between).
    pub f1_screened: Option<f64>,
    /// Quadratic-weighted kappa.
    pub qwk: f64,
    /// Expected calibration error.
    pub ece: f64,
    /// Brier score.
    pub brier: f64,
    /// Negative log-likelihood, nats.
    pub nll: f64,
    /// Share of tasks called with at least .9.
    pub sure: f64,
    /// Share of these that are right.
    pub sure_accuracy: f64,
    /// Seconds for fit and consensus.
    pub seconds: f64,
}

/// Runs the verb.
///
/// # Errors
/// One sentence that names the file at fault.
pub fn run(args: &EvaluateArgs) -> Result<(), String> {
    let rules = rules(&args.methods)?;
    let mut lines = Vec::new();
    for set in &args.sets {
        lines.extend(evaluate(set, &rules)?);
    }
    if args.json {
        println!("{}", serde_json::to_string_pretty(&lines).map_err(|e| e.to_string())?);
    } else {
        print_table(&lines);
    }
    Ok(())
}

fn rules(names: &[String]) -> Result<Vec<&'static dyn VotingRule>, String> {
    if names.is_empty() {
        return Ok(consensus::METHODS.to_vec());
    }
    let known = || consensus::METHODS.map(|rule| rule.method()).join(", ");
    let find = |name: &String| consensus::method(name).ok_or(format!("no method `{name}`; there are {}", known()));
    names.iter().map(find).collect()
}

/// Scores the methods on one set. Truth is never given to a method.
///
/// # Errors
/// One sentence that names the file at fault.
pub fn evaluate(set: &Path, rules: &[&'static dyn VotingRule]) -> Result<Vec<Line>, String> {
    let meta_path = set.join("meta.json");
    let meta = std::fs::read_to_string(&meta_path).map_err(|e| format!("{}: {e}", meta_path.display()))?;
    let meta: Meta = serde_json::from_str(&meta).map_err(|e| format!("{}: {e}", meta_path.display()))?;
    let file = LabelFile::read(&set.join("labels.csv"))?;
    let truth = label_file::read_answers(&set.join("truth.csv"))?;
    if truth.is_empty() {
        return Ok(Vec::new());
    }
    let name = set.file_name().map_or_else(|| set.display().to_string(), |name| name.to_string_lossy().into_owned());
    rules.iter().map(|&rule| judge(&name, rule, &meta, &file, &truth)).collect()
}

fn meaning(meta: &Meta, rule: &dyn VotingRule) -> Meaning {
    let merges = rule.about().published;
    let mut between: Vec<_> = meta.between.iter().map(|(l, (a, b))| (l.clone(), a.clone(), b.clone())).collect();
    let mut merged: Vec<_> = meta.merged.iter().map(|(from, to)| (from.clone(), to.clone())).collect();
    if merges {
        between.retain(|b| !meta.merged.contains_key(&b.0));
    } else {
        merged.retain(|(from, _)| !meta.between.contains_key(from));
    }
    between.sort();
    merged.sort();
    let classes = (0..meta.classes.len()).map(|class| class.to_string()).collect();
    Meaning { side: meta.side.clone(), between, merged, ordered: meta.ordinal, classes }
}

fn judge(
    set: &str,
    rule: &'static dyn VotingRule,
    meta: &Meta,
    file: &LabelFile,
    truth: &[(String, String, u64)],
) -> Result<Line, String> {
    let labels = file.labels.list.iter().map(|label| &**label).chain(truth.iter().map(|row| row.1.as_str()));
    let coding = meaning(meta, rule).coding(labels)?;
    let prepared = label_file::prepare(file, &coding, &vec![None; file.tasks.list.len()])?;
    let start = Instant::now();
    let outcome = batch::run(rule, &coding.scale, &prepared.columns);
    let seconds = start.elapsed().as_secs_f64();
    let classes = coding.scale.classes().len();
    let mut judged = Vec::with_capacity(truth.len());
    for (task, label, line) in truth {
        let class = coding.class(label).ok_or(format!("{set}/truth.csv: line {line}: `{label}` is no class"))?;
        let consensus = file.tasks.get(task).map(|task| &outcome.consensus[prepared.tile_of[task as usize] as usize]);
        judged.push(Judged {
            truth: usize::from(class),
            call: consensus.and_then(|c| c.class).map(usize::from),
            probabilities: consensus.map_or(vec![1.0 / classes as f64; classes], |c| c.probabilities.clone()),
        });
    }
    let s = score::score(&judged, classes);
    Ok(Line {
        set: set.into(),
        method: rule.method().into(),
        accuracy: s.accuracy,
        macro_f1: s.macro_f1,
        f1_screened: screened(meta, &coding, &judged),
        qwk: s.qwk,
        ece: s.ece,
        brier: s.brier,
        nll: s.nll,
        sure: s.sure.0,
        sure_accuracy: s.sure.1,
        seconds,
    })
}

/// F1 of the screened class, called where its probability reaches the threshold; of ordered or two classes, of "this
/// class or worse".
fn screened(meta: &Meta, coding: &label_file::Coding, judged: &[Judged]) -> Option<f64> {
    let (class, threshold) = match meta.screen.iter().min_by(|a, b| a.0.cmp(b.0)) {
        Some((label, &threshold)) => (usize::from(coding.class(label)?), threshold),
        None if !meta.between.is_empty() => (1, consensus::policy::SCREEN),
        None => return None,
    };
    let graded = meta.ordinal || coding.scale.classes().len() == 2;
    let is = |truth: usize| if graded { truth >= class } else { truth == class };
    let reaches = |p: &[f64]| {
        if graded { consensus::policy::screen(p, class, threshold) } else { p[class] >= threshold }
    };
    // A task of which nothing is known is not called.
    Some(score::f1_of(judged.iter().map(|j| (j.call.is_some() && reaches(&j.probabilities), is(j.truth)))))
}

fn print_table(lines: &[Line]) {
    println!(
        "{:<14} {:<15} {:>6} {:>6} {:>6} {:>6} {:>6} {:>6} {:>6} {:>12} {:>8}",
        "set", "method", "acc", "F1", "F1scr", "qwk", "ECE", "Brier", "NLL", "p>=.9", "seconds"
    );
    for l in lines {
        let screened = l.f1_screened.map_or("-".into(), |f1| format!("{f1:.3}"));
        println!(
            "{:<14} {:<15} {:>6.3} {:>6.3} {:>6} {:>6.3} {:>6.3} {:>6.3} {:>6.3} {:>5.3} ({:>3.0}%) {:>8.3}",
            l.set,
            l.method,
            l.accuracy,
            l.macro_f1,
            screened,
            l.qwk,
            l.ece,
            l.brier,
            l.nll,
            l.sure_accuracy,
            100.0 * l.sure,
            l.seconds
        );
    }
    let mut methods: Vec<&str> = lines.iter().map(|l| l.method.as_str()).collect();
    methods.dedup();
    methods.sort_unstable();
    methods.dedup();
    for method in methods {
        let of: Vec<&Line> = lines.iter().filter(|l| l.method == method).collect();
        let mean = |f: fn(&Line) -> f64| of.iter().map(|l| f(l)).sum::<f64>() / of.len() as f64;
        println!(
            "{:<14} {:<15} {:>6.4} {:>6.4} {:>6} {:>6} {:>6.4} {:>6.4} {:>6.4} {:>12} {:>8.3}",
            format!("mean of {}", of.len()),
            method,
            mean(|l| l.accuracy),
            mean(|l| l.macro_f1),
            "",
            "",
            mean(|l| l.ece),
            mean(|l| l.brier),
            mean(|l| l.nll),
            "",
            mean(|l| l.seconds)
        );
    }
}
