//! The variables that operators of the original Kerberos Vault use (docs/replace.md). Each is honoured, or stops the start
//! with what to do instead; of those that concern what this vault does not have, the log tells that they are not used.

mod arrays;
mod kinds;

use super::document::Document;
use super::error::{Origin, Problem, suggest};
use super::written::{Value, Written};
use arrays::Array;
use std::collections::BTreeMap;

/// Variables for settings that this vault has, and their keys.
pub(super) const SETTINGS: [(&str, &str); 4] = [
    ("KERBEROS_LOGIN_USERNAME", "admin.username"),
    ("KERBEROS_LOGIN_PASSWORD", "admin.password"),
    ("VAULT_PUBLIC_URL", "server.public_url"),
    ("DEFAULT_URI_EXPIRY_TIME", "limits.signed_url_ttl_s"),
];

/// What cannot be honoured, and what to do instead.
const REFUSED: [(&str, &str); 2] = [
    (
        "VAULT_URL_SIGNING_KEY",
        "links are signed under the vault's master key, which vaults that share a database share: set \
         VAULT_DATA__MASTER_KEY (32 bytes in base64) if there are several, and take this variable away",
    ),
    (
        "DEFAULT_RETENTION_DAYS",
        "a recording is kept for its account's days at whatever provider it lies: set the accounts' limit (day_limit), and \
         take this variable away",
    ),
];

const SIGN: &str = "VAULT_SIGNING";
/// The newer name first.
const CONCURRENCY: [&str; 2] = ["FORWARDING_CONCURRENCY_RATE", "CONTINUOUS_FORWARDING_CONCURRENCE_RATE"];
/// How many transfers at a time an integration may have.
const TRANSFERS: std::ops::RangeInclusive<u64> = 1..=64;

/// What the original had besides, by the beginning of its names, and why nothing comes of it.
const UNUSED: [(&[&str], &str); 4] = [
    (
        &["MONGODB_"],
        "this vault keeps its data in SQLite, or in PostgreSQL with VAULT_DATABASE__URL, and reads nothing of a MongoDB",
    ),
    (
        &["MQTTURI", "MQTT_"],
        "this vault hears no requests by MQTT: recordings are forwarded on demand by POST /api/storage/forward/media, and in \
         Media",
    ),
    (&["CONTINUOUS_FORWARDING"], "an integration of kind kerberosvault forwards when its forward_type says so"),
    (
        &["VAULT_ID", "STORAGE_API_URL", "KERBEROS_CLOUD_", "LICENSE_"],
        "there is nothing in this vault that they would concern",
    ),
];

/// Adds what the variables declare to the document. Answers what was given and is not used.
pub(super) fn declare(
    variables: &BTreeMap<String, String>,
    document: &mut Document,
    problems: &mut Vec<Problem>,
) -> Vec<String> {
    let mut warnings = unused(variables);
    for (name, instead) in REFUSED.into_iter().filter(|(name, _)| variables.contains_key(*name)) {
        problems.push(Problem::at(&Origin::Variable(name.into()), format!("cannot be honoured: {instead}")));
    }
    mistyped(variables, problems);
    let vault_signs = signs(variables, problems, &mut warnings);
    for array in Array::ALL {
        if let Some(text) = variables.get(array.variable()) {
            let declared = arrays::read(array, text, vault_signs, problems, &mut warnings);
            document.lists.entry(array.section()).or_default().extend(declared);
        }
    }
    limit_transfers(variables, document, problems, &mut warnings);
    warnings
}

fn unused(variables: &BTreeMap<String, String>) -> Vec<String> {
    let told = |(beginnings, why): (&[&str], &str)| {
        let is_one = |name: &&str| beginnings.iter().any(|beginning| name.starts_with(beginning));
        let known = |name: &&str| !CONCURRENCY.contains(name);
        let found: Vec<&str> = variables.keys().map(String::as_str).filter(is_one).filter(known).collect();
        let (list, verb) = (found.join(", "), if found.len() == 1 { "is" } else { "are" });
        (!found.is_empty()).then(|| format!("{list} {verb} not used: {why} (docs/replace.md)"))
    };
    UNUSED.into_iter().filter_map(told).collect()
}

/// A name that is nearly one of those that declare something is not passed over.
fn mistyped(variables: &BTreeMap<String, String>, problems: &mut Vec<Problem>) {
    let known: Vec<&str> = Array::ALL.map(Array::variable).into_iter().chain([SIGN, "VAULT_PUBLIC_URL"]).collect();
    for name in variables.keys().filter(|name| !known.contains(&name.as_str())) {
        if known.iter().any(|known| strsim::levenshtein(name, known) <= 2) {
            let hint = suggest(name, known.iter().copied());
            problems.push(Problem::at(&Origin::Variable(name.clone()), format!("there is no such variable{hint}")));
        }
    }
}

/// Whether the vault signs links for browsers, of declared providers that do not say who does.
fn signs(variables: &BTreeMap<String, String>, problems: &mut Vec<Problem>, warnings: &mut Vec<String>) -> bool {
    match variables.get(SIGN).map(String::as_str) {
        Some("true") => return true,
        Some("false") if !variables.contains_key(Array::Providers.variable()) => warnings.push(format!(
            "{SIGN} concerns the providers of {}, of which there are none; of others, signed_urls says who signs links for \
             browsers (docs/replace.md)",
            Array::Providers.variable()
        )),
        Some("false") | None => {}
        Some(_) => problems.push(Problem::at(&Origin::Variable(SIGN.into()), "must be true or false")),
    }
    false
}

/// Integrations that forward to another vault and do not say how much at a time.
fn limit_transfers(
    variables: &BTreeMap<String, String>,
    document: &mut Document,
    problems: &mut Vec<Problem>,
    warnings: &mut Vec<String>,
) {
    let Some((name, text)) = CONCURRENCY.iter().find_map(|name| Some((*name, variables.get(*name)?))) else { return };
    if !text.parse().is_ok_and(|number| TRANSFERS.contains(&number)) {
        let wanted = format!("must be a whole number from {} to {}", TRANSFERS.start(), TRANSFERS.end());
        problems.push(Problem::at(&Origin::Variable(name.into()), wanted));
        return;
    }
    let vault = Value::Scalar("vault".into());
    let forward = |keys: &BTreeMap<String, Written>| keys.get("kind").is_some_and(|kind| kind.value == vault);
    let mut concerned = 0;
    for declared in document.lists.entry("integration").or_default().iter_mut().filter(|one| forward(&one.keys)) {
        let written = || Written::in_variable(name, Value::Scalar(text.clone()));
        declared.keys.entry("concurrency".to_owned()).or_insert_with(written);
        concerned += 1;
    }
    if concerned == 0 {
        warnings.push(format!(
            "{name} concerns declared integrations that forward to another vault, of which there are none; of others, \
             Transfers at a time says it (docs/replace.md)"
        ));
    }
}

#[cfg(test)]
mod tests;
