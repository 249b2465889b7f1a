use crate::connection::Definition;
use crate::field::{Field, FieldError};
use crate::secret::Secret;
use serde::Deserialize;

/// Amazon S3, or anything that speaks its protocol exactly.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct S3 {
    /// Bucket.
    pub bucket: String,
    /// Region the requests are signed for.
    pub region: String,
    /// Access key.
    pub access_key: String,
    /// Secret key.
    pub secret_key: Secret,
    /// Address of a compatible service; empty for Amazon's own.
    pub endpoint: String,
    /// Whether the bucket is part of the path rather than of the host name.
    pub path_style: bool,
    /// Who signs the addresses browsers read from.
    pub signed_urls: Signer,
}

/// Who signs the addresses that browsers read recordings from (PROTOCOL §5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Signer {
    /// The vault: works wherever the vault can be reached.
    Vault,
    /// The store: spares the vault the traffic, if browsers can reach the store.
    Provider,
}

/// What every member of the S3 family comes down to.
#[derive(Debug, Clone)]
pub struct S3Target {
    /// Bucket.
    pub bucket: String,
    /// Region the requests are signed for.
    pub region: String,
    /// Access key.
    pub access_key: String,
    /// Secret key.
    pub secret_key: Secret,
    /// Address of the service; `None` for Amazon's own.
    pub endpoint: Option<String>,
    /// Whether the bucket is part of the path.
    pub path_style: bool,
    /// Who signs addresses.
    pub signer: Signer,
}

/// Fields every member of the family shares.
pub(super) const BUCKET: Field =
    Field::text("bucket", "Bucket").required().placeholder("recordings").help("Must exist; the vault makes none.");
pub(super) const ACCESS_KEY: Field = Field::text("access_key", "Access key").required().right();
pub(super) const SECRET_KEY: Field = Field::secret("secret_key", "Secret key").required();
pub(super) const SIGNED_URLS: Field = Field::select(
    "signed_urls",
    "Links for browsers",
    &[("vault", "Through the vault"), ("provider", "Straight from the store")],
    "vault",
)
.right()
.help("Straight from the store spares the vault the traffic, but browsers must be able to reach it.");

/// Checks a bucket's name as S3 does.
pub(super) fn check_bucket(bucket: &str) -> Vec<FieldError> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.' | '_');
    if (3..=63).contains(&bucket.len()) && bucket.chars().all(allowed) {
        return Vec::new();
    }
    vec![FieldError::new("bucket", "Bucket must be 3 to 63 lower-case letters, digits, dots or dashes")]
}

/// Checks a `host:port` without scheme or path.
pub(super) fn check_host(host: &str) -> Vec<FieldError> {
    if host.contains("://") || host.contains('/') || host.contains(char::is_whitespace) {
        return vec![FieldError::new(
            "host",
            "Host must be a name and optionally a port, like minio:9000, without http://",
        )];
    }
    Vec::new()
}

/// The original's way to say "no region".
pub(super) fn region_or_default(region: &str) -> String {
    match region {
        "" | "na" => "us-east-1".into(),
        given => given.into(),
    }
}

impl Definition for S3 {
    const NAME: &'static str = "s3";
    const LABEL: &'static str = "AWS S3";
    const ABOUT: &'static str =
        "A bucket at Amazon S3 and the keys of an IAM user that may list, read, write and delete in it.";
    const FIELDS: &'static [Field] = &[
        BUCKET,
        Field::text("region", "Region").required().placeholder("eu-west-1").help("Where the bucket was made.").target(),
        Field::url("endpoint", "Endpoint")
            .placeholder("https://s3.example.com")
            .help("Only for a compatible service; leave empty for Amazon's own."),
        ACCESS_KEY,
        SECRET_KEY,
        Field::toggle("path_style", "Bucket in the path", false)
            .help("For services that have no host name per bucket.")
            .target(),
        SIGNED_URLS,
    ];

    fn check(&self) -> Vec<FieldError> {
        check_bucket(&self.bucket)
    }
}

impl From<S3> for S3Target {
    fn from(s: S3) -> Self {
        Self {
            bucket: s.bucket,
            region: s.region,
            access_key: s.access_key,
            secret_key: s.secret_key,
            endpoint: (!s.endpoint.is_empty()).then_some(s.endpoint),
            path_style: s.path_style,
            signer: s.signed_urls,
        }
    }
}
