//! Uploads through the vault to each kind of store, compared with the store's own adapter without a vault.

use super::pairs::{Cell, KIB, MIB, Plan, Processes, Run, Stage};
use super::{DISK, filesystem_provider};
use crate::load::{Adapter, Agent};
use crate::report::{Section, Table, bytes};
use crate::stage::{Cores, Declared, S3, Scratch, Service, Vault, Workshop};
use anyhow::{Context as _, Result, anyhow};
use async_trait::async_trait;
use backends::Backends;
use bytes::Bytes;
use model::field::Settings;
use model::ports::{BlobStore, Connector as _};
use std::sync::Arc;

const PLANS: [Plan; 2] = [
    Plan { size: 495 * KIB, clients: 8, uploads: 240, pairs: 5 },
    Plan { size: 32 * MIB, clients: 4, uploads: 8, pairs: 3 },
];

#[derive(Debug, Clone, Copy)]
enum Kind {
    Filesystem,
    S3,
    Gcs,
    Azure,
}

const KINDS: [(Kind, &str); 4] = [
    (Kind::Filesystem, "filesystem"),
    (Kind::S3, "S3 (SeaweedFS)"),
    (Kind::Gcs, "Google Cloud Storage (emulator)"),
    (Kind::Azure, "Azure Blob Storage (Azurite)"),
];

/// Keeps the store's server running.
enum Server {
    None,
    S3 { _server: S3 },
    Other { _server: Service },
}

impl Kind {
    /// Starts its server. The provider has the account's name for it.
    fn start(self, workshop: &Workshop, scratch: &Scratch) -> Result<(Declared, Server)> {
        Ok(match self {
            Self::Filesystem => (filesystem_provider(&scratch.path().join("recordings")), Server::None),
            Self::S3 => {
                let server = S3::start(workshop, Cores::All)?;
                (server.provider(DISK.provider), Server::S3 { _server: server })
            }
            Self::Gcs => {
                let server = Service::start(workshop, "gcs", Cores::All)?;
                let key = std::fs::read_to_string(format!("{}/vault.json", server.variable("KEYS")?))?;
                let settings = Settings::new()
                    .with("bucket", server.variable("BUCKET")?)
                    .with("endpoint", server.variable("ENDPOINT")?)
                    .with("service_key", key);
                (Declared::provider(DISK.provider, "gcs", settings), Server::Other { _server: server })
            }
            Self::Azure => {
                let server = Service::start(workshop, "azure", Cores::All)?;
                let settings = Settings::new()
                    .with("account", server.variable("ACCOUNT")?)
                    .with("container", server.variable("CONTAINER")?)
                    .with("endpoint", server.variable("ENDPOINT")?)
                    .with("key", server.variable("KEY")?);
                (Declared::provider(DISK.provider, "azure", settings), Server::Other { _server: server })
            }
        })
    }
}

/// A vault with one provider, and that provider without it. Fields are dropped in this order.
struct Site {
    vault: Vault,
    store: Arc<dyn BlobStore>,
    _server: Server,
    _scratch: Scratch,
}

impl Site {
    async fn start(workshop: &Workshop, kind: Kind, plan: Plan) -> Result<Self> {
        let scratch = Scratch::new(plan.bytes_on_disk())?;
        let (provider, server) = kind.start(workshop, &scratch)?;
        let sections = format!("{}{}", provider.section(), DISK.section(""));
        let vault = Vault::start(workshop, scratch.path(), &sections).await?;
        let store = Backends::new().store(provider.kind, &provider.settings);
        let store = store.map_err(|errors| anyhow!("{kind:?} does not open: {errors:?}"))?;
        Ok(Self { vault, store, _server: server, _scratch: scratch })
    }

    fn processes(&self) -> Processes {
        Processes { vault: self.vault.process, store: None }
    }
}

#[async_trait]
impl Stage for Site {
    async fn through_vault(&self, plan: Plan, recording: &Bytes) -> Result<Run> {
        let agents = Agent::several(self.vault.address, DISK, plan.clients, recording).await?;
        self.processes().run(agents, plan).await
    }

    async fn direct(&self, plan: Plan, recording: &Bytes) -> Result<Run> {
        let clients = (0..plan.clients).map(|_| Adapter::new(self.store.clone(), recording.clone()));
        self.processes().run(clients.collect(), plan).await
    }
}

pub(super) async fn measure(workshop: &Workshop, quick: bool) -> Result<Section> {
    let mut table = Table::new(&COLUMNS);
    for (kind, title) in KINDS {
        for plan in PLANS {
            let plan = plan.of(quick);
            let cell = Cell::measure(title, plan, async || Site::start(workshop, kind, plan).await).await;
            row(&mut table, title, &cell.with_context(|| format!("{title}, {plan:?}"))?);
        }
    }
    Ok(Section { title: "Stores", goals: Vec::new(), body: format!("{HOW}\n{}", table.finish()) })
}

fn row(table: &mut Table, title: &str, cell: &Cell) {
    let ratio = cell.ratio();
    table.row([
        title,
        &bytes(cell.plan.size),
        &cell.plan.clients.to_string(),
        &format!("{:.1}", cell.vault(|run| run.per_second)),
        &format!("{:.1}", cell.direct(|run| run.per_second)),
        &format!("{:.2}", ratio.min()),
        &format!("**{:.2}**", ratio.median()),
        &format!("{:.2}", ratio.max()),
        &ratio.len().to_string(),
        &format!("{:.2}", cell.vault(|run| run.cpu.vault)),
        &format!("{:.2}", cell.direct(|run| run.cpu.load)),
        &format!("{:.0}", cell.peak() as f64 / MIB as f64),
    ]);
}

const COLUMNS: [&str; 12] = [
    "store",
    "recording",
    "clients",
    "vault, MiB/s",
    "adapter alone, MiB/s",
    "ratio: min",
    "median",
    "max",
    "pairs",
    "CPU s per GiB: vault",
    "adapter and load generator, alone",
    "vault's peak memory, MiB",
];

const HOW: &str = "\
The same bytes to the same store by as many clients: through the vault, as agents send them; and by the vault's own adapter in the \
load generator's process, from memory, in the parts that the vault would make of them. Nothing is hashed, written down or received \
there. In turns on the same servers, which are fresh for each row. Google's and Azure's are emulators (the first one behind a gate in \
Python): their share of the time is large. Peak memory is VmHWM of a vault that did nothing else.
";
