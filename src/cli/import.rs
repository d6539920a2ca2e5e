//! `aftermap import`: what volunteers of another system answered, to a map and a report.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, Subcommand};

use super::Refused;
use crate::config::DataOptions;
use crate::domain::campaign::{Campaign, CampaignTexts, ReleaseLevel, Visibility};
use crate::domain::damage_map::{Cuts, Sight, What};
use crate::services::campaigns::change_state::find;
use crate::services::clock::now_ms;
use crate::services::import::{
    Meaning, Project, Reference, Report, Settings, THRESHOLDS, bring_in, read_labels, read_mapswipe, report,
};
use crate::services::maps::export_map;
use crate::storage::Store;

/// Clocks of other systems may be ahead by so much.
const AHEAD_MS: i64 = 86_400_000;

/// Bring in what volunteers of another system answered: a campaign, its damage map and a report
#[derive(Debug, Subcommand)]
pub enum ImportCommand {
    Mapswipe(MapswipeArgs),
    Labels(LabelsArgs),
}

/// Results of a MapSwipe project: results*.csv (old or new columns, plain or gzip), and agg_results, tasks, groups and
/// mapping_sessions where they are there
///
/// Doing it again adds nothing; one that was stopped goes on. Example: aftermap import mapswipe results.csv
/// --campaign les-cayes --out les-cayes
#[derive(Debug, Args)]
pub struct MapswipeArgs {
    /// Files, or a folder of them
    #[arg(required = true, value_name = "FILE|DIR")]
    paths: Vec<PathBuf>,
    /// The project, where the files hold several
    #[arg(long, value_name = "ID")]
    project: Option<String>,
    /// Scale of the answers: change2, conflict3, jds4 or unosat5
    #[arg(long, default_value = "change2")]
    scale: String,
    #[command(flatten)]
    common: Common,
}

/// Any answers: a CSV with the columns task, worker, label and, if you like, timestamp
///
/// Tasks are tile ids (17-65536-43690), or have their outlines in a GeoJSON file. Labels are the answers of the scale, or
/// what --answers says. Example: aftermap import labels labels.csv --campaign town --outlines town.geojson --scale jds4
#[derive(Debug, Args)]
pub struct LabelsArgs {
    /// The CSV, plain or gzip
    file: PathBuf,
    /// Scale of the answers: change2, conflict3, jds4 or unosat5
    #[arg(long, default_value = "conflict3")]
    scale: String,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Args)]
struct Common {
    /// Name of the campaign that it becomes: a-z, 0-9 and -
    #[arg(long, value_name = "SLUG")]
    campaign: String,
    /// Its title [default: the name]
    #[arg(long)]
    title: Option<String>,
    /// What it was for
    #[arg(long, default_value = "")]
    purpose: String,
    /// Language of these texts
    #[arg(long, default_value = "en")]
    language: String,
    /// Licence of the damage map, e.g. CC-BY-4.0
    #[arg(long)]
    licence: Option<String>,
    /// Who may see the campaign: public, invitation or private
    #[arg(long, default_value = "private")]
    visibility: Visibility,
    /// Who may have the damage map: public, coarsened or private
    #[arg(long, default_value = "private")]
    release_level: ReleaseLevel,
    /// What answers mean where it is not what MapSwipe or the scale says; `maybe` lies between no damage and damage
    #[arg(long, value_delimiter = ',', value_name = "WORD=ANSWER,…", value_parser = pair)]
    answers: Vec<(String, String)>,
    /// Outlines of tasks that are no cells, GeoJSON, with the task in the property task_id, tile_id or id
    #[arg(long, value_name = "FILE")]
    outlines: Option<PathBuf>,
    /// Folder to write the damage map and the report to; made if need be
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Formats of the damage map
    #[arg(long, value_delimiter = ',', default_value = "csv,geojson")]
    formats: Vec<String>,
    /// What is known of the ground, tile by tile: GeoJSON or CSV, with the tile in task_id, tile_id or id
    #[arg(long, value_name = "FILE", requires = "truth_column")]
    reference: Option<PathBuf>,
    /// Its property or column that says damaged (1, or a class) or not (0)
    #[arg(long, value_name = "NAME", requires = "reference")]
    truth_column: Option<String>,
    /// Thresholds of the report's tables
    #[arg(long, value_delimiter = ',', value_parser = share, default_values_t = THRESHOLDS)]
    thresholds: Vec<f64>,
    #[command(flatten)]
    data: DataOptions,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (word, key) = text.split_once('=').ok_or("write it as 1=change")?;
    Ok((word.trim().to_owned(), key.trim().to_owned()))
}

fn share(text: &str) -> Result<f64, String> {
    let value: Option<f64> = text.trim().parse().ok();
    value.filter(|value| (0.0..=1.0).contains(value)).ok_or_else(|| "use numbers from 0 to 1".to_owned())
}

