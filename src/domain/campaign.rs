//! A campaign: one labelling drive over one area, with a question, a scale and a policy.

use super::Invalid;
use super::bbox::Bbox;
use super::policy::Policy;
use super::scale::Scale;
use super::words::words;

words! {
    /// Where a campaign stands.
    CampaignState {
        /// Being set up: scenes and tiles may still change.
        Draft = "draft",
        /// Handing out tiles.
        Open = "open",
        /// Hands nothing out for now; answers to tiles already handed out still count.
        Paused = "paused",
        /// Finished.
        Closed = "closed",
        /// Kept, but no longer listed.
        Archived = "archived",
    }
}

words! {
    /// Who may see a campaign and take part.
    Visibility {
        /// Everybody.
        Public = "public",
        /// Whoever holds an invitation.
        Invitation = "invitation",
        /// Whoever was given a role.
        Private = "private",
    }
}

words! {
    /// Who may have the damage map.
    ReleaseLevel {
        /// Everybody, tile by tile.
        Public = "public",
        /// Everybody, but in area cells only, those of the newest release.
        Coarsened = "coarsened",
        /// Researchers of the campaign only.
        Private = "private",
    }
}

words! {
    /// What a volunteer compares.
    CampaignKind {
        /// Two frames, before and after.
        Pair = "pair",
        /// More than two dated frames.
        Timeline = "timeline",
    }
}

words! {
    /// What a tile is.
    TileSource {
        /// A cell of the XYZ grid.
        Cells = "cells",
        /// The square around one building footprint.
        Footprints = "footprints",
    }
}

impl CampaignState {
    /// Whether it takes no more answers, so that nothing has to be kept from volunteers for their sake.
    pub fn is_over(self) -> bool {
        matches!(self, CampaignState::Closed | CampaignState::Archived)
    }

    /// Whether a coordinator may move a campaign from this state to that one.
    pub fn may_become(self, next: CampaignState) -> bool {
        use CampaignState::{Archived, Closed, Draft, Open, Paused};
        matches!(
            (self, next),
            (Draft, Open) | (Open, Paused) | (Paused, Open) | (Open | Paused, Closed) | (Closed, Open | Archived)
        )
    }
}

/// What people read about a campaign, in one language. Markdown where it is long.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CampaignTexts {
    /// Name on the campaign list.
    pub title: String,
    /// What it is for.
    pub purpose: String,
    /// What one learns before the first practice tile.
    pub introduction: String,
    /// How to answer, in short.
    pub instructions: String,
    /// What one may see, told before the first tile.
    pub care_notice: String,
    /// Where to find help.
    pub help_lines: String,
    /// What the work led to so far.
    pub news: String,
}

impl CampaignTexts {
    /// These texts, with those of `other` where there is none: a notice in another language is better than none.
    pub fn or(self, other: &CampaignTexts) -> CampaignTexts {
        let either = |mine: String, theirs: &String| if mine.trim().is_empty() { theirs.clone() } else { mine };
        CampaignTexts {
            title: either(self.title, &other.title),
            purpose: either(self.purpose, &other.purpose),
            introduction: either(self.introduction, &other.introduction),
            instructions: either(self.instructions, &other.instructions),
            care_notice: either(self.care_notice, &other.care_notice),
            help_lines: either(self.help_lines, &other.help_lines),
            news: either(self.news, &other.news),
        }
    }
}

/// Most characters of a campaign's title: it stands in lists.
pub const MAX_TITLE: usize = 200;

/// Checks that a title is one line that fits into a list. That there is one is for whoever asks to see to.
///
/// # Errors
/// With `field` for one that is too long, or holds a line end or another control character.
pub fn check_title(field: &str, title: &str) -> Result<(), Invalid> {
    if title.chars().count() > MAX_TITLE || title.chars().any(char::is_control) {
        return Err(Invalid::new(field, format!("a title is one line of at most {MAX_TITLE} characters")));
    }
    Ok(())
}

/// What is shown around a building footprint.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Surroundings {
    /// Margin around the footprint, as a share of its longer side.
    pub margin: f64,
    /// The smallest square around a footprint, metres on the ground.
    pub least_m: f64,
}

impl Default for Surroundings {
    /// Enough street to see what belongs to the building.
    fn default() -> Surroundings {
        Surroundings { margin: 0.6, least_m: 30.0 }
    }
}

