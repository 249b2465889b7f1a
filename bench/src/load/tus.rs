//! Clients that upload by tus 1.0.0 (docs/protocol.md §11), to a vault or to another server.

use super::{Account, Client, DIRECTORY, device, file_name};
use crate::http::{Connection, Pieces};
use anyhow::{Context as _, Result, ensure};
use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hyper::{Request, StatusCode};
use std::net::SocketAddr;

/// Where uploads begin at a server.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Endpoint {
    pub(crate) address: SocketAddr,
    /// Without a slash at the end.
    pub(crate) path: &'static str,
    /// A vault wants to know who asks.
    pub(crate) account: Option<Account>,
}

/// Creates an upload, then sends all of it in one request.
pub(crate) struct Tus {
    connection: Connection,
    endpoint: Endpoint,
    camera: usize,
    recording: Bytes,
}

impl Tus {
    /// `count` clients, each of a camera of its own.
    pub(crate) async fn several(endpoint: Endpoint, count: usize, recording: &Bytes) -> Result<Vec<Self>> {
        let mut clients = Vec::with_capacity(count);
        for camera in 0..count {
            let connection = Connection::open(endpoint.address).await?;
            clients.push(Self { connection, endpoint, camera, recording: recording.clone() });
        }
        Ok(clients)
    }

    fn request(&self, method: &str, path: &str) -> hyper::http::request::Builder {
        let request = Request::builder().method(method).uri(path).header("Tus-Resumable", "1.0.0");
        match self.endpoint.account {
            None => request,
            Some(account) => request
                .header("X-Kerberos-Storage-AccessKey", account.access_key())
                .header("X-Kerberos-Storage-SecretAccessKey", account.secret_key()),
        }
    }

    fn metadata(&self) -> String {
        let (file, device) = (file_name(self.camera), device(self.camera));
        let said = [("filename", &*file), ("device", &*device), ("directory", DIRECTORY), ("capture", "IPCamera")];
        said.map(|(key, value)| format!("{key} {}", STANDARD.encode(value))).join(",")
    }
}

#[async_trait]
impl Client for Tus {
    async fn upload(&mut self) -> Result<()> {
        let length = self.recording.len().to_string();
        let creation = self.request("POST", self.endpoint.path).header("Upload-Length", &length);
        let creation = creation.header("Upload-Metadata", self.metadata()).body(Pieces::none())?;
        let created = self.connection.expect(creation, StatusCode::CREATED).await?;
        let location = created.headers.get("location").context("a creation without Location")?.to_str()?;
        let id = location.rsplit('/').next().unwrap_or_default();
        let bytes = self.request("PATCH", &format!("{}/{id}", self.endpoint.path));
        let bytes = bytes.header("Content-Type", "application/offset+octet-stream").header("Upload-Offset", "0");
        let sent = bytes.body(Pieces::whole(self.recording.clone()))?;
        let kept = self.connection.expect(sent, StatusCode::NO_CONTENT).await?;
        let offset = kept.headers.get("upload-offset").context("no Upload-Offset")?.to_str()?;
        ensure!(offset == length, "{offset} bytes of {length} were kept");
        Ok(())
    }
}
