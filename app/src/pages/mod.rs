//! One folder or file per page.

pub mod accounts;
pub mod cameras;
pub mod connections;
pub mod dashboard;
pub mod deliveries;
pub mod help;
pub mod media;
pub mod not_found;
pub mod password;
pub mod search;
pub mod sign_in;
