//! What a vault does: use cases and their tables. Server only.
//!
//! The folders are floors; each uses only those below it. ARCHITECTURE.md shows their order and says what each is for;
//! `make check` enforces it.

mod access;
mod admin;
mod base;
mod connections;
mod flows;
mod host;
mod objects;
mod outbox;
mod recordings;

mod options;
mod provisioning;
mod start;

pub use access::{accounts, rate_limit, said, sessions, signed_urls, users};
pub use admin::dashboard;
pub use base::{
    Principal, Result, TRACED, Task, VaultError, audit, clock, damaged, db, entity, keys, steps, vault_path,
};
pub use flows::{forwarding, ingest, moves, preview, restraint};
pub use host::home::Home;
pub use host::reserve::NoRoom;
pub use host::start_error::StartError;
pub use host::{backup, data_folder, descriptors, notices, timekeeping};
pub use options::Options;
pub use outbox::{deliveries, dispatcher};
pub use provisioning::{Provisioning, Renamed};
pub use recordings::{Fragmented, LookedUp, MAX_PAGE, RecordingRef, Recordings, Signing, Wanted, devices, timeline};
pub use start::Vault;
