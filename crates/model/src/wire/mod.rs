//! What agents, vaults and readers say to each other: names of headers, codes of errors, texts that headers hold, and
//! durations.

pub mod code;
mod duration;
pub mod header;
mod label;

pub use duration::parse_go_duration;
pub use label::Label;
