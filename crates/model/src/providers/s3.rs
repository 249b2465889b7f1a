use crate::amazon::{self, Keys};
use crate::field::{Field, FieldError, check_region};
use crate::kind::Definition;
use crate::secret::Secret;
use crate::text_file::TextFile;
use serde::Deserialize;

/// Amazon S3, or anything that speaks its protocol exactly.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct S3 {
    /// Bucket.
    pub bucket: String,
    /// Region that requests are signed for.
    pub region: String,
    /// Access key; empty for the role of the vault's machine, task or pod.
    pub access_key: String,
    /// Secret key; empty with the access key.
    pub secret_key: Secret,
    /// Address of a compatible service; empty for Amazon's own.
    pub endpoint: String,
    /// Whether the bucket is part of the path rather than of the host name.
    pub path_style: bool,
    /// Who signs the URLs browsers read from.
    pub signed_urls: Signer,
    /// Address at which browsers reach the service; empty when it is the same.
    pub public_endpoint: String,
    /// Certificates of authorities trusted besides the system's, PEM.
    pub ca: String,
    /// How the service encrypts what it stores.
    pub encryption: Encryption,
    /// Key of the key management service; empty for the bucket's.
    pub kms_key: String,
    /// Storage class; `default` leaves it to the bucket.
    pub storage_class: String,
}

/// How the service encrypts what it stores.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub enum Encryption {
    /// Left to the bucket.
    #[default]
    #[serde(rename = "default")]
    Bucket,
    /// With the service's own keys.
    #[serde(rename = "AES256")]
    Service,
    /// With a key of the key management service.
    #[serde(rename = "aws:kms")]
    Kms,
}

/// Who signs the URLs that browsers read recordings from (docs/protocol.md §7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Signer {
    /// The vault: works wherever the vault can be reached.
    Vault,
    /// The store: spares the vault the traffic, if browsers can reach the store.
    Provider,
}

/// What every kind of the S3 family is turned into.
#[derive(Debug, Clone)]
pub struct S3Target {
    /// Bucket.
    pub bucket: String,
    /// Region that requests are signed for.
    pub region: String,
    /// Its keys; `None` for the role of the vault's machine, task or pod.
    pub keys: Option<Keys>,
    /// Address of the service; `None` for Amazon's own.
    pub endpoint: Option<String>,
    /// Whether the bucket is part of the path.
    pub path_style: bool,
    /// Who signs URLs.
    pub signer: Signer,
    /// Address used in signed URLs; `None` when it is the same.
    pub public_endpoint: Option<String>,
    /// Certificates of authorities trusted besides the system's, PEM; may be empty.
    pub ca: String,
    /// How the service encrypts what it stores.
    pub encryption: Encryption,
    /// Key of the key management service.
    pub kms_key: Option<String>,
    /// Storage class; `None` leaves it to the bucket.
    pub storage_class: Option<String>,
}

/// Fields every member of the family shares.
pub(super) const BUCKET: Field =
    Field::text("bucket", "Bucket").required().placeholder("recordings").help("Must exist; the vault makes none.");
pub(super) const ACCESS_KEY: Field = Field::text("access_key", "Access key").required().in_right_column();
pub(super) const SECRET_KEY: Field = Field::secret("secret_key", "Secret key").required();
pub(super) const SIGNED_URLS: Field = Field::select(
    "signed_urls",
    "Links for browsers",
    &[("vault", "Through the vault"), ("provider", "Straight from the store")],
    "vault",
)
.in_right_column()
.help("Straight from the store spares the vault the traffic, but browsers must be able to reach it.");

/// Not a `target`: no secret is sent there, it only appears in signed URLs.
pub(super) const PUBLIC_ENDPOINT: Field = Field {
    target: false,
    ..Field::url("public_endpoint", "Address for browsers")
        .placeholder("https://store.example.com")
        .help("For links straight from the store, where browsers reach it by another address than the vault.")
        .in_right_column()
};
pub(super) const CA: Field = Field::multiline("ca", "Certificate authority")
    .placeholder("-----BEGIN CERTIFICATE-----…")
    .help("Of a server with a certificate of your own making: its authority, as PEM.")
    .file(TextFile::Certificate)
    .target();

