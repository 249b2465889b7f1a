//! Whether durations that a file claims can be true. Cameras whose clock jumps write a fragment of 13 hours between two of
//! two seconds (the counter of a 90 kHz clock wraps after 2^32 ticks), and a list, a playlist or a consumer that believes it
//! is of no use.

use super::{Fragment, Mp4Facts};

/// How much longer than announced a recording may be: twice as long, and this much.
const SLACK_MS: u64 = 30_000;
/// What is no longer is believed whatever its size.
const ALWAYS_US: u64 = 60_000_000;
/// Fewest bits that a second of video takes: 2,000.
const US_PER_BYTE: u64 = 4_000;
/// How much slower than the file's other fragments one may flow.
const SLOWER: u64 = 20;
/// The unit of a flow: microseconds that so many bytes last.
const FLOW_BYTES: u64 = 1024;

/// What is known of a recording besides its boxes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Known {
    /// Bytes in all.
    pub size: u64,
    /// How long it is, milliseconds, as its agent says.
    pub announced_ms: Option<u64>,
    /// How long it can be, milliseconds: it had begun, and it has arrived.
    pub longest_ms: Option<u64>,
}

impl Known {
    /// Whether anything of this length and size can be part of the recording.
    fn allows(&self, duration_us: u64, bytes: u64) -> bool {
        let announced = self.announced_ms.map(|ms| ms.saturating_mul(2).saturating_add(SLACK_MS));
        let longest = [announced, self.longest_ms].into_iter().flatten().min();
        // Who says how long it is knows better than its size does.
        let by_size = || duration_us <= bytes.saturating_mul(US_PER_BYTE).max(ALWAYS_US);
        longest.is_none_or(|ms| duration_us <= ms.saturating_mul(1000)) && (self.announced_ms.is_some() || by_size())
    }
}

impl Mp4Facts {
    /// The same with durations that can be true. A fragment's that cannot is estimated: from what was announced, less the
    /// others, else from how the others flow; if there is neither it is 0. No byte range is left out.
    #[must_use]
    pub fn believed(mut self, known: &Known) -> Self {
        let has_corrected = correct(&mut self.fragments, known);
        if let Some(remux) = &mut self.remux {
            correct(&mut remux.fragments, known);
        }
        let sum_ms = sum(&self.fragments) / 1000;
        let can_be = |ms: &u64| *ms > 0 && known.allows(ms.saturating_mul(1000), known.size);
        let (sum, claimed) = (Some(sum_ms).filter(can_be), self.duration_ms.filter(can_be));
        self.duration_ms = if has_corrected { sum.or(claimed) } else { claimed.or(sum) };
        self
    }
}

/// Returns whether there was something to correct.
fn correct(fragments: &mut [Fragment], known: &Known) -> bool {
    let usual = usual_flow(fragments);
    let several = fragments.len() > 1;
    let stalls = |one: &Fragment| {
        several
            && known.announced_ms.is_none()
            && one.duration_us > ALWAYS_US
            && flow(one) > usual.saturating_mul(SLOWER)
    };
    let is_doubted = |one: &Fragment| one.duration_us == 0 || !known.allows(one.duration_us, one.length) || stalls(one);
    let mut doubted: Vec<bool> = fragments.iter().map(is_doubted).collect();
    let believed = |doubted: &[bool]| {
        let kept = fragments.iter().zip(doubted).filter(|(_, doubted)| !**doubted);
        kept.fold((0_u64, 0_u64), |(us, bytes), (one, _)| {
            (us.saturating_add(one.duration_us), bytes.saturating_add(one.length))
        })
    };
    let (mut us, mut bytes) = believed(&doubted);
    if us > 0 && !known.allows(us, known.size) {
        // Each could be true, but not all of them.
        doubted.fill(true);
        (us, bytes) = (0, 0);
    }
    if !doubted.contains(&true) {
        return false;
    }
    let unknown = fragments.iter_mut().zip(&doubted).filter(|(_, doubted)| **doubted);
    let unknown: Vec<&mut Fragment> = unknown.map(|(one, _)| one).collect();
    let of_unknown = unknown.iter().fold(0_u64, |sum, one| sum.saturating_add(one.length));
    let left = known.announced_ms.and_then(|ms| ms.saturating_mul(1000).checked_sub(us)).filter(|us| *us > 0);
    let (us, bytes) = left.map_or((us, bytes), |us| (us, of_unknown));
    for one in unknown {
        let estimate = part(us, one.length, bytes);
        one.duration_us = if known.allows(estimate, known.size) { estimate } else { 0 };
    }
    true
}

