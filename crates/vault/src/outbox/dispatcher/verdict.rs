//! What happens to a delivery that failed, and to its lane.

use super::backoff::{MAX_ATTEMPTS, Pace};
use crate::base::entity::delivery;
use crate::outbox::deliveries::{DEFERRED, PARKED, WAITING};
use model::error::SinkErrorKind;

/// What is recorded after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Verdict {
    /// The delivery's state.
    pub(super) state: &'static str,
    /// If set aside, when it is tried again; otherwise the end of the wait it has had so far.
    pub(super) due_at: i64,
    /// How long it has been waiting in all while set aside, in milliseconds.
    pub(super) waited_ms: i64,
    /// The lane's failures in a row.
    pub(super) in_a_row: i32,
    /// When the lane goes on, Unix milliseconds.
    pub(super) next_attempt_at: i64,
}

/// Judges a delivery's latest failure; `before` is the number of failures in a row in its lane before it.
pub(super) fn judge(pace: &Pace, row: &delivery::Model, before: i32, kind: SinkErrorKind, now: i64) -> Verdict {
    let attempts = row.attempts + 1;
    // The planned wait counts, not what the clock says, which may have jumped.
    let planned = (row.due_at - row.failed_at).max(0);
    let waited_ms = row.waited_ms + (now - row.failed_at).clamp(0, planned);
    let goes_on = Verdict { state: PARKED, due_at: now + planned, waited_ms, in_a_row: 0, next_attempt_at: 0 };
    let patience = match kind {
        SinkErrorKind::Hopeless => return goes_on,
        SinkErrorKind::Down if attempts >= MAX_ATTEMPTS => return goes_on,
        SinkErrorKind::Down => {
            let next_attempt_at = now + pace.wait_ms(before + 1);
            return Verdict { state: WAITING, in_a_row: before + 1, next_attempt_at, ..goes_on };
        }
        SinkErrorKind::Refused => &pace.refused,
        SinkErrorKind::Denied => &pace.denied,
    };
    // After one refusal the next event is tried at once. If that is refused as well, it is probably not the events'
    // fault, and every further attempt would only take another one out of order.
    let next_attempt_at = match before {
        0 => 0,
        _ => now + pace.wait_ms(before).min(patience.first_ms()),
    };
    let verdict = Verdict { in_a_row: before + 1, next_attempt_at, ..goes_on };
    if waited_ms >= patience.total_ms() {
        return verdict;
    }
    Verdict { state: DEFERRED, due_at: now + patience.next_ms(planned), ..verdict }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;
    const DAY: i64 = 24 * HOUR;
    const START: i64 = 1_700_000_000_000;

    fn delivery() -> delivery::Model {
        delivery::Model {
            id: 1,
            integration_id: 1,
            recording_id: 1,
            device: "camera".into(),
            event_id: "event".into(),
            event: "{}".into(),
            purpose: "stored".into(),
            state: WAITING.into(),
            attempts: 0,
            last_error: String::new(),
            created_at: START,
            finished_at: 0,
            failed_at: 0,
            due_at: 0,
            waited_ms: 0,
            alone: false,
            kept: String::new(),
        }
    }

    fn fail(row: &mut delivery::Model, kind: SinkErrorKind, now: i64) -> Verdict {
        let verdict = judge(&Pace::default(), row, 0, kind, now);
        (row.attempts, row.failed_at) = (row.attempts + 1, now);
        (row.due_at, row.waited_ms) = (verdict.due_at, verdict.waited_ms);
        verdict
    }

    /// Retries whenever due until parked; returns the time that took, and the attempts.
    fn until_given_up(kind: SinkErrorKind, clock: impl Fn(i64) -> i64) -> (i64, i32) {
        let (mut row, mut real) = (delivery(), START);
        loop {
            let now = clock(real);
            let verdict = fail(&mut row, kind, now);
            if verdict.state == PARKED {
                return (real - START, row.attempts);
            }
            real += (verdict.due_at - now).max(1);
        }
    }

    #[test]
    fn a_refused_one_is_given_up_after_a_day_and_a_denied_one_later_with_fewer_tries() {
        let (after, tries) = until_given_up(SinkErrorKind::Refused, |real| real);
        assert!((DAY..DAY + HOUR).contains(&after) && (25..50).contains(&tries), "{after} {tries}");
        let (after, tries) = until_given_up(SinkErrorKind::Denied, |real| real);
        assert!((3 * DAY..3 * DAY + 4 * HOUR).contains(&after) && (20..40).contains(&tries), "{after} {tries}");
    }

    /// A clock that is corrected after a start in 1970, or jumps ten years ahead, ends no patience.
    #[test]
    fn a_clock_that_jumps_gives_nothing_up_early() {
        for jump in [3650 * DAY, -3650 * DAY, 2 * HOUR, -2 * HOUR] {
            let (after, _) =
                until_given_up(SinkErrorKind::Refused, |real| if real > START + HOUR { real + jump } else { real });
            assert!((DAY - HOUR..DAY + 3 * HOUR).contains(&after), "{jump}: {after}");
        }
    }

    #[test]
    fn what_is_hopeless_is_given_up_at_once_and_nothing_else() {
        for kind in [SinkErrorKind::Down, SinkErrorKind::Refused, SinkErrorKind::Denied, SinkErrorKind::Hopeless] {
            let verdict = judge(&Pace::default(), &delivery(), 0, kind, START);
            assert_eq!(verdict.state == PARKED, kind == SinkErrorKind::Hopeless, "{kind:?}");
        }
    }

    #[test]
    fn a_lane_goes_on_after_one_refusal_and_waits_after_more() {
        let verdict = |before, kind| judge(&Pace::default(), &delivery(), before, kind, START);
        let first = verdict(0, SinkErrorKind::Refused);
        assert_eq!((first.state, first.in_a_row, first.next_attempt_at), (DEFERRED, 1, 0));
        for (kind, longest) in [(SinkErrorKind::Refused, 60_000), (SinkErrorKind::Denied, 300_000)] {
            for before in [1, 2, 5, 50] {
                let wait = verdict(before, kind).next_attempt_at - START;
                assert!((1..=longest).contains(&wait), "{kind:?} {before}: {wait}");
            }
        }
        assert!(verdict(0, SinkErrorKind::Down).next_attempt_at > START, "a lane waits when nothing answers");
        let last =
            judge(&Pace::default(), &delivery::Model { attempts: 79, ..delivery() }, 9, SinkErrorKind::Down, START);
        assert_eq!((last.state, last.in_a_row, last.next_attempt_at), (PARKED, 0, 0));
    }
}
