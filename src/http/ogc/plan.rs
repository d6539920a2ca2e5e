//! A small plan of features as they lie, drawn without any program in the browser.

use std::fmt::Write as _;

use crate::domain::bbox::Bbox;
use crate::domain::geometry::Geometry;
use crate::export::Record;
use crate::http::pages::escaped;

/// Width of the drawing in its own units.
const WIDTH: f64 = 1_000.0;
/// Features that are drawn at most.
const MOST: usize = 2_000;

/// The outlines as a picture (SVG); nothing where none has a place.
pub fn of(records: &[Record]) -> String {
    let outlines: Vec<(&str, &Geometry)> =
        records.iter().take(MOST).filter_map(|record| Some((record.id.as_str(), record.geometry.as_ref()?))).collect();
    let Some(bounds) = outlines.iter().map(|(_, outline)| outline.bbox()).reduce(Bbox::union) else {
        return String::new();
    };
    let paper = Paper::of(bounds);
    let mut drawn = format!(
        "<svg class=\"plan\" role=\"img\" aria-label=\"Where the features of this page lie\" viewBox=\"-10 -10 {:.0} {:.0}\">\n",
        WIDTH + 20.0,
        paper.height + 20.0,
    );
    for (id, outline) in outlines {
        let _ = write!(drawn, "<path d=\"");
        for ring in outline.polygons().iter().flatten() {
            for (place, corner) in ring.iter().enumerate() {
                let [x, y] = paper.at(*corner);
                let _ = write!(drawn, "{}{x:.1} {y:.1}", if place == 0 { 'M' } else { 'L' });
            }
            drawn.push('Z');
        }
        let _ = writeln!(drawn, "\"><title>{}</title></path>", escaped(id));
    }
    drawn + "</svg>\n"
}

/// Plate carrée, true to scale in the middle.
struct Paper {
    bounds: Bbox,
    /// Units of the drawing for a degree of longitude and of latitude.
    scale: (f64, f64),
    height: f64,
}

impl Paper {
    fn of(bounds: Bbox) -> Paper {
        let (_, middle) = bounds.centre();
        let wide = (bounds.east - bounds.west).max(1e-6);
        let across = WIDTH / wide;
        let along = across / middle.to_radians().cos().max(0.1);
        // A long thin strip would be a page of its own: it is made to fit.
        let high = ((bounds.north - bounds.south).max(1e-6) * along).clamp(40.0, 2.0 * WIDTH);
        Paper { bounds, scale: (across, high / (bounds.north - bounds.south).max(1e-6)), height: high }
    }

    fn at(&self, [lon, lat]: [f64; 2]) -> [f64; 2] {
        [(lon - self.bounds.west) * self.scale.0, (self.bounds.north - lat) * self.scale.1]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_shows_each_outline_inside_its_frame() {
        let square = |west: f64| Bbox { west, south: 36.0, east: west + 1.0, north: 37.0 };
        let record = |id: &str, west| Record {
            id: id.into(),
            geometry: Some(Geometry::rectangle(square(west))),
            values: vec![],
        };
        let drawn = of(&[record("a<b", 39.0), record("c", 40.0)]);
        assert_eq!(drawn.matches("<path").count(), 2);
        assert!(
            drawn.contains("<title>a&lt;b</title>") && drawn.contains("M0.0 ") && drawn.contains("L1000.0 "),
            "{drawn}"
        );
        assert!(!drawn.contains("NaN") && of(&[]).is_empty());
        let point = Bbox { west: 1.0, south: 1.0, east: 1.0, north: 1.0 };
        let dot = Record { id: "dot".into(), geometry: Some(Geometry::rectangle(point)), values: vec![] };
        assert!(!of(&[dot]).contains("NaN"));
    }
}
