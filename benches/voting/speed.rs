//! Time and memory of the fit on generated labels with long-tailed volunteers, and the generator as CSV.

use std::io::Write;
use std::time::Instant;

use aftermap::consensus::{Columns, METHODS, Model, Pool, Vote, VotingRule};
use aftermap::domain::scale::Scale;

use crate::dice::Dice;

/// Labels of 4 ordered classes, 5 a tile; volunteer `w` gives about a share of `1 / w` of them, a tenth guess.
pub fn generate(count: usize, seed: u64) -> Columns {
    let mut dice = Dice(seed);
    let (tiles, volunteers) = (count.div_ceil(5), (count / 40).max(50));
    let class = |u: f64| [0.55, 0.75, 0.9, 1.0].iter().position(|&edge| u < edge).unwrap_or(3);
    let truth: Vec<usize> = (0..tiles).map(|_| class(dice.next())).collect();
    let skill: Vec<f64> =
        (0..volunteers).map(|_| if dice.next() < 0.1 { 0.25 } else { 0.5 + 0.5 * dice.next().sqrt() }).collect();
    let mut columns = (Vec::with_capacity(count), Vec::with_capacity(count), Vec::with_capacity(count));
    for at in 0..count {
        let tile = at / 5;
        let volunteer = (((volunteers as f64).powf(dice.next()) - 1.0) as usize).min(volunteers - 1);
        let miss = if dice.next() < 0.5 { truth[tile].saturating_sub(1) } else { (truth[tile] + 1).min(3) };
        let answer = if dice.next() < skill[volunteer] { truth[tile] } else { miss };
        columns.0.push(tile as u32);
        columns.1.push(volunteer as u32);
        columns.2.push(answer as u8);
    }
    Columns::new(columns.0, columns.1, columns.2, vec![None; tiles], volunteers as u32).expect("numbers in range")
}

/// Times the fit of every method, then one submit.
pub fn run(sizes: &[usize]) {
    let scale = Scale::built_in("jds4").expect("a built-in scale");
    println!("\nSpeed (this process alone; peak memory so far, labels included)");
    for &size in sizes {
        let columns = generate(size, 7);
        for rule in METHODS {
            let start = Instant::now();
            let fitted = rule.fit(&scale, &columns, 1);
            let seconds = start.elapsed().as_secs_f64();
            println!(
                "{size:>9} labels  fit {:<15} {seconds:>7.2} s   {} {}",
                rule.method(),
                fitted.skills.len(),
                peak()
            );
        }
    }
    submit(&scale);
}

fn submit(scale: &Scale) {
    let columns = generate(20_000, 3);
    let fitted = Pool.fit(scale, &columns, 1);
    let votes: Vec<Vote<'_>> =
        (0..10).map(|at| Vote { answer: (at % 3) as u8, skill: fitted.skills.get(at * 7) }).collect();
    let model: &Model = &fitted.model;
    let start = Instant::now();
    let rounds = 20_000;
    let mut sum = 0.0;
    for _ in 0..rounds {
        sum += Pool.consensus(scale, model, std::hint::black_box(&votes)).evidence;
    }
    let micros = start.elapsed().as_secs_f64() * 1e6 / f64::from(rounds);
    println!("submit's consensus at 10 labels: {micros:.2} microseconds (evidence {:.3})", sum / f64::from(rounds));
}

fn peak() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.map_or(String::new(), |text| format!("peak {}", text.trim()))
}

/// Writes generated labels as CSV for whole-process timing.
pub fn write_csv(count: usize, path: &str) -> std::io::Result<()> {
    let columns = generate(count, 7);
    let mut out = std::io::BufWriter::new(std::fs::File::create(path)?);
    writeln!(out, "task,worker,label")?;
    for at in 0..columns.len() {
        writeln!(out, "t{},w{},{}", columns.tiles()[at], columns.volunteers()[at], columns.answers()[at])?;
    }
    out.flush()
}
