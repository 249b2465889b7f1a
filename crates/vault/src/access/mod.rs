//! Who may come in: people and their sessions, agents and their accounts, signed addresses.

pub mod accounts;
pub mod links;
pub mod sessions;
pub mod users;
