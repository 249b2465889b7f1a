//! The fields of an account. Of each, what its dialog says, its key, and what is wrong with a value stand in one place.

use super::{AccountForm, DirectoryRule};
use crate::field::FieldError;
use crate::key::NameError;
use crate::name;
use std::collections::BTreeSet;

/// Longest access or secret key, in bytes.
const MAX_KEY: usize = 256;
/// Longest day limit: a hundred years.
const MAX_DAY_LIMIT: i32 = 36_500;

/// A field of an account.
///
/// Not a [`Field`](crate::field::Field), whose values are texts: an account has lists of names as well, what can be
/// chosen is known only when the dialog opens, and some values are wrong only beside others.
#[derive(Debug)]
pub struct AccountField {
    /// Key in forms, in errors and in vault.toml.
    pub name: &'static str,
    /// Label in the form.
    pub label: &'static str,
    /// One sentence below the field.
    pub help: &'static str,
    /// The same while there is nothing to choose from.
    pub help_without_choice: &'static str,
    /// Example shown while the field is empty.
    pub placeholder: &'static str,
    /// What is wrong with its value, in a sentence that begins with the label.
    check: fn(&AccountForm, &str) -> Option<String>,
}

impl AccountField {
    /// The sentence below the field.
    pub const fn help_for(&self, without_choice: bool) -> &'static str {
        if without_choice && !self.help_without_choice.is_empty() { self.help_without_choice } else { self.help }
    }

    /// What is wrong with its value.
    pub fn check(&self, form: &AccountForm) -> Option<FieldError> {
        (self.check)(form, self.label).map(|message| self.error(message))
    }

    /// Something that is wrong with its value.
    pub fn error(&self, message: impl Into<String>) -> FieldError {
        FieldError::new(self.name, message)
    }
}

/// What fields have that say no more: nothing can be wrong with a switch.
const PLAIN: AccountField =
    AccountField { name: "", label: "", help: "", help_without_choice: "", placeholder: "", check: |_, _| None };

/// Unique name.
pub const NAME: AccountField = AccountField {
    name: "name",
    label: "Account name",
    placeholder: "A site, a customer, a camera",
    // "Name …", as of connections
    check: |form, _| name::check(&form.name).err().map(|error| error.message),
    ..PLAIN
};

/// Whether its agents may upload.
pub const ENABLED: AccountField = AccountField { name: "enabled", label: "Enabled", ..PLAIN };

/// Name of the main provider.
pub const PROVIDER: AccountField = AccountField {
    name: "provider",
    label: "Main provider",
    help: "Where its recordings are kept.",
    help_without_choice: "There is none yet: add a storage provider first.",
    check: |form, label| form.provider.is_empty().then(|| format!("{label} is required; add a storage provider first")),
    ..PLAIN
};

/// Names of the providers that get a copy.
pub const SECONDARY_PROVIDERS: AccountField = AccountField {
    name: "secondary_providers",
    label: "Secondary providers",
    help: "Each recording is copied there as well, and read from there while the main provider is down.",
    check: |form, label| {
        let main = !form.provider.is_empty() && form.secondary_providers.contains(&form.provider);
        main.then(|| MAIN_IS_SECONDARY.to_owned()).or_else(|| named_twice(label, &form.secondary_providers))
    },
    ..PLAIN
};

const MAIN_IS_SECONDARY: &str = "The main provider cannot be a secondary one as well; choose another for the copies";

/// Names of further providers that agents may name.
pub const OTHER_PROVIDERS: AccountField = AccountField {
    name: "other_providers",
    label: "Other providers",
    help: "Its agents may store there too, by naming the provider. They may always name the main and secondary ones.",
    check: |form, label| named_twice(label, form.other_providers.as_deref().unwrap_or_default()),
    ..PLAIN
};

/// Names of the integrations told about its recordings.
pub const INTEGRATIONS: AccountField = AccountField {
    name: "integrations",
    label: "Integrations",
    help_without_choice: "None yet. Recordings are stored all the same.",
    check: |form, label| named_twice(label, &form.integrations),
    ..PLAIN
};

