//! How far a public campaign is, as a small page that other sites may show in a frame: no script, no cookie, nobody in
//! particular. It is the only page that may be framed (`envelope`).

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::LazyLock;

use actix_web::http::header::{CACHE_CONTROL, ETAG, VARY};
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};

use super::{STYLE_ADDRESS, escaped};
use crate::domain::access::Viewer;
use crate::domain::campaign::CampaignState;
use crate::domain::finish::Finish;
use crate::domain::language::best;
use crate::http::campaigns::progress::tag_of;
use crate::http::error::Error;
use crate::http::gate::App;
use crate::http::language::Languages;
use crate::http::scenes::images::is_known;
use crate::http::wire::rfc3339;
use crate::services::campaigns::texts::{self, Reading};
use crate::services::oversight::statistics::{Progress, PublicProgress};
use crate::storage::campaigns;

/// The page's address.
pub const ADDRESS: &str = "/embed/{slug}";

type Words = BTreeMap<String, BTreeMap<String, String>>;
/// What the page says, by language and name. A test reads the file.
static WORDS: LazyLock<Words> = LazyLock::new(|| serde_json::from_str(include_str!("embed.json")).unwrap_or_default());

/// How far a public campaign is, for a frame in another site
pub async fn embed(
    app: Data<App>,
    slug: Path<String>,
    languages: Languages,
    request: HttpRequest,
) -> Result<HttpResponse, Error> {
    let slug = slug.into_inner();
    let unknown = || Error::not_found(format!("there is no campaign `{slug}` that everybody may see"));
    let (name, wanted) = (slug.clone(), languages.0.clone());
    let found = app.read_unguarded(move |conn| {
        // What only some may see is not shown to them either: the page knows nobody.
        let Some(campaign) = campaigns::find(conn, &name)?.filter(|campaign| Viewer::Nobody.may_see(campaign)) else {
            return Ok(None);
        };
        Ok(Some((texts::read(conn, &campaign, &wanted)?, campaign)))
    });
    let (reading, campaign) = found.await?.ok_or_else(unknown)?;
    let counted = app.public_progress(&campaign).await?;
    let all: Vec<String> = WORDS.keys().cloned().collect();
    let language = best(&languages.0, &all).unwrap_or("en").to_owned();
    let page = page(&campaign.slug, &reading, campaign.state, &counted, &language);
    let tag = tag_of(&page);
    let mut reply = HttpResponse::Ok();
    reply.insert_header((ETAG, tag.as_str())).insert_header((CACHE_CONTROL, "public, max-age=15"));
    reply.insert_header((VARY, "Accept-Language"));
    if is_known(&request, &tag) {
        return Ok(reply.status(actix_web::http::StatusCode::NOT_MODIFIED).finish());
    }
    Ok(reply.content_type("text/html; charset=utf-8").body(page))
}

/// A text of the page; its name where it is missing, which a test rules out.
fn say<'a>(language: &str, name: &'a str) -> &'a str
where
    'static: 'a,
{
    let texts: Option<&'static BTreeMap<String, String>> = WORDS.get(language).or_else(|| WORDS.get("en"));
    texts.and_then(|texts| texts.get(name)).map_or(name, String::as_str)
}

