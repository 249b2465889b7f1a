//! Whether the master key fits the database.

use crate::base::db::Db;
use crate::base::entity::{account, connection};
use crate::base::keys::Keys;
use crate::base::{Result, VaultError};
use sea_orm::EntityTrait as _;

/// Fails if the master key is not the one that this database's secrets were sealed with. One secret that opens proves
/// that it is; any that do not are damaged then.
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
