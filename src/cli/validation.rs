//! `aftermap validation`: drawing samples for experts to check, and what came of them.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Refused;
use crate::config::DataOptions;
use crate::domain::validation::note;
use crate::domain::validation::{Settings, report::Report};
use crate::export::validation::figures;
use crate::services::campaigns::change_state::find;
use crate::services::clock;
use crate::services::maps::draw_sample::{draw_sample, new_seed};
use crate::services::maps::validation_report;
use crate::storage::Store;

/// Draw a random sample of tiles for experts to grade blind in the browser, and report how right the map is
#[derive(Debug, Subcommand)]
pub enum ValidationCommand {
    Draw(DrawArgs),
    Report(ReportArgs),
}

/// Draw a sample from the map as it is now: in proportion to its strata (class and agreement), with a floor for each
///
/// Example: aftermap validation draw --campaign madre-fire --size 300
#[derive(Debug, Args)]
pub struct DrawArgs {
    /// Name of the campaign
    #[arg(long, value_name = "SLUG")]
    campaign: String,
    /// Tiles to draw
    #[arg(long, value_name = "N", default_value_t = 300)]
    size: u64,
    /// At least so many from each stratum, or all of it where it has fewer
    #[arg(long, value_name = "N", default_value_t = 20)]
    floor: u64,
    /// The agreement (share of agreeing pairs of labels) from which a tile counts as agreed
    #[arg(long, value_name = "SHARE", default_value_t = 0.75)]
    agreed_from: f64,
    /// The same seed on the same map draws the same tiles; made up if not given
    #[arg(long, value_name = "TEXT")]
    seed: Option<String>,
    #[command(flatten)]
    data: DataOptions,
}

/// Write the report of a sample: confusion matrix, accuracies with intervals, numbers of tiles
///
/// Example: aftermap validation report --campaign madre-fire --format md --out validation.md
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// Name of the campaign
    #[arg(long, value_name = "SLUG")]
    campaign: String,
    /// Number of the sample; the newest if not given
    #[arg(long, value_name = "N")]
    number: Option<u32>,
    /// How it is written
    #[arg(long, default_value = "md", value_parser = ["md", "json", "csv"])]
    format: String,
    /// The file to write; `-` is standard output
    #[arg(long, value_name = "FILE", default_value = "-")]
    out: PathBuf,
    #[command(flatten)]
    data: DataOptions,
}

/// Runs the verb.
pub async fn run(command: ValidationCommand) -> Result<(), Refused> {
    match command {
        ValidationCommand::Draw(args) => draw(args).await,
        ValidationCommand::Report(args) => report(&args),
    }
}

async fn draw(args: DrawArgs) -> Result<(), Refused> {
    let store = args.data.open()?;
    let campaign = store.read_snapshot(|conn| find(conn, &args.campaign))?;
    let seed = args.seed.unwrap_or_else(new_seed);
    let settings = Settings { size: args.size, floor: args.floor, agreed_from: args.agreed_from, seed };
    let scale = campaign.scale.clone();
    let drawn = draw_sample(&store, campaign, settings.clone(), None, clock::now_ms()).await?;
    let total: u64 = drawn.strata.iter().map(|stratum| stratum.drawn).sum();
    println!("sample {} of campaign {}: {total} tiles, seed {}", drawn.number, args.campaign, settings.seed);
    for stratum in &drawn.strata {
        let class = scale.answer(stratum.class).map_or("", |class| &class.key);
        println!("  {class}, {}: {} of {} tiles", stratum.band, stratum.drawn, stratum.tiles);
    }
    println!("  left out: {} tiles that are open, gold, unusable or without a class", drawn.left_out.total());
    println!("graders open it in the browser at #/c/{}/validate", args.campaign);
    Ok(())
}

fn report(args: &ReportArgs) -> Result<(), Refused> {
    let store = args.data.open()?;
    let report = read(&store, args)?;
    let text = match args.format.as_str() {
        "json" => serde_json::to_string_pretty(&report)? + "\n",
        "csv" => figures(&report),
        _ => note::markdown(&report),
    };
    match args.out.as_os_str() == "-" {
        true => print!("{text}"),
        false => {
            std::fs::write(&args.out, text).map_err(|error| format!("cannot write {}: {error}", args.out.display()))?
        }
    }
    Ok(())
}

fn read(store: &Store, args: &ReportArgs) -> Result<Report, Refused> {
    let found = store.read_snapshot(|conn| {
        let campaign = find(conn, &args.campaign)?;
        match args.number {
            Some(number) => validation_report::report(conn, &campaign, number).map(Some),
            None => Ok(validation_report::reports(conn, &campaign)?.into_iter().next()),
        }
    })?;
    found.ok_or_else(|| {
        format!("campaign `{}` has no sample yet: draw one with `aftermap validation draw`", args.campaign).into()
    })
}
