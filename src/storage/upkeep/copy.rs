//! Moves a whole database to another one, whatever kind both are: table by table, in one snapshot of the source and one
//! transaction of the target, in bounded memory, and read again on both sides before it is kept.

use diesel::connection::{Connection as _, SimpleConnection};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::BoxedSqlQuery;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Binary, Bool, Double, Integer, Nullable, SmallInt, Text};
use diesel::sqlite::Sqlite;

use super::copy_rows::{Row, Sum, Value};
use super::migrate;
use crate::storage::{Conn, DatabaseUrl, StoreError};

/// Rows in memory at a time.
const BATCH: usize = 2_000;
/// SQLite takes at most 32,766 values in one statement.
const SQLITE_VALUES: usize = 16_000;

/// What was moved of one table, found equal on both sides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// The table.
    pub table: String,
    /// Its rows.
    pub rows: u64,
    /// A checksum of its content that does not depend on the order of its rows.
    pub checksum: String,
}

/// Copies all tables. Blocks; `done` is told of each table. The source stays as it is; the target is filled as a whole
/// or not at all.
///
/// # Errors
/// Where the source has another schema than this version, the target holds rows already, or both sides differ in the end.
pub fn copy(from: &DatabaseUrl, to: &DatabaseUrl, mut done: impl FnMut(&Copied)) -> Result<(), StoreError> {
    if from == to {
        return Err(setup("both addresses name the same database"));
    }
    if let DatabaseUrl::Sqlite(path) = from
        && !path.is_file()
    {
        return Err(setup(format!("there is no database file {}", path.display())));
    }
    let mut source = from.connect(true)?;
    if !migrate::is_in_place(&mut source).unwrap_or(false) {
        return Err(setup("the source has the schema of another version: run `aftermap migrate` on it first"));
    }
    crate::storage::store::create_folder(to)?;
    let mut target = to.connect(false)?;
    migrate::up(&mut target)?;
    source.transaction(|source| {
        begin_snapshot(source)?;
        let tables = in_order(source)?;
        target.transaction(|target| {
            begin_filling(target, &tables)?;
            for table in &tables {
                done(&copy_table(source, target, table)?);
            }
            Ok::<_, StoreError>(())
        })
    })?;
    Ok(target.batch_execute("ANALYZE")?)
}

#[derive(QueryableByName)]
struct Pair {
    #[diesel(sql_type = Text)]
    one: String,
    #[diesel(sql_type = Text)]
    other: String,
}

/// All tables, each after those that it refers to.
pub(crate) fn in_order(conn: &mut Conn) -> Result<Vec<String>, StoreError> {
    // Each table with each that it refers to, and once with itself.
    let pairs: Vec<Pair> = match conn {
        Conn::Sqlite(conn) => sql_query(
            "SELECT t.name AS one, COALESCE(f.\"table\", t.name) AS other FROM sqlite_master t
             LEFT JOIN pragma_foreign_key_list(t.name) f ON TRUE
             WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite%' AND t.name NOT LIKE '\\_\\_%' ESCAPE '\\'",
        )
        .load(conn)?,
        Conn::Postgres(conn) => sql_query(
            "SELECT t.relname::text AS one, COALESCE(o.relname, t.relname)::text AS other FROM pg_class t
             LEFT JOIN pg_constraint f ON f.conrelid = t.oid AND f.contype = 'f' LEFT JOIN pg_class o ON o.oid = f.confrelid
             WHERE t.relkind = 'r' AND t.relnamespace = current_schema()::regnamespace AND t.relname NOT LIKE '\\_\\_%'",
        )
        .load(conn)?,
    };
    let mut waiting: std::collections::BTreeSet<&str> = pairs.iter().map(|pair| pair.one.as_str()).collect();
    let mut order = Vec::with_capacity(waiting.len());
    while !waiting.is_empty() {
        let needs_one = |table: &str| {
            pairs.iter().any(|pair| pair.one == table && pair.other != table && waiting.contains(pair.other.as_str()))
        };
        let free: Vec<&str> = waiting.iter().copied().filter(|table| !needs_one(table)).collect();
        if free.is_empty() {
            return Err(setup("tables of the source refer to each other in a circle"));
        }
        waiting.retain(|table| !free.contains(table));
        order.extend(free.into_iter().map(str::to_owned));
    }
    Ok(order)
}

