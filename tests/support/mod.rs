//! What integration tests share: databases to test on, the real test data, and the real binary as a server.
//!
//! A temporary SQLite file is always there. PostgreSQL joins when `AFTERMAP_TEST_POSTGRES` names a server
//! (`scripts/with-postgres.sh COMMAND` starts one for the time of a command; `make test` does so).

#![allow(dead_code)] // each test program uses its part of this

pub mod made_up;

use std::path::{Path, PathBuf};

use aftermap::storage::upkeep::{grants, migrate};
use aftermap::storage::{Conn, DatabaseUrl, Store};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;

/// An empty database of its own, gone when the value is dropped.
pub struct TestDatabase {
    /// `sqlite` or `postgres`, for messages.
    pub name: &'static str,
    /// What `Store::open` and `--database-url` (through [`TestDatabase::address`]) take.
    pub url: DatabaseUrl,
    home: Home,
}

enum Home {
    Folder(tempfile::TempDir),
    Server { server: String, database: String },
}

/// One fresh database on each engine there is. Says so plainly where PostgreSQL is left out.
pub fn databases() -> Vec<TestDatabase> {
    let mut all = vec![sqlite()];
    match std::env::var("AFTERMAP_TEST_POSTGRES") {
        Ok(server) => all.push(postgres(server)),
        Err(_) => eprintln!("SKIPPED on PostgreSQL: AFTERMAP_TEST_POSTGRES is not set (see scripts/with-postgres.sh)"),
    }
    all
}

/// A fresh SQLite database alone.
pub fn sqlite() -> TestDatabase {
    let folder = tempfile::tempdir().expect("a temporary folder");
    TestDatabase { name: "sqlite", url: DatabaseUrl::in_folder(folder.path()), home: Home::Folder(folder) }
}

fn postgres(server: String) -> TestDatabase {
    let database = format!("test_{:016x}", rand::random::<u64>());
    execute_on(&server, &format!("CREATE DATABASE {database}"));
    make_role(&server);
    let url =
        DatabaseUrl::parse(&on_database(&server, &database)).expect("AFTERMAP_TEST_POSTGRES is a postgres:// URL");
    TestDatabase { name: "postgres", url, home: Home::Server { server, database } }
}

impl TestDatabase {
    /// Opens it through the pool and the writer that the server uses, schema and all. On PostgreSQL as a role that may change
    /// no table and no row of the audit log, so that whatever a test does is shown to need no more.
    pub fn store(&self) -> Store {
        let DatabaseUrl::Postgres(owner) = &self.url else {
            return Store::open(&self.url, 4).expect("the test database opens");
        };
        migrate::up_at(&self.url).expect("the schema is made");
        self.let_the_server_in();
        let server = DatabaseUrl::parse(&as_role(owner, SERVER_ROLE)).expect("an address with another role");
        Store::open(&server, 4).expect("the test database opens")
    }

    /// On PostgreSQL, gives the server's role its rights on the tables there are.
    pub fn let_the_server_in(&self) {
        if let DatabaseUrl::Postgres(_) = &self.url {
            grants::grant_to(&self.url, SERVER_ROLE).expect("the role gets its rights");
        }
    }

    /// A bare connection as the tables' owner, past the store: nothing is migrated.
    pub fn connect(&self) -> Conn {
        match &self.url {
            DatabaseUrl::Sqlite(path) => {
                let path = path.to_str().expect("a UTF-8 path");
                Conn::Sqlite(SqliteConnection::establish(path).expect("the SQLite file opens"))
            }
            DatabaseUrl::Postgres(url) => Conn::Postgres(PgConnection::establish(url).expect("PostgreSQL answers")),
        }
    }

    /// The address as text, for `--database-url` of the binary.
    pub fn address(&self) -> String {
        match &self.url {
            DatabaseUrl::Sqlite(path) => format!("sqlite:{}", path.display()),
            DatabaseUrl::Postgres(url) => url.clone(),
        }
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        if let Home::Server { server, database } = &self.home {
            // FORCE: the pool of a store that is still being dropped must not keep it alive.
            execute_on(server, &format!("DROP DATABASE IF EXISTS {database} WITH (FORCE)"));
        }
    }
}

fn execute_on(server: &str, sql: &str) {
    let mut conn = PgConnection::establish(server).expect("the PostgreSQL of AFTERMAP_TEST_POSTGRES answers");
    conn.batch_execute(sql).expect(sql);
}

/// The role of servers under test.
pub const SERVER_ROLE: &str = "aftermap_server";

/// Makes that role once a cluster; tests beside this one want it too.
fn make_role(server: &str) {
    execute_on(
        server,
        &format!(
            "DO $$ BEGIN CREATE ROLE {SERVER_ROLE} LOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
        ),
    );
}

/// The same address for another role, without a password.
pub fn as_role(address: &str, role: &str) -> String {
    let (scheme, rest) = address.split_once("://").expect("postgres://");
    let path = rest.find('/').unwrap_or(rest.len());
    let host = rest[..path].rsplit_once('@').map_or(&rest[..path], |(_, host)| host);
    format!("{scheme}://{role}@{host}{}", &rest[path..])
}

/// The same server address with another database name; parameters after `?` stay.
fn on_database(server: &str, database: &str) -> String {
    let (address, parameters) = server.split_once('?').map_or((server, None), |(a, p)| (a, Some(p)));
    let scheme = address.find("://").map_or(0, |at| at + 3);
    let host = address[scheme..].find('/').map_or(address, |at| &address[..scheme + at]);
    match parameters {
        Some(parameters) => format!("{host}/{database}?{parameters}"),
        None => format!("{host}/{database}"),
    }
}

/// A file or folder of the real test data, or `None` (said plainly) where the data is not on this machine.
pub fn data(name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("AFTERMAP_TEST_DATA").map_or_else(|| PathBuf::from("../shared/data"), PathBuf::from);
    let path = root.join(name);
    if !path.exists() {
        eprintln!("SKIPPED: no {} (set AFTERMAP_TEST_DATA)", path.display());
        return None;
    }
    Some(path)
}

/// The repository's root folder.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A Python that reads geodata and has these modules, or `None` (said plainly).
pub fn python(modules: &[&str]) -> Option<PathBuf> {
    python_of("AFTERMAP_TEST_PYTHON", "python", modules)
}

/// A Python with the programs of other projects that read our files, or `None` (said plainly).
pub fn foreign_python(modules: &[&str]) -> Option<PathBuf> {
    python_of("AFTERMAP_TEST_FOREIGN_PYTHON", "foreign", modules)
}

/// The one that a variable names, else the one that `make test-tools` made under that name.
fn python_of(variable: &str, name: &str, modules: &[&str]) -> Option<PathBuf> {
    let made = root().join("target/test-tools").join(name).join("bin/python");
    let python = std::env::var_os(variable).map_or(made, PathBuf::from);
    let modules = modules.join(", ");
    let found = std::process::Command::new(&python).args(["-c", &format!("import {modules}")]).output();
    if found.is_ok_and(|output| output.status.success()) {
        return Some(python);
    }
    eprintln!("SKIPPED: {} has no {modules} (`make test-tools` installs them; or {variable})", python.display());
    None
}
