//! The method note: how the map was made, from what, and how far to trust it; in words for a report's appendix.

use std::fmt::Write as _;

use super::code_book::line;
use crate::domain::damage_map::DamageMap;
use crate::domain::policy::{DISSENT_LEAD, Policy, PolicyKind};

/// What the note tells beside the map's own header.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facts {
    /// Number of tiles by state, in the order of states, as the person who asks sees them.
    pub tiles: Vec<(&'static str, u64)>,
    /// Tiles labelled, summed over volunteers.
    pub labels: u64,
    /// Volunteers who labelled.
    pub volunteers: u64,
    /// The model in use; `None` before the first refit.
    pub model: Option<ModelFacts>,
    /// What experts found.
    pub accuracy: Checked,
    /// The policies so far, in the order of their time; at most one where it never changed.
    pub policies: Vec<PolicyFacts>,
}

/// A policy that was in force for a while.
#[derive(Debug, Clone, PartialEq)]
pub struct PolicyFacts {
    /// 1 for the first.
    pub version: u32,
    /// Since when; milliseconds since 1970, UTC.
    pub in_force_from: i64,
    /// Whether it decided closed tiles anew.
    pub closed_too: bool,
    /// Its settings.
    pub policy: Policy,
}

/// What the note tells of the model in use.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ModelFacts {
    /// Check tiles that took part in the fit. `None`: not to be told.
    pub gold_tiles: Option<u32>,
    /// Share of them that the labels alone call rightly.
    pub gold_accuracy: Option<f64>,
    /// Whether the check tiles speak for the consensus.
    pub identifiable: bool,
    /// How alike errors of different volunteers on one tile are, 0 to 1.
    pub correlation: f64,
    /// Weight of the confusion posterior against the weighted share, 0 to 1.
    pub posterior_share: f64,
    /// Calibration on check tiles: probability of a call, and share of such calls that are right.
    pub calibration: Vec<(f64, f64)>,
}

/// Whether experts checked a sample of the map.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Checked {
    /// They did not, or are not done.
    #[default]
    Never,
    /// They did, but what they found would tell how many tiles are gold.
    Kept,
    /// What they found, in Markdown.
    Told(String),
}

/// The note, in Markdown.
pub fn markdown(map: &DamageMap, policy: &Policy, facts: &Facts) -> String {
    let mut text = format!("# How the damage map of {} was made\n", line(&map.title));
    push_source(&mut text, map);
    push_consensus(&mut text, policy, map);
    push_policies(&mut text, &facts.policies);
    push_numbers(&mut text, facts);
    push_model(&mut text, facts.model.as_ref());
    text.push_str("\n## Accuracy\n\n");
    text.push_str(match &facts.accuracy {
        Checked::Told(found) => found,
        Checked::Kept => "A sample of this map was checked by experts; what they found is told when the campaign is over.\n",
        Checked::Never => {
            "No sample of this map was checked by experts. Until one is, read the probabilities as what the crowd believes.\n"
        }
    });
    push_limits(&mut text, map);
    text
}

fn push_source(text: &mut String, map: &DamageMap) {
    let licence = map.licence.as_deref().unwrap_or("none was given");
    let _ = write!(text, "\nCampaign `{}`. Licence of the map: {licence}.\n", map.campaign);
    if map.synthetic {
        text.push_str("**The imagery was drawn by a program. This map says nothing about any real place.**\n");
    }
    text.push_str("\n## Imagery\n\n");
    for scene in &map.scenes {
        let from = super::text::day(scene.captured_from);
        let to = super::text::day(scene.captured_to);
        let days = if from == to { from } else { format!("{from} to {to}") };
        let sensor = scene.sensor.as_deref().map_or(String::new(), |sensor| format!(", {}", line(sensor)));
        let credit = scene.attribution.as_deref().map_or(String::new(), |credit| format!(" {}.", line(credit)));
        let _ = writeln!(text, "- scene {}: {days}{sensor}, {} m a pixel.{credit}", scene.id, scene.pixel_size_m);
    }
    if map.scenes.is_empty() {
        text.push_str("There is no scene.\n");
    }
}

