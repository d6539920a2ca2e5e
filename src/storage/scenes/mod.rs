//! Scenes: one row for each image acquisition of a campaign.

pub mod brought;
pub mod footprints;
pub mod geopackage;
pub mod hints;
pub mod later_scenes;
pub mod mbtiles;
pub mod tiles;
pub mod uploads;

use diesel::prelude::*;

use crate::domain::alignment::Alignment;
use crate::domain::bbox::Bbox;
use crate::domain::scene::{Captured, Scene};
use crate::storage::Conn;
use crate::storage::schema::scenes;

#[derive(Queryable)]
struct Row {
    id: i64,
    _campaign_id: i64,
    title: String,
    captured_from: i64,
    captured_to: i64,
    sensor: Option<String>,
    licence: Option<String>,
    attribution: Option<String>,
    source_name: String,
    source_sha256: String,
    archive: String,
    archive_sha256: String,
    crs: String,
    pixel_size_m: f64,
    min_zoom: i16,
    max_zoom: i16,
    west: f64,
    south: f64,
    east: f64,
    north: f64,
    _created_at: i64,
    _withdrawn_at: Option<i64>,
    _alignment: Option<String>,
    _joined_at: Option<i64>,
    _joining: Option<String>,
}

impl From<Row> for Scene {
    fn from(row: Row) -> Scene {
        Scene {
            id: row.id,
            title: row.title,
            captured_from: row.captured_from,
            captured_to: row.captured_to,
            sensor: row.sensor,
            licence: row.licence,
            attribution: row.attribution,
            source_name: row.source_name,
            source_sha256: row.source_sha256,
            archive: row.archive,
            archive_sha256: row.archive_sha256,
            crs: row.crs,
            pixel_size_m: row.pixel_size_m,
            min_zoom: row.min_zoom as u8,
            max_zoom: row.max_zoom as u8,
            bounds: Bbox { west: row.west, south: row.south, east: row.east, north: row.north },
        }
    }
}

/// The scenes of a campaign, by the date they were taken. Withdrawn ones are left out.
pub fn of_campaign(conn: &mut Conn, campaign_id: i64) -> QueryResult<Vec<Scene>> {
    let rows = scenes::table
        .filter(scenes::campaign_id.eq(campaign_id))
        .filter(scenes::withdrawn_at.is_null())
        .order((scenes::captured_from, scenes::captured_to, scenes::id))
        .load::<Row>(conn)?;
    Ok(rows.into_iter().map(Scene::from).collect())
}

/// The ids of a campaign's scenes, by the date they were taken.
pub fn ids_by_date(conn: &mut Conn, campaign_id: i64) -> QueryResult<Vec<i64>> {
    scenes::table
        .filter(scenes::campaign_id.eq(campaign_id))
        .filter(scenes::withdrawn_at.is_null())
        .order((scenes::captured_from, scenes::captured_to, scenes::id))
        .select(scenes::id)
        .load(conn)
}

/// The same with those that were withdrawn: what an answer may name that was under way meanwhile.
pub fn all_ids_by_date(conn: &mut Conn, campaign_id: i64) -> QueryResult<Vec<i64>> {
    scenes::table
        .filter(scenes::campaign_id.eq(campaign_id))
        .order((scenes::captured_from, scenes::captured_to, scenes::id))
        .select(scenes::id)
        .load(conn)
}

/// The campaign and the archive of a scene, for serving its images; `None` when unknown or withdrawn.
pub fn archive(conn: &mut Conn, scene_id: i64) -> QueryResult<Option<(i64, String)>> {
    scenes::table
        .find(scene_id)
        .filter(scenes::withdrawn_at.is_null())
        .select((scenes::campaign_id, scenes::archive))
        .first(conn)
        .optional()
}

/// The title of a campaign's scene, withdrawn or not.
pub fn title_of(conn: &mut Conn, campaign_id: i64, id: i64) -> QueryResult<Option<String>> {
    let scene = scenes::table.find(id).filter(scenes::campaign_id.eq(campaign_id));
    scene.select(scenes::title).first(conn).optional()
}

/// The archive that a scene needs.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct Wanted {
    /// File name of the archive.
    pub archive: String,
    /// SHA-256 of its bytes, hex.
    pub archive_sha256: String,
    /// Title of the scene.
    pub title: String,
    /// Name of the source file.
    pub source_name: String,
}

