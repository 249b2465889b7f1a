//! The real router with a real database and a real provider, over real connections: what clients
//! may send, and what they must never get. With `VAULT_TEST_DATABASE=postgres` on PostgreSQL.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod assets;
mod backup;
mod bad_days;
mod below;
mod binary;
mod browser;
mod bulk;
mod connections;
mod crash;
mod credentials;
mod data_folder;
mod event_address;
mod exchanged;
mod facts;
mod forwarding;
mod gate;
mod grounds;
mod heartbeat;
mod hls;
mod maintenance;
mod names;
mod observing;
mod openapi;
mod original;
mod outage;
mod process;
mod provider_faults;
mod readiness;
mod reading;
mod resumable;
mod resumable_bounds;
mod resumable_elsewhere;
mod resumable_empty;
mod roles;
mod routes;
mod server_functions;
mod shutdown;
mod signed;
#[cfg(debug_assertions)]
mod site;
mod start_failures;
mod support;
mod traces;
mod twins;
mod upload;
