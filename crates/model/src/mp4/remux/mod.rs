//! An ordinary MP4 as a fragmented one: the same samples behind other headers, nothing decoded (docs/adr/0028). [`Remuxed`]
//! says what the fragmented file consists of: bytes that are made, and ranges of the recording. It follows from `moov` alone.

mod samples;
mod write;

#[cfg(test)]
mod tests;

use super::boxes::boxes;
use super::{ByteRange, Fragment, MAX_FRAGMENTS, convert};
use samples::{Sample, Track};
use serde::{Deserialize, Serialize};
use std::ops::Range;
use write::Part;

/// What byte ranges that are noted count in. A change that moves any byte gets the next number: then what was noted before is
/// not used.
pub const LAYOUT: u32 = 1;

/// A fragment begins with the first frame, after so many seconds, that a player can begin with.
const FRAGMENT_S: u64 = 2;
/// What lies between samples is read along, if it is less than this.
const GAP: u64 = 64 * 1024;
/// Most ranges of the recording in one fragment; each is a request to the store.
const MAX_RANGES: usize = 16;

/// What is noted of a recording that is not fragmented.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remux {
    /// [`LAYOUT`] at that time.
    pub layout: u32,
    /// Body of `moov`.
    pub moov: ByteRange,
    /// Bytes before the first fragment.
    pub init: u64,
    /// Its fragments.
    #[serde(with = "super::compact")]
    pub fragments: Vec<Fragment>,
}

/// The fragmented file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remuxed {
    /// In order, without gaps.
    pub pieces: Vec<Piece>,
    /// Bytes before the first fragment.
    pub init: u64,
    /// Its fragments, with their offsets in the fragmented file.
    pub fragments: Vec<Fragment>,
    /// Bytes of the recording that it needs: from the first to here.
    pub needs: u64,
}

/// A part of the fragmented file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// These bytes.
    Made(Vec<u8>),
    /// Bytes of the recording.
    Of(Range<u64>),
}

impl Piece {
    /// Number of bytes.
    #[must_use]
    pub fn len(&self) -> u64 {
        match self {
            Self::Made(bytes) => bytes.len() as u64,
            Self::Of(range) => range.end - range.start,
        }
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The part of it that lies in a range, counted from its first byte.
    fn cut(&self, range: Range<u64>) -> Self {
        match self {
            Self::Made(bytes) => {
                let at = |n: u64| usize::try_from(n).unwrap_or(usize::MAX).min(bytes.len());
                Self::Made(bytes[at(range.start)..at(range.end)].to_vec())
            }
            Self::Of(of) => Self::Of(of.start + range.start..of.start + range.end),
        }
    }
}

impl Remuxed {
    /// From the body of `moov`. `None` if that has no video or sound that browsers play, or its tables cannot be true.
    #[must_use]
    pub fn of(moov: &[u8]) -> Option<Self> {
        let tracks = tracks(moov)?;
        let main = &tracks[0];
        let init = write::init(moov, &tracks);
        let mut made =
            Self { init: init.len() as u64, fragments: Vec::new(), needs: 0, pieces: vec![Piece::Made(init)] };
        let mut at = made.init;
        let mut from = vec![0; tracks.len()];
        for (number, cut) in (1..).zip(cuts(main)) {
            let end_of = |track: &Track<'_>, from: usize| match main.samples.get(cut) {
                _ if std::ptr::eq(track, main) => cut,
                // Sound up to where the next fragment's video begins.
                Some(next) => from + track.samples[from..].partition_point(|one| is_before(one, track, next, main)),
                None => track.samples.len(),
            };
            let ends: Vec<usize> = tracks.iter().zip(&from).map(|(track, from)| end_of(track, *from)).collect();
            let samples: Vec<&[Sample]> = tracks
                .iter()
                .zip(from.iter().zip(&ends))
                .map(|(track, (from, end))| &track.samples[*from..*end])
                .collect();
            let ranges = ranges(samples.iter().copied().flatten())?;
            let mdat = u32::try_from(ranges.iter().map(|range| range.end - range.start).sum::<u64>()).ok()?;
            if mdat > u32::MAX / 2 || made.fragments.len() == MAX_FRAGMENTS {
                return None;
            }
            let mut parts = Vec::new();
            for (track, samples) in tracks.iter().zip(&samples).filter(|(_, samples)| !samples.is_empty()) {
                parts.push(Part { track, samples, places: places(samples, &ranges)? });
            }
            let header = write::fragment(number, &parts, mdat);
            let length = header.len() as u64 + u64::from(mdat);
            let ticks = samples[0].iter().map(|sample| u64::from(sample.duration)).sum();
            let duration_us = convert(ticks, main.timescale, 1_000_000).unwrap_or(0);
            made.fragments.push(Fragment { offset: at, length, duration_us });
            at = at.checked_add(length)?;
            made.needs = ranges.iter().map(|range| range.end).fold(made.needs, u64::max);
            made.pieces.push(Piece::Made(header));
            made.pieces.extend(ranges.into_iter().map(Piece::Of));
            from = ends;
        }
        Some(made)
    }

