//! The migrations: up, down and up again give the same schema on each database; both databases hold the same tables
//! and columns, which are those of `storage/schema/`; a database from a newer version is left alone; the server's role on
//! PostgreSQL can change no table.

mod support;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use aftermap::storage::upkeep::{grants, migrate};
use aftermap::storage::{Conn, DatabaseUrl, Store};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};
use rand::{RngExt, SeedableRng};
use support::{SERVER_ROLE, TestDatabase, as_role, databases, root};

/// What a column is, in words that both databases and diesel share.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Column {
    kind: String,
    nullable: bool,
}

/// Table and column name to column.
type Schema = BTreeMap<(String, String), Column>;

#[test]
fn up_down_up_gives_the_same_schema() {
    for database in databases() {
        let mut conn = database.connect();
        let ran = migrate::up(&mut conn).unwrap();
        let first = definitions(&mut conn);
        assert!(!ran.is_empty() && first.len() > 20, "{}: {} definitions", database.name, first.len());
        for _ in &ran {
            migrate::down(&mut conn).unwrap();
        }
        assert_eq!(definitions(&mut conn), Vec::<String>::new(), "{}: down leaves nothing behind", database.name);
        assert_eq!(migrate::up(&mut conn).unwrap(), ran, "{}", database.name);
        assert_eq!(definitions(&mut conn), first, "{}", database.name);
    }
}

#[test]
fn a_second_up_changes_nothing() {
    for database in databases() {
        let mut conn = database.connect();
        migrate::up(&mut conn).unwrap();
        assert_eq!(migrate::up(&mut conn).unwrap(), Vec::<String>::new(), "{}", database.name);
    }
}

#[test]
fn both_databases_hold_what_the_code_expects() {
    let expected = of_diesel();
    assert!(expected.len() > 200, "storage/schema/ was read: {} columns", expected.len());
    for database in databases() {
        let mut conn = database.connect();
        migrate::up(&mut conn).unwrap();
        let found = of_database(&mut conn);
        for (name, column) in &expected {
            assert_eq!(found.get(name), Some(column), "{}: {}.{}", database.name, name.0, name.1);
        }
        for name in found.keys() {
            assert!(expected.contains_key(name), "{}: {}.{} is not in storage/schema/", database.name, name.0, name.1);
        }
    }
}

#[test]
fn both_databases_have_the_same_indexes() {
    let mut all = databases().into_iter().map(|database| {
        let mut conn = database.connect();
        migrate::up(&mut conn).unwrap();
        indexes(&mut conn)
    });
    let sqlite = all.next().unwrap();
    assert!(sqlite.contains(&"queue_ring".to_owned()));
    for other in all {
        assert_eq!(sqlite, other);
    }
}

