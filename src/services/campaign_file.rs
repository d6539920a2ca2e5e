//! The campaign file: what a coordinator writes about a campaign, in TOML. `docs/campaign.example.toml` shows all of it.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::Error;
use crate::domain::campaign::{ReleaseLevel, Visibility};
use crate::domain::policy::Policy;

/// A campaign file. What it does not name stays as it is.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CampaignFile {
    /// The campaign it is about.
    pub slug: String,
    /// The campaign's own language: given where somebody's language is not there.
    pub language: Option<String>,
    /// Who may take part.
    pub visibility: Option<Visibility>,
    /// Who may have the damage map.
    pub release_level: Option<ReleaseLevel>,
    /// Licence of the damage map; empty: none.
    pub licence: Option<String>,
    /// Texts by language.
    #[serde(default)]
    pub texts: BTreeMap<String, FileTexts>,
    /// Read to refuse what is no setting, with its line; which ones are named is in `settings`.
    #[serde(default)]
    policy: Policy,
    /// The policy settings that the file names.
    #[serde(skip)]
    pub settings: Map<String, Value>,
}

/// Texts in one language; `None` stays as it is.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FileTexts {
    /// Name on the campaign list.
    pub title: Option<String>,
    /// What it is for.
    pub purpose: Option<String>,
    /// What one learns before the first practice tile.
    pub introduction: Option<String>,
    /// How to answer, in short.
    pub instructions: Option<String>,
    /// What one may see.
    pub care_notice: Option<String>,
    /// Where to find help.
    pub help_lines: Option<String>,
    /// What the work led to.
    pub news: Option<String>,
    /// The field guide, by key of the answer.
    pub guide: BTreeMap<String, String>,
}

impl CampaignFile {
    /// Reads a file. What it cannot hold is refused with its line.
    pub fn parse(text: &str) -> Result<CampaignFile, Error> {
        let wrong = |error: toml::de::Error| {
            let line = error.span().map_or(1, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
            Error::invalid("campaign file", format!("line {line}: {}", error.message()))
        };
        let mut file: CampaignFile = toml::from_str(text).map_err(wrong)?;
        file.policy.check()?;
        // Read once more, without the types: only so it is known which settings are named.
        let plain: Map<String, Value> = toml::from_str(text).map_err(wrong)?;
        if let Some(Value::Object(settings)) = plain.get("policy") {
            file.settings = settings.clone();
        }
        Ok(file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        CampaignFile::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn an_unknown_key_is_refused_with_its_name_and_line() {
        let refusal = refused("slug = \"c\"\n\n[texts.en]\ntitle = \"T\"\ntitel = \"T\"\n");
        assert!(refusal.contains("line 5") && refusal.contains("`titel`"), "{refusal}");
        let refusal = refused("slug = \"c\"\ncolour = 1\n");
        assert!(refusal.contains("line 2") && refusal.contains("`colour`"), "{refusal}");
        let refusal = refused("slug = \"c\"\n[policy]\nminimun = 3\n");
        assert!(refusal.contains("line 3") && refusal.contains("`minimun`"), "{refusal}");
        assert!(refused("slug = \"c\"\nvisibility = \"secret\"\n").contains("line 2"));
        assert!(refused("slug = c\n").contains("line 1"));
    }

    #[test]
    fn only_the_settings_that_are_named_are_taken() {
        let file = CampaignFile::parse("slug = \"c\"\n[policy]\ngold_share = 0.1\npractice_required = true\n").unwrap();
        assert_eq!(file.settings.keys().collect::<Vec<_>>(), ["gold_share", "practice_required"]);
        assert!(CampaignFile::parse("slug = \"c\"\n").unwrap().settings.is_empty());
        assert!(refused("slug = \"c\"\n[policy]\ngold_share = 7.0\n").contains("policy.gold_share"));
    }
}
