//! Event sinks.

mod kafka;
mod kept;
mod rabbitmq;
mod refusal;
mod webhook;

pub(crate) use kafka::KafkaSink;
pub(crate) use rabbitmq::RabbitmqSink;
pub(crate) use webhook::WebhookSink;
