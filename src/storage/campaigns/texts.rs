//! What people read about a campaign, in each of its languages: its texts, and the field guide's words on each answer.

use diesel::prelude::*;

use crate::domain::campaign::CampaignTexts;
use crate::storage::Conn;
use crate::storage::schema::{campaign_texts, guide_texts};

/// The languages that a campaign has texts in, in alphabetical order.
pub fn languages(conn: &mut Conn, campaign_id: i64) -> QueryResult<Vec<String>> {
    let of_campaign = campaign_texts::table.filter(campaign_texts::campaign_id.eq(campaign_id));
    let mut languages: Vec<String> = of_campaign.select(campaign_texts::language).load(conn)?;
    // Not by the database, whose order depends on its locale.
    languages.sort_unstable();
    Ok(languages)
}

/// The texts of a campaign in one language; `None` where it has none.
pub fn of(conn: &mut Conn, campaign_id: i64, language: &str) -> QueryResult<Option<CampaignTexts>> {
    type Columns = (String, String, String, String, String, String, String);
    let row = campaign_texts::table
        .find((campaign_id, language))
        .select((
            campaign_texts::title,
            campaign_texts::purpose,
            campaign_texts::introduction,
            campaign_texts::instructions,
            campaign_texts::care_notice,
            campaign_texts::help_lines,
            campaign_texts::news,
        ))
        .first::<Columns>(conn)
        .optional()?;
    Ok(row.map(|(title, purpose, introduction, instructions, care_notice, help_lines, news)| CampaignTexts {
        title,
        purpose,
        introduction,
        instructions,
        care_notice,
        help_lines,
        news,
    }))
}

/// Writes the texts of a campaign in one language, in place of earlier ones.
pub fn put(conn: &mut Conn, campaign_id: i64, language: &str, texts: &CampaignTexts) -> QueryResult<()> {
    let values = (
        campaign_texts::title.eq(&texts.title),
        campaign_texts::purpose.eq(&texts.purpose),
        campaign_texts::introduction.eq(&texts.introduction),
        campaign_texts::instructions.eq(&texts.instructions),
        campaign_texts::care_notice.eq(&texts.care_notice),
        campaign_texts::help_lines.eq(&texts.help_lines),
        campaign_texts::news.eq(&texts.news),
    );
    let replaced = diesel::update(campaign_texts::table.find((campaign_id, language))).set(values).execute(conn)?;
    if replaced == 0 {
        let key = (campaign_texts::campaign_id.eq(campaign_id), campaign_texts::language.eq(language));
        diesel::insert_into(campaign_texts::table).values((key, values)).execute(conn)?;
    }
    Ok(())
}

/// The field guide in one language: the place of each answer that has a text, and the text.
pub fn guide(conn: &mut Conn, campaign_id: i64, language: &str) -> QueryResult<Vec<(u8, String)>> {
    let rows = guide_texts::table
        .filter(guide_texts::campaign_id.eq(campaign_id))
        .filter(guide_texts::language.eq(language))
        .order(guide_texts::answer)
        .select((guide_texts::answer, guide_texts::text))
        .load::<(i16, String)>(conn)?;
    Ok(rows.into_iter().map(|(answer, text)| (answer as u8, text)).collect())
}

/// Removes the field guide in all languages.
pub fn remove_guide(conn: &mut Conn, campaign_id: i64) -> QueryResult<()> {
    diesel::delete(guide_texts::table.filter(guide_texts::campaign_id.eq(campaign_id))).execute(conn).map(drop)
}

/// Writes what the field guide says of one answer, in place of an earlier text.
pub fn put_guide(conn: &mut Conn, campaign_id: i64, language: &str, answer: u8, text: &str) -> QueryResult<()> {
    let key = guide_texts::table.find((campaign_id, language, i16::from(answer)));
    let replaced = diesel::update(key).set(guide_texts::text.eq(text)).execute(conn)?;
    if replaced == 0 {
        let row = (
            guide_texts::campaign_id.eq(campaign_id),
            guide_texts::language.eq(language),
            guide_texts::answer.eq(i16::from(answer)),
            guide_texts::text.eq(text),
        );
        diesel::insert_into(guide_texts::table).values(row).execute(conn)?;
    }
    Ok(())
}
