//! Kinds of systems that are told about recordings. One file each; the list below is what makes one
//! known.

mod hub;
mod sqs;
mod vault;
mod webhook;

use crate::connection::Kind;

pub use hub::Hub;
pub use sqs::Sqs;
pub use vault::{ForwardOrder, ForwardType, RemoteVault};
pub use webhook::Webhook;

/// Every kind, in the order a chooser shows them.
pub const KINDS: &[Kind] = &[Kind::of::<Sqs>(), Kind::of::<RemoteVault>(), Kind::of::<Hub>(), Kind::of::<Webhook>()];
