//! Assembling a vault.

use crate::access::accounts::Accounts;
use crate::access::said::Said;
use crate::access::sessions;
use crate::access::signed_urls::SignedUrls;
use crate::access::users::Users;
use crate::admin::connections::ConnectionSetup;
use crate::admin::dashboard::DashboardFigures;
use crate::base::audit::Audit;
use crate::base::clock::Clock;
use crate::base::db::{Db, Harm, ServerTurn};
use crate::base::entity::connection;
use crate::base::keys::Keys;
use crate::base::{Result, VaultError};
use crate::connections::places::SharedPlaces;
use crate::connections::{Addresses, Connections, Grounds};
use crate::flows::copies::Copies;
use crate::flows::forwarding::Forwarding;
use crate::flows::housekeeping::{Housekeeping, Watch};
use crate::flows::ingest::resumable::Resumables;
use crate::flows::ingest::{self, Budget, Ingest, Limits};
use crate::flows::moves::Moves;
use crate::flows::restraint::Restraint;
use crate::host::backup::{self, HOW_TO_RESTORE};
use crate::host::descriptors;
use crate::host::exposure;
use crate::host::first_look;
use crate::host::folders::Folders;
use crate::host::master_key;
use crate::host::notices::{Notice, Notices};
use crate::host::readiness::Readiness;
use crate::host::replicas::Replicas;
use crate::host::reserve::{NoRoom, Reserve};
use crate::host::start_error::StartError;
use crate::host::timekeeping::Timekeeping;
use crate::objects::KeyLocks;
use crate::objects::Objects;
use crate::options::Options;
use crate::outbox::deliveries::{Deliveries, Wakeups};
use crate::outbox::dispatcher::{Dispatcher, Pace};
use crate::recordings::Recordings;
use crate::recordings::devices::Devices;
use model::ports::Connector;
use sea_orm::{EntityTrait as _, QuerySelect as _};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// How long the start waits for providers while reconciling what a crash cut off.
const SWEEP_PATIENCE: Duration = Duration::from_secs(15);

/// Number of that turn. Those of keys are hashes.
const SETTING_UP: i64 = 2;

/// The turn to set up a database.
pub struct SettingUp(Option<ServerTurn>);

impl SettingUp {
    /// Lets the next vault have it.
    pub async fn end(self) {
        if let Some(turn) = self.0 {
            turn.end().await;
        }
    }
}

/// A vault; cheap to clone.
#[derive(Clone)]
pub struct Vault {
    /// People who sign in.
    pub users: Users,
    /// Agents' accounts and credentials.
    pub accounts: Accounts,
    /// Providers and integrations.
    pub connections: ConnectionSetup,
    pub(crate) opened: Connections,
    /// Stored recordings.
    pub recordings: Recordings,
    /// Uploads.
    pub ingest: Ingest,
    /// Stores recordings that come in several requests.
    pub resumables: Resumables,
    /// Cameras.
    pub devices: Devices,
    /// Moving recordings between providers.
    pub moves: Moves,
    /// Forwarding recordings to other vaults on demand.
    pub forwarding: Forwarding,
    /// The outbox.
    pub deliveries: Deliveries,
    /// The dashboard's figures.
    pub dashboard: DashboardFigures,
    /// Signed URLs.
    pub signed_urls: SignedUrls,
    /// The audit trail.
    pub audit: Audit,
    /// Notices for administrators.
    pub notices: Notices,
    /// Whether the wall clock is believed.
    pub timekeeping: Timekeeping,
    /// What keeps most of an account's recordings from going at once.
    pub restraint: Restraint,
    pub(crate) db: Db,
    keys: Arc<Keys>,
    replicas: Replicas,
    wakeups: Wakeups,
    objects: Objects,
    copies: Copies,
    readiness: Readiness,
    vault_id: String,
    pace: Pace,
    reserve: Option<Reserve>,
    watch: Watch,
}

impl Vault {
    /// Opens and migrates the database, and reconciles what a crash cut off.
    pub async fn open(options: Options, connector: Arc<dyn Connector>) -> std::result::Result<Self, StartError> {
        if let Some(note) = backup::unfinished(&options.database_url) {
            return Err(StartError::RestoreUnfinished(note));
        }
        let key_file = options.home().key_file();
        first_look::first_look(&options.database_url, &key_file).await?;
        let folders = Folders::make(&options.database_url, &options.data_dir)?;
        let not_open = |error| match no_room(folders.reserve.as_ref(), &error) {
            Some(missing) => StartError::NoRoom(missing),
            None => StartError::database(error, &options.database_url),
        };
        let clock = options.clock.clone();
        let db = Db::open(&options.database_url, clock, options.database_timeout).await.map_err(not_open)?;
        // From here on the start writes, and may find no room.
        let failed = |error| {
            no_room(folders.reserve.as_ref(), &error).map_or_else(|| StartError::Vault(error), StartError::NoRoom)
        };
        let holds_secrets = connection::Entity::find().limit(1).one(db.read()).await;
        let holds_secrets = holds_secrets.map_err(|e| failed(e.into()))?.is_some();
        if holds_secrets && options.master_key.is_none() && !key_file.exists() {
            return Err(StartError::KeyMissing { path: key_file.display().to_string() });
        }
        let keys = Arc::new(Keys::load(options.master_key.as_ref(), &key_file)?);

        let vault = Self::assemble(db, keys.clone(), &options, &folders, connector);
        if let Some(reserve) = &vault.reserve {
            reserve.tend().await;
        }
        vault.replicas.report().await.map_err(failed)?;
        exposure::look(&options.home(), &vault.notices).await;
        master_key::check(&vault.db, &keys).await.map_err(failed)?;
        vault.sweep().await.map_err(failed)?;
        Ok(vault)
    }

