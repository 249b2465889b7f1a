//! What a vault does: use cases and their tables. Server only.

pub mod accounts;
pub mod audit;
pub mod backup;
pub mod clock;
pub mod connections;
pub mod damaged;
pub mod dashboard;
pub mod data_folder;
pub mod db;
pub mod deliveries;
pub mod devices;
pub mod dispatcher;
pub mod entity;
pub mod error;
mod first_look;
pub mod forwarding;
pub mod housekeeping;
pub mod ingest;
pub mod keys;
pub mod links;
pub mod moves;
pub mod notices;
pub mod provisioning;
pub mod recordings;
pub mod sessions;
pub mod steps;
pub mod timekeeping;
pub mod users;
pub mod vault_path;

mod copies;
mod failures;
mod objects;
mod places;
mod readiness;
mod recording_source;
mod replicas;
mod reserve;
#[cfg(test)]
mod silent;
mod start;
mod start_error;
mod transfer;

pub use error::VaultError;
pub use reserve::NoRoom;
pub use start::{Options, Vault};
pub use start_error::StartError;

/// What use cases answer.
pub type Result<T> = std::result::Result<T, VaultError>;
