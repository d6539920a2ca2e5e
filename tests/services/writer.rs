//! The store: who was told "stored" finds it stored, whatever happens to the others in the same commit.

use std::time::Duration;

use aftermap::services::Error;
use aftermap::storage::oversight::audit_log;
use aftermap::storage::{Conn, Store, StoreError, schema};
use diesel::prelude::*;

use crate::support::{databases, sqlite};

fn note(conn: &mut Conn, subject: &str) -> Result<(), Error> {
    Ok(audit_log::note(conn, None, None, ("test", subject), 1)?)
}

async fn notes(store: &Store) -> Vec<String> {
    use schema::audit_log::dsl::{audit_log, subject};
    let read = |conn: &mut Conn| Ok::<_, Error>(audit_log.select(subject).load::<String>(conn)?);
    let mut found = store.read(read).await.expect("a read");
    found.sort();
    found
}

/// Keeps the writer busy for a moment, so that what is sent meanwhile shares one commit.
fn hold(store: &Store) -> tokio::task::JoinHandle<Result<(), Error>> {
    let store = store.clone();
    tokio::spawn(async move {
        let sleep = |_: &mut Conn| {
            std::thread::sleep(Duration::from_millis(300));
            Ok::<(), Error>(())
        };
        store.write(sleep).await
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_fails_does_not_hurt_the_others() {
    for database in databases() {
        let store = database.store();
        let held = hold(&store);
        tokio::time::sleep(Duration::from_millis(50)).await;
        let jobs: Vec<_> = (0..30)
            .map(|n| {
                let store = store.clone();
                let job = move |conn: &mut Conn| {
                    note(conn, &format!("{n:02}"))?;
                    match n % 3 {
                        // A refusal of its own, and a statement that the database refuses.
                        0 => Err(Error::Conflict("no".into())),
                        1 => {
                            let twice = (schema::locks::name.eq("x"), schema::locks::holder.eq("y"));
                            let row = (twice, schema::locks::expires_at.eq(n));
                            diesel::insert_into(schema::locks::table).values(row).execute(conn)?;
                            diesel::insert_into(schema::locks::table).values(row).execute(conn)?;
                            Ok(())
                        }
                        _ => Ok(()),
                    }
                };
                (n, tokio::spawn(async move { store.write(job).await }))
            })
            .collect();
        held.await.unwrap().unwrap();
        for (n, job) in jobs {
            let told = job.await.unwrap();
            match n % 3 {
                0 => assert!(matches!(told, Err(Error::Conflict(_))), "{told:?}"),
                1 => assert!(matches!(told, Err(Error::Query(_))), "{told:?}"),
                _ => assert!(told.is_ok(), "{told:?}"),
            }
        }
        let expected: Vec<String> = (0..30).filter(|n| n % 3 == 2).map(|n| format!("{n:02}")).collect();
        assert_eq!(notes(&store).await, expected, "on {}", database.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_panics_does_not_hurt_the_others() {
    for database in databases() {
        let store = database.store();
        let held = hold(&store);
        tokio::time::sleep(Duration::from_millis(50)).await;
        let jobs: Vec<_> = (0..10)
            .map(|n| {
                let store = store.clone();
                let job = move |conn: &mut Conn| {
                    note(conn, &format!("{n:02}"))?;
                    assert_ne!(n, 4, "a job that panics on purpose");
                    Ok::<(), Error>(())
                };
                (n, tokio::spawn(async move { store.write(job).await }))
            })
            .collect();
        held.await.unwrap().unwrap();
        let mut expected = Vec::new();
        for (n, job) in jobs {
            match job.await.unwrap() {
                Ok(()) => expected.push(format!("{n:02}")),
                Err(error) => assert!(n == 4 && matches!(error, Error::Store(StoreError::Query(_))), "{n}: {error:?}"),
            }
        }
        assert_eq!(expected.len(), 9);
        assert_eq!(notes(&store).await, expected, "on {}", database.name);
        // And the next one works.
        store.write(|conn| note(conn, "after")).await.unwrap();
        assert!(notes(&store).await.contains(&"after".to_owned()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_disk_is_full_nobody_is_told_stored_who_is_not() {
    let database = sqlite();
    let store = database.store();
    let pages: i64 = store
        .read(|conn| {
            let count = diesel::dsl::sql::<diesel::sql_types::BigInt>("SELECT page_count FROM pragma_page_count");
            Ok::<_, Error>(count.get_result(conn)?)
        })
        .await
        .unwrap();
    let limit = format!("PRAGMA max_page_count = {}", pages + 60);
    store.write(move |conn| Ok::<_, Error>(diesel::sql_query(&limit).execute(conn).map(|_| ())?)).await.unwrap();
    let mut told = Vec::new();
    for _ in 0..3 {
        let held = hold(&store);
        tokio::time::sleep(Duration::from_millis(50)).await;
        let first = told.len();
        let jobs: Vec<_> = (first..first + 16)
            .map(|n| {
                let store = store.clone();
                let job = move |conn: &mut Conn| note(conn, &format!("{n:02} {}", "x".repeat(20_000)));
                tokio::spawn(async move { store.write(job).await })
            })
            .collect();
        held.await.unwrap().unwrap();
        for job in jobs {
            told.push(job.await.unwrap());
        }
    }
    assert!(told.iter().any(Result::is_err), "the database was never full");
    let stored: Vec<usize> = notes(&store).await.iter().map(|note| note[..2].parse().unwrap()).collect();
    let acknowledged: Vec<usize> = (0..told.len()).filter(|n| told[*n].is_ok()).collect();
    assert_eq!(stored, acknowledged);
    // When space returns, so does the service.
    let unlimited = "PRAGMA max_page_count = 1000000";
    store.write(move |conn| Ok::<_, Error>(diesel::sql_query(unlimited).execute(conn).map(|_| ())?)).await.unwrap();
    store.write(|conn| note(conn, &"z".repeat(2_000_000))).await.unwrap();
    assert_eq!(notes(&store).await.len(), stored.len() + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn when_too_much_waits_the_next_one_is_told_to_come_back() {
    let database = sqlite();
    let store = database.store();
    let held = hold(&store);
    tokio::time::sleep(Duration::from_millis(50)).await;
    let jobs: Vec<_> = (0..2_200)
        .map(|n| {
            let store = store.clone();
            tokio::spawn(async move { store.write(move |conn| note(conn, &n.to_string())).await })
        })
        .collect();
    let (mut stored, mut busy) = (0, 0);
    for job in jobs {
        match job.await.unwrap() {
            Ok(()) => stored += 1,
            Err(Error::Store(StoreError::Busy)) => busy += 1,
            Err(other) => panic!("{other:?}"),
        }
    }
    held.await.unwrap().unwrap();
    assert!(busy > 0 && stored >= 2_000, "{stored} stored, {busy} told to come back");
    assert_eq!(notes(&store).await.len(), stored);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_on_one_database_lose_nothing() {
    for database in databases() {
        let mut tasks = Vec::new();
        for server in 0..2 {
            let store = database.store();
            for n in 0..60 {
                let store = store.clone();
                let job = move |conn: &mut Conn| note(conn, &format!("{server}-{n}"));
                tasks.push(tokio::spawn(async move { store.write(job).await }));
            }
        }
        for task in tasks {
            task.await.unwrap().unwrap();
        }
        assert_eq!(notes(&database.store()).await.len(), 120, "on {}", database.name);
    }
}
