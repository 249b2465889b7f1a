//! The boxes of a fragmented MP4 (ISO/IEC 14496-12 §8.8), from those of an ordinary one.

use super::samples::{Sample, Track};
use crate::mp4::boxes::{FourCc, boxes, version_and_flags};

/// A box around parts.
pub(super) fn make(kind: &FourCc, parts: &[&[u8]]) -> Vec<u8> {
    let len = parts.iter().fold(8, |sum, part| sum + part.len());
    let mut made = Vec::with_capacity(len);
    // No part is longer than a movie header, of which at most 128 KiB are kept.
    made.extend_from_slice(&u32::try_from(len).unwrap_or(u32::MAX).to_be_bytes());
    made.extend_from_slice(kind);
    parts.iter().for_each(|part| made.extend_from_slice(part));
    made
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}

/// What a player reads first: the movie header without samples.
pub(super) fn init(moov: &[u8], tracks: &[Track<'_>]) -> Vec<u8> {
    let ftyp = make(b"ftyp", &[b"iso6", &words(&[0]), b"iso6mp41"]);
    let mut parts = Vec::new();
    for (kind, body) in boxes(moov) {
        match &kind {
            b"mvhd" => parts.push(make(b"mvhd", &[&without_duration(body, 16, 24)])),
            b"trak" => {
                let kept = tracks.iter().any(|track| std::ptr::eq(track.trak, body));
                parts.extend(kept.then(|| make(b"trak", &[&trak(body)])));
            }
            _ => {}
        }
    }
    // The description, and what tfhd and trun say of each sample.
    let trex = |track: &Track<'_>| make(b"trex", &[&words(&[0, track.id, 1, 0, 0, 0])]);
    let mvex: Vec<u8> = tracks.iter().flat_map(trex).collect();
    parts.push(make(b"mvex", &[&mvex]));
    [ftyp, make(b"moov", &[&parts.concat()])].concat()
}

/// A track's boxes, with its description and without its samples.
fn trak(body: &[u8]) -> Vec<u8> {
    let part = |(kind, body): (FourCc, &[u8])| match &kind {
        b"tkhd" => make(b"tkhd", &[&without_duration(body, 20, 28)]),
        b"mdhd" => make(b"mdhd", &[&without_duration(body, 16, 24)]),
        b"mdia" | b"minf" => make(&kind, &[&trak(body)]),
        b"stbl" => make(b"stbl", &[&stbl(body)]),
        b"edts" | b"hdlr" | b"vmhd" | b"smhd" | b"nmhd" | b"dinf" => make(&kind, &[body]),
        _ => Vec::new(),
    };
    boxes(body).flat_map(part).collect()
}

fn stbl(body: &[u8]) -> Vec<u8> {
    let stsd = boxes(body).find(|(kind, _)| kind == b"stsd").map_or(&[][..], |(_, stsd)| stsd);
    let empty = words(&[0, 0]);
    [
        make(b"stsd", &[stsd]),
        make(b"stts", &[&empty]),
        make(b"stsc", &[&empty]),
        make(b"stsz", &[&empty, &words(&[0])]),
        make(b"stco", &[&empty]),
    ]
    .concat()
}

/// The fragments have the duration.
fn without_duration(body: &[u8], short: usize, long: usize) -> Vec<u8> {
    let mut body = body.to_vec();
    let is_long = version_and_flags(&body).is_some_and(|(version, _)| version == 1);
    let at = if is_long { long..long + 8 } else { short..short + 4 };
    body.get_mut(at).into_iter().for_each(|duration| duration.fill(0));
    body
}

/// A track's part of a fragment: its samples, and where each lies behind the beginning of `mdat`'s body.
pub(super) struct Part<'a> {
    pub(super) track: &'a Track<'a>,
    pub(super) samples: &'a [Sample],
    pub(super) places: Vec<u32>,
}

/// The header of a fragment, with that of the `mdat` behind it.
pub(super) fn fragment(number: u32, parts: &[Part<'_>], mdat: u32) -> Vec<u8> {
    // Its length does not depend on what the offsets in it are.
    let len = moof(number, parts, 0).len() + 8;
    let moof = moof(number, parts, u32::try_from(len).unwrap_or(u32::MAX));
    [&moof, &mdat.saturating_add(8).to_be_bytes()[..], b"mdat"].concat()
}

fn moof(number: u32, parts: &[Part<'_>], before: u32) -> Vec<u8> {
    let mfhd = make(b"mfhd", &[&words(&[0, number])]);
    let trafs: Vec<u8> = parts.iter().flat_map(|part| traf(part, before)).collect();
    make(b"moof", &[&mfhd, &trafs])
}

/// `tfhd`: offsets count from the beginning of `moof`.
const FROM_MOOF: u32 = 0x02_0000;
/// `trun`: it has an offset, and each sample its duration, size, flags, and how much later it is shown.
const OFFSET: u32 = 0x1;
const EACH: u32 = 0x700;
const SHOWN_AFTER: u32 = 0x800;
/// `trun` of version 1, where a sample may be shown before it is decoded.
const SIGNED: u32 = 0x0100_0000;
/// Depends on no other sample; depends on others and cannot be begun with.
const SYNC: u32 = 0x0200_0000;
const NO_SYNC: u32 = 0x0101_0000;

fn traf(part: &Part<'_>, before: u32) -> Vec<u8> {
    let time = part.samples.first().map_or(0, |sample| sample.time);
    let tfhd = make(b"tfhd", &[&words(&[FROM_MOOF, part.track.id])]);
    let tfdt = make(b"tfdt", &[&words(&[SIGNED]), &time.to_be_bytes()]);
    let mut traf = [tfhd, tfdt].concat();
    let mut at = 0;
    while at < part.samples.len() {
        let end = end_of_run(part, at);
        traf.extend(trun(&part.samples[at..end], part.places[at].saturating_add(before), part.track.reordered));
        at = end;
    }
    make(b"traf", &[&traf])
}

/// A run ends where the next sample does not lie behind the one before it.
fn end_of_run(part: &Part<'_>, from: usize) -> usize {
    let follows = |n: &usize| part.places[n - 1].checked_add(part.samples[n - 1].size) == Some(part.places[*n]);
    (from + 1..part.samples.len()).find(|n| !follows(n)).unwrap_or(part.samples.len())
}

fn trun(samples: &[Sample], offset: u32, reordered: bool) -> Vec<u8> {
    let flags = SIGNED | OFFSET | EACH | if reordered { SHOWN_AFTER } else { 0 };
    let count = u32::try_from(samples.len()).unwrap_or(u32::MAX);
    let mut body = words(&[flags, count, offset]);
    for sample in samples {
        body.extend(words(&[sample.duration, sample.size, if sample.sync { SYNC } else { NO_SYNC }]));
        if reordered {
            body.extend(sample.shown_after.to_be_bytes());
        }
    }
    make(b"trun", &[&body])
}
