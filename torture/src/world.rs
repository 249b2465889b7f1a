//! A vault in this process with two storage folders, a consumer, and agents that record what they were told.
//!
//! Everything is below one folder, so that the world of a killed process can be opened again.

use crate::faults::Faults;
use crate::flaky::StoreFaults;
use crate::ledger::{Held, Ledger};
use crate::outside::Outside;
use crate::{panics, vfs};
use bytes::Bytes;
use futures::future::join_all;
use futures::stream;
use model::account::AccountForm;
use model::connection::{ConnectionForm, Family};
use model::field::Settings;
use model::wire::header;
use model::{ObjectKey, Secret};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use vault::accounts::Account;
use vault::clock::Clock;
use vault::dispatcher::Pace;
use vault::ingest::{Outcome, UploadRequest};
use vault::{Options, StartError, Vault, VaultError};
use vault::{Principal, Task};

/// Account whose recordings have no copies.
pub const PLAIN: &str = "plain";
/// Account whose recordings are copied to the second provider.
pub const COPIED: &str = "copied";
/// Provider that recordings are stored at.
pub const FIRST: &str = "first";
/// Provider of copies, and target of moves.
pub const SECOND: &str = "second";

/// See the module's description.
pub struct World {
    /// The vault under torture.
    pub vault: Vault,
    /// What its agents were told.
    pub ledger: Ledger,
    /// Faults of the database's files.
    pub faults: Arc<Faults>,
    /// Faults of its providers.
    pub store_faults: Arc<StoreFaults>,
    root: PathBuf,
    accounts: BTreeMap<&'static str, Account>,
    providers: BTreeMap<&'static str, i64>,
    /// How far its clock is ahead of the machine's, in milliseconds.
    later_ms: Arc<AtomicI64>,
    background: Option<(CancellationToken, JoinHandle<()>)>,
}

impl World {
    /// Starts a world in an empty folder, or opens the one that is there.
    pub async fn open(root: &Path) -> Result<Self, StartError> {
        Self::open_with(root, |_| {}).await
    }

    /// The same, with other options for the vault.
    pub async fn open_with(root: &Path, change: impl FnOnce(&mut Options)) -> Result<Self, StartError> {
        panics::watch();
        let store_faults = Arc::<StoreFaults>::default();
        let (faults, vfs) = vfs::register();
        let later = std::fs::read_to_string(later(root)).ok().and_then(|later| later.parse().ok());
        let later_ms = Arc::new(AtomicI64::new(later.unwrap_or(0)));
        let mut options = Options {
            database_url: format!("sqlite://{}?vfs={vfs}", database(root).display()),
            data_dir: data(root),
            idle_timeout: Duration::from_secs(5),
            pace: Pace {
                poll: Duration::from_millis(50),
                first_wait: Duration::from_millis(20),
                longest_wait: Duration::from_millis(200),
                ..Pace::default()
            },
            clock: clock(later_ms.clone()),
            ..Options::default()
        };
        change(&mut options);
        std::fs::create_dir_all(data(root)).expect("a world has room for itself");
        let outside = Outside::open(root.to_owned(), events(root), store_faults.clone())
            .expect("a consumer has room for what it hears");
        let vault = Vault::open(options, Arc::new(outside)).await?;
        furnish(&vault).await.map_err(StartError::Vault)?;
        let mut accounts = BTreeMap::new();
        for name in [PLAIN, COPIED] {
            let account = vault.accounts.authenticate(name, &secret(name)).await.map_err(StartError::Vault)?;
            accounts.insert(name, account.expect("it was furnished"));
        }
        let mut providers = BTreeMap::new();
        for name in [FIRST, SECOND] {
            let provider = vault.connections.provider_by_name(name).await.map_err(StartError::Vault)?;
            providers.insert(name, provider.expect("it was furnished").id);
        }
        let ledger = Ledger::open(&root.join("ledger")).expect("a ledger has room");
        let root = root.to_owned();
        Ok(Self { vault, ledger, faults, store_faults, root, accounts, providers, later_ms, background: None })
    }

    /// Whether anything has failed since it was planned.
    pub fn struck(&self) -> bool {
        self.faults.struck() || self.store_faults.struck()
    }

    /// The folder of the whole world.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A provider's row id.
    pub fn provider(&self, name: &str) -> i64 {
        self.providers[name]
    }

