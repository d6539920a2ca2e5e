//! The report of a sample: what was drawn, how far the grading is, and what it says about the map.

use serde::Serialize;
use utoipa::ToSchema;

use super::accuracy::{Accuracy, Checked, assess};
use super::agreement::{GradersAgreement, agreement};
use super::estimate::Estimate;
use super::{Band, LeftOut, Settings, Stratum, Verdict, class_of, verdict};
use crate::domain::scale::Scale;

/// Stands for all classes but the first, where figures are told by class; a scale may well have a class `damaged`.
pub const ANY_DAMAGE: &str = "any_damage";

/// What a report is made of.
pub struct Parts<'a> {
    /// Name of the campaign in addresses.
    pub campaign: &'a str,
    /// Its classes.
    pub scale: &'a Scale,
    /// Number of the sample in the campaign, from 1.
    pub number: u32,
    /// How it was drawn.
    pub settings: Settings,
    /// The strata, in the order to which tiles refer.
    pub strata: &'a [Stratum],
    /// Tiles that the sample does not speak for.
    pub left_out: LeftOut,
    /// Mean area of a tile, square metres; `None` where tiles are footprints.
    pub tile_area_m2: Option<f64>,
    /// Number of the model in use when it was drawn.
    pub model: u32,
    /// When it was drawn, RFC 3339.
    pub drawn_at: String,
    /// Each drawn tile: its stratum, its class on the map, its grades in the order in which they were given.
    pub tiles: &'a [(usize, u8, Vec<u8>)],
    /// People who graded.
    pub graders: u64,
}

/// One stratum of the sample.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct StratumReport {
    /// Key of its class on the map.
    pub class: String,
    /// How far the volunteers agreed.
    pub band: Band,
    /// Tiles of the map in it.
    pub tiles: u64,
    /// Of these, drawn.
    pub drawn: u64,
    /// Of these, with a reference.
    pub checked: u64,
}

/// How far the grading is, in tiles.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct GradingProgress {
    /// Drawn.
    pub drawn: u64,
    /// With a reference: two grades that agree, or a third.
    pub decided: u64,
    /// With two grades that differ, waiting for a third.
    pub third: u64,
    /// With one grade.
    pub once: u64,
    /// Without a grade.
    pub ungraded: u64,
}

/// A number of tiles with its 95 % interval, and the area that these are.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Amount {
    /// Key of the class, or `any_damage` for all classes but the first.
    pub class: String,
    /// Tiles.
    pub tiles: f64,
    /// Lower end of the interval.
    pub tiles_low: f64,
    /// Upper end.
    pub tiles_high: f64,
    /// Square kilometres, with tiles of average size; `null` where tiles are footprints.
    #[schema(required)]
    pub area_km2: Option<f64>,
    /// Lower end.
    #[schema(required)]
    pub area_km2_low: Option<f64>,
    /// Upper end.
    #[schema(required)]
    pub area_km2_high: Option<f64>,
}

/// How right the map is, by a sample that experts checked.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = ValidationReport)]
pub struct Report {
    /// Name of the campaign.
    pub campaign: String,
    /// Number of the sample in the campaign.
    pub number: u32,
    /// How it was drawn.
    pub settings: Settings,
    /// When it was drawn; the figures are about the map of that moment.
    #[schema(format = DateTime)]
    pub drawn_at: String,
    /// Number of the model that formed the map.
    pub model: u32,
    /// Keys of the classes, from undamaged to worst.
    pub classes: Vec<String>,
    /// Tiles that the figures speak for.
    pub population: u64,
    /// Tiles of the campaign that they do not speak for.
    pub left_out: LeftOut,
    /// The strata.
    pub strata: Vec<StratumReport>,
    /// How far the grading is.
    pub progress: GradingProgress,
    /// Whether every drawn tile is decided. Before, hard tiles are missing and the figures flatter the map.
    pub complete: bool,
    /// People who graded.
    pub graders: u64,
    /// What the checked tiles say.
    pub accuracy: Accuracy,
    /// How many tiles of the population there are of each class, and damaged ones.
    pub amounts: Vec<Amount>,
    /// Agreement of the two graders; `null` without a tile that has two grades.
    #[schema(required)]
    pub agreement: Option<GradersAgreement>,
}

