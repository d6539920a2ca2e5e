//! `aftermap campaign apply`: a campaign file describes a campaign, whole if one likes: texts, policy, area, footprints
//! and scenes.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use super::Refused;
use super::ingest::watch;
use crate::config::DataOptions;
use crate::domain::area::area_of;
use crate::domain::campaign::TileSource;
use crate::domain::tiling_change::TilingChange;
use crate::imagery::{Archives, Look};
use crate::services::campaigns::apply_campaign::apply_campaign;
use crate::services::campaigns::campaign_file::{CampaignFile, FileScene};
use crate::services::campaigns::create_campaign::{NewCampaign, create_campaign};
use crate::services::clock;
use crate::services::jobs::{captured, scene_crs};
use crate::services::scenes::ingest::{NewScene, bring_footprints, ingest};
use crate::services::scenes::retile::{Change, retile};
use crate::storage::{Conn, Store, campaigns};

/// Write a campaign's texts, policy and settings from a TOML file
///
/// What the file does not name stays as it is; again it changes nothing. It may name scenes, footprints and an area too,
/// as files beside it. docs/campaign.example.toml shows all there is. Example: aftermap campaign apply madre-fire.toml
#[derive(Debug, Args)]
pub struct ApplyArgs {
    /// The campaign file
    file: PathBuf,
    /// Make the campaign if there is none of that name; the file must give it a title
    #[arg(long)]
    create: bool,
    #[command(flatten)]
    data: DataOptions,
}

/// Runs the verb.
pub async fn run(args: ApplyArgs) -> Result<(), Refused> {
    let mut file = CampaignFile::parse(&read(&args.file)?)?;
    let beside = args.file.parent().unwrap_or(Path::new(".")).to_owned();
    if let Some(name) = file.area_file.take() {
        let text = read(&beside.join(&name))?;
        let json = serde_json::from_str(&text).map_err(|error| format!("{name} is no GeoJSON: {error}"))?;
        file.tiles.area = Some(Some(area_of(&json)?));
    }
    let (store, archives) = (args.data.open()?, args.data.archives()?);
    if args.create {
        create(&store, &file).await?;
    }
    let (slug, scenes) = (file.slug.clone(), std::mem::take(&mut file.scenes));
    let mut changed = Vec::new();
    if let Some(name) = file.footprints.take() {
        changed.extend(footprints(&store, &archives, &slug, &beside.join(name)).await?);
    }
    let done = store.write(move |conn| apply_campaign(conn, &file, None, clock::now_ms())).await?;
    changed.extend(done.changed);
    if let Some(tiling) = done.tiling {
        retile(&store, &archives, &slug, Change { tiling, ..Change::default() }, None).await?;
    }
    for scene in scenes {
        let name = scene.file.clone();
        let new = new_scene(scene, &beside)?;
        if ingest(&store, &archives, &slug, new, watch()).await?.changed {
            changed.push(format!("scene {name}"));
        }
    }
    match changed.len() {
        0 => println!("campaign {slug} is as the file says already"),
        _ => println!("campaign {slug} changed: {}", changed.join(", ")),
    }
    Ok(())
}

fn read(path: &Path) -> Result<String, Refused> {
    std::fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()).into())
}

/// Makes the campaign unless it is there.
async fn create(store: &Store, file: &CampaignFile) -> Result<(), Refused> {
    let language = file.language.clone().unwrap_or_else(|| "en".into());
    let title = file.texts.get(&language).and_then(|texts| texts.title.clone()).unwrap_or_default();
    let mut new = NewCampaign { language, ..NewCampaign::new(&file.slug, &title) };
    if let Some(scale) = &file.scale {
        new.scale = scale.clone();
    }
    let new = Arc::new(new);
    let make = move |conn: &mut Conn| match campaigns::find(conn, &new.slug)? {
        Some(_) => Ok(false),
        None => create_campaign(conn, &new, None, clock::now_ms()).map(|_| true),
    };
    if store.write(make).await? {
        println!("campaign {} is made, as a draft", file.slug);
    }
    Ok(())
}

async fn footprints(store: &Store, archives: &Archives, slug: &str, path: &Path) -> Result<Option<String>, Refused> {
    let (rows, oddities) = bring_footprints(path.to_owned()).await?;
    let tiling = TilingChange { source: Some(TileSource::Footprints), ..TilingChange::default() };
    let change = Change { footprints: Some(rows), tiling, ..Change::default() };
    let done = retile(store, archives, slug, change, None).await?;
    print!("{oddities}");
    Ok(done.changed.then(|| "footprints".to_owned()))
}

fn new_scene(scene: FileScene, beside: &Path) -> Result<NewScene, Refused> {
    let taken = captured(scene.captured.as_deref(), scene.captured_from.as_deref(), scene.captured_to.as_deref())?;
    let epsg = scene_crs(scene.crs.as_deref())?;
    Ok(NewScene {
        title: scene.title,
        sensor: scene.sensor,
        licence: scene.licence,
        attribution: scene.attribution,
        look: Look { bands: scene.bands, stretch: scene.stretch, nodata: scene.nodata, moved: None, epsg },
        ..NewScene::new(&beside.join(scene.file), taken)
    })
}
