//! The vocabulary that server and browser share: recordings, connections, accounts.
//!
//! No I/O happens here, and everything compiles to WASM. [`ports`] has the traits through which the vault reaches the
//! outside world; `backends` implements them.

pub mod account;
pub mod amazon;
pub mod asset;
pub mod connection;
pub mod dashboard;
pub mod delivery;
pub mod device;
pub mod error;
pub mod event;
pub mod field;
pub mod file_name;
pub mod integrations;
pub mod key;
pub mod kind;
pub mod media_type;
pub mod moving;
pub mod mp4;
pub mod name;
pub mod notice;
pub mod page;
pub mod ports;
pub mod probe;
pub mod providers;
pub mod recording;
pub mod secret;
pub mod text_file;
pub mod wire;

pub use key::{Directory, FileName, ObjectKey};
pub use secret::Secret;
