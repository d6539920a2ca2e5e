//! The readable summary of `aftermap consensus --report`.

use std::io::{self, Write};

use super::consensus::Run;
use crate::consensus::Skill;
use crate::consensus::measures::{self, wilson};
use crate::consensus::score::calibration_error;
use crate::domain::consensus::{Consensus, TileState};

/// Rows in each list.
const LISTED: usize = 20;

/// Writes the summary.
///
/// # Errors
/// When the file cannot be written.
pub fn write(run: &Run, out: &mut dyn Write) -> io::Result<()> {
    let tasks: Vec<Consensus> = (0..run.file.tasks.list.len()).map(|task| run.consensus(task)).collect();
    let states: Vec<TileState> = tasks.iter().enumerate().map(|(task, c)| run.state(task, c)).collect();
    head(run, &tasks, &states, out)?;
    agreement(run, out)?;
    crowd(run, out)?;
    trusted(run, out)?;
    contested(run, &tasks, &states, out)?;
    gold(run, out)
}

fn head(run: &Run, tasks: &[Consensus], states: &[TileState], out: &mut dyn Write) -> io::Result<()> {
    let model = &run.outcome.fitted.model;
    writeln!(out, "method      {} (version {})", run.rule.method(), run.rule.version())?;
    writeln!(
        out,
        "labels      {} rows, {} tasks, {} workers, {:.2} labels a task",
        run.file.rows.len(),
        tasks.len(),
        run.file.workers.list.len(),
        tasks.iter().map(|c| f64::from(c.labels)).sum::<f64>() / tasks.len().max(1) as f64
    )?;
    let by_state = TileState::ALL.iter().map(|state| (state.key(), states.iter().filter(|s| *s == state).count()));
    let by_state: Vec<String> = by_state.map(|(key, count)| format!("{count} {key}")).collect();
    writeln!(out, "tasks       {}", by_state.join(", "))?;
    for (class, answer) in run.coding.scale.classes().iter().enumerate() {
        let called = tasks.iter().filter(|c| c.class == Some(class as u8)).count();
        writeln!(out, "class       {:<20} called {called}, expected {:.1}", answer.key, expected(tasks, class))?;
    }
    writeln!(
        out,
        "pool        confusion posterior {:.2}, weighted share {:.2}; errors alike to the degree {:.3}",
        model.posterior_share,
        1.0 - model.posterior_share,
        model.correlation
    )
}

fn expected(tasks: &[Consensus], class: usize) -> f64 {
    tasks.iter().map(|c| c.probabilities[class]).sum()
}

fn agreement(run: &Run, out: &mut dyn Write) -> io::Result<()> {
    let answers = run.coding.scale.answers.len();
    let counts: Vec<u32> = run.outcome.consensus.iter().flat_map(|c| c.answers.iter().copied()).collect();
    let a = measures::agreement(&counts, answers);
    let text = |value: Option<f64>| value.map_or("unknown".into(), |value| format!("{value:.4}"));
    writeln!(out, "\nAgreement (useful crowds have an alpha of .1 to .5)")?;
    writeln!(out, "  Krippendorff's alpha, nominal  {}", text(a.alpha_nominal))?;
    writeln!(out, "  Krippendorff's alpha, ordinal  {}", text(a.alpha_ordinal))?;
    writeln!(out, "  Fleiss' kappa                  {}", text(a.fleiss_kappa))?;
    writeln!(out, "  pairwise agreement             {}", text(a.pairwise))
}

fn crowd(run: &Run, out: &mut dyn Write) -> io::Result<()> {
    let table = &run.outcome.fitted.model.average.table;
    let classes = run.coding.scale.classes().len();
    if table.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nThe average worker: share of each answer (columns) where the class is (rows)")?;
    let answers = &run.coding.scale.answers[..table.len() / classes];
    writeln!(out, "  {:<20} {}", "", answers.iter().map(|a| format!("{:>8.8}", a.key)).collect::<String>())?;
    for class in 0..classes {
        let row = (0..answers.len()).map(|answer| format!("{:>8.3}", f64::from(table[answer * classes + class]).exp()));
        writeln!(out, "  {:<20} {}", answers[class].key, row.collect::<String>())?;
    }
    Ok(())
}

