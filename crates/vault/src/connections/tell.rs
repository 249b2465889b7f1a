//! Notices about providers' places.

use super::place::BACK;
use super::{Connections, OpenStore};
use crate::base::entity::connection;
use crate::base::{Result, VaultError};
use crate::host::notices::Notice;
use model::ObjectKey;
use model::error::{StoreError, StoreErrorKind};
use sea_orm::EntityTrait as _;
use std::collections::HashMap;

/// A provider does not answer, or refuses the vault.
const AWAY: &str = "provider-away";
/// Several providers are one place.
const ONE_PLACE: &str = "one-place";
/// A provider is another place than it was.
const OTHER_PLACE: &str = "other-place";
/// A provider's folder holds something of the vault's own.
const OWN_GROUND: &str = "folder-of-the-vault";
/// A provider's folder lies in another's, or another's in it.
const NESTED: &str = "folder-in-a-folder";
/// What was moved to a provider was later missing there.
const MOVED_AND_MISSING: &str = "moved-and-missing";
/// Something lies at a provider that the vault has not stored.
const FOREIGN: &str = "foreign-object";
/// A provider does not have what it reported as stored.
const MISMATCH: &str = "store-mismatch";

impl Connections {
    /// Raises a notice for every place with several providers; clears those of places that have just one.
    pub(crate) async fn tell_of_shared_places(&self) -> Result<()> {
        let groups = self.shared_places.all().await?;
        let told = self.notices.list().await?.into_iter().filter(|notice| notice.code == ONE_PLACE);
        for old in told.filter(|notice| !groups.contains_key(&notice.subject)) {
            self.notices.clear(ONE_PLACE, &old.subject).await;
        }
        if groups.is_empty() {
            return Ok(());
        }
        let rows = connection::Entity::find().all(self.db.read()).await?;
        let names: HashMap<i64, String> = rows.into_iter().map(|row| (row.id, row.name)).collect();
        for (place, providers) in groups {
            let names: Vec<&str> = providers.iter().filter_map(|id| names.get(id)).map(String::as_str).collect();
            let notice = Notice {
                code: ONE_PLACE,
                subject: place,
                text: format!(
                    "The storage providers {} are one place: what is stored by one is there for the others too. Nothing is \
                     moved or copied between them.",
                    names.join(" and ")
                ),
                cure:
                    "Nothing is lost meanwhile. Keep one of them: give it all accounts, move what the others hold to a \
                       third provider, and delete them. If one is a copy of the other, delete the object .vault-place/id in the copy."
                        .into(),
                dismissible: true,
            };
            self.notices.raise(notice).await;
        }
        Ok(())
    }

    /// A provider does not answer, or refuses the vault; or no longer.
    pub(super) async fn tell_away(&self, provider: &connection::Model, error: Option<&VaultError>) {
        use StoreErrorKind::{Denied, Full, Unavailable};
        let subject = provider.id.to_string();
        let Some(VaultError::Store(error)) = error.filter(|_| provider.enabled) else {
            return self.notices.clear(AWAY, &subject).await;
        };
        let told = self.notices.list().await.unwrap_or_default();
        let known =
            told.iter().any(|notice| matches!(&*notice.code, OTHER_PLACE | OWN_GROUND) && notice.subject == subject);
        if known || !matches!(error.kind, Denied | Full | Unavailable) {
            return self.notices.clear(AWAY, &subject).await;
        }
        let notice = Notice {
            code: AWAY,
            subject,
            text: format!("{} cannot be used: {error} Its cameras keep their recordings until it can.", provider.name),
            cure: "Validate it under Storage providers, which tries each step. If it is a folder, see that its disk is mounted and \
                   may be written to."
                .into(),
            dismissible: true,
        };
        self.notices.raise(notice).await;
    }

    /// A provider is not where its recordings are.
    pub(crate) async fn tell_elsewhere(&self, provider: &OpenStore, reason: &str) {
        let notice = Notice {
            code: OTHER_PLACE,
            subject: provider.id.to_string(),
            text: format!("{}: {reason} Nothing is stored there until it is the place it was.", provider.name),
            cure: BACK.into(),
            dismissible: false,
        };
        self.notices.raise(notice).await;
    }