fn push_consensus(text: &mut String, policy: &Policy, map: &DamageMap) {
    text.push_str("\n## Consensus\n\n");
    text.push_str(
        "Volunteers compared each tile in the images without knowing what others answered. An answer weighs as much as its author has \
         shown, by agreement with others and on check tiles whose answer experts had fixed; accounts that err together count as one. Two \
         opinions are pooled: a bounded weighted share of the answers, and a model of who confuses which class with which. Nobody chose \
         their own tiles.\n\n",
    );
    let _ = match policy.kind {
        PolicyKind::Adaptive => writeln!(
            text,
            "A tile closed when its class had a probability of at least {} with at least {} labels that speak about damage; calling it \
             undamaged also needed a probability of any damage of at most {}. It got up to {} labels while it was undecided, and is \
             contested if it still was. Before the first model all weights were 1 and a class had to lead by {} labels. {} of the tiles \
             needed one more label when they would first have closed.{}",
            policy.settle_at,
            policy.minimum,
            policy.undamaged_at_most,
            policy.maximum,
            policy.lead_without_model,
            percent(policy.second_look_share),
            against_missed_damage(policy),
        ),
        PolicyKind::Fixed { redundancy } => {
            writeln!(
                text,
                "Every tile got {redundancy} labels that speak about damage, up to {} in a tie.",
                policy.maximum
            )
        }
    };
    let model = match (&map.method, map.model) {
        (Some((name, version)), number) => format!("Method {name}, version {version}; model {number}."),
        (None, _) => "No model was fitted yet: all weights are 1.".to_owned(),
    };
    let _ = writeln!(text, "\n{model}");
}

/// Which policy decided what, where it was not always the same.
fn push_policies(text: &mut String, policies: &[PolicyFacts]) {
    if policies.len() < 2 {
        return;
    }
    text.push_str(
        "\nThe policy changed while labels were gathered; what stands above is the one in force now. A tile was decided by the version \
         that was in force when it closed (column `closed_at`), or by a later one that decided closed tiles anew.\n\n\
         | version | in force from | labels at least | undamaged at least | at most | probability of the class | decided closed tiles anew |\n\
         |---|---|---|---|---|---|---|\n",
    );
    for one in policies {
        let (policy, from) = (&one.policy, super::text::instant(one.in_force_from));
        let anew = if one.closed_too { "yes" } else { "no" };
        let (least, undamaged, sure) = match policy.kind {
            PolicyKind::Adaptive => (policy.minimum, policy.minimum_undamaged(), policy.settle_at.to_string()),
            PolicyKind::Fixed { redundancy } => (redundancy, redundancy, "-".to_owned()),
        };
        let _ = writeln!(
            text,
            "| {} | {from} | {least} | {undamaged} | {} | {sure} | {anew} |",
            one.version, policy.maximum
        );
    }
}

fn push_numbers(text: &mut String, facts: &Facts) {
    text.push_str("\n## Numbers\n\n");
    let _ = writeln!(text, "- {} labels by {} volunteers", facts.labels, facts.volunteers);
    for (state, tiles) in &facts.tiles {
        let _ = writeln!(text, "- {tiles} tiles {state}");
    }
}

fn push_model(text: &mut String, model: Option<&ModelFacts>) {
    text.push_str("\n## Calibration\n\n");
    let Some(model) = model else {
        text.push_str(
            "No model was fitted yet, so nothing was calibrated: a probability is a smoothed share of the labels.\n",
        );
        return;
    };
    match model.gold_tiles {
        Some(tiles) => {
            let _ = write!(text, "{tiles} check tiles took part in the fit.");
        }
        None => text.push_str("How many check tiles took part in the fit is told when the campaign is over."),
    }
    if let Some(accuracy) = model.gold_accuracy {
        let _ = write!(text, " The labels alone called {} of them rightly.", percent(accuracy));
    }
    if !model.identifiable {
        text.push_str(" **That is too few to tell the crowd's reading from its opposite: do not publish this map.**");
    }
    let _ = writeln!(
        text,
        " Errors of different volunteers on one tile were alike by {:.2} (0 independent, 1 the same). The confusion model had a share of \
         {:.2} in the pool.",
        model.correlation, model.posterior_share
    );
    if model.calibration.is_empty() {
        text.push_str("\nThere were too few check tiles to calibrate probabilities on.\n");
        return;
    }
    text.push_str("\n| probability of a call before calibration | share of such calls that were right |\n|---|---|\n");
    for (called, right) in &model.calibration {
        let _ = writeln!(text, "| {called:.3} | {right:.3} |");
    }
}

fn push_limits(text: &mut String, map: &DamageMap) {
    text.push_str("\n## Known limits\n\n");
    text.push_str(
        "- Seen from above: damage to walls and inside is missed, and a roof that was rebuilt looks intact.\n\
         - A date window says between which images the damage is seen to have happened, not when.\n\
         - A share of labels is an opinion; only the probabilities are meant to be right as often as they say.\n\
         - Where images differ in season, light or sharpness, change is not always damage.\n\
         - Tiles that are open or contested are part of the map: leaving them out would bias totals.\n",
    );
    if map.scenes.len() <= 2 {
        text.push_str("- With two images every damaged tile has the same date window.\n");
    }
}

/// The two rules that keep a few accounts from hiding damage, where the campaign counts it for more.
fn against_missed_damage(policy: &Policy) -> String {
    if !policy.missed_damage_costs_more() {
        return String::new();
    }
    format!(
        " An undamaged call needed at least {} labels (or all that the tile could have) and, where anybody saw damage, {DISSENT_LEAD} \
         more voices for undamaged than for damage.",
        policy.minimum_undamaged(),
    )
}

fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}
