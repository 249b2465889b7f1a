//! Cameras: devices that sent a heartbeat or uploaded.

use serde::{Deserialize, Serialize};

/// A device counts as online this long after its last heartbeat or upload, in milliseconds. Agents send a
/// heartbeat every 10 seconds (docs/protocol.md §8).
pub const ONLINE_FOR_MS: i64 = 60_000;

/// A camera as the list shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceView {
    /// Device key.
    pub key: String,
    /// Name in its recordings' file names; of an unverified one, the name it gives itself. May be empty.
    pub name: String,
    /// What it calls itself, e.g. `IPCamera`.
    pub capture: String,
    /// Agent's version, as heartbeats say; may be empty.
    pub version: String,
    /// Host name, as heartbeats say; may be empty.
    pub hostname: String,
    /// Whether a heartbeat or an upload came within [`ONLINE_FOR_MS`].
    pub online: bool,
    /// Last heartbeat or upload, Unix milliseconds.
    pub last_seen: i64,
    /// Last upload, Unix milliseconds; 0 before the first.
    pub last_recording: i64,
    /// Whether it also uploaded with valid credentials: heartbeats carry none, so anyone can claim
    /// to be a camera.
    pub verified: bool,
    /// The account with whose keys it uploads; `None` when unverified.
    pub account_id: Option<i64>,
    /// That account's name; empty when unverified.
    pub account: String,
}
