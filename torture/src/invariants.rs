//! What must hold once a vault has come to rest, whatever happened before. Checked behind the vault's back, in its
//! tables and folders, and as readers do.

use crate::ledger::Held;
use crate::outside::heard;
use crate::panics;
use crate::world::{FIRST, SECOND, World, data, database, events, recordings};
use model::moving::MoveState;
use sea_orm::QueryFilter as _;
use sea_orm::{
    ColumnTrait as _, ConnectOptions, ConnectionTrait as _, Database, DatabaseConnection, DbErr, EntityTrait as _,
};
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use vault::entity::{copy, delivery, provider_move, recording, removal, resumable, upload};

/// Everything that does not hold, one sentence each.
pub async fn check(world: &World) -> Vec<String> {
    let found = match Found::at(world.root()).await {
        Ok(found) => found,
        Err(error) => return vec![format!("the database cannot be read: {error}")],
    };
    let mut broken: Vec<String> = panics::seen();
    broken.extend(found.damage.iter().map(|what| format!("the database is damaged: {what}")));
    kept(world, &found, &mut broken);
    agreed(world, &found, &mut broken);
    announced(world, &found, &mut broken);
    finished(world, &found, &mut broken);
    for (key, may_hold) in world.ledger.may_hold() {
        match world.read(&key).await {
            Ok(held) if may_hold.contains(&held) => {}
            Ok(held) => broken.push(format!("{key} is read as {held:?}, may be {may_hold:?}")),
            Err(error) => broken.push(format!("{key} cannot be read: {error}")),
        }
    }
    broken
}

/// Checks only that whatever was acknowledged is committed, as another process sees it. Holds at every moment.
pub async fn check_acknowledged(world: &World) -> Vec<String> {
    let mut broken = Vec::new();
    match Found::at(world.root()).await {
        Ok(found) => kept(world, &found, &mut broken),
        Err(error) => broken.push(format!("the database cannot be read: {error}")),
    }
    broken
}

/// Uploads in several requests that are not finished.
pub(crate) async fn unfinished(root: &Path) -> Result<Vec<resumable::Model>, DbErr> {
    let tables = tables(root).await?;
    let open = resumable::Entity::find().filter(resumable::Column::Done.eq(false)).all(&tables).await;
    tables.close().await?;
    open
}

/// A connection to the database below which nothing fails.
async fn tables(root: &Path) -> Result<DatabaseConnection, DbErr> {
    let mut options = ConnectOptions::new(format!("sqlite://{}", database(root).display()));
    // See `common_options` of the vault's `base/db`.
    options.max_connections(1).sqlx_logging(false).idle_timeout(None).max_lifetime(None);
    Database::connect(options).await
}

/// The contents of the tables.
struct Found {
    damage: Vec<String>,
    recordings: Vec<recording::Model>,
    copies: Vec<copy::Model>,
    removals: Vec<removal::Model>,
    uploads: Vec<upload::Model>,
    deliveries: Vec<delivery::Model>,
    moves: Vec<provider_move::Model>,
}

impl Found {
    /// Reads them over a connection of its own.
    async fn at(root: &Path) -> Result<Self, DbErr> {
        let tables = tables(root).await?;
        let found = Self::of(&tables).await;
        tables.close().await?;
        found
    }

    async fn of(tables: &DatabaseConnection) -> Result<Self, DbErr> {
        let rows = tables
            .query_all_raw(sea_orm::Statement::from_string(tables.get_database_backend(), "PRAGMA quick_check"))
            .await?;
        let damage: Vec<String> = rows.iter().map(|row| row.try_get_by_index(0)).collect::<Result<_, _>>()?;
        Ok(Self {
            damage: damage.into_iter().filter(|line| line != "ok").collect(),
            recordings: recording::Entity::find().all(tables).await?,
            copies: copy::Entity::find().all(tables).await?,
            removals: removal::Entity::find().all(tables).await?,
            uploads: upload::Entity::find().all(tables).await?,
            deliveries: delivery::Entity::find().all(tables).await?,
            moves: provider_move::Entity::find().all(tables).await?,
        })
    }
}

