//! What agents, vaults and readers say to each other: names of headers, codes of errors, texts that headers hold, and
//! durations.

pub mod code;
mod custom;
mod duration;
mod facts;
pub mod header;
mod label;

pub use custom::{CustomHeaders, NotKept};
pub use duration::parse_go_duration;
pub use facts::Facts;
pub use label::Label;
