use super::*;
use crate::mp4::{Mp4Facts, Walker};
use proptest::prelude::*;
use proptest::sample::Index;

const RECORDING: &[u8] = include_bytes!("../../../../../fixtures/recording.mp4");
const HEVC: &[u8] = include_bytes!("../../../../../fixtures/hevc.mp4");

fn body_of<'a>(file: &'a [u8], wanted: &[u8; 4]) -> &'a [u8] {
    boxes(file).find(|(kind, _)| kind == wanted).expect("has one").1
}

fn whole(file: &[u8]) -> Vec<u8> {
    let made = Remuxed::of(body_of(file, b"moov")).expect("can be remuxed");
    bytes(&made, file, 0..made.len())
}

fn bytes(made: &Remuxed, file: &[u8], range: Range<u64>) -> Vec<u8> {
    let at = |n: u64| usize::try_from(n).expect("fits");
    let piece = |piece: Piece| match piece {
        Piece::Made(bytes) => bytes,
        Piece::Of(range) => file[at(range.start)..at(range.end)].to_vec(),
    };
    made.part(range).into_iter().flat_map(piece).collect()
}

fn facts(file: &[u8]) -> Mp4Facts {
    let mut walker = Walker::new();
    walker.feed(file);
    walker.finish()
}

/// What the vault says of the fragmented file is what it finds in that file as in any other.
#[test]
fn the_fragmented_file_is_one() {
    for (file, fragments, codec) in [(RECORDING, 6, "h264"), (HEVC, 1, "h265")] {
        let made = Remuxed::of(body_of(file, b"moov")).expect("can be remuxed");
        let found = facts(&whole(file));
        assert!(found.fragmented);
        assert_eq!(found.codec.as_deref(), Some(codec));
        assert_eq!(found.init, Some(ByteRange { offset: 0, length: made.init }));
        assert_eq!(found.fragments, made.fragments);
        assert_eq!(found.duration_ms, facts(file).duration_ms);
        assert_eq!(made.fragments.len(), fragments);
        let each_us = 1000 * found.duration_ms.expect("known") / fragments as u64;
        assert!(made.fragments.iter().all(|one| one.duration_us == each_us), "{:?}", made.fragments);
        assert!(made.needs <= file.len() as u64);
    }
}

/// Whoever has noted byte ranges finds the same bytes there after an update, or a change of [`LAYOUT`].
#[test]
fn the_layout_is_as_it_was_noted() {
    let made = Remuxed::of(body_of(RECORDING, b"moov")).expect("can be remuxed");
    let told: Vec<_> = made.fragments.iter().map(|one| (one.offset, one.length)).collect();
    let noted =
        [(733, 78_271), (79_004, 91_418), (170_422, 84_603), (255_025, 89_396), (344_421, 86_100), (430_521, 78_736)];
    assert_eq!((LAYOUT, made.init, &told[..]), (1, 733, &noted[..]));
}

#[test]
fn a_part_is_what_the_whole_has_there() {
    let made = Remuxed::of(body_of(RECORDING, b"moov")).expect("can be remuxed");
    let whole = whole(RECORDING);
    assert_eq!(whole.len() as u64, made.len());
    for one in &made.fragments {
        for range in
            [one.offset..one.offset + one.length, one.offset + 7..one.offset + 9, one.offset - 1..one.offset + 1]
        {
            let at = |n: u64| usize::try_from(n).expect("fits");
            assert_eq!(bytes(&made, RECORDING, range.clone()), whole[at(range.start)..at(range.end)]);
        }
    }
    assert!(made.part(made.len()..made.len() + 9).is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Whatever the tables claim: no panic, and the pieces add up.
    #[test]
    fn damaged_tables_do_no_harm(which in 0..2_usize, flips in prop::collection::vec((any::<Index>(), any::<u8>()), 1..20)) {
        let mut moov = body_of([RECORDING, HEVC][which], b"moov").to_vec();
        for (at, value) in flips {
            let at = at.index(moov.len());
            moov[at] = value;
        }
        if let Some(made) = Remuxed::of(&moov) {
            let sum: u64 = made.pieces.iter().map(Piece::len).sum();
            prop_assert_eq!(sum, made.len());
            prop_assert!(made.fragments.len() <= MAX_FRAGMENTS);
            let ends = made.pieces.iter().filter_map(|piece| match piece { Piece::Of(range) => Some(range.end), Piece::Made(_) => None });
            prop_assert!(ends.max().unwrap_or(0) <= made.needs);
        }
    }

    #[test]
    fn a_cut_header_does_no_harm(which in 0..2_usize, end in any::<Index>()) {
        let moov = body_of([RECORDING, HEVC][which], b"moov");
        let _ = Remuxed::of(&moov[..end.index(moov.len())]);
    }
}
