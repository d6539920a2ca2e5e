//! tiles.csv: the damage map, one row for each tile.

use super::super::geometry::round;
use super::super::{Geometry, Record, Value};
use super::{Column, Kind, Outlines, Sheet, dates, push_dates};
use crate::domain::campaign::TileSource;
use crate::domain::consensus::TileState;
use crate::domain::damage_map::{Crowd, DamageMap, TileRow};
use crate::domain::scene::Scene;

const HIDDEN: &str =
    "the tile is open, closed less than ten minutes ago, or nothing is known; blank as well for whoever may not see it";
const NO_CLASS: &str =
    "no class: nothing is known, it may not be seen, or its probability is below the threshold asked for";
const NO_WINDOW: &str = "not damaged, not known, or open at this end";
const NOT_A_CELL: &str = "the tile is the square around a footprint";
const NO_SCENE: &str = "no scene shows the tile";

/// The columns of tiles.csv; `p_…`, `labels_…` and `share_…` follow the scale, `damaged` stands there when asked for.
pub fn sheet(map: &DamageMap) -> Sheet<'_> {
    let columns: Vec<Column> =
        [place_columns(), class_columns(map), window_columns(), count_columns(map), source_columns()]
            .into_iter()
            .flatten()
            .collect();
    let outlines = match map.tile_source {
        TileSource::Cells => Outlines::Polygons,
        TileSource::Footprints => Outlines::MultiPolygons,
    };
    let about = "The damage map: one row for each tile, by tile id, also for those without a label.";
    Sheet { name: "tiles", about, map, columns, outlines, bounds: map.bounds }
}

fn place_columns() -> Vec<Column> {
    vec![
        Column::new("campaign", Kind::Text, "Name of the campaign in addresses"),
        Column::new("tile_id", Kind::Text, "The tile: z-x-y of a map cell, or the id of the footprint"),
        Column::new("quadkey", Kind::Text, "The cell as a quadkey (Bing Maps Tile System); never a number")
            .blank(NOT_A_CELL),
        Column::new("z", Kind::Int, "Zoom of the cell (XYZ tiles, EPSG:3857)").blank(NOT_A_CELL),
        Column::new("x", Kind::Int, "Column of the cell").blank(NOT_A_CELL),
        Column::new("y", Kind::Int, "Row of the cell, from the north").blank(NOT_A_CELL),
        Column::new("lon", Kind::Number, "Longitude of the tile's centre (EPSG:4326)").unit("degrees"),
        Column::new("lat", Kind::Number, "Latitude of the tile's centre").unit("degrees"),
        Column::new("footprint_id", Kind::Text, "Id of the building outline, as it was brought")
            .blank("the tile is a map cell"),
        Column::new(
            "geometry",
            Kind::Outline,
            "The cell, or the building outline; cut in two where it crosses the date line",
        ),
        Column::new(
            "state",
            Kind::Text,
            "open; settled (closed by the crowd); contested (closed undecided); reviewed (closed by an expert); unusable",
        ),
    ]
}

fn class_columns(map: &DamageMap) -> Vec<Column> {
    let mut columns = vec![
        Column::new("class", Kind::Text, "The damage class with the highest probability").blank(NO_CLASS),
        Column::new("class_code", Kind::Int, "The same as the scale's number").blank(NO_CLASS),
        Column::new("probability", Kind::Number, "Probability of the class, 0 to 1").blank(HIDDEN),
    ];
    columns.extend(map.scale.classes().iter().map(|class| {
        Column::new(format!("p_{}", class.key), Kind::Number, format!("Probability of the class {}, 0 to 1", class.key))
            .blank(HIDDEN)
    }));
    let any = "Probability of any damage: of all classes but the first, 0 to 1";
    columns.push(Column::new("damaged_probability", Kind::Number, any).blank(HIDDEN));
    if let Some(least) = map.cuts.damaged_if {
        let meaning = format!("Whether damaged_probability is at least {least}, as was asked for");
        columns.push(Column::new("damaged", Kind::Bool, meaning).blank(HIDDEN));
    }
    columns
}

fn window_columns() -> Vec<Column> {
    let [before, after] = dates(NO_WINDOW);
    vec![
        before,
        after,
        Column::new("mindate", Kind::Instant, "Earliest moment at which the damage can have happened").blank(NO_WINDOW),
        Column::new("maxdate", Kind::Instant, "Latest moment").blank(NO_WINDOW),
        Column::new("window_probability", Kind::Number, "Probability that it happened in this window, 0 to 1")
            .blank("no window, or a campaign with only two scenes"),
    ]
}

