//! `aftermap demo`: a campaign that anybody can label at once.

mod sign_in;
mod timeline;

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use chrono::{DateTime, Days, NaiveDate, Utc};
use clap::Args;

use super::Refused;
use super::ingest::watch;
use super::serve::serve;
use crate::config::ServeOptions;
use crate::domain::alignment::Align;
use crate::domain::campaign::{CampaignState, CampaignTexts};
use crate::domain::gold::GoldKind;
use crate::domain::policy::Policy;
use crate::domain::scene::Captured;
use crate::imagery::Archives;
use crate::imagery::synthetic::{SyntheticScene, SyntheticTown, TownOptions};
use crate::services::campaigns::change_state::change_state;
use crate::services::campaigns::create_campaign::{NewCampaign, create_campaign};
use crate::services::gold::import_gold::{GoldAnswer, import_gold};
use crate::services::scenes::ingest::{NewScene, ingest};
use crate::services::{Error, clock};
use crate::storage::{Conn, Store, campaigns, scenes};

/// Name of the demo campaign.
pub const DEMO: &str = "demo";
/// Name of the demo campaign of many dates.
pub const DEMO_TIMELINE: &str = "demo-timeline";
/// One building in so many is check gold.
const GOLD_EVERY: usize = 16;
/// The demo is small: skills are fitted anew after so many labels.
const REFIT_AFTER: u32 = 150;

/// Start a server with campaigns that one can label at once: a pair, and a timeline of eight dates
///
/// Without files it draws a synthetic town. Example: aftermap demo --before before.tif --after after.tif
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// GeoTIFF of the place before; with --after, instead of the synthetic town
    #[arg(long, value_name = "FILE", requires = "after")]
    before: Option<PathBuf>,
    /// GeoTIFF of the place after
    #[arg(long, value_name = "FILE", requires = "before")]
    after: Option<PathBuf>,
    /// When --before was taken; the file's own date if not given
    #[arg(long, value_name = "DATE", requires = "before")]
    before_captured: Option<String>,
    /// When --after was taken; the file's own date if not given
    #[arg(long, value_name = "DATE", requires = "after")]
    after_captured: Option<String>,
    /// Seed of the synthetic town
    #[arg(long, default_value_t = 2025)]
    seed: u64,
    /// Side of the synthetic town, metres
    #[arg(long, default_value_t = 700.0)]
    size: f64,
    /// Make the campaign and stop, instead of serving it
    #[arg(long)]
    prepare_only: bool,
    #[command(flatten)]
    serve: ServeOptions,
}

/// Makes the campaign unless it is there, then serves it.
pub async fn run(args: DemoArgs) -> Result<(), Refused> {
    let place = &args.serve.place;
    let store = place.open_for(args.serve.connections)?;
    let archives = place.archives()?;
    prepare(&args, &store, &archives).await?;
    if args.before.is_none() {
        timeline::prepare(args.seed, &place.data, &store, &archives).await?;
    }
    let password = sign_in::coordinator(&store, &place.data).await?;
    if args.prepare_only {
        return Ok(());
    }
    let timeline = store.read(|conn| Ok::<_, Error>(campaigns::find(conn, DEMO_TIMELINE)?.is_some())).await?;
    serve(store, &args.serve, |address| {
        println!();
        println!("  label        http://{address}/#/c/{DEMO}");
        if timeline {
            println!("  timeline     http://{address}/#/c/{DEMO_TIMELINE}");
        }
        println!("  coordinate   http://{address}/#/c/{DEMO}/desk");
        println!("  sign in as   {}   password   {password}", sign_in::NAME);
        println!();
    })
    .await
}

/// Makes the demo campaign, step by step; each step that was done before changes nothing.
async fn prepare(args: &DemoArgs, store: &Store, archives: &Archives) -> Result<(), Refused> {
    let state = store.read(|conn| Ok::<_, Error>(campaigns::find(conn, DEMO)?.map(|found| found.state))).await?;
    if state.is_some_and(|state| state != CampaignState::Draft) {
        return Ok(());
    }
    match (&args.before, &args.after) {
        (Some(before), Some(after)) => own_files(args, (before, after), store, archives, state.is_none()).await?,
        _ => synthetic(args, store, archives, state.is_none()).await?,
    }
    let open = |conn: &mut Conn| change_state(conn, DEMO, CampaignState::Open, None, clock::now_ms());
    store.write(open).await?;
    Ok(())
}

async fn synthetic(args: &DemoArgs, store: &Store, archives: &Archives, create: bool) -> Result<(), Refused> {
    let folder = args.serve.place.data.join("demo");
    let options = TownOptions { size_m: args.size, ..TownOptions::default() };
    let seed = args.seed;
    println!("drawing a synthetic town …");
    let town = tokio::task::spawn_blocking(move || SyntheticTown::draw(seed, options, &folder)).await??;
    if create {
        create_demo(store, synthetic_texts(), true).await?;
    }
    let (Some(first), Some(last)) = (town.scenes.first(), town.scenes.last()) else {
        return Err("the synthetic town has no picture".into());
    };
    for (scene, title) in [(first, "Synthetic town, before"), (last, "Synthetic town, after")] {
        ingest(store, archives, DEMO, synthetic_scene(&town, scene, title.into())?, watch()).await?;
    }
    let gold = gold_of(&town.truth)?;
    store.write(move |conn| import_gold(conn, DEMO, GoldKind::Check, &gold, clock::now_ms())).await?;
    Ok(())
}

