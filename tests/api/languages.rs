//! Texts in the language that somebody reads.

use aftermap::domain::campaign::CampaignTexts;
use aftermap::storage::campaigns::texts;
use reqwest::Method;
use serde_json::{Value, json};

use crate::helpers::{TestApp, on_each_database};

/// French for the title and the purpose alone; Arabic for everything.
async fn translate(app: &TestApp) {
    let campaign = app.public_campaign("raqqa").await;
    app.write(move |conn| {
        let text = |text: &str| text.to_owned();
        let english = CampaignTexts {
            title: text("Title"),
            purpose: text("Purpose"),
            care_notice: text("Care"),
            news: text("News"),
            ..CampaignTexts::default()
        };
        let french = CampaignTexts { title: text("Titre"), purpose: text("But"), ..CampaignTexts::default() };
        let arabic = CampaignTexts { title: text("عنوان"), care_notice: text("عناية"), ..english.clone() };
        texts::put(conn, campaign.id, "en", &english)?;
        texts::put(conn, campaign.id, "fr", &french)?;
        Ok(texts::put(conn, campaign.id, "ar", &arabic)?)
    })
    .await;
}

#[tokio::test]
async fn texts_come_in_the_language_asked_for_else_the_browsers_else_the_campaigns() {
    on_each_database(async |app| {
        translate(app).await;
        let browser = app.browser();
        let title = async |path: &str, accept: &str| -> Value {
            let headers: &[(&str, &str)] = &[("accept-language", accept)];
            let headers = if accept.is_empty() { &[] } else { headers };
            browser.send(Method::GET, path, headers, None).await.ok()
        };
        let one = "/api/v1/campaigns/raqqa";
        let plain = title(one, "").await;
        assert_eq!((&plain["title"], &plain["language"]), (&json!("Title"), &json!("en")));
        assert_eq!(plain["languages"], json!(["ar", "en", "fr"]));
        assert_eq!((&plain["news"], &plain["leaderboard"]), (&json!("News"), &json!(false)));
        assert_eq!(plain["practice"], json!(null));
        assert_eq!(title(one, "fr-CA, en;q=0.5").await["title"], "Titre");
        assert_eq!(title(&format!("{one}?lang=ar"), "fr").await["title"], "عنوان");
        assert_eq!(title(&format!("{one}?lang=uk"), "de").await["title"], "Title");
        let list = title("/api/v1/campaigns?lang=fr", "").await;
        assert_eq!(
            (&list["campaigns"][0]["title"], &list["campaigns"][0]["language"]),
            (&json!("Titre"), &json!("fr"))
        );
        let french = title(&format!("{one}?lang=fr"), "").await;
        assert_eq!(french["care_notice"], "Care", "a notice in another language is better than none");
        browser.get(&format!("{one}?lang=../x")).await.refused(422, "invalid");
    })
    .await;
}
