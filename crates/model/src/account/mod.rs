//! Accounts: whose credentials an agent uses, and what happens to its recordings.

pub mod fields;

pub use fields::{AccountField, parse_day_limit};

use crate::field::FieldError;
use crate::key::{Directory, NameError};
use serde::{Deserialize, Serialize};

/// Most days that an account may keep its recordings.
pub const MAX_DAYS: i32 = 36_500;

/// What becomes of an account's recordings when it is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leavings {
    /// They stay, for ever.
    Keep,
    /// Each goes when it is so many days old; with 0, all go now.
    Days(i32),
}

impl Leavings {
    /// For the audit, after "whose recordings".
    #[must_use]
    pub fn in_words(self) -> String {
        match self {
            Self::Keep => "stay".to_owned(),
            Self::Days(0) => "go now".to_owned(),
            Self::Days(1) => "go when they are a day old".to_owned(),
            Self::Days(days) => format!("go when they are {days} days old"),
        }
    }
}

/// A deleted account whose recordings are to go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeavingView {
    /// The account's name.
    pub name: String,
    /// How old its recordings may become; 0 if they are to go at once.
    pub days: i32,
    /// How many are left (capped at 10,000).
    pub recordings: i64,
}

/// An account for lists and dialogs, without its secret key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountView {
    /// Row id.
    pub id: i64,
    /// Unique name.
    pub name: String,
    /// Disabled ones are refused with 403.
    pub enabled: bool,
    /// Declared in the configuration file, hence read-only.
    pub provisioned: bool,
    /// Name of the main provider.
    pub provider: String,
    /// Names of the providers that get a copy.
    pub secondary_providers: Vec<String>,
    /// Names of further providers that its agents may name.
    pub other_providers: Vec<String>,
    /// Names of the integrations told about its recordings.
    pub integrations: Vec<String>,
    /// A fixed directory, or `*` for the one the agent names.
    pub directory: String,
    /// Whether no other account may store in, above or below its directory.
    pub exclusive: bool,
    /// Days recordings are kept; 0 keeps them forever.
    pub day_limit: i32,
    /// Access key.
    pub access_key: String,
    /// Whether the Hub pipeline may analyse the recordings.
    pub cloud_analysis: bool,
    /// Stored for later; nothing uses it yet.
    pub edge_analysis: bool,
    /// Last change, Unix milliseconds.
    pub updated_at: i64,
}

/// What an administrator submits to add or change an account.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountForm {
    /// `None` adds, `Some` changes that row.
    pub id: Option<i64>,
    /// Unique name.
    pub name: String,
    /// Whether its agents may upload.
    pub enabled: bool,
    /// Name of the main provider.
    pub provider: String,
    /// Names of the providers that get a copy.
    pub secondary_providers: Vec<String>,
    /// Names of further providers that its agents may name; `None` leaves them as they are.
    pub other_providers: Option<Vec<String>>,
    /// Names of integrations.
    pub integrations: Vec<String>,
    /// A fixed directory, or `*`.
    pub directory: String,
    /// See [`AccountView::exclusive`].
    pub exclusive: bool,
    /// Days recordings are kept; 0 keeps them forever.
    pub day_limit: i32,
    /// Access key.
    pub access_key: String,
    /// Secret key; blank on change keeps the stored one.
    pub secret_key: String,
    /// See [`AccountView::cloud_analysis`].
    pub cloud_analysis: bool,
    /// See [`AccountView::edge_analysis`].
    pub edge_analysis: bool,
}

impl AccountForm {
    /// Everything that is wrong with it by itself, without looking at other accounts or connections.
    pub fn check(&self) -> Vec<FieldError> {
        fields::FIELDS.iter().filter_map(|field| field.check(self)).collect()
    }
}

/// Which directory an upload goes to (docs/protocol.md §2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DirectoryRule {
    /// `*`: the one the agent names.
    FromAgent,
    /// Always this one.
    Fixed(Directory),
}

impl DirectoryRule {
    /// Parses an account's directory.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        match text {
            "*" => Ok(Self::FromAgent),
            fixed => Directory::parse(fixed).map(Self::Fixed),
        }
    }
}

