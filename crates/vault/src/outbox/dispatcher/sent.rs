//! What a lane sent.

/// What was sent since the last write.
#[derive(Debug, Default)]
pub(super) struct Sent {
    pub(super) ids: Vec<i64>,
    /// Whether one of them tells that the other side takes again what it refused.
    pub(super) takes_again: bool,
    /// Whether one of them had been set aside.
    pub(super) was_aside: bool,
}
