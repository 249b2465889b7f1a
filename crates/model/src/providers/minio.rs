use super::S3Target;
use super::own_server::OwnServer;
use crate::field::{Field, FieldError};
use crate::kind::Definition;
use serde::Deserialize;

/// A MinIO server.
#[derive(Debug, Clone, Deserialize)]
pub struct Minio(OwnServer);

impl Definition for Minio {
    const NAME: &'static str = "minio";
    const LABEL: &'static str = "MinIO";
    const ABOUT: &'static str =
        "A bucket on your own MinIO and a key pair that may list, read, write and delete in it.";
    const FIELDS: &'static [Field] = &OwnServer::fields("minio:9000");

    fn check(&self) -> Vec<FieldError> {
        self.0.check()
    }
}

impl From<Minio> for S3Target {
    fn from(server: Minio) -> Self {
        server.0.into()
    }
}
