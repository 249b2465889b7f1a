//! How events and HLS playlists describe a recording's fragments (docs/protocol.md §9).

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::{ByteRange, Fragment, Mp4Facts};

/// One entry of `bytes_range_on_time`. All three are text on the wire.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RangeOnTime {
    /// Duration of the fragment in seconds, with six decimals.
    pub duration: String,
    /// Where the fragment ends, in seconds from the start of the recording, with six decimals.
    pub time: String,
    /// `length@offset` in bytes.
    pub range: String,
}

impl Mp4Facts {
    /// `bytes_ranges`: the lines of this recording in an HLS playlist, each ended by a line feed, with
    /// `file_name` where the client puts the signed URL. Empty when the recording cannot be played that way.
    ///
    /// The client appends `#EXT-X-DISCONTINUITY` right behind it, so the last line needs its line feed too.
    #[must_use]
    pub fn hls_lines(&self, file_name: &str) -> String {
        let (Some(init), false) = (self.init, self.fragments.is_empty()) else { return String::new() };
        lines(init, &self.fragments, file_name)
    }

    /// `bytes_range_on_time`: the fragments with the running total of their durations.
    #[must_use]
    pub fn range_on_time(&self) -> Vec<RangeOnTime> {
        range_on_time(&self.fragments)
    }
}

/// The lines of a recording that is at an address.
pub(super) fn lines(init: ByteRange, fragments: &[Fragment], address: &str) -> String {
    let mut lines = String::new();
    // writing to a String cannot fail
    let _ = writeln!(lines, "#EXT-X-MAP:URI=\"{address}\",BYTERANGE=\"{}\"", range(init));
    for fragment in fragments {
        let (duration, range) = (seconds(fragment.duration_us), range(fragment.range()));
        let _ = writeln!(lines, "#EXTINF:{duration},\n#EXT-X-BYTERANGE:{range}\n{address}");
    }
    lines
}

/// Fragments with the running total of their durations.
pub(super) fn range_on_time(fragments: &[Fragment]) -> Vec<RangeOnTime> {
    let mut total = 0_u64;
    let entry = |fragment: &Fragment| {
        total = total.saturating_add(fragment.duration_us);
        RangeOnTime { duration: seconds(fragment.duration_us), time: seconds(total), range: range(fragment.range()) }
    };
    fragments.iter().map(entry).collect()
}

impl Fragment {
    /// Where its bytes are.
    #[must_use]
    pub fn range(&self) -> ByteRange {
        ByteRange { offset: self.offset, length: self.length }
    }
}

fn range(ByteRange { offset, length }: ByteRange) -> String {
    format!("{length}@{offset}")
}

fn seconds(microseconds: u64) -> String {
    format!("{}.{:06}", microseconds / 1_000_000, microseconds % 1_000_000)
}
