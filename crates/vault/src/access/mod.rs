//! Who has access: people and their sessions, agents and their accounts, signed URLs; how often anybody may try.

pub mod accounts;
pub(crate) mod guessable;
pub mod rate_limit;
pub mod said;
pub mod sessions;
pub mod signed_urls;
pub mod users;
