//! How well a crowd agrees, with itself and with experts.

use crate::consensus::measures::{agreement_of, wilson};
use crate::domain::campaign::Campaign;
use crate::domain::standing::agrees;
use crate::storage::oversight::quality::{AnswerGroup, GoldAnswers};

/// Krippendorff's alpha over the counted labels that name a class.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Alpha {
    /// 1: everybody always agrees; 0: no more than by chance. `None` where nothing can be compared.
    pub value: Option<f64>,
    /// Whether a neighbouring class counts as a smaller difference than a distant one.
    pub ordinal: bool,
    /// Tiles with at least two such labels.
    pub tiles: u64,
}

/// How often answers on check gold are right.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GoldAccuracy {
    /// Answers that say something about damage, on check gold whose right answer is a class.
    pub labels: u64,
    /// Right ones; "between" two classes is right if one of them is.
    pub right: u64,
    /// `right / labels` with Wilson's 95 % interval; `None` without labels.
    pub share: Option<(f64, f64, f64)>,
}

/// Counted labels for each answer of the scale.
pub(super) fn answers(campaign: &Campaign, groups: &[AnswerGroup]) -> Vec<(String, u64)> {
    let of = |place: usize| {
        let given = |group: &AnswerGroup| group.answers.get(place).map_or(0, |&labels| u64::from(labels) * group.tiles);
        groups.iter().map(given).sum()
    };
    campaign.scale.answers.iter().enumerate().map(|(place, answer)| (answer.key.clone(), of(place))).collect()
}

/// Share of agreeing pairs of labels among all pairs on the same tile.
pub(super) fn agreement(groups: &[AnswerGroup]) -> Option<f64> {
    let pairs = |labels: u64| labels * labels.saturating_sub(1);
    let (mut agreeing, mut all) = (0, 0);
    for group in groups {
        agreeing += group.tiles * group.answers.iter().map(|&labels| pairs(labels.into())).sum::<u64>();
        all += group.tiles * pairs(group.answers.iter().map(|&labels| u64::from(labels)).sum());
    }
    (all > 0).then(|| agreeing as f64 / all as f64)
}

/// Krippendorff's alpha: of ordered classes with ordinal distances, of others with nominal ones.
pub(super) fn alpha(campaign: &Campaign, groups: &[AnswerGroup]) -> Alpha {
    let (classes, ordinal) = (campaign.scale.classes().len(), campaign.scale.ordered);
    let of_classes = |group: &AnswerGroup| group.answers.len() >= classes;
    let rows = || groups.iter().filter(|group| of_classes(group)).map(|group| (&group.answers[..classes], group.tiles));
    let measured = agreement_of(rows(), classes);
    Alpha {
        value: if ordinal { measured.alpha_ordinal } else { measured.alpha_nominal },
        ordinal,
        tiles: rows().filter(|(answers, _)| answers.iter().sum::<u32>() >= 2).map(|(_, tiles)| tiles).sum(),
    }
}

/// How often answers on check gold are right.
pub(super) fn gold_accuracy(campaign: &Campaign, groups: &[GoldAnswers]) -> GoldAccuracy {
    let (mut labels, mut right) = (0, 0);
    for group in groups {
        let (Ok(given), Ok(truth)) = (u8::try_from(group.given), u8::try_from(group.right)) else { continue };
        let Some(agreed) = agrees(&campaign.scale, given, Some(truth)) else { continue };
        labels += group.labels.unsigned_abs();
        right += if agreed { group.labels.unsigned_abs() } else { 0 };
    }
    let share = (labels > 0).then(|| {
        let (low, high) = wilson(right as f64, labels as f64);
        (right as f64 / labels as f64, low, high)
    });
    GoldAccuracy { labels, right, share }
}
