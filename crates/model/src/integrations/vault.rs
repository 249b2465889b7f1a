use crate::field::{Field, FieldError};
use crate::kind::Definition;
use crate::secret::Secret;
use serde::Deserialize;

/// Another vault, which gets the recordings themselves (docs/protocol.md §10).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RemoteVault {
    /// Its address, with `/api`.
    pub vault_url: String,
    /// Provider there; empty for the account's main one.
    pub provider: String,
    /// Directory there; empty keeps each recording's own.
    pub directory: String,
    /// Access key of an account there.
    pub access_key: String,
    /// Secret key of that account.
    pub secret_key: Secret,
    /// When recordings are sent.
    pub forward_type: ForwardType,
    /// Which of a camera's waiting recordings goes first.
    pub order: ForwardOrder,
    /// Transfers at a time.
    pub concurrency: u64,
    /// Limit of all transfers together, in KiB per second; 0 is unlimited.
    pub bandwidth: u64,
    /// On demand: address of the Hub that is told about recordings; empty tells none.
    pub url: String,
    /// On demand: key for the Hub.
    pub hub_key: Secret,
}

/// When recordings are sent to the other vault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ForwardType {
    /// All of them, as they come.
    Continuous,
    /// Only those that somebody asks for.
    OnDemand,
}

/// Which of a camera's waiting recordings is sent first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ForwardOrder {
    /// In the order they were stored.
    Oldest,
    /// The latest first; the backlog follows.
    Newest,
}

/// Largest bandwidth that can be entered: 100 Gbit/s.
const MAX_KIB: u64 = 12_207_031;

impl Definition for RemoteVault {
    const NAME: &'static str = "vault";
    const LABEL: &'static str = "Kerberos Vault";
    const ABOUT: &'static str = "Another Kerberos Vault that recordings are forwarded to, \
        and the keys of an account there.";
    const FIELDS: &'static [Field] = &[
        Field::url("vault_url", "Vault URL")
            .required()
            .placeholder("https://vault.example.com/api")
            .help("Of the other vault, with /api."),
        Field::text("provider", "Provider")
            .placeholder("archive")
            .help("Storage provider there; empty for the account's main one."),
        Field::text("directory", "Directory").placeholder("site-a").help(
            "Directory there; empty keeps each recording's own. Not used where the account there has a fixed one.",
        ),
        Field::select(
            "forward_type",
            "Forward",
            &[("continuous", "Every recording"), ("ondemand", "On demand")],
            "continuous",
        )
        .help("On demand: a recording is sent when somebody asks for it, by Forward in Media or by the API."),
        Field::select("order", "Order", &[("oldest", "Oldest first"), ("newest", "Newest first")], "oldest")
            .help("Which of a camera's recordings goes first after the link was down."),
        Field::number("concurrency", "Transfers at a time", 1, 64, "4").help("1 to 64. Each serves another camera."),
        Field::number("bandwidth", "Bandwidth", 0, MAX_KIB, "0")
            .help("KiB per second, for all transfers together; 0 is unlimited."),
        Field::text("access_key", "Access key").required().in_right_column(),
        Field::secret("secret_key", "Secret key").required(),
        Field::url("url", "Kerberos Hub URL")
            .in_right_column()
            .placeholder("https://api.cloud.kerberos.io")
            .help("On demand only: a Hub that hears of every recording."),
        Field::secret("hub_key", "Hub key").help("On demand only: for that Hub."),
    ];

    fn check(&self) -> Vec<FieldError> {
        if !self.url.is_empty() && self.hub_key.is_empty() {
            return vec![FieldError::new("hub_key", "Hub key is required with a Kerberos Hub URL")];
        }
        Vec::new()
    }
}
