//! Telemetry: log, access lines, metrics.

pub mod access;
pub(crate) mod connections;
pub mod metrics;

use crate::config;
use std::error::Error;
use std::fmt::Write as _;
use std::io::IsTerminal as _;
use std::sync::Arc;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Why a request failed, attached to its response: logged once, with the access line, and never shown to the client.
#[derive(Debug, Clone)]
pub struct Failure(pub Arc<dyn Error + Send + Sync>);

impl Failure {
    /// The error and its causes, joined by colons.
    pub fn chain(&self) -> String {
        chain(self.0.as_ref())
    }
}

/// An error and its causes, joined by colons. Causes already contained in a sentence are left out.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let told = cause.to_string();
        if !text.contains(&told) {
            let _ = write!(text, ": {told}");
        }
        source = cause.source();
    }
    text
}

/// Starts logging to standard error; standard output is for what a person reads who starts the vault.
pub fn init(log: &config::Log) {
    let filter: Targets = log.level.parse().unwrap_or_else(|_| Targets::new().with_default(tracing::Level::INFO));
    let lines =
        tracing_subscriber::fmt::layer().with_ansi(std::io::stderr().is_terminal()).with_writer(std::io::stderr);
    let registry = tracing_subscriber::registry().with(filter);
    // A subscriber already set by a test stays.
    let _ = if log.json { registry.with(lines.json()).try_init() } else { registry.with(lines).try_init() };
}
