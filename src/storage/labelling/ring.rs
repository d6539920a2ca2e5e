//! The ring of available tiles across all its groups, for the share of hand-outs that is drawn at random.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, SmallInt};

use super::queue::Group;
use crate::domain::hint::BUCKETS;
use crate::storage::{Conn, each_backend};

/// The highest priority that an area gives its tiles; 0 where no area is.
const TOP_LEVEL: i16 = 3;

/// Of each group the first available tile in a stretch of the ring (`from < shuffle key <= to`): the group and the key.
/// One look at an index for each of the few groups that there can be.
pub fn heads(conn: &mut Conn, campaign_id: i64, (from, to): (i64, i64)) -> QueryResult<Vec<(Group, i64)>> {
    let groups: Vec<String> =
        (0..=TOP_LEVEL).flat_map(|level| (0..BUCKETS).map(move |bucket| format!("({level}, {bucket})"))).collect();
    // Numbers of our own, so they can stand in the text.
    let statement = format!(
        "WITH ring (priority, bucket) AS (VALUES {})
         SELECT CAST(heads.priority AS SMALLINT) AS priority, CAST(heads.bucket AS SMALLINT) AS bucket, heads.key FROM (
             SELECT ring.priority, ring.bucket, (
                 SELECT q.shuffle_key FROM queue q
                 WHERE q.campaign_id = {campaign_id} AND q.available AND q.priority = ring.priority
                   AND q.bucket = ring.bucket AND q.shuffle_key > {from} AND q.shuffle_key <= {to}
                 ORDER BY q.shuffle_key LIMIT 1) AS key
             FROM ring) heads
         WHERE heads.key IS NOT NULL",
        groups.join(", ")
    );
    let rows: Vec<Head> = each_backend!(conn, inner => diesel::sql_query(statement).load(inner))?;
    Ok(rows.into_iter().map(|head| ((head.priority, head.bucket), head.key)).collect())
}

#[derive(QueryableByName)]
struct Head {
    #[diesel(sql_type = SmallInt)]
    priority: i16,
    #[diesel(sql_type = SmallInt)]
    bucket: i16,
    #[diesel(sql_type = BigInt)]
    key: i64,
}
