//! Accounts and their keys.

#![expect(
    missing_docs,
    reason = "a server function's arguments become the fields of a struct; the function says what they are"
)]

use super::AppError;
pub use super::account_form::{AccountEditor, AccountInput, AgentSettings, Choice};
use leptos::prelude::*;
use model::account::{AccountView, KeyPair, LeavingView};

#[cfg(feature = "ssr")]
use super::server;
#[cfg(feature = "ssr")]
use model::account::fields::SECRET_KEY;
#[cfg(feature = "ssr")]
use model::account::{Leavings, parse_day_limit};
#[cfg(feature = "ssr")]
use model::connection::Family;
#[cfg(feature = "ssr")]
use model::field::FieldError;
#[cfg(feature = "ssr")]
use serde::{Deserialize, Serialize};

/// Days a new account keeps recordings.
#[cfg(feature = "ssr")]
const DAY_LIMIT: &str = "30";

/// The account whose secret key may be shown, and until when.
#[cfg(feature = "ssr")]
#[derive(Serialize, Deserialize)]
struct Shown {
    account: i64,
    until_s: u64,
}

#[cfg(feature = "ssr")]
const SHOWN: &str = "shown_secret";
/// How long a page that shows a secret key can be reloaded.
#[cfg(feature = "ssr")]
const SHOWN_FOR_S: u64 = 300;

#[cfg(feature = "ssr")]
#[derive(Serialize, Deserialize)]
struct Draft {
    input: AccountInput,
    errors: Vec<FieldError>,
}

#[cfg(feature = "ssr")]
const DRAFT: &str = "account_draft";
#[cfg(feature = "ssr")]
const SECRET_NOT_KEPT: &str =
    "Secret key must be entered again: it is not kept while a form is being corrected. Or generate new keys";

/// Every account.
#[server(prefix = "/api/fn", endpoint = "list_accounts")]
pub async fn list_accounts() -> Result<Vec<AccountView>, AppError> {
    let admin = server::require_admin().await?;
    admin.vault.accounts.list().await.map_err(server::refuse)
}

/// What the dialog shows: a stored account, or a new one with fresh keys. `draft` restores the last submission of a
/// plain form; `keys` asks for fresh keys.
#[server(prefix = "/api/fn", endpoint = "edit_account")]
pub async fn edit_account(
    #[server(default)] id: Option<i64>,
    #[server(default)] draft: bool,
    #[server(default)] keys: bool,
) -> Result<AccountEditor, AppError> {
    let admin = server::require_admin().await?;
    let vault = admin.vault;
    let (mut input, provisioned) = match id {
        Some(id) => {
            let view = vault.accounts.get(id).await.map_err(server::refuse)?;
            (AccountInput::of_view(&view), view.provisioned)
        }
        None => (
            AccountInput {
                enabled: true,
                directory: "*".into(),
                exclusive: true,
                day_limit: DAY_LIMIT.into(),
                cloud_analysis: true,
                ..Default::default()
            },
            false,
        ),
    };
    let mut errors = Vec::new();
    let kept = if draft { server::load::<Draft>(DRAFT).await? } else { None };
    let kept = kept.filter(|kept| kept.input.id == input.id);
    // What was typed stays, including keys.
    let fresh = keys || (id.is_none() && kept.is_none());
    if let Some(kept) = kept {
        (input, errors) = (kept.input, kept.errors);
    }
    if fresh {
        let fresh = vault.accounts.generate_keys();
        (input.access_key, input.secret_key) = (fresh.access_key, fresh.secret_key);
    }
    let providers = choices(&vault, Family::Provider).await?;
    if input.provider.is_empty()
        && let [only] = providers.as_slice()
    {
        input.provider.clone_from(&only.name);
    }
    let integrations = choices(&vault, Family::Integration).await?;
    Ok(AccountEditor { input, providers, integrations, provisioned, errors })
}

/// Adds or changes an account. The keys of a new one are shown next.
#[server(prefix = "/api/fn", endpoint = "save_account")]
pub async fn save_account(account: AccountInput) -> Result<(), AppError> {
    let admin = server::require_admin_in_place().await?;
    // What says no version was not opened here.
    let saw = (!account.id.is_empty()).then(|| account.version.parse().unwrap_or_default());
    let saved = match account.parse() {
        Ok(form) => {
            admin.vault.accounts.save_unless_changed(&admin.principal(), form, saw).await.map_err(server::refuse)
        }
        Err(error) => Err(error),
    };
    match saved {
        Ok(id) if account.id.is_empty() => {
            show_secret_of(&admin, id).await?;
            leptos_axum::redirect(&format!("/accounts/{id}/keys?done=added"));
        }
        Ok(_) => leptos_axum::redirect("/accounts?done=saved"),
        Err(error) => show_again(account, error).await?,
    }
    Ok(())
}

