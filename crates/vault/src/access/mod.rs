//! Who has access: people and their sessions, agents and their accounts, signed URLs; how often anybody may try.

pub mod accounts;
pub mod links;
pub mod rate_limit;
pub mod sessions;
pub mod users;
