//! A sink without a vault, fed from memory.

use crate::load::{device, file_name};
use crate::receive::{Inbox, milliseconds};
use crate::stage::Declared;
use anyhow::{Result, anyhow};
use backends::Backends;
use futures::future::try_join_all;
use model::event::{Event, Metadata, Payload};
use model::ports::{Connector as _, EventSink, Forgetful, NoRecording, OutgoingEvent, Purpose};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;

/// The vault's own adapter.
pub(super) struct Alone(Arc<dyn EventSink>);

/// An event that was sent.
pub(super) struct Sent {
    pub(super) key: String,
    /// When sending began.
    begun: Instant,
}

impl Alone {
    pub(super) fn open(integration: &Declared) -> Result<Self> {
        let sink = Backends::new().sink(integration.kind, &integration.settings);
        Ok(Self(sink.map_err(|errors| anyhow!("{} does not open: {errors:?}", integration.kind))?))
    }

    pub(super) async fn send(&self, camera: usize) -> Result<Sent> {
        let (key, event) = event(camera);
        let begun = Instant::now();
        self.0.send(&event).await?;
        Ok(Sent { key, begun })
    }

    /// Every camera sends its events one after the other, as fast as they are accepted; returns the full keys.
    pub(super) async fn send_all(&self, cameras: usize, events: usize) -> Result<HashSet<String>> {
        let camera = async |camera| {
            let mut keys = Vec::new();
            for _ in 0..events / cameras {
                keys.push(self.send(camera).await?.key);
            }
            anyhow::Ok(keys)
        };
        Ok(try_join_all((0..cameras).map(camera)).await?.into_iter().flatten().collect())
    }

    /// From the start of sending an event until it arrives, in milliseconds.
    pub(super) async fn delay(&self, camera: usize, inbox: &mut Inbox) -> Result<f64> {
        let sent = self.send(camera).await?;
        Ok(milliseconds(sent.begun, inbox.expect(&sent.key).await?))
    }
}

/// An event like a vault's about a recording, and its key.
fn event(camera: usize) -> (String, OutgoingEvent) {
    let file_name = file_name(camera);
    let (text, key) = (|value: &str| Some(value.to_owned()), format!("bench/{file_name}"));
    let metadata = Metadata {
        capture: text("IPCamera"),
        uploadtime: text("1606164482"),
        timestamp: text("1606164482"),
        microseconds: text("967003"),
        instance_name: text("Camera"),
        region: text("200-200-400-400"),
        changes: text("24"),
        token: text("8000"),
        productid: Some(device(camera)),
        ..Metadata::default()
    };
    let payload = Payload { key: key.clone(), file_size: 1024, metadata, ..Payload::default() };
    let event = Event::persisted(file_name, "disk".into(), 1_606_164_482, true, payload);
    let outgoing = OutgoingEvent {
        id: event.id.clone(),
        device: device(camera),
        body: event.to_json().into(),
        purpose: Purpose::Stored,
        recording: Arc::new(NoRecording),
        memory: Arc::new(Forgetful),
    };
    (key, outgoing)
}
