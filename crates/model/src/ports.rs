//! The world outside, as the vault sees it. `backends` implements these.

use crate::error::{SinkError, StoreError, StoreErrorKind};
use crate::event::Metadata;
use crate::field::{FieldError, Settings};
use crate::key::ObjectKey;
use crate::probe::ProbeReport;
use async_trait::async_trait;
use bytes::Bytes;
use futures_core::Stream;
use serde::{Deserialize, Serialize};
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

/// Bytes of an object as they arrive.
pub type ByteStream = Pin<Box<dyn Stream<Item = Result<Bytes, StoreError>> + Send>>;

/// Media type of recordings.
pub const CONTENT_TYPE: &str = "video/mp4";

/// Names an unfinished multipart upload within a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadId(pub String);

/// A stored part of an unfinished upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// 1-based, without gaps.
    pub number: u32,
    /// Bytes it has.
    pub size: u64,
    /// What the store gave back for it (an ETag).
    pub tag: String,
}

/// A place where objects are stored.
///
/// `Ok` from [`put`](BlobStore::put) and [`complete`](BlobStore::complete) means *durable*: a crash
/// of anything right after must not lose the object. An object is visible whole or not at all. A store that says so
/// of something else than was sent has not: that is an error too, `Unconfirmed`.
#[async_trait]
pub trait BlobStore: Send + Sync + 'static {
    /// Tries everything the vault will need (resolve, connect, TLS, authenticate, write, read,
    /// range, delete), within 10 seconds, leaving nothing behind.
    async fn probe(&self) -> ProbeReport;

    /// Makes ready for the first recording what is not so by itself. Called only while the provider holds none: one that
    /// does must be found as it was left, else it is another place than it was, like the mount point of a disk that is away.
    async fn set_up(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// The device that objects lie on, as the system numbers it; `None` for what is not a folder of this machine. Asked
    /// after [`set_up`](BlobStore::set_up).
    async fn device(&self) -> Option<u64> {
        None
    }

    /// Bytes per part of a multipart upload, all but the last. Objects up to this size are stored
    /// with one [`put`](BlobStore::put).
    fn part_size(&self) -> usize;

    /// Stores a whole object, replacing one of the same key.
    async fn put(&self, key: &ObjectKey, bytes: Bytes) -> Result<(), StoreError>;

    /// The same, by someone who knows the content's SHA-256 (hex): a store that signs what it sends need not hash it
    /// again.
    async fn put_hashed(&self, key: &ObjectKey, bytes: Bytes, _sha256: &str) -> Result<(), StoreError> {
        self.put(key, bytes).await
    }

    /// Size in bytes; `None` when there is no such object.
    async fn head(&self, key: &ObjectKey) -> Result<Option<u64>, StoreError>;

    /// Reads an object, or the given bytes of it. `NotFound` and `Range` errors come here, not from
    /// the stream.
    async fn get(&self, key: &ObjectKey, range: Option<Range<u64>>) -> Result<ByteStream, StoreError>;

    /// Removes an object; removing what is not there is fine.
    async fn delete(&self, key: &ObjectKey) -> Result<(), StoreError>;

    /// An address that reads the object without credentials until it expires. `None` when this
    /// store cannot, or its owner wants the vault to sign.
    async fn sign(&self, key: &ObjectKey, expires_in: Duration) -> Result<Option<String>, StoreError>;

    /// Starts a multipart upload.
    async fn begin(&self, key: &ObjectKey) -> Result<UploadId, StoreError>;

    /// Stores one part. Safe to repeat.
    async fn put_part(&self, key: &ObjectKey, upload: &UploadId, number: u32, bytes: Bytes)
    -> Result<Part, StoreError>;

    /// Makes the object visible from its parts, replacing one of the same key.
    async fn complete(&self, key: &ObjectKey, upload: &UploadId, parts: &[Part]) -> Result<(), StoreError>;

    /// Gives an upload up and frees what it holds; giving up twice is fine.
    async fn abort(&self, key: &ObjectKey, upload: &UploadId) -> Result<(), StoreError>;

    /// Gives up every unfinished upload of this key, also those nobody remembers; for recovery
    /// after a crash, when no upload of the key can be running.
    async fn abort_all(&self, key: &ObjectKey) -> Result<(), StoreError>;
}

