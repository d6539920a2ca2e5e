//! How well a scene lies on the campaign's first one: an estimated shift, and what may be done with it.

use serde::{Deserialize, Serialize};

/// Fewer windows that agree are an accident.
const LEAST_WINDOWS: u32 = 3;
/// Share of the windows that must agree before an estimate is believed.
const LEAST_CONFIDENCE: f64 = 0.5;
/// A larger shift is a wrong place, not a shift: it is reported and never applied, pixels.
const MOST_PIXELS: f64 = 20.0;
/// A smaller shift is not worth a second resampling, pixels.
const LEAST_PIXELS: f64 = 0.25;
/// From this on people see that two dates do not line up, pixels.
const SEEN_PIXELS: f64 = 1.0;

/// What a coordinator wants done about dates that do not line up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Align {
    /// Estimate and report the shift.
    #[default]
    Report,
    /// Estimate it, and move the picture where the estimate can be believed.
    Apply,
    /// Do not look.
    Off,
}

/// The shift of one scene against the campaign's first scene, as it was estimated when the scene was ingested.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Alignment {
    /// Title of the scene it was compared with.
    pub against: String,
    /// What is seen in this scene lies so far east of where the first one shows it, metres on the ground.
    pub east_m: f64,
    /// The same towards north, metres on the ground.
    pub north_m: f64,
    /// Length of the shift in pixels of the coarser of both scenes' native zooms.
    pub pixels: f64,
    /// Share of the windows looked at that agree with the estimate, 0 to 1.
    pub confidence: f64,
    /// Windows that agree.
    pub agreeing: u32,
    /// Windows looked at.
    pub windows: u32,
    /// Whether the picture was moved by the opposite before it was cut.
    pub applied: bool,
}

/// What an estimate means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Lines up, or was moved so that it does.
    LinesUp,
    /// Shifted by so much that people see it.
    Shifted,
    /// So far away that one of the two is in the wrong place.
    Misplaced,
    /// The windows do not agree: nothing is known.
    Unknown,
}

impl Alignment {
    /// Whether enough windows agree.
    pub fn is_believed(&self) -> bool {
        self.agreeing >= LEAST_WINDOWS && self.confidence >= LEAST_CONFIDENCE
    }

    /// Whether the picture may be moved by it: believed, not silly, and worth it.
    pub fn may_apply(&self) -> bool {
        self.is_believed() && (LEAST_PIXELS..=MOST_PIXELS).contains(&self.pixels)
    }

    /// What it means for who compares the two dates.
    pub fn verdict(&self) -> Verdict {
        match self.pixels {
            _ if !self.is_believed() => Verdict::Unknown,
            _ if self.applied => Verdict::LinesUp,
            pixels if pixels > MOST_PIXELS => Verdict::Misplaced,
            pixels if pixels > SEEN_PIXELS => Verdict::Shifted,
            _ => Verdict::LinesUp,
        }
    }

    /// What a coordinator should know and do about a scene of this title; `None` where the dates line up.
    pub fn warning(&self, title: &str) -> Option<String> {
        let moved = format!("{:.1} m ({:.1} pixels)", self.east_m.hypot(self.north_m), self.pixels);
        match self.verdict() {
            Verdict::LinesUp => None,
            Verdict::Shifted => Some(format!(
                "{title} and {} do not line up: {moved} apart; ingest it into a new draft with --align apply, or tell \
                 volunteers about it",
                self.against
            )),
            Verdict::Misplaced => Some(format!(
                "{title} lies {moved} away from {}: too far to be moved; check that both show the same place",
                self.against
            )),
            Verdict::Unknown => Some(format!(
                "it is not known whether {title} lines up with {}: {} of {} places agree; look at a few tiles yourself",
                self.against, self.agreeing, self.windows
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn estimate(pixels: f64, agreeing: u32) -> Alignment {
        let confidence = f64::from(agreeing) / 8.0;
        let against = "before".into();
        Alignment { against, east_m: pixels, north_m: 0.0, pixels, confidence, agreeing, windows: 8, applied: false }
    }

    #[test]
    fn silly_and_doubtful_shifts_are_never_applied() {
        assert!(estimate(2.0, 7).may_apply());
        for silly in [estimate(25.0, 8), estimate(2.0, 3), estimate(0.1, 8), estimate(f64::NAN, 8)] {
            assert!(!silly.may_apply(), "{silly:?}");
        }
    }

    #[test]
    fn who_does_not_line_up_is_told_what_to_do() {
        assert_eq!(estimate(0.5, 8).warning("after"), None);
        assert_eq!(Alignment { applied: true, ..estimate(3.0, 8) }.warning("after"), None);
        assert!(estimate(3.0, 8).warning("after").unwrap().contains("--align apply"));
        assert!(estimate(30.0, 8).warning("after").unwrap().contains("same place"));
        assert!(estimate(3.0, 2).warning("after").unwrap().contains("2 of 8"));
    }
}
