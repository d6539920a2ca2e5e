//! A town that does not exist, drawn as a satellite would see it over half a year of war: for the demo and the tests.
//!
//! Every picture is drawn here from a seed. Because the plan knows which building was hit when, the truth is exact,
//! which no real picture offers. The town is placed in the sea off "Null Island" (0.5 degrees north, 0.5 east), where
//! nobody lives, and everything is named synthetic.

mod building;
mod canvas;
mod damage;
mod ground;
mod noise;
mod plan;
mod weather;
mod write;

use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use rayon::prelude::*;

use crate::domain::Invalid;

use super::error::ImageryError;
use building::{Building, Condition, Fate};
use canvas::Canvas;
use plan::Plan;

/// What to print under every synthetic picture.
pub const SYNTHETIC_CREDIT: &str = "Synthetic imagery drawn by aftermap; no real place";

/// How the town is drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct TownOptions {
    /// Side of the square, metres, 200 to 3000.
    pub size_m: f64,
    /// Dates of the pictures, ascending, 2 to 24. The first shows the town whole.
    pub dates: Vec<NaiveDate>,
    /// Share of buildings that end damaged, 0 to 1.
    pub damaged_share: f64,
    /// Share of buildings that end destroyed, 0 to 1; both together at most 0.9.
    pub destroyed_share: f64,
    /// Number of clouds in each picture; missing numbers mean none.
    pub clouds: Vec<usize>,
    /// Most metres by which a picture may lie beside its place, as real ones do; the first lies right. 0 to 10.
    pub slide_m: f32,
}

impl Default for TownOptions {
    /// 700 m, five dates from March to September 2025, 20 % damaged, 15 % destroyed, clouds on the last date.
    fn default() -> TownOptions {
        let day = |month, day| NaiveDate::from_ymd_opt(2025, month, day);
        TownOptions {
            size_m: 700.0,
            dates: [day(3, 2), day(4, 21), day(6, 15), day(8, 1), day(9, 18)].into_iter().flatten().collect(),
            damaged_share: 0.20,
            destroyed_share: 0.15,
            clouds: vec![0, 0, 0, 0, 3],
            slide_m: 0.0,
        }
    }
}

/// One picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntheticScene {
    /// The GeoTIFF: EPSG:32631, 0.5 m, red, green, blue.
    pub file: PathBuf,
    /// When it was "taken".
    pub captured: NaiveDate,
}

/// A drawn town.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntheticTown {
    /// The pictures, oldest first.
    pub scenes: Vec<SyntheticScene>,
    /// Exact footprints: GeoJSON with the properties `id`, `reference_class` (a `conflict3` key, at the last date) and
    /// `damaged_from` (the first date that shows the damage, or null).
    pub footprints: PathBuf,
    /// The truth as CSV: `tile_id,label,last_intact,first_damaged`; the tile id is the footprint's id, the last two are
    /// days of pictures, the last one empty for what still stands.
    pub truth: PathBuf,
    /// Number of buildings.
    pub buildings: usize,
    /// What to print under the pictures: [`SYNTHETIC_CREDIT`].
    pub credit: &'static str,
}

impl SyntheticTown {
    /// Draws a town into a folder, which is made if it is missing. The same seed and options give the same files.
    ///
    /// # Errors
    /// [`ImageryError::Invalid`] for options out of range; [`ImageryError::Io`] where the disk fails.
    pub fn draw(seed: u64, options: TownOptions, out_dir: &Path) -> Result<SyntheticTown, ImageryError> {
        options.check()?;
        std::fs::create_dir_all(out_dir).map_err(ImageryError::io(out_dir, "creating the folder"))?;
        let dates = options.dates.len();
        // A whole number of pixels.
        let size = (options.size_m * 2.0).round() as f32 / 2.0;
        let plan = Plan::new(seed, size, dates, options.damaged_share, options.destroyed_share);
        let draw_one = |place: usize| {
            let captured = options.dates[place];
            let file = out_dir.join(format!("synthetic_town_{captured}.tif"));
            let clouds = options.clouds.get(place).copied().unwrap_or(0);
            let (side, pixels) = picture(&plan, place, season(captured), clouds);
            write::geotiff(&file, side, pixels, weather::slide(place, options.slide_m, plan.seed))?;
            Ok(SyntheticScene { file, captured })
        };
        let scenes = (0..dates).into_par_iter().map(draw_one).collect::<Result<Vec<_>, ImageryError>>()?;
        let footprints = out_dir.join("synthetic_town_footprints.geojson");
        write::footprints(&footprints, &plan, &options.dates)?;
        let truth = out_dir.join("synthetic_town_truth.csv");
        write::truth(&truth, &plan, &options.dates)?;
        Ok(SyntheticTown { scenes, footprints, truth, buildings: plan.buildings.len(), credit: SYNTHETIC_CREDIT })
    }
}

