//! Clients that store at the S3 server without a vault.

use super::Client;
use super::presign::{self, Credentials};
use crate::http::{Connection, Pieces};
use crate::stage::S3;
use anyhow::Result;
use async_trait::async_trait;
use bytes::Bytes;
use hyper::{Request, StatusCode};
use std::sync::atomic::{AtomicU64, Ordering};
use time::OffsetDateTime;

static NUMBER: AtomicU64 = AtomicU64::new(0);

/// PUTs to presigned URLs, one request per recording whatever its size: the least that storing at this server can cost
/// a client.
pub(crate) struct Direct {
    connection: Connection,
    credentials: Credentials,
    recording: Bytes,
}

impl Direct {
    pub(crate) async fn connect(s3: &S3, recording: Bytes) -> Result<Self> {
        Ok(Self { connection: Connection::open(s3.address).await?, credentials: s3.into(), recording })
    }
}

#[async_trait]
impl Client for Direct {
    async fn upload(&mut self) -> Result<()> {
        let key = format!("direct/{}.mp4", NUMBER.fetch_add(1, Ordering::Relaxed));
        let now = OffsetDateTime::from_unix_timestamp(vault::clock::Clock::default().now_ms() / 1000)?;
        let request = Request::put(presign::put(&self.credentials, &key, now))
            .header("Content-Type", "video/mp4")
            .body(Pieces::whole(self.recording.clone()))?;
        self.connection.expect(request, StatusCode::OK).await?;
        Ok(())
    }
}
