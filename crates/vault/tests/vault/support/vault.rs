//! A vault, its life, and what agents and readers ask of it.

use super::ground::{Ground, TestDatabase, wanted_database};
use super::{Line, World, account, actor, connection, until, within};
use bytes::Bytes;
use futures::{TryStreamExt as _, stream};
use model::account::AccountForm;
use model::connection::Family;
use model::field::Settings;
use model::recording::RecordingView;
use model::wire::header;
use model::{ObjectKey, Secret};
use sea_orm::DatabaseConnection;
use std::convert::Infallible;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Mutex;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use vault::accounts::Account;
use vault::clock::Clock;
use vault::dispatcher::Pace;
use vault::ingest::{Stored, UploadError, UploadRequest};
use vault::{StartError, Vault, VaultError};

/// Longer than a test: replicas take each other for alive.
const REPLICA_TIMEOUT: Duration = Duration::from_secs(600);

/// What a database that works needs at the very most for an answer.
const IMPATIENT: Duration = Duration::from_secs(3);

/// A vault with a provider, two integrations and two accounts.
pub(crate) struct TestVault {
    pub(crate) world: World,
    pub(crate) vault: Vault,
    ground: Ground,
    cancel: CancellationToken,
    /// Background work.
    working: Mutex<Vec<JoinHandle<()>>>,
}

impl Drop for TestVault {
    fn drop(&mut self) {
        // A sink's last event leads to the vault, which leads to the sink: its connections to the database would never end.
        for sink in [&self.world.sink, &self.world.second_sink] {
            sink.last.lock().unwrap().take();
        }
    }
}

impl TestVault {
    /// On the database the test runner chose.
    pub(crate) async fn new() -> Self {
        Self::at(Pace::default()).await
    }

    /// With deliveries at another pace.
    pub(crate) async fn at(pace: Pace) -> Self {
        Self::on(Ground::new(wanted_database(), pace, Clock::default()), Duration::ZERO).await
    }

    /// At its own time.
    pub(crate) async fn with_clock(clock: Clock) -> Self {
        Self::at_clock(Pace::default(), clock).await
    }

    /// The same, on a clock that the test sets.
    pub(crate) async fn at_clock(pace: Pace, clock: Clock) -> Self {
        Self::on(Ground::new(wanted_database(), pace, clock), Duration::ZERO).await
    }

    /// On SQLite, whatever the test runner chose.
    pub(crate) async fn on_sqlite() -> Self {
        Self::on(Ground::new(TestDatabase::Sqlite, Pace::default(), Clock::default()), Duration::ZERO).await
    }

    /// On PostgreSQL, whatever the test runner chose: what only several replicas show.
    pub(crate) async fn on_postgres() -> Self {
        Self::on(Ground::new(TestDatabase::Postgres, Pace::default(), Clock::default()), REPLICA_TIMEOUT).await
    }

    /// On PostgreSQL, with a line to it that can be cut.
    pub(crate) async fn on_a_line_to_postgres() -> (Self, Line) {
        let (ground, line) = Ground::on_a_line_to_postgres(None).await;
        (Self::on(ground, REPLICA_TIMEOUT).await, line)
    }

    /// The same, and an answer is not waited for for long.
    pub(crate) async fn impatient_on_a_line_to_postgres() -> (Self, Line) {
        let (ground, line) = Ground::on_a_line_to_postgres(Some(IMPATIENT)).await;
        (Self::on(ground, REPLICA_TIMEOUT).await, line)
    }

    async fn on(ground: Ground, replica_timeout: Duration) -> Self {
        let world = ground.world.clone();
        let vault = ground.open(replica_timeout).await.unwrap();
        let provider = connection(Family::Provider, "filesystem", "local", Settings::new().with("path", "/tmp/unused"));
        vault.connections.save(&actor(), provider).await.unwrap();
        for name in ["first", "second"] {
            let url = Settings::new().with("url", format!("http://127.0.0.1/{name}"));
            vault.connections.save(&actor(), connection(Family::Integration, "webhook", name, url)).await.unwrap();
        }
        for name in ["site-a", "site-b"] {
            vault.accounts.save(&actor(), account(name)).await.unwrap();
        }
        Self { world, vault, ground, cancel: CancellationToken::new(), working: Mutex::default() }
    }

