use super::S3Target;
use super::own_server::OwnServer;
use crate::field::{Field, FieldError};
use crate::kind::Definition;
use serde::Deserialize;

/// Ceph's S3 gateway.
#[derive(Debug, Clone, Deserialize)]
pub struct Ceph(OwnServer);

impl Definition for Ceph {
    const NAME: &'static str = "ceph";
    const LABEL: &'static str = "Ceph";
    const ABOUT: &'static str =
        "A bucket on a Ceph Object Gateway and a key pair that may list, read, write and delete in it.";
    const FIELDS: &'static [Field] = &OwnServer::fields("ceph-rgw:7480");

    fn check(&self) -> Vec<FieldError> {
        self.0.check()
    }
}

impl From<Ceph> for S3Target {
    fn from(server: Ceph) -> Self {
        server.0.into()
    }
}