/// Shows everything but the secret.
impl std::fmt::Debug for AccountForm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccountForm").field("id", &self.id).field("name", &self.name).finish_non_exhaustive()
    }
}

/// A fresh pair of keys, shown once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyPair {
    /// Access key.
    pub access_key: String,
    /// Secret key.
    pub secret_key: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_LIMIT: &str = "Day limit must be a number of days from 0 (keep for ever) to 36500";

    fn valid() -> AccountForm {
        AccountForm {
            id: None,
            name: "site-a".into(),
            enabled: true,
            provider: "local".into(),
            secondary_providers: vec!["second".into(), "third".into()],
            other_providers: Some(vec!["fourth".into()]),
            integrations: vec!["events".into()],
            directory: "*".into(),
            exclusive: false,
            day_limit: 36_500,
            access_key: "XJoi2@bgSOvOYBy#".into(),
            secret_key: "s".repeat(256),
            cloud_analysis: true,
            edge_analysis: false,
        }
    }

    #[test]
    fn what_agents_and_administrators_use_is_valid() {
        assert_eq!(valid().check(), []);
        let edited =
            AccountForm { id: Some(1), secret_key: String::new(), directory: "hub-user/site".into(), ..valid() };
        assert_eq!(edited.check(), [], "blank keeps the stored key");
    }

    #[test]
    fn each_mistake_is_told_at_its_field_without_the_keys() {
        let long = "k".repeat(257);
        for (form, field, message) in [
            (AccountForm { name: " a".into(), ..valid() }, "name", "start or end with a space"),
            (AccountForm { provider: String::new(), ..valid() }, "provider", "Main provider is required"),
            (AccountForm { provider: "second".into(), ..valid() }, "secondary_providers", "cannot be a secondary one"),
            (
                AccountForm { secondary_providers: vec!["b".into(), "b".into()], ..valid() },
                "secondary_providers",
                "must not name 'b' twice",
            ),
            (
                AccountForm { other_providers: Some(vec!["b".into(), "b".into()]), ..valid() },
                "other_providers",
                "must not name 'b' twice",
            ),
            (
                AccountForm { integrations: vec!["e".into(), "f".into(), "e".into()], ..valid() },
                "integrations",
                "must not name 'e' twice",
            ),
            (AccountForm { directory: String::new(), ..valid() }, "directory", "Directory is required"),
            (AccountForm { directory: "../x".into(), ..valid() }, "directory", "Directory must not hold"),
            (AccountForm { exclusive: true, ..valid() }, "exclusive", "Exclusive needs a fixed directory"),
            (AccountForm { access_key: "hush é".into(), ..valid() }, "access_key", "Access key must be printable"),
            (AccountForm { access_key: long.clone(), ..valid() }, "access_key", "Access key is too long"),
            (AccountForm { secret_key: "hush\n".into(), ..valid() }, "secret_key", "Secret key must be printable"),
            (AccountForm { secret_key: long.clone(), ..valid() }, "secret_key", "Secret key is too long"),
            (AccountForm { secret_key: String::new(), ..valid() }, "secret_key", "Secret key is required"),
            (AccountForm { day_limit: -1, ..valid() }, "day_limit", DAY_LIMIT),
            (AccountForm { day_limit: 36_501, ..valid() }, "day_limit", DAY_LIMIT),
        ] {
            let errors = form.check();
            let [error] = errors.as_slice() else { panic!("{field}: {errors:?}") };
            assert!(error.field == field && error.message.contains(message), "{field}: {error:?}");
            assert!(!error.message.contains("hush") && !error.message.contains(&long), "{error:?}");
        }
    }

    #[test]
    fn day_limits_are_whole_days() {
        assert_eq!(["0", "30", "36500"].map(|good| parse_day_limit(good).ok()), [Some(0), Some(30), Some(36_500)]);
        for bad in ["", "-1", "36501", "1.5", "99999999999", "a week"] {
            assert_eq!(parse_day_limit(bad), Err(FieldError::new("day_limit", DAY_LIMIT)), "{bad}");
        }
    }
}
