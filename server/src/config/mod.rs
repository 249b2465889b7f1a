//! Configuration: `vault.toml` and the environment, which wins. Read here and nowhere else.
//!
//! A setting is one line in [`document::SECTIONS`] and one in [`Config::read`]. All mistakes are reported at once, with
//! file, line and key. The variables of the original vault are in [`original`].

mod declared;
mod document;
mod error;
mod origin;
mod original;
mod provisioning;
mod reader;
mod traces;
mod written;

pub use error::{ConfigError, Origin, Problem};
pub use provisioning::Declarations;
pub use traces::Traces;

use crate::public_url::{self, PublicUrl};
use document::Document;
use http::HeaderValue;
use http::uri::Authority;
use model::Secret;
use reader::Reader;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// All settings, with defaults filled in.
#[derive(Debug, Clone)]
pub struct Config {
    /// `[server]`
    pub server: Server,
    /// `[data]`
    pub data: Data,
    /// `[database] url`, which may hold a password
    pub database_url: Secret,
    /// `[admin]`
    pub admin: Admin,
    /// `[limits]`
    pub limits: Limits,
    /// `[log]`
    pub log: Log,
    /// `[metrics]`
    pub metrics: Metrics,
    /// `[traces]`, if they have an endpoint
    pub traces: Option<Traces>,
    /// `[[provider]]`, `[[integration]]`, `[[account]]`
    pub declarations: Declarations,
    /// What was given and is not used; for the log.
    pub warnings: Vec<String>,
    /// The file that it was read from.
    pub file: Option<PathBuf>,
}

/// How the vault is reached.
#[derive(Debug, Clone)]
pub struct Server {
    /// Addresses and ports to listen on; never empty. The first is the one that is told and asked for its health.
    pub listen: Vec<SocketAddr>,
    /// Where browsers and agents reach it, base of signed URLs; without it, the request's own host.
    pub public_url: Option<PublicUrl>,
    /// Hosts, with or without a port, that requests may be for, besides that of `public_url`; empty for any.
    pub allowed_hosts: Vec<Authority>,
    /// Other sites whose pages may ask for timelines with an account's keys, as browsers write them; `*` for every site.
    pub cors_origins: Vec<HeaderValue>,
    /// Whether to believe `X-Forwarded-For`, `-Proto` and `-Host`, or `Forwarded`, which a proxy sets.
    pub trust_proxy: bool,
    /// How long running requests may take to finish after SIGTERM.
    pub shutdown_timeout: Duration,
    /// Connections open at the same time; further ones wait.
    pub max_connections: usize,
    /// How long a connection is kept between two requests.
    pub keep_alive: Duration,
}

/// Data on this machine.
#[derive(Debug, Clone)]
pub struct Data {
    /// Folder of database, key file and spool.
    pub dir: PathBuf,
    /// Seals secrets; without it, the key file in `dir` is used.
    pub master_key: Option<Secret>,
}

/// The first administrator.
#[derive(Debug, Clone)]
pub struct Admin {
    /// User name.
    pub username: Option<String>,
    /// Password; without one, a random one is made and printed once.
    pub password: Option<Secret>,
}

/// Limits.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Largest recording, in bytes.
    pub max_upload_bytes: u64,
    /// Memory for all uploads together, in bytes.
    pub receive_budget_bytes: usize,
    /// An upload that brings no byte for this long is given up.
    pub idle_timeout: Duration,
    /// An upload that brings fewer bytes a second, averaged over each minute, is given up; 0 for never.
    pub min_upload_rate: u64,
    /// How long a signed URL is valid that nobody asked to be valid for another time.
    pub signed_url_ttl: Duration,
    /// Longest a signed URL may be valid.
    pub signed_url_max_ttl: Duration,
}

/// What is logged.
#[derive(Debug, Clone)]
pub struct Log {
    /// Whether to log JSON instead of text.
    pub json: bool,
    /// A filter in the syntax of `tracing_subscriber::EnvFilter`.
    pub level: String,
}

/// Who may read `/metrics`.
#[derive(Debug, Clone, Default)]
pub struct Metrics {
    /// Accepted as `Authorization: Bearer …`; without one, only administrators may.
    pub token: Option<Secret>,
    /// Whether everybody may.
    pub allow_anonymous: bool,
}

