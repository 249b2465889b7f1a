//! Server functions: authorise, parse, call one use case of the vault.

pub mod account_form;
pub mod accounts;
pub mod cameras;
pub mod connection_form;
pub mod connections;
pub mod dashboard;
pub mod deliveries;
pub mod error;
pub mod forward;
pub mod media;
pub mod moves;
pub mod notices;
pub mod replays;
pub mod session;

#[cfg(feature = "ssr")]
pub mod server;

pub use error::AppError;
