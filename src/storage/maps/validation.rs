//! Validation samples: the tiles that were drawn and the grades that experts gave them.

use std::collections::HashMap;

use diesel::prelude::*;

use crate::storage::Conn;
use crate::storage::campaigns::broken;
use crate::storage::schema::{grades, labels, sample_tiles, samples, tiles};

/// Rows inserted with one statement.
const CHUNK: usize = 500;

/// A sample as it is stored; the JSON columns are read by the services.
#[derive(Debug, Clone, PartialEq, Queryable)]
pub struct SampleRow {
    /// Database id.
    pub id: i64,
    /// Its number in the campaign.
    pub number: i32,
    /// JSON of the settings.
    pub settings: String,
    /// JSON list of the strata.
    pub strata: String,
    /// JSON of what was left out.
    pub left_out: String,
    /// Mean area of a tile, square metres; `None` for footprints.
    pub tile_area_m2: Option<f64>,
    /// The model that formed the map.
    pub model: i32,
    /// When it was drawn; milliseconds since 1970, UTC.
    pub drawn_at: i64,
}

/// A drawn tile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Queryable)]
pub struct SampleTile {
    /// Database id of the tile.
    pub tile: i64,
    /// Its turn to be graded.
    pub place: i32,
    /// Place in the list of strata.
    pub stratum: i16,
    /// Its class on the map when it was drawn.
    pub class: i16,
}

/// A grade.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Queryable)]
pub struct GradeRow {
    /// Database id of the tile.
    pub tile: i64,
    /// Who gave it.
    pub volunteer_id: i64,
    /// 1 to 3; `None`: the tile was decided already.
    pub turn: Option<i16>,
    /// Place of the answer on the scale.
    pub answer: i16,
    /// Milliseconds since 1970, UTC.
    pub graded_at: i64,
}

macro_rules! columns {
    () => {
        (
            samples::id,
            samples::number,
            samples::settings,
            samples::strata,
            samples::left_out,
            samples::tile_area_m2,
            samples::model,
            samples::drawn_at,
        )
    };
}

/// Stores a sample of that campaign with its tiles. Fails where the number is taken.
pub fn insert(
    conn: &mut Conn,
    campaign_id: i64,
    new: &SampleRow,
    drawn: &[SampleTile],
    by: Option<i64>,
) -> QueryResult<()> {
    diesel::insert_into(samples::table)
        .values((
            samples::id.eq(new.id),
            samples::campaign_id.eq(campaign_id),
            samples::number.eq(new.number),
            samples::settings.eq(&new.settings),
            samples::strata.eq(&new.strata),
            samples::left_out.eq(&new.left_out),
            samples::tile_area_m2.eq(new.tile_area_m2),
            samples::model.eq(new.model),
            samples::created_by.eq(by),
            samples::drawn_at.eq(new.drawn_at),
        ))
        .execute(conn)?;
    for chunk in drawn.chunks(CHUNK) {
        let rows: Vec<_> = chunk
            .iter()
            .map(|one| {
                (
                    sample_tiles::sample_id.eq(new.id),
                    sample_tiles::tile.eq(one.tile),
                    sample_tiles::place.eq(one.place),
                    sample_tiles::stratum.eq(one.stratum),
                    sample_tiles::class.eq(one.class),
                )
            })
            .collect();
        crate::storage::each_backend!(conn, inner => diesel::insert_into(sample_tiles::table).values(&rows).execute(inner))?;
    }
    Ok(())
}

/// All samples of a campaign, newest first.
pub fn of_campaign(conn: &mut Conn, campaign_id: i64) -> QueryResult<Vec<SampleRow>> {
    samples::table
        .filter(samples::campaign_id.eq(campaign_id))
        .order(samples::number.desc())
        .select(columns!())
        .load(conn)
}

/// The sample of that number.
pub fn find(conn: &mut Conn, campaign_id: i64, number: i32) -> QueryResult<Option<SampleRow>> {
    samples::table
        .filter(samples::campaign_id.eq(campaign_id))
        .filter(samples::number.eq(number))
        .select(columns!())
        .first(conn)
        .optional()
}

/// The drawn tiles, in the order in which they are graded.
pub fn tiles_of(conn: &mut Conn, sample: i64) -> QueryResult<Vec<SampleTile>> {
    sample_tiles::table
        .filter(sample_tiles::sample_id.eq(sample))
        .order(sample_tiles::place)
        .select((sample_tiles::tile, sample_tiles::place, sample_tiles::stratum, sample_tiles::class))
        .load(conn)
}

/// Public ids of the drawn tiles.
pub fn tile_ids_of(conn: &mut Conn, sample: i64) -> QueryResult<HashMap<i64, String>> {
    let rows = sample_tiles::table
        .inner_join(tiles::table)
        .filter(sample_tiles::sample_id.eq(sample))
        .select((tiles::id, tiles::tile_id))
        .load::<(i64, String)>(conn)?;
    Ok(rows.into_iter().collect())
}

