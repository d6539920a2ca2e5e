//! The voting core on real crowds: the figures of others reproduced, and ours where they must be.
//!
//! Reads `$AFTERMAP_TEST_DATA/crowd` (default `../shared/data/crowd`); says so and passes when it is not there.

use std::path::{Path, PathBuf};

use aftermap::cli::consensus::{self, ConsensusArgs};
use aftermap::cli::evaluate::{Line, evaluate};
use aftermap::consensus::measures;

fn set(name: &str) -> Option<PathBuf> {
    let base = std::env::var("AFTERMAP_TEST_DATA").unwrap_or_else(|_| "../shared/data".into());
    let path = Path::new(&base).join("crowd").join(name);
    if !path.is_dir() {
        println!("skipped: no {}", path.display());
    }
    path.is_dir().then_some(path)
}

fn score(name: &str, method: &str) -> Option<Line> {
    let rule = aftermap::consensus::method(method).unwrap();
    Some(evaluate(&set(name)?, &[rule]).unwrap().remove(0))
}

/// Accuracy and macro-F1 of majority, Wawa and Dawid-Skene as crowd-kit 1.4.2 gives them.
const PUBLISHED: [(&str, [(f64, f64); 3]); 13] = [
    ("bluebird", [(0.759, 0.741), (0.759, 0.741), (0.889, 0.887)]),
    ("rte", [(0.875, 0.873), (0.919, 0.918), (0.927, 0.927)]),
    ("product", [(0.897, 0.765), (0.897, 0.765), (0.940, 0.843)]),
    ("sp_amt", [(0.944, 0.943), (0.944, 0.943), (0.944, 0.943)]),
    ("zencrowd_us", [(0.868, 0.801), (0.866, 0.805), (0.829, 0.783)]),
    ("dog", [(0.812, 0.809), (0.829, 0.828), (0.843, 0.844)]),
    ("labelme", [(0.762, 0.755), (0.764, 0.758), (0.792, 0.786)]),
    ("ms", [(0.707, 0.706), (0.796, 0.800), (0.769, 0.770)]),
    ("cf_amt", [(0.847, 0.722), (0.857, 0.730), (0.840, 0.726)]),
    ("fact_eval", [(0.903, 0.458), (0.901, 0.456), (0.892, 0.448)]),
    ("web", [(0.688, 0.690), (0.769, 0.772), (0.829, 0.826)]),
    ("adult", [(0.763, 0.632), (0.766, 0.637), (0.766, 0.661)]),
    ("haiti_a", [(0.789, 0.717), (0.785, 0.713), (0.764, 0.723)]),
];

#[test]
fn published_methods_give_their_published_figures() {
    for (name, columns) in PUBLISHED {
        for (method, (accuracy, f1)) in ["majority", "wawa", "dawid-skene"].into_iter().zip(columns) {
            let Some(line) = score(name, method) else { return };
            // The published figures are cut to three digits.
            assert!((line.accuracy - accuracy).abs() < 0.0036, "{name} {method}: {} {accuracy}", line.accuracy);
            assert!((line.macro_f1 - f1).abs() < 0.0036, "{name} {method}: {} {f1}", line.macro_f1);
        }
    }
}

/// The best accuracy of any published method or sketch per set.
const BEST: [(&str, f64); 13] = [
    ("bluebird", 0.898),
    ("rte", 0.930),
    ("product", 0.940),
    ("sp_amt", 0.946),
    ("zencrowd_us", 0.910),
    ("dog", 0.843),
    ("labelme", 0.799),
    ("ms", 0.801),
    ("cf_amt", 0.860),
    ("fact_eval", 0.903),
    ("web", 0.849),
    ("adult", 0.796),
    ("haiti_a", 0.793),
];

#[test]
fn the_default_beats_them_with_one_set_of_parameters() {
    let mut lines = Vec::new();
    for (name, best) in BEST {
        let Some(line) = score(name, "default") else { return };
        assert!(line.accuracy > best - 0.03, "{name}: {} against {best}", line.accuracy);
        lines.push(line);
    }
    let mean = |f: fn(&Line) -> f64| lines.iter().map(f).sum::<f64>() / lines.len() as f64;
    assert!(mean(|l| l.accuracy) >= 0.855, "accuracy {}", mean(|l| l.accuracy));
    assert!(mean(|l| l.macro_f1) >= 0.792, "F1 {}", mean(|l| l.macro_f1));
    assert!(
        mean(|l| l.ece) <= 0.065 && mean(|l| l.brier) <= 0.225,
        "ECE {} Brier {}",
        mean(|l| l.ece),
        mean(|l| l.brier)
    );
    assert!(lines.iter().filter(|l| l.sure == 0.0 || l.sure_accuracy >= 0.9).count() >= 12, "{lines:?}");
    let of = |name: &str| lines.iter().find(|l| l.set == name).unwrap();
    assert!(of("web").qwk >= 0.92 && of("adult").qwk >= 0.88, "{} {}", of("web").qwk, of("adult").qwk);
    assert!(of("haiti_a").f1_screened.unwrap() >= 0.63, "{:?}", of("haiti_a").f1_screened);
}