    /// With a master key and a database that an old vault left; what it had stored is in the world already.
    pub(crate) async fn of_an_old_one(
        world: World,
        key: &str,
        fill: impl AsyncFnOnce(&DatabaseConnection),
    ) -> Result<Self, StartError> {
        let ground = Ground::new(wanted_database(), Pace::default(), Clock::default()).in_world(world);
        std::fs::write(ground.key_file(), key).unwrap();
        let tables = ground.new_tables().await;
        fill(&tables).await;
        tables.close().await.unwrap();
        let (world, vault) = (ground.world.clone(), ground.open(Duration::ZERO).await?);
        Ok(Self { world, vault, ground, cancel: CancellationToken::new(), working: Mutex::default() })
    }

    /// Adds a second provider; answers the ids of both.
    pub(crate) async fn add_second_provider(&self) -> (i64, i64) {
        let path = Settings::new().with("path", "/tmp/second");
        let second = connection(Family::Provider, "filesystem", "second", path);
        let second = self.vault.connections.save(&actor(), second).await.unwrap();
        self.let_name("second").await;
        let first = self.vault.connections.provider_by_name("local").await.unwrap().unwrap();
        (first.id, second)
    }

    /// Lets the agents of both accounts store at a provider that is not their main one.
    pub(crate) async fn let_name(&self, provider: &str) {
        for view in self.vault.accounts.list().await.unwrap() {
            let form = AccountForm {
                id: Some(view.id),
                enabled: view.enabled,
                provider: view.provider,
                secondary_providers: view.secondary_providers,
                other_providers: Some([view.other_providers, vec![provider.to_owned()]].concat()),
                day_limit: view.day_limit,
                secret_key: String::new(),
                ..account(&view.name)
            };
            self.vault.accounts.save(&actor(), form).await.unwrap();
        }
    }

    /// Has both accounts' recordings copied to the second provider.
    pub(crate) async fn copy_to_second(&self) {
        for view in self.vault.accounts.list().await.unwrap() {
            let form =
                AccountForm { id: Some(view.id), secondary_providers: vec!["second".into()], ..account(&view.name) };
            self.vault.accounts.save(&actor(), form).await.unwrap();
        }
    }

    /// The bytes of a recording, as readers get them.
    pub(crate) async fn content(&self, name: &str) -> Result<Vec<u8>, VaultError> {
        let key = ObjectKey::parse(&format!("dir/{name}")).unwrap();
        let account = self.account("site-a").await;
        let found = self.vault.recordings.find(&account, None, &key).await?.ok_or(VaultError::NotFound("recording"))?;
        let chunks: Vec<Bytes> = self.vault.recordings.open(&found, None).await?.try_collect().await?;
        Ok(chunks.concat())
    }

    /// Starts deliveries and housekeeping.
    pub(crate) fn deliver(&self) {
        let working = self.vault.start(self.cancel.clone());
        self.working.lock().unwrap().push(working);
    }

    /// Stops them as an operator does, and waits until they have.
    pub(crate) async fn stop(&mut self) {
        self.cancel.cancel();
        self.cancel = CancellationToken::new();
        for working in self.working.get_mut().unwrap().drain(..) {
            within("background work ends", working).await.unwrap();
        }
    }

    /// Delivers what waits, then lets housekeeping come round once.
    pub(crate) async fn come_round(&mut self) {
        self.deliver();
        let delivered = || async { self.vault.deliveries.count(None).await.unwrap().0 == 0 };
        until("all events have arrived", delivered).await;
        self.stop().await;
        self.vault.keep_house().await;
    }

