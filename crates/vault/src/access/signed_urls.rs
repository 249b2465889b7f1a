//! URLs signed by the vault: each reads one recording without credentials until it expires, the recording is replaced or
//! deleted, or its account gets other keys, is disabled or deleted, or has its URLs revoked (docs/protocol.md §7).
//!
//! The signature has two halves. The first proves that the vault wrote the address: without it nothing is looked up, so
//! that nobody learns by trying which recordings there are. The second covers what may end before the address expires.

use crate::base::db::Db;
use crate::base::entity::{account, recording};
use crate::base::keys::Keys;
use crate::base::{Permission, Principal, Result, VaultError, audit};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait as _, EntityTrait as _, ExprTrait as _, QueryFilter as _, QuerySelect as _};
use std::sync::Arc;
use subtle::ConstantTimeEq as _;

/// Everything but what may stand in a query as it is.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// Bytes of each half of a signature.
const HALF: usize = 16;

/// What a signed URL says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedUrl {
    /// The account's name when it was signed. Like the provider's for people: neither need have it any longer.
    pub account: String,
    /// The provider's name when it was signed.
    pub provider: String,
    /// Full key.
    pub key: String,
    /// Unix seconds.
    pub expires_at_s: i64,
    /// Hexadecimal.
    pub signature: String,
}

/// What has come of a signed URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It reads this recording.
    Valid {
        /// Whoever has the URL.
        principal: Principal,
        /// Row id.
        recording_id: i64,
    },
    /// The vault signed it, and its time has passed.
    Expired,
    /// It is not the vault's, or something else has ended it: nobody is told which.
    Invalid,
}

/// A recording, as far as it is signed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Signed<'a> {
    pub(crate) id: i64,
    pub(crate) key: &'a str,
    pub(crate) sha256: &'a str,
    /// When it was stored, Unix milliseconds: a recording that is replaced, and replaced again by what it was, is another.
    pub(crate) stored_at: i64,
}

/// Signs and verifies such URLs.
#[derive(Clone)]
pub struct SignedUrls {
    db: Db,
    keys: Arc<Keys>,
}

/// Signs for one account.
pub(crate) struct Signer {
    keys: Arc<Keys>,
    account: String,
    proof: String,
}

impl SignedUrls {
    pub(crate) fn new(db: Db, keys: Arc<Keys>) -> Self {
        Self { db, keys }
    }

    /// Signs for an account, as it is now.
    pub(crate) async fn signer(&self, account_id: i64) -> Result<Signer> {
        let owner = account::Entity::find_by_id(account_id).one(self.db.read()).await?;
        let owner = owner.ok_or(VaultError::NotFound("account"))?;
        Ok(Signer { keys: self.keys.clone(), proof: self.proof_of(&owner)?, account: owner.name })
    }

    /// What has come of a URL. Whoever made one up learns nothing, not even whether there is such a recording.
    pub async fn verify(&self, url: &SignedUrl) -> Result<Verdict> {
        let Some((written, ends)) = url.signature.split_at_checked(2 * HALF) else { return Ok(Verdict::Invalid) };
        let text = url.text();
        if !is_same(&first_half(&self.keys, &text), written) {
            return Ok(Verdict::Invalid);
        }
        if self.db.now_ms() / 1000 > url.expires_at_s {
            return Ok(Verdict::Expired);
        }
        let rows: Vec<(i64, i64, String, i64)> = recording::Entity::find()
            .select_only()
            .columns([
                recording::Column::Id,
                recording::Column::AccountId,
                recording::Column::Sha256,
                recording::Column::UploadedAt,
            ])
            .filter(recording::under([url.key.as_str()]))
            .into_tuple()
            .all(self.db.read())
            .await?;
        for (id, account_id, sha256, stored_at) in rows {
            let owner = account::Entity::find_by_id(account_id).one(self.db.read()).await?;
            let Some(owner) = owner.filter(|owner| owner.enabled) else { continue };
            if is_same(
                &second_half(
                    &self.keys,
                    &text,
                    Signed { id, key: &url.key, sha256: &sha256, stored_at },
                    &self.proof_of(&owner)?,
                ),
                ends,
            ) {
                return Ok(Verdict::Valid { principal: Principal::SignedUrl { recording_id: id }, recording_id: id });
            }
        }
        Ok(Verdict::Invalid)
    }

    /// Ends all URLs of an account that the vault has signed until now.
    pub async fn revoke(&self, principal: &Principal, account_id: i64) -> Result<()> {
        let principal = principal.clone();
        let revocation = self.db.write(move |tx| {
            Box::pin(async move {
                let owner = account::Entity::find_by_id(account_id).one(tx).await?;
                let owner = owner.ok_or(VaultError::NotFound("account"))?;
                account::Entity::update_many()
                    .col_expr(account::Column::UrlsRevoked, Expr::col(account::Column::UrlsRevoked).add(1))
                    .filter(account::Column::Id.eq(account_id))
                    .exec(tx)
                    .await?;
                audit::record(tx, &principal, Permission::Manage, "revoked signed URLs", &owner.name).await
            })
        });
        revocation.await
    }

    /// What changes with an account's keys, and when its URLs are revoked.
    fn proof_of(&self, owner: &account::Model) -> Result<String> {
        let secret = self.db.damaged_rows().or_error(owner.read_secret_key(&self.keys))?;
        let account::Model { id, access_key, urls_revoked, .. } = owner;
        let text = format!("account\n{id}\n{urls_revoked}\n{access_key}\n{}", secret.expose());
        Ok(hex::encode(self.keys.sign_link(&text)))
    }
}

impl Signer {
    /// The query string that reads a recording until `expires_at_s` (Unix seconds). `provider` is the name of where it lies.
    pub(crate) fn query(&self, recording: Signed<'_>, provider: &str, expires_at_s: i64) -> String {
        let mut url = SignedUrl {
            account: self.account.clone(),
            provider: provider.to_owned(),
            key: recording.key.to_owned(),
            expires_at_s,
            signature: String::new(),
        };
        let text = url.text();
        url.signature = first_half(&self.keys, &text);
        url.signature += &second_half(&self.keys, &text, recording, &self.proof);
        url.query()
    }
}

impl SignedUrl {
    /// What is signed of it. No name and no key has a line break in it, so no other URL has the same text.
    fn text(&self) -> String {
        format!("URL\n{}\n{}\n{}\n{}", self.account, self.provider, self.key, self.expires_at_s)
    }

    fn query(&self) -> String {
        let escaped = |text| utf8_percent_encode(text, ESCAPED);
        format!(
            "a={}&p={}&f={}&e={}&s={}",
            escaped(&self.account),
            escaped(&self.provider),
            escaped(&self.key),
            self.expires_at_s,
            self.signature
        )
    }
}

/// Proves that the vault wrote a URL.
fn first_half(keys: &Keys, text: &str) -> String {
    hex::encode(&keys.sign_link(text)[..HALF])
}

/// Proves that what it was written for is as it was. The row's id goes along: what was deleted is not played when it is
/// stored again.
fn second_half(keys: &Keys, text: &str, recording: Signed<'_>, account: &str) -> String {
    let Signed { id, sha256, stored_at, .. } = recording;
    hex::encode(&keys.sign_link(&format!("recording {id}\n{sha256}\n{stored_at}\n{account}\n{text}"))[..HALF])
}

fn is_same(expected: &str, given: &str) -> bool {
    expected.as_bytes().ct_eq(given.as_bytes()).into()
}
