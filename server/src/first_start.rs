//! The first start: creates something to upload to, and prints how to try it.

use crate::config::Config;
use model::account::{AccountForm, KeyPair};
use model::connection::{ConnectionForm, Family};
use model::field::Settings;
use std::fmt::Write as _;
use std::path::Path;
use vault::clock::Clock;
use vault::users::FirstAdmin;
use vault::{Principal, Task};
use vault::{Vault, VaultError};

/// Name of the provider.
const PROVIDER: &str = "local";
const ACCOUNT: &str = "default";
/// A recording in the repository.
const SAMPLE: &str = "fixtures/recording.mp4";

/// Keys for an account, if there is nothing yet and nothing is declared. To be shown, and then [kept](keep): if a kill comes in
/// between, the next start shows others.
pub async fn keys(vault: &Vault, config: &Config) -> Result<Option<KeyPair>, VaultError> {
    if !config.declarations.is_empty() || !vault.accounts.list().await?.is_empty() {
        return Ok(None);
    }
    // The administrator is made last: without one, the provider is what a first start that was cut off has left.
    let cut_off = vault.users.first_admin(None).await?.is_some();
    let nothing =
        vault.connections.list(Family::Provider).await?.iter().all(|provider| cut_off && provider.name == PROVIDER);
    Ok(nothing.then(|| vault.accounts.generate_keys()))
}

/// Creates a provider, and an account with these keys.
pub async fn keep(vault: &Vault, config: &Config, keys: &KeyPair) -> Result<(), VaultError> {
    let principal = Principal::Vault(Task::FirstStart);
    let folder = config.data.dir.join("recordings");
    let folder = std::path::absolute(&folder).unwrap_or(folder);
    let provider = ConnectionForm {
        id: None,
        family: Family::Provider,
        kind: "filesystem".into(),
        name: PROVIDER.into(),
        enabled: true,
        settings: Settings::new().with("path", folder.to_string_lossy()),
        cleared: Vec::new(),
    };
    if vault.connections.list(Family::Provider).await?.is_empty() {
        vault.connections.save(&principal, provider).await?;
    }
    let account = AccountForm {
        id: None,
        name: ACCOUNT.into(),
        enabled: true,
        provider: PROVIDER.into(),
        secondary_providers: Vec::new(),
        other_providers: None,
        integrations: Vec::new(),
        directory: "*".into(),
        exclusive: false,
        day_limit: 0,
        access_key: keys.access_key.clone(),
        secret_key: keys.secret_key.clone(),
        cloud_analysis: true,
        edge_analysis: false,
    };
    vault.accounts.save(&principal, account).await?;
    Ok(())
}

/// What to print for whoever started the vault. It goes to standard output, never to the log.
pub fn greeting(url: &str, admin: Option<&FirstAdmin>, keys: Option<&KeyPair>) -> String {
    let mut text = format!("Kerberos Vault is running at {url}\n");
    if let Some(admin) = admin {
        let _ = write!(
            text,
            "\nSign in as        {}\nwith the password {}\nThis is shown once; change it under your name in the menu.\n",
            admin.username,
            admin.password.expose()
        );
    }
    if let Some(keys) = keys {
        let _ = write!(
            text,
            "\nRecordings go to the provider \"{PROVIDER}\" (a folder here), from agents that use the account \"{ACCOUNT}\":\n\
             \x20 access key  {}\n  secret key  {}\n  URI         {url}/api\n\nTo see a first recording, send one as an agent does, an MP4 of yours if there is no other:\n\n{}\n",
            keys.access_key,
            keys.secret_key,
            sample_upload(url, keys)
        );
    }
    text
}

/// A curl command that uploads a recording, ready to paste into a shell.
fn sample_upload(url: &str, keys: &KeyPair) -> String {
    // Of a file that is missing, --data-binary would send nothing, which is answered 200 as an empty file is.
    let body = if Path::new(SAMPLE).is_file() {
        format!("--data-binary @{SAMPLE}")
    } else {
        "--request POST --upload-file recording.mp4".to_owned()
    };
    let name = format!("{}_6-967003_FrontDoor_200-200-400-400_24_769.mp4", Clock::default().now_ms() / 1000);
    let headers = [
        ("AccessKey", keys.access_key.as_str()),
        ("SecretAccessKey", keys.secret_key.as_str()),
        ("Directory", "demo"),
        ("FileName", &name),
        ("Device", "front-door"),
        ("Capture", "IPCamera"),
    ];
    let headers =
        headers.map(|(name, value)| format!("  -H {} \\\n", quoted(&format!("X-Kerberos-Storage-{name}: {value}"))));
    format!(
        "curl --fail-with-body -H 'Content-Type: video/mp4' \\\n{}  {body} {}",
        headers.concat(),
        quoted(&format!("{url}/api/storage"))
    )
}

/// Quotes a text for POSIX shells.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_survives_any_key() {
        let keys = KeyPair { access_key: "XJoi2@bgSOvOYBy#".into(), secret_key: "it's $HOME\\`x`!".into() };
        let command = sample_upload("http://127.0.0.1:8080", &keys);
        assert!(command.contains("-H 'X-Kerberos-Storage-AccessKey: XJoi2@bgSOvOYBy#' \\"));
        assert!(command.contains(r"-H 'X-Kerberos-Storage-SecretAccessKey: it'\''s $HOME\`x`!' \"));
        assert!(command.ends_with("recording.mp4 'http://127.0.0.1:8080/api/storage'"));
    }

    #[test]
    fn later_starts_say_little() {
        assert_eq!(greeting("http://x", None, None), "Kerberos Vault is running at http://x\n");
    }
}