    fn assemble(
        db: Db,
        keys: Arc<Keys>,
        options: &Options,
        Folders { spool, reserve }: &Folders,
        connector: Arc<dyn Connector>,
    ) -> Self {
        let limits = Limits {
            max_bytes: options.max_upload_bytes,
            idle_timeout: options.idle_timeout,
            least_rate: options.least_upload_rate,
            budget: Budget::new(options.receive_budget_bytes, spool.clone()),
            reserve: reserve.clone(),
        };
        let replicas = Replicas::new(db.clone(), options.replica_timeout);
        let wakeups = Wakeups::default();
        let notices = Notices::new(db.clone());
        let shared_places = SharedPlaces::new(db.clone());
        let locks = Arc::new(KeyLocks::new(db.clone(), shared_places.clone()));
        let grounds = Grounds::new(&options.home(), &options.own_files);
        let signed_urls = SignedUrls::new(db.clone(), keys.clone());
        let connections = Connections::new(
            db.clone(),
            keys.clone(),
            connector.clone(),
            shared_places.clone(),
            notices.clone(),
            grounds,
            Addresses {
                public_url: options.public_url.as_deref().map(Into::into),
                max_lifetime: options.signed_url_max_ttl,
            },
        );
        let objects = Objects::new(db.clone(), connections.clone(), locks.clone(), shared_places);
        let devices = Devices::new(db.clone());
        let copies = Copies::new(db.clone(), connections.clone(), locks.clone(), objects.clone());
        let recordings =
            Recordings::new(db.clone(), connections.clone(), signed_urls.clone(), objects.clone(), replicas.clone());
        let accounts = Accounts::new(db.clone(), keys.clone(), connections.changes());
        let ingest = Ingest::new(
            db.clone(),
            accounts.clone(),
            replicas.clone(),
            connections.clone(),
            wakeups.clone(),
            objects.clone(),
            limits,
            keys.vault_id().to_owned(),
        );
        Self {
            users: Users::new(db.clone()),
            accounts,
            resumables: Resumables::new(ingest.clone()),
            forwarding: Forwarding::new(db.clone(), connections.clone(), recordings.clone(), wakeups.clone()),
            recordings,
            ingest,
            moves: Moves::new(db.clone(), connections.clone(), locks, objects.clone(), replicas.clone()),
            deliveries: Deliveries::new(db.clone(), wakeups.clone()),
            dashboard: DashboardFigures::new(db.clone(), devices.clone()),
            audit: Audit::new(db.clone()),
            timekeeping: Timekeeping::new(db.clone(), notices.clone()),
            restraint: Restraint::new(db.clone(), notices.clone()),
            watch: Watch::new(db.clone(), keys.clone(), notices.clone()),
            notices,
            devices,
            connections: ConnectionSetup::new(db.clone(), keys.clone(), connector, connections.clone()),
            opened: connections,
            signed_urls,
            keys: keys.clone(),
            db,
            replicas,
            wakeups,
            objects,
            copies,
            readiness: Readiness::new(reserve.clone()),
            vault_id: keys.vault_id().to_owned(),
            pace: options.pace,
            reserve: reserve.clone(),
        }
    }

    /// Reconciles what a crash cut off. Waits for providers for a while only.
    async fn sweep(&self) -> Result<()> {
        let trusted = self.timekeeping.look().await?;
        let sweep = async {
            self.ingest.recover().await?;
            if let Some(trusted) = &trusted {
                self.housekeeping().finish_removals(trusted).await;
            }
            Ok(())
        };
        tokio::time::timeout(SWEEP_PATIENCE, sweep).await.unwrap_or_else(|_| {
            tracing::warn!("a storage provider does not answer; what it holds is reconciled in the background");
            Ok(())
        })
    }