/// Runs the verb.
pub async fn run(command: ImportCommand) -> Result<(), Refused> {
    let latest = now_ms() + AHEAD_MS;
    let (common, meaning, read) = match command {
        ImportCommand::Mapswipe(args) => {
            let meaning = Meaning::of_mapswipe(&args.scale, &args.common.answers)?;
            let (tiles, words) = (args.common.outlines.clone(), meaning.clone());
            let read = move || read_mapswipe(&args.paths, tiles.as_deref(), &words, args.project.as_deref(), latest);
            (args.common, meaning, tokio::task::spawn_blocking(read).await??)
        }
        ImportCommand::Labels(args) => {
            let meaning = Meaning::of_words(&args.scale, &args.common.answers)?;
            let (tiles, words) = (args.common.outlines.clone(), meaning.clone());
            let read = move || read_labels(&args.file, tiles.as_deref(), &words, latest);
            (args.common, meaning, tokio::task::spawn_blocking(read).await??)
        }
    };
    import(common, meaning, Arc::new(read)).await
}

async fn import(common: Common, meaning: Meaning, project: Arc<Project>) -> Result<(), Refused> {
    // Whatever cannot be read is said before anything is stored.
    let reference = match (&common.reference, &common.truth_column) {
        (Some(path), Some(column)) => Some(Reference::read(path, column, &meaning.scale)?),
        _ => None,
    };
    for format in &common.formats {
        export_map::Request::new(What::Tiles, format, Cuts::default(), Sight::Researcher)?;
    }
    println!(
        "read {} answers by {} people for {} tiles",
        project.given.len(),
        project.people.list.len(),
        project.tasks.list.len()
    );
    let store = common.data.open()?;
    let settings = settings(&common, &meaning);
    let mut told = 0;
    let brought = bring_in(&store, project.clone(), &settings, |stored, all| {
        let tenth = stored * 10 / all.max(1);
        if tenth > told && all > 100_000 {
            println!("{stored} of {all} answers stored");
        }
        told = tenth;
    });
    let brought = brought.await?;
    println!(
        "campaign {}: {} answers, {} tiles and {} volunteers are new; {} answers were there already",
        settings.slug, brought.labels, brought.tiles, brought.volunteers, brought.known
    );
    let work = move || finish(&store, &common, &meaning, &project, reference.as_ref());
    Ok(tokio::task::spawn_blocking(work).await??)
}

fn settings(common: &Common, meaning: &Meaning) -> Settings {
    Settings {
        slug: common.campaign.clone(),
        texts: CampaignTexts {
            title: common.title.clone().unwrap_or_else(|| common.campaign.clone()),
            purpose: common.purpose.clone(),
            ..CampaignTexts::default()
        },
        language: common.language.clone(),
        licence: common.licence.clone(),
        visibility: common.visibility,
        release_level: common.release_level,
        scale: meaning.scale.clone(),
        meaning: meaning.to_json(),
    }
}

fn finish(
    store: &Store,
    common: &Common,
    meaning: &Meaning,
    project: &Project,
    reference: Option<&Reference>,
) -> Result<(), String> {
    let text = |error: crate::services::Error| error.to_string();
    let report = report(store, &common.campaign, project, meaning, reference, &common.thresholds).map_err(text)?;
    summary(&report);
    let Some(folder) = &common.out else { return Ok(()) };
    let campaign = store.read_snapshot(|conn| find(conn, &common.campaign)).map_err(text)?;
    write(store, &campaign, &common.formats, &report, folder)
}

fn summary(report: &Report) {
    let states: Vec<String> = report.tiles.by_state.iter().map(|(key, count)| format!("{count} {key}")).collect();
    println!("tiles     {}", states.join(", "));
    if let Some(alpha) = report.agreement.alpha_nominal {
        println!("agreement alpha {alpha:.3}");
    }
    if let Some(reference) = &report.reference {
        for (name, method) in [("share", &reference.share), ("ours", &reference.probability)] {
            let best = &method.best;
            println!("{name:<9} best F1 {:.3} at {:.3}, kappa {:.3}", best.f1, best.threshold, best.kappa);
        }
    }
}

fn write(store: &Store, campaign: &Campaign, formats: &[String], report: &Report, folder: &Path) -> Result<(), String> {
    let fault = |error: std::io::Error| format!("cannot write to {}: {error}", folder.display());
    std::fs::create_dir_all(folder).map_err(fault)?;
    for format in formats {
        let request = export_map::Request::new(What::Tiles, format, Cuts::default(), Sight::Researcher);
        let request = request.map_err(|error| error.to_string())?;
        let path = folder.join(request.file_name());
        let rows = export_map::write_file(store, campaign, &request, now_ms(), &path).map_err(|e| e.to_string())?.rows;
        println!("{rows} tiles written to {}", path.display());
    }
    let json = serde_json::to_string_pretty(report).map_err(|error| error.to_string())?;
    for (name, text) in [("report.md", report.to_markdown()), ("report.json", json + "\n")] {
        std::fs::write(folder.join(name), text).map_err(fault)?;
        println!("report written to {}", folder.join(name).display());
    }
    Ok(())
}
