//! What agents, vaults and readers say to each other: names of headers, codes of errors, and texts that headers hold.

pub mod code;
mod custom;
mod facts;
pub mod header;
mod label;

pub use custom::{CustomHeaders, NotKept};
pub use facts::Facts;
pub use label::Label;
