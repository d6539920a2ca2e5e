//! How a release is cited: the fields of CITATION.cff (Citation File Format 1.2.0) and a line of text.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Invalid;

/// Most authors of a release.
const MOST_AUTHORS: usize = 100;

/// Everything that a citation needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Citation {
    /// Organisations and people, in the order in which they are named.
    pub authors: Vec<String>,
    /// Title of the campaign.
    pub title: String,
    /// Version of the release.
    pub version: u32,
    /// Day of the release, `2025-06-15`, UTC.
    pub date: String,
    /// Licence of the map.
    #[schema(required)]
    pub licence: Option<String>,
    /// Where the release is; `null` where the server was not told its address.
    #[schema(required)]
    pub url: Option<String>,
}

/// Checks the names of authors: at least one, each of 1 to 200 characters on one line.
pub fn check_authors(authors: &[String]) -> Result<(), Invalid> {
    if authors.is_empty() || authors.len() > MOST_AUTHORS {
        return Err(Invalid::new("authors", format!("name 1 to {MOST_AUTHORS} authors or organisations")));
    }
    for author in authors {
        if author.trim().is_empty() || author.chars().count() > 200 || author.chars().any(char::is_control) {
            return Err(Invalid::new("authors", format!("`{author}` is no name: use 1 to 200 characters on one line")));
        }
    }
    Ok(())
}

impl Citation {
    /// The citation in one line.
    pub fn text(&self) -> String {
        let year = self.date.split('-').next().unwrap_or_default();
        let mut parts = vec![format!("{} ({year})", self.authors.join("; ")), self.title.clone()];
        parts.push(format!("Damage map, version {}, {}", self.version, self.date));
        parts.extend(self.licence.clone());
        parts.extend(self.url.clone());
        parts.iter().map(|part| part.split_whitespace().collect::<Vec<_>>().join(" ")).collect::<Vec<_>>().join(". ")
    }

    /// The file CITATION.cff.
    pub fn cff(&self) -> String {
        let mut text = String::from(
            "cff-version: 1.2.0\nmessage: \"If you use this damage map, please cite it.\"\ntype: dataset\n",
        );
        text += &format!(
            "title: {}\nversion: \"{}\"\ndate-released: \"{}\"\nauthors:\n",
            quoted(&self.title),
            self.version,
            self.date
        );
        self.authors.iter().for_each(|author| text += &format!("  - name: {}\n", quoted(author)));
        // The format knows licences by their SPDX names only; others stand in the notes.
        match self.licence.as_deref().filter(|licence| is_spdx(licence)) {
            Some(licence) => text += &format!("license: {}\n", quoted(licence)),
            None => {
                text += &self
                    .licence
                    .as_ref()
                    .map_or(String::new(), |other| format!("abstract: {}\n", quoted(&format!("Licence: {other}"))))
            }
        }
        text += &self.url.as_ref().map_or(String::new(), |url| format!("url: {}\n", quoted(url)));
        text
    }
}

/// A string in YAML's double quotes, which are JSON's.
fn quoted(text: &str) -> String {
    let one_line: Vec<&str> = text.split_whitespace().collect();
    serde_json::Value::from(one_line.join(" ")).to_string()
}

/// Whether a licence is one that data are published under, by its SPDX name.
fn is_spdx(licence: &str) -> bool {
    const KNOWN: [&str; 13] = [
        "CC0-1.0",
        "CC-BY-3.0",
        "CC-BY-4.0",
        "CC-BY-SA-3.0",
        "CC-BY-SA-3.0-IGO",
        "CC-BY-SA-4.0",
        "CC-BY-NC-4.0",
        "CC-BY-NC-SA-4.0",
        "CC-BY-ND-4.0",
        "ODbL-1.0",
        "ODC-By-1.0",
        "PDDL-1.0",
        "CDLA-Permissive-2.0",
    ];
    KNOWN.contains(&licence)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn citation() -> Citation {
        Citation {
            authors: vec!["Amnesty: \"International\"".into(), "Volunteers of حلب".into()],
            title: "Aleppo,\n2025 # 1".into(),
            version: 2,
            date: "2025-06-15".into(),
            licence: Some("CC-BY-4.0".into()),
            url: Some("https://map.example.org/#/c/aleppo/releases".into()),
        }
    }

    #[test]
    fn the_file_holds_every_field_and_survives_quotes_colons_and_line_ends() {
        let cff = citation().cff();
        for line in [
            "cff-version: 1.2.0",
            "title: \"Aleppo, 2025 # 1\"",
            "version: \"2\"",
            "date-released: \"2025-06-15\"",
            r#"  - name: "Amnesty: \"International\"""#,
            "license: \"CC-BY-4.0\"",
            "url: \"https://map.example.org/#/c/aleppo/releases\"",
        ] {
            assert!(cff.lines().any(|other| other == line), "{line} in {cff}");
        }
        let own = Citation { licence: Some("ask us".into()), url: None, ..citation() }.cff();
        assert!(own.contains("abstract: \"Licence: ask us\"") && !own.contains("license:") && !own.contains("url:"));
    }

    #[test]
    fn the_text_is_one_line() {
        assert_eq!(
            citation().text(),
            "Amnesty: \"International\"; Volunteers of حلب (2025). Aleppo, 2025 # 1. Damage map, version 2, 2025-06-15. CC-BY-4.0. https://map.example.org/#/c/aleppo/releases"
        );
    }

    #[test]
    fn authors_have_names() {
        assert!(check_authors(&["A".into()]).is_ok());
        for bad in [vec![], vec![String::from(" ")], vec!["a\nb".into()], vec!["x".repeat(201)]] {
            assert_eq!(check_authors(&bad).unwrap_err().field, "authors");
        }
    }
}
