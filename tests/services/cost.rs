//! What a label costs the database: the same small statements however many tiles and labels there are.

use std::sync::{Arc, Mutex};

use aftermap::domain::campaign::Campaign;
use aftermap::services::labelling::submit_label::{Sender, submit_all};
use aftermap::services::oversight::watch_volunteers;
use aftermap::storage::Conn;
use aftermap::storage::schema::ring_positions;
use diesel::connection::{Connection, InstrumentationEvent, SimpleConnection};
use diesel::prelude::*;

use crate::town::{NOON, Town, label, policy, towns};

/// Statements of one label and the next tile, at most. Raise it only for a good reason: each one costs every label.
const AT_MOST: usize = 23;

#[derive(QueryableByName)]
struct Step {
    #[diesel(sql_type = diesel::sql_types::Text)]
    detail: String,
}

/// A statement, and what stood for its parameters as SQL literals.
struct Statement {
    sql: String,
    binds: String,
}

impl Statement {
    /// From diesel's own telling: the text, and a list of values as Rust would print them.
    fn parse(told: &str) -> Statement {
        let (sql, binds) = told.split_once(" -- binds: ").unwrap_or((told, "[]"));
        let binds = binds.trim_start_matches('[').trim_end_matches(']').replace('"', "'");
        Statement { sql: sql.to_owned(), binds }
    }
}

/// The statements by which one label is taken in and the next tile given.
async fn statements(town: &Town) -> Vec<String> {
    // From the beginning of the ring, or chance decides whether the search has to go round.
    let begin = |conn: &mut Conn, _| {
        let start = ring_positions::position.eq(i64::MIN);
        diesel::update(ring_positions::table).set(start).execute(conn).map(drop)
    };
    recorded(town, begin).await.into_iter().map(|statement| statement.sql).collect()
}

/// The same with their values; `before` changes the database first.
async fn recorded(town: &Town, before: fn(&mut Conn, i64) -> QueryResult<()>) -> Vec<Statement> {
    let volunteer = town.volunteer().await;
    // The second label: by then rows are there and campaigns are known.
    let first = town.one(volunteer, NOON).await.id;
    let next = town.send(volunteer, vec![label(first, "damaged")], NOON).await.leases.remove(0).id;
    let item = label(next, "damaged");
    // As the owner of the tables, who may do more than the server.
    before(&mut town.database.connect(), town.campaign.id).unwrap();
    town.run(move |conn| {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = seen.clone();
        conn.set_instrumentation(move |event: InstrumentationEvent<'_>| {
            if let InstrumentationEvent::StartQuery { query, .. } = event {
                log.lock().unwrap().push(Statement::parse(&query.to_string()));
            }
        });
        let sender = Sender { volunteer, client: None, may_label: &|_| true };
        // By value and not at random, no gold: the usual case.
        let reply = submit_all(conn, &sender, std::slice::from_ref(&item), 5, NOON);
        conn.set_instrumentation(|_: InstrumentationEvent<'_>| ());
        assert_eq!(reply?.leases.len(), 1);
        Ok(std::mem::take(&mut *seen.lock().unwrap()))
    })
    .await
}