    /// Number of bytes.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.fragments.last().map_or(self.init, |last| last.offset + last.length)
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What a range of it consists of.
    #[must_use]
    pub fn part(&self, range: Range<u64>) -> Vec<Piece> {
        let (mut found, mut at) = (Vec::new(), 0);
        for piece in &self.pieces {
            let (from, to) = (range.start.max(at), range.end.min(at + piece.len()));
            if from < to {
                found.push(piece.cut(from - at..to - at));
            }
            at += piece.len();
        }
        found
    }
}

/// The first video and the first sound; the one that fragments follow comes first.
fn tracks(moov: &[u8]) -> Option<Vec<Track<'_>>> {
    let all: Vec<Track<'_>> =
        boxes(moov).filter(|(kind, _)| kind == b"trak").filter_map(|(_, trak)| Track::read(trak)).collect();
    let (video, sound): (Vec<_>, Vec<_>) = all.into_iter().partition(|track| track.is_video);
    let tracks: Vec<_> = video.into_iter().take(1).chain(sound.into_iter().take(1)).collect();
    let same_id = tracks.len() == 2 && tracks[0].id == tracks[1].id;
    (!tracks.is_empty() && !same_id).then_some(tracks)
}

/// Where each fragment ends: the number of the first sample behind it.
fn cuts(main: &Track<'_>) -> Vec<usize> {
    let least = FRAGMENT_S * u64::from(main.timescale);
    let (mut cuts, mut began) = (Vec::new(), 0);
    for (n, sample) in main.samples.iter().enumerate().skip(1) {
        if sample.sync && sample.time - began >= least {
            cuts.push(n);
            began = sample.time;
        }
    }
    cuts.push(main.samples.len());
    cuts
}

/// Whether one track's sample comes before another's.
fn is_before(one: &Sample, track: &Track<'_>, other: &Sample, of: &Track<'_>) -> bool {
    u128::from(one.time) * u128::from(of.timescale) < u128::from(other.time) * u128::from(track.timescale)
}

/// Where the samples lie in the recording. `None` if they are scattered.
fn ranges<'a>(samples: impl Iterator<Item = &'a Sample>) -> Option<Vec<Range<u64>>> {
    let mut all: Vec<(u64, u64)> = samples.map(|one| (one.offset, u64::from(one.size))).collect();
    all.sort_unstable();
    let mut ranges: Vec<Range<u64>> = Vec::new();
    for (offset, size) in all {
        let end = offset.checked_add(size)?;
        match ranges.last_mut() {
            Some(last) if offset <= last.end.saturating_add(GAP) => last.end = last.end.max(end),
            _ => ranges.push(offset..end),
        }
    }
    (ranges.len() <= MAX_RANGES).then_some(ranges)
}

/// Where each lies behind the beginning of `mdat`'s body.
fn places(samples: &[Sample], ranges: &[Range<u64>]) -> Option<Vec<u32>> {
    let place = |sample: &Sample| {
        let mut before = 0;
        for range in ranges {
            if range.contains(&sample.offset) || (sample.size == 0 && range.end == sample.offset) {
                return u32::try_from(before + sample.offset - range.start).ok();
            }
            before += range.end - range.start;
        }
        None
    };
    samples.iter().map(place).collect()
}