/// Every so many building of the known truth becomes check gold.
fn gold_of(truth: &Path) -> Result<Vec<GoldAnswer>, Refused> {
    let mut answers = Vec::new();
    for (place, record) in csv::Reader::from_path(truth)?.into_records().enumerate() {
        let record = record?;
        if let (0, Some(tile_id), Some(answer)) = (place % GOLD_EVERY, record.get(0), record.get(1)) {
            let explanation = "The town was drawn with this answer.".to_owned();
            answers.push(GoldAnswer {
                tile_id: tile_id.into(),
                answer: answer.into(),
                explanation,
                ..GoldAnswer::default()
            });
        }
    }
    Ok(answers)
}

async fn own_files(
    args: &DemoArgs,
    (before, after): (&Path, &Path),
    store: &Store,
    archives: &Archives,
    create: bool,
) -> Result<(), Refused> {
    let last = captured(args.after_captured.as_deref(), "after-captured", after, None)?;
    let first = captured(args.before_captured.as_deref(), "before-captured", before, Some(last))?;
    if first.from >= last.from {
        return Err(
            "the picture before must be older than the one after: check --before-captured and --after-captured".into(),
        );
    }
    if create {
        create_demo(store, own_texts(), false).await?;
    }
    for (file, captured) in [(before, first), (after, last)] {
        ingest(store, archives, DEMO, NewScene::new(file, captured), watch()).await?;
    }
    let slug_scenes = |conn: &mut Conn| {
        let campaign = campaigns::find(conn, DEMO)?;
        let scenes = campaign.map(|campaign| scenes::of_campaign(conn, campaign.id)).transpose()?;
        Ok::<_, Error>(scenes.unwrap_or_default().len())
    };
    match store.read(slug_scenes).await? {
        2 => Ok(()),
        other => Err(format!("the demo has {other} scenes instead of two: use another --data folder").into()),
    }
}

/// The day given, else the day of the file; the older picture is put a day before the other where files do not tell.
fn captured(given: Option<&str>, field: &str, file: &Path, later: Option<Captured>) -> Result<Captured, Refused> {
    if let Some(text) = given {
        return Ok(Captured::parse(field, text)?);
    }
    let modified = std::fs::metadata(file).and_then(|about| about.modified());
    let modified = modified.map_err(|error| format!("cannot read {}: {error}", file.display()))?;
    let mut day = day_of(modified);
    if let Some(later) = later.and_then(|later| DateTime::from_timestamp_millis(later.from)) {
        day = day.min(later.date_naive() - Days::new(1));
    }
    println!("warning: no --{field} given; {} is taken to be of {day}", file.display());
    Ok(Captured::parse(field, &day.to_string())?)
}

fn day_of(time: SystemTime) -> NaiveDate {
    DateTime::<Utc>::from(time).date_naive()
}

/// A picture of the synthetic town as a scene, with the buildings that are its tiles.
fn synthetic_scene(town: &SyntheticTown, scene: &SyntheticScene, title: String) -> Result<NewScene, Refused> {
    Ok(NewScene {
        title: Some(title),
        licence: Some("CC0-1.0".into()),
        attribution: Some(town.credit.into()),
        footprints: Some(town.footprints.clone()),
        align: Align::Off,
        ..NewScene::new(&scene.file, Captured::parse("captured", &scene.captured.to_string())?)
    })
}

async fn create_demo(store: &Store, texts: CampaignTexts, synthetic: bool) -> Result<(), Refused> {
    let new = NewCampaign {
        texts,
        policy: Policy { refit_after: REFIT_AFTER, ..Policy::default() },
        licence: Some("CC0-1.0".into()),
        synthetic,
        ..NewCampaign::new(DEMO, "")
    };
    store.write(move |conn| create_campaign(conn, &new, None, clock::now_ms())).await?;
    Ok(())
}

fn synthetic_texts() -> CampaignTexts {
    CampaignTexts {
        title: "Demo: a synthetic town".into(),
        purpose: "Try how labelling feels. The town and its damage were drawn by a program; no real place is shown, \
                  and the right answers are known."
            .into(),
        instructions: "Compare the building in the outline before and after. **No visible damage**: the roof and its \
                       shadow are as before. **Damaged**: part of the roof is missing, or there is debris beside it. \
                       **Destroyed**: the building has collapsed into rubble and casts no shadow. If a cloud hides \
                       it, say *bad imagery*."
            .into(),
        care_notice: "These pictures are drawn. In a real campaign this is where you would read what you may see, and \
                      that you can skip any tile and stop at any time."
            .into(),
        help_lines: "In a real campaign, people to talk to are named here.".into(),
        ..CampaignTexts::default()
    }
}

fn own_texts() -> CampaignTexts {
    CampaignTexts {
        title: "Demo: your own pictures".into(),
        purpose: "Try aftermap on two pictures of your own.".into(),
        instructions: "Compare the place before and after, and say how badly it is damaged.".into(),
        care_notice: "You may see destroyed places. You can skip any tile and stop at any time.".into(),
        ..CampaignTexts::default()
    }
}
