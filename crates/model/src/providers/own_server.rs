//! What MinIO and Ceph have in common.

use super::s3::{
    ACCESS_KEY, BUCKET, CA, Encryption, PUBLIC_ENDPOINT, S3Target, SECRET_KEY, SIGNED_URLS, Signer, check_bucket,
    check_ca, check_host, given, region_or_default,
};
use crate::amazon::Keys;
use crate::field::{Field, FieldError, check_region};
use crate::secret::Secret;
use serde::Deserialize;

/// A user's own S3 server.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OwnServer {
    /// Bucket.
    bucket: String,
    /// Host and port, without scheme.
    host: String,
    /// Region; empty or `na` means `us-east-1`.
    region: String,
    /// Access key.
    access_key: String,
    /// Secret key.
    secret_key: Secret,
    /// Whether the server speaks HTTPS.
    ssl: bool,
    /// Who signs the URLs browsers read from.
    signed_urls: Signer,
    /// Address at which browsers reach the server; empty when it is the same.
    public_endpoint: String,
    /// Certificates of authorities trusted besides the system's, PEM.
    ca: String,
}

impl OwnServer {
    /// The fields; `host` is the example shown for the host.
    pub(super) const fn fields(host: &'static str) -> [Field; 9] {
        [
            BUCKET,
            Field::text("host", "Host").required().placeholder(host).help("Name and port, without http://.").target(),
            Field::text("region", "Region")
                .placeholder("na")
                .help("Leave empty unless your server has been given one.")
                .target(),
            ACCESS_KEY,
            SECRET_KEY,
            Field::toggle("ssl", "SSL", false).help("Whether the server speaks HTTPS.").target(),
            SIGNED_URLS,
            PUBLIC_ENDPOINT,
            CA,
        ]
    }

    /// Checks that concern more than one field.
    pub(super) fn check(&self) -> Vec<FieldError> {
        [check_bucket(&self.bucket), check_host(&self.host), check_region(&self.region), check_ca(&self.ca)].concat()
    }
}

impl From<OwnServer> for S3Target {
    fn from(s: OwnServer) -> Self {
        let scheme = if s.ssl { "https" } else { "http" };
        Self {
            bucket: s.bucket,
            region: region_or_default(&s.region),
            keys: Some(Keys { access_key: s.access_key, secret_key: s.secret_key }),
            endpoint: Some(format!("{scheme}://{}", s.host)),
            path_style: true,
            signer: s.signed_urls,
            public_endpoint: given(s.public_endpoint),
            ca: s.ca,
            encryption: Encryption::Bucket,
            kms_key: None,
            storage_class: None,
        }
    }
}
