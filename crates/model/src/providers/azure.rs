use super::s3::{SIGNED_URLS, Signer};
use crate::field::{Field, FieldError};
use crate::kind::Definition;
use crate::secret::Secret;
use serde::Deserialize;

/// A container at Azure Blob Storage.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Azure {
    /// Storage account.
    pub account: String,
    /// Container.
    pub container: String,
    /// Key of the account, base64; empty when a SAS token is given.
    pub key: Secret,
    /// SAS token; used when there is no key.
    pub sas: Secret,
    /// Address of the blob service; empty for Azure's public cloud.
    pub endpoint: String,
    /// Who signs the URLs browsers read from.
    pub signed_urls: Signer,
}

impl Azure {
    /// The SAS token without the question mark that the portal puts in front.
    pub fn sas_query(&self) -> &str {
        self.sas.expose().trim().trim_start_matches('?')
    }
}

impl Definition for Azure {
    const NAME: &'static str = "azure";
    const LABEL: &'static str = "Azure Blob Storage";
    const ABOUT: &'static str = "A storage account with a container, and either the account's key or a SAS token \
        that may read, create, write, delete and list in it.";
    const FIELDS: &'static [Field] = &[
        Field::text("account", "Storage account").required().placeholder("myrecordings").target(),
        Field::text("container", "Container")
            .required()
            .placeholder("recordings")
            .help("Must exist; the vault makes none."),
        Field::url("endpoint", "Endpoint")
            .placeholder("https://myrecordings.blob.core.usgovcloudapi.net")
            .help("Only for other clouds, a private endpoint or an emulator; leave empty for Azure's public cloud."),
        Field::secret("key", "Account key").placeholder("c2VlIHRoZSBwb3J0YWw=").help("Or else a SAS token, below."),
        Field::secret("sas", "SAS token")
            .placeholder("sv=2024-11-04&ss=b&srt=co&sp=rwdlac&se=2030-01-01&sig=…")
            .help("Used when there is no account key."),
        SIGNED_URLS,
    ];

    fn check(&self) -> Vec<FieldError> {
        let mut errors = Vec::new();
        let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        if !(3..=24).contains(&self.account.len()) || !self.account.chars().all(is_name) {
            errors.push(FieldError::new(
                "account",
                "Storage account must be 3 to 24 lower-case letters and digits, without .blob.core.windows.net",
            ));
        }
        let container = &self.container;
        let special = matches!(container.as_str(), "$root" | "$web");
        let plain = (3..=63).contains(&container.len())
            && container.chars().all(|c| is_name(c) || c == '-')
            && !container.starts_with('-')
            && !container.ends_with('-')
            && !container.contains("--");
        if special || !plain {
            errors.push(FieldError::new(
                "container",
                "Container must be 3 to 63 lower-case letters, digits and single dashes",
            ));
        }
        let (key, sas) = (self.key.expose(), self.sas_query());
        if key.is_empty() && sas.is_empty() {
            errors.push(FieldError::new("key", "Account key or SAS token is required"));
        }
        if !key.is_empty() && !is_base64(key) {
            errors.push(FieldError::new("key", "Account key must be copied whole: it is base64 and ends with ="));
        }
        let signed = sas.split('&').any(|pair| pair.starts_with("sig=") && pair.len() > 4);
        if !sas.is_empty() && (!signed || sas.contains("://")) {
            errors.push(FieldError::new(
                "sas",
                "SAS token must be the text after the question mark of a SAS URL; it holds sig=",
            ));
        }
        errors
    }
}

fn is_base64(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    let padded = text.len() - body.len() <= 2 && text.len().is_multiple_of(4);
    padded && body.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::Settings;

    #[test]
    fn one_credential_is_enough_and_must_look_like_one() {
        let basic = Settings::new().with("account", "recordings").with("container", "vault");
        let errors = |settings: Settings| {
            Azure::parse(&settings).err().unwrap_or_default().into_iter().map(|e| e.field).collect::<Vec<_>>()
        };
        assert_eq!(errors(basic.clone()), ["key"]);
        assert!(errors(basic.clone().with("key", "aGVsbG8=")).is_empty());
        assert!(errors(basic.clone().with("sas", "?sv=2024-11-04&sig=abc%3D")).is_empty());
        assert_eq!(errors(basic.clone().with("key", "hunter2")), ["key"]);
        assert_eq!(errors(basic.clone().with("sas", "https://a.blob.core.windows.net/?sig=x")), ["sas"]);
        assert_eq!(errors(basic.clone().with("sas", "sv=2024-11-04&sig=")), ["sas"]);
        assert_eq!(errors(basic.clone().with("key", "aGVsbG8=").with("container", "a--b")), ["container"]);
        assert_eq!(errors(basic.with("key", "aGVsbG8=").with("account", "My.account")), ["account"]);
    }
}
