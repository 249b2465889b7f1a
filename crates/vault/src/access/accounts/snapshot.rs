//! Recognising credentials, against all accounts in memory.

use super::account::Proof;
use super::directories::Claims;
use super::{Account, Accounts};
use crate::base::Result;
use crate::base::damaged::Damage;
use crate::base::entity::{account, account_integration, account_provider, account_secondary, connection};
use crate::base::keys::mac;
use model::Secret;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};
use std::collections::{HashMap, HashSet};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use subtle::ConstantTimeEq as _;

/// How long changes by other replicas may go unnoticed, in milliseconds.
const SNAPSHOT_MS: i64 = 3_000;

pub(super) struct Snapshot {
    taken_at: i64,
    connections_version: u64,
    version: u64,
    by_access_key: HashMap<String, Known>,
}

/// An account, or the damage because of which it is left out.
struct Known {
    account: std::result::Result<Account, Damage>,
    /// Expected fingerprint of the secret key. Without one (damaged), whoever has the access key learns of the damage.
    expected: Option<[u8; 32]>,
}

impl Snapshot {
    /// Whether no account is left out. A damaged row may be mended without the vault noticing.
    fn is_whole(&self) -> bool {
        self.by_access_key.values().all(|known| known.account.is_ok())
    }
}

impl Accounts {
    /// The account with these credentials; `None` when either is wrong, in the same time.
    pub async fn authenticate(&self, access_key: &str, secret_key: &Secret) -> Result<Option<Account>> {
        self.recognise(access_key, &self.fingerprint(secret_key)).await
    }

    /// An account as it is now; `None` when it is gone, or its keys are no longer those it was authenticated with.
    pub(crate) async fn again(&self, account: &Account) -> Result<Option<Account>> {
        let now = self.recognise(&account.proof.access_key, &account.proof.fingerprint).await?;
        Ok(now.filter(|now| now.id == account.id))
    }

    /// Whether at most one account may upload. Asked of memory: whoever is refused asks again and again.
    pub(crate) async fn is_only_one_enabled(&self) -> Result<bool> {
        let snapshot = self.snapshot().await?;
        let enabled = snapshot.by_access_key.values().filter(|known| known.account.as_ref().is_ok_and(|a| a.enabled));
        Ok(enabled.count() <= 1)
    }

    async fn recognise(&self, access_key: &str, given: &[u8; 32]) -> Result<Option<Account>> {
        let snapshot = self.snapshot().await?;
        let found = snapshot.by_access_key.get(access_key);
        let expected = found.map_or(Some([0; 32]), |known| known.expected);
        let genuine: bool = expected.is_none_or(|expected| given.ct_eq(&expected).into());
        match found.filter(|_| genuine) {
            None => Ok(None),
            Some(known) => Ok(Some(known.account.clone()?)),
        }
    }

    /// What may be kept of a secret: its MAC under a key of this process.
    pub fn fingerprint(&self, secret_key: &Secret) -> [u8; 32] {
        mac(&self.comparing, secret_key.expose().as_bytes())
    }

    async fn snapshot(&self) -> Result<Arc<Snapshot>> {
        let now = self.db.now_ms();
        let connections_version = *self.connections_changed.borrow();
        let version = self.version.load(Ordering::SeqCst);
        let current = self.snapshot.read().unwrap_or_else(PoisonError::into_inner).clone();
        let fresh = |s: &Arc<Snapshot>| {
            s.connections_version == connections_version
                && s.version == version
                && ((!self.db.is_shared() && s.is_whole()) || now - s.taken_at < SNAPSHOT_MS)
        };
        if let Some(snapshot) = current.filter(fresh) {
            return Ok(snapshot);
        }
        let links = account_integration::Entity::find().all(self.db.read()).await?;
        let secondaries = account_secondary::Entity::find().all(self.db.read()).await?;
        let others = account_provider::Entity::find().all(self.db.read()).await?;
        let enabled: HashSet<i64> = connection::Entity::find()
            .filter(connection::Column::Enabled.eq(true))
            .all(self.db.read())
            .await?
            .into_iter()
            .map(|c| c.id)
            .collect();
        let copies_of = |id: i64| secondaries.iter().filter(move |s| s.account_id == id).map(|s| s.provider_id);
        let others_of = |id: i64| others.iter().filter(move |o| o.account_id == id).map(|o| o.provider_id);
        let of_account = |id: i64| links.iter().filter(move |l| l.account_id == id).map(|l| l.integration_id);
        let mut by_access_key = HashMap::new();
        let rows = account::Entity::find().all(self.db.read()).await?;
        let claims = Arc::new(Claims::of(&rows));
        for row in rows {
            let secret = row.read_secret_key(&self.keys);
            let expected = secret.as_ref().ok().map(|secret| self.fingerprint(secret));
            let sound = secret.and_then(|_| row.read_directory());
            let fingerprint = expected.unwrap_or_default();
            let account = sound.map(|directory| Account {
                id: row.id,
                proof: Proof { access_key: row.access_key.clone(), fingerprint },
                name: row.name,
                enabled: row.enabled,
                provider_id: row.provider_id,
                directory,
                other_ids: others_of(row.id).collect(),
                claims: claims.clone(),
                secondary_ids: copies_of(row.id).collect(),
                integrations: of_account(row.id).filter(|id| enabled.contains(id)).collect(),
                cloud_analysis: row.cloud_analysis,
            });
            by_access_key.insert(row.access_key, Known { account: self.db.damaged_rows().reported(account), expected });
        }
        let snapshot = Arc::new(Snapshot { taken_at: now, connections_version, version, by_access_key });
        *self.snapshot.write().unwrap_or_else(PoisonError::into_inner) = Some(snapshot.clone());
        Ok(snapshot)
    }

    pub(crate) fn forget_snapshot(&self) {
        self.version.fetch_add(1, Ordering::SeqCst);
    }
}
