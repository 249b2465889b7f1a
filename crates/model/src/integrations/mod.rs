//! Kinds of systems that are told about recordings. One file each; the list below is what makes one
//! known.

mod webhook;

use crate::connection::Kind;

pub use webhook::Webhook;

/// Every kind, in the order a chooser shows them.
pub const KINDS: &[Kind] = &[Kind::of::<Webhook>()];
