//! The movie header: duration, and the track that counts with its codec.

use super::{
    boxes::{FourCc, be32, be64, boxes, child, descend, version_and_flags},
    convert,
};
use serde::{Deserialize, Serialize};

/// What `moov` tells.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Movie {
    /// `mvhd`'s duration.
    duration_ms: Option<u64>,
    /// `mehd`'s duration: of the whole fragmented movie.
    fragments_ms: Option<u64>,
    /// Whether fragments are announced (`mvex`).
    pub(super) fragmented: bool,
    /// The first video track, else the first audio track.
    pub(super) track: Option<Track>,
}

/// The track whose duration counts.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Track {
    pub(super) id: u32,
    pub(super) timescale: u32,
    pub(super) codec: Option<String>,
    /// `trex`: duration of a sample for which neither `tfhd` nor `trun` gives one.
    pub(super) default_duration: u32,
    /// `mdhd`'s duration in ticks.
    ticks: u64,
    /// Ticks of the samples `moov` itself describes: all of an ordinary file, none of a usual fragmented one.
    pub(super) own_ticks: u64,
}

impl Movie {
    /// `None` when this is no movie header.
    pub(super) fn read(moov: &[u8]) -> Option<Self> {
        let (timescale, ticks) = clock(child(moov, b"mvhd")?)?;
        let mvex = child(moov, b"mvex");
        let mut track = find_track(moov, b"vide").or_else(|| find_track(moov, b"soun"));
        if let (Some(track), Some(mvex)) = (&mut track, mvex) {
            track.default_duration = boxes(mvex)
                .find(|(kind, trex)| kind == b"trex" && be32(trex, 4) == Some(track.id))
                .and_then(|(_, trex)| be32(trex, 12))
                .unwrap_or(0);
        }
        let whole = mvex.and_then(|mvex| child(mvex, b"mehd")).and_then(|mehd| match version_and_flags(mehd)?.0 {
            1 => be64(mehd, 4),
            _ => be32(mehd, 4).map(u64::from),
        });
        Some(Self {
            duration_ms: convert(ticks, timescale, 1000),
            fragments_ms: whole.and_then(|ticks| convert(ticks, timescale, 1000)),
            fragmented: mvex.is_some(),
            track,
        })
    }

    /// The duration the headers claim, in milliseconds.
    pub(super) fn claimed_ms(&self) -> Option<u64> {
        let of_track = || {
            let track = self.track.as_ref()?;
            let ms = |ticks| convert(ticks, track.timescale, 1000);
            ms(track.ticks).or_else(|| ms(track.own_ticks))
        };
        self.fragments_ms.or(self.duration_ms).or_else(of_track)
    }
}

fn find_track(moov: &[u8], handler: &FourCc) -> Option<Track> {
    boxes(moov).filter(|(kind, _)| kind == b"trak").find_map(|(_, trak)| {
        let mdia = child(trak, b"mdia")?;
        let found = child(mdia, b"hdlr")?.get(8..12)?;
        (found == handler).then(|| read_track(trak, mdia)).flatten()
    })
}

fn read_track(trak: &[u8], mdia: &[u8]) -> Option<Track> {
    let tkhd = child(trak, b"tkhd")?;
    let id = be32(tkhd, if version_and_flags(tkhd)?.0 == 1 { 20 } else { 12 })?;
    let (timescale, ticks) = clock(child(mdia, b"mdhd")?)?;
    let stbl = descend(mdia, &[b"minf", b"stbl"]);
    Some(Track {
        id,
        timescale,
        codec: stbl.and_then(|stbl| codec(child(stbl, b"stsd")?)),
        default_duration: 0,
        ticks,
        own_ticks: stbl.and_then(|stbl| child(stbl, b"stts")).map_or(0, sum_of_samples),
    })
}

/// Ticks per second and duration in ticks (0 when unknown) of an `mvhd` or `mdhd`.
fn clock(body: &[u8]) -> Option<(u32, u64)> {
    let (timescale, ticks) = if version_and_flags(body)?.0 == 1 {
        (be32(body, 20)?, be64(body, 24).filter(|&ticks| ticks != u64::MAX))
    } else {
        (be32(body, 12)?, be32(body, 16).filter(|&ticks| ticks != u32::MAX).map(u64::from))
    };
    Some((timescale, ticks.unwrap_or(0)))
}

/// The sum of `stts`: runs of (count, duration).
fn sum_of_samples(stts: &[u8]) -> u64 {
    let runs = be32(stts, 4).map_or(0, |count| count as usize);
    let table = stts.get(8..).unwrap_or_default();
    table.chunks_exact(8).take(runs).fold(0, |sum, run| {
        let (count, duration) = (be32(run, 0).unwrap_or(0), be32(run, 4).unwrap_or(0));
        u64::saturating_add(sum, u64::from(count) * u64::from(duration))
    })
}

/// The name of the codec in the first sample entry.
fn codec(stsd: &[u8]) -> Option<String> {
    let (kind, entry) = boxes(stsd.get(8..)?).next()?;
    let name = match &kind {
        b"avc1" | b"avc2" | b"avc3" | b"avc4" => "h264",
        b"hvc1" | b"hev1" | b"dvh1" | b"dvhe" => "h265",
        b"av01" => "av1",
        b"vp08" => "vp8",
        b"vp09" => "vp9",
        b"jpeg" | b"mjpa" | b"mjpb" => "mjpeg",
        b"mp4a" => "aac",
        b"mp4v" => match object_type(entry) {
            Some(0x60..=0x65) => "mpeg2",
            Some(0x6c) => "mjpeg",
            _ => "mpeg4",
        },
        other => std::str::from_utf8(other).ok().filter(|name| name.bytes().all(|byte| byte.is_ascii_graphic()))?,
    };
    Some(name.to_owned())
}

/// The object type of an `mp4v` entry (ISO/IEC 14496-1): which of the MPEG codecs, or JPEG, it really is.
fn object_type(entry: &[u8]) -> Option<u8> {
    const VISUAL_ENTRY: usize = 78;
    let esds = child(entry.get(VISUAL_ENTRY..)?, b"esds")?;
    let stream = descriptor(esds.get(4..)?, 3)?;
    let config = descriptor(stream.get(3..)?, 4)?;
    config.first().copied()
}

/// What follows the tag and the variable-length size of a descriptor.
fn descriptor(bytes: &[u8], tag: u8) -> Option<&[u8]> {
    let rest = bytes.strip_prefix(&[tag])?;
    let last_of_size = rest.iter().take(4).position(|byte| byte & 0x80 == 0)?;
    rest.get(last_of_size + 1..)
}
