//! Accounts: whose credentials agents use.

mod credentials;
pub mod delete;
mod details;
pub mod editor;
mod field;
pub mod keys;
pub mod list;
pub mod revoke;

pub use delete::DeleteAccountDialog;
pub use editor::AccountDialog;
pub use keys::KeysDialog;
pub use list::AccountsPage;
pub use revoke::RevokeUrlsDialog;

use crate::api::accounts::{DeleteAccount, RevokeSignedUrls, SaveAccount};
use leptos::prelude::*;

const LIST: &str = "/accounts";

/// What changes the list; lives with the page, so that the list reloads when a dialog is gone.
#[derive(Clone, Copy)]
struct Changes {
    save: ServerAction<SaveAccount>,
    delete: ServerAction<DeleteAccount>,
    revoke: ServerAction<RevokeSignedUrls>,
}
