//! What a player needs to play a recording by HLS (RFC 8216): an initialisation section and fragments behind it.

use super::playlist::{self, RangeOnTime};
use super::{ByteRange, Fragment, LAYOUT, Mp4Facts};
use std::fmt::Write as _;

/// Longest segment in microseconds that is made of several fragments: six seconds, as the protocol's authors advise. A day
/// of fragments, each with its signed address, would be a playlist of tens of MB.
const SEGMENT_US: u64 = 6_000_000;

/// A recording as a player reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hls {
    init: ByteRange,
    fragments: Vec<Fragment>,
    /// Whether these are of the recording as a fragmented file ([`Remuxed`](super::Remuxed)), not of the one that is stored.
    pub remuxed: bool,
}

/// Why a recording cannot be played so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unplayable {
    /// It is neither a fragmented MP4 nor one that can be fragmented.
    NotFragmented,
    /// Nothing tells how long it is.
    NoDuration,
    /// What the vault has noted of it cannot be read.
    Damaged,
}

impl Unplayable {
    /// As a sentence.
    #[must_use]
    pub fn sentence(self) -> &'static str {
        match self {
            Self::NotFragmented => "It is no MP4 that can be played in fragments.",
            Self::NoDuration => "Nothing tells how long it is.",
            Self::Damaged => "What the vault has noted of it cannot be read.",
        }
    }
}

impl Mp4Facts {
    /// What a player needs of the recording.
    ///
    /// # Errors
    /// Why it cannot be played.
    pub fn into_hls(self) -> Result<Hls, Unplayable> {
        let hls = match (self.init, self.remux.filter(|remux| remux.layout == LAYOUT)) {
            (Some(init), _) => Hls { init, fragments: self.fragments, remuxed: false },
            (None, Some(remux)) => {
                let init = ByteRange { offset: 0, length: remux.init };
                Hls { init, fragments: remux.fragments, remuxed: true }
            }
            (None, None) => return Err(Unplayable::NotFragmented),
        };
        if hls.fragments.is_empty() {
            return Err(Unplayable::NotFragmented);
        }
        if hls.duration_us() == 0 { Err(Unplayable::NoDuration) } else { Ok(hls) }
    }
}

impl Hls {
    /// How long it plays, microseconds.
    #[must_use]
    pub fn duration_us(&self) -> u64 {
        self.fragments.iter().fold(0, |sum, one| sum.saturating_add(one.duration_us))
    }

    /// Number of fragments.
    #[must_use]
    pub fn count(&self) -> usize {
        self.fragments.len()
    }

    /// Lines of a playlist with each fragment; see [`Mp4Facts::hls_lines`].
    #[must_use]
    pub fn lines(&self, address: &str) -> String {
        playlist::lines(self.init, &self.fragments, address)
    }

    /// The fragments as data; see [`Mp4Facts::range_on_time`].
    #[must_use]
    pub fn range_on_time(&self) -> Vec<RangeOnTime> {
        playlist::range_on_time(&self.fragments)
    }

    /// Lines of a playlist with segments of up to six seconds, each of one fragment or several.
    #[must_use]
    pub fn segments(&self, address: &str) -> String {
        playlist::lines(self.init, &self.joined(), address)
    }

    /// The longest of these segments in whole seconds, rounded as `EXT-X-TARGETDURATION` is to be.
    #[must_use]
    pub fn target_s(&self) -> u64 {
        let longest = self.joined().iter().map(|one| one.duration_us).max().unwrap_or(0);
        longest.saturating_add(500_000) / 1_000_000
    }

    fn joined(&self) -> Vec<Fragment> {
        let mut segments: Vec<Fragment> = Vec::new();
        for one in &self.fragments {
            match segments.last_mut() {
                Some(last) if last.duration_us.saturating_add(one.duration_us) <= SEGMENT_US => {
                    last.length = one.offset.saturating_add(one.length).saturating_sub(last.offset);
                    last.duration_us += one.duration_us;
                }
                _ => segments.push(*one),
            }
        }
        segments
    }
}

