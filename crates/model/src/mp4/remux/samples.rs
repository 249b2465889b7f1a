//! The sample tables of a track (ISO/IEC 14496-12 §8.6, §8.7): where each sample lies, and when it is shown.

use crate::mp4::boxes::{FourCc, be32, be64, child, descend, version_and_flags};

/// Most samples of a track. Tables list few things for each, but may claim more without listing any.
const MAX_SAMPLES: usize = 100_000;

/// A frame of video, or a piece of sound.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sample {
    pub(super) offset: u64,
    pub(super) size: u32,
    /// When it is decoded, in the track's ticks.
    pub(super) time: u64,
    pub(super) duration: u32,
    /// How much later it is shown, in ticks.
    pub(super) shown_after: i32,
    /// Whether a player can begin with it.
    pub(super) sync: bool,
}

/// A track of an ordinary MP4.
#[derive(Debug)]
pub(super) struct Track<'a> {
    pub(super) id: u32,
    pub(super) timescale: u32,
    pub(super) is_video: bool,
    /// Whether frames are shown in another order than they are decoded in.
    pub(super) reordered: bool,
    /// Body of its `trak`.
    pub(super) trak: &'a [u8],
    pub(super) samples: Vec<Sample>,
}

/// Sound that browsers play in a fragmented MP4.
const SOUND: [&FourCc; 5] = [b"mp4a", b"Opus", b"fLaC", b"ac-3", b"ec-3"];
/// What nobody plays without its key.
const ENCRYPTED: [&FourCc; 2] = [b"encv", b"enca"];

impl<'a> Track<'a> {
    /// `None` for what is neither video nor sound, has no samples, or has tables that cannot be true.
    pub(super) fn read(trak: &'a [u8]) -> Option<Self> {
        let mdia = child(trak, b"mdia")?;
        let handler = child(mdia, b"hdlr")?.get(8..12)?;
        let (tkhd, mdhd) = (child(trak, b"tkhd")?, child(mdia, b"mdhd")?);
        let stbl = descend(mdia, &[b"minf", b"stbl"])?;
        let entry: &FourCc = child(stbl, b"stsd")?.get(12..16)?.first_chunk()?;
        let is_video = handler == b"vide";
        if ENCRYPTED.contains(&entry) || !(is_video || (handler == b"soun" && SOUND.contains(&entry))) {
            return None;
        }
        let at = |body: &[u8], short: usize, long: usize| if version_of(body) == Some(1) { long } else { short };
        Some(Self {
            id: be32(tkhd, at(tkhd, 12, 20))?,
            timescale: be32(mdhd, at(mdhd, 12, 20)).filter(|ticks| *ticks > 0)?,
            is_video,
            reordered: child(stbl, b"ctts").is_some(),
            trak,
            samples: samples(stbl).filter(|samples| !samples.is_empty())?,
        })
    }
}

fn version_of(body: &[u8]) -> Option<u8> {
    version_and_flags(body).map(|(version, _)| version)
}

fn samples(stbl: &[u8]) -> Option<Vec<Sample>> {
    let sizes = sizes(stbl)?;
    let mut durations = Runs::new(child(stbl, b"stts")?)?;
    let mut shown_after = child(stbl, b"ctts").map_or_else(|| Some(Runs::none()), Runs::new)?;
    let has_syncs = child(stbl, b"stss");
    let mut syncs = has_syncs.and_then(|stss| words(stss, 8, be32(stss, 4)?)).into_iter().flatten();
    let has_syncs = has_syncs.is_some();
    let mut chunks = Chunks::new(stbl)?;
    let (mut samples, mut time) = (Vec::with_capacity(sizes.len()), 0_u64);
    let mut next_sync = syncs.next();
    for (index, size) in sizes.into_iter().enumerate() {
        let number = u32::try_from(index + 1).ok()?;
        // The table is in order; what is not is passed over.
        while next_sync.is_some_and(|sync| sync < number) {
            next_sync = syncs.next();
        }
        let duration = durations.next()?;
        samples.push(Sample {
            offset: chunks.next(size)?,
            size,
            time,
            duration,
            #[expect(
                clippy::cast_possible_wrap,
                reason = "version 1 has signed numbers, and no true one of version 0 is as large"
            )]
            shown_after: shown_after.next().unwrap_or(0) as i32,
            sync: !has_syncs || next_sync == Some(number),
        });
        time = time.checked_add(u64::from(duration))?;
    }
    Some(samples)
}