fn usual() -> aftermap::domain::policy::Policy {
    aftermap::domain::policy::Policy { random_share: 0.0, gold_share: 0.0, gold_share_first: 0.0, ..policy() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_label_and_the_next_tile_take_few_statements() {
    for town in towns(40, usual()).await {
        let statements = statements(&town).await;
        let list = statements.join("\n");
        println!("{} statements on {}", statements.len(), town.name);
        assert!(
            !statements.is_empty() && statements.len() <= AT_MOST,
            "{} on {}:\n{list}",
            statements.len(),
            town.name
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_statement_looks_at_more_rows_the_more_there_are() {
    let town = towns(40, usual()).await.remove(0);
    for sql in statements(&town).await {
        let plan = town
            .run({
                let sql = sql.clone();
                move |conn| {
                    let Conn::Sqlite(conn) = conn else { panic!("SQLite comes first") };
                    Ok(diesel::sql_query(format!("EXPLAIN QUERY PLAN {sql}")).load::<Step>(conn)?)
                }
            })
            .await;
        let plan: Vec<String> = plan.into_iter().map(|step| step.detail).collect();
        assert!(
            !plan.iter().any(|step| step.starts_with("SCAN") && !step.contains("CONSTANT ROW")),
            "{sql}\n{plan:#?}"
        );
        // Open leases lie there in the order of their time, everybody's together: only for those that ran out.
        let by_time = plan.iter().any(|step| step.contains("leases_expiry"));
        assert!(!(by_time && sql.contains("`volunteer_id` = ")), "{sql}\n{plan:#?}");
        // Sorting is for the labels of one tile and its frames, never for the ring.
        let of_ring = plan.iter().any(|step| step.contains("queue_ring"));
        assert!(!(of_ring && plan.iter().any(|step| step.contains("TEMP B-TREE"))), "{sql}\n{plan:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_entry_is_there_before_it_becomes_current() {
    // The other way around SQLite searches the whole table for the entry's children at every label.
    for town in towns(40, usual()).await {
        let statements = statements(&town).await;
        let place = |table: &str| {
            let quoted = [format!("INSERT INTO `{table}`"), format!("INSERT INTO \"{table}\"")];
            statements.iter().position(|sql| quoted.iter().any(|start| sql.starts_with(start))).expect(table)
        };
        assert!(place("labels") < place("current_labels"), "on {}", town.name);
    }
}

/// Twenty thousand more open tiles, each with a label of long ago: enough for PostgreSQL to think of hashes. Everybody
/// stands at the beginning of the ring.
fn grow(conn: &mut Conn, campaign: i64) -> QueryResult<()> {
    let Conn::Postgres(conn) = conn else { return Ok(()) };
    let numbers = "FROM generate_series(1, 20000) AS n(i)";
    conn.batch_execute(&format!(
        "SET session_replication_role = replica;
        INSERT INTO tiles (id, campaign_id, tile_id, west, south, east, north, spatial_key)
            SELECT i, {campaign}, 'more-' || i, 0, 0, 1, 1, i {numbers};
        INSERT INTO queue (tile, campaign_id, state, needed, maximum, shuffle_key, available)
            SELECT i, {campaign}, 'open', 3, 10, i * 1000000000000, TRUE {numbers};
        INSERT INTO leases (id, tile, campaign_id, volunteer_id, granted_at, expires_at, ended_at, outcome)
            SELECT i, i, {campaign}, i % 100, 1, 1, 1, 'labelled' {numbers};
        INSERT INTO current_labels (tile, volunteer_id, campaign_id, label_id, answer, counted, first_received_at)
            SELECT i, i % 100, {campaign}, decode(md5(i::text), 'hex'), 0, TRUE, 1 {numbers};
        UPDATE ring_positions SET position = 0;
        SET session_replication_role = origin;
        ANALYZE"
    ))
}

#[derive(QueryableByName)]
struct PlanLine {
    #[diesel(sql_type = diesel::sql_types::Text, column_name = "QUERY PLAN")]
    line: String,
}

/// PostgreSQL's plan of a statement for its own values.
fn plan_of(conn: &mut PgConnection, Statement { sql, binds }: &Statement) -> QueryResult<String> {
    conn.batch_execute("SET plan_cache_mode = force_custom_plan")?;
    conn.batch_execute(&format!("PREPARE asked AS {sql}"))?;
    let plan: Vec<PlanLine> = diesel::sql_query(format!("EXPLAIN EXECUTE asked({binds})")).load(conn)?;
    conn.batch_execute("DEALLOCATE asked")?;
    Ok(plan.into_iter().map(|line| line.line).collect::<Vec<_>>().join("\n"))
}

#[tokio::test(flavor = "multi_thread")]
async fn postgresql_looks_up_what_was_seen_row_by_row() {
    for town in towns(40, usual()).await.into_iter().filter(|town| town.name == "postgres") {
        let mut statements = recorded(&town, grow).await;
        statements.retain(|statement| statement.sql.starts_with("SELECT") && statement.sql.contains("EXISTS"));
        assert!(!statements.is_empty());
        let plans = town.run(move |conn| {
            let Conn::Postgres(conn) = conn else { return Ok(Vec::new()) };
            Ok(statements.iter().map(|statement| plan_of(conn, statement)).collect::<QueryResult<Vec<_>>>()?)
        });
        for plan in plans.await {
            // Without the tile in its condition a look-up has become a hash of all that the volunteer ever saw.
            let (asked, by_tile) = (plan.matches("SubPlan").count(), plan.matches("tile = queue.tile").count());
            assert!(plan.contains("queue_ring") && asked == 2 && by_tile == 2, "{plan}");
        }
    }
}

/// The statements that a coordinator's look at a campaign takes.
async fn looked(town: &Town, look: fn(&mut Conn, &Campaign)) -> Vec<String> {
    let campaign = town.campaign.clone();
    town.run(move |conn| {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = seen.clone();
        conn.set_instrumentation(move |event: InstrumentationEvent<'_>| {
            if let InstrumentationEvent::StartQuery { query, .. } = event {
                log.lock().unwrap().push(Statement::parse(&query.to_string()).sql);
            }
        });
        look(conn, &campaign);
        conn.set_instrumentation(|_: InstrumentationEvent<'_>| ());
        Ok(std::mem::take(&mut *seen.lock().unwrap()))
    })
    .await
}

/// SQLite's plan of a statement.
async fn sqlite_plan(town: &Town, sql: String) -> Vec<String> {
    let steps = town.run(move |conn| {
        let Conn::Sqlite(conn) = conn else { panic!("SQLite comes first") };
        Ok(diesel::sql_query(format!("EXPLAIN QUERY PLAN {sql}")).load::<Step>(conn)?)
    });
    steps.await.into_iter().map(|step| step.detail).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_figures_of_volunteers_are_read_from_indexes_and_sorted_nowhere() {
    let town = towns(4, usual()).await.remove(0);
    let look = |conn: &mut Conn, campaign: &Campaign| drop(watch_volunteers::take(conn, campaign, NOON).unwrap());
    let mut plans = Vec::new();
    for sql in looked(&town, look).await {
        plans.extend(sqlite_plan(&town, sql).await);
    }
    let all = plans.join("\n");
    assert!(!all.contains("TEMP B-TREE") && !all.contains("SCAN"), "{all}");
    for index in ["COVERING INDEX labels_time", "COVERING INDEX current_labels_campaign"] {
        assert!(all.contains(index), "{all}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tiles_that_wait_half_done_are_found_among_those_that_were_begun() {
    let town = towns(4, usual()).await.remove(0);
    let look = |conn: &mut Conn, campaign: &Campaign| {
        aftermap::storage::oversight::delays::half_done_tiles(conn, campaign.id, NOON).unwrap();
    };
    let sql = looked(&town, look).await.remove(0);
    let plan = sqlite_plan(&town, sql).await.join("\n");
    assert!(plan.contains("queue_begun"), "{plan}");
}
