//! A scale in a campaign file: the key of a built-in one, or one of the campaign's own.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::domain::scale::{Answer, BUILT_IN, Role, Scale};
use crate::services::Error;

/// A scale in full.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ScaleFile {
    /// Name of the scale.
    pub key: String,
    /// Whether the classes are grades of one thing; so if not given.
    #[serde(default = "graded")]
    pub ordered: bool,
    /// Place of the mildest class that counts as heavy damage, counted from 0.
    pub heavy_from: u8,
    /// Classes from undamaged to worst, then between, then side answers.
    pub answers: Vec<AnswerFile>,
}

/// An answer of a scale.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AnswerFile {
    /// The word in files, a-z, 0-9 and _.
    pub key: String,
    /// What it says about damage.
    #[serde(default)]
    pub role: AnswerKind,
    /// Place of the milder class of a `between` answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub low: Option<u8>,
    /// Place of the graver class of a `between` answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub high: Option<u8>,
    /// The number that exports print.
    pub code: i32,
    /// What it is called on screen, by language (`fr`, `ar`): plain text of at most 60 characters. Only of a scale of
    /// the campaign's own; may change at any time.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub names: BTreeMap<String, String>,
}

/// What an answer says about damage.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum AnswerKind {
    /// It names a damage class.
    #[default]
    Class,
    /// "Maybe": between two classes.
    Between,
    /// It says nothing about damage.
    Side,
}

fn graded() -> bool {
    true
}

/// Reads a scale: a word names a built-in one.
pub fn read_scale(json: &Value) -> Result<Scale, Error> {
    let scale = match json {
        Value::String(key) => Scale::built_in(key).ok_or_else(|| {
            Error::invalid("scale", format!("there is no scale `{key}`: use one of {}", BUILT_IN.join(", ")))
        })?,
        _ => {
            let file: ScaleFile =
                serde_json::from_value(json.clone()).map_err(|error| Error::invalid("scale", error.to_string()))?;
            file.scale()?
        }
    };
    scale.check()?;
    Ok(scale)
}

impl ScaleFile {
    /// What it says, unchecked but for its name: one of ours must be ours.
    fn scale(self) -> Result<Scale, Error> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
        if self.key.is_empty() || self.key.len() > 40 || !self.key.chars().all(plain) {
            return Err(Error::invalid("scale.key", "name the scale with 1 to 40 of a-z, 0-9, _ and -"));
        }
        let answers = self.answers.into_iter().map(AnswerFile::answer).collect::<Result<_, _>>()?;
        let scale = Scale { key: self.key, ordered: self.ordered, heavy_from: self.heavy_from, answers };
        match Scale::built_in(&scale.key) {
            Some(ours) if ours != scale => {
                let reason = format!("`{}` is a built-in scale, and another one: choose another name", scale.key);
                Err(Error::invalid("scale.key", reason))
            }
            _ => Ok(scale),
        }
    }
}

impl AnswerFile {
    fn answer(self) -> Result<Answer, Error> {
        let role = match (self.role, self.low, self.high) {
            (AnswerKind::Class, None, None) => Role::Class,
            (AnswerKind::Side, None, None) => Role::Side,
            (AnswerKind::Between, Some(low), Some(high)) => Role::Between { low, high },
            _ => {
                let reason =
                    format!("answer `{}`: low and high are those of a `between` answer, which has both", self.key);
                return Err(Error::invalid("scale.answers", reason));
            }
        };
        Ok(Answer { key: self.key, role, code: self.code, names: self.names })
    }
}

impl From<&Scale> for ScaleFile {
    fn from(scale: &Scale) -> ScaleFile {
        let answer = |answer: &Answer| {
            let (role, low, high) = match answer.role {
                Role::Class => (AnswerKind::Class, None, None),
                Role::Between { low, high } => (AnswerKind::Between, Some(low), Some(high)),
                Role::Side => (AnswerKind::Side, None, None),
            };
            AnswerFile { key: answer.key.clone(), role, low, high, code: answer.code, names: answer.names.clone() }
        };
        ScaleFile {
            key: scale.key.clone(),
            ordered: scale.ordered,
            heavy_from: scale.heavy_from,
            answers: scale.answers.iter().map(answer).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_scale_is_a_word_or_a_definition_and_reads_back_as_itself() {
        for key in BUILT_IN {
            let scale = read_scale(&json!(key)).unwrap();
            let again = serde_json::to_value(ScaleFile::from(&scale)).unwrap();
            assert_eq!(read_scale(&again).unwrap(), scale);
        }
        let own = json!({"key": "roofs", "heavy_from": 1, "answers": [
            {"key": "whole", "code": 0}, {"key": "torn", "code": 1, "names": {"ar": "سقف ممزق"}},
            {"key": "maybe", "role": "between", "low": 0, "high": 1, "code": 5},
            {"key": "unsure", "role": "side", "code": 98}]});
        let scale = read_scale(&own).unwrap();
        assert_eq!((scale.classes().len(), scale.answers[1].names["ar"].as_str()), (2, "سقف ممزق"));
        assert_eq!(read_scale(&serde_json::to_value(ScaleFile::from(&scale)).unwrap()).unwrap(), scale);
    }

    #[test]
    fn a_wrong_scale_is_refused() {
        for bad in [
            json!("conflict4"),
            json!(3),
            json!({"key": "conflict3", "heavy_from": 1, "answers": [{"key": "a", "code": 0}, {"key": "b", "code": 1}]}),
            json!({"key": "x", "heavy_from": 1, "answers": [{"key": "a", "code": 0}]}),
            json!({"key": "x", "heavy_from": 1, "colour": 1, "answers": []}),
            json!({"key": "x", "heavy_from": 1, "answers": [{"key": "a", "code": 0}, {"key": "b", "low": 0, "code": 1}]}),
        ] {
            assert!(read_scale(&bad).is_err(), "{bad}");
        }
    }
}
