//! The outside world as the vault sees it; `backends` implements these traits.

use crate::error::{SinkError, StoreError, StoreErrorKind};
use crate::event::Metadata;
use crate::field::{FieldError, Settings};
use crate::key::ObjectKey;
use crate::probe::ProbeReport;
use crate::wire::CustomHeaders;
use async_trait::async_trait;
use bytes::Bytes;
use futures_core::Stream;
use serde::{Deserialize, Serialize};
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// Bytes of an object as they arrive.
pub type ByteStream = Pin<Box<dyn Stream<Item = Result<Bytes, StoreError>> + Send>>;

/// An unfinished multipart upload's id within a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadId(pub String);

/// A stored part of an unfinished upload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// 1-based, without gaps.
    pub number: u32,
    /// Size in bytes.
    pub size: u64,
    /// What the store returned for it (an ETag).
    pub tag: String,
}

/// An object that was found, or some bytes of it.
pub struct Found {
    /// Size of the whole object in bytes, whatever was asked for; `None` if the store does not tell.
    pub size: Option<u64>,
    /// What was asked for.
    pub bytes: ByteStream,
}

/// What a store's place stands on at the moment: a folder of this machine, told from any other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ground {
    /// The volume's device number.
    pub device: u64,
    /// The folder's number on it.
    pub inode: u64,
    /// When the folder was made, as its volume tells: numbers are given again.
    pub born: Option<SystemTime>,
}

/// What becomes of an object that lies at the key already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Publish {
    /// It stays, and the error is `Taken`.
    ///
    /// That may also be the answer to a request that was repeated because its first answer was lost: then the object is
    /// the request's own. Whoever is told `Taken` compares what lies there with what was sent.
    New,
    /// It is replaced.
    Replace,
}

/// A place where objects are stored.
///
/// `Ok` from [`put`](BlobStore::put) and [`complete`](BlobStore::complete) means *durable*: a crash of anything right
/// after must not lose the object. An object is visible whole or not at all. If what the store reports differs from
/// what was sent, that is an error too: `Unconfirmed`.
#[async_trait]
pub trait BlobStore: Send + Sync + 'static {
    /// Tries everything the vault will need (resolve, connect, TLS, authenticate, write, read,
    /// range, delete), within 10 seconds, leaving nothing behind.
    async fn probe(&self) -> ProbeReport;

    /// Creates what the first recording needs, such as the folder. Called only while the provider has no recordings: if
    /// they exist but their folder does not, a disk is not mounted, and a new folder would hide it.
    async fn set_up(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// The device number of the volume that objects lie on; `None` unless it is a folder of this machine. Called after
    /// [`set_up`](BlobStore::set_up).
    async fn device(&self) -> Option<u64> {
        None
    }

    /// What it stands on now; asked before each of the other calls, so it must be cheap. `None` unless it is a folder of this
    /// machine: nothing else is exchanged by mounting or renaming.
    async fn ground(&self) -> Result<Option<Ground>, StoreError> {
        Ok(None)
    }

    /// Bytes per part of a multipart upload, all but the last. Objects up to this size are stored
    /// with one [`put`](BlobStore::put).
    fn part_size(&self) -> usize;

    /// Stores a whole object. If something lies at its key that stays, that is durable too when the error comes.
    async fn put(&self, key: &ObjectKey, bytes: Bytes, publish: Publish) -> Result<(), StoreError>;

    /// Like [`put`](BlobStore::put), with the content's SHA-256 (hex) already known, so that a store that signs its
    /// content need not hash it again.
    async fn put_hashed(
        &self,
        key: &ObjectKey,
        bytes: Bytes,
        _sha256: &str,
        publish: Publish,
    ) -> Result<(), StoreError> {
        self.put(key, bytes, publish).await
    }

    /// Size in bytes; `None` when there is no such object.
    async fn head(&self, key: &ObjectKey) -> Result<Option<u64>, StoreError>;

    /// Reads an object, or the given bytes of it. `NotFound` and `Range` errors come here, not from
    /// the stream.
    async fn get(&self, key: &ObjectKey, range: Option<Range<u64>>) -> Result<Found, StoreError>;

    /// Removes an object; removing what is not there is fine.
    async fn delete(&self, key: &ObjectKey) -> Result<(), StoreError>;

    /// A URL that reads the object without credentials until it expires. `None` when the store cannot sign, or the
    /// vault is to do it.
    async fn sign(&self, key: &ObjectKey, expires_in: Duration) -> Result<Option<String>, StoreError>;

    /// Starts a multipart upload.
    async fn begin(&self, key: &ObjectKey) -> Result<UploadId, StoreError>;

    /// Stores one part. Safe to repeat.
    async fn put_part(&self, key: &ObjectKey, upload: &UploadId, number: u32, bytes: Bytes)
    -> Result<Part, StoreError>;

    /// Makes the object visible from its parts. After `Taken` the parts are still there, unless the object is this
    /// upload's own.
    async fn complete(
        &self,
        key: &ObjectKey,
        upload: &UploadId,
        parts: &[Part],
        publish: Publish,
    ) -> Result<(), StoreError>;

    /// Abandons an upload and frees what it holds; doing so twice is fine.
    async fn abort(&self, key: &ObjectKey, upload: &UploadId) -> Result<(), StoreError>;

    /// Abandons every unfinished upload of this key, even unknown ones. For recovery after a crash, when none of them
    /// can be running.
    async fn abort_all(&self, key: &ObjectKey) -> Result<(), StoreError>;
}

