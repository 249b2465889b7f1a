//! `kerberos-vault`: from configuration to a running vault, and to its stop.

use crate::config::Config;
use crate::first_start;
use crate::public_url::PublicUrl;
use crate::router::router;
use crate::serve::{self, Listeners, serve};
use crate::state::{AppState, HttpOptions};
use crate::telemetry::traces::Traces;
use crate::telemetry::{self, chain};
use backends::Backends;
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use vault::Provisioning;
use vault::data_folder::{Lock, LockError};
use vault::users::DEFAULT_ADMIN;
use vault::{StartError, Vault, VaultError};

/// How long background work may take to stop.
const BACKGROUND_STOP: Duration = Duration::from_secs(15);
/// How long the database may take to close.
const CLOSING: Duration = Duration::from_secs(10);

/// Why the vault does not start.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error(transparent)]
    Folder(#[from] LockError),
    #[error("cannot listen on {0}; if another program uses this port, choose another with server.listen")]
    Listen(SocketAddr, #[source] std::io::Error),
    #[error(transparent)]
    Open(#[from] StartError),
    #[error("what the configuration declares cannot be used")]
    Provision(#[source] VaultError),
    #[error("the database does not take what the first start needs")]
    FirstStart(#[source] VaultError),
    #[error("cannot wait for signals")]
    Signals(#[source] std::io::Error),
}

/// Runs until SIGTERM, SIGINT or SIGHUP.
pub async fn run(config: Config) -> ExitCode {
    let traces = telemetry::init(&config.log, config.traces.as_ref());
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    match serve_until_stopped(config, traces).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The cause is printed below, so the message need not point to the log.
            let message = chain(&error).replace(&format!(". {}", VaultError::IN_LOG), "");
            eprintln!("kerberos-vault cannot start: {}", message.replace('\n', " "));
            ExitCode::FAILURE
        }
    }
}

async fn serve_until_stopped(config: Config, traces: Option<Traces>) -> Result<(), Failed> {
    let files = vault::descriptors::raise();
    let stop = stop_on_signals().map_err(Failed::Signals)?;
    let _lock = Lock::take(&config.data.dir, config.database_url.expose())?;
    let listeners = Listeners::bind(&config.server.listen).await.map_err(|(address, e)| Failed::Listen(address, e))?;
    let addresses = listeners.addresses().map_err(|e| Failed::Listen(config.server.listen[0], e))?;
    let backends = Backends::new();
    let traces = traces.and_then(|traces| Some(traces.send_to(config.traces.as_ref()?.collector(&backends)?)));
    let options = vault_options(&config);
    options.expect_key_of_shared()?;
    let vault = Vault::open(options, Arc::new(backends)).await?;
    let turn = vault.turn_to_set_up().await?;
    let declared = config.declarations.clone();
    let provisioning =
        Provisioning { connections: declared.connections, accounts: declared.accounts, renamed: declared.renamed };
    vault.provision(provisioning).await.map_err(|error| failure(&vault, error, Failed::Provision))?;
    let url = config
        .server
        .public_url
        .as_ref()
        .map_or_else(|| format!("http://{}", reachable(addresses[0])), PublicUrl::to_string);
    first_start(&vault, &config, &url).await.map_err(|error| failure(&vault, error, Failed::FirstStart))?;
    if let Some(password) = &config.admin.password {
        vault.tell_of_password(config.admin.username.as_deref().unwrap_or(DEFAULT_ADMIN), password).await;
    }
    turn.end().await;

    vault.check_files(files, config.server.max_connections).await;
    let app = router(AppState::new(vault.clone(), HttpOptions::from(&config)));
    let background = CancellationToken::new();
    let working = vault.start(background.clone());
    let figures = tokio::spawn(background.clone().run_until_cancelled_owned(telemetry::metrics::keep_up()));
    for address in addresses {
        tracing::info!(%address, version = env!("CARGO_PKG_VERSION"), "listening");
    }

    let options = serve::Options {
        max_connections: config.server.max_connections,
        // Behind a proxy all come from one address.
        max_per_address: match config.server.trust_proxy {
            true => config.server.max_connections,
            false => config.server.max_connections.div_ceil(2),
        },
        idle_timeout: config.server.keep_alive,
        shutdown_timeout: config.server.shutdown_timeout,
        ..serve::Options::default()
    };
    serve(listeners, app, options, stop).await;
    background.cancel();
    if tokio::time::timeout(BACKGROUND_STOP, working).await.is_err() {
        tracing::warn!("deliveries were still being made; they will be made again");
    }
    figures.abort();
    let last_traces = async {
        if let Some(traces) = traces {
            traces.finish().await;
        }
    };
    tokio::join!(close(&vault), last_traces);
    tracing::info!("stopped");
    Ok(())
}

/// What the start says: that there is no room, if that is why, else what failed.
fn failure(vault: &Vault, error: VaultError, what: fn(VaultError) -> Failed) -> Failed {
    vault.no_room(&error).map_or_else(|| what(error), |missing| StartError::NoRoom(missing).into())
}

/// Leaves the database as one file. If that fails, nothing is lost: the next start reads the rest.
async fn close(vault: &Vault) {
    match tokio::time::timeout(CLOSING, vault.close()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(
                error,
                "the database did not close well; its newest changes stay in the file ending in -wal"
            );
        }
        Err(_) => tracing::warn!("the database is still in use; its newest changes stay in the file ending in -wal"),
    }
}

/// The vault's options from the configuration.
pub fn vault_options(config: &Config) -> vault::Options {
    vault::Options {
        database_url: config.database_url.expose().to_owned(),
        data_dir: config.data.dir.clone(),
        master_key: config.data.master_key.clone(),
        own_files: config.file.iter().cloned().collect(),
        public_url: config.server.public_url.as_ref().map(PublicUrl::to_string),
        signed_url_max_ttl: config.limits.signed_url_max_ttl,
        max_upload_bytes: config.limits.max_upload_bytes,
        receive_budget_bytes: config.limits.receive_budget_bytes,
        idle_timeout: config.limits.idle_timeout,
        least_upload_rate: config.limits.min_upload_rate,
        ..vault::Options::default()
    }
}

/// Shows where the vault is, and what a first start makes: before it is made, so that nothing is made that nobody was shown.
async fn first_start(vault: &Vault, config: &Config, url: &str) -> Result<(), VaultError> {
    let (username, password) = (config.admin.username.as_deref(), config.admin.password.as_ref());
    let keys = first_start::keys(vault, config).await?;
    let admin = match password {
        Some(_) => None,
        None => vault.users.first_admin(username).await?,
    };
    let shown = greet(&first_start::greeting(url, admin.as_ref(), keys.as_ref()));
    if let (Err(error), true) = (shown, admin.is_some() || keys.is_some()) {
        tracing::error!(
            %error,
            "the password and the keys of the first start could not be shown: standard output takes nothing; start once with \
             admin.password, and give the account other keys"
        );
    }
    if let Some(keys) = keys {
        first_start::keep(vault, config, &keys).await?;
    }
    match admin {
        Some(first) => vault.users.keep(&first).await,
        None => vault.users.ensure_admin(username, password).await.map(|_| ()),
    }
}

fn greet(text: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush())
}

/// An address to connect to, which "all interfaces" is not.
pub(crate) fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    address
}

/// Cancelled by the first SIGTERM, SIGINT or SIGHUP; a second one ends the process at once.
fn stop_on_signals() -> std::io::Result<CancellationToken> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let mut hang_up = signal(SignalKind::hangup())?;
    let stop = CancellationToken::new();
    let stopping = stop.clone();
    tokio::spawn(async move {
        for last in [false, true] {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
                _ = hang_up.recv() => {}
            }
            if last {
                std::process::exit(130);
            }
            stopping.cancel();
        }
    });
    Ok(stop)
}
