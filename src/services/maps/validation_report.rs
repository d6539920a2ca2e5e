//! What validation samples say about the map, and the graded tiles one by one.

use super::grade_tile::{counting, find_sample};
use crate::domain::campaign::Campaign;
use crate::domain::pseudonym::pseudonym;
use crate::domain::validation::report::{Parts, Report, report as make};
use crate::domain::validation::{Stratum, Verdict, verdict};
use crate::services::Error;
use crate::services::clock::rfc3339;
use crate::storage::maps::validation::{self, SampleRow};
use crate::storage::{Conn, QueryError};

/// A drawn tile with its grades.
#[derive(Debug, Clone, PartialEq)]
pub struct GradedTile {
    /// Public id.
    pub tile_id: String,
    /// Its stratum.
    pub stratum: Stratum,
    /// Each grade that counts: pseudonym of the grader, place of the answer.
    pub grades: Vec<(String, u8)>,
    /// The answer that counts, as a place on the scale; `None`: not decided yet.
    pub reference: Option<u8>,
}

/// The report of one sample.
pub fn report(conn: &mut Conn, campaign: &Campaign, number: u32) -> Result<Report, Error> {
    let sample = find_sample(conn, campaign, number)?;
    Ok(of_sample(conn, campaign, sample)?)
}

/// The reports of all samples, newest first.
pub fn reports(conn: &mut Conn, campaign: &Campaign) -> Result<Vec<Report>, Error> {
    let samples = validation::of_campaign(conn, campaign.id)?;
    Ok(samples.into_iter().map(|sample| of_sample(conn, campaign, sample)).collect::<Result<_, _>>()?)
}

fn of_sample(conn: &mut Conn, campaign: &Campaign, sample: SampleRow) -> Result<Report, QueryError> {
    let strata: Vec<Stratum> = validation::parsed(&sample.strata)?;
    let grades = validation::grades_of(conn, sample.id)?;
    let graders: std::collections::BTreeSet<i64> = grades.values().flatten().map(|grade| grade.volunteer_id).collect();
    let tiles: Vec<(usize, u8, Vec<u8>)> = validation::tiles_of(conn, sample.id)?
        .into_iter()
        .map(|one| {
            let answers = grades.get(&one.tile).map(|all| counting(all)).unwrap_or_default();
            (usize::from(one.stratum.unsigned_abs()), one.class.unsigned_abs() as u8, answers)
        })
        .collect();
    Ok(make(Parts {
        campaign: &campaign.slug,
        scale: &campaign.scale,
        number: sample.number.unsigned_abs(),
        settings: validation::parsed(&sample.settings)?,
        strata: &strata,
        left_out: validation::parsed(&sample.left_out)?,
        tile_area_m2: sample.tile_area_m2,
        model: sample.model.unsigned_abs(),
        drawn_at: rfc3339(sample.drawn_at),
        tiles: &tiles,
        graders: graders.len() as u64,
    }))
}

/// The drawn tiles of a sample with their grades, by public id.
pub fn graded_tiles(conn: &mut Conn, campaign: &Campaign, number: u32) -> Result<Vec<GradedTile>, Error> {
    let sample = find_sample(conn, campaign, number)?;
    let strata: Vec<Stratum> = validation::parsed(&sample.strata)?;
    let (mut names, grades) = (validation::tile_ids_of(conn, sample.id)?, validation::grades_of(conn, sample.id)?);
    let mut tiles = Vec::new();
    for one in validation::tiles_of(conn, sample.id)? {
        let (Some(tile_id), Some(stratum)) =
            (names.remove(&one.tile), strata.get(usize::from(one.stratum.unsigned_abs())))
        else {
            continue;
        };
        let all = grades.get(&one.tile).map(Vec::as_slice).unwrap_or_default();
        let reference = match verdict(&campaign.scale, &counting(all)) {
            Verdict::Decided(answer) => Some(answer),
            Verdict::Waiting(_) => None,
        };
        let name = |id: i64| pseudonym(&campaign.pseudonym_key, id);
        let counted = all.iter().filter(|grade| grade.turn.is_some());
        let grades = counted.map(|grade| (name(grade.volunteer_id), grade.answer.unsigned_abs() as u8)).collect();
        tiles.push(GradedTile { tile_id, stratum: *stratum, grades, reference });
    }
    tiles.sort_by(|a, b| a.tile_id.cmp(&b.tile_id));
    Ok(tiles)
}
