//! How to read every column whose values follow a rule. All others are free text and may hold anything.

use super::damage::Damage;
use crate::base::entity::{
    account, connection, copy, custom_headers, delivery, provider_move, recording, removal, replay, upload, user,
};
use crate::base::keys::Keys;
use crate::base::vault_path::VaultPath;
use argon2::password_hash::phc::PasswordHash;
use model::account::DirectoryRule;
use model::connection::{Family, Kind};
use model::delivery::{DeliveryState, ReplayState};
use model::event::Metadata;
use model::field::Settings;
use model::moving::MoveState;
use model::mp4::Mp4Facts;
use model::ports::Purpose;
use model::wire::CustomHeaders;
use model::{ObjectKey, Secret};
use serde::Deserialize;

const NO_KEY: &str = "holds no key of a recording";
const NO_STATE: &str = "holds an unknown state";
const SEALED: &str = "cannot be opened with this vault's master key";

type Read<T> = Result<T, Damage>;

/// Describes damage and where it is.
fn damage(table: &'static str, id: i64, column: &'static str, why: &'static str) -> Damage {
    Damage { table, id, column, why }
}

impl account::Model {
    const TABLE: &str = "accounts";

    /// What its secret is bound to when sealed.
    pub(crate) fn sealed_in(id: i64) -> String {
        format!("{}:{id}", Self::TABLE)
    }

    pub(crate) fn read_directory(&self) -> Read<DirectoryRule> {
        DirectoryRule::parse(&self.directory)
            .map_err(|_| damage(Self::TABLE, self.id, "directory", "holds no directory"))
    }

    pub(crate) fn read_secret_key(&self, keys: &Keys) -> Read<Secret> {
        let damage = |why| damage(Self::TABLE, self.id, "secret_key", why);
        let plain = keys.open(&Self::sealed_in(self.id), &self.secret_key).map_err(|_| damage(SEALED))?;
        String::from_utf8(plain).map(Secret::new).map_err(|_| damage("is no text"))
    }

    pub(crate) fn check(&self, keys: &Keys) -> Read<()> {
        self.read_directory()?;
        self.read_secret_key(keys).map(drop)
    }
}

impl connection::Model {
    const TABLE: &str = "connections";

    /// What its secret is bound to when sealed.
    pub(crate) fn sealed_in(id: i64) -> String {
        format!("{}:{id}", Self::TABLE)
    }

    pub(crate) fn read_family(&self) -> Read<Family> {
        [Family::Provider, Family::Integration]
            .into_iter()
            .find(|family| family.as_str() == self.family)
            .ok_or_else(|| damage(Self::TABLE, self.id, "family", "is neither provider nor integration"))
    }

    pub(crate) fn read_kind(&self) -> Read<&'static Kind> {
        let kind = self.read_family()?.kind(&self.kind);
        kind.ok_or_else(|| damage(Self::TABLE, self.id, "kind", "holds an unknown kind"))
    }

    pub(crate) fn read_settings(&self, keys: &Keys) -> Read<Settings> {
        self.read_kind()?;
        let damage = |why| damage(Self::TABLE, self.id, "settings", why);
        let plain = keys.open(&Self::sealed_in(self.id), &self.settings).map_err(|_| damage(SEALED))?;
        serde_json::from_slice(&plain).map_err(|_| damage("holds no settings"))
    }

    pub(crate) fn check(&self, keys: &Keys) -> Read<()> {
        self.read_settings(keys).map(drop)
    }
}

impl user::Model {
    const TABLE: &str = "users";

    pub(crate) fn check(&self) -> Read<()> {
        let bad = |hash: &str| PasswordHash::new(hash).is_err();
        if bad(&self.password_hash) {
            return Err(damage(Self::TABLE, self.id, "password_hash", "holds no hash of a password"));
        }
        self.check_configured()
    }

    pub(crate) fn check_configured(&self) -> Read<()> {
        match &self.configured_hash {
            Some(hash) if PasswordHash::new(hash).is_err() => {
                Err(damage(Self::TABLE, self.id, "configured_hash", "holds no hash of a password"))
            }
            _ => Ok(()),
        }
    }
}

impl provider_move::Model {
    pub(crate) fn read_state(&self) -> Read<MoveState> {
        MoveState::parse(&self.state).ok_or_else(|| damage("moves", self.id, "state", NO_STATE))
    }
}

impl replay::Model {
    pub(crate) fn read_state(&self) -> Read<ReplayState> {
        ReplayState::parse(&self.state).ok_or_else(|| damage("replays", self.id, "state", NO_STATE))
    }
}

