//! The report in words and tables, for the method note and for whoever reads it without a program. Markdown.

use std::fmt::Write;

use super::estimate::Estimate;
use super::report::Report;

/// The section "How right the map is" of the method note. English; numbers with a point.
pub fn markdown(report: &Report) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = write(&mut text, report);
    text
}

/// What the figures speak for, in one paragraph.
pub fn population(report: &Report) -> String {
    let out = &report.left_out;
    format!(
        "The figures describe the {} tiles that had a class on {} and whose answer was not fixed beforehand (model {}). \
         They say nothing about {} further tiles: {} open, {} without usable imagery, {} closed without a class, {} gold.",
        report.population,
        report.drawn_at,
        report.model,
        out.total(),
        out.open,
        out.unusable,
        out.without_class,
        out.gold
    )
}

fn write(text: &mut String, report: &Report) -> std::fmt::Result {
    let settings = &report.settings;
    writeln!(text, "## How right the map is\n")?;
    writeln!(text, "{}\n", population(report))?;
    writeln!(
        text,
        "Sample {}: {} tiles, drawn at random within strata of map class and agreement (`agreed` from {}), in proportion \
         to the strata but at least {} from each, with the seed `{}`. Each was graded blind by two people, who saw the \
         pictures and the scale only and had not labelled the tile; where they differed, a third decided. {} people \
         graded.\n",
        report.number,
        report.progress.drawn,
        settings.agreed_from,
        settings.floor,
        printed(&settings.seed),
        report.graders
    )?;
    if !report.complete {
        writeln!(
            text,
            "**Provisional**: {} of {} tiles are decided. What graders dispute is decided last, so these figures flatter \
             the map.\n",
            report.progress.decided, report.progress.drawn
        )?;
    }
    writeln!(text, "| map class | agreement | tiles | drawn | checked |\n|---|---|--:|--:|--:|")?;
    for stratum in &report.strata {
        let (class, band) = (&stratum.class, stratum.band);
        writeln!(text, "| {class} | {band} | {} | {} | {} |", stratum.tiles, stratum.drawn, stratum.checked)?;
    }
    write_matrix(text, report)?;
    write_accuracy(text, report)?;
    write_amounts(text, report)?;
    if let Some(agreement) = &report.agreement {
        let kappa =
            agreement.kappa.map_or("not defined: all grades are the same".into(), |kappa| format!("{kappa:.2}"));
        let around = agreement
            .low
            .zip(agreement.high)
            .map(|(low, high)| format!(" ({low:.2} to {high:.2})"))
            .unwrap_or_default();
        writeln!(
            text,
            "\nThe two graders gave the same grade to {} of {} tiles; Fleiss' kappa {kappa}{around}.",
            percent(agreement.share),
            agreement.tiles
        )?;
    }
    writeln!(
        text,
        "\nAll shares are reweighted from the sample to the population by the sizes of the strata (Olofsson et al., 2014; \
         Stehman, 2014), with their finite population correction. Intervals are 95 %: Wilson's, for the sample size that \
         the standard error is worth."
    )
}

fn write_matrix(text: &mut String, report: &Report) -> std::fmt::Result {
    writeln!(
        text,
        "\nChecked tiles, and in brackets their share of the population. Rows: the map; columns: the reference.\n"
    )?;
    writeln!(text, "| | {} |", report.classes.join(" | "))?;
    writeln!(text, "|---|{}", "--:|".repeat(report.classes.len()))?;
    for (class, (counts, shares)) in
        report.classes.iter().zip(report.accuracy.matrix.iter().zip(&report.accuracy.shares))
    {
        let cells: Vec<String> =
            counts.iter().zip(shares).map(|(count, share)| format!("{count} ({share:.4})")).collect();
        writeln!(text, "| {class} | {} |", cells.join(" | "))?;
    }
    Ok(())
}

