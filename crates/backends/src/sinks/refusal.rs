//! Why an event was not taken, in words for both Validate and the list of deliveries.

use model::error::{Cause, SinkError};
use model::probe::ProbeFailure;

/// An event that was not taken.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) failure: ProbeFailure,
    /// Whether trying again cannot help.
    pub(super) permanent: bool,
    pub(super) cause: Option<Cause>,
}

impl From<Refusal> for SinkError {
    fn from(refusal: Refusal) -> Self {
        Self { permanent: refusal.permanent, message: refusal.failure.reason, source: refusal.cause }
    }
}

impl From<ProbeFailure> for Refusal {
    fn from(failure: ProbeFailure) -> Self {
        Self { failure, permanent: false, cause: None }
    }
}

impl From<Refusal> for ProbeFailure {
    fn from(refusal: Refusal) -> Self {
        refusal.failure
    }
}

impl Refusal {
    /// Worth another try.
    pub(super) fn transient(reason: impl Into<String>, cure: impl Into<String>) -> Self {
        Self { failure: ProbeFailure { reason: reason.into(), cure: cure.into() }, permanent: false, cause: None }
    }

    /// Not worth another try.
    pub(super) fn permanent(reason: impl Into<String>, cure: impl Into<String>) -> Self {
        Self { permanent: true, ..Self::transient(reason, cure) }
    }

    /// Adds the cause, for the log.
    pub(super) fn caused_by(self, cause: impl Into<Cause>) -> Self {
        Self { cause: Some(cause.into()), ..self }
    }
}
