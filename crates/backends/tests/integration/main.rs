//! Stores and sinks against real servers, opened the way the vault opens them.

#![expect(clippy::unwrap_used, reason = "tests")]
#![expect(clippy::disallowed_methods, reason = "tests take time, environment and a client of their own")]

mod azure;
mod azure_faults;
mod conformance;
mod filesystem;
mod gcs;
mod gcs_faults;
mod hub;
mod relay;
mod s3;
mod s3_faults;
mod sqs;
mod vault;
mod webhook;

use backends::Backends;
use model::field::Settings;
use model::ports::{BlobStore, Connector, EventSink};
use model::probe::ProbeReport;
use std::sync::Arc;

/// Opens a store that is known to be valid.
fn store(kind: &str, settings: &[(&str, &str)]) -> Arc<dyn BlobStore> {
    Backends::new().store(kind, &pairs(settings)).unwrap()
}

/// Opens a sink that is known to be valid.
fn sink(kind: &str, settings: &[(&str, &str)]) -> Arc<dyn EventSink> {
    Backends::new().sink(kind, &pairs(settings)).unwrap()
}

fn pairs(settings: &[(&str, &str)]) -> Settings {
    settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Names of the steps, in order.
fn steps(report: &ProbeReport) -> Vec<&str> {
    report.steps.iter().map(|s| s.name.as_str()).collect()
}

/// The failed step, its reason and its cure; panics when the probe passed.
fn failure(report: &ProbeReport) -> (&str, &str, &str) {
    let (step, failure) = report.failure().unwrap_or_else(|| panic!("passed: {report:?}"));
    (step, &failure.reason, &failure.cure)
}
