//! Deliveries as administrators see them: waiting, set aside, delivered or parked.

use crate::connection::Family;
use crate::ports::Purpose;
use serde::{Deserialize, Serialize};

/// Where counting deliveries stops: beyond it a figure reads "10 000+".
pub const COUNT_CAP: i64 = 10_000;

/// The state of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeliveryState {
    /// Not yet made.
    Waiting,
    /// Refused and set aside: retried later, while its camera goes on.
    Deferred,
    /// Made.
    Delivered,
    /// Given up until someone retries.
    Parked,
}

impl DeliveryState {
    /// All of them, in the order a chooser shows them.
    pub const ALL: [Self; 4] = [Self::Waiting, Self::Deferred, Self::Delivered, Self::Parked];

    /// The form that is stored and shown in URLs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Deferred => "deferred",
            Self::Delivered => "delivered",
            Self::Parked => "parked",
        }
    }

    /// Finds a state by its name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }
}

/// Which deliveries to list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryFilter {
    /// Row id of the connection they go to.
    pub connection: Option<i64>,
    /// The state they are in.
    pub state: Option<DeliveryState>,
}

/// One row of Deliveries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryView {
    /// Row id.
    pub id: i64,
    /// Row id of the connection it goes to.
    pub connection_id: i64,
    /// Its name; empty when it is gone.
    pub connection: String,
    /// Device key; may be empty.
    pub device: String,
    /// The camera's name, else its device key; may be empty.
    pub camera: String,
    /// Key of the recording; empty when it has been deleted.
    pub recording: String,
    /// The same on every retry, as consumers see it.
    pub event_id: String,
    /// Why the delivery exists.
    pub purpose: Purpose,
    /// Its state.
    pub state: DeliveryState,
    /// Tries so far.
    pub attempts: i32,
    /// Why the last attempt failed; empty when none did.
    pub last_error: String,
    /// When it is tried again if it is set aside, Unix milliseconds; else 0.
    pub due_at: i64,
    /// When it was put into the outbox, Unix milliseconds.
    pub created_at: i64,
    /// When it was made, Unix milliseconds; 0 until then.
    pub finished_at: i64,
}

/// A delivery together with its event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryDetails {
    /// The row.
    pub view: DeliveryView,
    /// The event's JSON as sent; empty when the recording itself is sent.
    pub event: String,
}

/// How deliveries to one connection are going. Counts are capped at [`COUNT_CAP`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryHealth {
    /// Row id of the connection.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Its family: providers get copies.
    pub family: Family,
    /// Kind's name.
    pub kind: String,
    /// Whether the connection is enabled.
    pub enabled: bool,
    /// When the last delivery was made, Unix milliseconds; 0 when none is remembered.
    pub last_success: i64,
    /// Made in the last minute.
    pub last_minute: i64,
    /// Made in the last hour.
    pub last_hour: i64,
    /// Not yet made.
    pub waiting: i64,
    /// How long the oldest of them has waited, milliseconds; 0 when none waits.
    pub oldest_waiting_ms: i64,
    /// Set aside; not counted as waiting.
    pub deferred: i64,
    /// Given up until someone retries.
    pub parked: i64,
    /// Why some are set aside or parked, the most frequent reason first.
    pub reasons: Vec<DeliveryReason>,
    /// Whether some camera's last attempt failed and will be repeated.
    pub failing: bool,
    /// Why the last failure happened; empty when none is remembered.
    pub last_error: String,
    /// When that was, Unix milliseconds.
    pub failed_at: i64,
    /// The replay in progress.
    pub replay: Option<ReplayView>,
}

/// Deliveries to one connection that failed for the same reason. Counts are capped at [`COUNT_CAP`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryReason {
    /// A sentence, the same for all of them.
    pub reason: String,
    /// How many are set aside.
    pub deferred: i64,
    /// How many are parked.
    pub parked: i64,
}

/// The events of a period, sent again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplayView {
    /// Row id.
    pub id: i64,
    /// Only recordings stored at or after this, Unix milliseconds.
    pub from: i64,
    /// Only recordings stored before this, Unix milliseconds.
    pub until: i64,
    /// Only this account's; empty for every account that uses the integration.
    pub account: String,
    /// Its state.
    pub state: ReplayState,
    /// Events put into the outbox so far.
    pub enqueued: i64,
    /// Recordings stored before this have been handled, Unix milliseconds.
    pub reached: i64,
    /// When it was asked for, Unix milliseconds.
    pub started_at: i64,
}

impl ReplayView {
    /// How much of the period is done, in percent.
    pub fn percent(&self) -> i64 {
        match self.until - self.from {
            ..=0 => 100,
            whole => ((self.reached - self.from).clamp(0, whole) * 100) / whole,
        }
    }
}

/// The state of a replay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReplayState {
    /// Under way.
    Running,
    /// Every event is in the outbox.
    Done,
    /// An administrator stopped it.
    Stopped,
}

impl ReplayState {
    /// The form that is stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Stopped => "stopped",
        }
    }

    /// Finds a state by its name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Running, Self::Done, Self::Stopped].into_iter().find(|state| state.as_str() == name)
    }
}

/// A replay that an administrator asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplayForm {
    /// Row id of the integration.
    pub integration: i64,
    /// Only recordings stored at or after this, Unix milliseconds.
    pub from: i64,
    /// Only recordings stored before this, Unix milliseconds.
    pub until: i64,
    /// Account's name; `None` for every account that uses the integration.
    pub account: Option<String>,
}

/// What the replay dialog offers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplayChoices {
    /// Name of the integration.
    pub integration: String,
    /// Whether the integration is enabled.
    pub enabled: bool,
    /// Names of the accounts that use it.
    pub accounts: Vec<String>,
    /// The last replays to this integration, newest first.
    pub replays: Vec<ReplayView>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_by_time() {
        let replay = |from, until, reached| ReplayView {
            id: 1,
            from,
            until,
            account: String::new(),
            state: ReplayState::Running,
            enqueued: 0,
            reached,
            started_at: 0,
        };
        assert_eq!(replay(1_000, 2_000, 1_250).percent(), 25);
        assert_eq!(replay(1_000, 2_000, 0).percent(), 0);
        assert_eq!(replay(1_000, 1_000, 1_000).percent(), 100);
    }

    #[test]
    fn states_are_found_by_their_names() {
        for state in DeliveryState::ALL {
            assert_eq!(DeliveryState::parse(state.as_str()), Some(state));
        }
        assert_eq!((DeliveryState::parse("lost"), ReplayState::parse("")), (None, None));
    }
}
