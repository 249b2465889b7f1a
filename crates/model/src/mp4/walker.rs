//! Walks the top-level boxes of a file that arrives in pieces.

use super::{
    ByteRange, Fragment, MAX_FRAGMENTS, Mp4Facts,
    boxes::{FourCc, Head, Header, LONGEST_HEADER},
    convert, moof,
    moov::Movie,
    remux::{LAYOUT, Remux, Remuxed},
};
use serde::{Deserialize, Serialize};

/// Most bytes kept of one header box: half a thousand uploads at a time may hold as many each, whoever sends them. The rest
/// of a longer one is ignored; durations and codecs come before the long tables.
pub const MAX_HEADER: usize = 128 * 1024;

/// Finds [`Mp4Facts`] in bytes fed in order, in pieces of any size. Media data costs nothing per byte. It can be stored, to go
/// on after a restart.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Walker {
    /// Bytes consumed so far.
    position: u64,
    state: State,
    movie: Option<Movie>,
    init: Option<ByteRange>,
    seen_moof: bool,
    /// Where a `styp` awaiting its `moof` begins.
    lead: Option<u64>,
    open: Option<Open>,
    fragments: Vec<Fragment>,
    #[serde(default)]
    remux: Option<Planned>,
}

/// How an ordinary file would be fragmented.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Planned {
    remux: Remux,
    /// Bytes of the file that it needs.
    needs: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
enum State {
    /// Between boxes, with the bytes of a header so far.
    Header {
        bytes: [u8; LONGEST_HEADER],
        len: usize,
    },
    Body(Body),
    /// Not MP4, or nothing more of interest.
    Lost,
}

impl Default for State {
    fn default() -> Self {
        Self::Header { bytes: [0; LONGEST_HEADER], len: 0 }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Body {
    kind: FourCc,
    start: u64,
    /// Bytes still to come; `None` for a box reaching to the end of the file.
    left: Option<u64>,
    /// The body, of the kinds we read.
    kept: Vec<u8>,
}

/// The fragment being collected.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Open {
    start: u64,
    /// End of its last complete `mdat`.
    end: Option<u64>,
    duration_us: u64,
    /// Whether it holds anything of the track that counts.
    counts: bool,
}

impl Walker {
    /// A walker at the first byte of a file.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes of the file.
    pub fn feed(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let used = match &mut self.state {
                State::Lost => return,
                State::Header { bytes: header, len } => {
                    // only ever up to what the header needs: 8 bytes, then 16 if it says so
                    let wanted = if *len < 8 { 8 } else { LONGEST_HEADER };
                    let used = bytes.len().min(wanted - *len);
                    header[*len..*len + used].copy_from_slice(&bytes[..used]);
                    *len += used;
                    used
                }
                State::Body(body) => body.take(bytes),
            };
            bytes = &bytes[used..];
            self.position = self.position.saturating_add(used as u64);
            self.step();
        }
    }

    /// Ends the file and returns what was found.
    #[must_use]
    pub fn finish(mut self) -> Mp4Facts {
        if let State::Body(body @ Body { left: None, .. }) = std::mem::replace(&mut self.state, State::Lost) {
            self.close(&body);
        }
        self.end_fragment();
        let Some(movie) = self.movie else { return Mp4Facts::default() };
        let fragmented = movie.fragmented || self.seen_moof;
        let sum = self.fragments.iter().fold(0_u64, |sum, one| sum.saturating_add(one.duration_us));
        let duration_ms = if sum == 0 {
            movie.claimed_ms()
        } else {
            let before = movie.track.as_ref().and_then(|track| convert(track.own_ticks, track.timescale, 1_000_000));
            convert(sum.saturating_add(before.unwrap_or(0)), 1_000_000, 1000)
        };
        Mp4Facts {
            duration_ms,
            fragmented,
            codec: movie.track.and_then(|track| track.codec),
            init: self.init.filter(|_| fragmented),
            fragments: self.fragments,
            remux: self
                .remux
                .filter(|planned| !fragmented && planned.is_within(self.position))
                .map(|planned| planned.remux),
        }
    }

    /// Goes on to the next state when the current one has all its bytes.
    fn step(&mut self) {
        if let State::Header { bytes, len } = &self.state {
            match Header::read(&bytes[..*len]) {
                Head::Incomplete => return,
                Head::Malformed => self.state = State::Lost,
                Head::Box(Header { kind, len, body }) => {
                    let start = self.position.saturating_sub(len as u64);
                    self.state = State::Body(Body { kind, start, left: body, kept: Vec::new() });
                }
            }
        }
        if matches!(&self.state, State::Body(Body { left: Some(0), .. }))
            && let State::Body(body) = std::mem::take(&mut self.state)
        {
            self.close(&body);
        }
    }

