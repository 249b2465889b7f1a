//! What a lane has sent.

/// Deliveries sent but not recorded yet.
#[derive(Debug, Default)]
pub(super) struct SentBatch {
    pub(super) ids: Vec<i64>,
    /// Whether one of them shows that the other side accepts again what it refused.
    pub(super) takes_again: bool,
    /// Whether one of them had been set aside.
    pub(super) was_aside: bool,
}
