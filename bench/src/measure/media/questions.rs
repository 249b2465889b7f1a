//! The pages to ask for.

use super::fill::{Depth, RARE, account, device, provider};
use model::recording::{Position, RecordingFilter};

const HALF_WINDOW_MS: i64 = 15 * 86_400_000;
const MINUTE_MS: i64 = 60_000;

/// One page of one filter.
#[derive(Debug, Clone)]
pub(super) struct Question {
    /// For the report.
    pub(super) filters: String,
    pub(super) place: String,
    pub(super) filter: RecordingFilter,
    pub(super) position: Position,
}

/// Names to filter by. The camera's recordings belong to the account and are mostly at the provider.
struct Names {
    filters: &'static str,
    account: Option<String>,
    provider: Option<String>,
    device: Option<String>,
}

impl Names {
    fn new(filters: &'static str, who: (Option<usize>, Option<usize>, Option<usize>)) -> Self {
        Self { filters, account: who.0.map(account), provider: who.1.map(provider), device: who.2.map(device) }
    }
}

pub(super) fn all(depths: &[Depth]) -> Vec<Question> {
    let mut questions = Vec::new();
    for names in combinations() {
        for window in [false, true] {
            for depth in depths {
                for (direction, position) in positions(depth) {
                    questions.push(question(&names, window, depth, direction, position));
                }
            }
        }
    }
    questions
}

fn question(names: &Names, window: bool, depth: &Depth, direction: &str, position: Position) -> Question {
    // the UI's filter is in minutes
    let minute = |ms: i64| ms.div_euclid(MINUTE_MS) * MINUTE_MS;
    let around = window.then_some(depth.cursor.time);
    let filter = RecordingFilter {
        account: names.account.clone(),
        provider: names.provider.clone(),
        device: names.device.clone(),
        from: around.map(|time| minute(time - HALF_WINDOW_MS)),
        until: around.map(|time| minute(time + HALF_WINDOW_MS)),
    };
    let filters = match (names.filters, window) {
        (filters, false) => filters.to_owned(),
        ("none", true) => "time".to_owned(),
        (filters, true) => format!("{filters} + time"),
    };
    Question { filters, place: format!("{} rows, {direction}", depth.name), filter, position }
}

fn positions(depth: &Depth) -> [(&'static str, Position); 2] {
    let cursor = depth.cursor;
    let older = if depth.name == "newest" { Position::Newest } else { Position::OlderThan(cursor) };
    [("towards older", older), ("towards newer", Position::NewerThan(cursor))]
}

/// Account 0 stores at provider 0, camera 0 belongs to account 0.
fn combinations() -> Vec<Names> {
    vec![
        Names::new("none", (None, None, None)),
        Names::new("account", (Some(0), None, None)),
        Names::new("provider", (None, Some(0), None)),
        Names::new("camera", (None, None, Some(0))),
        Names::new("account + provider", (Some(0), Some(0), None)),
        Names::new("account + camera", (Some(0), None, Some(0))),
        Names::new("provider + camera", (None, Some(0), Some(0))),
        Names::new("account + provider + camera", (Some(0), Some(0), Some(0))),
        Names::new("camera with few recordings", (None, None, Some(RARE))),
        Names::new("account + its rare provider", (Some(0), Some(1), None)),
        Names::new("account + provider it never used", (Some(0), Some(2), None)),
        Names::new("account + another's camera", (Some(0), None, Some(1))),
        Names::new("all three, nothing matches", (Some(0), Some(2), Some(0))),
    ]
}
