//! Kinds of systems that are told about recordings: one file each, registered in the list below.

mod authority;
mod host;
mod hub;
mod kafka;
mod rabbitmq;
mod signed_url;
mod sqs;
mod vault;
mod webhook;

use crate::kind::Kind;

pub use hub::Hub;
pub use kafka::{Kafka, Mechanism, Security};
pub use rabbitmq::{BrokerAddress, Rabbitmq};
pub use signed_url::{needs_public_url, signed_url_lifetime};
pub use sqs::Sqs;
pub use vault::{ForwardOrder, ForwardType, RemoteVault};
pub use webhook::Webhook;

/// Every kind, in the order a chooser shows them.
pub const KINDS: &[Kind] = &[
    Kind::of::<Kafka>(),
    Kind::of::<Sqs>(),
    Kind::of::<Rabbitmq>(),
    Kind::of::<RemoteVault>(),
    Kind::of::<Hub>(),
    Kind::of::<Webhook>(),
];