/// A fixed directory, or `*`.
pub const DIRECTORY: AccountField = AccountField {
    name: "directory",
    label: "Directory",
    help: "Recordings are stored below it, whatever an agent says. With * each agent names its own directory: Hub users give their Hub user name.",
    placeholder: "*",
    check: |form, label| match DirectoryRule::parse(&form.directory).err()? {
        NameError::Empty => Some(format!("{label} is required; * takes the one each agent names")),
        error => Some(format!("{label} {error}")),
    },
    ..PLAIN
};

/// Whether the directory is this account's alone.
pub const EXCLUSIVE: AccountField = AccountField {
    name: "exclusive",
    label: "Exclusive directory",
    help: "No other account may store in, above or below this directory. Without effect while it is *.",
    check: |form, _| (form.exclusive && form.directory == "*").then(|| ANY_IS_EXCLUSIVE.to_owned()),
    ..PLAIN
};

const ANY_IS_EXCLUSIVE: &str = "Exclusive needs a fixed directory; with * each agent names its own";

/// Access key.
pub const ACCESS_KEY: AccountField = AccountField {
    name: "access_key",
    label: "Access key",
    check: |form, label| wrong_key(label, &form.access_key, true),
    ..PLAIN
};

/// Secret key; blank on change keeps the stored one.
pub const SECRET_KEY: AccountField = AccountField {
    name: "secret_key",
    label: "Secret key",
    check: |form, label| wrong_key(label, &form.secret_key, form.id.is_none()),
    ..PLAIN
};

/// Days recordings are kept.
pub const DAY_LIMIT: AccountField = AccountField {
    name: "day_limit",
    label: "Day limit",
    help: "Days recordings are kept, then they are deleted from the store. 0 keeps them for ever.",
    check: |form, label| (!is_day_limit(&form.day_limit)).then(|| no_day_limit(label)),
    ..PLAIN
};

/// Whether the Hub may analyse recordings.
pub const CLOUD_ANALYSIS: AccountField = AccountField {
    name: "cloud_analysis",
    label: "Cloud analysis",
    help: "Lets the Kerberos Hub pipeline analyse recordings: thumbnails, objects, colours. Recordings are then shared with the Hub.",
    ..PLAIN
};

/// Stored for later; nothing uses it yet.
pub const EDGE_ANALYSIS: AccountField = AccountField {
    name: "edge_analysis",
    label: "Edge analysis",
    help: "Kept with the account for the Hub's sake. This vault does no analysis itself yet, so it changes nothing here.",
    ..PLAIN
};

/// All of them; what is wrong is told in this order.
pub const FIELDS: [&AccountField; 13] = [
    &NAME,
    &PROVIDER,
    &SECONDARY_PROVIDERS,
    &OTHER_PROVIDERS,
    &INTEGRATIONS,
    &DIRECTORY,
    &EXCLUSIVE,
    &ACCESS_KEY,
    &SECRET_KEY,
    &DAY_LIMIT,
    &CLOUD_ANALYSIS,
    &EDGE_ANALYSIS,
    &ENABLED,
];

/// Parses a day limit as typed.
pub fn parse_day_limit(text: &str) -> Result<i32, FieldError> {
    let days = text.parse().ok().filter(is_day_limit);
    days.ok_or_else(|| DAY_LIMIT.error(no_day_limit(DAY_LIMIT.label)))
}

fn is_day_limit(days: &i32) -> bool {
    (0..=MAX_DAY_LIMIT).contains(days)
}

fn no_day_limit(label: &str) -> String {
    format!("{label} must be a number of days from 0 (keep for ever) to {MAX_DAY_LIMIT}")
}

fn named_twice(label: &str, names: &[String]) -> Option<String> {
    let mut seen = BTreeSet::new();
    let twice = names.iter().find(|name| !seen.insert(*name))?;
    Some(format!("{label} must not name '{twice}' twice"))
}

/// Keys travel in headers, so they are printable ASCII.
fn wrong_key(label: &str, key: &str, required: bool) -> Option<String> {
    if key.is_empty() {
        return required.then(|| format!("{label} is required; Generate keys makes one"));
    }
    if key.len() > MAX_KEY {
        return Some(format!("{label} is too long: at most {MAX_KEY} bytes"));
    }
    let printable = key.bytes().all(|b| b.is_ascii_graphic());
    (!printable).then(|| format!("{label} must be printable ASCII without spaces"))
}