fn sum(fragments: &[Fragment]) -> u64 {
    fragments.iter().fold(0, |sum, one| sum.saturating_add(one.duration_us))
}

/// How long so many of all bytes last, of which all last `us`.
fn part(us: u64, bytes: u64, of: u64) -> u64 {
    let share = (u128::from(us) * u128::from(bytes)).checked_div(u128::from(of)).unwrap_or(0);
    u64::try_from(share).unwrap_or(u64::MAX)
}

/// How long a fragment's bytes last.
fn flow(fragment: &Fragment) -> u64 {
    part(fragment.duration_us, FLOW_BYTES, fragment.length)
}

/// The median; of an even number the faster one.
fn usual_flow(fragments: &[Fragment]) -> u64 {
    let mut flows: Vec<u64> = fragments.iter().map(flow).collect();
    flows.sort_unstable();
    flows.get(flows.len().saturating_sub(1) / 2).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mp4::Remux;
    use proptest::prelude::*;

    const SECOND: u64 = 1_000_000;
    /// 2^32 ticks of 90 kHz.
    const WRAPPED: u64 = 47_721_858_844;

    /// A file of fragments of so many bytes and microseconds.
    fn file(fragments: &[(u64, u64)]) -> Mp4Facts {
        let mut offset = 800;
        let fragments = fragments.iter().map(|&(length, duration_us)| {
            offset += length;
            Fragment { offset: offset - length, length, duration_us }
        });
        let fragments: Vec<_> = fragments.collect();
        Mp4Facts { duration_ms: Some(sum(&fragments) / 1000), fragmented: true, fragments, ..Mp4Facts::default() }
    }

    fn known(facts: &Mp4Facts) -> Known {
        Known { size: 800 + facts.fragments.iter().map(|one| one.length).sum::<u64>(), ..Known::default() }
    }

    fn durations(facts: &Mp4Facts) -> Vec<u64> {
        facts.fragments.iter().map(|one| one.duration_us).collect()
    }

    /// Five megabit fragments of two seconds, of which the fourth claims 13 hours.
    fn wrapped() -> Mp4Facts {
        let usual = (250_000, 2 * SECOND);
        file(&[usual, usual, usual, (500_000, WRAPPED), usual])
    }

    #[test]
    fn what_can_be_true_is_left_as_it_is() {
        for facts in [
            file(&[(100_000, 2 * SECOND), (120_000, 2 * SECOND), (3_000, SECOND)]),
            // A connection that broke off: the last frame before it lasts a minute.
            file(&[(250_000, 2 * SECOND), (250_000, 60 * SECOND), (250_000, 2 * SECOND)]),
            // An hour of a street at night.
            file(&[(4_000_000, 1800 * SECOND), (5_000_000, 1800 * SECOND)]),
            Mp4Facts { duration_ms: Some(12_000), ..Mp4Facts::default() },
            Mp4Facts::default(),
        ] {
            assert_eq!(facts.clone().believed(&known(&facts)), facts);
        }
    }

    #[test]
    fn thirteen_hours_between_two_seconds_are_estimated_by_the_others() {
        let facts = wrapped().believed(&known(&wrapped()));
        assert_eq!(durations(&facts), [2, 2, 2, 4, 2].map(|s| s * SECOND));
        assert_eq!(facts.duration_ms, Some(12_000));
        let ranges = |facts: &Mp4Facts| facts.fragments.iter().map(Fragment::range).collect::<Vec<_>>();
        assert_eq!(ranges(&facts), ranges(&wrapped()), "no byte is left out");
    }

    #[test]
    fn what_would_be_fragmented_is_estimated_as_well() {
        let remux = Remux { fragments: wrapped().fragments, ..Remux::default() };
        let facts = Mp4Facts { remux: Some(remux), ..Mp4Facts::default() };
        let found = facts.believed(&known(&wrapped())).remux.expect("still there");
        assert_eq!(found.fragments, wrapped().believed(&known(&wrapped())).fragments);
    }

    #[test]
    fn what_was_announced_is_more_than_an_estimate() {
        let known = Known { announced_ms: Some(11_500), ..known(&wrapped()) };
        let facts = wrapped().believed(&known);
        assert_eq!(durations(&facts), [2_000_000, 2_000_000, 2_000_000, 3_500_000, 2_000_000]);
        assert_eq!(facts.duration_ms, Some(11_500));
    }

    #[test]
    fn nothing_lasts_longer_than_from_its_beginning_to_its_arrival() {
        // At 47 MB, 13 hours would be the 8 kilobits a second of a bad camera.
        let alone = file(&[(47_000_000, WRAPPED)]);
        assert_eq!(alone.clone().believed(&known(&alone)), alone);
        let arrived = Known { longest_ms: Some(3_600_000), ..known(&alone) };
        let facts = alone.believed(&arrived);
        assert_eq!((durations(&facts), facts.duration_ms), (vec![0], None));
    }

    #[test]
    fn a_file_that_is_not_fragmented_may_lie_as_well() {
        let lying = Mp4Facts { duration_ms: Some(WRAPPED / 1000), ..Mp4Facts::default() };
        let small = Known { size: 500_000, ..Known::default() };
        assert_eq!(lying.clone().believed(&small).duration_ms, None);
        let announced = Known { announced_ms: Some(20_000), size: 500_000_000, ..Known::default() };
        assert_eq!(lying.believed(&announced).duration_ms, None);
    }

    #[test]
    fn each_could_be_true_but_not_all_of_them() {
        let facts = file(&[(1_000_000, 600 * SECOND); 12]);
        let known = Known { longest_ms: Some(3_600_000), ..known(&facts) };
        let found = facts.clone().believed(&known);
        assert_eq!((durations(&found), found.duration_ms), (vec![0; 12], None));
        let known = Known { announced_ms: Some(60_000), ..known };
        let found = facts.believed(&known);
        assert_eq!((durations(&found), found.duration_ms), (vec![5 * SECOND; 12], Some(60_000)));
    }

    #[test]
    fn one_without_length_gets_what_was_announced() {
        let facts = Mp4Facts { duration_ms: None, ..file(&[(500_000, 0)]) };
        assert_eq!(facts.clone().believed(&known(&facts)), facts);
        let announced = Known { announced_ms: Some(20_000), ..known(&facts) };
        assert_eq!(durations(&facts.believed(&announced)), [20 * SECOND]);
    }

    proptest! {
        #[test]
        fn what_is_believed_can_be_true(
            fragments in prop::collection::vec((1..100_000_000_u64, prop_oneof![0..30_000_000_u64, any::<u64>()]), 0..20),
            announced_ms in prop::option::of(1..100_000_000_u64),
            longest_ms in prop::option::of(1..100_000_000_u64),
        ) {
            let facts = file(&[]);
            let facts = Mp4Facts { fragments: file(&fragments.iter().map(|(l, d)| (*l, *d / 32)).collect::<Vec<_>>()).fragments, ..facts };
            let known = Known { announced_ms, longest_ms, ..known(&facts) };
            let found = facts.clone().believed(&known);
            prop_assert_eq!(found.fragments.len(), facts.fragments.len());
            prop_assert!(found.duration_ms.is_none_or(|ms| longest_ms.is_none_or(|longest| ms <= longest)));
            for (one, before) in found.fragments.iter().zip(&facts.fragments) {
                prop_assert_eq!(one.range(), before.range());
                prop_assert!(longest_ms.is_none_or(|ms| one.duration_us <= ms * 1000));
                prop_assert!(announced_ms.is_none_or(|ms| one.duration_us <= ms * 2000 + SLACK_MS * 1000));
            }
        }
    }
}