/// Whatever was acknowledged has a row, and there are no rows that nobody asked for.
fn kept(world: &World, found: &Found, broken: &mut Vec<String>) {
    let may_hold = world.ledger.may_hold();
    let rows: BTreeMap<&str, &str> = found.recordings.iter().map(|r| (r.key.as_str(), r.sha256.as_str())).collect();
    for (key, may_hold) in &may_hold {
        let held: Held = rows.get(key.as_str()).map(|sha256| (*sha256).to_owned());
        if !may_hold.contains(&held) {
            broken.push(format!("the index holds {held:?} for {key}, may be {may_hold:?}"));
        }
    }
    for key in rows.keys().filter(|key| !may_hold.contains_key(**key)) {
        broken.push(format!("the index has {key}, which nobody uploaded"));
    }
}

/// Rows and folders agree.
fn agreed(world: &World, found: &Found, broken: &mut Vec<String>) {
    for provider in [FIRST, SECOND] {
        let id = world.provider(provider);
        let mut expected: BTreeMap<&str, &str> = found
            .recordings
            .iter()
            .filter(|row| row.provider_id == id)
            .map(|row| (row.key.as_str(), row.sha256.as_str()))
            .collect();
        for copy in found.copies.iter().filter(|copy| copy.provider_id == id) {
            match found.recordings.iter().find(|row| row.id == copy.recording_id) {
                Some(row) => _ = expected.insert(&copy.key, &row.sha256),
                None => broken.push(format!("{} at {provider} is a copy of nothing", copy.key)),
            }
        }
        let objects = objects(&recordings(world.root(), provider));
        for (key, sha256) in &expected {
            match objects.get(*key) {
                Some(stored) if stored == sha256 => {}
                Some(_) => broken.push(format!("{key} at {provider} has other bytes than its row says")),
                None => broken.push(format!("{key} is not at {provider}, where its row says")),
            }
        }
        for key in objects.keys().filter(|key| !expected.contains_key(key.as_str())) {
            broken.push(format!("{key} at {provider} belongs to no row"));
        }
    }
}

/// Whatever was stored was announced, and nothing else was.
fn announced(world: &World, found: &Found, broken: &mut Vec<String>) {
    let heard = heard(&events(world.root()));
    let told: BTreeSet<(String, u64)> = heard.iter().map(|event| (event.key.clone(), event.size)).collect();
    for (key, size) in world.ledger.acknowledged().difference(&told) {
        broken.push(format!("nobody was told of {key} with {size} bytes"));
    }
    for row in &found.recordings {
        let size = u64::try_from(row.size).unwrap_or(0);
        if !told.contains(&(row.key.clone(), size)) {
            broken.push(format!("{} with {size} bytes is in the index and nobody was told", row.key));
        }
    }
    let committed = world.ledger.committed(found.deliveries.iter().map(|delivery| delivery.event_id.as_str()));
    for event in heard.iter().filter(|event| !committed.contains(&event.id)) {
        broken.push(format!("the event {} of {} was sent and is in no table", event.id, event.key));
    }
}

/// Nothing is left over.
fn finished(world: &World, found: &Found, broken: &mut Vec<String>) {
    broken.extend(found.uploads.iter().map(|intent| format!("the upload of {} is not reconciled", intent.key)));
    broken.extend(found.removals.iter().map(|removal| format!("{} is still to be deleted", removal.key)));
    let unsent = found.deliveries.iter().filter(|delivery| delivery.state != "delivered");
    broken.extend(unsent.map(|unsent| {
        format!(
            "the {} of recording {} is {}: {}",
            unsent.purpose, unsent.recording_id, unsent.state, unsent.last_error
        )
    }));
    let open = found.moves.iter().filter(|one| MoveState::parse(&one.state).is_none_or(MoveState::is_open));
    broken.extend(open.map(|one| format!("move {} is {}: {}", one.id, one.state, one.last_error)));
    let staging = [FIRST, SECOND].map(|provider| recordings(world.root(), provider).join(".vault-staging"));
    for folder in staging.iter().chain([&data(world.root()).join("spool")]) {
        let left = std::fs::read_dir(folder).map_or(0, Iterator::count);
        if left > 0 {
            broken.push(format!("{left} files are left in {}", folder.display()));
        }
    }
}

/// Keys and hashes of the recordings in a provider's folder.
fn objects(root: &Path) -> BTreeMap<String, String> {
    let mut objects = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            // Unfinished uploads, and the provider's mark.
            if entry.file_name().to_string_lossy().starts_with(".vault-") {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(bytes) = std::fs::read(&path) {
                let key = path.strip_prefix(root).expect("it lies below").display().to_string();
                objects.insert(key, hex::encode(Sha256::digest(bytes)));
            }
        }
    }
    objects
}
