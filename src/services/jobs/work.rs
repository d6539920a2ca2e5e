//! What each kind of job does, over the same services as the command line.

use std::path::PathBuf;
use std::sync::Arc;

use super::input::{FileRef, FootprintsInput, GoldInput, IngestInput, JobInput, TilesInput};
use crate::domain::campaign::TileSource;
use crate::domain::scene::Captured;
use crate::domain::tiling_change::TilingChange;
use crate::imagery::{Archives, Progress};
use crate::services::gold;
use crate::services::gold::import_gold::import_gold_by;
use crate::services::scenes::ingest::{Ingested, NewScene, blocking, bring_footprints, ingest};
use crate::services::scenes::retile::{Change, Retiled, retile};
use crate::services::scenes::upload::{Intake, find_file};
use crate::services::{Error, clock};
use crate::storage::Store;

/// What a job has to work with.
#[derive(Clone)]
pub(super) struct Desk {
    pub store: Store,
    pub archives: Archives,
    pub intake: Intake,
}

/// What came of a job, for people.
pub(super) struct Outcome {
    pub message: String,
    pub report: String,
}

/// Does what is asked for the campaign of that slug, in the name of whoever asked. May be done again after a crash.
pub(super) async fn perform(
    desk: &Desk,
    slug: &str,
    input: JobInput,
    actor: Option<i64>,
    progress: Arc<dyn Progress + Send>,
) -> Result<Outcome, Error> {
    let called = input.file().map(|file| file.called.clone());
    let path = input.file().map(|file| path_of(&desk.intake, slug, file)).transpose()?;
    let done = match (input, path.clone()) {
        (JobInput::Ingest(input), None) => fetched(desk, slug, *input, actor, progress).await,
        (JobInput::Ingest(input), Some(path)) => picture(desk, slug, *input, path, actor, progress).await,
        (JobInput::Footprints(input), Some(path)) => footprints(desk, slug, input, path, actor).await,
        (JobInput::Gold(input), Some(path)) => gold(desk, slug, input, path, actor).await,
        (JobInput::Tiles(input), _) => tiles(desk, slug, input, actor).await,
        _ => Err(Error::Internal("a job without its file".into())),
    };
    // Where the file lies here is nobody's business: they know it by the name they gave it.
    done.map_err(|error| match (path, called) {
        (Some(path), Some(called)) => error.with_words(&path.display().to_string(), &called),
        _ => error,
    })
}

fn path_of(intake: &Intake, slug: &str, file: &FileRef) -> Result<PathBuf, Error> {
    match (&file.upload, &file.file) {
        (Some(id), None) => {
            let path = intake.path_of(id.parse().map_err(|_| Error::Internal("a damaged job".into()))?);
            let gone =
                || Error::NotFound(format!("the upload `{}` is not there any more: bring it again", file.called));
            path.is_file().then_some(path).ok_or_else(gone)
        }
        (None, Some(name)) => find_file(&intake.inbox_of(slug), name),
        _ => Err(Error::Internal("a job without its file".into())),
    }
}

async fn picture(
    desk: &Desk,
    slug: &str,
    input: IngestInput,
    path: PathBuf,
    actor: Option<i64>,
    progress: Arc<dyn Progress + Send>,
) -> Result<Outcome, Error> {
    let (captured, look, replaces) = (input.captured()?, input.look()?, input.replaced()?);
    let new = NewScene {
        title: input.title,
        file_name: Some(input.file.called),
        sensor: input.sensor,
        licence: input.licence,
        attribution: input.attribution,
        look,
        replaces,
        actor,
        ..NewScene::new(&path, captured)
    };
    let done = ingest(&desk.store, &desk.archives, slug, new, progress).await?;
    Ok(Outcome { message: outcome_of(&done), report: done.note })
}

async fn fetched(
    desk: &Desk,
    slug: &str,
    input: IngestInput,
    actor: Option<i64>,
    progress: Arc<dyn Progress + Send>,
) -> Result<Outcome, Error> {
    let captured = input.captured()?;
    let remote = input.remote(&desk.intake.remote_hosts)?;
    let remote = remote.ok_or_else(|| Error::Internal("a job without its file".into()))?;
    let plain = NewScene::fetched(remote, captured);
    let new = NewScene {
        title: input.title.or(plain.title.clone()),
        sensor: input.sensor,
        licence: input.licence,
        attribution: input.attribution,
        actor,
        ..plain
    };
    let done = ingest(&desk.store, &desk.archives, slug, new, progress).await?;
    Ok(Outcome { message: outcome_of(&done), report: done.note })
}

fn outcome_of(done: &Ingested) -> String {
    let Ingested { scene, tiles, left_out, .. } = done;
    if let Some(joining) = &done.joining {
        return format!(
            "scene {} joined: {} of {tiles} tiles show it; {} closed tiles are open again, {} stay closed as damaged, {} answers \
             were set aside, {} tiles are no check gold any more",
            scene.title,
            joining.shown,
            joining.reopened,
            joining.still_damaged,
            joining.set_aside,
            joining.no_longer_gold
        );
    }
    match done.changed {
        true => format!(
            "scene {} added: {}, zoom {} to {}; the campaign has {tiles} tiles, {left_out} places had no picture",
            scene.title, scene.crs, scene.min_zoom, scene.max_zoom
        ),
        false => format!("scene {} is in the campaign already; nothing changed", scene.title),
    }
}

async fn footprints(
    desk: &Desk,
    slug: &str,
    _: FootprintsInput,
    path: PathBuf,
    actor: Option<i64>,
) -> Result<Outcome, Error> {
    let (rows, oddities) = bring_footprints(path).await?;
    let many = rows.len();
    let tiling = TilingChange { source: Some(TileSource::Footprints), ..TilingChange::default() };
    let change = Change { footprints: Some(rows), tiling, ..Change::default() };
    let Retiled { tiles, left_out, .. } = retile(&desk.store, &desk.archives, slug, change, actor).await?;
    let message = format!("{many} footprints read; the campaign has {tiles} tiles, {left_out} had no picture");
    Ok(Outcome { message, report: oddities.to_string() })
}

async fn gold(desk: &Desk, slug: &str, input: GoldInput, path: PathBuf, actor: Option<i64>) -> Result<Outcome, Error> {
    let answers = blocking(move || gold::read_file(&path)).await?;
    let (slug, kind, many) = (slug.to_owned(), input.gold, answers.len());
    let work =
        move |conn: &mut crate::storage::Conn| import_gold_by(conn, &slug, kind, &answers, actor, clock::now_ms());
    let added = desk.store.write(work).await?;
    Ok(Outcome { message: format!("{added} of {many} tiles are new {kind} gold"), report: String::new() })
}

async fn tiles(desk: &Desk, slug: &str, input: TilesInput, actor: Option<i64>) -> Result<Outcome, Error> {
    let redate = input.redate.map(|(scene, from, to)| (scene, Captured { from, to }));
    let change = Change { tiling: input.tiling, remove: input.remove, redate, ..Change::default() };
    let Retiled { tiles, left_out, .. } = retile(&desk.store, &desk.archives, slug, change, actor).await?;
    let message = format!("the campaign has {tiles} tiles, {left_out} places had no picture");
    Ok(Outcome { message, report: String::new() })
}
