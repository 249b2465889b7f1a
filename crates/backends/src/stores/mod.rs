//! Object stores.

mod filesystem;
mod s3;

pub(crate) use filesystem::FilesystemStore;
pub(crate) use s3::S3Store;
