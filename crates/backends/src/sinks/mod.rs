//! Event sinks.

mod webhook;

pub(crate) use webhook::WebhookSink;
