//! Rows of the tables in `migrations`. Times are Unix milliseconds, sessions' Unix seconds.

#![expect(missing_docs, reason = "columns are described where they are created and used")]

pub mod account;
pub mod account_integration;
pub mod account_provider;
pub mod account_secondary;
pub mod audit;
pub mod connection;
pub mod copy;
pub mod custom_headers;
pub mod delivery;
pub mod device;
pub mod device_claim;
pub mod lane;
pub mod leaving;
pub mod lock;
pub mod notice;
pub mod provider_alias;
pub mod provider_move;
pub mod recording;
pub mod removal;
pub mod replay;
pub mod replica;
pub mod resumable;
pub mod resumable_tail;
pub mod retention_reach;
pub mod session;
pub mod timekeeping;
pub mod upload;
pub mod usage_day;
pub mod user;
