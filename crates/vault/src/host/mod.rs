//! The machine a vault runs on: its folder, its disk, its clock, the vaults beside it, whether the master key fits; readiness,
//! and all notices.

pub mod backup;
pub mod data_folder;
pub mod descriptors;
pub(crate) mod exposure;
pub(crate) mod first_look;
pub(crate) mod folders;
pub(crate) mod home;
pub(crate) mod master_key;
pub mod notices;
pub(crate) mod readiness;
pub(crate) mod replicas;
pub(crate) mod reserve;
pub(crate) mod start_error;
pub mod timekeeping;
