//! volunteers.csv: who labelled, under pseudonyms.

use super::super::{Record, Value};
use super::{Column, Kind, Sheet};
use crate::domain::damage_map::{DamageMap, VolunteerRow};
use crate::domain::volunteer_quality::{Flag, Quality};

/// The columns of volunteers.csv. `accuracy` is the share of check gold answered as the experts did.
pub fn sheet(map: &DamageMap) -> Sheet<'_> {
    let columns = [
        Column::new("volunteer", Kind::Text, "A pseudonym, stable in this campaign and unlinkable to others"),
        Column::new("labels", Kind::Int, "Tiles labelled"),
        Column::new("gold_labels", Kind::Int, "Check tiles among them, whose answer experts had fixed"),
        Column::new("gold_correct", Kind::Int, "Of these, answered as the experts did"),
        Column::new("accuracy", Kind::Number, "gold_correct / gold_labels").blank("no check tile was labelled"),
        Column::new("accuracy_low", Kind::Number, "Lower end of its 95 % interval (Wilson)")
            .blank("no check tile was labelled"),
        Column::new("accuracy_high", Kind::Number, "Upper end").blank("no check tile was labelled"),
        Column::new("weight", Kind::Number, "Weight in the model in use; the crowd's mean is 1")
            .blank("the model does not know the person"),
        Column::new("closed_labels", Kind::Int, "Answers of theirs for tiles that are closed now and have a class"),
        Column::new("agreement", Kind::Number, "Share of these that agree with the tile's class; of check gold, with the experts")
            .blank("no tile of theirs is closed"),
        Column::new("agreement_low", Kind::Number, "Lower end of its 95 % interval (Wilson)")
            .blank("no tile of theirs is closed"),
        Column::new("agreement_high", Kind::Number, "Upper end").blank("no tile of theirs is closed"),
        Column::new(
            "bias",
            Kind::Number,
            "Share of these that say more damage than the tile's class less the share that say less: above 0 overstates",
        )
        .blank("no tile of theirs is closed"),
        Column::new("flags", Kind::Text, "Why somebody should look, separated by blanks: ring, gold, constant, hasty, too_fast")
            .blank("nothing stands out"),
        Column::new("excluded", Kind::Bool, "Whether their labels are left out"),
    ];
    Sheet::without_places("volunteers", "Who labelled, under pseudonyms.", map, columns)
}

/// One volunteer under their pseudonym; `quality` is what those who watch the crowd see of them.
pub fn record(volunteer: &str, row: &VolunteerRow, quality: &Quality) -> Record {
    let interval = wilson(row.gold_correct, row.gold_labels);
    let agreement = quality.agreement();
    let flags: Vec<&str> = quality.flags().into_iter().map(Flag::key).collect();
    let values = vec![
        Value::Text(volunteer.to_owned()),
        Value::Int(row.labels.into()),
        Value::Int(row.gold_labels.into()),
        Value::Int(row.gold_correct.into()),
        Value::number((row.gold_labels > 0).then(|| f64::from(row.gold_correct) / f64::from(row.gold_labels))),
        Value::number(interval.map(|(low, _)| low)),
        Value::number(interval.map(|(_, high)| high)),
        Value::number(row.weight),
        Value::Int(quality.closed.into()),
        Value::number(agreement.map(|agreement| agreement.share)),
        Value::number(agreement.map(|agreement| agreement.low)),
        Value::number(agreement.map(|agreement| agreement.high)),
        Value::number(quality.bias()),
        Value::text(Some(flags.join(" ")).as_deref().filter(|flags| !flags.is_empty())),
        Value::Bool(row.excluded),
    ];
    Record { id: volunteer.to_owned(), geometry: None, values }
}

/// The 95 % interval of a share (Wilson, 1927); `None` for no trials.
fn wilson(successes: u32, trials: u32) -> Option<(f64, f64)> {
    const Z: f64 = 1.959_963_984_540_054;
    let (hits, n) = (f64::from(successes), f64::from(trials));
    let middle = (hits + Z * Z / 2.0) / (n + Z * Z);
    let half = Z / (n + Z * Z) * (hits * (n - hits) / n + Z * Z / 4.0).sqrt();
    (trials > 0).then(|| ((middle - half).max(0.0), (middle + half).min(1.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_is_wilsons() {
        assert_eq!(wilson(0, 0), None);
        let (low, high) = wilson(8, 10).unwrap();
        assert!((low - 0.490_2).abs() < 1e-4 && (high - 0.943_3).abs() < 1e-4, "{low} {high}");
        assert_eq!(wilson(10, 10).unwrap().1, 1.0);
    }
}
