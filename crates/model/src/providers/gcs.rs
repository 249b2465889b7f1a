use super::s3::{SIGNED_URLS, Signer};
use crate::field::{Field, FieldError};
use crate::kind::Definition;
use crate::secret::Secret;
use crate::text_file::TextFile;
use serde::Deserialize;

/// A bucket at Google Cloud Storage.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gcs {
    /// Bucket.
    pub bucket: String,
    /// A service account's key: the JSON file downloaded from the Cloud console.
    pub service_key: Secret,
    /// Address of the service; empty for Google's own.
    pub endpoint: String,
    /// Who signs the URLs browsers read from.
    pub signed_urls: Signer,
}

/// The parts of a service account's key that the vault uses.
#[derive(Debug, Clone, Deserialize)]
pub struct ServiceKey {
    /// `service_account`, unless another kind of key was downloaded.
    #[serde(rename = "type", default)]
    pub kind: String,
    /// Name of the account.
    #[serde(default)]
    pub client_email: String,
    /// PEM, PKCS#8.
    #[serde(default)]
    pub private_key: Secret,
    /// Id of this key within the account.
    #[serde(default)]
    pub private_key_id: String,
    /// URL that issues tokens.
    #[serde(default = "google_tokens")]
    pub token_uri: String,
}

fn google_tokens() -> String {
    "https://oauth2.googleapis.com/token".into()
}

impl ServiceKey {
    /// Parses the JSON; the error is a sentence for the user and holds nothing of the key.
    pub fn parse(json: &Secret) -> Result<Self, String> {
        let key: Self = serde_json::from_str(json.expose())
            .map_err(|_| "Service account key must be the whole JSON file, from { to }".to_owned())?;
        let missing = |what: &str| Err(format!("Service account key lacks {what}: download a new key in JSON format"));
        match &key {
            key if !matches!(key.kind.as_str(), "" | "service_account") => {
                Err("Service account key must be one of a service account (\"type\": \"service_account\")".into())
            }
            key if !key.client_email.contains('@') => missing("client_email"),
            key if !key.private_key.expose().starts_with("-----BEGIN") => missing("private_key"),
            key if !key.token_uri.starts_with("https://") && !key.token_uri.starts_with("http://") => {
                missing("a valid token_uri")
            }
            _ => Ok(key),
        }
    }
}

impl Definition for Gcs {
    const NAME: &'static str = "gcs";
    const LABEL: &'static str = "Google Cloud Storage";
    const ABOUT: &'static str = "A bucket at Google Cloud Storage, and a service account with the role \
        Storage Object User on it, of which you have a key in JSON format.";
    const FIELDS: &'static [Field] = &[
        Field::text("bucket", "Bucket").required().placeholder("my-recordings").help("Must exist; the vault makes none."),
        Field::url("endpoint", "Endpoint")
            .placeholder("https://storage.example.com")
            .help("Only for a private endpoint or an emulator; leave empty for Google's own."),
        Field::secret_lines("service_key", "Service account key")
            .required()
            .placeholder(
                r#"{"type": "service_account", "client_email": "vault@project.iam.gserviceaccount.com", "private_key": "-----BEGIN PRIVATE KEY-----…"}"#,
            )
            .help("The whole JSON file.")
            .file(TextFile::Json),
        SIGNED_URLS,
    ];

    fn check(&self) -> Vec<FieldError> {
        let key = ServiceKey::parse(&self.service_key).err().map(|message| FieldError::new("service_key", message));
        check_bucket(&self.bucket).into_iter().chain(key).collect()
    }
}

/// Google allows dots in names, and longer names with them.
fn check_bucket(bucket: &str) -> Option<FieldError> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.' | '_');
    let valid = (3..=222).contains(&bucket.len()) && bucket.chars().all(allowed);
    (!valid).then(|| {
        FieldError::new(
            "bucket",
            "Bucket must be at least 3 lower-case letters, digits, dots, dashes or underscores, without gs://",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_is_wrong_with_a_key_without_repeating_it() {
        let told = |json: &str| ServiceKey::parse(&Secret::new(json)).err().unwrap_or_default();
        for (json, expected) in [
            ("-----BEGIN PRIVATE KEY-----", "whole JSON file"),
            (r#"{"type":"authorized_user","client_id":"hunter2"}"#, "one of a service account"),
            (r#"{"type":"service_account","private_key":"-----BEGIN hunter2"}"#, "lacks client_email"),
            (r#"{"type":"service_account","client_email":"a@b","private_key":"hunter2"}"#, "lacks private_key"),
            (
                r#"{"client_email":"a@b","private_key":"-----BEGIN hunter2","token_uri":"file:///etc"}"#,
                "lacks a valid token_uri",
            ),
        ] {
            let told = told(json);
            assert!(told.contains(expected) && !told.contains("hunter2"), "{json}: {told}");
        }
        let whole = r#"{"client_email":"a@b","private_key":"-----BEGIN PRIVATE KEY-----\nx","extra":1}"#;
        let key = ServiceKey::parse(&Secret::new(whole)).expect("valid");
        assert_eq!(key.token_uri, "https://oauth2.googleapis.com/token");
        assert!(!format!("{key:?}").contains("BEGIN"));
    }
}
