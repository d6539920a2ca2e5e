//! What is printed: the machine, and one line for each run.

use super::drive::Run;
use super::server::{Counters, Setting};

/// Says on what, and beside what, the figures were measured.
pub fn machine() {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let model = read("/proc/cpuinfo");
    let model = model
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .unwrap_or("")
        .trim_start_matches([':', '\t', ' ']);
    let load = read("/proc/loadavg");
    println!("{model}; load before the run {}", load.split(' ').take(3).collect::<Vec<_>>().join(" "));
}

/// The names of the columns. `CPU us`: time of the server's core for each label, which does not depend on what else runs
/// on the machine as the others do.
pub fn head() {
    println!(
        "
{:<9} {:>8} {:>9} {:>6}  {:<14} {:>8} {:>8} {:>8} {:>8} {:>7} {:>9} {:>8} {:>7}",
        "database",
        "tiles",
        "labels",
        "fsync",
        "loop",
        "per s",
        "p50 ms",
        "p95 ms",
        "p99 ms",
        "RSS MB",
        "commits/s",
        "a commit",
        "CPU us"
    );
}

/// One run.
pub struct Line<'a> {
    /// What was run.
    pub setting: &'a Setting,
    /// Which loop.
    pub what: &'a str,
    /// What it measured.
    pub run: &'a Run,
    /// The server's memory at the end.
    pub rss_mb: u64,
    /// What was committed meanwhile, warm-up included.
    pub counters: Option<Counters>,
}

impl Line<'_> {
    /// Prints it under the columns of [`head`].
    pub fn print(&self) {
        let Setting { database, tiles, labels, fsync_ms, .. } = self.setting;
        let per_second = self.run.latencies.len() as f64 / self.run.seconds;
        let [p50, p95, p99] = [0.5, 0.95, 0.99].map(|share| quantile(&self.run.latencies, share));
        let of = |show: &dyn Fn(&Counters) -> String| self.counters.as_ref().map_or(String::new(), show);
        let commits = of(&|count| format!("{:.0}", count.per_second()));
        let each = of(&|count| format!("{:.1}", count.labels as f64 / count.commits.max(1) as f64));
        let busy = of(&|count| format!("{:.0}", count.busy * 1e6 / count.labels.max(1) as f64));
        println!(
            "{database:<9} {tiles:>8} {labels:>9} {:>6}  {:<14} {per_second:>8.0} {p50:>8.2} {p95:>8.2} {p99:>8.2} {:>7} \
             {commits:>9} {each:>8} {busy:>7}",
            format!("+{fsync_ms}"),
            self.what,
            self.rss_mb,
        );
        if self.run.other > 0 {
            println!("          {} labels were not answered `stored`", self.run.other);
        }
    }
}

fn quantile(sorted: &[f64], share: f64) -> f64 {
    match sorted.len() {
        0 => f64::NAN,
        count => sorted[((count as f64 * share).ceil() as usize).clamp(1, count) - 1],
    }
}
