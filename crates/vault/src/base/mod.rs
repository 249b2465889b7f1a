//! What everything else builds on: the database and its rows, the clock, keys, errors, who may do what, the audit trail.

pub mod audit;
pub mod clock;
pub mod damaged;
pub mod db;
pub mod entity;
mod error;
pub(crate) mod folded;
pub mod keys;
mod principal;
mod source;
pub(crate) mod spans;
pub mod steps;
pub mod vault_path;

pub use error::{Result, VaultError};
pub(crate) use principal::Permission;
pub use principal::{Principal, Task};
pub(crate) use source::Source;
pub use spans::TRACED;