fn begin_snapshot(source: &mut Conn) -> Result<(), StoreError> {
    if let Conn::Postgres(conn) = source {
        conn.batch_execute(
            "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY; SET LOCAL statement_timeout = 0;
             SET LOCAL idle_in_transaction_session_timeout = 0",
        )?;
    }
    Ok(())
}

fn begin_filling(target: &mut Conn, tables: &[String]) -> Result<(), StoreError> {
    match target {
        Conn::Postgres(conn) => conn.batch_execute(
            "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0;
             SET LOCAL synchronous_commit = on",
        )?,
        Conn::Sqlite(conn) => conn.batch_execute("PRAGMA defer_foreign_keys = ON")?,
    }
    for table in tables {
        if !read_batch(target, &format!("SELECT 1 FROM {table} LIMIT 1"))?.is_empty() {
            return Err(setup(format!("the target is not empty: it has rows in `{table}`; name a new database")));
        }
    }
    Ok(())
}

fn copy_table(source: &mut Conn, target: &mut Conn, table: &str) -> Result<Copied, StoreError> {
    let (columns, kinds) = (columns(source, table)?, columns(target, table)?);
    if columns.iter().map(|(name, _)| name).ne(kinds.iter().map(|(name, _)| name)) {
        return Err(setup(format!("table `{table}` has other columns in the target")));
    }
    let mut sent = Sum::default();
    read_all(source, table, &columns, &mut |rows| {
        sent.add(&rows);
        write(target, table, &kinds, rows)
    })?;
    let mut kept = Sum::default();
    read_all(target, table, &columns, &mut |rows| {
        kept.add(&rows);
        Ok(())
    })?;
    match sent == kept {
        true => Ok(Copied { table: table.to_owned(), rows: sent.rows, checksum: sent.checksum() }),
        false => Err(setup(format!("table `{table}` differs after it was copied: nothing was kept"))),
    }
}

/// Names of the columns in alphabetical order, with their types.
fn columns(conn: &mut Conn, table: &str) -> Result<Vec<(String, String)>, StoreError> {
    let found: Vec<Pair> = match conn {
        Conn::Sqlite(conn) => sql_query("SELECT name AS one, type AS other FROM pragma_table_info(?)")
            .bind::<Text, _>(table)
            .load(conn)?,
        Conn::Postgres(conn) => sql_query(
            "SELECT column_name::text AS one, data_type::text AS other FROM information_schema.columns
             WHERE table_schema = current_schema() AND table_name = $1",
        )
        .bind::<Text, _>(table)
        .load(conn)?,
    };
    let mut columns: Vec<_> = found.into_iter().map(|pair| (pair.one, pair.other)).collect();
    columns.sort();
    Ok(columns)
}

type Each<'a> = dyn FnMut(Vec<Row>) -> Result<(), StoreError> + 'a;

/// Reads a table in batches.
fn read_all(conn: &mut Conn, table: &str, columns: &[(String, String)], each: &mut Each<'_>) -> Result<(), StoreError> {
    let names = names(columns);
    let query = format!("SELECT {names} FROM {table}");
    match conn {
        Conn::Sqlite(conn) => {
            let mut batch = Vec::new();
            for row in sql_query(query).load_iter::<Row, diesel::connection::DefaultLoadingMode>(conn)? {
                batch.push(row?);
                if batch.len() == BATCH {
                    each(std::mem::take(&mut batch))?;
                }
            }
            each(batch)
        }
        Conn::Postgres(_) => {
            conn.batch_execute(&format!("DECLARE rows NO SCROLL CURSOR FOR {query}"))?;
            loop {
                let rows = read_batch(conn, &format!("FETCH {BATCH} FROM rows"))?;
                if rows.is_empty() {
                    return Ok(conn.batch_execute("CLOSE rows")?);
                }
                each(rows)?;
            }
        }
    }
}

fn read_batch(conn: &mut Conn, query: &str) -> Result<Vec<Row>, StoreError> {
    Ok(match conn {
        Conn::Sqlite(conn) => sql_query(query).load(conn)?,
        Conn::Postgres(conn) => sql_query(query).load(conn)?,
    })
}

fn names(columns: &[(String, String)]) -> String {
    columns.iter().map(|(name, _)| format!("\"{name}\"")).collect::<Vec<_>>().join(", ")
}