fn trusted(run: &Run, out: &mut dyn Write) -> io::Result<()> {
    let mut skills: Vec<(&str, &Skill)> = (run.file.workers.list.iter().zip(&run.prepared.volunteer_of))
        .map(|(name, &at)| (&**name, &run.outcome.fitted.skills[at as usize]))
        .filter(|(_, skill)| skill.labels > 0)
        .collect();
    skills.sort_by(|a, b| b.1.weight.total_cmp(&a.1.weight).then(b.1.labels.cmp(&a.1.labels)).then(a.0.cmp(b.0)));
    let line = |out: &mut dyn Write, (name, s): &(&str, &Skill)| {
        let ring = if s.ring > 0 { format!(", ring {}", s.ring) } else { String::new() };
        let aside = s.quarantine.map_or(String::new(), |reason| format!(", set aside: {}", reason.key()));
        writeln!(
            out,
            "  {name:<20} weight {:.3}, accuracy {:.3}, bias {:+.2}, {} labels, gold {}/{}{ring}{aside}",
            s.weight, s.accuracy, s.bias, s.labels, s.gold_correct, s.gold_labels
        )
    };
    writeln!(out, "\nMost trusted workers")?;
    skills.iter().take(LISTED).try_for_each(|row| line(out, row))?;
    writeln!(out, "\nLeast trusted workers")?;
    skills.iter().rev().take(LISTED).try_for_each(|row| line(out, row))?;
    writeln!(out, "\nSet aside or in a ring (a ring's votes on a task together weigh as one)")?;
    let mut watched: Vec<_> = skills.iter().filter(|(_, s)| s.ring > 0 || s.quarantine.is_some()).collect();
    watched.sort_by_key(|(_, s)| s.ring);
    if watched.is_empty() {
        writeln!(out, "  nobody")?;
    }
    watched.iter().take(5 * LISTED).try_for_each(|row| line(out, row))
}

fn contested(run: &Run, tasks: &[Consensus], states: &[TileState], out: &mut dyn Write) -> io::Result<()> {
    let mut hard: Vec<usize> = (0..tasks.len()).filter(|&t| states[t] == TileState::Contested).collect();
    hard.sort_by(|&a, &b| tasks[b].entropy.total_cmp(&tasks[a].entropy).then(a.cmp(&b)));
    writeln!(out, "\nContested tasks: {}, hardest first", hard.len())?;
    for task in hard.into_iter().take(LISTED) {
        let c = &tasks[task];
        let p: Vec<String> = c.probabilities.iter().map(|p| format!("{p:.2}")).collect();
        let counts: Vec<String> = c.answers.iter().map(u32::to_string).collect();
        let name = &run.file.tasks.list[task];
        writeln!(out, "  {name:<20} p {}  labels {}  entropy {:.3}", p.join(" "), counts.join(" "), c.entropy)?;
    }
    Ok(())
}

fn gold(run: &Run, out: &mut dyn Write) -> io::Result<()> {
    let model = &run.outcome.fitted.model;
    writeln!(out, "\nGold")?;
    let Some(accuracy) = model.gold_accuracy else {
        return writeln!(out, "  none given: quality is not measured, only estimated");
    };
    let n = f64::from(model.gold_tiles);
    let (low, high) = wilson(accuracy * n, n);
    let tasks = (0..run.gold.len()).filter_map(|task| {
        let c = &run.outcome.consensus[run.prepared.tile_of[task] as usize];
        Some((c.probability?, c.class == Some(run.gold[task]?)))
    });
    writeln!(
        out,
        "  {} gold tasks with labels; judged without their gold {:.3} are right ({low:.3} to {high:.3})",
        n, accuracy
    )?;
    let calls: Vec<(f64, bool)> = tasks.collect();
    let (low, high) = consensus_interval(&calls);
    writeln!(out, "  calibration error on gold {:.3} ({low:.3} to {high:.3})", calibration_error(calls.into_iter()))?;
    if !model.identifiable {
        writeln!(out, "  NOT IDENTIFIABLE: the crowd's own consensus contradicts the experts; nothing is published")?;
    }
    Ok(())
}

/// 95 % bootstrap interval of the calibration error over tasks, 200 draws from a fixed seed.
fn consensus_interval(calls: &[(f64, bool)]) -> (f64, f64) {
    measures::bootstrap(calls.len(), |places| calibration_error(places.iter().map(|&at| calls[at])))
}