#[test]
fn both_trees_of_migrations_have_the_same_names() {
    let names = |folder: &str| -> Vec<String> {
        let entries = std::fs::read_dir(root().join("migrations").join(folder)).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    assert_eq!(names("sqlite"), names("postgres"));
}

#[test]
fn a_database_of_a_newer_version_is_refused_and_left_alone() {
    for database in databases() {
        let mut conn = database.connect();
        migrate::up(&mut conn).unwrap();
        let newer = "INSERT INTO __diesel_schema_migrations (version) VALUES ('29990101000000')";
        run(&mut conn, newer);
        let before = definitions(&mut conn);
        let refusal = Store::open(&database.url, 1).err().expect("a newer database is refused").to_string();
        assert!(refusal.contains("29990101000000") && refusal.contains("newer"), "{}: {refusal}", database.name);
        assert_eq!(definitions(&mut conn), before, "{}", database.name);
    }
}

#[test]
fn the_role_of_a_server_can_change_neither_tables_nor_the_audit_log() {
    for database in databases() {
        let store = database.store();
        let DatabaseUrl::Postgres(owner) = &database.url else {
            assert!(grants::grant_to(&database.url, SERVER_ROLE).unwrap_err().to_string().contains("no roles"));
            continue;
        };
        let mut server = Conn::Postgres(PgConnection::establish(&as_role(owner, SERVER_ROLE)).unwrap());
        let refused = [
            "DROP TABLE labels",
            "ALTER TABLE audit_log DISABLE TRIGGER ALL",
            "DROP TRIGGER audit_log_never_changes ON audit_log",
            "DELETE FROM audit_log",
            "UPDATE audit_log SET act = 'nothing'",
            "TRUNCATE labels",
            "CREATE TABLE mine (id INT)",
            "INSERT INTO __diesel_schema_migrations (version) VALUES ('29990101000000')",
        ];
        for statement in refused {
            let error = server.batch_execute(statement).expect_err(statement).to_string();
            assert!(error.contains("permission denied") || error.contains("must be owner"), "{statement}: {error}");
        }
        server.batch_execute("SELECT count(*) FROM audit_log; SELECT count(*) FROM labels").unwrap();
        drop(store);
    }
}

#[test]
fn rights_are_given_to_a_role_that_is_there_and_is_not_the_owner() {
    for database in databases().into_iter().filter(|database| database.name == "postgres") {
        migrate::up_at(&database.url).unwrap();
        let error = |role: &str| grants::grant_to(&database.url, role).unwrap_err().to_string();
        assert!(
            error("nobody_of_that_name").contains("CREATE ROLE nobody_of_that_name"),
            "{}",
            error("nobody_of_that_name")
        );
        assert!(error("postgres").contains("may do everything already"), "{}", error("postgres"));
        assert!(error("x; DROP TABLE labels").contains("no role's name"));
        let data = tempfile::tempdir().unwrap();
        assert!(migrating(&database, data.path(), &["--grant-to", SERVER_ROLE]).status().unwrap().success());
        assert!(!migrating(&database, data.path(), &["--grant-to", "postgres"]).status().unwrap().success());
    }
}

/// The built binary at work on a database's schema.
fn migrating(database: &TestDatabase, data: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_aftermap"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("AFTERMAP_")) {
        command.env_remove(name);
    }
    command.args(["migrate", "--database-url", &database.address(), "--data"]).arg(data).args(more);
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

#[test]
fn a_migration_that_is_killed_leaves_all_or_nothing() {
    let mut dice = rand_chacha::ChaCha8Rng::seed_from_u64(2018);
    for database in databases() {
        let data = tempfile::tempdir().unwrap();
        assert!(migrating(&database, data.path(), &[]).status().unwrap().success());
        let whole = definitions(&mut database.connect());
        let (mut there, mut gone) = (0, 0);
        for round in 0..24 {
            // In turn down and up, each killed somewhere.
            let down: &[&str] = if round % 2 == 0 { &["--down", "--lose-data"] } else { &[] };
            let mut process = migrating(&database, data.path(), down).spawn().unwrap();
            std::thread::sleep(Duration::from_millis(dice.random_range(0..120)));
            // It may be done already.
            let _ = process.kill();
            process.wait().unwrap();
            // PostgreSQL may need a moment to notice that its client is gone.
            let found = (0..100).find_map(|_| {
                let found = definitions(&mut database.connect());
                let settled = found == whole || found.is_empty();
                if !settled {
                    std::thread::sleep(Duration::from_millis(20));
                }
                settled.then_some(found)
            });
            match found {
                Some(found) if found.is_empty() => gone += 1,
                Some(_) => there += 1,
                None => panic!("{}: half a schema after round {round}", database.name),
            }
        }
        assert!(there > 0 || gone > 0);
        let last = migrating(&database, data.path(), &[]).output().unwrap();
        assert!(last.status.success(), "{}: {}", database.name, String::from_utf8_lossy(&last.stderr));
        assert_eq!(definitions(&mut database.connect()), whole, "{}", database.name);
    }
}

#[test]
fn processes_that_start_together_migrate_once() {
    for database in databases() {
        let data = tempfile::tempdir().unwrap();
        let start = |_| migrating(&database, data.path(), &[]).spawn().unwrap();
        let all: Vec<_> = (0..4).map(start).collect();
        for process in all {
            let output = process.wait_with_output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{}: {said}", database.name);
        }
        let mut conn = database.connect();
        assert_eq!(migrate::up(&mut conn).unwrap(), Vec::<String>::new(), "{}: nothing is left to do", database.name);
        let applied = "SELECT version AS line FROM __diesel_schema_migrations";
        assert_eq!(lines(&mut conn, (applied, applied)).len(), 1, "{}", database.name);
    }
}

#[test]
fn a_start_waits_while_another_process_holds_the_file_for_longer_than_a_request_may() {
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("town.sqlite");
    let mut other = SqliteConnection::establish(file.to_str().unwrap()).unwrap();
    other.batch_execute("PRAGMA journal_mode = WAL; CREATE TABLE beside (number INTEGER); BEGIN IMMEDIATE").unwrap();
    let held = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(6_500));
        other.batch_execute("COMMIT").unwrap();
    });
    let applied = migrate::up_at(&DatabaseUrl::Sqlite(file));
    held.join().unwrap();
    assert_eq!(applied.expect("it waits").len(), 1);
}

