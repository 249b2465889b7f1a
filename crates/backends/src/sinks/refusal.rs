//! Why an event was not taken, in words for both Validate and the list of deliveries.

use crate::net::{Target, request_failure};
use model::error::{Cause, SinkError, SinkErrorKind};
use model::probe::ProbeFailure;
use reqwest::Url;

/// An event that was not taken.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) failure: ProbeFailure,
    /// What is to become of the event.
    pub(super) kind: SinkErrorKind,
    pub(super) cause: Option<Cause>,
}

impl From<Refusal> for SinkError {
    fn from(refusal: Refusal) -> Self {
        Self { kind: refusal.kind, message: refusal.failure.reason, source: refusal.cause }
    }
}

impl From<ProbeFailure> for Refusal {
    fn from(failure: ProbeFailure) -> Self {
        Self { failure, kind: SinkErrorKind::Down, cause: None }
    }
}

impl From<Refusal> for ProbeFailure {
    fn from(refusal: Refusal) -> Self {
        refusal.failure
    }
}

impl Refusal {
    /// Of a kind, for a reason.
    pub(super) fn new(kind: SinkErrorKind, reason: impl Into<String>, cure: impl Into<String>) -> Self {
        Self { failure: ProbeFailure { reason: reason.into(), cure: cure.into() }, kind, cause: None }
    }

    /// Nothing there that takes events: the camera waits.
    pub(super) fn down(reason: impl Into<String>, cure: impl Into<String>) -> Self {
        Self::new(SinkErrorKind::Down, reason, cure)
    }

    /// This event, or something that somebody has to mend: it is set aside.
    pub(super) fn refused(reason: impl Into<String>, cure: impl Into<String>) -> Self {
        Self::new(SinkErrorKind::Refused, reason, cure)
    }

    /// The vault is not let in, or no longer wanted: set aside, with more patience.
    pub(super) fn denied(reason: impl Into<String>, cure: impl Into<String>) -> Self {
        Self::new(SinkErrorKind::Denied, reason, cure)
    }

    /// No human can mend it.
    pub(super) fn hopeless(reason: impl Into<String>, cure: impl Into<String>) -> Self {
        Self::new(SinkErrorKind::Hopeless, reason, cure)
    }

    /// Whether it is about the event or what it is sent with, not about the way there.
    pub(super) fn is_about_the_event(&self) -> bool {
        self.kind != SinkErrorKind::Down
    }

    /// For a request that was not answered.
    pub(super) fn of_connection(url: &Url, cause: Cause) -> Self {
        let server = Target::of(url).map_or_else(|| "the server".into(), |t| t.name());
        let failure = request_failure(&*cause, &server);
        Self { failure, kind: SinkErrorKind::Down, cause: Some(cause) }
    }

    /// Adds the cause, for the log.
    pub(super) fn caused_by(self, cause: impl Into<Cause>) -> Self {
        Self { cause: Some(cause.into()), ..self }
    }
}
