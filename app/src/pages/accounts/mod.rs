//! Accounts: whose credentials agents use.

mod credentials;
pub mod delete;
mod details;
pub mod editor;
pub mod keys;
pub mod list;

pub use delete::DeleteAccountDialog;
pub use editor::AccountDialog;
pub use keys::KeysDialog;
pub use list::AccountsPage;

use crate::api::accounts::{DeleteAccount, SaveAccount};
use leptos::prelude::*;
use leptos_router::params::ParamsMap;

const LIST: &str = "/accounts";

/// What changes the list; lives with the page, so that the list reloads when a dialog is gone.
#[derive(Clone, Copy)]
struct Changes {
    save: ServerAction<SaveAccount>,
    delete: ServerAction<DeleteAccount>,
}

fn id_of(params: &ParamsMap) -> i64 {
    params.get("id").and_then(|id| id.parse().ok()).unwrap_or_default()
}
