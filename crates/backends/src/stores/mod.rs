//! Object stores.

mod azure;
mod encoding;
mod filesystem;
mod gcs;
mod receipt;
mod request_failure;
mod s3;

pub(crate) use azure::AzureStore;
pub(crate) use filesystem::{FilesystemStore, MAX_RUNNING};
pub(crate) use gcs::GcsStore;
pub(crate) use s3::S3Store;
