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

/// A sink did not take an event.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct SinkError {
    /// Whether trying again cannot help until someone changes something.
    pub permanent: bool,
    /// A sentence for people.
    pub message: String,
    /// The cause, for the log.
    #[source]
    pub source: Option<Cause>,
}

impl SinkError {
    /// Worth another try.
    pub fn transient(message: impl Into<String>) -> Self {
        Self { permanent: false, message: message.into(), source: None }
    }

    /// Not worth another try.
    pub fn permanent(message: impl Into<String>) -> Self {
        Self { permanent: true, message: message.into(), source: None }
    }

    /// Adds the cause.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Cause>) -> Self {
        self.source = Some(source.into());
        self
    }
}