    /// Waits for the turn to apply what is declared and to make what a first start needs: of vaults that share a
    /// database and start at the same moment, one does it and the others find it done.
    ///
    /// # Errors
    /// `Sealed` if another has meanwhile set up the database with another master key.
    pub async fn turn_to_set_up(&self) -> std::result::Result<SettingUp, StartError> {
        let turn = self.db.begin_turn(SETTING_UP).await.map_err(StartError::Vault)?;
        master_key::check(&self.db, &self.keys).await.map_err(StartError::Vault)?;
        Ok(SettingUp(turn))
    }

    /// Starts the background work: deliveries and housekeeping. After `cancel`, the task ends once current sends have
    /// finished.
    pub fn start(&self, cancel: CancellationToken) -> JoinHandle<()> {
        let dispatcher = Dispatcher {
            db: self.db.clone(),
            connections: self.opened.clone(),
            recordings: self.recordings.clone(),
            copies: Arc::new(self.copies.clone()),
            replicas: self.replicas.clone(),
            wakeups: self.wakeups.clone(),
            notices: self.notices.clone(),
            vault_id: self.vault_id.clone(),
            pace: self.pace,
        };
        let (housekeeping, replicas, moves) = (self.housekeeping(), self.replicas.clone(), self.moves.clone());
        let (replayer, connections) = (self.deliveries.replayer(), self.opened.clone());
        let (reserve, notices, db) = (self.reserve.clone(), self.notices.clone(), self.db.clone());
        tokio::spawn(async move {
            tokio::join!(
                dispatcher.run(cancel.clone()),
                housekeeping.run(cancel.clone()),
                moves.run(cancel.clone()),
                replayer.run(cancel.clone()),
                connections.keep_surveying(cancel.clone()),
                replicas.keep_reporting(cancel.clone()),
                cancel.clone().run_until_cancelled_owned(tell_harm(db, notices.clone())),
                async {
                    if let Some(reserve) = reserve {
                        reserve.watch(notices, cancel).await;
                    }
                }
            );
        })
    }

    /// Runs one round of the background work that happens every minute.
    pub async fn keep_house(&self) {
        self.housekeeping().round().await;
    }

    /// Tells administrators if `files`, which the system lets this process have open (`None`: any number), are too few for
    /// so many connections.
    pub async fn check_files(&self, files: Option<u64>, connections: usize) {
        descriptors::tell(&self.notices, files, connections, ingest::MAX_FILES).await;
    }

    /// What the vault says in addresses.
    pub fn said(&self) -> Said {
        Said::new(self.keys.clone())
    }

    /// The store of browser sessions.
    pub fn session_store(&self) -> sessions::Store {
        sessions::Store { db: self.db.clone(), keys: self.keys.clone() }
    }

    /// The vault's clock.
    pub fn clock(&self) -> &Clock {
        self.db.clock()
    }

    /// The lack of room behind a database error; `None` for any other failure.
    pub fn no_room(&self, error: &VaultError) -> Option<NoRoom> {
        no_room(self.reserve.as_ref(), error)
    }

    /// Whether the database answers and accepts writes. A recent result is reused.
    pub async fn ready(&self) -> Result<()> {
        self.readiness.check(&self.db).await
    }

    /// The harm to the database found since the start.
    pub fn database_harm(&self) -> Option<Harm> {
        self.db.harm()
    }

    /// Closes all database connections, once the background work has ended. On SQLite all is in one file then.
    pub async fn close(&self) -> Result<()> {
        self.db.close().await
    }

    fn housekeeping(&self) -> Housekeeping {
        Housekeeping {
            db: self.db.clone(),
            connections: self.opened.clone(),
            recordings: self.recordings.clone(),
            ingest: self.ingest.clone(),
            resumables: self.resumables.clone(),
            objects: self.objects.clone(),
            timekeeping: self.timekeeping.clone(),
            watch: self.watch.clone(),
            restraint: self.restraint.clone(),
            left: Default::default(),
            searched_until: Default::default(),
        }
    }
}

/// What is missing for a start that failed for lack of room.
fn no_room(reserve: Option<&Reserve>, error: &VaultError) -> Option<NoRoom> {
    let reserve = reserve?;
    let full = matches!(error, VaultError::Full(_));
    reserve.missing_to_start().or_else(|| full.then(|| reserve.missing()))
}

/// In memory only: the database accepts nothing any more.
async fn tell_harm(db: Db, notices: Notices) {
    let harm = db.harmed().await;
    let (what, cure) = match harm {
        Harm::Damaged => {
            ("is damaged", format!("put a backup in place with {HOW_TO_RESTORE}, start it, and check the disk."))
        }
        Harm::TakenAway => (
            "was removed or replaced by another while the vault ran",
            format!(
                "put in place what the vault has rescued, a file with .rescued in its name beside the database, or a backup, with {HOW_TO_RESTORE}."
            ),
        ),
    };
    let notice = Notice {
        code: harm.code(),
        subject: String::new(),
        text: format!("The vault's database {what}. Uploads are refused, and agents keep their recordings."),
        cure: format!("Stop the vault, {cure}"),
        dismissible: false,
    };
    notices.raise(notice).await;
}