/// Checks that it looks like a PEM certificate.
pub(super) fn check_ca(ca: &str) -> Vec<FieldError> {
    if ca.is_empty() || ca.contains("-----BEGIN CERTIFICATE-----") {
        return Vec::new();
    }
    vec![FieldError::new("ca", "Certificate authority must be PEM: -----BEGIN CERTIFICATE----- and so on")]
}

/// An optional address; `None` for an empty text.
pub(super) fn given(address: String) -> Option<String> {
    (!address.is_empty()).then_some(address)
}

/// Checks a bucket's name by S3's rules.
pub(super) fn check_bucket(bucket: &str) -> Vec<FieldError> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.' | '_');
    if (3..=63).contains(&bucket.len()) && bucket.chars().all(allowed) {
        return Vec::new();
    }
    vec![FieldError::new("bucket", "Bucket must be 3 to 63 lower-case letters, digits, dots or dashes")]
}

/// Checks a `host:port` without scheme or path.
pub(super) fn check_host(host: &str) -> Vec<FieldError> {
    if host.contains(['/', '\\', '@', '?', '#']) || host.contains(char::is_whitespace) {
        return vec![FieldError::new(
            "host",
            "Host must be a name and optionally a port, like minio:9000, without http://",
        )];
    }
    Vec::new()
}

/// `na` is the original vault's way to say "no region".
pub(super) fn region_or_default(region: &str) -> String {
    match region {
        "" | "na" => "us-east-1".into(),
        given => given.into(),
    }
}

impl Definition for S3 {
    const NAME: &'static str = "s3";
    const LABEL: &'static str = "AWS S3";
    const ABOUT: &'static str = "A bucket at Amazon S3, and the keys of an IAM user that may list, read, write and \
        delete in it. No keys are needed where the vault's machine, task or pod has a role that may.";
    const FIELDS: &'static [Field] = &[
        BUCKET,
        Field::text("region", "Region").required().placeholder("eu-west-1").help("Where the bucket was made.").target(),
        Field::url("endpoint", "Endpoint")
            .placeholder("https://s3.example.com")
            .help("Only for a compatible service; leave empty for Amazon's own."),
        amazon::ACCESS_KEY,
        amazon::SECRET_KEY,
        Field::toggle("path_style", "Bucket in the path", false)
            .help("For services that have no host name per bucket.")
            .target(),
        SIGNED_URLS,
        PUBLIC_ENDPOINT,
        CA,
        Field::select(
            "encryption",
            "Encryption",
            &[("default", "As the bucket is set up"), ("AES256", "Keys of the store (SSE-S3)"), ("aws:kms", "KMS key")],
            "default",
        )
        .in_right_column(),
        Field::text("kms_key", "KMS key")
            .placeholder("arn:aws:kms:eu-west-1:111122223333:key/…")
            .help("Only with encryption by a KMS key; empty for the bucket's own.")
            .in_right_column(),
        Field::select(
            "storage_class",
            "Storage class",
            &[
                ("default", "As the bucket is set up"),
                ("STANDARD", "Standard"),
                ("INTELLIGENT_TIERING", "Intelligent-Tiering"),
                ("STANDARD_IA", "Standard, infrequent access"),
                ("ONEZONE_IA", "One zone, infrequent access"),
                ("GLACIER_IR", "Glacier, instant retrieval"),
            ],
            "default",
        )
        .in_right_column(),
    ];

    fn check(&self) -> Vec<FieldError> {
        let mut errors = [check_bucket(&self.bucket), check_region(&self.region), check_ca(&self.ca)].concat();
        errors.extend(Keys::check(&self.access_key, &self.secret_key));
        if self.signed_urls == Signer::Provider && Keys::given(&self.access_key, &self.secret_key).is_none() {
            errors.push(FieldError::new(
                "signed_urls",
                "Links for browsers must lead through the vault without keys: those that a role signs end with its \
                 credentials, whatever time they name",
            ));
        }
        errors
    }
}

impl From<S3> for S3Target {
    fn from(s: S3) -> Self {
        Self {
            keys: Keys::given(&s.access_key, &s.secret_key),
            bucket: s.bucket,
            region: s.region,
            endpoint: given(s.endpoint),
            path_style: s.path_style,
            signer: s.signed_urls,
            public_endpoint: given(s.public_endpoint),
            ca: s.ca,
            encryption: s.encryption,
            kms_key: given(s.kms_key),
            storage_class: (s.storage_class != "default").then_some(s.storage_class),
        }
    }
}