fn page(slug: &str, reading: &Reading, state: CampaignState, counted: &PublicProgress, language: &str) -> String {
    let say = |name| escaped(say(language, name));
    let Progress { tiles, closed, contested, .. } = counted.progress;
    // As on the page of the campaign: what waits for experts is not done.
    let done = closed - contested;
    let share = percent(done, tiles);
    let (title, direction) = (escaped(&reading.texts.title), if language == "ar" { "rtl" } else { "ltr" });
    let mut figures = String::new();
    let waiting = (contested > 0).then(|| ("contested", grouped(contested)));
    let rows = [
        ("labels", grouped(counted.labels)),
        ("labels_last_day", grouped(counted.labels_last_day)),
        ("volunteers", grouped(counted.volunteers)),
        ("finish", finish(language, counted.finish, state)),
        ("state", say(state.key())),
    ];
    let tiles_done = ("tiles", left_to_right(&format!("{} / {}", grouped(done), grouped(tiles))));
    for (name, value) in [tiles_done].into_iter().chain(waiting).chain(rows) {
        let _ = write!(figures, "<dt>{}</dt><dd data-figure=\"{name}\">{value}</dd>", say(name));
    }
    let part = if state == CampaignState::Open { say("take_part") } else { say("look") };
    let (purpose, of_texts) = (escaped(&reading.texts.purpose), escaped(&reading.language));
    format!(
        "<!doctype html>\n<html lang=\"{language}\" dir=\"{direction}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title} – aftermap</title>\n\
         <link rel=\"icon\" href=\"/favicon.svg\">\n<link rel=\"stylesheet\" href=\"{STYLE_ADDRESS}\">\n</head>\n<body class=\"embed\">\n<main>\n\
         <h1 lang=\"{of_texts}\" dir=\"auto\">{title}</h1>\n<p class=\"purpose\" lang=\"{of_texts}\" dir=\"auto\">{purpose}</p>\n\
         <p class=\"done\"><progress max=\"{most}\" value=\"{done}\" aria-label=\"{bar}\">{share}</progress> <strong dir=\"ltr\">{share}</strong> <span class=\"soft\">{word}</span></p>\n\
         <dl>{figures}</dl>\n<p class=\"soft\">{delay} <time dir=\"ltr\" datetime=\"{as_of}\">{clock}</time></p>\n\
         <p><a class=\"button\" href=\"/#/c/{slug}\" target=\"_blank\" rel=\"noopener\">{part}</a></p>\n\
         </main>\n</body>\n</html>\n",
        most = tiles.max(1),
        bar = say("bar"),
        word = say("share"),
        delay = say("delay"),
        as_of = rfc3339(counted.as_of),
        clock = rfc3339(counted.as_of).replace('T', " ").replace(":00Z", " UTC"),
        slug = escaped(slug),
    )
}

/// A number with thin gaps between thousands, read alike in every language.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    out
}

/// Per cent with one decimal, rounded down: 100 % is every single one, and something is never 0 %.
fn percent(part: u64, all: u64) -> String {
    let tenths = if all == 0 { 0 } else { u128::from(part) * 1_000 / u128::from(all) };
    match tenths {
        0 if part > 0 => "&lt; 0.1 %".into(),
        _ if tenths % 10 == 0 => format!("{} %", tenths / 10),
        _ => format!("{}.{} %", tenths / 10, tenths % 10),
    }
}

/// Figures in one order in every language: in Arabic `0 / 12` would read as `12 / 0`.
fn left_to_right(figures: &str) -> String {
    format!("<bdi dir=\"ltr\">{}</bdi>", escaped(figures))
}

/// When it will be done, as HTML.
fn finish(language: &str, finish: Finish, state: CampaignState) -> String {
    let day = |at: i64| rfc3339(at).chars().take(10).collect::<String>();
    match finish {
        _ if state.is_over() => escaped(say(language, "finish_over")),
        Finish::Done => escaped(say(language, "finish_done")),
        Finish::Unknown(_) => escaped(say(language, "finish_unknown")),
        Finish::Between { earliest, latest } if day(earliest) == day(latest) => left_to_right(&day(latest)),
        Finish::Between { earliest, latest } => left_to_right(&format!("{} – {}", day(earliest), day(latest))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_says_everything() {
        assert_eq!(WORDS.keys().collect::<Vec<_>>(), ["ar", "en", "es", "fr", "uk"]);
        let names: Vec<&String> = WORDS["en"].keys().collect();
        for (language, texts) in WORDS.iter() {
            assert_eq!(texts.keys().collect::<Vec<_>>(), names, "{language}");
            assert!(texts.values().all(|text| !text.trim().is_empty()), "{language}");
        }
        for state in CampaignState::ALL {
            assert!(WORDS["en"].contains_key(state.key()), "{state}");
        }
    }

    #[test]
    fn nothing_unfinished_reads_as_all_and_nothing_begun_as_none() {
        assert_eq!(percent(0, 0), "0 %");
        assert_eq!(percent(0, 10), "0 %");
        assert_eq!(percent(4, 10_000), "&lt; 0.1 %");
        assert_eq!(percent(9_999, 10_000), "99.9 %");
        assert_eq!(percent(10, 10), "100 %");
        assert_eq!(percent(u64::MAX, u64::MAX), "100 %");
        assert_eq!((grouped(12), grouped(1_234_567)), ("12".into(), "1\u{202f}234\u{202f}567".into()));
    }
}