/// Makes the report.
pub fn report(parts: Parts<'_>) -> Report {
    let classes: Vec<&str> = parts.scale.classes().iter().map(|class| class.key.as_str()).collect();
    let mut progress = GradingProgress::default();
    let (mut checked, mut pairs) = (Vec::new(), Vec::new());
    for (stratum, map, grades) in parts.tiles {
        progress.drawn += 1;
        if let [first, second, ..] = grades[..] {
            pairs.push((class_of(parts.scale, first), class_of(parts.scale, second)));
        }
        match verdict(parts.scale, grades) {
            Verdict::Decided(answer) => {
                progress.decided += 1;
                checked.push(Checked { stratum: *stratum, map: *map, reference: class_of(parts.scale, answer) });
            }
            Verdict::Waiting(_) => {
                *[&mut progress.ungraded, &mut progress.once, &mut progress.third][grades.len().min(2)] += 1
            }
        }
    }
    let sizes: Vec<(u8, u64)> = parts.strata.iter().map(|stratum| (stratum.class, stratum.tiles)).collect();
    let accuracy = assess(&classes, &sizes, &checked);
    let stratum = |(at, stratum): (usize, &Stratum)| StratumReport {
        class: classes.get(usize::from(stratum.class)).copied().unwrap_or_default().to_owned(),
        band: stratum.band,
        tiles: stratum.tiles,
        drawn: stratum.drawn,
        checked: checked.iter().filter(|tile| tile.stratum == at).count() as u64,
    };
    Report {
        campaign: parts.campaign.to_owned(),
        number: parts.number,
        drawn_at: parts.drawn_at,
        model: parts.model,
        classes: classes.iter().map(|&class| class.to_owned()).collect(),
        population: sizes.iter().map(|(_, tiles)| tiles).sum(),
        left_out: parts.left_out,
        strata: parts.strata.iter().enumerate().map(stratum).collect(),
        complete: progress.decided == progress.drawn,
        progress,
        graders: parts.graders,
        amounts: amounts(&accuracy, parts.tile_area_m2),
        accuracy,
        agreement: agreement(&pairs),
        settings: parts.settings,
    }
}

fn amounts(accuracy: &Accuracy, tile_area_m2: Option<f64>) -> Vec<Amount> {
    let tiles = accuracy.tiles as f64;
    let area = |tiles: f64| tile_area_m2.map(|area| tiles * area / 1e6);
    let amount = |class: &str, share: Option<Estimate>| {
        let Estimate { value, low, high, .. } = share?;
        Some(Amount {
            class: class.to_owned(),
            tiles: value * tiles,
            tiles_low: low * tiles,
            tiles_high: high * tiles,
            area_km2: area(value * tiles),
            area_km2_low: area(low * tiles),
            area_km2_high: area(high * tiles),
        })
    };
    let of_class = accuracy.classes.iter().filter_map(|class| amount(&class.class, class.share));
    of_class.chain(amount(ANY_DAMAGE, accuracy.damaged)).collect()
}

/// One figure of the report in a table: what, of which class, its value and how sure it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// `overall_accuracy`, `users_accuracy`, …
    pub figure: &'static str,
    /// The class on the map, or the one the figure is about; empty where it is about all.
    pub class: String,
    /// The class by the reference, in rows of the matrices.
    pub reference: String,
    /// The value.
    pub value: f64,
    /// Its standard error.
    pub standard_error: Option<f64>,
    /// Its 95 % interval.
    pub interval: Option<(f64, f64)>,
}

