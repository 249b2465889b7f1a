//! Whether the master key is this database's.

use crate::base::db::Db;
use crate::base::entity::{account, connection};
use crate::base::keys::Keys;
use crate::base::{Result, VaultError};
use sea_orm::EntityTrait as _;

/// Fails when the master key is not the one this database's secrets were sealed with. One that opens is proof that it
/// is; then whatever does not is damaged.
pub(crate) async fn check(db: &Db, keys: &Keys) -> Result<()> {
    let settings = connection::Entity::find().all(db.read()).await?;
    let secrets = account::Entity::find().all(db.read()).await?;
    let settings = settings.iter().map(|row| (connection::Model::sealed_in(row.id), &row.settings));
    let mut sealed =
        settings.chain(secrets.iter().map(|row| (account::Model::sealed_in(row.id), &row.secret_key))).peekable();
    let nothing = sealed.peek().is_none();
    if nothing || sealed.any(|(row, value)| keys.open(&row, value).is_ok()) {
        return Ok(());
    }
    Err(VaultError::Sealed)
}
