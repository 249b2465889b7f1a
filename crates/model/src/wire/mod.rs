//! What agents, vaults and readers say to each other: names of headers, codes of errors, and texts that headers hold.

pub mod code;
pub mod header;
mod label;

pub use label::Label;
