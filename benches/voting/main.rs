//! What the voting core must show and is too long for a test: `cargo bench --bench voting`.
//!
//! - `-- table` the methods on the development sets; `-- adaptive`, `-- collusion` the two reference procedures;
//! - `-- speed [LABELS…]` the fit alone on generated labels; `-- csv LABELS FILE` writes such labels for timing the tool;
//! - `-- synthetic [CROWDS]` the methods on generated crowds, where free constants are chosen;
//! - without a word all but `csv`. The sets are looked for in `$AFTERMAP_TEST_DATA/crowd`.

mod adaptive;
mod collusion;
mod dice;
mod numpy;
mod sets;
mod speed;
mod synthetic;

const SETS: [&str; 13] = [
    "bluebird",
    "rte",
    "product",
    "sp_amt",
    "zencrowd_us",
    "dog",
    "labelme",
    "ms",
    "cf_amt",
    "fact_eval",
    "web",
    "adult",
    "haiti_a",
];

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with("--")).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let result = match words.as_slice() {
        ["csv", count, path] => count
            .parse()
            .map_err(|_| format!("`{count}` is no number of labels"))
            .and_then(|count| speed::write_csv(count, path).map_err(|e| format!("{path}: {e}"))),
        ["speed", sizes @ ..] => {
            let sizes: Vec<usize> = sizes.iter().filter_map(|size| size.parse().ok()).collect();
            speed::run(if sizes.is_empty() { &[100_000, 1_000_000] } else { &sizes });
            Ok(())
        }
        ["synthetic", count @ ..] => {
            synthetic::run(count.first().and_then(|count| count.parse().ok()).unwrap_or(200));
            Ok(())
        }
        [] => on_sets("table").and_then(|()| on_sets("adaptive")).and_then(|()| on_sets("collusion")).map(|()| {
            synthetic::run(200);
            speed::run(&[100_000, 1_000_000]);
        }),
        [what, ..] => on_sets(what),
    };
    if let Err(reason) = result {
        println!("failed: {reason}");
        std::process::exit(1);
    }
}

fn on_sets(what: &str) -> Result<(), String> {
    let Some(root) = sets::root() else {
        println!("{what}: skipped, no crowd sets in $AFTERMAP_TEST_DATA");
        return Ok(());
    };
    match what {
        "table" => aftermap::cli::evaluate::run(&aftermap::cli::evaluate::EvaluateArgs {
            sets: SETS.iter().map(|set| root.join(set)).collect(),
            methods: Vec::new(),
            json: false,
        }),
        "adaptive" => adaptive::run(&root),
        "collusion" => collusion::run(&root),
        _ => Err(format!("`{what}`: say table, adaptive, collusion, synthetic, speed or csv")),
    }
}
