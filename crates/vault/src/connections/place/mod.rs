//! Whether a provider is still the place it was, and whether another provider is there too (ADR 0012).
//!
//! A place shows its mark to every provider that leads there, by whatever address or path. So two providers are one
//! place exactly when both show the same mark, and a provider that shows a different mark than before leads elsewhere.

use super::{Connections, OpenStore, holds_recordings};
use crate::base::entity::connection;
use crate::base::{Result, VaultError};
use futures::future::{BoxFuture, join_all};
use model::connection::{ConnectionForm, Family};
use model::error::{StoreError, StoreErrorKind};
use model::field::Settings;
use sea_orm::{ActiveValue::Set, ColumnTrait as _, DbErr, EntityTrait as _, QueryFilter as _, QueryOrder as _};
use std::error::Error as StdError;
use std::time::Duration;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

mod look;

/// How long a provider may take to show its mark while an administrator waits.
pub(crate) const PATIENCE: Duration = Duration::from_secs(3);
/// How often places are checked without a reason.
const SURVEY: Duration = Duration::from_secs(60);
/// How long a mark counts as just seen.
const FRESH: Duration = Duration::from_secs(30);
/// Advice about a second provider of the same place.
pub(crate) const APART: &str = "Choose another bucket or folder. If this is a copy of that place, delete the object \
                                .vault-place/id in the copy and try again.";
/// Advice about a provider that leads elsewhere.
pub(crate) const BACK: &str = "Check that its address, bucket or folder is right and that its disk is mounted. If its \
                               recordings are gone for good, put an empty object named .vault-place/id there, and the vault \
                               goes on.";

/// What a provider claims about the place it leads to.
struct Claim<'a> {
    /// Row id; `None` for one that is not saved yet.
    id: Option<i64>,
    /// Id of the place it was; `None` while unknown.
    known: Option<&'a str>,
    /// Whether its recordings should be there.
    holds: bool,
    /// Whether its settings have changed, so that a place without a mark may well be a new one.
    changed: bool,
}

impl Claim<'_> {
    /// Id that the place must have; `None` if it may well be a new one.
    fn expected(&self) -> Option<&str> {
        self.known.filter(|_| !self.changed)
    }
}

/// Why a place could not be identified.
enum PlaceError {
    /// It is not the place it was; the text says so.
    Elsewhere(String),
    /// Looking at it failed.
    Failed(VaultError),
}

impl From<VaultError> for PlaceError {
    fn from(error: VaultError) -> Self {
        Self::Failed(error)
    }
}

impl From<StoreError> for PlaceError {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<DbErr> for PlaceError {
    fn from(error: DbErr) -> Self {
        Self::Failed(error.into())
    }
}

impl From<PlaceError> for VaultError {
    fn from(untold: PlaceError) -> Self {
        match untold {
            PlaceError::Elsewhere(reason) => StoreError::new(StoreErrorKind::Unavailable, reason).into(),
            PlaceError::Failed(error) => error,
        }
    }
}

impl Connections {
    /// Makes sure, before anything is stored, that a provider is ready and still the place it was. Costs one request
    /// after a start or a change of connections.
    ///
    /// A provider that holds recordings is left as it is: if its folder is missing, its disk may not be mounted, and a new folder would
    /// hide them.
    pub(crate) async fn set_up(&self, provider: &OpenStore) -> Result<()> {
        if provider.seen(None).is_none() || provider.standing.check().await.is_err() {
            self.identify(provider, true).await?;
        }
        Ok(())
    }

    /// The place a provider is, as last seen; `None` if it has no mark and no recordings yet.
    pub(crate) async fn place(&self, provider: &OpenStore) -> Result<Option<String>> {
        match provider.seen(None) {
            Some(place) if provider.standing.check().await.is_ok() => Ok(Some(place)),
            _ => self.identify(provider, false).await,
        }
    }

    /// The same, seen a moment ago at most.
    pub(crate) async fn place_now(&self, provider: &OpenStore) -> Result<Option<String>> {
        match provider.seen(Some((self.db.clock().elapsed(), FRESH))) {
            Some(place) if provider.standing.check().await.is_ok() => Ok(Some(place)),
            _ => self.identify(provider, false).await,
        }
    }