fn write(target: &mut Conn, table: &str, columns: &[(String, String)], rows: Vec<Row>) -> Result<(), StoreError> {
    if rows.is_empty() {
        return Ok(());
    }
    match target {
        Conn::Sqlite(conn) => write_sqlite(conn, table, columns, &rows),
        Conn::Postgres(conn) => write_postgres(conn, table, columns, rows),
    }
}

fn write_sqlite(
    conn: &mut SqliteConnection,
    table: &str,
    columns: &[(String, String)],
    rows: &[Row],
) -> Result<(), StoreError> {
    let places = format!("({})", vec!["?"; columns.len()].join(", "));
    for some in rows.chunks((SQLITE_VALUES / columns.len()).clamp(1, 200)) {
        let values = vec![places.as_str(); some.len()].join(", ");
        let mut query =
            sql_query(format!("INSERT INTO {table} ({}) VALUES {values}", names(columns))).into_boxed::<Sqlite>();
        for value in some.iter().flat_map(|row| &row.0) {
            query = match value {
                Value::Null => query.bind::<Nullable<Text>, _>(None::<String>),
                Value::Integer(number) => query.bind::<BigInt, _>(*number),
                Value::Real(number) => query.bind::<Double, _>(*number),
                Value::Text(text) => query.bind::<Text, _>(text.clone()),
                Value::Bytes(bytes) => query.bind::<Binary, _>(bytes.clone()),
            };
        }
        query.execute(conn)?;
    }
    Ok(())
}

/// One list for each column: the statement is the same however many rows there are.
fn write_postgres(
    conn: &mut PgConnection,
    table: &str,
    columns: &[(String, String)],
    rows: Vec<Row>,
) -> Result<(), StoreError> {
    let mut lists: Vec<Vec<Value>> = columns.iter().map(|_| Vec::with_capacity(rows.len())).collect();
    for row in rows {
        lists.iter_mut().zip(row.0).for_each(|(list, value)| list.push(value));
    }
    let places: Vec<String> =
        columns.iter().enumerate().map(|(place, (_, kind))| format!("${}::{kind}[]", place + 1)).collect();
    let insert = format!("INSERT INTO {table} ({}) SELECT * FROM unnest({})", names(columns), places.join(", "));
    let query = columns.iter().zip(lists).try_fold(sql_query(insert).into_boxed::<Pg>(), bind_list)?;
    query.execute(conn)?;
    Ok(())
}

type PgQuery<'a> = BoxedSqlQuery<'a, Pg, diesel::query_builder::SqlQuery>;

fn bind_list<'a>(
    query: PgQuery<'a>,
    ((name, kind), list): (&(String, String), Vec<Value>),
) -> Result<PgQuery<'a>, StoreError> {
    let wrong = || setup(format!("column `{name}` holds what a {kind} cannot hold"));
    Ok(match kind.as_str() {
        "boolean" => query.bind::<Array<Nullable<Bool>>, _>(integers(list, |n| Some(n != 0)).ok_or_else(wrong)?),
        "smallint" => {
            query.bind::<Array<Nullable<SmallInt>>, _>(integers(list, |n| i16::try_from(n).ok()).ok_or_else(wrong)?)
        }
        "integer" => {
            query.bind::<Array<Nullable<Integer>>, _>(integers(list, |n| i32::try_from(n).ok()).ok_or_else(wrong)?)
        }
        "bigint" => query.bind::<Array<Nullable<BigInt>>, _>(integers(list, Some).ok_or_else(wrong)?),
        "double precision" => query.bind::<Array<Nullable<Double>>, _>(all(list, Value::real).ok_or_else(wrong)?),
        "bytea" => query.bind::<Array<Nullable<Binary>>, _>(all(list, Value::bytes).ok_or_else(wrong)?),
        _ => query.bind::<Array<Nullable<Text>>, _>(all(list, Value::text).ok_or_else(wrong)?),
    })
}

fn integers<T>(list: Vec<Value>, narrow: impl Fn(i64) -> Option<T>) -> Option<Vec<Option<T>>> {
    all(list, |value| value.integer().and_then(&narrow))
}

/// The values of a column, each as the same type or none; `None` where one is something else.
fn all<T>(list: Vec<Value>, read: impl Fn(Value) -> Option<T>) -> Option<Vec<Option<T>>> {
    list.into_iter().map(|value| if value == Value::Null { Some(None) } else { read(value).map(Some) }).collect()
}

fn setup(reason: impl Into<String>) -> StoreError {
    StoreError::Setup(reason.into())
}