/// The archives of all scenes of all campaigns, withdrawn ones too.
pub fn archives(conn: &mut Conn) -> QueryResult<Vec<Wanted>> {
    let columns = (scenes::archive, scenes::archive_sha256, scenes::title, scenes::source_name);
    scenes::table.order((scenes::archive, scenes::id)).select(columns).load(conn)
}

/// Stores a new scene.
pub fn insert(conn: &mut Conn, campaign_id: i64, scene: &Scene, now: i64) -> QueryResult<()> {
    diesel::insert_into(scenes::table)
        .values((
            scenes::id.eq(scene.id),
            scenes::campaign_id.eq(campaign_id),
            scenes::title.eq(&scene.title),
            scenes::captured_from.eq(scene.captured_from),
            scenes::captured_to.eq(scene.captured_to),
            scenes::sensor.eq(&scene.sensor),
            scenes::licence.eq(&scene.licence),
            scenes::attribution.eq(&scene.attribution),
            scenes::source_name.eq(&scene.source_name),
            scenes::source_sha256.eq(&scene.source_sha256),
            scenes::archive.eq(&scene.archive),
            scenes::archive_sha256.eq(&scene.archive_sha256),
            scenes::crs.eq(&scene.crs),
            scenes::pixel_size_m.eq(scene.pixel_size_m),
            scenes::min_zoom.eq(i16::from(scene.min_zoom)),
            scenes::max_zoom.eq(i16::from(scene.max_zoom)),
            scenes::west.eq(scene.bounds.west),
            scenes::south.eq(scene.bounds.south),
            scenes::east.eq(scene.bounds.east),
            scenes::north.eq(scene.bounds.north),
            scenes::created_at.eq(now),
        ))
        .execute(conn)?;
    Ok(())
}

/// Says when a scene was taken.
pub fn set_captured(conn: &mut Conn, id: i64, captured: Captured) -> QueryResult<()> {
    diesel::update(scenes::table.find(id))
        .set((scenes::captured_from.eq(captured.from), scenes::captured_to.eq(captured.to)))
        .execute(conn)
        .map(drop)
}

/// What is said about a scene on screen: title, sensor, licence and attribution of `scene`.
pub fn set_words(conn: &mut Conn, scene: &Scene) -> QueryResult<()> {
    diesel::update(scenes::table.find(scene.id))
        .set((
            scenes::title.eq(&scene.title),
            scenes::sensor.eq(&scene.sensor),
            scenes::licence.eq(&scene.licence),
            scenes::attribution.eq(&scene.attribution),
        ))
        .execute(conn)
        .map(drop)
}

/// Removes a scene of a draft. Its frames must be gone.
pub fn remove(conn: &mut Conn, id: i64) -> QueryResult<()> {
    diesel::delete(scenes::table.find(id)).execute(conn).map(drop)
}

/// Stores how a scene lies on the campaign's first one, unless that is known already.
pub fn add_alignment(conn: &mut Conn, scene_id: i64, alignment: &Alignment) -> QueryResult<()> {
    // Plain numbers and texts always serialise.
    let text = serde_json::to_string(alignment).unwrap_or_default();
    let unknown = scenes::table.find(scene_id).filter(scenes::alignment.is_null());
    diesel::update(unknown).set(scenes::alignment.eq(text)).execute(conn)?;
    Ok(())
}

/// How the scenes of a campaign lie on its first one, as far as it was estimated, by the date they were taken.
pub fn alignments(conn: &mut Conn, campaign_id: i64) -> QueryResult<Vec<(i64, Alignment)>> {
    let rows: Vec<(i64, Option<String>)> = scenes::table
        .filter(scenes::campaign_id.eq(campaign_id))
        .filter(scenes::withdrawn_at.is_null())
        .filter(scenes::alignment.is_not_null())
        .order((scenes::captured_from, scenes::captured_to, scenes::id))
        .select((scenes::id, scenes::alignment))
        .load(conn)?;
    let read = |(id, text): (i64, Option<String>)| {
        let alignment = serde_json::from_str(&text.unwrap_or_default());
        alignment
            .map(|alignment| (id, alignment))
            .map_err(|error| diesel::result::Error::DeserializationError(error.into()))
    };
    rows.into_iter().map(read).collect()
}