    /// A provider's folder holds something of the vault's own.
    pub(super) async fn tell_own_ground(&self, provider: &OpenStore, why: &str) {
        let notice = Notice {
            code: OWN_GROUND,
            subject: provider.id.to_string(),
            text: format!("{}: {why} An agent could overwrite it, so nothing is stored there.", provider.name),
            cure:
                "Give the provider a folder that only recordings are in, or the vault another data folder; then move \
                   the recordings along."
                    .into(),
            dismissible: false,
        };
        self.notices.raise(notice).await;
    }

    /// A provider's folder lies in another's, or another's in it; or no longer.
    pub(super) async fn tell_nested(&self, provider: &OpenStore, why: Option<VaultError>) {
        let subject = provider.id.to_string();
        let Some(why) = why else { return self.notices.clear(NESTED, &subject).await };
        let notice = Notice {
            code: NESTED,
            subject,
            text: format!("{}: {why} What one account stores there, another could replace.", provider.name),
            cure: "Give each provider a folder of its own, and move the recordings along.".into(),
            dismissible: true,
        };
        self.notices.raise(notice).await;
    }

    /// It is where it was again, or no longer exists.
    pub(crate) async fn forget_elsewhere(&self, provider_id: i64) {
        self.notices.clear(OTHER_PLACE, &provider_id.to_string()).await;
        self.notices.clear(OWN_GROUND, &provider_id.to_string()).await;
    }

    /// For `Unconfirmed` errors: a provider reported success for something other than what it was sent.
    pub(crate) async fn tell_unconfirmed(&self, provider: &str, key: &ObjectKey, error: &StoreError) {
        if error.kind == StoreErrorKind::Unconfirmed {
            self.tell_mismatch(provider, key, &error.message).await;
        }
    }

    /// A provider does not have what was sent.
    pub(crate) async fn tell_mismatch(&self, provider: &str, key: &ObjectKey, reason: &str) {
        tracing::error!(provider, %key, reason, "a provider does not have what it was sent");
        let notice = Notice {
            code: MISMATCH,
            subject: provider.to_owned(),
            text: format!("{provider} does not have what it was sent, last for {key}. {reason}"),
            cure:
                "Look for a proxy that changes what passes, and for damage at the store; then validate the provider. \
                   The log names the recordings."
                    .into(),
            dismissible: true,
        };
        self.notices.raise(notice).await;
    }

    /// Something lies at a key that the vault has not stored, so that a recording cannot.
    pub(crate) async fn tell_foreign(&self, provider: &str, key: &ObjectKey) {
        tracing::error!(provider, %key, "something that the vault has not stored lies where a recording belongs");
        let notice = Notice {
            code: FOREIGN,
            subject: provider.to_owned(),
            text: format!(
                "Something that this vault has not stored lies at {provider} where a recording belongs, last under {key}. It \
                 is left as it is, and the recording is refused."
            ),
            cure: "See what it is, and who stores there: another program, or another vault. Take it away, or give the \
                   account another directory. The log names the keys."
                .into(),
            dismissible: true,
        };
        self.notices.raise(notice).await;
    }

    /// A provider has what it was sent.
    pub(crate) async fn forget_mismatch(&self, provider: &str) {
        self.notices.clear(MISMATCH, provider).await;
    }

    /// A recording that was moved is missing at its new place; the old object is kept.
    pub(crate) async fn tell_missing(&self, key: &ObjectKey, now_at: i64, old: &OpenStore) -> Result<()> {
        let new = self.store(now_at).await?;
        tracing::error!(%key, from = old.name, to = new.name, "a recording that was moved is not there any more");
        let notice = Notice {
            code: MOVED_AND_MISSING,
            subject: new.id.to_string(),
            text: format!(
                "Recordings that were moved from {0} to {1} were not there ten minutes later. The old objects are kept at \
                 {0} as copies, and read.",
                old.name, new.name
            ),
            cure: format!("See whether something deletes objects at {}. The log names the recordings.", new.name),
            dismissible: true,
        };
        self.notices.raise(notice).await;
        Ok(())
    }
}