impl Surroundings {
    /// Checks that a building stays in sight, and that its square is one.
    pub fn check(self) -> Result<(), Invalid> {
        // Written so that NaN fails too.
        if !(0.0..=10.0).contains(&self.margin) {
            return Err(Invalid::new("tiles.margin", format!("{} is not between 0 and 10", self.margin)));
        }
        if !(1.0..=5_000.0).contains(&self.least_m) {
            return Err(Invalid::new("tiles.least_m", format!("{} is not between 1 and 5000 metres", self.least_m)));
        }
        Ok(())
    }
}

/// How a campaign's tiles are made out of its scenes.
#[derive(Debug, Clone, PartialEq)]
pub struct Tiling {
    /// Grid cells or building footprints.
    pub source: TileSource,
    /// Zoom of grid cells; `None`: what fits the imagery.
    pub zoom: Option<u8>,
    /// What is shown around a footprint.
    pub surroundings: Surroundings,
    /// GeoJSON geometry in which tiles are made; `None`: wherever there is imagery.
    pub area: Option<String>,
}

/// A campaign with all its settings.
#[derive(Debug, Clone, PartialEq)]
pub struct Campaign {
    /// Database id.
    pub id: i64,
    /// The name in addresses and on the command line.
    pub slug: String,
    /// Where it stands.
    pub state: CampaignState,
    /// Who may take part.
    pub visibility: Visibility,
    /// Who may have the damage map.
    pub release_level: ReleaseLevel,
    /// Pair or timeline; follows from the number of scenes until the campaign opens.
    pub kind: CampaignKind,
    /// Grid cells or building footprints.
    pub tile_source: TileSource,
    /// Zoom of the tiles; `None` until chosen or fitted, and for footprints.
    pub labelling_zoom: Option<u8>,
    /// What is shown around a footprint.
    pub surroundings: Surroundings,
    /// GeoJSON geometry in which tiles are made; `None`: wherever there is imagery.
    pub area: Option<String>,
    /// Answers a volunteer may give.
    pub scale: Scale,
    /// When a tile is done, and how work is handed out.
    pub policy: Policy,
    /// Language of `texts` (BCP 47).
    pub language: String,
    /// What people read about it.
    pub texts: CampaignTexts,
    /// Licence of the damage map.
    pub licence: Option<String>,
    /// Whether the imagery was drawn by a program.
    pub synthetic: bool,
    /// Number of the model in use.
    pub model: u32,
    /// Key of the campaign's pseudonyms; never leaves the server.
    pub pseudonym_key: Vec<u8>,
    /// Milliseconds since 1970, UTC.
    pub created_at: i64,
    /// When it first opened, likewise.
    pub opened_at: Option<i64>,
    /// When it closed, likewise.
    pub closed_at: Option<i64>,
    /// The box around all its tiles; `None` while it has none.
    pub bounds: Option<Bbox>,
}

impl Campaign {
    /// How its tiles are made.
    pub fn tiling(&self) -> Tiling {
        Tiling {
            source: self.tile_source,
            zoom: self.labelling_zoom,
            surroundings: self.surroundings,
            area: self.area.clone(),
        }
    }

    /// Makes its tiles in this way from now on.
    pub fn set_tiling(&mut self, tiling: Tiling) {
        let Tiling { source, zoom, surroundings, area } = tiling;
        (self.tile_source, self.labelling_zoom, self.surroundings, self.area) = (source, zoom, surroundings, area);
    }
}

/// Checks the name of a campaign in addresses: 2 to 60 of a-z, 0-9 and `-`, beginning with a letter or digit.
pub fn check_slug(slug: &str) -> Result<(), Invalid> {
    let plain = slug.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    if (2..=60).contains(&slug.len()) && plain && !slug.starts_with('-') {
        return Ok(());
    }
    Err(Invalid::new("slug", format!("`{slug}` cannot be a campaign's name: use 2 to 60 of a-z, 0-9 and -")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_campaign_only_moves_along_its_path() {
        use CampaignState::{Archived, Closed, Draft, Open, Paused};
        assert!(Draft.may_become(Open) && Open.may_become(Paused) && Paused.may_become(Open));
        assert!(Closed.may_become(Archived) && !Archived.may_become(Open) && !Open.may_become(Draft));
        assert!(!Draft.may_become(Closed));
    }

    #[test]
    fn a_slug_is_plain() {
        assert!(check_slug("raqqa-2018").is_ok());
        for bad in ["", "a", "-raqqa", "Raqqa", "raq qa", "../etc", "é-e"] {
            assert!(check_slug(bad).is_err(), "{bad}");
        }
    }
}
