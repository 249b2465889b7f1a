//! A sink in memory that fails on demand.

use super::PATIENCE;
use async_trait::async_trait;
use model::error::{SinkError, SinkErrorKind};
use model::ports::{EventSink, OutgoingEvent};
use model::probe::ProbeReport;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::Notify;

/// Events in the order they came.
#[derive(Default)]
pub(crate) struct MemorySink {
    pub(crate) events: Mutex<Vec<(String, String)>>,
    /// Refuses events of devices or recordings named here; is down for `*`.
    pub(crate) refuses: Mutex<Vec<String>>,
    /// Refuses every event, as a maintenance page does.
    pub(crate) in_maintenance: AtomicBool,
    /// Whether what it refuses is hopeless.
    pub(crate) is_final: AtomicBool,
    pub(crate) attempts: Mutex<u32>,
    /// Does not answer for this device until `let_go`.
    pub(crate) holds: Mutex<Option<String>>,
    pub(crate) let_go: Notify,
    /// The ids of the events taken, in order.
    pub(crate) ids: Mutex<Vec<String>>,
    came: Notify,
    /// The event that came last.
    pub(crate) last: Mutex<Option<OutgoingEvent>>,
}

impl MemorySink {
    /// The file names of a device's events, in order.
    pub(crate) fn of(&self, device: &str) -> Vec<String> {
        self.events.lock().unwrap().iter().filter(|(d, _)| d == device).map(|(_, key)| key.clone()).collect()
    }

    pub(crate) async fn wait_for(&self, count: usize) {
        let enough = async {
            loop {
                let came = self.came.notified();
                if self.events.lock().unwrap().len() >= count {
                    return;
                }
                came.await;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, enough).await;
        assert!(waited.is_ok(), "{} of {count} events came within {PATIENCE:?}", self.events.lock().unwrap().len());
    }

    pub(crate) async fn wait_for_attempts(&self, count: u32) {
        let enough = async {
            loop {
                let came = self.came.notified();
                if *self.attempts.lock().unwrap() >= count {
                    return;
                }
                came.await;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, enough).await;
        assert!(waited.is_ok(), "{} of {count} tries came within {PATIENCE:?}", self.attempts.lock().unwrap());
    }
}

#[async_trait]
impl EventSink for MemorySink {
    async fn probe(&self) -> ProbeReport {
        ProbeReport::default()
    }

    async fn send(&self, event: &OutgoingEvent) -> Result<(), SinkError> {
        *self.attempts.lock().unwrap() += 1;
        let held = self.holds.lock().unwrap().as_ref() == Some(&event.device);
        if held {
            self.came.notify_waiters();
            self.let_go.notified().await;
        }
        let refused = self.refuses.lock().unwrap().clone();
        let json: serde_json::Value = serde_json::from_slice(&event.body).unwrap();
        let key = json["payload"]["key"].as_str().unwrap_or_default().to_owned();
        let names_it = |name: &String| *name == event.device || *name == key;
        let outcome = if self.in_maintenance.load(Ordering::SeqCst) {
            Err(SinkError::refused("The sink is being mended."))
        } else if refused.iter().any(|d| d == "*") {
            Err(SinkError::down("The sink is down."))
        } else if refused.iter().any(names_it) {
            let kind =
                if self.is_final.load(Ordering::SeqCst) { SinkErrorKind::Hopeless } else { SinkErrorKind::Refused };
            Err(SinkError::new(kind, "The sink does not want this."))
        } else {
            assert_eq!(json["id"], event.id.as_str());
            *self.last.lock().unwrap() = Some(event.clone());
            self.ids.lock().unwrap().push(event.id.clone());
            self.events.lock().unwrap().push((event.device.clone(), key));
            Ok(())
        };
        self.came.notify_waiters();
        outcome
    }
}
