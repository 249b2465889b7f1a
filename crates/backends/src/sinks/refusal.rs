//! Why an event was not taken, in words for both Validate and the list of deliveries.

use crate::net::{Target, request_failure};
use model::error::{Cause, SinkError};
use model::probe::ProbeFailure;
use reqwest::Url;

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
        ProbeFailure { reason: reason.into(), cure: cure.into() }.into()
    }

    /// Not worth another try.
    pub(super) fn permanent(reason: impl Into<String>, cure: impl Into<String>) -> Self {
        Self { permanent: true, ..Self::transient(reason, cure) }
    }

    /// For a request that was not answered.
    pub(super) fn of_connection(url: &Url, cause: Cause) -> Self {
        let server = Target::of(url).map_or_else(|| "the server".into(), |t| t.name());
        let failure = request_failure(&*cause, &server);
        Self { failure, permanent: false, cause: Some(cause) }
    }

    /// Adds the cause, for the log.
    pub(super) fn caused_by(self, cause: impl Into<Cause>) -> Self {
        Self { cause: Some(cause.into()), ..self }
    }
}