fn count_columns(map: &DamageMap) -> Vec<Column> {
    let mut columns = vec![
        Column::new("labels", Kind::Int, "Counted labels, those that say nothing about damage included").blank(HIDDEN),
    ];
    let answers = || map.scale.answers.iter();
    columns.extend(answers().map(|answer| {
        Column::new(format!("labels_{}", answer.key), Kind::Int, format!("Counted labels that say {}", answer.key))
            .blank(HIDDEN)
    }));
    columns.extend(answers().map(|answer| {
        let meaning = format!("labels_{} / labels; a share of opinions, not a probability", answer.key);
        Column::new(format!("share_{}", answer.key), Kind::Number, meaning).blank("no counted label, or not to be seen")
    }));
    columns.extend([
        Column::new(
            "agreement",
            Kind::Number,
            "Share of agreeing pairs of counted labels, (sum n^2 - n) / (n (n - 1))",
        )
        .blank("fewer than two counted labels, or not to be seen"),
        Column::new("entropy", Kind::Number, "Entropy of the probabilities of all classes").unit("nats").blank(HIDDEN),
        Column::new(
            "effective_redundancy",
            Kind::Number,
            "How many independent, equally good volunteers the labels are worth, (sum w)^2 / sum w^2",
        )
        .unit("labels")
        .blank(HIDDEN),
        Column::new("surplus_labels", Kind::Int, "Labels that stand but are not counted").blank(HIDDEN),
        Column::new("closed_reason", Kind::Text, "Why the tile closed").blank("it is open, or not to be seen"),
        Column::new("closed_at", Kind::Instant, "When it closed").blank("it is open, or not to be seen"),
        Column::new("reviewed_by_expert", Kind::Bool, "Whether an expert fixed the class").blank(HIDDEN),
    ]);
    columns
}

fn source_columns() -> Vec<Column> {
    let scene = |which: &str| {
        [
            Column::new(
                format!("{which}_scene"),
                Kind::Text,
                format!("The {} scene that shows the tile", if which == "before" { "earliest" } else { "latest" }),
            )
            .blank(NO_SCENE),
            Column::new(
                format!("{which}_captured_from"),
                Kind::Instant,
                "When that scene was taken; of a composite the beginning",
            )
            .blank(NO_SCENE),
            Column::new(format!("{which}_captured_to"), Kind::Instant, "The same moment; of a composite the end")
                .blank(NO_SCENE),
        ]
    };
    let method = [
        Column::new("method", Kind::Text, "How the consensus was formed; `expert`: fixed beforehand").blank(HIDDEN),
        Column::new("method_version", Kind::Text, "Version of the method").blank(HIDDEN),
    ];
    scene("before").into_iter().chain(scene("after")).chain(method).collect()
}

/// One tile under these columns.
pub fn record(map: &DamageMap, row: &TileRow) -> Record {
    let mut values = Vec::with_capacity(64);
    push_place(&mut values, map, row);
    match &row.crowd {
        Some(crowd) => push_crowd(&mut values, map, row, crowd),
        None => {
            let (classes, answers) = (map.scale.classes().len(), map.scale.answers.len());
            let cut = usize::from(map.cuts.damaged_if.is_some());
            // class to probability, p_*, damaged_probability, five of the window and `labels`, counts, shares, the rest.
            values.extend(std::iter::repeat_n(Value::Blank, 3 + classes + 1 + cut + 6 + 2 * answers + 7));
        }
    }
    let (first, last) = row.scenes.unzip();
    push_scene(&mut values, map.scene(first));
    push_scene(&mut values, map.scene(last));
    let method = row.crowd.as_ref().and_then(|crowd| crowd.method.as_ref());
    values.push(Value::text(method.map(|(name, _)| name.as_str())));
    values.push(Value::text(method.map(|(_, version)| version.as_str())));
    Record { id: row.tile.tile_id.clone(), geometry: Some(Geometry::of_tile(&row.tile).cut_at_date_line()), values }
}