fn write_accuracy(text: &mut String, report: &Report) -> std::fmt::Result {
    writeln!(text, "\n| | user's accuracy | producer's accuracy |\n|---|--:|--:|")?;
    for class in &report.accuracy.classes {
        writeln!(text, "| {} | {} | {} |", class.class, spelled(class.users), spelled(class.producers))?;
    }
    writeln!(text, "\nOverall accuracy: {}.", spelled(report.accuracy.overall))?;
    if let Some(share) = report.accuracy.not_gradable.filter(|share| share.value > 0.0) {
        writeln!(
            text,
            "{} of the tiles cannot be graded from the pictures; accuracies leave them out.",
            spelled(Some(share))
        )?;
    }
    if report.accuracy.uncovered > 0 {
        writeln!(text, "Not covered yet: {} tiles of strata without a checked tile.", report.accuracy.uncovered)?;
    }
    Ok(())
}

fn write_amounts(text: &mut String, report: &Report) -> std::fmt::Result {
    if report.amounts.is_empty() {
        return Ok(());
    }
    writeln!(text, "\nHow many tiles there are of each class by the reference, with 95 % intervals:\n")?;
    writeln!(text, "| | tiles | on the map | km² |\n|---|--:|--:|--:|")?;
    for amount in &report.amounts {
        let class = report.accuracy.classes.iter().find(|class| class.class == amount.class);
        let mapped = class.map_or_else(|| report.mapped_damaged(), |class| class.map_tiles);
        let area = amount.area_km2.zip(amount.area_km2_low.zip(amount.area_km2_high));
        let area = area.map_or("".into(), |(area, (low, high))| format!("{area:.2} ({low:.2} to {high:.2})"));
        writeln!(
            text,
            "| {} | {:.0} ({:.0} to {:.0}) | {mapped} | {area} |",
            amount.class, amount.tiles, amount.tiles_low, amount.tiles_high
        )?;
    }
    Ok(())
}

impl Report {
    /// Tiles that the map calls damaged.
    pub fn mapped_damaged(&self) -> u64 {
        self.accuracy.classes.iter().skip(1).map(|class| class.map_tiles).sum()
    }
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

fn spelled(estimate: Option<Estimate>) -> String {
    let Some(Estimate { value, standard_error, low, high }) = estimate else { return "no figure".into() };
    let error = standard_error.map_or("unknown".into(), percent);
    format!("{} ({} to {}; standard error {error})", percent(value), percent(low), percent(high))
}

/// A seed inside a code span: without what would end it.
fn printed(seed: &str) -> String {
    seed.chars().map(|c| if c == '`' || c == '|' { '\'' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::super::report::{Parts, report};
    use super::super::{Band, LeftOut, Settings, Stratum};
    use super::*;
    use crate::domain::scale::Scale;

    #[test]
    fn the_note_says_what_the_figures_speak_for_and_that_they_are_provisional() {
        let scale = Scale::built_in("change2").unwrap();
        let note = markdown(&report(Parts {
            campaign: "town",
            scale: &scale,
            number: 3,
            settings: Settings { size: 4, floor: 2, agreed_from: 0.75, seed: "a`b".into() },
            strata: &[
                Stratum { class: 0, band: Band::Agreed, tiles: 40, drawn: 2 },
                Stratum { class: 1, band: Band::Split, tiles: 10, drawn: 2 },
            ],
            left_out: LeftOut { gold: 2, ..LeftOut::default() },
            tile_area_m2: None,
            model: 7,
            drawn_at: "2025-06-15T00:00:00Z".into(),
            tiles: &[(0, 0, vec![0, 0]), (1, 1, vec![1, 1]), (1, 1, vec![0, 0]), (0, 0, vec![])],
            graders: 2,
        }));
        for part in [
            "the 50 tiles",
            "2 gold",
            "**Provisional**: 3 of 4",
            "`a'b`",
            "| change | split | 10 | 2 | 2 |",
            "Overall accuracy: 90.0 %",
            "Fleiss' kappa 1.00",
            "| any_damage | 5 (",
        ] {
            assert!(note.contains(part), "{part} in {note}");
        }
    }
}
