//! Kinds of systems that are told about recordings. One file each; the list below is what makes one
//! known.

mod authority;
mod host;
mod kafka;
mod rabbitmq;
mod webhook;

use crate::connection::Kind;

pub use kafka::{Kafka, Mechanism, Security};
pub use rabbitmq::{BrokerAddress, Rabbitmq};
pub use webhook::Webhook;

/// Every kind, in the order a chooser shows them.
pub const KINDS: &[Kind] = &[Kind::of::<Kafka>(), Kind::of::<Rabbitmq>(), Kind::of::<Webhook>()];
