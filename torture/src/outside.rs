//! The world outside a vault: real folders, and a consumer that records its events.

use crate::flaky::{Flaky, StoreFaults};
use async_trait::async_trait;
use backends::Backends;
use model::error::SinkError;
use model::event::Event;
use model::field::{FieldError, Settings};
use model::ports::{BlobStore, Connector, EventSink, OutgoingEvent};
use model::probe::ProbeReport;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Opens folders as the product does, and one consumer for all integrations.
#[derive(Debug, Clone)]
pub struct Outside {
    backends: Backends,
    /// Folder that absolute paths in settings are relative to, so that a copied world has its own.
    root: PathBuf,
    faults: Arc<StoreFaults>,
    consumer: Arc<Consumer>,
}

impl Outside {
    /// With a consumer that appends to its earlier file, and stores that fail by plan.
    pub fn open(root: PathBuf, events: PathBuf, faults: Arc<StoreFaults>) -> std::io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(events)?;
        Ok(Self { backends: Backends::new(), root, faults, consumer: Arc::new(Consumer(Mutex::new(file))) })
    }
}

impl Connector for Outside {
    fn store(&self, kind: &str, settings: &Settings) -> Result<Arc<dyn BlobStore>, Vec<FieldError>> {
        let below = settings.get("path").trim_start_matches('/').to_owned();
        let path = self.root.join(below).display().to_string();
        let store = self.backends.store(kind, &settings.clone().with("path", path))?;
        Ok(Arc::new(Flaky { store, faults: self.faults.clone() }))
    }

    fn sink(&self, _: &str, _: &Settings) -> Result<Arc<dyn EventSink>, Vec<FieldError>> {
        Ok(self.consumer.clone())
    }
}

/// Records events in a file that outlives a killed vault.
#[derive(Debug)]
struct Consumer(Mutex<File>);

#[async_trait]
impl EventSink for Consumer {
    async fn probe(&self) -> ProbeReport {
        ProbeReport::default()
    }

    async fn send(&self, outgoing: &OutgoingEvent) -> Result<(), SinkError> {
        let event: Event = serde_json::from_slice(&outgoing.body).map_err(|e| SinkError::refused(e.to_string()))?;
        let line = format!("{} {} {}\n", event.id, event.payload.key, event.payload.file_size);
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(line.as_bytes()).map_err(|e| SinkError::down(e.to_string()))
    }
}

/// An event as a consumer received it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// Its id.
    pub id: String,
    /// Key of its recording.
    pub key: String,
    /// Size of its recording, in bytes.
    pub size: u64,
}

/// The events a consumer has recorded.
pub fn heard(events: &Path) -> Vec<Heard> {
    let text = std::fs::read_to_string(events).unwrap_or_default();
    let parse = |line: &str| {
        let mut words = line.split(' ').map(str::to_owned);
        Some(Heard { id: words.next()?, key: words.next()?, size: words.next()?.parse().ok()? })
    };
    text.lines().filter_map(parse).collect()
}
