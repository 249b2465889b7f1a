//! The S3 test server.

use super::{Cores, Declared, Process, Service, Workshop};
use anyhow::Result;
use model::field::Settings;
use std::net::SocketAddr;

/// An empty server; stopped and its data removed when dropped.
pub(crate) struct S3 {
    pub(crate) address: SocketAddr,
    pub(crate) bucket: String,
    pub(crate) access_key: String,
    pub(crate) secret_key: String,
    pub(crate) process: Process,
    _service: Service,
}

impl S3 {
    pub(crate) fn start(workshop: &Workshop, cores: Cores) -> Result<Self> {
        let service = Service::start(workshop, "s3", cores)?;
        Ok(Self {
            address: service.variable("ENDPOINT")?.trim_start_matches("http://").parse()?,
            bucket: service.variable("BUCKET")?,
            access_key: service.variable("ACCESS_KEY")?,
            secret_key: service.variable("SECRET_KEY")?,
            process: service.process,
            _service: service,
        })
    }

    /// As a provider for the vault.
    pub(crate) fn provider(&self, name: &'static str) -> Declared {
        let settings = Settings::new()
            .with("bucket", &self.bucket)
            .with("region", "us-east-1")
            .with("access_key", &self.access_key)
            .with("secret_key", &self.secret_key)
            .with("endpoint", format!("http://{}", self.address))
            .with("path_style", "true");
        Declared::provider(name, "s3", settings)
    }
}