    /// An account as it was when the world began.
    pub fn account(&self, name: &str) -> &Account {
        &self.accounts[name]
    }

    /// Uploads from one of the account's cameras; returns whether it was told that the recording is stored.
    pub async fn upload(&self, account: &str, name: &str, bytes: Vec<u8>) -> bool {
        let (key, held) = (format!("{account}/{name}"), Some(hex::encode(Sha256::digest(&bytes))));
        let size = bytes.len() as u64;
        self.ledger.asks(&key, &held);
        let outcome = self.store(account, name, bytes).await;
        if let Some(outcome) = outcome {
            let announced = outcome != Outcome::Identical;
            self.ledger.told(&key, &held, announced.then_some(size));
        }
        outcome.is_some()
    }

    /// Several cameras upload different recordings under one key at the same time: one comes last.
    pub async fn upload_at_once(&self, account: &str, name: &str, recordings: Vec<Vec<u8>>) {
        let key = format!("{account}/{name}");
        for bytes in &recordings {
            self.ledger.asks(&key, &Some(hex::encode(Sha256::digest(bytes))));
        }
        let uploads = recordings.into_iter().map(|bytes| async {
            let size = bytes.len() as u64;
            if self.store(account, name, bytes).await.is_some() {
                self.ledger.told_too(&key, size);
            }
        });
        join_all(uploads).await;
    }

    async fn store(&self, account: &str, name: &str, bytes: Vec<u8>) -> Option<Outcome> {
        let request = self.request(account, name, None);
        let chunks: Vec<_> = bytes.chunks(64 * 1024).map(|c| Ok::<_, Infallible>(Bytes::copy_from_slice(c))).collect();
        match self.vault.ingest.store(request, stream::iter(chunks)).await {
            Ok(stored) => Some(stored.outcome),
            Err(error) => {
                tracing::debug!(name, error = &error as &dyn std::error::Error, "not stored");
                None
            }
        }
    }

    pub(crate) fn request(&self, account: &str, name: &str, length: Option<u64>) -> UploadRequest {
        let said = said(account, name);
        UploadRequest::read(self.account(account).clone(), length, |name| said.get(name).cloned().unwrap_or_default())
            .expect("a valid request")
    }

    /// An administrator deletes a recording; returns whether they were told that it is gone or did not exist.
    pub async fn delete(&self, account: &str, name: &str) -> bool {
        let key = format!("{account}/{name}");
        self.ledger.asks(&key, &None);
        match self.try_delete(account, &key).await {
            Ok(()) => {
                self.ledger.told(&key, &None, None);
                true
            }
            // A failed upload of it may still become a recording.
            Err(VaultError::NotFound(_)) => true,
            Err(error) => {
                tracing::debug!(key, error = &error as &dyn std::error::Error, "not deleted");
                false
            }
        }
    }

    async fn try_delete(&self, account: &str, key: &str) -> vault::Result<()> {
        let key = ObjectKey::parse(key).expect("the harness names its recordings well");
        let found = self.vault.recordings.find(self.account(account), None, &key).await?;
        self.vault.recordings.delete(&actor(), &found.ok_or(VaultError::NotFound("recording"))?).await
    }

    /// SHA-256 of what a reader gets for a key.
    pub async fn read(&self, key: &str) -> vault::Result<Held> {
        use futures::TryStreamExt as _;
        let account = key.split('/').next().unwrap_or_default();
        let parsed = ObjectKey::parse(key).expect("the harness names its recordings well");
        let Some(found) = self.vault.recordings.find(self.account(account), None, &parsed).await? else {
            return Ok(None);
        };
        let chunks: Vec<Bytes> = self.vault.recordings.open(&found, None).await?.try_collect().await?;
        Ok(Some(hex::encode(Sha256::digest(chunks.concat()))))
    }

    /// Starts deliveries, moves and housekeeping, which runs its first round at once.
    pub fn start(&mut self) {
        let cancel = CancellationToken::new();
        let running = self.vault.start(cancel.clone());
        self.background = Some((cancel, running));
    }

    /// Stops these, and waits until they have stopped.
    pub async fn stop(&mut self) {
        if let Some((cancel, running)) = self.background.take() {
            cancel.cancel();
            running.await.expect("background work does not panic");
        }
    }

