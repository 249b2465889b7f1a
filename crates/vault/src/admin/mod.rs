//! What administrators set up, and the figures they look at.

pub(crate) mod connections;
pub mod dashboard;