    /// Fails if the provider as a whole is in trouble, i.e. does not show its place now, rather than one object.
    pub(crate) async fn check_answers(&self, provider_id: i64, failed_with: &VaultError) -> Result<()> {
        match failed_with {
            VaultError::Store(error) if error.kind == StoreErrorKind::Unavailable => {
                let provider = self.store(provider_id).await?;
                self.identify(&provider, false).await.map(drop)
            }
            _ => Ok(()),
        }
    }

    /// Fails if two providers are one place. Looks at both.
    pub(crate) async fn check_apart(&self, one: &OpenStore, other: &OpenStore) -> Result<()> {
        let (here, there) = (self.identify(one, false).await?, self.identify(other, true).await?);
        if here.is_some() && here == there { Err(one_place(&one.name, &other.name)) } else { Ok(()) }
    }

    /// The same, but marks seen a moment ago will do.
    pub(crate) async fn check_apart_cached(&self, one: &OpenStore, other: &OpenStore) -> Result<()> {
        self.set_up(other).await?;
        let (here, there) = (self.place_now(one).await?, self.place_now(other).await?);
        if here.is_some() && here == there { Err(one_place(&one.name, &other.name)) } else { Ok(()) }
    }

    /// The same, from what is known of both.
    pub(crate) async fn check_known_apart(&self, one: &OpenStore, other: &OpenStore) -> Result<()> {
        let same = self.shared_places.of(one.id).await?.contains(&other.id);
        if same { Err(one_place(&one.name, &other.name)) } else { Ok(()) }
    }

    /// Looks at every provider's place and reports to administrators. Does not mark places that hold nothing.
    pub(crate) async fn survey(&self) -> Result<()> {
        let rows = self.other_providers(None).await?;
        join_all(rows.iter().map(|row| async {
            let looked = async {
                let provider = self.store(row.id).await?;
                self.identify(&provider, false).await
            };
            let looked = looked.await;
            self.tell_away(row, looked.as_ref().err()).await;
            if let Err(error) = looked {
                tracing::debug!(
                    provider = row.name,
                    error = &error as &dyn StdError,
                    "a provider's place was not seen"
                );
            }
        }))
        .await;
        self.tell_of_shared_places().await
    }

    /// Surveys now, after every change of connections, and every minute, until cancelled.
    pub(crate) async fn keep_surveying(self, cancel: CancellationToken) {
        let mut changes = self.changes();
        let round = async || {
            changes.mark_unchanged();
            if let Err(error) = self.survey().await {
                tracing::warn!(error = &error as &dyn StdError, "providers' places were not looked at");
            }
            // Either way it is time to look again.
            let _ = timeout(SURVEY, changes.changed()).await;
        };
        let mut round = round;
        while cancel.run_until_cancelled(round()).await.is_some() {}
    }

    /// The place a provider will be with these settings; `None` if that cannot be found out now. Marks the place.
    ///
    /// # Errors
    /// If another provider is there, or if recordings of this one should be there and are not.
    pub(crate) async fn place_to_save(&self, form: &ConnectionForm, settings: &Settings) -> Result<Option<String>> {
        let store = self.connector.store(&form.kind, settings).map_err(VaultError::Invalid)?;
        let (known, holds) = match form.id {
            None => (None, false),
            Some(id) => (self.row(id).await?.place, holds_recordings(self.db.read(), id).await?),
        };
        let claim = Claim { id: form.id, known: known.as_deref(), holds, changed: true };
        let place = match timeout(PATIENCE, self.look(store.as_ref(), &claim, true)).await {
            Ok(Ok(Some(place))) => place,
            Ok(Err(PlaceError::Elsewhere(reason))) => return Err(VaultError::Conflict(format!("{reason} {BACK}"))),
            Ok(Err(PlaceError::Failed(error @ (VaultError::Database(_) | VaultError::Full(_))))) => return Err(error),
            // It can be saved all the same; its first use looks again.
            Ok(Ok(None) | Err(PlaceError::Failed(_))) | Err(_) => return Ok(None),
        };
        match self.other_at(form.id, &place).await? {
            Some(other) => Err(one_place(&form.name, &other)),
            None => Ok(Some(place)),
        }
    }

