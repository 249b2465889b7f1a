//! Why an event was not taken, in words for both Validate and the list of deliveries.

use crate::net::{Target, request_failure};
use model::error::{Cause, SinkError, SinkErrorKind};
use model::probe::ProbeFailure;
use reqwest::Url;

/// An event that was not taken.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) failure: ProbeFailure,
    /// What happens to the event.
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
    /// A refusal of the given kind.
    pub(super) fn new(kind: SinkErrorKind, reason: impl Into<String>, cure: impl Into<String>) -> Self {
        Self { failure: ProbeFailure { reason: reason.into(), cure: cure.into() }, kind, cause: None }
    }

    /// Nothing there takes events: the camera waits.
    pub(super) fn down(reason: impl Into<String>, cure: impl Into<String>) -> Self {
        Self::new(SinkErrorKind::Down, reason, cure)
    }

    /// The event, or something there that somebody has to mend: the event is set aside.
    pub(super) fn refused(reason: impl Into<String>, cure: impl Into<String>) -> Self {
        Self::new(SinkErrorKind::Refused, reason, cure)
    }

    /// The vault has no access, or is no longer wanted: the event is set aside for longer.
    pub(super) fn denied(reason: impl Into<String>, cure: impl Into<String>) -> Self {
        Self::new(SinkErrorKind::Denied, reason, cure)
    }

    /// Nobody can mend it: the event is parked.
    pub(super) fn hopeless(reason: impl Into<String>, cure: impl Into<String>) -> Self {
        Self::new(SinkErrorKind::Hopeless, reason, cure)
    }

    /// Whether it is about the event or its credentials, not about the connection.
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