impl Config {
    /// Reads the file, if given, and the environment.
    pub fn load(file: Option<&Path>, environment: impl Iterator<Item = (String, String)>) -> Result<Self, ConfigError> {
        let Some(path) = file else { return Self::read("configuration", "", environment) };
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|e| ConfigError {
            file: name.clone(),
            problems: vec![Problem { origin: None, message: format!("cannot be read: {e}") }],
        })?;
        let config = Self::read(&name, &text, environment)?;
        Ok(Self { file: Some(path.to_owned()), ..config })
    }

    /// Reads `text` as if it were the file `name`.
    pub fn read(
        name: &str,
        text: &str,
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let mut problems = Vec::new();
        let variables: BTreeMap<String, String> = environment.filter(|(_, value)| !value.trim().is_empty()).collect();
        let mut document = Document::read(name, text, &mut problems)?;
        document.overlay(&variables, &original::SETTINGS, &mut problems);
        let mut warnings = original::declare(&variables, &mut document, &mut problems);
        let declarations = provisioning::read(&document, &mut problems);
        let config = Self::typed(&mut Reader { document: &document, problems: &mut problems }, declarations);
        if problems.is_empty() {
            warnings.extend(traces::unused(&document, config.traces.as_ref()));
            return Ok(Self { warnings, ..config });
        }
        problems.sort_by_key(|p| match &p.origin {
            Some(Origin::Line(line)) => *line,
            Some(Origin::Variable(_)) => usize::MAX,
            None => 0,
        });
        Err(ConfigError { file: name.to_owned(), problems })
    }

    fn typed(reader: &mut Reader<'_>, declarations: Declarations) -> Self {
        let dir = PathBuf::from(reader.text("data.dir").unwrap_or_else(|| "./data".to_owned()));
        let default_url = format!("sqlite://{}", dir.join("vault.db").display());
        let database = "sqlite://<file> or postgres://<user>:<password>@<host>/<database>";
        let known = |s: &str| ["sqlite:", "postgres://", "postgresql://"].iter().any(|p| s.starts_with(p));
        Self {
            server: Server {
                listen: match reader.list("server.listen", LISTEN, |s| s.parse().ok()) {
                    none if none.is_empty() => vec![SocketAddr::from(([127, 0, 0, 1], 8080))],
                    some => some,
                },
                public_url: reader
                    .parsed("server.public_url", None, public_url::EXPECTED, |s| Some(Some(s.parse().ok()?))),
                allowed_hosts: reader.list("server.allowed_hosts", HOSTS, public_url::host),
                cors_origins: reader.list("server.cors_origins", origin::EXPECTED, origin::origin),
                trust_proxy: reader.flag("server.trust_proxy", false),
                shutdown_timeout: reader.seconds("server.shutdown_timeout_s", 30, 3600),
                max_connections: reader.parsed("server.max_connections", 4096, "a number from 1 to 1000000", |s| {
                    s.parse().ok().filter(|n| (1..=1_000_000).contains(n))
                }),
                keep_alive: reader.seconds("server.keep_alive_s", 75, 3600),
            },
            database_url: reader
                .parsed("database.url", Secret::new(default_url), database, |s| known(s).then(|| Secret::new(s))),
            data: Data { dir, master_key: reader.secret("data.master_key") },
            admin: Admin { username: reader.text("admin.username"), password: reader.secret("admin.password") },
            limits: Limits {
                max_upload_bytes: reader.bytes("limits.max_upload_bytes", 4 << 30),
                receive_budget_bytes: usize::try_from(reader.bytes("limits.receive_budget_bytes", 64 << 20))
                    .unwrap_or(usize::MAX),
                idle_timeout: reader.seconds("limits.idle_timeout_s", 30, 3600),
                min_upload_rate: reader.parsed(
                    "limits.min_upload_rate",
                    1000,
                    "a number of bytes from 0 to 1000000",
                    |s| s.parse().ok().filter(|n| *n <= 1_000_000),
                ),
                signed_url_ttl: reader.seconds("limits.signed_url_ttl_s", 24 * 3600, WEEK_S),
                signed_url_max_ttl: reader.seconds("limits.signed_url_max_ttl_s", WEEK_S, WEEK_S),
            },
            log: Log {
                json: reader.parsed("log.format", false, "\"text\" or \"json\"", |s| match s {
                    "text" => Some(false),
                    "json" => Some(true),
                    _ => None,
                }),
                level: reader.parsed("log.level", "info".to_owned(), LEVEL, |s| is_filter(s).then(|| s.to_owned())),
            },
            metrics: Metrics {
                token: reader.secret("metrics.token"),
                allow_anonymous: reader.flag("metrics.allow_anonymous", false),
            },
            traces: Traces::read(reader),
            declarations,
            warnings: Vec::new(),
            file: None,
        }
    }
}

/// No store signs for longer.
const WEEK_S: u64 = 7 * 24 * 3600;
const LISTEN: &str = "an address and a port, such as 127.0.0.1:8080 or [::]:8080, or a list of them";
const HOSTS: &str =
    "a list of hosts, with a port or without and in full, such as [\"vault.example\", \"192.0.2.7:8080\"]";
const LEVEL: &str = "error, warn, info, debug or trace, or a list such as \"info,vault=debug\"";

/// `tracing` itself would take a mistyped level for a module's name.
fn is_filter(text: &str) -> bool {
    let is_level =
        |s: &str| ["off", "error", "warn", "info", "debug", "trace"].contains(&s.trim().to_ascii_lowercase().as_str());
    text.split(',').all(|part| is_level(part.rsplit_once('=').map_or(part, |(_, level)| level)))
        && text.parse::<tracing_subscriber::filter::Targets>().is_ok()
}

#[cfg(test)]
mod tests;