/// The numbers of a table, no more than there are.
fn words(body: &[u8], from: usize, count: u32) -> Option<impl Iterator<Item = u32> + '_> {
    let table = body.get(from..)?;
    Some(table.chunks_exact(4).take(count as usize).filter_map(|word| be32(word, 0)))
}

/// `stsz`: the size of each sample.
fn sizes(stbl: &[u8]) -> Option<Vec<u32>> {
    let stsz = child(stbl, b"stsz")?;
    let (same, count) = (be32(stsz, 4)?, be32(stsz, 8)?);
    if count as usize > MAX_SAMPLES {
        return None;
    }
    let sizes: Vec<u32> = if same > 0 { vec![same; count as usize] } else { words(stsz, 12, count)?.collect() };
    (sizes.len() == count as usize).then_some(sizes)
}

/// `stts`, `ctts`: so many samples with the same number.
struct Runs<'a> {
    table: &'a [u8],
    left: u32,
    value: u32,
}

impl<'a> Runs<'a> {
    fn new(body: &'a [u8]) -> Option<Self> {
        Some(Self { table: body.get(8..)?, left: 0, value: 0 })
    }

    fn none() -> Self {
        Self { table: &[], left: 0, value: 0 }
    }

    fn next(&mut self) -> Option<u32> {
        while self.left == 0 {
            let (run, rest) = self.table.split_at_checked(8)?;
            (self.left, self.value, self.table) = (be32(run, 0)?, be32(run, 4)?, rest);
        }
        self.left -= 1;
        Some(self.value)
    }
}

/// `stsc` and `stco` or `co64`: samples lie in chunks, one behind the other.
struct Chunks<'a> {
    /// Of each run: number of its first chunk, samples in each, which description they have.
    runs: &'a [u8],
    offsets: &'a [u8],
    wide: bool,
    /// Number of the next chunk, from 1.
    number: u32,
    per_chunk: u32,
    left: u32,
    at: u64,
}

impl<'a> Chunks<'a> {
    fn new(stbl: &'a [u8]) -> Option<Self> {
        let runs = child(stbl, b"stsc")?.get(8..)?;
        let (offsets, wide) = match child(stbl, b"stco") {
            Some(stco) => (stco, false),
            None => (child(stbl, b"co64")?, true),
        };
        // One description is for all fragments: a camera does not change its codec within a file.
        let first_only = runs.chunks_exact(12).all(|run| be32(run, 8) == Some(1));
        first_only.then_some(Self { runs, offsets: offsets.get(8..)?, wide, number: 1, per_chunk: 0, left: 0, at: 0 })
    }

    /// Where the next sample lies.
    fn next(&mut self, size: u32) -> Option<u64> {
        while self.left == 0 {
            if let Some((run, rest)) = self.runs.split_at_checked(12)
                && be32(run, 0)? <= self.number
            {
                (self.per_chunk, self.runs) = (be32(run, 4)?, rest);
            }
            let (chunk, rest) = self.offsets.split_at_checked(if self.wide { 8 } else { 4 })?;
            self.at = if self.wide { be64(chunk, 0)? } else { u64::from(be32(chunk, 0)?) };
            (self.offsets, self.left) = (rest, self.per_chunk);
            self.number = self.number.checked_add(1)?;
        }
        self.left -= 1;
        let offset = self.at;
        self.at = self.at.checked_add(u64::from(size))?;
        Some(offset)
    }
}