    /// Stops the vault as an operator does.
    pub async fn close(mut self) {
        self.stop().await;
        self.vault.close().await.expect("a vault that is well closes its database");
    }

    /// Lets time pass, also for whoever opens this world later.
    pub fn pass(&self, ms: i64) {
        let later = self.later_ms.fetch_add(ms, Ordering::SeqCst) + ms;
        std::fs::write(self::later(&self.root), later.to_string()).expect("the world's own folder has room");
    }

    /// Makes a move that waits for a provider or the database try again now.
    pub(crate) async fn go_on_moving(&self) {
        let moves = self.vault.moves.list().await.unwrap_or_default();
        for waiting in moves.into_iter().filter(|m| m.state.is_open()) {
            // It has ended meanwhile, or the next nudge tries again.
            let _ = self.vault.moves.resume(&actor(), waiting.id).await;
        }
    }
}

/// What a camera says of a recording.
pub(crate) fn said(account: &str, name: &str) -> BTreeMap<String, String> {
    let camera = format!("camera-of-{account}");
    let said = [
        (header::FILE_NAME, name),
        (header::DIRECTORY, account),
        (header::DEVICE, &camera),
        (header::CAPTURE, "IPCamera"),
        (header::FPS, "25"),
    ];
    said.map(|(name, text)| (name.to_owned(), text.to_owned())).into()
}

/// The machine's clock plus `later_ms`.
fn clock(later_ms: Arc<AtomicI64>) -> Clock {
    let (wall, elapsed, later) = (Clock::default(), Clock::default(), later_ms.clone());
    let later = move || Duration::from_millis(u64::try_from(later.load(Ordering::SeqCst)).unwrap_or(0));
    Clock::new(move || wall.now_ms() + later_ms.load(Ordering::SeqCst))
        .with_elapsed(move || elapsed.elapsed() + later())
}

/// The administrator who acts here.
pub fn actor() -> Principal {
    Principal::Vault(Task::Provisioning)
}

/// A folder for a world, removed after the test. In memory where possible, as syncing costs nothing there.
pub fn folder() -> std::io::Result<tempfile::TempDir> {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }
}

/// A world's data folder.
pub fn data(root: &Path) -> PathBuf {
    root.join("data")
}

/// The file with how far the clock is ahead of the machine's, in milliseconds.
fn later(root: &Path) -> PathBuf {
    root.join("later")
}

/// The database file.
pub fn database(root: &Path) -> PathBuf {
    data(root).join("vault.db")
}

/// A provider's folder.
pub fn recordings(root: &Path, provider: &str) -> PathBuf {
    root.join(provider)
}

/// The file in which the consumer records events.
pub fn events(root: &Path) -> PathBuf {
    root.join("events")
}

fn secret(account: &str) -> Secret {
    Secret::new(format!("Q7v9x2-secret-of-{account}"))
}

/// Creates two providers, an integration and two accounts, unless they exist.
async fn furnish(vault: &Vault) -> vault::Result<()> {
    let form = |family, kind: &str, name: &str, settings| ConnectionForm {
        id: None,
        family,
        kind: kind.into(),
        name: name.into(),
        enabled: true,
        settings,
        cleared: Vec::new(),
    };
    for name in [FIRST, SECOND] {
        if vault.connections.provider_by_name(name).await?.is_none() {
            let path = Settings::new().with("path", format!("/{name}"));
            vault.connections.save(&actor(), form(Family::Provider, "filesystem", name, path)).await?;
        }
    }
    if !vault.accounts.list().await?.is_empty() {
        return Ok(());
    }
    let url = Settings::new().with("url", "http://127.0.0.1/");
    vault.connections.save(&actor(), form(Family::Integration, "webhook", "hook", url)).await?;
    for name in [PLAIN, COPIED] {
        let account = AccountForm {
            id: None,
            name: name.into(),
            enabled: true,
            provider: FIRST.into(),
            other_providers: None,
            exclusive: false,
            secondary_providers: if name == COPIED { vec![SECOND.into()] } else { Vec::new() },
            integrations: vec!["hook".into()],
            directory: "*".into(),
            day_limit: 0,
            access_key: name.into(),
            secret_key: format!("Q7v9x2-secret-of-{name}"),
            cloud_analysis: false,
            edge_analysis: false,
        };
        vault.accounts.save(&actor(), account).await?;
    }
    Ok(())
}