/// alpha nominal, alpha ordinal, Fleiss' kappa, pairwise agreement; the first row of a repeated label counts.
const AGREEMENT: [(&str, [Option<f64>; 4]); 10] = [
    ("bluebird", [Some(0.1255), None, Some(0.1253), Some(0.5882)]),
    ("rte", [Some(0.2415), None, Some(0.2414), Some(0.6287)]),
    ("product", [Some(0.1575), None, Some(0.1574), Some(0.7255)]),
    ("dog", [Some(0.5194), Some(0.8131), Some(0.5194), Some(0.6411)]),
    ("web", [Some(0.2104), Some(0.3828), Some(0.2079), Some(0.3908)]),
    ("adult", [Some(0.3168), Some(0.4325), Some(0.3786), Some(0.7471)]),
    ("adult90", [Some(0.3198), Some(0.5381), Some(0.3202), Some(0.5030)]),
    ("haiti_a", [Some(0.2213), Some(0.2667), Some(0.2197), Some(0.5665)]),
    ("cf_amt", [Some(0.5209), Some(0.4943), Some(0.5211), Some(0.6331)]),
    ("sp_amt", [Some(0.7377), None, Some(0.7377), Some(0.8688)]),
];

#[test]
fn agreement_equals_the_reference_table() {
    for (name, expected) in AGREEMENT {
        let Some(path) = set(name) else { return };
        let file = aftermap::cli::label_file::LabelFile::read(&path.join("labels.csv")).unwrap();
        let answers = 1 + file.labels.list.iter().map(|label| label.parse::<usize>().unwrap()).max().unwrap();
        let mut counts = vec![0u32; file.tasks.list.len() * answers];
        let mut seen = std::collections::HashSet::new();
        for &(task, worker, label) in &file.rows {
            if seen.insert((task, worker)) {
                counts[task as usize * answers + file.labels.list[label as usize].parse::<usize>().unwrap()] += 1;
            }
        }
        let a = measures::agreement(&counts, answers);
        let ours = [a.alpha_nominal, a.alpha_ordinal, a.fleiss_kappa, a.pairwise];
        for (ours, expected) in ours.into_iter().zip(expected).filter(|(_, expected)| expected.is_some()) {
            assert!((ours.unwrap() - expected.unwrap()).abs() < 1e-4, "{name}: {ours:?} {expected:?}");
        }
    }
}

fn args(labels: &Path, out: &Path) -> ConsensusArgs {
    ConsensusArgs {
        labels: labels.into(),
        gold: None,
        method: "default".into(),
        ordinal: false,
        classes: Vec::new(),
        side: Vec::new(),
        between: Vec::new(),
        merge: Vec::new(),
        screen: Vec::new(),
        out: out.into(),
        workers_out: Some(out.with_extension("workers")),
        report: Some(out.with_extension("report")),
    }
}

/// Runs the tool over this text; its three outputs or its sentence.
fn tool(text: &[u8], change: impl Fn(&mut ConsensusArgs)) -> Result<[String; 3], String> {
    let folder = tempfile::tempdir().unwrap();
    let (labels, out) = (folder.path().join("labels.csv"), folder.path().join("out.csv"));
    std::fs::write(&labels, text).unwrap();
    let mut args = args(&labels, &out);
    change(&mut args);
    consensus::run(&args).map_err(|reason| reason.replace(&*folder.path().to_string_lossy(), ""))?;
    Ok([out.clone(), out.with_extension("workers"), out.with_extension("report")]
        .map(|p| std::fs::read_to_string(p).unwrap()))
}

const SMALL: &str = "task,worker,label\nt1,a,no\nt1,b,no\nt1,c,no\nt2,a,yes\nt2,b,maybe\nt2,c,bad\nt3,a,yes\nt3,b,no\n";

#[test]
fn the_tool_writes_one_row_a_task_in_order_of_appearance() {
    let [out, workers, report] = tool(SMALL.as_bytes(), |args| {
        args.between = vec!["maybe=no,yes".into()];
        args.side = vec!["bad".into()];
        args.screen = vec!["yes=.3".into()];
        args.ordinal = true;
    })
    .unwrap();
    let rows: Vec<&str> = out.lines().collect();
    assert_eq!(rows[0], "task,label,probability,p_no,p_yes,evidence,effective_redundancy,labels,state");
    let start: Vec<&str> = rows[1..].iter().map(|row| row.get(..6).unwrap()).collect();
    assert_eq!(start, ["t1,no,", "t2,yes", "t3,yes"]);
    assert_eq!(workers.lines().count(), 4);
    assert!(report.contains("Krippendorff") && report.contains("none given"), "{report}");
}

