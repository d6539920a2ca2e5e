//! The answers of a campaign, as they are told to those who label, review and read its map.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::campaign::Campaign;
use crate::domain::scale;

/// What an answer says about damage.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum AnswerRole {
    /// It names a damage class.
    Class,
    /// "Maybe": between two classes.
    Between,
    /// It says nothing about damage.
    Side,
}

/// One answer that a volunteer may give.
#[derive(Serialize, ToSchema)]
pub struct Answer {
    key: String,
    role: AnswerRole,
    /// Place of the milder class of a `between` answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    low: Option<u8>,
    /// Place of the graver class of a `between` answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    high: Option<u8>,
    /// The number that exports print.
    code: i32,
    /// Whether it is a class of heavy damage.
    heavy: bool,
    /// What it is called in the language asked for, else in the campaign's own; absent where the key in words says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// What it is called, by language; absent where it has no names of its own.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    names: BTreeMap<String, String>,
}

/// The answers of a campaign: classes from undamaged to worst, then between, then side answers.
#[derive(Serialize, ToSchema)]
pub struct Scale {
    key: String,
    ordered: bool,
    answers: Vec<Answer>,
}

impl Scale {
    /// The answers of a campaign, named for somebody who wants these languages, most wanted first.
    pub fn of(campaign: &Campaign, languages: &[String]) -> Scale {
        let scale = &campaign.scale;
        let answers = scale.answers.iter().enumerate().map(|(place, answer)| {
            let (role, low, high) = match answer.role {
                scale::Role::Class => (AnswerRole::Class, None, None),
                scale::Role::Between { low, high } => (AnswerRole::Between, Some(low), Some(high)),
                scale::Role::Side => (AnswerRole::Side, None, None),
            };
            Answer {
                key: answer.key.clone(),
                role,
                low,
                high,
                code: answer.code,
                heavy: scale.is_heavy(place as u8),
                name: answer.name(languages, &campaign.language).map(str::to_owned),
                names: answer.names.clone(),
            }
        });
        Scale { key: scale.key.clone(), ordered: scale.ordered, answers: answers.collect() }
    }
}
