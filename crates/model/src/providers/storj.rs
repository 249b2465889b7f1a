use super::s3::{ACCESS_KEY, BUCKET, Encryption, S3Target, SECRET_KEY, SIGNED_URLS, Signer, check_bucket, check_host};
use crate::amazon::Keys;
use crate::field::{Field, FieldError};
use crate::kind::Definition;
use crate::secret::Secret;
use serde::Deserialize;

/// Storj's S3 gateway: always HTTPS, always path-style.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Storj {
    /// Bucket.
    pub bucket: String,
    /// Host and port, without scheme.
    pub host: String,
    /// Access key.
    pub access_key: String,
    /// Secret key.
    pub secret_key: Secret,
    /// Who signs the URLs browsers read from.
    pub signed_urls: Signer,
}

impl Definition for Storj {
    const NAME: &'static str = "storj";
    const LABEL: &'static str = "Storj";
    const ABOUT: &'static str =
        "A bucket at Storj and S3 credentials made for it in the Storj console (Access, type S3).";
    const FIELDS: &'static [Field] = &[
        BUCKET,
        Field::text("host", "Host")
            .required()
            .placeholder("gateway.eu1.storjshare.io")
            .help("Name and port, without http://.")
            .target(),
        ACCESS_KEY,
        SECRET_KEY,
        SIGNED_URLS,
    ];

    fn check(&self) -> Vec<FieldError> {
        [check_bucket(&self.bucket), check_host(&self.host)].concat()
    }
}

impl From<Storj> for S3Target {
    fn from(s: Storj) -> Self {
        Self {
            bucket: s.bucket,
            region: "us-east-1".into(),
            keys: Some(Keys { access_key: s.access_key, secret_key: s.secret_key }),
            endpoint: Some(format!("https://{}", s.host)),
            path_style: true,
            signer: s.signed_urls,
            public_endpoint: None,
            ca: String::new(),
            encryption: Encryption::Bucket,
            kms_key: None,
            storage_class: None,
        }
    }
}