/// An event on its way out.
#[derive(Clone)]
pub struct OutgoingEvent {
    /// The same on every retry, for deduplication.
    pub id: String,
    /// Device key, which keeps a camera's events in order; may be empty.
    pub device: String,
    /// UTF-8 JSON (docs/protocol.md §9).
    pub body: Bytes,
    /// Why it leaves.
    pub purpose: Purpose,
    /// The recording it is about, for sinks that pass on the recording itself.
    pub recording: Arc<dyn RecordingSource>,
}

/// Why a delivery is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Purpose {
    /// A recording was stored.
    Stored,
    /// Somebody asked for this recording to be forwarded (docs/protocol.md §6).
    Forward,
    /// A secondary provider gets a copy.
    Copy,
    /// An administrator sends a period's events again.
    Replay,
    /// An administrator tries the integration out.
    Test,
}

impl Purpose {
    /// As stored, and as shown in addresses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Forward => "forward",
            Self::Copy => "copy",
            Self::Replay => "replay",
            Self::Test => "test",
        }
    }

    /// Finds a purpose by its name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Stored, Self::Forward, Self::Copy, Self::Replay, Self::Test].into_iter().find(|p| p.as_str() == name)
    }
}

/// A stored recording, opened only when a sink wants its bytes.
#[async_trait]
pub trait RecordingSource: Send + Sync + 'static {
    /// Opens it. `NotFound` when it has been deleted since.
    async fn open(&self) -> Result<OpenRecording, StoreError>;
}

/// A recording about to be read.
pub struct OpenRecording {
    /// Full key.
    pub key: ObjectKey,
    /// Bytes.
    pub size: u64,
    /// SHA-256 of the content, hex.
    pub sha256: String,
    /// When it was recorded, Unix milliseconds.
    pub timestamp: i64,
    /// What is known of it beyond its bytes.
    pub metadata: Metadata,
    /// Vaults it came through, by their ids, oldest first; the last one is this one.
    pub path: Vec<String>,
    /// The content.
    pub body: ByteStream,
}

/// For events that are about no recording.
#[derive(Debug, Clone, Copy)]
pub struct NoRecording;

#[async_trait]
impl RecordingSource for NoRecording {
    async fn open(&self) -> Result<OpenRecording, StoreError> {
        Err(StoreError::new(StoreErrorKind::NotFound, "This event is about no recording."))
    }
}

/// Somewhere events go.
#[async_trait]
pub trait EventSink: Send + Sync + 'static {
    /// Tries the connection as far as it can without sending a real event, within 10 seconds.
    async fn probe(&self) -> ProbeReport;

    /// Delivers one event; `Ok` means the other side has it for good.
    async fn send(&self, event: &OutgoingEvent) -> Result<(), SinkError>;

    /// Cameras that are served at a time.
    fn concurrency(&self) -> usize {
        16
    }

    /// Longest time one delivery may take.
    fn send_timeout(&self) -> Duration {
        Duration::from_secs(30)
    }

    /// Whether a camera's newest waiting event leaves first. Else they leave in order.
    fn newest_first(&self) -> bool {
        false
    }
}

/// Opens connections by kind. Opening does no I/O.
pub trait Connector: Send + Sync + 'static {
    /// A store of one of the kinds in [`crate::providers`].
    fn store(&self, kind: &str, settings: &Settings) -> Result<Arc<dyn BlobStore>, Vec<FieldError>>;

    /// A sink of one of the kinds in [`crate::integrations`].
    fn sink(&self, kind: &str, settings: &Settings) -> Result<Arc<dyn EventSink>, Vec<FieldError>>;
}
