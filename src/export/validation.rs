//! Validation as CSV: the figures of a report, and the graded tiles one by one.

use super::csv::guarded;
use crate::domain::validation::report::Report;

/// One graded tile, in words.
pub struct GradedLine<'a> {
    /// Public id of the tile.
    pub tile_id: &'a str,
    /// Where it was drawn from; `None` while it is not decided, so that whoever grades it cannot look up the crowd's answer.
    pub stratum: Option<StratumLine<'a>>,
    /// Pseudonym and answer of each grade, in the order in which they were given; at most three,
    /// and none while the tile is not decided.
    pub grades: Vec<(&'a str, &'a str)>,
    /// The answer that counts; empty while it is not decided.
    pub reference: &'a str,
}

/// A stratum, in words.
pub struct StratumLine<'a> {
    /// Key of the tiles' class on the map.
    pub map_class: &'a str,
    /// `agreed` or `split`.
    pub band: &'a str,
    /// Tiles in it.
    pub tiles: u64,
    /// Tiles drawn from it.
    pub drawn: u64,
}

/// All figures of a report: `figure, class, reference, value, standard_error, low, high`.
pub fn figures(report: &Report) -> String {
    let mut lines = vec![words(&["figure", "class", "reference", "value", "standard_error", "low", "high"])];
    let number = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
    for one in report.figures() {
        let (low, high) = one.interval.unzip();
        let numbers = [Some(one.value), one.standard_error, low, high].map(number);
        lines.push([vec![one.figure.to_owned(), one.class, one.reference], numbers.to_vec()].concat());
    }
    table(&lines)
}

/// The graded tiles of a sample; with the sizes of the strata anybody can compute the estimates again.
pub fn tiles(graded: &[GradedLine<'_>]) -> String {
    let mut lines = vec![words(&[
        "tile_id",
        "map_class",
        "agreement",
        "stratum_tiles",
        "stratum_drawn",
        "grader_1",
        "grade_1",
        "grader_2",
        "grade_2",
        "grader_3",
        "grade_3",
        "reference",
    ])];
    for one in graded {
        let mut line = words(&[one.tile_id]);
        line.extend(match &one.stratum {
            Some(stratum) => {
                let sizes = [stratum.tiles.to_string(), stratum.drawn.to_string()];
                [words(&[stratum.map_class, stratum.band]), sizes.to_vec()].concat()
            }
            None => vec![String::new(); 4],
        });
        for turn in 0..3 {
            let (grader, grade) = one.grades.get(turn).copied().unwrap_or_default();
            line.extend(words(&[grader, grade]));
        }
        line.push(one.reference.to_owned());
        lines.push(line);
    }
    table(&lines)
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| guarded(word).into_owned()).collect()
}

fn table(lines: &[Vec<String>]) -> String {
    let mut out = ::csv::WriterBuilder::new().terminator(::csv::Terminator::CRLF).from_writer(Vec::new());
    for line in lines {
        // Lines of equal length into memory: nothing can fail.
        let _ = out.write_record(line);
    }
    String::from_utf8(out.into_inner().unwrap_or_default()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tile_id_that_looks_like_a_formula_is_guarded_and_missing_grades_are_blank() {
        let line = GradedLine {
            tile_id: "=1,\"x\"",
            stratum: Some(StratumLine { map_class: "change", band: "split", tiles: 9, drawn: 3 }),
            grades: vec![("v1", "change"), ("v2", "no_change")],
            reference: "",
        };
        let text = tiles(&[line]);
        let mut reader = ::csv::Reader::from_reader(text.as_bytes());
        let record = reader.records().next().unwrap().unwrap();
        assert_eq!(
            record.iter().collect::<Vec<_>>(),
            ["'=1,\"x\"", "change", "split", "9", "3", "v1", "change", "v2", "no_change", "", "", ""]
        );
    }
}
