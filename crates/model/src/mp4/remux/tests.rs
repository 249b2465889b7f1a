use super::write::make;
use super::*;
use crate::mp4::boxes::{be32, be64, child};
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

/// A sample as a player finds it: track, time, duration, how much later it is shown, whether it can be begun with, bytes.
type Found<'a> = (u32, u64, u32, i32, bool, &'a [u8]);

/// What a player finds in a fragmented file (ISO/IEC 14496-12 §8.8.7).
fn played(file: &[u8]) -> Vec<Found<'_>> {
    let (mut found, mut at) = (Vec::new(), 0);
    for (kind, body) in boxes(file) {
        if &kind == b"moof" {
            let moof_at = at;
            for (_, traf) in boxes(body).filter(|(kind, _)| kind == b"traf") {
                let id = be32(child(traf, b"tfhd").expect("has one"), 4).expect("an id");
                let mut time = be64(child(traf, b"tfdt").expect("has one"), 4).expect("a time");
                for (_, trun) in boxes(traf).filter(|(kind, _)| kind == b"trun") {
                    let word = |n: usize| be32(trun, 4 * n).expect("a word");
                    let reordered = word(0) & 0x800 != 0;
                    let mut data = moof_at + word(2) as usize;
                    for n in 0..word(1) as usize {
                        let from = 3 + n * if reordered { 4 } else { 3 };
                        let (duration, size, sync) =
                            (word(from), word(from + 1) as usize, word(from + 2) & 0x1_0000 == 0);
                        let shown = if reordered { word(from + 3).cast_signed() } else { 0 };
                        found.push((id, time, duration, shown, sync, &file[data..data + size]));
                        (time, data) = (time + u64::from(duration), data + size);
                    }
                }
            }
        }
        at += 8 + body.len();
    }
    found.sort_by_key(|one| (one.0, one.1));
    found
}

/// The same of an ordinary file, of the tracks that are kept.
fn stored(file: &[u8]) -> Vec<Found<'_>> {
    let mut found = Vec::new();
    for track in tracks(body_of(file, b"moov")).expect("has some") {
        for one in track.samples {
            let at = usize::try_from(one.offset).expect("fits");
            found.push((
                track.id,
                one.time,
                one.duration,
                one.shown_after,
                one.sync,
                &file[at..at + one.size as usize],
            ));
        }
    }
    found.sort_by_key(|one| (one.0, one.1));
    found
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}

/// A table: version, number of entries, entries of so many words.
fn table(kind: &[u8; 4], each: usize, entries: &[u32]) -> Vec<u8> {
    make(kind, &[&words(&[0, u32::try_from(entries.len() / each).expect("few")]), &words(entries)])
}

fn trak(id: u32, handler: &[u8; 4], entry: &[u8; 4], timescale: u32, tables: &[Vec<u8>]) -> Vec<u8> {
    let stsd = make(b"stsd", &[&words(&[0, 1]), &make(entry, &[&[0; 8]])]);
    let stbl = make(b"stbl", &[&stsd, &tables.concat()]);
    let hdlr = make(b"hdlr", &[&[0; 8], handler]);
    let mdhd = make(b"mdhd", &[&words(&[0, 0, 0, timescale, 77])]);
    let mdia = make(b"mdia", &[&mdhd, &hdlr, &make(b"minf", &[&stbl])]);
    make(b"trak", &[&make(b"tkhd", &[&words(&[0, 0, 0, id, 0, 77])]), &mdia])
}

/// A second of one frame in eight bytes, each followed by half a second of sound, then far away by the other half; frames 1, 2,
/// 4 and 7 can be begun with.
fn with_sound(sound: &[u8; 4], far: u32) -> Vec<u8> {
    let frames = 8_u32;
    let size = |n: u32| 8 + n;
    let mut video_at = Vec::new();
    let (mut sound_at, mut at) = (Vec::new(), 8);
    for n in 0..frames {
        video_at.push(at);
        sound_at.push(at + size(n));
        at += size(n) + 10;
    }
    at += far;
    (0..frames).for_each(|n| sound_at.push(at + 10 * n));
    // In the order of time: near, far, near …
    let sound_at: Vec<u32> = (0..frames as usize).flat_map(|n| [sound_at[n], sound_at[frames as usize + n]]).collect();
    let media: Vec<u8> = (0..at + 10 * frames - 8).map(|n| (n % 251) as u8).collect();
    let sizes =
        |sizes: &[u32]| make(b"stsz", &[&words(&[0, 0, u32::try_from(sizes.len()).expect("few")]), &words(sizes)]);
    let video = [
        table(b"stts", 2, &[frames, 1000]),
        table(b"ctts", 2, &[3, 500, frames - 3, 0]),
        table(b"stss", 1, &[1, 2, 4, 7]),
        table(b"stsc", 3, &[1, 1, 1]),
        sizes(&(0..frames).map(size).collect::<Vec<_>>()),
        table(b"stco", 1, &video_at),
    ];
    let audio = [
        table(b"stts", 2, &[2 * frames, 4000]),
        table(b"stsc", 3, &[1, 1, 1]),
        sizes(&vec![10; 2 * frames as usize]),
        table(b"stco", 1, &sound_at),
    ];
    let mvhd = make(b"mvhd", &[&words(&[0, 0, 0, 1000, 77])]);
    let moov =
        make(b"moov", &[&mvhd, &trak(7, b"soun", sound, 8000, &audio), &trak(3, b"vide", b"avc1", 1000, &video)]);
    [make(b"mdat", &[&media]), moov].concat()
}

#[test]
fn every_sample_is_there_as_it_was() {
    for file in [RECORDING, HEVC] {
        assert!(played(&whole(file)) == stored(file));
    }
    // What lies between is read along, or not.
    for far in [0, 1000, 300_000] {
        let file = with_sound(b"mp4a", far);
        let made = whole(&file);
        assert_eq!(stored(&file).len(), 8 + 16);
        assert_eq!(played(&made), stored(&file), "{far}");
        assert!(made.len() < 2 * 70_000, "{far}: {}", made.len());
    }
}

#[test]
fn a_fragment_begins_after_two_seconds_with_a_frame_that_can_be_begun_with() {
    let file = with_sound(b"mp4a", 0);
    let made = Remuxed::of(body_of(&file, b"moov")).expect("can be remuxed");
    let seconds: Vec<_> = made.fragments.iter().map(|one| one.duration_us / 1_000_000).collect();
    assert_eq!(seconds, [3, 3, 2]);
    assert_eq!(facts(&whole(&file)).fragments, made.fragments);
}

#[test]
fn sound_that_browsers_do_not_play_is_left_out_and_so_is_what_is_encrypted() {
    let file = with_sound(b"ulaw", 0);
    assert_eq!(played(&whole(&file)).len(), 8, "video alone");
    let mut encrypted = with_sound(b"mp4a", 0);
    let at = encrypted.windows(4).position(|four| four == b"avc1").expect("has one");
    encrypted[at..at + 4].copy_from_slice(b"encv");
    assert!(played(&whole(&encrypted)).iter().all(|one| one.0 == 7), "sound alone");
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
