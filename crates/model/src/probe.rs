//! Validate: named steps, each with its outcome, stopping at the first failure.

use serde::{Deserialize, Serialize};
use std::fmt::Display;

/// One step of a probe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeStep {
    /// What was tried, e.g. `connect`.
    pub name: String,
    /// `None` when it passed.
    pub failure: Option<ProbeFailure>,
}

/// Why a step failed and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeFailure {
    /// What happened, in plain words.
    pub reason: String,
    /// What to try.
    pub cure: String,
}

impl ProbeFailure {
    /// A failure with its cure.
    pub fn new(reason: impl Display, cure: impl Display) -> Self {
        Self { reason: reason.to_string(), cure: cure.to_string() }
    }
}

/// What Validate found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeReport {
    /// The steps in the order they ran; only the last one can have failed.
    pub steps: Vec<ProbeStep>,
}

impl ProbeReport {
    /// Whether every step passed.
    pub fn passed(&self) -> bool {
        self.failure().is_none() && !self.steps.is_empty()
    }

    /// The step that failed.
    pub fn failure(&self) -> Option<(&str, &ProbeFailure)> {
        self.steps.iter().find_map(|s| s.failure.as_ref().map(|f| (s.name.as_str(), f)))
    }

    /// Records a step's outcome; `?` on the result ends the probe.
    pub fn step<T>(&mut self, name: &str, outcome: Result<T, ProbeFailure>) -> Result<T, ProbeEnded> {
        let (value, failure) = match outcome {
            Ok(value) => (Some(value), None),
            Err(failure) => (None, Some(failure)),
        };
        self.steps.push(ProbeStep { name: name.to_owned(), failure });
        value.ok_or(ProbeEnded)
    }
}

/// A step failed; the report tells which.
#[derive(Debug, Clone, Copy)]
pub struct ProbeEnded;