/// Deletes an account. Its recordings are kept (`leavings` is `keep`), go when they are so many `days` old (`days`), or go now (`now`).
#[server(prefix = "/api/fn", endpoint = "delete_account")]
pub async fn delete_account(id: i64, leavings: String, #[server(default)] days: String) -> Result<(), AppError> {
    let admin = server::require_admin().await?;
    let leavings = match leavings.as_str() {
        "days" => match parse_day_limit(&days) {
            Ok(days) if days > 0 => Leavings::Days(days),
            _ => return Err(AppError::message("Say after how many days its recordings go: a number from 1 to 36500.")),
        },
        "now" => Leavings::Days(0),
        "keep" => Leavings::Keep,
        _ => return Err(AppError::message("Say what becomes of the account's recordings.")),
    };
    admin.vault.accounts.delete(&admin.principal(), id, leavings).await.map_err(server::refuse)?;
    leptos_axum::redirect("/accounts?done=deleted");
    Ok(())
}

/// Deleted accounts whose recordings are to go.
#[server(prefix = "/api/fn", endpoint = "list_leavings")]
pub async fn list_leavings() -> Result<Vec<LeavingView>, AppError> {
    let admin = server::require_admin().await?;
    admin.vault.accounts.leavings().await.map_err(server::refuse)
}

/// Ends every signed URL of an account's recordings that the vault has given out. A declared account's too: nothing of what
/// is declared changes.
#[server(prefix = "/api/fn", endpoint = "revoke_signed_urls")]
pub async fn revoke_signed_urls(id: i64) -> Result<(), AppError> {
    let admin = server::require_admin().await?;
    admin.vault.signed_urls.revoke(&admin.principal(), id).await.map_err(server::refuse)?;
    leptos_axum::redirect("/accounts?done=revoked");
    Ok(())
}

/// A fresh pair of keys; nothing is stored. A plain form gets its page back with the keys filled in.
#[server(prefix = "/api/fn", endpoint = "generate_keys")]
pub async fn generate_keys(#[server(default)] account: AccountInput) -> Result<KeyPair, AppError> {
    let admin = server::require_admin().await?;
    if server::is_plain_form() {
        let page = keep_draft(account, Vec::new()).await?;
        leptos_axum::redirect(&format!("{page}&keys=true"));
    }
    Ok(admin.vault.accounts.generate_keys())
}

/// What to enter in an agent, with the secret key if it was just generated or revealed.
#[server(prefix = "/api/fn", endpoint = "read_agent_settings")]
pub async fn read_agent_settings(id: i64) -> Result<AgentSettings, AppError> {
    let admin = server::require_admin().await?;
    let accounts = &admin.vault.accounts;
    let account = accounts.get(id).await.map_err(server::refuse)?;
    let shown = server::load::<Shown>(SHOWN).await?.is_some_and(|s| s.account == id && s.until_s > now_s(&admin.vault));
    let secret_key = if shown {
        Some(accounts.reveal(&admin.principal(), id).await.map_err(server::refuse)?.secret_key)
    } else {
        None
    };
    let base_url = use_context::<server::BaseUrl>().map(|base| base.0).unwrap_or_default();
    Ok(AgentSettings { account, secret_key, base_url })
}

/// Shows an account's secret key for a few minutes, which the audit log records.
#[server(prefix = "/api/fn", endpoint = "reveal_secret")]
pub async fn reveal_secret(id: i64) -> Result<(), AppError> {
    let admin = server::require_admin().await?;
    admin.vault.accounts.get(id).await.map_err(server::refuse)?;
    show_secret_of(&admin, id).await?;
    leptos_axum::redirect(&format!("/accounts/{id}/keys"));
    Ok(())
}

#[cfg(feature = "ssr")]
async fn show_secret_of(admin: &server::Admin, account: i64) -> Result<(), AppError> {
    server::keep(SHOWN, &Shown { account, until_s: now_s(&admin.vault) + SHOWN_FOR_S }).await
}

#[cfg(feature = "ssr")]
fn now_s(vault: &vault::Vault) -> u64 {
    u64::try_from(vault.clock().now_ms() / 1000).unwrap_or_default()
}

#[cfg(feature = "ssr")]
async fn choices(vault: &vault::Vault, family: Family) -> Result<Vec<Choice>, AppError> {
    let connections = vault.connections.list(family).await.map_err(server::refuse)?;
    let label = |kind: &str| family.kind(kind).map_or_else(String::new, |k| k.label.to_owned());
    Ok(connections.into_iter().map(|c| Choice { kind: label(&c.kind), name: c.name, enabled: c.enabled }).collect())
}

/// A plain form gets its page back, filled in; scripts get the error.
#[cfg(feature = "ssr")]
async fn show_again(input: AccountInput, error: AppError) -> Result<(), AppError> {
    if !server::is_plain_form() {
        return Err(error);
    }
    let mut errors = error.into_fields();
    if !input.secret_key.is_empty() && !errors.iter().any(|e| e.field == SECRET_KEY.name) {
        errors.push(SECRET_KEY.error(SECRET_NOT_KEPT));
    }
    let page = keep_draft(input, errors).await?;
    leptos_axum::redirect(&page);
    Ok(())
}

/// Keeps what a plain form submitted, except the secret key: the page that shows it again must not hold it. Returns the URL of the page
/// that shows it again.
#[cfg(feature = "ssr")]
async fn keep_draft(mut input: AccountInput, errors: Vec<FieldError>) -> Result<String, AppError> {
    let page = if input.id.is_empty() { "/accounts/new".into() } else { format!("/accounts/{}", input.id) };
    input.secret_key.clear();
    server::keep(DRAFT, &Draft { input, errors }).await?;
    Ok(format!("{page}?draft=true"))
}
