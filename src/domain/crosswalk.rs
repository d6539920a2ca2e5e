//! The classes of the built-in scales beside the words of those who publish damage maps. A mapping of names by their
//! meaning, not an equal measurement: what a crowd sees from above is not what an engineer finds on the ground.

/// What others call about the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Names {
    /// Copernicus Emergency Management Service, rapid mapping grading products.
    pub copernicus: &'static str,
    /// UNOSAT damage assessments.
    pub unosat: &'static str,
    /// FEMA preliminary damage assessment.
    pub fema: &'static str,
}

/// The names for a class of a built-in scale; `None` for classes of custom scales.
pub fn names(scale: &str, class: &str) -> Option<Names> {
    let (copernicus, unosat, fema) = match (scale, class) {
        ("change2", "no_change") | ("conflict3" | "unosat5", "no_visible_damage") | ("jds4", "no_damage") => {
            ("No visible damage", "No Visible Damage", "No damage")
        }
        ("change2", "change") => {
            ("Possibly damaged to Destroyed", "Possible Damage to Destroyed", "Affected to Destroyed")
        }
        ("conflict3", "damaged") => ("Possibly damaged or Damaged", "Moderate or Severe Damage", "Minor or Major"),
        ("jds4", "minor_damage") => ("Possibly damaged", "Possible or Moderate Damage", "Affected or Minor"),
        ("jds4", "major_damage") => ("Damaged", "Severe Damage", "Major"),
        ("unosat5", "possible") => ("Possibly damaged", "Possible Damage", "Affected"),
        ("unosat5", "moderate") => ("Damaged", "Moderate Damage", "Minor"),
        ("unosat5", "severe") => ("Damaged", "Severe Damage", "Major"),
        ("conflict3" | "jds4" | "unosat5", "destroyed") => ("Destroyed", "Destroyed", "Destroyed"),
        _ => return None,
    };
    Some(Names { copernicus, unosat, fema })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::scale::{BUILT_IN, Scale};

    #[test]
    fn every_class_of_every_built_in_scale_has_its_names() {
        for key in BUILT_IN {
            let scale = Scale::built_in(key).unwrap();
            for class in scale.classes() {
                assert!(names(key, &class.key).is_some(), "{key} {}", class.key);
            }
        }
        assert_eq!(names("mine", "destroyed"), None);
    }
}