fn run(conn: &mut Conn, sql: &str) {
    match conn {
        Conn::Sqlite(conn) => conn.batch_execute(sql).unwrap(),
        Conn::Postgres(conn) => conn.batch_execute(sql).unwrap(),
    }
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

fn lines(conn: &mut Conn, (sqlite, postgres): (&str, &str)) -> Vec<String> {
    let rows: Vec<Line> = match conn {
        Conn::Sqlite(conn) => diesel::sql_query(sqlite).load(conn).unwrap(),
        Conn::Postgres(conn) => diesel::sql_query(postgres).load(conn).unwrap(),
    };
    rows.into_iter().map(|row| row.line).collect()
}

/// Every table, column, constraint and index in the database's own words, without diesel's own table.
fn definitions(conn: &mut Conn) -> Vec<String> {
    let sqlite = "SELECT type || ' ' || name || ' ' || coalesce(sql, '') AS line FROM sqlite_master
                  WHERE tbl_name <> '__diesel_schema_migrations' ORDER BY 1";
    let postgres = "SELECT line FROM (
            SELECT 'column ' || table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable || ' '
                   || coalesce(column_default, '') AS line, table_name AS t
            FROM information_schema.columns WHERE table_schema = 'public'
            UNION ALL SELECT 'constraint ' || conname || ' ' || pg_get_constraintdef(oid), conrelid::regclass::text
            FROM pg_constraint WHERE connamespace = 'public'::regnamespace
            UNION ALL SELECT 'index ' || indexdef, tablename::text FROM pg_indexes WHERE schemaname = 'public'
        ) AS everything WHERE t <> '__diesel_schema_migrations' ORDER BY 1";
    lines(conn, (sqlite, postgres))
}

/// The names of the indexes that the migrations name; those behind keys and UNIQUE are each database's own affair.
fn indexes(conn: &mut Conn) -> Vec<String> {
    let sqlite = "SELECT name AS line FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL ORDER BY 1";
    let postgres = "SELECT indexname::text AS line FROM pg_indexes
                    WHERE schemaname = 'public' AND indexname !~ '_(pkey|key)[0-9]*$' ORDER BY 1";
    lines(conn, (sqlite, postgres))
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    table_name: String,
    #[diesel(sql_type = Text)]
    column_name: String,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Bool)]
    nullable: bool,
}

/// What the database holds.
fn of_database(conn: &mut Conn) -> Schema {
    // SQLite's INTEGER PRIMARY KEY is its 64-bit row id; a key is NOT NULL even where that is left unsaid.
    let sqlite = r#"SELECT m.name AS table_name, c.name AS column_name,
                           CASE WHEN m.sql LIKE '% ' || c.name || ' %INTEGER PRIMARY KEY%' AND c.pk = 1
                                THEN 'BIGINT' ELSE c.type END AS kind,
                           (c."notnull" = 0 AND c.pk = 0) AS nullable
                    FROM sqlite_master AS m, pragma_table_info(m.name) AS c WHERE m.type = 'table'"#;
    let postgres =
        "SELECT table_name::text, column_name::text, data_type::text AS kind, is_nullable = 'YES' AS nullable
                    FROM information_schema.columns WHERE table_schema = 'public'";
    let rows: Vec<Row> = match conn {
        Conn::Sqlite(conn) => diesel::sql_query(sqlite).load(conn).unwrap(),
        Conn::Postgres(conn) => diesel::sql_query(postgres).load(conn).unwrap(),
    };
    let own = rows.into_iter().filter(|row| !row.table_name.starts_with("__diesel"));
    own.map(|row| {
        let column = Column { kind: common_word(&row.kind, &row.column_name), nullable: row.nullable };
        ((row.table_name, row.column_name), column)
    })
    .collect()
}

/// One word for one kind of value, whoever speaks.
fn common_word(kind: &str, column: &str) -> String {
    let word = match kind.to_uppercase().as_str() {
        "BIGINT" => "BigInt",
        "SMALLINT" => "SmallInt",
        "INTEGER" => "Integer",
        "BOOLEAN" => "Bool",
        "TEXT" => "Text",
        "BLOB" | "BYTEA" => "Binary",
        "DOUBLE PRECISION" => "Double",
        other => panic!("{column}: the type {other} is new; say here what diesel calls it"),
    };
    word.to_owned()
}

/// What `storage/schema/` says, read as text: diesel's macro keeps no list that a test could ask for.
fn of_diesel() -> Schema {
    let files = std::fs::read_dir(root().join(Path::new("src/storage/schema"))).unwrap();
    let text: String = files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap()).collect();
    let mut schema = Schema::new();
    let mut table = String::new();
    for line in text.lines().map(str::trim).filter(|line| !line.ends_with(';')) {
        if let Some((name, rest)) = line.split_once(" (")
            && rest.ends_with("{")
        {
            table = name.to_owned();
        } else if let Some((name, kind)) = line.trim_end_matches(',').split_once(" -> ") {
            let inner = kind.strip_prefix("Nullable<").and_then(|kind| kind.strip_suffix('>'));
            let column = Column { kind: inner.unwrap_or(kind).to_owned(), nullable: inner.is_some() };
            schema.insert((table.clone(), name.to_owned()), column);
        }
    }
    schema
}
