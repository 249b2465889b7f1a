use super::signed_url::SIGNED_URL;
use crate::field::Field;
use crate::kind::Definition;
use crate::secret::Secret;
use serde::Deserialize;

/// A Kerberos Hub, which shows and analyses recordings.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hub {
    /// Address of the Hub's API.
    pub url: String,
    /// Key that identifies the owner of the recordings.
    pub hub_key: Secret,
    /// For how many hours the address in its events is valid; 0 for none.
    pub signed_url_hours: u64,
}

impl Definition for Hub {
    const NAME: &'static str = "hub";
    const LABEL: &'static str = "Kerberos Hub";
    const ABOUT: &'static str = "A Kerberos Hub, in the cloud or your own. \
        You need the Hub key of the account that recordings belong to.";
    const FIELDS: &'static [Field] = &[
        Field::url("url", "Kerberos Hub URL")
            .required()
            .placeholder("https://api.cloud.kerberos.io")
            .help("Address of the Hub's API."),
        Field::secret("hub_key", "Hub key").required().help("In the Hub, a subscription key of your account."),
        SIGNED_URL,
    ];
}
