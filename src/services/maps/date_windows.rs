//! Date windows between the database, which names scenes by their ids, and the voting core, which counts them by date.

use crate::consensus::window::{self, Window, WindowModel, WindowSkill};
use crate::domain::label;
use crate::storage::labelling::consensus::Dates;

/// The scenes of a timeline by date, and the model of its windows.
pub struct Timeline {
    /// Ids of the scenes, oldest first.
    pub scenes: Vec<i64>,
    /// The model in use.
    pub model: WindowModel,
}

impl Timeline {
    /// A timeline with the model in use, or the one before any fit. A model of fewer scenes than there are now was
    /// fitted before a scene was added, and says nothing about it.
    pub fn new(scenes: Vec<i64>, fitted: Option<WindowModel>) -> Timeline {
        let fits = |model: &WindowModel| model.prior.len() == scenes.len() + 1;
        let model = fitted.filter(fits).unwrap_or_else(|| WindowModel::zero(scenes.len()));
        Timeline { scenes, model }
    }

    /// The consensus of these windows; `None` where nobody gave one.
    pub fn consensus(&self, votes: &[(label::Window, Option<WindowSkill>)]) -> Option<Dates> {
        let votes: Vec<(Window, Option<WindowSkill>)> =
            votes.iter().filter_map(|(window, skill)| Some((counted(&self.scenes, *window)?, *skill))).collect();
        let result = window::consensus(&self.model, &votes);
        let median = result.median?;
        let scene = |place: Option<u16>| place.and_then(|place| self.scenes.get(usize::from(place)).copied());
        Some(Dates {
            median: label::Window {
                last_intact: scene(median.last_intact),
                first_damaged: scene(median.first_damaged),
            },
            probability: median.probability,
            intervals: result.bins,
        })
    }
}

/// A window in places of scenes instead of their ids; `None` where it names a scene that is gone.
pub fn counted(scenes: &[i64], window: label::Window) -> Option<Window> {
    let place = |id: Option<i64>| match id {
        None => Some(None),
        Some(id) => scenes.iter().position(|scene| *scene == id).map(|place| Some(place as u16)),
    };
    Window::new(place(window.last_intact)?, place(window.first_damaged)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(last_intact: Option<i64>, first_damaged: Option<i64>) -> label::Window {
        label::Window { last_intact, first_damaged }
    }

    #[test]
    fn three_who_agree_date_the_damage_between_two_scenes() {
        let timeline = Timeline::new(vec![50, 30, 70, 10], None);
        let votes = [(window(Some(30), Some(70)), None); 3];
        let dates = timeline.consensus(&votes).unwrap();
        assert_eq!(dates.median, window(Some(30), Some(70)));
        assert!(dates.probability > 0.8 && dates.intervals.len() == 5);
        assert_eq!(timeline.consensus(&[]), None);
    }

    #[test]
    fn a_window_that_cannot_be_is_left_out() {
        assert_eq!(counted(&[5, 6], window(Some(6), Some(5))), None);
        assert_eq!(counted(&[5, 6], window(Some(7), None)), None);
        assert!(counted(&[5, 6], window(Some(6), None)).is_some());
    }
}
