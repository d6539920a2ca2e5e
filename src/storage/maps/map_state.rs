//! Whether a campaign's map is as it was: a fingerprint of all that its exports are made of, from a few sums.

use diesel::prelude::*;
use diesel::sql_types::Text;
use sha2::{Digest, Sha256};

use crate::domain::campaign::Campaign;
use crate::domain::damage_map::QUIET_MS;
use crate::storage::{Conn, each_backend, scenes};

#[derive(QueryableByName)]
struct Sums {
    #[diesel(sql_type = Text)]
    sums: String,
}

/// The fingerprint at that time: equal ones mean equal exports. One pass over the tiles' narrow rows; the labels are known
/// by their number and by the newest.
pub fn fingerprint(conn: &mut Conn, campaign: &Campaign, now: i64) -> QueryResult<String> {
    let id = campaign.id;
    let quiet = now.saturating_sub(QUIET_MS);
    // Times are shortened before they are added up, so that no sum leaves 64 bits.
    let shown = format!("COALESCE(SUM(CASE WHEN closed_at <= {quiet} THEN 1 ELSE 0 END), 0)");
    // The log says who labels as a guest.
    let accounts = format!(
        "(SELECT COUNT(*) FROM participations AS p JOIN volunteers AS v ON v.id = p.volunteer_id \
         WHERE p.campaign_id = {id} AND v.had_account)"
    );
    let parts: [(&str, &[&str]); 9] = [
        (
            "queue",
            &[
                "COUNT(*)",
                "MIN(tile)",
                "MAX(tile)",
                "SUM(counted)",
                "SUM(LENGTH(state))",
                "COUNT(closed_at)",
                "SUM(closed_at % 1000003)",
                &shown,
            ],
        ),
        ("consensus", &["COUNT(*)", "SUM(changed_at % 1000003)", "MAX(changed_at)", "SUM(model)"]),
        ("participations", &["COUNT(*)", "SUM(labels)", "MAX(last_at)", &accounts]),
        ("labels", &["MAX(received_at)"]),
        ("gold", &["COUNT(*)", "COUNT(worn_out_at)", "SUM(answer)"]),
        ("exclusions", &["COUNT(*)", "COUNT(lifted_at)"]),
        ("withdrawals", &["COUNT(*)", "COUNT(lifted_at)"]),
        ("policy_versions", &["COUNT(*)"]),
        ("reviews", &["COUNT(*)", "MAX(decided_at)", "SUM(CASE WHEN in_force THEN answer + 1 ELSE 0 END)"]),
    ];
    let mut hash = Sha256::new();
    hash.update(format!("{campaign:?}{:?}", scenes::of_campaign(conn, id)?));
    for (table, columns) in parts {
        let text: Vec<String> = columns.iter().map(|sum| format!("COALESCE(CAST({sum} AS TEXT), '')")).collect();
        let sql = format!("SELECT {} AS sums FROM {table} WHERE campaign_id = {id}", text.join(" || ' ' || "));
        let row: Sums = each_backend!(conn, inner => diesel::sql_query(sql).get_result(inner))?;
        hash.update(format!("{table} {}\n", row.sums));
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Tiles labelled, summed over volunteers, and volunteers who labelled.
pub fn labels_and_volunteers(conn: &mut Conn, campaign_id: i64) -> QueryResult<(u64, u64)> {
    use crate::storage::schema::participations as p;
    let row: (Option<i64>, i64) = p::table
        .filter(p::campaign_id.eq(campaign_id))
        .filter(p::labels.gt(0))
        .select((diesel::dsl::sum(p::labels), diesel::dsl::count_star()))
        .first(conn)?;
    Ok((row.0.unwrap_or(0).unsigned_abs(), row.1.unsigned_abs()))
}
