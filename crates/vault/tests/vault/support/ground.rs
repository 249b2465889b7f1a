//! Folder and database of a vault: SQLite, or PostgreSQL when the test runner says so.

use super::{Line, World};
use sea_orm::{ConnectionTrait as _, Database, DatabaseConnection};
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use vault::clock::Clock;
use vault::dispatcher::Pace;
use vault::{Options, StartError, Vault};

/// What a vault stands on; it stays when its process ends.
pub(super) struct Ground {
    database: TestDatabase,
    dir: tempfile::TempDir,
    pub(super) world: World,
    pace: Pace,
    clock: Clock,
    database_timeout: Duration,
    /// What lies between the vault and the database's server.
    line: Option<Line>,
}

impl Ground {
    pub(super) fn new(database: TestDatabase, pace: Pace, clock: Clock) -> Self {
        Self {
            database,
            dir: private_folder(),
            world: World::default(),
            pace,
            clock,
            database_timeout: Options::default().database_timeout,
            line: None,
        }
    }

    /// The same in a world that is there already.
    pub(super) fn in_world(self, world: World) -> Self {
        Self { world, ..self }
    }

    /// On PostgreSQL, with a line to it that can be cut.
    /// `database_timeout` is how long an answer is waited for.
    pub(super) async fn on_a_line_to_postgres(database_timeout: Option<Duration>) -> (Self, Line) {
        let ground = Self::new(TestDatabase::Postgres, Pace::default(), Clock::default());
        let url = ground.database_url().await;
        let line = Line::to(server_of(&url).to_owned()).await;
        let database_timeout = database_timeout.unwrap_or(ground.database_timeout);
        (Self { line: Some(line.clone()), database_timeout, ..ground }, line)
    }

    pub(super) async fn open(&self, replica_timeout: Duration) -> Result<Vault, StartError> {
        self.open_at(self.clock.clone(), replica_timeout).await
    }

    /// The same with another machine's clock.
    pub(super) async fn open_at(&self, clock: Clock, replica_timeout: Duration) -> Result<Vault, StartError> {
        let options = Options {
            database_url: self.database_url_on_the_line().await,
            replica_timeout,
            data_dir: self.dir.path().to_owned(),
            max_upload_bytes: 100_000,
            idle_timeout: Duration::from_millis(200),
            pace: self.pace,
            clock,
            database_timeout: self.database_timeout,
            ..Options::default()
        };
        Vault::open(options, Arc::new(self.world.clone())).await
    }

    pub(super) fn key_file(&self) -> PathBuf {
        self.dir.path().join("master.key")
    }

    /// A database without any tables yet.
    pub(super) async fn new_tables(&self) -> DatabaseConnection {
        let url = self.database_url().await;
        let make = if matches!(self.database, TestDatabase::Sqlite) { "?mode=rwc" } else { "" };
        Database::connect(format!("{url}{make}")).await.unwrap()
    }

    pub(super) async fn tables(&self) -> DatabaseConnection {
        Database::connect(self.database_url().await).await.unwrap()
    }

    async fn database_url_on_the_line(&self) -> String {
        let url = self.database_url().await;
        match &self.line {
            Some(line) => url.replace(server_of(&url), &line.address),
            None => url,
        }
    }

    /// A database of the test's own. On PostgreSQL its name follows from the folder, so that a restart
    /// finds it again.
    pub(super) async fn database_url(&self) -> String {
        let folder = self.dir.path().display().to_string();
        if matches!(self.database, TestDatabase::Sqlite) {
            return format!("sqlite://{folder}/vault.db");
        }
        let server = variable("VAULT_TEST_POSTGRES_URL").expect("run make test, or scripts/services start postgres");
        let unique: String = folder.bytes().map(|b| format!("{b:02x}")).collect();
        let name = format!("t_{}", &unique[unique.len().saturating_sub(24)..]);
        let admin = Database::connect(&server).await.unwrap();
        // It exists already after a restart.
        let _ = admin.execute_unprepared(&format!("CREATE DATABASE {name}")).await;
        let (base, _) = server.rsplit_once('/').expect("an address with a database");
        format!("{base}/{name}")
    }
}

/// `host:port` of a database's address.
fn server_of(url: &str) -> &str {
    let rest = url.split_once("://").expect("an address").1;
    let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
    rest.split('/').next().expect("a server")
}

#[derive(Debug, Clone, Copy)]
pub(super) enum TestDatabase {
    Sqlite,
    Postgres,
}

fn variable(name: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "how the test runner says where servers are")]
    std::env::var(name).ok()
}

/// SQLite, unless the test runner sets `VAULT_TEST_DATABASE=postgres`.
pub(super) fn wanted_database() -> TestDatabase {
    if variable("VAULT_TEST_DATABASE").as_deref() == Some("postgres") {
        TestDatabase::Postgres
    } else {
        TestDatabase::Sqlite
    }
}

/// As operators are told to make it: others may not look into it.
fn private_folder() -> tempfile::TempDir {
    tempfile::Builder::new().permissions(Permissions::from_mode(0o700)).tempdir().unwrap()
}