/// An event on its way out.
#[derive(Clone)]
pub struct OutgoingEvent {
    /// Stays the same on every retry, for deduplication.
    pub id: String,
    /// Device key, which keeps a camera's events in order; may be empty.
    pub device: String,
    /// UTF-8 JSON (docs/protocol.md §9).
    pub body: Bytes,
    /// Why it is sent.
    pub purpose: Purpose,
    /// The recording it is about, for sinks that send the recording itself.
    pub recording: Arc<dyn RecordingSource>,
    /// What earlier tries have left.
    pub memory: Arc<dyn Memory>,
}

/// Why a delivery exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Purpose {
    /// A recording was stored.
    Stored,
    /// Somebody asked for this recording to be forwarded (docs/protocol.md §6).
    Forward,
    /// An asset was stored, which vaults that get every recording get, too (docs/protocol.md §5).
    Asset,
    /// A copy for a secondary provider.
    Copy,
    /// An administrator has a period's events sent again.
    Replay,
    /// An administrator tests the integration.
    Test,
}

impl Purpose {
    /// The form that is stored and shown in URLs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Forward => "forward",
            Self::Asset => "asset",
            Self::Copy => "copy",
            Self::Replay => "replay",
            Self::Test => "test",
        }
    }

    /// Finds a purpose by its name.
    pub fn parse(name: &str) -> Option<Self> {
        let all = [Self::Stored, Self::Forward, Self::Asset, Self::Copy, Self::Replay, Self::Test];
        all.into_iter().find(|p| p.as_str() == name)
    }
}

/// A stored recording, opened only if a sink wants its bytes.
#[async_trait]
pub trait RecordingSource: Send + Sync + 'static {
    /// Opens it to read its bytes from this one on, none if it has no more; `NotFound` if it has been deleted meanwhile.
    async fn open(&self, from: u64) -> Result<OpenRecording, StoreError>;
}

/// What a sink keeps of a delivery from one try to the next, also across a restart.
#[async_trait]
pub trait Memory: Send + Sync + 'static {
    /// What was kept last; empty at first.
    async fn recall(&self) -> String;

    /// Keeps this instead. If that fails, the next try begins anew.
    async fn keep(&self, text: &str);
}

/// Keeps nothing, for events that are sent once.
#[derive(Debug, Clone, Copy)]
pub struct Forgetful;

#[async_trait]
impl Memory for Forgetful {
    async fn recall(&self) -> String {
        String::new()
    }

    async fn keep(&self, _: &str) {}
}

/// A recording ready to be read.
pub struct OpenRecording {
    /// Full key.
    pub key: ObjectKey,
    /// Size in bytes.
    pub size: u64,
    /// SHA-256 of the content, hex.
    pub sha256: String,
    /// When it was recorded, Unix milliseconds.
    pub timestamp: i64,
    /// What is known about it besides its bytes.
    pub metadata: Metadata,
    /// Headers of the owner's choice that it came with.
    pub custom_headers: CustomHeaders,
    /// Ids of the vaults it came through, oldest first; this vault is the last.
    pub path: Vec<String>,
    /// The content, from where it was asked for.
    pub body: ByteStream,
}

/// For events about no recording.
#[derive(Debug, Clone, Copy)]
pub struct NoRecording;

#[async_trait]
impl RecordingSource for NoRecording {
    async fn open(&self, _: u64) -> Result<OpenRecording, StoreError> {
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

    /// How many cameras are served at a time.
    fn concurrency(&self) -> usize {
        16
    }

    /// Longest time one delivery may take.
    fn send_timeout(&self) -> Duration {
        Duration::from_secs(30)
    }

    /// Whether a camera's newest waiting event is sent first, instead of the oldest.
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
