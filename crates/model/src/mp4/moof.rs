//! The fragment header: how long its samples last.

use super::{
    boxes::{be32, boxes, child, version_and_flags},
    moov::Track,
};

/// Ticks of `track` in this `moof`; `None` when it is about other tracks alone.
pub(super) fn ticks(moof: &[u8], track: &Track) -> Option<u64> {
    boxes(moof)
        .filter(|(kind, _)| kind == b"traf")
        .filter_map(|(_, traf)| of_traf(traf, track))
        .reduce(u64::saturating_add)
}

fn of_traf(traf: &[u8], track: &Track) -> Option<u64> {
    let tfhd = child(traf, b"tfhd")?;
    if be32(tfhd, 4)? != track.id {
        return None;
    }
    let (_, flags) = version_and_flags(tfhd)?;
    let default = if flags & 0x08 == 0 {
        track.default_duration
    } else {
        let base_data_offset = if flags & 0x01 == 0 { 0 } else { 8 };
        let description_index = if flags & 0x02 == 0 { 0 } else { 4 };
        be32(tfhd, 8 + base_data_offset + description_index)?
    };
    let runs = boxes(traf).filter(|(kind, _)| kind == b"trun");
    Some(runs.filter_map(|(_, trun)| of_run(trun, default)).fold(0, u64::saturating_add))
}

/// The sum of a `trun`. The sample count is only claimed, the samples themselves are bytes: without per-sample
/// durations the count is multiplied, never looped over.
fn of_run(trun: &[u8], default: u32) -> Option<u64> {
    let (_, flags) = version_and_flags(trun)?;
    let count = be32(trun, 4)?;
    if flags & 0x100 == 0 {
        return Some(u64::from(count) * u64::from(default));
    }
    let words = |mask: u32| (flags & mask).count_ones() as usize * 4;
    // data offset and first sample flags precede the samples; size, flags and time offset follow the duration
    let samples = trun.get(8 + words(0x05)..)?;
    let durations = samples.chunks_exact(words(0xf00)).take(count as usize).filter_map(|sample| be32(sample, 0));
    Some(durations.map(u64::from).sum())
}
