//! What people read about a campaign, in the best language there is for them.

use crate::domain::campaign::{Campaign, CampaignTexts};
use crate::domain::language::best;
use crate::services::Error;
use crate::storage::Conn;
use crate::storage::campaigns::texts;

/// The texts of a campaign in one language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// The language chosen (BCP 47).
    pub language: String,
    /// All languages there are.
    pub languages: Vec<String>,
    /// The texts; where one is missing in that language, the campaign's own.
    pub texts: CampaignTexts,
}

/// The texts for somebody who wants these languages, most wanted first; the campaign's own where none of them is there.
pub fn read(conn: &mut Conn, campaign: &Campaign, wanted: &[String]) -> Result<Reading, Error> {
    let languages = texts::languages(conn, campaign.id)?;
    let language = best(wanted, &languages).unwrap_or(&campaign.language).to_owned();
    let texts = if language == campaign.language {
        campaign.texts.clone()
    } else {
        texts::of(conn, campaign.id, &language)?.unwrap_or_default().or(&campaign.texts)
    };
    Ok(Reading { language, languages, texts })
}

/// What the field guide says of each answer, by its place on the scale, in that language or else the campaign's own;
/// empty where nothing was written.
pub fn guide(conn: &mut Conn, campaign: &Campaign, language: &str) -> Result<Vec<String>, Error> {
    let mut guide = vec![String::new(); campaign.scale.answers.len()];
    // The campaign's own first, the better ones over it.
    let mut order = vec![campaign.language.as_str()];
    if language != campaign.language {
        order.push(language);
    }
    for language in order {
        for (answer, text) in texts::guide(conn, campaign.id, language)? {
            if let Some(place) = guide.get_mut(usize::from(answer)).filter(|_| !text.trim().is_empty()) {
                *place = text;
            }
        }
    }
    Ok(guide)
}
