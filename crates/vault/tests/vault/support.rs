use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use model::ObjectKey;
use model::account::AccountForm;
use model::connection::{ConnectionForm, Family};
use model::error::{SinkError, StoreError, StoreErrorKind};
use model::field::{FieldError, Settings};
use model::ports::{BlobStore, ByteStream, Connector, EventSink, OutgoingEvent, Part, UploadId};
use model::probe::ProbeReport;
use model::{Secret, recording::RecordingView};
use sea_orm::{ConnectionTrait as _, Database, DatabaseConnection};
use std::collections::{BTreeMap, HashMap};
use std::convert::Infallible;
use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use vault::accounts::Account;
use vault::audit::Actor;
use vault::dispatcher::Pace;
use vault::ingest::{Stored, UploadError, UploadRequest};
use vault::{Options, StartError, Vault, VaultError};

/// Small, so that a few KiB already go out in parts.
pub(crate) const PART: usize = 4 * 1024;

/// What a store does wrong next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Refuses every request.
    Down,
    /// Has no room for objects or parts.
    Full,
    /// Stores the object, then reports a failure: an answer that got lost.
    LosesAnswer,
    /// Stores the object and never answers; the next restart kills whoever waits for it.
    Hangs,
}

/// Key and parts of an unfinished upload.
type Unfinished = (String, BTreeMap<u32, Bytes>);

/// Objects in memory.
#[derive(Default)]
pub(crate) struct MemoryStore {
    pub(crate) objects: Mutex<BTreeMap<String, Bytes>>,
    pub(crate) uploads: Mutex<HashMap<String, Unfinished>>,
    pub(crate) fault: Mutex<Option<Fault>>,
    pub(crate) put_started: Notify,
    killed: Notify,
}

impl MemoryStore {
    pub(crate) fn set(&self, fault: impl Into<Option<Fault>>) {
        *self.fault.lock().unwrap() = fault.into();
    }

    pub(crate) fn keys(&self) -> Vec<String> {
        self.objects.lock().unwrap().keys().cloned().collect()
    }

    fn check(&self) -> Result<(), StoreError> {
        match *self.fault.lock().unwrap() {
            Some(Fault::Down) => Err(StoreError::new(StoreErrorKind::Unavailable, "The store is down.")),
            _ => Ok(()),
        }
    }