pub(crate) fn delivery_state(id: i64, state: &str) -> Read<DeliveryState> {
    DeliveryState::parse(state).ok_or_else(|| damage_of_state(id))
}

/// Damage of a delivery whose state is unknown.
pub(crate) fn damage_of_state(id: i64) -> Damage {
    damage("deliveries", id, "state", NO_STATE)
}

pub(crate) fn delivery_purpose(id: i64, purpose: &str) -> Read<Purpose> {
    Purpose::parse(purpose).ok_or_else(|| damage("deliveries", id, "purpose", "holds an unknown purpose"))
}

impl delivery::Model {
    /// The event's JSON.
    pub(crate) fn read_event(&self) -> Read<&str> {
        #[derive(Deserialize)]
        struct Named {
            id: String,
        }
        let event: Named =
            serde_json::from_str(&self.event).map_err(|_| damage("deliveries", self.id, "event", "holds no event"))?;
        if event.id != self.event_id {
            return Err(damage("deliveries", self.id, "event_id", "is not the id of its event"));
        }
        Ok(&self.event)
    }

    pub(crate) fn check(&self) -> Read<()> {
        delivery_state(self.id, &self.state)?;
        let purpose = delivery_purpose(self.id, &self.purpose)?;
        if purpose != Purpose::Copy {
            self.read_event()?;
        }
        Ok(())
    }
}

impl recording::Model {
    const TABLE: &str = "recordings";

    pub(crate) fn read_key(&self) -> Read<ObjectKey> {
        ObjectKey::parse(&self.key).map_err(|_| damage(Self::TABLE, self.id, "key", NO_KEY))
    }

    pub(crate) fn read_size(&self) -> Read<u64> {
        u64::try_from(self.size).map_err(|_| damage(Self::TABLE, self.id, "size", "is below zero"))
    }

    pub(crate) fn read_sha256(&self) -> Read<&str> {
        let hex = self.sha256.len() == 64 && self.sha256.bytes().all(|b| b.is_ascii_hexdigit());
        if hex { Ok(&self.sha256) } else { Err(damage(Self::TABLE, self.id, "sha256", "holds no SHA-256")) }
    }

    pub(crate) fn read_facts(&self) -> Read<Mp4Facts> {
        Self::read_facts_of(self.id, &self.facts)
    }

    /// The same of a row that is not read whole.
    pub(crate) fn read_facts_of(id: i64, facts: &str) -> Read<Mp4Facts> {
        serde_json::from_str(facts).map_err(|_| damage(Self::TABLE, id, "facts", "holds no facts of an MP4"))
    }

    pub(crate) fn read_metadata(&self) -> Read<Metadata> {
        serde_json::from_str(&self.metadata).map_err(|_| damage(Self::TABLE, self.id, "metadata", "holds no metadata"))
    }

    pub(crate) fn read_path(&self) -> Read<VaultPath> {
        VaultPath::parse(&self.path).ok_or_else(|| damage(Self::TABLE, self.id, "path", "holds no ids of vaults"))
    }

    pub(crate) fn check(&self) -> Read<()> {
        self.read_key()?;
        self.read_size()?;
        self.read_sha256()?;
        self.read_facts()?;
        self.read_metadata()?;
        self.read_path().map(drop)
    }
}

impl copy::Model {
    /// The key; damage is reported under the recording's id.
    pub(crate) fn read_key(&self) -> Read<ObjectKey> {
        ObjectKey::parse(&self.key).map_err(|_| damage("copies", self.recording_id, "key", NO_KEY))
    }
}

impl custom_headers::Model {
    /// The headers; damage is reported under the recording's id.
    pub(crate) fn read_headers(&self) -> Read<CustomHeaders> {
        serde_json::from_str(&self.headers)
            .map_err(|_| damage("custom_headers", self.recording_id, "headers", "holds no headers"))
    }
}

impl removal::Model {
    pub(crate) fn read_key(&self) -> Read<ObjectKey> {
        ObjectKey::parse(&self.key).map_err(|_| damage("removals", self.id, "key", NO_KEY))
    }
}

impl upload::Model {
    pub(crate) fn read_key(&self) -> Read<ObjectKey> {
        ObjectKey::parse(&self.key).map_err(|_| damage("uploads", self.id, "key", NO_KEY))
    }

    /// Damage of its draft, whose format only its readers know.
    pub(crate) fn bad_draft(&self) -> Damage {
        damage("uploads", self.id, "draft", "holds no draft of a recording")
    }
}
