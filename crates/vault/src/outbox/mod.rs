//! Telling others what was stored: one row per recording and integration, sent until it is accepted.

pub mod deliveries;
pub mod dispatcher;
pub(crate) mod event;
pub(crate) mod recording_source;
