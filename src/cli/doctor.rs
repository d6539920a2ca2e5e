//! `aftermap doctor`: is everything as it should be?

use std::path::PathBuf;

use clap::Args;

use super::Refused;
use crate::config::DataOptions;
use crate::services::upkeep::check_archives::Repair;
use crate::services::upkeep::doctor::{Place, Report, Weight, examine};

/// Look everything over: schema, rows, archives, releases, key, space, clocks; exit code 1 where something is broken
///
/// Works beside a running server and changes nothing without --repair. A repair sets counters to what their rows say, puts
/// archives that no scene needs out of the way (`tiles/quarantine`, gone after 30 days), cuts missing ones again where
/// their source is at hand, and makes the key private.
///
/// Example: aftermap doctor --data data
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Mend what can be mended
    #[arg(long)]
    repair: bool,
    /// Folder with the source files of scenes, under their own names, from which missing archives are cut again
    #[arg(long, value_name = "DIR", requires = "repair")]
    sources: Option<PathBuf>,
    /// Say it as JSON
    #[arg(long)]
    json: bool,
    /// File of the signing key [default: DIR/key]
    #[arg(long, env = "AFTERMAP_KEY_FILE", value_name = "FILE")]
    key_file: Option<PathBuf>,
    #[command(flatten)]
    place: DataOptions,
}

/// Runs the verb.
pub async fn run(args: DoctorArgs) -> Result<(), Refused> {
    let data = &args.place;
    let place = Place {
        database: data.database()?,
        archives: data.archives()?,
        data: data.data.clone(),
        releases: data.releases_dir(),
        key: args.key_file.clone().unwrap_or_else(|| data.data.join("key")),
    };
    let repair = args.repair.then(|| Repair { sources: args.sources.clone() });
    let report = examine(&place, repair.as_ref()).await?;
    match args.json {
        true => println!("{}", serde_json::to_string_pretty(&report)?),
        false => print(&report),
    }
    match report.findings.iter().filter(|finding| finding.weight == Weight::Fault).count() {
        0 => Ok(()),
        count => Err(format!("{count} things are broken").into()),
    }
}

fn print(report: &Report) {
    for line in &report.sound {
        println!("ok       {line}");
    }
    for finding in &report.findings {
        let word = match finding.weight {
            Weight::Fault => "BROKEN  ",
            Weight::Warning => "warning ",
            Weight::Mended => "mended  ",
        };
        println!("{word} {}: {}", finding.area, finding.what);
        if !finding.advice.is_empty() {
            println!("         -> {}", finding.advice);
        }
    }
}
