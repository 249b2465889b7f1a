//! Sending a test event straight to the other side, past the outbox.

use super::ConnectionSetup;
use crate::base::keys::random_id;
use crate::base::{Result, VaultError};
use model::connection::{ConnectionForm, Family};
use model::event::Event;
use model::ports::{EventSink, Forgetful, NoRecording, OutgoingEvent, Purpose};
use model::probe::{ProbeFailure, ProbeReport};
use std::error::Error as StdError;
use std::sync::Arc;
use std::time::Duration;

/// How long an administrator waits for the other side.
const PATIENCE: Duration = Duration::from_secs(10);
/// Name of the report's only step.
const STEP: &str = "send";

impl ConnectionSetup {
    /// Sends a test event with an integration as submitted, without saving it.
    pub async fn send_test(&self, form: ConnectionForm) -> Result<ProbeReport> {
        if form.family != Family::Integration {
            return Err(VaultError::NotFound("integration"));
        }
        let settings = self.checked_settings(&form).await?;
        let sink = self.connector.sink(&form.kind, &settings).map_err(VaultError::Invalid)?;
        Ok(try_out(&form.name, sink.as_ref(), self.db.now_ms()).await)
    }

    /// Sends a test event with a stored integration, enabled or not.
    pub async fn send_stored_test(&self, id: i64) -> Result<ProbeReport> {
        let row = self.connections.row(id).await?;
        if row.family != Family::Integration.as_str() {
            return Err(VaultError::NotFound("integration"));
        }
        let sink = self.connector.sink(&row.kind, &self.connections.settings(&row)?).map_err(VaultError::Invalid)?;
        Ok(try_out(&row.name, sink.as_ref(), self.db.now_ms()).await)
    }
}

async fn try_out(name: &str, sink: &dyn EventSink, now_ms: i64) -> ProbeReport {
    let id = format!("test-{}", random_id());
    let event = OutgoingEvent {
        body: Event::test(id.clone(), now_ms / 1000).to_json().into(),
        id,
        device: String::new(),
        purpose: Purpose::Test,
        recording: Arc::new(NoRecording),
        memory: Arc::new(Forgetful),
    };
    let outcome = match tokio::time::timeout(PATIENCE, sink.send(&event)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => {
            tracing::warn!(integration = name, error = &error as &dyn StdError, "a test event was not delivered");
            Err(ProbeFailure::new(error.message, "Press Validate: it tries step by step and says what to do."))
        }
        Err(_) => {
            let reason = format!("No answer within {} seconds.", PATIENCE.as_secs());
            Err(ProbeFailure::new(reason, "Press Validate: it says how far the vault gets."))
        }
    };
    let mut report = ProbeReport::default();
    // The failure is in the report, and there is no further step.
    let _ = report.step(STEP, outcome);
    report
}
