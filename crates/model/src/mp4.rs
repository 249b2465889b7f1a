//! What a recording's bytes tell about it while they stream by: duration, codec, and the byte ranges of a fragmented
//! MP4 that an HLS player asks for (ISO/IEC 14496-12; docs/protocol.md §9).
//!
//! [`Walker`] keeps only the headers (`moov`, `moof`), never media data, and at most [`MAX_HEADER`] bytes of each.
//! Anything that is not MP4 (garbage, an agent's encrypted recording) gives [`Mp4Facts::default`].

mod boxes;
mod compact;
mod hls;
mod moof;
mod moov;
mod plausible;
mod playlist;
mod remux;
mod walker;

#[cfg(test)]
mod tests;

pub use hls::{Hls, Unplayable, playlist_head};
pub use plausible::Known;
pub use playlist::RangeOnTime;
pub use remux::{LAYOUT, Piece, Remux, Remuxed};
pub use walker::{MAX_HEADER, Walker};

use serde::{Deserialize, Serialize};

/// What an upload's bytes tell about the recording. Only complete parts count: a truncated file lacks its unfinished
/// last fragment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Mp4Facts {
    /// Length in milliseconds; of the video track when the file is fragmented. `None` when unknown.
    pub duration_ms: Option<u64>,
    /// Whether the file is a fragmented MP4 (`mvex` or `moof` boxes).
    pub fragmented: bool,
    /// Codec of the first video track (of the first audio track when there is none): `h264`, `h265`, `av1`,
    /// `vp8`, `vp9`, `mpeg2`, `mpeg4`, `mjpeg`, `aac`, else the four characters of the sample entry.
    pub codec: Option<String>,
    /// The initialisation section of a fragmented file: from its first byte to the end of `moov`.
    pub init: Option<ByteRange>,
    /// The fragments in file order, at most [`MAX_FRAGMENTS`].
    #[serde(with = "compact")]
    pub fragments: Vec<Fragment>,
    /// How it would be fragmented, if it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remux: Option<Remux>,
}

/// A run of bytes in the file, written `length@offset` in a playlist.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ByteRange {
    /// First byte, counted from the start of the file.
    pub offset: u64,
    /// Number of bytes.
    pub length: u64,
}

/// A playable piece of a fragmented file: from a `moof` (or the `styp` before it) to the end of its `mdat`s.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fragment {
    /// First byte, counted from the start of the file.
    pub offset: u64,
    /// Number of bytes.
    pub length: u64,
    /// Duration of its video samples in microseconds; 0 when all of the recording's are unknown.
    pub duration_us: u64,
}

/// Most fragments listed. Of more, each two neighbours become one. Half a thousand uploads at a time may hold as many each,
/// whoever sends them.
pub const MAX_FRAGMENTS: usize = 4096;

/// Nothing a camera records is longer; a header claiming more is lying.
const LONGEST_SECONDS: u64 = 366 * 24 * 3600;

/// `ticks` of a clock with `timescale` ticks per second, in units of 1/`per_second`, rounded. `None` when that makes no
/// sense: no ticks, a stopped clock, or an absurd length.
fn convert(ticks: u64, timescale: u32, per_second: u64) -> Option<u64> {
    let scale = u128::from(timescale);
    let scaled = u128::from(ticks) * u128::from(per_second);
    let value = (scaled + scale / 2).checked_div(scale)?;
    u64::try_from(value).ok().filter(|value| (1..=LONGEST_SECONDS * per_second).contains(value))
}
