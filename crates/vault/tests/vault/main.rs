//! The vault's use cases against a real database, with a store and a sink that fail on demand.
//! The same promises are tested against real servers in `server/tests` and `backends/tests`.

#![expect(clippy::unwrap_used, reason = "tests")]

mod account_bounds;
mod assets;
mod assets_forwarded;
mod assets_lone;
mod assets_names;
mod commit_cut;
mod copies;
mod damaged;
mod deliveries;
mod facts;
mod foreign;
mod ingest;
mod locked;
mod migrations;
mod mismatch;
mod moves;
mod notices;
mod outbox;
mod pace;
mod places;
mod providers;
mod races;
mod readiness;
mod recordings;
mod recovery;
mod released_tables;
mod removals;
mod replacing;
mod replay;
mod replicas;
mod resumable;
mod retention;
mod revoked;
mod server_settings;
mod sessions;
mod set_aside;
mod setup;
mod signed_urls;
mod silence;
mod support;
mod timekeeping;
mod twins;
