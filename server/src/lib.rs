//! The server: the API for agents and readers, administrators' files, the site, configuration and wiring. What a vault
//! *does* is in `vault`; how pages look is in `app`.

// The futures of requests lie deep in one another.
#![recursion_limit = "256"]

pub mod admin;
pub mod agent;
pub mod ask;
pub mod assets;
pub mod backup;
pub mod bodies;
pub mod check;
pub mod cli;
pub mod config;
pub mod content;
pub mod cors;
pub mod first_start;
pub mod forms;
mod forwarded;
pub mod health;
pub mod hosts;
pub mod limits;
mod mount;
pub mod openapi;
pub mod peer;
pub mod problem;
pub mod public_url;
pub mod range;
pub mod retention;
pub mod router;
pub mod run;
pub mod runtime;
pub mod security;
pub mod serve;
pub mod sessions;
pub mod state;
pub mod telemetry;
pub mod turns;
pub mod visitors;