fn push_place(values: &mut Vec<Value>, map: &DamageMap, row: &TileRow) {
    let tile = &row.tile;
    let (lon, lat) = tile.bbox.centre();
    let number = |value: Option<u32>| value.map_or(Value::Blank, |value| Value::Int(value.into()));
    values.extend([
        Value::Text(map.campaign.clone()),
        Value::Text(tile.tile_id.clone()),
        tile.cell.map_or(Value::Blank, |cell| Value::Text(cell.quadkey())),
        number(tile.cell.map(|cell| cell.z.into())),
        number(tile.cell.map(|cell| cell.x)),
        number(tile.cell.map(|cell| cell.y)),
        Value::Number(round(lon)),
        Value::Number(round(lat)),
        if tile.footprint.is_some() { Value::Text(tile.tile_id.clone()) } else { Value::Blank },
        Value::Outline,
        Value::Text(row.state.key().to_owned()),
    ]);
}

fn push_crowd(values: &mut Vec<Value>, map: &DamageMap, row: &TileRow, crowd: &Crowd) {
    let consensus = crowd.consensus.as_ref();
    let probability = consensus.and_then(|consensus| consensus.probability);
    let class = consensus.and_then(|consensus| consensus.class).filter(|_| match map.cuts.min_probability {
        Some(least) => probability.is_some_and(|probability| probability >= least),
        None => true,
    });
    push_class(values, map, class, probability, crowd);
    push_window(values, map, class, row, crowd);
    push_counts(values, map, crowd);
    values.extend([
        Value::number(consensus.and_then(|consensus| consensus.agreement)),
        Value::number(consensus.map(|consensus| consensus.entropy)),
        Value::number(consensus.map(|consensus| consensus.effective_redundancy)),
        Value::Int(crowd.surplus.into()),
        Value::text(crowd.closed_reason.as_deref()),
        row.closed_at.map_or(Value::Blank, Value::Instant),
        Value::Bool(row.state == TileState::Reviewed),
    ]);
}

fn push_class(values: &mut Vec<Value>, map: &DamageMap, class: Option<u8>, probability: Option<f64>, crowd: &Crowd) {
    let answer = class.and_then(|class| map.scale.answer(class));
    values.push(Value::text(answer.map(|answer| answer.key.as_str())));
    values.push(answer.map_or(Value::Blank, |answer| Value::Int(answer.code.into())));
    values.push(Value::number(probability));
    let probabilities = crowd.consensus.as_ref().map_or(&[][..], |consensus| &consensus.probabilities);
    for place in 0..map.scale.classes().len() {
        values.push(Value::number(probabilities.get(place).copied()));
    }
    let damaged = crowd.damaged_probability();
    values.push(Value::number(damaged));
    if let Some(least) = map.cuts.damaged_if {
        values.push(damaged.map_or(Value::Blank, |damaged| Value::Bool(damaged >= least)));
    }
}

/// The window of the damage, once as days and once as the earliest and the latest moment at which it can have happened.
fn push_window(values: &mut Vec<Value>, map: &DamageMap, class: Option<u8>, row: &TileRow, crowd: &Crowd) {
    let (before, after) = map.window(row, class);
    push_dates(values, before, after);
    values.push(before.map_or(Value::Blank, |scene| Value::Instant(scene.captured_from)));
    values.push(after.map_or(Value::Blank, |scene| Value::Instant(scene.captured_to)));
    values.push(Value::number(crowd.window_probability));
}

fn push_counts(values: &mut Vec<Value>, map: &DamageMap, crowd: &Crowd) {
    let labels = crowd.consensus.as_ref().map_or(0, |consensus| consensus.labels);
    let answers = crowd.consensus.as_ref().map_or(&[][..], |consensus| &consensus.answers);
    let count = |place: usize| answers.get(place).copied().unwrap_or(0);
    values.push(Value::Int(labels.into()));
    let places = 0..map.scale.answers.len();
    values.extend(places.clone().map(|place| Value::Int(count(place).into())));
    values.extend(places.map(|place| Value::number((labels > 0).then(|| f64::from(count(place)) / f64::from(labels)))));
}

fn push_scene(values: &mut Vec<Value>, scene: Option<&Scene>) {
    values.push(scene.map_or(Value::Blank, |scene| Value::Text(scene.id.to_string())));
    values.push(scene.map_or(Value::Blank, |scene| Value::Instant(scene.captured_from)));
    values.push(scene.map_or(Value::Blank, |scene| Value::Instant(scene.captured_to)));
}