impl TownOptions {
    fn check(&self) -> Result<(), Invalid> {
        if !(200.0..=3000.0).contains(&self.size_m) {
            return Err(Invalid::new("size_m", "the side of the town must lie between 200 and 3000 metres"));
        }
        if !(2..=24).contains(&self.dates.len()) || !self.dates.is_sorted_by(|a, b| a < b) {
            return Err(Invalid::new("dates", "2 to 24 dates are needed, each later than the one before"));
        }
        let shares = [self.damaged_share, self.destroyed_share];
        if !shares.iter().all(|share| (0.0..=0.9).contains(share)) || shares.iter().sum::<f64>() > 0.9 {
            return Err(Invalid::new("damaged_share", "the shares must not be negative and sum to at most 0.9"));
        }
        if self.clouds.iter().any(|&count| count > 50) {
            return Err(Invalid::new("clouds", "at most 50 clouds fit into one picture"));
        }
        if !(0.0..=10.0).contains(&self.slide_m) {
            return Err(Invalid::new("slide_m", "a picture may slide by at most 10 metres"));
        }
        Ok(())
    }
}

/// 0 in early spring, 1 in autumn, by the day of the year.
fn season(date: NaiveDate) -> f32 {
    use chrono::Datelike;
    ((date.ordinal() as f32 - 60.0) / 200.0).clamp(0.0, 1.0)
}

/// Draws the town at one date: land, dust and craters, shade, cars, buildings, trees, clouds, then the sensor.
fn picture(plan: &Plan, date: usize, season: f32, clouds: usize) -> (usize, Vec<u8>) {
    let sun = weather::sun(date, season, plan.seed);
    let mut canvas = ground::draw_ground(plan, season);
    let condition = |building: &Building| building.fate.at(date);
    ground::draw_cars(&mut canvas, plan, date);
    for building in &plan.buildings {
        building.draw_debris(&mut canvas, condition(building));
    }
    for strike in plan.strikes.iter().filter(|strike| strike.date <= date) {
        ground::draw_crater(&mut canvas, strike, plan.seed);
    }
    let mut shadow = Canvas { side: canvas.side, pixels: vec![[0.0; 3]; canvas.pixels.len()] };
    for building in &plan.buildings {
        building.cast_shadow(&mut shadow, sun, condition(building));
    }
    let trees: Vec<_> = plan.trees.iter().filter(|tree| stands(plan, tree, date)).collect();
    for tree in &trees {
        ground::shade_tree(&mut shadow, tree, sun);
    }
    weather::apply_shade(&mut canvas, &shadow);
    for building in &plan.buildings {
        building.draw(&mut canvas, sun, condition(building));
    }
    for tree in trees {
        ground::draw_tree(&mut canvas, tree, sun, season, plan.seed);
    }
    weather::draw_clouds(&mut canvas, plan.size, clouds, sun, plan.seed ^ date as u32);
    (canvas.side, canvas.develop(&weather::look(date, plan.seed)))
}

/// Trees do not survive beside a building that fell.
fn stands(plan: &Plan, tree: &plan::Tree, date: usize) -> bool {
    let fallen = |b: &&Building| b.fate.at(date) == Condition::Rubble;
    plan.buildings.iter().filter(fallen).all(|building| building.distance(tree.x, tree.y) > 3.0)
}

/// The `conflict3` key of a fate at the end.
fn reference_class(fate: Fate) -> &'static str {
    match fate {
        Fate::Intact => "no_visible_damage",
        Fate::Damaged(_) => "damaged",
        Fate::Destroyed(_) => "destroyed",
    }
}
