//! Failures outside the vault: a sentence for people, a cause for the log.

use std::error::Error as StdError;

/// What a library reported.
pub type Cause = Box<dyn StdError + Send + Sync>;

/// Why a store failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreErrorKind {
    /// There is no such object.
    NotFound,
    /// The range lies outside the object.
    Range,
    /// Cannot be reached, is too slow, or failed internally; worth another try.
    Unavailable,
    /// Refused: wrong credentials, missing bucket, no permission. Needs an administrator.
    Denied,
    /// No room left.
    Full,
    /// The body being stored broke off.
    Interrupted,
    /// The content is not what was stored.
    Corrupt,
    /// It reports success, but for something other than what was sent.
    Unconfirmed,
    /// Something lies at the key already, and nothing was to be replaced ([`crate::ports::Publish::New`]).
    Taken,
    /// A file has the name of a folder that the key needs, or a folder the name of the key; or the store takes another
    /// name for the same.
    Clash,
    /// The store cannot keep this name.
    Name,
}

/// A store's failure.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct StoreError {
    /// What kind of trouble.
    pub kind: StoreErrorKind,
    /// A sentence for people, without secrets and without the server's own words about them.
    pub message: String,
    /// The cause, for the log.
    #[source]
    pub source: Option<Cause>,
}

impl StoreError {
    /// An error without a cause.
    pub fn new(kind: StoreErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    /// An error with a cause.
    pub fn caused(kind: StoreErrorKind, message: impl Into<String>, source: impl Into<Cause>) -> Self {
        Self { kind, message: message.into(), source: Some(source.into()) }
    }

    /// Whether the object is simply not there.
    pub fn is_not_found(&self) -> bool {
        self.kind == StoreErrorKind::NotFound
    }
}

/// What happens to an event that a sink did not take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SinkErrorKind {
    /// Nothing answers, or the other side fails or asks for patience. The camera waits with all its events, which keeps
    /// them in order.
    Down,
    /// The other side answers but does not take this event. It is set aside and retried for a day, while the camera
    /// goes on: the next one may well be taken.
    Refused,
    /// Refused by a decision, which takes longer to change: no access any more, or the endpoint is gone. Retried more
    /// slowly, and for longer.
    Denied,
    /// Parked at once. Only for an event that can never fit, whatever anyone changes.
    Hopeless,
}

/// A sink's failure to take an event.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct SinkError {
    /// What happens to the event.
    pub kind: SinkErrorKind,
    /// A sentence for people. The same cause must always have the same words: administrators retry by reason.
    pub message: String,
    /// The cause, for the log.
    #[source]
    pub source: Option<Cause>,
}

impl SinkError {
    /// An error without a cause.
    pub fn new(kind: SinkErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    /// [`SinkErrorKind::Down`].
    pub fn down(message: impl Into<String>) -> Self {
        Self::new(SinkErrorKind::Down, message)
    }

    /// [`SinkErrorKind::Refused`].
    pub fn refused(message: impl Into<String>) -> Self {
        Self::new(SinkErrorKind::Refused, message)
    }

    /// Adds the cause.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Cause>) -> Self {
        self.source = Some(source.into());
        self
    }
}