    async fn make_visible(&self, key: &ObjectKey, bytes: Bytes) -> Result<(), StoreError> {
        self.put_started.notify_one();
        let fault = *self.fault.lock().unwrap();
        if fault == Some(Fault::Full) {
            return Err(StoreError::new(StoreErrorKind::Full, "No room left."));
        }
        self.check()?;
        self.objects.lock().unwrap().insert(key.to_string(), bytes);
        match fault {
            Some(Fault::Hangs) => {
                self.killed.notified().await;
                std::panic::resume_unwind(Box::new("killed"))
            }
            Some(Fault::LosesAnswer) => Err(StoreError::new(StoreErrorKind::Unavailable, "The connection broke.")),
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl BlobStore for MemoryStore {
    async fn probe(&self) -> ProbeReport {
        ProbeReport::default()
    }

    fn part_size(&self) -> usize {
        PART
    }

    async fn put(&self, key: &ObjectKey, bytes: Bytes) -> Result<(), StoreError> {
        self.make_visible(key, bytes).await
    }

    async fn head(&self, key: &ObjectKey) -> Result<Option<u64>, StoreError> {
        self.check()?;
        Ok(self.objects.lock().unwrap().get(key.as_str()).map(|b| b.len() as u64))
    }

    async fn get(&self, key: &ObjectKey, range: Option<Range<u64>>) -> Result<ByteStream, StoreError> {
        self.check()?;
        let found = self.objects.lock().unwrap().get(key.as_str()).cloned();
        let bytes = found.ok_or_else(|| StoreError::new(StoreErrorKind::NotFound, "not there"))?;
        let bytes = match range {
            Some(range) => bytes.slice(range.start as usize..range.end as usize),
            None => bytes,
        };
        Ok(stream::iter([Ok(bytes)]).boxed())
    }

    async fn delete(&self, key: &ObjectKey) -> Result<(), StoreError> {
        self.check()?;
        self.objects.lock().unwrap().remove(key.as_str());
        Ok(())
    }

    async fn sign(&self, _: &ObjectKey, _: Duration) -> Result<Option<String>, StoreError> {
        Ok(None)
    }

    async fn begin(&self, key: &ObjectKey) -> Result<UploadId, StoreError> {
        self.check()?;
        let mut uploads = self.uploads.lock().unwrap();
        let id = format!("upload-{}", uploads.len());
        uploads.insert(id.clone(), (key.to_string(), BTreeMap::new()));
        Ok(UploadId(id))
    }

    async fn put_part(&self, _: &ObjectKey, upload: &UploadId, number: u32, bytes: Bytes) -> Result<Part, StoreError> {
        self.check()?;
        if *self.fault.lock().unwrap() == Some(Fault::Full) {
            return Err(StoreError::new(StoreErrorKind::Full, "No room left."));
        }
        self.uploads.lock().unwrap().get_mut(&upload.0).unwrap().1.insert(number, bytes);
        Ok(Part { number, tag: String::new() })
    }

    async fn complete(&self, key: &ObjectKey, upload: &UploadId, parts: &[Part]) -> Result<(), StoreError> {
        let bytes = {
            let uploads = self.uploads.lock().unwrap();
            let held = &uploads.get(&upload.0).unwrap().1;
            assert!(parts.iter().map(|p| p.number).eq(1..=parts.len() as u32), "parts in order without gaps");
            parts.iter().flat_map(|p| held[&p.number].clone()).collect::<Bytes>()
        };
        self.make_visible(key, bytes).await?;
        self.uploads.lock().unwrap().remove(&upload.0);
        Ok(())
    }

    async fn abort(&self, _: &ObjectKey, upload: &UploadId) -> Result<(), StoreError> {
        self.check()?;
        self.uploads.lock().unwrap().remove(&upload.0);
        Ok(())
    }

    async fn abort_all(&self, key: &ObjectKey) -> Result<(), StoreError> {
        self.check()?;
        self.uploads.lock().unwrap().retain(|_, (of, _)| of != key.as_str());
        Ok(())
    }
}

/// Events in the order they came.
#[derive(Default)]
pub(crate) struct MemorySink {
    pub(crate) events: Mutex<Vec<(String, String)>>,
    /// Answers a permanent refusal for devices named here, a transient failure for `*`.
    pub(crate) refuses: Mutex<Vec<String>>,
    pub(crate) attempts: Mutex<u32>,
    /// The ids of the events taken, in order.
    pub(crate) ids: Mutex<Vec<String>>,
    came: Notify,
    /// The event that came last.
    pub(crate) last: Mutex<Option<OutgoingEvent>>,
}

impl MemorySink {
    /// The file names of a device's events, in order.
    pub(crate) fn of(&self, device: &str) -> Vec<String> {
        self.events.lock().unwrap().iter().filter(|(d, _)| d == device).map(|(_, key)| key.clone()).collect()
    }

    pub(crate) async fn wait_for(&self, count: usize) {
        let enough = async {
            loop {
                let came = self.came.notified();
                if self.events.lock().unwrap().len() >= count {
                    return;
                }
                came.await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(30), enough).await;
        assert!(waited.is_ok(), "{} of {count} events came", self.events.lock().unwrap().len());
    }

    pub(crate) async fn wait_for_attempts(&self, count: u32) {
        let enough = async {
            loop {
                let came = self.came.notified();
                if *self.attempts.lock().unwrap() >= count {
                    return;
                }
                came.await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), enough).await.unwrap();
    }
}

#[async_trait]
impl EventSink for MemorySink {
    async fn probe(&self) -> ProbeReport {
        ProbeReport::default()
    }

    async fn send(&self, event: &OutgoingEvent) -> Result<(), SinkError> {
        *self.attempts.lock().unwrap() += 1;
        let refused = self.refuses.lock().unwrap().clone();
        let outcome = if refused.iter().any(|d| d == "*") {
            Err(SinkError::transient("The sink is down."))
        } else if refused.contains(&event.device) {
            Err(SinkError::permanent("The sink does not want this."))
        } else {
            let json: serde_json::Value = serde_json::from_slice(&event.body).unwrap();
            assert_eq!(json["id"], event.id.as_str());
            let key = json["payload"]["key"].as_str().unwrap().to_owned();
            *self.last.lock().unwrap() = Some(event.clone());
            self.ids.lock().unwrap().push(event.id.clone());
            self.events.lock().unwrap().push((event.device.clone(), key));
            Ok(())
        };
        self.came.notify_waiters();
        outcome
    }
}

/// The outside world of one test; survives a "restart" of the vault.
#[derive(Clone, Default)]
pub(crate) struct World {
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) second_store: Arc<MemoryStore>,
    pub(crate) sink: Arc<MemorySink>,
    pub(crate) second_sink: Arc<MemorySink>,
}

impl Connector for World {
    fn store(&self, _: &str, settings: &Settings) -> Result<Arc<dyn BlobStore>, Vec<FieldError>> {
        let second = settings.get("path").contains("second");
        Ok(if second { self.second_store.clone() } else { self.store.clone() })
    }

    fn sink(&self, _: &str, settings: &Settings) -> Result<Arc<dyn EventSink>, Vec<FieldError>> {
        let second = settings.get("url").contains("second");
        Ok(if second { self.second_sink.clone() } else { self.sink.clone() })
    }
}

/// A vault with a provider, two integrations and two accounts.
pub(crate) struct TestVault {
    pub(crate) world: World,
    pub(crate) vault: Vault,
    ground: Ground,
    cancel: CancellationToken,
    /// Background work.
    working: Mutex<Vec<JoinHandle<()>>>,
}

pub(crate) fn actor() -> Actor {
    Actor("test".into())
}

impl TestVault {
    /// On the database the test runner chose.
    pub(crate) async fn new() -> Self {
        Self::at(Pace::default()).await
    }

    /// With deliveries at another pace.
    pub(crate) async fn at(pace: Pace) -> Self {
        Self::on(Ground::new(wanted_database(), pace)).await
    }

    /// On PostgreSQL, whatever the test runner chose: what only several replicas show.
    pub(crate) async fn on_postgres() -> Self {
        Self::on(Ground::new(TestDatabase::Postgres, Pace::default())).await
    }

    async fn on(ground: Ground) -> Self {
        let world = ground.world.clone();
        let vault = ground.open(Duration::ZERO).await.unwrap();
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

    /// Adds a second provider; answers the ids of both.
    pub(crate) async fn add_second_provider(&self) -> (i64, i64) {
        let path = Settings::new().with("path", "/tmp/second");
        let second = connection(Family::Provider, "filesystem", "second", path);
        let second = self.vault.connections.save(&actor(), second).await.unwrap();
        let first = self.vault.connections.provider_by_name("local").await.unwrap().unwrap();
        (first.id, second)
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
            working.await.unwrap();
        }
    }

    /// A new process on the same data.
    pub(crate) async fn restart(&mut self) {
        self.cancel.cancel();
        self.cancel = CancellationToken::new();
        self.world.store.killed.notify_waiters();
        self.vault = self.ground.open(Duration::ZERO).await.unwrap();
    }

    /// What a start says after the key file was lost or replaced.
    pub(crate) async fn reopen_with_key(&self, key: Option<&str>) -> Result<Vault, StartError> {
        let file = self.ground.dir.path().join("master.key");
        match key {
            Some(key) => std::fs::write(file, key).unwrap(),
            None => std::fs::remove_file(file).unwrap(),
        }
        self.ground.open(Duration::ZERO).await
    }

    /// Another process on the same data, while this one goes on.
    pub(crate) async fn replica(&self) -> Vault {
        self.ground.open(Duration::from_secs(60)).await.unwrap()
    }

    /// The tables, past the vault: to look into them, and to let time have passed.
    pub(crate) async fn tables(&self) -> DatabaseConnection {
        Database::connect(self.ground.database_url().await).await.unwrap()
    }

    pub(crate) async fn account(&self, name: &str) -> Account {
        let secret = Secret::new(format!("secret-of-{name}"));
        self.vault.accounts.authenticate(name, &secret).await.unwrap().expect("known account")
    }

    pub(crate) async fn request(&self, file_name: &str) -> UploadRequest {
        UploadRequest {
            account: self.account("site-a").await,
            provider: None,
            directory: "dir".into(),
            file_name: file_name.into(),
            device: "camera-1".into(),
            capture: "IPCamera".into(),
            cloud_key: String::new(),
            fps: "25".into(),
            duration: String::new(),
            path: String::new(),
            timestamp: String::new(),
            content_length: None,
        }
    }

    pub(crate) async fn upload(&self, file_name: &str, bytes: &[u8]) -> Result<Stored, UploadError> {
        self.send(self.request(file_name).await, bytes).await
    }

    pub(crate) async fn send(&self, request: UploadRequest, bytes: &[u8]) -> Result<Stored, UploadError> {
        let chunks: Vec<_> = bytes.chunks(1000).map(|c| Ok::<_, Infallible>(Bytes::copy_from_slice(c))).collect();
        self.vault.ingest.store(request, stream::iter(chunks)).await
    }

    pub(crate) async fn listed(&self) -> Vec<RecordingView> {
        self.vault.recordings.list(&Default::default(), Default::default(), 200).await.unwrap().items
    }
}

/// What a vault stands on; it stays when its process ends.
struct Ground {
    database: TestDatabase,
    dir: tempfile::TempDir,
    world: World,
    pace: Pace,
}

impl Ground {
    fn new(database: TestDatabase, pace: Pace) -> Self {
        Self { database, dir: tempfile::tempdir().unwrap(), world: World::default(), pace }
    }

    async fn open(&self, replica_timeout: Duration) -> Result<Vault, StartError> {
        let options = Options {
            database_url: self.database_url().await,
            replica_timeout,
            data_dir: self.dir.path().to_owned(),
            max_upload_bytes: 100_000,
            idle_timeout: Duration::from_millis(200),
            pace: self.pace,
            ..Options::default()
        };
        Vault::open(options, Arc::new(self.world.clone())).await
    }

    /// A database of the test's own. On PostgreSQL its name follows from the folder, so that a restart
    /// finds it again.
    async fn database_url(&self) -> String {
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

#[derive(Debug, Clone, Copy)]
enum TestDatabase {
    Sqlite,
    Postgres,
}

fn variable(name: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "how the test runner says where servers are")]
    std::env::var(name).ok()
}

/// SQLite, unless the test runner sets `VAULT_TEST_DATABASE=postgres`.
fn wanted_database() -> TestDatabase {
    if variable("VAULT_TEST_DATABASE").as_deref() == Some("postgres") {
        TestDatabase::Postgres
    } else {
        TestDatabase::Sqlite
    }
}

pub(crate) fn connection(family: Family, kind: &str, name: &str, settings: Settings) -> ConnectionForm {
    ConnectionForm {
        id: None,
        family,
        kind: kind.into(),
        name: name.into(),
        enabled: true,
        settings,
        cleared: Vec::new(),
    }
}

pub(crate) fn account(name: &str) -> AccountForm {
    AccountForm {
        id: None,
        name: name.into(),
        enabled: true,
        provider: "local".into(),
        secondary_providers: Vec::new(),
        integrations: vec!["first".into(), "second".into()],
        directory: "*".into(),
        day_limit: 0,
        access_key: name.into(),
        secret_key: format!("secret-of-{name}"),
        cloud_analysis: true,
        edge_analysis: false,
    }
}

/// Waits until something holds; fails the test when it does not within 30 seconds.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let wait = async {
        while !holds().await {
            tokio::task::yield_now().await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(30), wait).await.is_ok(), "never: {what}");
}
