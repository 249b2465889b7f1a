//! What can go wrong outside the vault: a sentence for people, a source for the log.

use std::error::Error as StdError;

/// What a library reported.
pub type Cause = Box<dyn StdError + Send + Sync>;

/// What kind of trouble a store has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreErrorKind {
    /// The object is not there.
    NotFound,
    /// The range lies outside the object.
    Range,
    /// Cannot be reached, is too slow, or answers with its own failure; worth another try.
    Unavailable,
    /// Refuses: wrong credentials, missing bucket, no permission. Needs an administrator.
    Denied,
    /// No room left.
    Full,
    /// The stream that was being stored broke off.
    Interrupted,
    /// The content is not what was stored.
    Corrupt,
    /// It says that it stored the object, but what it tells of it is not what was sent.
    Unconfirmed,
}

/// A store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct StoreError {
    /// What kind of trouble.
    pub kind: StoreErrorKind,
    /// A sentence for people; holds no secret and nothing a remote server said about them.
    pub message: String,
    /// The cause, for the log.
    #[source]
    pub source: Option<Cause>,
}

impl StoreError {
    /// Without cause.
    pub fn new(kind: StoreErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    /// With cause.
    pub fn caused(kind: StoreErrorKind, message: impl Into<String>, source: impl Into<Cause>) -> Self {
        Self { kind, message: message.into(), source: Some(source.into()) }
    }

    /// Whether the object is simply not there.
    pub fn is_not_found(&self) -> bool {
        self.kind == StoreErrorKind::NotFound
    }
}

/// What is to become of an event that a sink did not take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SinkErrorKind {
    /// Nothing answers, or what answers has trouble of its own or asks for patience. The camera waits with all its
    /// events, so that they keep their order.
    Down,
    /// It answers and does not take this event, or somebody has to mend something there. The event is set aside and
    /// tried again for a day; the camera goes on, as the next one may well be taken.
    Refused,
    /// As refused, but by somebody's decision, which takes longer to change: it lets the vault in no more, or says that
    /// it is gone. Tried again more slowly, and for longer.
    Denied,
    /// No human can mend it: given up at once. Only for what cannot ever fit.
    Hopeless,
}

/// A sink did not take an event.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct SinkError {
    /// What is to become of the event.
    pub kind: SinkErrorKind,
    /// A sentence for people. The same cause has the same words: people retry by them.
    pub message: String,
    /// The cause, for the log.
    #[source]
    pub source: Option<Cause>,
}

impl SinkError {
    /// Without cause.
    pub fn new(kind: SinkErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    /// Nothing there that takes events.
    pub fn down(message: impl Into<String>) -> Self {
        Self::new(SinkErrorKind::Down, message)
    }

    /// This event was refused.
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