    /// A top-level box is complete, and ends at the current position.
    fn close(&mut self, body: &Body) {
        let lead = self.lead.take();
        match &body.kind {
            b"moov" if self.movie.is_none() => {
                self.movie = Movie::read(&body.kept);
                self.init = Some(ByteRange { offset: 0, length: self.position });
                let is_ordinary = self.movie.as_ref().is_some_and(|movie| !movie.fragmented);
                self.remux = is_ordinary.then(|| Planned::of(body, self.position)).flatten();
            }
            b"moof" => self.start_fragment(lead.unwrap_or(body.start), &body.kept),
            b"mdat" => {
                if let Some(open) = &mut self.open {
                    open.end = Some(self.position);
                }
            }
            b"styp" => self.lead = Some(lead.unwrap_or(body.start)),
            b"sidx" | b"prft" | b"emsg" => self.lead = lead,
            _ => {}
        }
    }

    /// A `moof` begins a fragment, unless it lacks video, or the current one still does (audio and video may come in
    /// separate `moof`s): then it belongs to the current one. So does one whose length is zero or absurd: players stumble
    /// over fragments without length, but its bytes belong to the recording.
    fn start_fragment(&mut self, start: u64, moof: &[u8]) {
        let Some(movie) = &self.movie else { return };
        self.seen_moof = true;
        let Some(track) = &movie.track else { return };
        let ticks = moof::ticks(moof, track);
        let duration_us = ticks.and_then(|ticks| convert(ticks, track.timescale, 1_000_000)).unwrap_or(0);
        match &mut self.open {
            Some(open) if duration_us == 0 || open.duration_us == 0 => {
                open.duration_us = open.duration_us.saturating_add(duration_us);
                open.counts |= ticks.is_some();
            }
            _ => {
                self.end_fragment();
                self.open = Some(Open { start, end: None, duration_us, counts: ticks.is_some() });
            }
        }
    }

    fn end_fragment(&mut self) {
        if let Some(Open { start, end: Some(end), duration_us, counts: true }) = self.open.take() {
            if self.fragments.len() == MAX_FRAGMENTS {
                self.fragments = self.fragments.chunks(2).map(joined).collect();
            }
            self.fragments.push(Fragment { offset: start, length: end - start, duration_us });
        }
    }
}

impl Planned {
    /// From a `moov` that ends here. A part of it would not do.
    fn of(moov: &Body, end: u64) -> Option<Self> {
        let length = moov.kept.len() as u64;
        let offset = end.checked_sub(length)?;
        let is_whole = matches!(offset - moov.start, 8 | 16);
        let Remuxed { init, fragments, needs, .. } = Remuxed::of(&moov.kept).filter(|_| is_whole)?;
        let remux = Remux { layout: LAYOUT, moov: ByteRange { offset, length }, init, fragments };
        Some(Self { remux, needs })
    }

    /// Whether a file of this size has all that is needed, and the fragments do not repeat it over and over.
    fn is_within(&self, size: u64) -> bool {
        let sum = self.remux.fragments.iter().fold(0_u64, |sum, one| sum.saturating_add(one.length));
        self.needs <= size && sum <= size.saturating_mul(2).saturating_add(MAX_HEADER as u64)
    }
}

/// Neighbours as one, with what lies between them.
fn joined(neighbours: &[Fragment]) -> Fragment {
    let (first, last) = (neighbours[0], neighbours[neighbours.len() - 1]);
    let duration_us = neighbours.iter().fold(0_u64, |sum, one| sum.saturating_add(one.duration_us));
    Fragment { offset: first.offset, length: last.offset + last.length - first.offset, duration_us }
}

impl Body {
    /// Consumes this box's share of `bytes`; returns its length.
    fn take(&mut self, bytes: &[u8]) -> usize {
        let used = match &mut self.left {
            None => bytes.len(),
            Some(left) => {
                let used = usize::try_from(*left).map_or(bytes.len(), |left| left.min(bytes.len()));
                *left -= used as u64;
                used
            }
        };
        if matches!(&self.kind, b"moov" | b"moof") {
            let kept = used.min(MAX_HEADER - self.kept.len());
            self.kept.extend_from_slice(&bytes[..kept]);
        }
        used
    }
}