#[test]
fn no_order_of_rows_changes_a_byte_of_a_task() {
    let Some(path) = set("web") else { return };
    let text = std::fs::read_to_string(path.join("labels.csv")).unwrap();
    let (head, body) = text.split_once('\n').unwrap();
    let mut rows: Vec<&str> = body.lines().collect();
    let sorted = |rows: &[&str], method: &str| {
        let [out, ..] =
            tool(format!("{head}\n{}\n", rows.join("\n")).as_bytes(), |args| args.method = method.into()).unwrap();
        let mut lines: Vec<String> = out.lines().map(String::from).collect();
        lines.sort();
        lines
    };
    let methods: Vec<&str> = aftermap::consensus::METHODS.iter().map(|rule| rule.method()).collect();
    let first: Vec<Vec<String>> = methods.iter().map(|method| sorted(&rows, method)).collect();
    rows.reverse();
    rows.rotate_left(4321);
    for (method, first) in methods.iter().zip(first) {
        assert!(sorted(&rows, method) == first, "{method}");
    }
}

#[test]
fn the_later_of_repeated_rows_counts_by_time_if_there_is_one() {
    let rows = "task,worker,label\nt,a,no\nt,a,yes\nt,b,yes\nu,b,no\nu,a,no\n";
    let [out, ..] = tool(rows.as_bytes(), |_| ()).unwrap();
    assert!(out.contains("\nt,yes,") && out.contains(",2,open"), "{out}");
    let timed =
        "task,worker,label,timestamp\nt,a,no,2021-02-01\nt,a,yes,2021-01-01\nt,b,no,2021-01-01\nu,b,yes,2021-01-01\n";
    let [out, ..] = tool(timed.as_bytes(), |_| ()).unwrap();
    assert!(out.contains("\nt,no,"), "{out}");
}

#[test]
fn bad_input_is_named_with_its_line() {
    let reason = |text: &[u8]| tool(text, |_| ()).unwrap_err();
    assert_eq!(reason(b"task,label\nt,a\n"), "/labels.csv: line 1: no column `worker`; needed are task,worker,label");
    assert_eq!(reason(b"task,worker,label\nt,a,no\nt,b\n"), "/labels.csv: line 3: 2 cells where the header has 3");
    assert_eq!(
        reason(b"task,worker,label\nt,a,no\nt,\xff,no\n"),
        "/labels.csv: line 3: not UTF-8; save the file as UTF-8 CSV"
    );
    assert_eq!(reason(b"task,worker,label\nt,a,\n"), "/labels.csv: line 2: empty label");
    assert!(reason(b"").contains("line 1"), "{}", reason(b""));
    let wrong = |change: fn(&mut ConsensusArgs)| tool(SMALL.as_bytes(), change).unwrap_err();
    assert!(wrong(|args| args.method = "magic".into()).contains("no method `magic`; there are default, majority"));
    assert!(wrong(|args| args.screen = vec!["yes=2".into()]).contains("--screen"));
    assert!(wrong(|args| args.between = vec!["maybe".into()]).contains("--between"));
}

#[test]
fn poor_input_has_a_defined_result() {
    for text in ["task,worker,label\n", "task,worker,label\nt,a,no\n", "task,worker,label\nt,a,no\nt,a,no\nu,a,no\n"] {
        for rule in aftermap::consensus::METHODS {
            let [out, ..] = tool(text.as_bytes(), |args| args.method = rule.method().into()).unwrap();
            assert!(!out.contains("NaN") && !out.contains("inf"), "{} {out}", rule.method());
        }
    }
    let all_side =
        tool(b"task,worker,label\nt,a,bad\nt,b,bad\nt,c,bad\n", |args| args.side = vec!["bad".into()]).unwrap();
    assert!(all_side[0].contains("unusable"), "{}", all_side[0]);
}

#[test]
fn gold_that_contradicts_the_crowd_publishes_nothing() {
    let (mut rows, mut gold) = (String::from("task,worker,label\n"), String::from("task,label\n"));
    for task in 0..40 {
        for worker in 0..5 {
            rows.push_str(&format!("t{task},w{worker},{}\n", task % 2));
        }
        if task < 20 {
            gold.push_str(&format!("t{task},{}\n", (task + 1) % 2));
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gold.csv");
    std::fs::write(&path, gold).unwrap();
    let reason = tool(rows.as_bytes(), |args| args.gold = Some(path.clone())).unwrap_err();
    assert!(reason.starts_with("not identifiable"), "{reason}");
}
