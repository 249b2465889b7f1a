//! URLs signed by the vault: each reads one recording without credentials until it expires, the recording is replaced or
//! deleted, or its account gets other keys, is disabled or deleted.

use crate::base::db::Db;
use crate::base::entity::{account, recording};
use crate::base::keys::Keys;
use crate::base::{Principal, Result};
use sea_orm::EntityTrait as _;
use std::sync::Arc;
use subtle::ConstantTimeEq as _;

/// Signs and verifies such URLs.
#[derive(Clone)]
pub struct SignedUrls {
    db: Db,
    keys: Arc<Keys>,
}

impl SignedUrls {
    pub(crate) fn new(db: Db, keys: Arc<Keys>) -> Self {
        Self { db, keys }
    }

    /// The query string that gives access to a recording until `expires_at_s` (Unix seconds).
    pub(crate) async fn sign(&self, recording_id: i64, expires_at_s: i64) -> Result<String> {
        let signature = hex::encode(self.signature(recording_id, expires_at_s).await?.0);
        Ok(format!("id={recording_id}&expires={expires_at_s}&signature={signature}"))
    }

    /// Whether this moment (Unix seconds) has passed.
    pub fn has_expired(&self, expires_at_s: i64) -> bool {
        self.db.now_ms() / 1000 > expires_at_s
    }

    /// Whoever has this URL, if the signature is ours and still valid. A forged one learns nothing, not even whether there is
    /// such a recording.
    pub async fn verify(&self, recording_id: i64, expires_at_s: i64, signature: &str) -> Result<Option<Principal>> {
        let (expected, valid) = self.signature(recording_id, expires_at_s).await?;
        let genuine: bool = hex::encode(expected).as_bytes().ct_eq(signature.as_bytes()).into();
        let valid = genuine && valid && !self.has_expired(expires_at_s);
        Ok(valid.then_some(Principal::SignedUrl { recording_id }))
    }

    /// The signature, and whether there is something to read with it.
    async fn signature(&self, recording_id: i64, expires_at_s: i64) -> Result<([u8; 32], bool)> {
        let found = recording::Entity::find_by_id(recording_id).one(self.db.read()).await?;
        let owner = match &found {
            Some(found) => account::Entity::find_by_id(found.account_id).one(self.db.read()).await?,
            None => None,
        };
        let enabled = owner.as_ref().is_some_and(|owner| owner.enabled);
        let (content, owner) = (found.map(|found| found.sha256).unwrap_or_default(), self.proof_of(owner)?);
        let text = format!("recording {recording_id} until {expires_at_s} with {content} of {owner}");
        Ok((self.keys.sign_link(&text), enabled))
    }

    /// What changes with an account's keys.
    fn proof_of(&self, owner: Option<account::Model>) -> Result<String> {
        let Some(owner) = owner else { return Ok(String::new()) };
        let secret = self.db.damaged_rows().or_error(owner.read_secret_key(&self.keys))?;
        Ok(hex::encode(self.keys.sign_link(&format!("account {} {} {}", owner.id, owner.access_key, secret.expose()))))
    }
}