impl Report {
    /// All figures, one after the other, for a table.
    pub fn figures(&self) -> Vec<Figure> {
        let mut all = Vec::new();
        let mut plain = |figure, class: &str, reference: &str, value: f64| {
            let (class, reference) = (class.to_owned(), reference.to_owned());
            all.push(Figure { figure, class, reference, value, standard_error: None, interval: None });
        };
        plain("population_tiles", "", "", self.population as f64);
        plain("left_out_tiles", "", "", self.left_out.total() as f64);
        plain("drawn_tiles", "", "", self.progress.drawn as f64);
        plain("checked_tiles", "", "", self.progress.decided as f64);
        for stratum in &self.strata {
            let name = format!("{}/{}", stratum.class, stratum.band);
            plain("stratum_tiles", &name, "", stratum.tiles as f64);
            plain("stratum_checked", &name, "", stratum.checked as f64);
        }
        for (map, (counts, shares)) in self.accuracy.matrix.iter().zip(&self.accuracy.shares).enumerate() {
            for (reference, (count, share)) in counts.iter().zip(shares).enumerate() {
                plain("matrix_count", &self.classes[map], &self.classes[reference], *count as f64);
                plain("matrix_share", &self.classes[map], &self.classes[reference], *share);
            }
        }
        let mut estimate = |figure, class: &str, found: Option<Estimate>| {
            all.extend(found.map(|found| Figure {
                figure,
                class: class.to_owned(),
                reference: String::new(),
                value: found.value,
                standard_error: found.standard_error,
                interval: Some((found.low, found.high)),
            }));
        };
        estimate("overall_accuracy", "", self.accuracy.overall);
        for class in &self.accuracy.classes {
            estimate("users_accuracy", &class.class, class.users);
            estimate("producers_accuracy", &class.class, class.producers);
            estimate("share", &class.class, class.share);
        }
        estimate("share", ANY_DAMAGE, self.accuracy.damaged);
        estimate("share", "not_gradable", self.accuracy.not_gradable);
        for amount in &self.amounts {
            let interval = Some((amount.tiles_low, amount.tiles_high));
            let (class, reference) = (amount.class.clone(), String::new());
            all.push(Figure { figure: "tiles", class, reference, value: amount.tiles, standard_error: None, interval });
        }
        if let Some(GradersAgreement { kappa: Some(value), low, high, .. }) = self.agreement {
            let (class, reference, interval) = (String::new(), String::new(), low.zip(high));
            all.push(Figure { figure: "graders_kappa", class, reference, value, standard_error: None, interval });
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(tiles: &[(usize, u8, Vec<u8>)]) -> Report {
        let scale = Scale::built_in("change2").unwrap();
        let stratum = |class, tiles| Stratum { class, band: Band::Agreed, tiles, drawn: 3 };
        report(Parts {
            campaign: "town",
            scale: &scale,
            number: 1,
            settings: Settings { size: 6, floor: 2, agreed_from: 0.75, seed: "s".into() },
            strata: &[stratum(0, 90), stratum(1, 10)],
            left_out: LeftOut { open: 4, ..LeftOut::default() },
            tile_area_m2: Some(10_000.0),
            model: 0,
            drawn_at: "2025-06-15T00:00:00Z".into(),
            tiles,
            graders: 2,
        })
    }

    #[test]
    fn a_report_counts_what_is_graded_and_says_when_it_is_not_done() {
        let tiles = [
            (0, 0, vec![0, 0]),
            (0, 0, vec![0, 1]),
            (0, 0, vec![]),
            (1, 1, vec![1, 1]),
            (1, 1, vec![1, 0, 0]),
            (1, 1, vec![1]),
        ];
        let found = parts(&tiles);
        assert_eq!(found.progress, GradingProgress { drawn: 6, decided: 3, third: 1, once: 1, ungraded: 1 });
        assert!(!found.complete && found.agreement.is_some_and(|agreement| agreement.tiles == 4));
        assert_eq!(found.accuracy.matrix, [[1, 0], [1, 1]]);
        assert_eq!(found.strata[1].checked, 2);
        assert_eq!((found.population, found.left_out.total()), (100, 4));
    }

    #[test]
    fn amounts_are_shares_of_the_population() {
        let found = parts(&[(0, 0, vec![0, 0]), (0, 0, vec![0, 0]), (1, 1, vec![1, 1]), (1, 1, vec![1, 1])]);
        let damaged = found.amounts.iter().find(|amount| amount.class == ANY_DAMAGE).unwrap();
        assert!((damaged.tiles - 10.0).abs() < 1e-9 && damaged.tiles_low < 10.0 && damaged.tiles_high > 10.0);
        assert!((damaged.area_km2.unwrap() - 0.1).abs() < 1e-9);
        let overall = found.figures().into_iter().find(|figure| figure.figure == "overall_accuracy").unwrap();
        assert_eq!(overall.value, 1.0);
    }
}