    /// A new process on the same data.
    pub(crate) async fn restart(&mut self) {
        self.cancel.cancel();
        self.cancel = CancellationToken::new();
        self.world.store.kill();
        self.vault = self.ground.open(Duration::ZERO).await.unwrap();
    }

    /// What a start says after the key file was lost or replaced.
    pub(crate) async fn reopen_with_key(&self, key: Option<&str>) -> Result<Vault, StartError> {
        let file = self.ground.key_file();
        match key {
            Some(key) => std::fs::write(file, key).unwrap(),
            None => std::fs::remove_file(file).unwrap(),
        }
        self.ground.open(Duration::ZERO).await
    }

    /// Changes who may read the key file.
    pub(crate) fn set_key_permissions(&self, mode: u32) {
        std::fs::set_permissions(self.ground.key_file(), std::fs::Permissions::from_mode(mode)).unwrap();
    }

    /// Another process on the same data, while this one goes on.
    pub(crate) async fn replica(&self) -> Vault {
        self.ground.open(REPLICA_TIMEOUT).await.unwrap()
    }

    /// The same on a machine with another clock.
    pub(crate) async fn replica_at(&self, clock: Clock) -> Vault {
        self.ground.open_at(clock, REPLICA_TIMEOUT).await.unwrap()
    }

    /// The tables, past the vault: to look into them, and to let time have passed.
    pub(crate) async fn tables(&self) -> DatabaseConnection {
        self.ground.tables().await
    }

    /// Where the tables are.
    pub(crate) async fn database_url(&self) -> String {
        self.ground.database_url().await
    }

    pub(crate) async fn account(&self, name: &str) -> Account {
        let secret = Secret::new(format!("secret-of-{name}"));
        self.vault.accounts.authenticate(name, &secret).await.unwrap().expect("known account")
    }

    pub(crate) async fn request(&self, file_name: &str) -> UploadRequest {
        self.request_with(file_name, &[]).await.unwrap()
    }

    /// The same to another process, which authenticates it.
    pub(crate) async fn request_to(&self, vault: &Vault, file_name: &str) -> UploadRequest {
        let secret = Secret::new("secret-of-site-a".to_owned());
        let account = vault.accounts.authenticate("site-a", &secret).await.unwrap().expect("known account");
        UploadRequest { account, ..self.request(file_name).await }
    }

    /// The same, saying other things under some headers.
    pub(crate) async fn request_with(
        &self,
        file_name: &str,
        other: &[(&'static str, &str)],
    ) -> Result<UploadRequest, UploadError> {
        let usual = [
            (header::FILE_NAME, file_name),
            (header::DIRECTORY, "dir"),
            (header::DEVICE, "camera-1"),
            (header::CAPTURE, "IPCamera"),
            (header::FPS, "25"),
        ];
        let said = |name: &str| other.iter().chain(&usual).find(|(said, _)| *said == name);
        let account = self.account("site-a").await;
        UploadRequest::read(account, None, |name| said(name).map_or("", |(_, text)| text).to_owned())
    }

    pub(crate) async fn upload(&self, file_name: &str, bytes: &[u8]) -> Result<Stored, UploadError> {
        self.send(self.request(file_name).await, bytes).await
    }

    pub(crate) async fn send(&self, request: UploadRequest, bytes: &[u8]) -> Result<Stored, UploadError> {
        self.send_to(&self.vault, request, bytes).await
    }

    /// Uploads to another process.
    pub(crate) async fn send_to(
        &self,
        vault: &Vault,
        request: UploadRequest,
        bytes: &[u8],
    ) -> Result<Stored, UploadError> {
        let chunks: Vec<_> = bytes.chunks(1000).map(|c| Ok::<_, Infallible>(Bytes::copy_from_slice(c))).collect();
        vault.ingest.store(request, stream::iter(chunks)).await
    }

    pub(crate) async fn listed(&self) -> Vec<RecordingView> {
        self.vault.recordings.list(&Default::default(), Default::default(), 200).await.unwrap().items
    }
}
