//! What a label costs the database: the same small statements however many tiles and labels there are.

use std::sync::{Arc, Mutex};

use aftermap::services::submit_label::{Sender, submit_all};
use aftermap::storage::Conn;
use diesel::connection::{Connection, InstrumentationEvent};
use diesel::prelude::*;

use crate::town::{NOON, Town, label, policy, towns};

/// Statements of one label and the next tile, at most. Raise it only for a good reason: each one costs every label.
const AT_MOST: usize = 23;

#[derive(QueryableByName)]
struct Step {
    #[diesel(sql_type = diesel::sql_types::Text)]
    detail: String,
}

/// The statements by which one label is taken in and the next tile given.
async fn statements(town: &Town) -> Vec<String> {
    let volunteer = town.volunteer().await;
    // The second label: by then rows are there and campaigns are known.
    let first = town.one(volunteer, NOON).await.id;
    let next = town.send(volunteer, vec![label(first, "damaged")], NOON).await.leases.remove(0).id;
    let item = label(next, "damaged");
    town.run(move |conn| {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = seen.clone();
        conn.set_instrumentation(move |event: InstrumentationEvent<'_>| {
            if let InstrumentationEvent::StartQuery { query, .. } = event {
                let text = query.to_string();
                let sql = text.split(" -- binds").next().unwrap_or_default();
                log.lock().unwrap().push(sql.to_owned());
            }
        });
        let sender = Sender { volunteer, client: None, may_label: &|_| true };
        // By value and not at random, no gold: the usual case.
        let reply = submit_all(conn, &sender, std::slice::from_ref(&item), 5, NOON);
        conn.set_instrumentation(|_: InstrumentationEvent<'_>| ());
        assert_eq!(reply?.leases.len(), 1);
        Ok(seen.lock().unwrap().clone())
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