    /// Name of another provider that shows this mark now. One that does not answer is assumed to be at its last known place.
    pub(crate) async fn other_at(&self, id: Option<i64>, place: &str) -> Result<Option<String>> {
        let others = self.other_providers(id).await?;
        let places = join_all(others.iter().map(|row| async {
            let looked = async {
                let provider = self.store(row.id).await?;
                self.identify(&provider, false).await
            };
            match timeout(PATIENCE, looked).await {
                Ok(Ok(Some(place))) => Some(place),
                _ => row.place.clone(),
            }
        }));
        let same = others.iter().zip(places.await).find(|(_, found)| found.as_deref() == Some(place));
        Ok(same.map(|(row, _)| row.name.clone()))
    }

    /// Looks at a provider's place and remembers it. Boxed, or every future that contains this one would grow.
    fn identify<'a>(&'a self, provider: &'a OpenStore, may_mark: bool) -> BoxFuture<'a, Result<Option<String>>> {
        Box::pin(self.identify_now(provider, may_mark))
    }

    async fn identify_now(&self, provider: &OpenStore, may_mark: bool) -> Result<Option<String>> {
        let row = self.row(provider.id).await?;
        if let Some(why) = self.own_ground(&row.kind, &self.settings(&row)?).await {
            provider.standing.is_elsewhere(&why);
            self.tell_own_ground(provider, &why).await;
            return Err(StoreError::new(StoreErrorKind::Unavailable, why).into());
        }
        self.tell_nested(provider, self.check_ground(Some(row.id), &row.kind, &self.settings(&row)?).await.err()).await;
        let known = row.place;
        let holds = holds_recordings(self.db.read(), provider.id).await?;
        let claim = Claim { id: Some(provider.id), known: known.as_deref(), holds, changed: false };
        let store = provider.standing.wherever_it_is();
        let looked = async {
            let before = store.ground().await.ok().flatten();
            let place = self.look(store, &claim, may_mark).await?;
            let ground = store.ground().await?;
            match before.is_none() || before == ground {
                true => Ok((place, ground)),
                false => Err(StoreError::new(StoreErrorKind::Unavailable, "The folder was exchanged just now.").into()),
            }
        };
        match looked.await {
            Ok((None, _)) => Ok(None),
            Ok((Some(place), ground)) => {
                provider.standing.is_ours(ground);
                if known.as_ref() != Some(&place) {
                    self.store_place(provider.id, place.clone()).await?;
                }
                self.forget_elsewhere(provider.id).await;
                provider.saw(&place, self.db.clock().elapsed());
                Ok(Some(place))
            }
            Err(untold) => {
                provider.forget_seen();
                if let PlaceError::Elsewhere(reason) = &untold {
                    provider.standing.is_elsewhere(reason);
                    self.tell_elsewhere(provider, reason).await;
                }
                Err(untold.into())
            }
        }
    }

    async fn store_place(&self, id: i64, place: String) -> Result<()> {
        let noted = self.db.write(move |tx| {
            Box::pin(async move {
                let known = connection::ActiveModel { place: Set(Some(place)), ..Default::default() };
                let this = connection::Column::Id.eq(id);
                connection::Entity::update_many().set(known).filter(this).exec(tx).await?;
                Ok(())
            })
        });
        noted.await?;
        self.shared_places.look_again();
        self.tell_of_shared_places().await
    }

    /// All providers but one.
    pub(super) async fn other_providers(&self, id: Option<i64>) -> Result<Vec<connection::Model>> {
        let others = connection::Entity::find()
            .filter(connection::Column::Family.eq(Family::Provider.as_str()))
            .filter(connection::Column::Id.ne(id.unwrap_or(0)))
            .order_by_asc(connection::Column::Id);
        Ok(others.all(self.db.read()).await?)
    }
}

/// The sentence that two providers are one place.
pub(crate) fn same_place(one: &str, other: &str) -> String {
    format!("{one} is the same place as {other}: what is stored by one is there for the other too.")
}

fn one_place(one: &str, other: &str) -> VaultError {
    VaultError::Conflict(format!("{} {APART}", same_place(one, other)))
}
