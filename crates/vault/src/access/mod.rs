//! Who has access: people and their sessions, agents and their accounts, signed URLs.

pub mod accounts;
pub mod links;
pub mod sessions;
pub mod users;
