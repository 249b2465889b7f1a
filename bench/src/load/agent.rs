//! Cameras' agents, which upload to a vault (docs/protocol.md §4).

use super::{Client, DIRECTORY};
use crate::http::{Answer, Connection, Pieces};
use anyhow::Result;
use async_trait::async_trait;
use bytes::Bytes;
use hyper::{Request, StatusCode};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};

/// What Go's HTTP client, and so the agent, sends at a time.
const CHUNK: usize = 32 * 1024;

/// File names are never used twice.
static NUMBER: AtomicU64 = AtomicU64::new(1_700_000_000);

/// An account of the vault under test.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Account {
    pub(crate) name: &'static str,
    pub(crate) provider: &'static str,
}

impl Account {
    /// Its section of `vault.toml`; `integrations` is the inside of a list.
    pub(crate) fn section(self, integrations: &str) -> String {
        let Self { name, provider } = self;
        format!(
            "[[account]]\nname = \"{name}\"\nprovider = \"{provider}\"\nintegrations = [{integrations}]\ndirectory = \"*\"\n\
             access_key = \"{}\"\nsecret_key = \"{}\"\n",
            self.access_key(),
            self.secret_key()
        )
    }

    pub(crate) fn access_key(self) -> String {
        format!("{}-access", self.name)
    }

    pub(crate) fn secret_key(self) -> String {
        format!("{}-secret", self.name)
    }
}

/// A new file name in agents' form.
pub(crate) fn file_name(camera: usize) -> String {
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    format!("{number}_6-967003_Camera{camera}_200-200-400-400_24_8000.mp4")
}

/// A camera's device key.
pub(crate) fn device(camera: usize) -> String {
    format!("camera-{camera}")
}

/// One camera's agent.
pub(crate) struct Agent {
    connection: Connection,
    account: Account,
    camera: usize,
    recording: Bytes,
}

impl Agent {
    pub(crate) async fn connect(
        address: SocketAddr,
        account: Account,
        camera: usize,
        recording: Bytes,
    ) -> Result<Self> {
        Ok(Self { connection: Connection::open(address).await?, account, camera, recording })
    }

    /// `count` agents, each of a camera of its own.
    pub(crate) async fn several(
        address: SocketAddr,
        account: Account,
        count: usize,
        recording: &Bytes,
    ) -> Result<Vec<Self>> {
        let mut agents = Vec::with_capacity(count);
        for camera in 0..count {
            agents.push(Self::connect(address, account, camera, recording.clone()).await?);
        }
        Ok(agents)
    }

    /// Uploads as another camera from now on.
    pub(crate) fn become_camera(&mut self, camera: usize) {
        self.camera = camera;
    }

    /// Uploads once; returns the full key and the vault's answer.
    pub(crate) async fn send(&mut self) -> Result<(String, Answer)> {
        let file_name = file_name(self.camera);
        let request = Request::post("/api/storage")
            .header("Content-Type", "video/mp4")
            .header("X-Kerberos-Storage-AccessKey", self.account.access_key())
            .header("X-Kerberos-Storage-SecretAccessKey", self.account.secret_key())
            .header("X-Kerberos-Storage-Directory", DIRECTORY)
            .header("X-Kerberos-Storage-FileName", &file_name)
            .header("X-Kerberos-Storage-Device", device(self.camera))
            .header("X-Kerberos-Storage-Capture", "IPCamera")
            .body(Pieces::chunked(self.recording.clone(), CHUNK))?;
        let answer = self.connection.expect(request, StatusCode::OK).await?;
        Ok((format!("{DIRECTORY}/{file_name}"), answer))
    }
}

#[async_trait]
impl Client for Agent {
    async fn upload(&mut self) -> Result<()> {
        self.send().await?;
        Ok(())
    }
}