/// Whether the tile was drawn; its row is held until the transaction ends, so that its grades come one by one.
pub fn hold_tile(conn: &mut Conn, sample: i64, tile: i64) -> QueryResult<bool> {
    let row = sample_tiles::table.find((sample, tile)).select(sample_tiles::tile);
    let found: Option<i64> = match conn {
        Conn::Postgres(conn) => row.for_update().first(conn).optional()?,
        // SQLite's one writer holds the whole database already.
        Conn::Sqlite(conn) => row.first(conn).optional()?,
    };
    Ok(found.is_some())
}

const GRADE: (grades::tile, grades::volunteer_id, grades::turn, grades::answer, grades::graded_at) =
    (grades::tile, grades::volunteer_id, grades::turn, grades::answer, grades::graded_at);

/// The grades of one tile, those that count first, by turn.
pub fn grades_of_tile(conn: &mut Conn, sample: i64, tile: i64) -> QueryResult<Vec<GradeRow>> {
    let mut rows: Vec<GradeRow> = grades::table
        .filter(grades::sample_id.eq(sample))
        .filter(grades::tile.eq(tile))
        .order((grades::graded_at, grades::volunteer_id))
        .select(GRADE)
        .load(conn)?;
    rows.sort_by_key(|grade| grade.turn.unwrap_or(i16::MAX));
    Ok(rows)
}

/// All grades of a sample by tile, likewise.
pub fn grades_of(conn: &mut Conn, sample: i64) -> QueryResult<HashMap<i64, Vec<GradeRow>>> {
    let rows: Vec<GradeRow> = grades::table
        .filter(grades::sample_id.eq(sample))
        .order((grades::tile, grades::graded_at, grades::volunteer_id))
        .select(GRADE)
        .load(conn)?;
    let mut of: HashMap<i64, Vec<GradeRow>> = HashMap::new();
    for row in rows {
        of.entry(row.tile).or_default().push(row);
    }
    of.values_mut().for_each(|grades| grades.sort_by_key(|grade| grade.turn.unwrap_or(i16::MAX)));
    Ok(of)
}

/// The drawn tiles that somebody labelled as a volunteer, ever.
pub fn labelled_by(conn: &mut Conn, sample: i64, volunteer: i64) -> QueryResult<Vec<i64>> {
    sample_tiles::table
        .inner_join(labels::table.on(labels::tile.eq(sample_tiles::tile)))
        .filter(sample_tiles::sample_id.eq(sample))
        .filter(labels::volunteer_id.eq(volunteer))
        .select(sample_tiles::tile)
        .distinct()
        .load(conn)
}

/// Whether somebody labelled a tile as a volunteer, ever.
pub fn has_labelled(conn: &mut Conn, tile: i64, volunteer: i64) -> QueryResult<bool> {
    let mine = labels::table.filter(labels::tile.eq(tile)).filter(labels::volunteer_id.eq(volunteer));
    Ok(mine.count().get_result::<i64>(conn)? > 0)
}

/// Stores a grade.
pub fn add_grade(conn: &mut Conn, sample: i64, grade: &GradeRow, seconds: Option<f64>) -> QueryResult<()> {
    diesel::insert_into(grades::table)
        .values((
            grades::sample_id.eq(sample),
            grades::tile.eq(grade.tile),
            grades::volunteer_id.eq(grade.volunteer_id),
            grades::turn.eq(grade.turn),
            grades::answer.eq(grade.answer),
            grades::seconds.eq(seconds),
            grades::graded_at.eq(grade.graded_at),
        ))
        .execute(conn)?;
    Ok(())
}

/// Replaces the answer of a grade, because its author pressed the wrong one.
pub fn change_grade(conn: &mut Conn, sample: i64, (tile, volunteer): (i64, i64), answer: u8) -> QueryResult<()> {
    let key = (sample, tile, volunteer);
    diesel::update(grades::table.find(key)).set(grades::answer.eq(i16::from(answer))).execute(conn).map(drop)
}

/// A grade as its author may read it: campaign, number of the sample, tile, answer, when.
pub type Given = (i64, i32, String, i16, i64);

/// A person's grades, oldest first.
pub fn of_volunteer(conn: &mut Conn, volunteer: i64) -> QueryResult<Vec<Given>> {
    grades::table
        .inner_join(samples::table)
        .inner_join(tiles::table)
        .filter(grades::volunteer_id.eq(volunteer))
        .order((grades::graded_at, grades::tile))
        .select((samples::campaign_id, samples::number, tiles::tile_id, grades::answer, grades::graded_at))
        .load(conn)
}

/// A JSON column of a sample.
pub fn parsed<T: serde::de::DeserializeOwned>(json: &str) -> QueryResult<T> {
    serde_json::from_str(json).map_err(|error| broken(format!("a stored sample cannot be read: {error}")))
}
