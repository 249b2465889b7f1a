//! Kinds of storage providers: one file each, registered in the list below.

mod azure;
mod ceph;
mod filesystem;
mod gcs;
mod minio;
mod own_server;
mod s3;
mod storj;

use crate::kind::Kind;

pub use azure::Azure;
pub use ceph::Ceph;
pub use filesystem::Filesystem;
pub use gcs::{Gcs, ServiceKey};
pub use minio::Minio;
pub use s3::{Encryption, S3, S3Target, Signer};
pub use storj::Storj;

/// Every kind, in the order a chooser shows them.
pub const KINDS: &[Kind] = &[
    Kind::of::<Filesystem>(),
    Kind::of::<S3>(),
    Kind::of::<Gcs>(),
    Kind::of::<Azure>(),
    Kind::of::<Minio>(),
    Kind::of::<Ceph>(),
    Kind::of::<Storj>(),
];