/// How a playlist begins whose longest segment rounds to so many seconds.
#[must_use]
pub fn playlist_head(target_s: u64) -> String {
    let mut head = String::from("#EXTM3U\n#EXT-X-VERSION:7\n");
    // writing to a String cannot fail
    let _ = writeln!(head, "#EXT-X-TARGETDURATION:{}", target_s.max(1));
    head + "#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-INDEPENDENT-SEGMENTS\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mp4::Remux;

    const S: u64 = 1_000_000;

    fn of(durations: &[u64]) -> Mp4Facts {
        let fragment = |(n, duration_us): (usize, &u64)| Fragment {
            offset: 680 + 100 * n as u64,
            length: 100,
            duration_us: *duration_us,
        };
        Mp4Facts {
            fragmented: true,
            init: Some(ByteRange { offset: 0, length: 680 }),
            fragments: durations.iter().enumerate().map(fragment).collect(),
            ..Mp4Facts::default()
        }
    }

    fn hls(durations: &[u64]) -> Hls {
        of(durations).into_hls().expect("playable")
    }

    #[test]
    fn what_cannot_be_played_says_why() {
        let no_init = Mp4Facts { init: None, ..of(&[S]) };
        assert_eq!(no_init.into_hls(), Err(Unplayable::NotFragmented));
        assert_eq!(of(&[]).into_hls(), Err(Unplayable::NotFragmented));
        assert_eq!(Mp4Facts::default().into_hls(), Err(Unplayable::NotFragmented));
        assert_eq!(of(&[0, 0]).into_hls(), Err(Unplayable::NoDuration));
        assert_eq!(of(&[0, S]).into_hls().map(|hls| hls.duration_us()), Ok(S));
    }

    #[test]
    fn what_is_not_fragmented_is_played_as_if_it_were() {
        let Mp4Facts { fragments, .. } = of(&[S, 2 * S]);
        let remux = Remux { layout: LAYOUT, init: 680, fragments, ..Remux::default() };
        let ordinary = |remux| Mp4Facts { remux: Some(remux), ..Mp4Facts::default() };
        let played = ordinary(remux.clone()).into_hls().expect("playable");
        assert!(played.remuxed && !hls(&[S]).remuxed);
        assert_eq!(played.segments("a"), hls(&[S, 2 * S]).segments("a"));
        let of_another_layout = ordinary(Remux { layout: LAYOUT + 1, ..remux });
        assert_eq!(of_another_layout.into_hls(), Err(Unplayable::NotFragmented));
    }

    #[test]
    fn a_player_gets_segments_and_a_client_fragments() {
        let hls = hls(&[2 * S, 2 * S, 2 * S, 40_000, 7 * S, 3 * S]);
        assert_eq!(
            hls.segments("https://vault.example/a"),
            "#EXT-X-MAP:URI=\"https://vault.example/a\",BYTERANGE=\"680@0\"\n\
             #EXTINF:6.000000,\n#EXT-X-BYTERANGE:300@680\nhttps://vault.example/a\n\
             #EXTINF:0.040000,\n#EXT-X-BYTERANGE:100@980\nhttps://vault.example/a\n\
             #EXTINF:7.000000,\n#EXT-X-BYTERANGE:100@1080\nhttps://vault.example/a\n\
             #EXTINF:3.000000,\n#EXT-X-BYTERANGE:100@1180\nhttps://vault.example/a\n"
        );
        assert_eq!(hls.lines("a.mp4").matches("#EXTINF").count(), 6);
        assert_eq!(hls.count(), 6);
    }

    #[test]
    fn the_target_is_the_longest_segment_rounded() {
        for (durations, target_s) in [
            (&[2 * S, 2 * S, 2 * S][..], 6),
            (&[19_967_000], 20),
            (&[6_499_999, S], 6),
            (&[6_500_000, S], 7),
            (&[40_000], 0),
        ] {
            assert_eq!(hls(durations).target_s(), target_s, "{durations:?}");
        }
        assert!(playlist_head(0).contains("#EXT-X-TARGETDURATION:1\n"));
    }

    #[test]
    fn a_playlist_begins_as_clients_write_it() {
        assert_eq!(
            playlist_head(20),
            "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:20\n#EXT-X-MEDIA-SEQUENCE:0\n\
             #EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-INDEPENDENT-SEGMENTS\n"
        );
    }
}
