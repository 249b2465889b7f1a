use proptest::{prelude::*, sample::Index};

use super::*;

const RECORDING: &[u8] = include_bytes!("../../../../fixtures/recording.mp4");
const FRAGMENTED: &[u8] = include_bytes!("../../../../fixtures/fragmented.mp4");
const HEVC: &[u8] = include_bytes!("../../../../fixtures/hevc.mp4");
const FIXTURES: [&[u8]; 3] = [RECORDING, FRAGMENTED, HEVC];

fn facts(bytes: &[u8]) -> Mp4Facts {
    facts_in_pieces(bytes, bytes.len().max(1))
}

fn facts_in_pieces(bytes: &[u8], size: usize) -> Mp4Facts {
    let mut walker = Walker::new();
    bytes.chunks(size).for_each(|piece| walker.feed(piece));
    walker.finish()
}

/// A box of a hand-made file.
fn make(kind: &[u8; 4], body: &[&[u8]]) -> Vec<u8> {
    let body = body.concat();
    let size = u32::try_from(body.len() + 8).expect("small");
    [&size.to_be_bytes(), kind.as_slice(), &body].concat()
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}

fn trak(id: u32, handler: &[u8; 4], timescale: u32, entry: &[u8; 4]) -> Vec<u8> {
    let tkhd = make(b"tkhd", &[&words(&[0, 0, 0, id, 0, 0])]);
    let mdhd = make(b"mdhd", &[&words(&[0, 0, 0, timescale, 0, 0])]);
    let hdlr = make(b"hdlr", &[&words(&[0, 0]), handler, &[0; 12]]);
    let stsd = make(b"stsd", &[&words(&[0, 1]), &make(entry, &[&[0; 78]])]);
    let minf = make(b"minf", &[&make(b"stbl", &[&stsd])]);
    make(b"trak", &[&tkhd, &make(b"mdia", &[&mdhd, &hdlr, &minf])])
}

/// A fragmented movie header: audio is track 1 at 8 kHz, video track 2 in milliseconds, `trex` says 40 ms.
fn init() -> Vec<u8> {
    let mvhd = make(b"mvhd", &[&words(&[0, 0, 0, 1000, 0])]);
    let mvex = make(
        b"mvex",
        &[&make(b"trex", &[&words(&[0, 1, 1, 1024, 0, 0])]), &make(b"trex", &[&words(&[0, 2, 1, 40, 0, 0])])],
    );
    // mvex before the tracks, as agents write it
    let moov = make(b"moov", &[&mvhd, &mvex, &trak(1, b"soun", 8000, b"mp4a"), &trak(2, b"vide", 1000, b"avc1")]);
    [make(b"ftyp", &[b"isom"]), moov].concat()
}

fn traf(track: u32, tfhd: &[u32], trun: &[u32]) -> Vec<u8> {
    let (flags, rest) = tfhd.split_first().expect("flags first");
    let tfhd = make(b"tfhd", &[&words(&[*flags, track]), &words(rest)]);
    make(b"traf", &[&tfhd, &make(b"trun", &[&words(trun)])])
}

/// A fragment of `samples` video samples of the default 40 ms.
fn moof(samples: u32) -> Vec<u8> {
    make(b"moof", &[&traf(2, &[0], &[0, samples])])
}

fn mdat() -> Vec<u8> {
    make(b"mdat", &[&[0; 100]])
}

fn durations(bytes: &[u8]) -> Vec<u64> {
    facts(bytes).fragments.iter().map(|fragment| fragment.duration_us).collect()
}

#[test]
fn an_ordinary_recording() {
    let expected = Mp4Facts { duration_ms: Some(12_000), codec: Some("h264".into()), ..Mp4Facts::default() };
    let mut found = facts(RECORDING);
    let remux = found.remux.take().expect("can be fragmented");
    assert_eq!(found, expected);
    assert_eq!((remux.fragments.len(), &RECORDING[remux.moov.offset as usize - 4..][..4]), (6, &b"moov"[..]));
    assert_eq!(remux.moov.offset + remux.moov.length, RECORDING.len() as u64);
}

#[test]
fn an_hevc_recording() {
    let expected = Mp4Facts { duration_ms: Some(6_000), codec: Some("h265".into()), ..Mp4Facts::default() };
    assert_eq!(Mp4Facts { remux: None, ..facts(HEVC) }, expected);
}

#[test]
fn a_fragmented_recording() {
    let starts = [799, 78_686, 169_720, 253_939, 342_951, 428_667, 507_019];
    let expected = Mp4Facts {
        duration_ms: Some(12_000),
        fragmented: true,
        codec: Some("h264".into()),
        init: Some(ByteRange { offset: 0, length: 799 }),
        fragments: starts
            .windows(2)
            .map(|pair| Fragment { offset: pair[0], length: pair[1] - pair[0], duration_us: 2_000_000 })
            .collect(),
        remux: None,
    };
    assert_eq!(facts(FRAGMENTED), expected);
}

#[test]
fn byte_by_byte() {
    for fixture in FIXTURES {
        assert_eq!(facts_in_pieces(fixture, 1), facts(fixture));
    }
}

#[test]
fn playlist_lines_as_hls_clients_expect_them() {
    let facts = Mp4Facts {
        fragmented: true,
        init: Some(ByteRange { offset: 0, length: 680 }),
        fragments: vec![
            Fragment { offset: 680, length: 5_014_474, duration_us: 19_967_000 },
            Fragment { offset: 5_015_154, length: 5_012_356, duration_us: 19_967_000 },
        ],
        ..Mp4Facts::default()
    };
    assert_eq!(
        facts.hls_lines("a b.mp4"),
        "#EXT-X-MAP:URI=\"a b.mp4\",BYTERANGE=\"680@0\"\n\
         #EXTINF:19.967000,\n#EXT-X-BYTERANGE:5014474@680\na b.mp4\n\
         #EXTINF:19.967000,\n#EXT-X-BYTERANGE:5012356@5015154\na b.mp4\n"
    );
    assert_eq!(
        serde_json::to_string(&facts.range_on_time()).expect("valid JSON"),
        r#"[{"duration":"19.967000","time":"19.967000","range":"5014474@680"},{"duration":"19.967000","time":"39.934000","range":"5012356@5015154"}]"#
    );
}

#[test]
fn an_ordinary_recording_has_no_playlist_lines() {
    assert_eq!(facts(RECORDING).hls_lines("a.mp4"), "");
    assert!(facts(RECORDING).range_on_time().is_empty());
}

#[test]
fn facts_survive_json() {
    for fixture in FIXTURES {
        let json = serde_json::to_string(&facts(fixture)).expect("valid JSON");
        assert_eq!(serde_json::from_str::<Mp4Facts>(&json).expect("valid JSON"), facts(fixture));
    }
    assert_eq!(serde_json::from_str::<Mp4Facts>("{}").expect("valid JSON"), Mp4Facts::default());
}

#[test]
fn the_video_track_counts_and_not_the_audio() {
    let audio = traf(1, &[0], &[0, 5]);
    let moof = make(b"moof", &[&audio, &traf(2, &[0], &[0, 50])]);
    let found = facts(&[init(), moof, mdat()].concat());
    assert_eq!(found.codec.as_deref(), Some("h264"));
    assert_eq!((found.duration_ms, found.fragments.len()), (Some(2000), 1));
}

#[test]
fn sample_durations_come_from_trun_then_tfhd_then_trex() {
    let trex = traf(2, &[0], &[0, 3]);
    // base data offset and description index precede the default duration
    let tfhd = traf(2, &[0x0b, 0, 0, 1, 50], &[0, 3]);
    // data offset, first sample flags; then duration and size of each sample
    let trun = traf(2, &[0x08, 50], &[0x305, 2, 0, 0, 7, 999, 8, 999]);
    let moofs = [trex, tfhd, trun].map(|traf| [make(b"moof", &[&traf]), mdat()].concat()).concat();
    assert_eq!(durations(&[init(), moofs].concat()), [120_000, 150_000, 15_000]);
}

#[test]
fn audio_in_a_moof_of_its_own_belongs_to_the_video_before_it() {
    let audio = [make(b"moof", &[&traf(1, &[0], &[0, 5])]), mdat()].concat();
    let video = [moof(50), mdat()].concat();
    let file = [init(), video.clone(), audio.clone(), video, audio].concat();
    let found = facts(&file);
    assert_eq!(found.fragments.len(), 2);
    let last = found.fragments[1];
    assert_eq!(last.offset + last.length, file.len() as u64);
    assert_eq!(found.fragments[0].offset + found.fragments[0].length, last.offset);
}

#[test]
fn a_fragment_begins_at_the_styp_before_its_moof() {
    let (init, sidx, styp) = (init(), make(b"sidx", &[&[0; 24]]), make(b"styp", &[b"msdh"]));
    let found = facts(&[init.clone(), sidx.clone(), styp, sidx.clone(), moof(50), mdat()].concat());
    assert_eq!(found.init, Some(ByteRange { offset: 0, length: init.len() as u64 }));
    assert_eq!(found.fragments[0].offset, (init.len() + sidx.len()) as u64);
}

#[test]
fn several_mdats_and_one_reaching_to_the_end() {
    let endless = [&[0, 0, 0, 0], b"mdat".as_slice(), &[0; 500]].concat();
    let file = [init(), moof(50), mdat(), endless].concat();
    let end = facts(&file).fragments.first().map(|one| one.offset + one.length);
    assert_eq!(end, Some(file.len() as u64));
}

#[test]
fn a_64_bit_size() {
    let mdat = [&[0, 0, 0, 1], b"mdat".as_slice(), &116_u64.to_be_bytes(), &[0; 100]].concat();
    let file = [init(), moof(50), mdat, moof(25), self::mdat()].concat();
    assert_eq!(durations(&file), [2_000_000, 1_000_000]);
}

#[test]
fn what_lacks_bytes_is_not_fragmented() {
    let (moov, mdat) = (&RECORDING[503_196..], &RECORDING[..503_196]);
    assert!(facts(RECORDING).remux.is_some());
    assert_eq!(facts(&[&moov[..moov.len() - 1], &mdat[..4]].concat()).remux, None, "a cut header");
    // The samples lie where the header says, which is in front of it: nothing is there.
    assert_eq!(facts(moov).remux, None);
    let long = [&make(b"free", &[&vec![0; 503_188]])[..], moov].concat();
    assert!(facts(&long).remux.is_some(), "what lies there is not looked at");
    let short = [&make(b"free", &[&vec![0; 400_000]])[..], moov].concat();
    assert_eq!(facts(&short).remux, None, "the last samples would lie behind the end");
    let too_long = make(b"moov", &[&moov[8..], &make(b"free", &[&vec![0; MAX_HEADER]])]);
    assert_eq!(facts(&[&long[..503_196], &too_long].concat()).remux, None, "only a part of the header was kept");
}

#[test]
fn an_unfinished_fragment_is_left_out() {
    let whole = [init(), moof(50), mdat(), moof(50), mdat()].concat();
    assert_eq!(durations(&whole[..whole.len() - 1]), [2_000_000]);
    assert_eq!(facts(&FRAGMENTED[..300_000]).fragments.len(), 3);
}

#[test]
fn a_fragment_of_no_length_stays_in_the_byte_ranges() {
    let none = || make(b"moof", &[&traf(2, &[0], &[0, 0])]);
    for (moofs, wanted) in [
        ([moof(50), none(), moof(50)], &[2_000_000, 2_000_000][..]),
        ([none(), moof(50), none()], &[2_000_000]),
        ([none(), none(), none()], &[0]),
    ] {
        let file = [init(), moofs.map(|moof| [moof, mdat()].concat()).concat()].concat();
        let found = facts(&file);
        assert_eq!(durations(&file), wanted);
        let bytes: u64 = found.fragments.iter().map(|one| one.length).sum();
        assert_eq!(bytes, (file.len() - init().len()) as u64, "every byte belongs to a fragment");
        assert_eq!(found.range_on_time().len(), wanted.len());
    }
    let audio_alone = [init(), make(b"moof", &[&traf(1, &[0], &[0, 5])]), mdat()].concat();
    assert_eq!(durations(&audio_alone), [0; 0], "where the video is missing");
}

#[test]
fn fragments_without_a_movie_header_say_nothing() {
    assert_eq!(facts(&[moof(50), mdat()].concat()), Mp4Facts::default());
}

#[test]
fn absurd_durations_are_unknown() {
    let absurd = traf(2, &[0x08, u32::MAX], &[0, u32::MAX]);
    assert_eq!(durations(&[init(), make(b"moof", &[&absurd]), mdat()].concat()), [0]);
    let among_others = [init(), moof(50), mdat(), make(b"moof", &[&absurd]), mdat(), moof(50), mdat()].concat();
    assert_eq!(durations(&among_others), [2_000_000, 2_000_000]);
    let mvhd = make(b"mvhd", &[&words(&[0, 0, 0, 1, 0xffff_fff0])]);
    assert_eq!(facts(&make(b"moov", &[&mvhd])), Mp4Facts::default());
    let stopped = make(b"mvhd", &[&words(&[0, 0, 0, 0, 12])]);
    assert_eq!(facts(&make(b"moov", &[&stopped])), Mp4Facts::default());
}

#[test]
fn fragments_are_bounded_and_neighbours_are_joined() {
    let one = [moof(1), mdat()].concat();
    for count in [MAX_FRAGMENTS, MAX_FRAGMENTS + 10, 2 * MAX_FRAGMENTS + 1, 5 * MAX_FRAGMENTS] {
        let file = [init(), one.repeat(count)].concat();
        let found = facts(&file);
        assert!((MAX_FRAGMENTS / 2..=MAX_FRAGMENTS).contains(&found.fragments.len()), "{count}");
        assert_eq!(found.duration_ms, Some(count as u64 * 40));
        let mut at = init().len() as u64;
        for fragment in &found.fragments {
            assert_eq!(
                (fragment.offset, fragment.length % one.len() as u64),
                (at, 0),
                "one after the other, and whole"
            );
            at += fragment.length;
        }
        assert_eq!(at, file.len() as u64);
    }
}

#[test]
fn an_oversized_movie_header_still_tells_how_it_begins() {
    let mvhd = make(b"mvhd", &[&words(&[0, 0, 0, 1000, 5000])]);
    let moov = make(b"moov", &[&mvhd, &vec![0; 3 * MAX_HEADER]]);
    assert_eq!(facts_in_pieces(&moov, 65_536).duration_ms, Some(5000));
}

#[test]
fn nonsense_says_nothing() {
    let endless_moov = [&[0, 0, 0, 0], b"moov".as_slice()].concat();
    let impossible = [&[0, 0, 0, 1], b"moov".as_slice(), &[0xff; 8], &[0; 64]].concat();
    let too_small = [&[0, 0, 0, 7], b"moov".as_slice()].concat();
    for bytes in [b"".as_slice(), b"\0", b"GIF89a, not a film", &endless_moov, &impossible, &too_small, &[0; 4096]] {
        assert_eq!(facts(bytes), Mp4Facts::default());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn pieces_of_any_size_give_the_same(which in 0..3_usize, mut cuts in prop::collection::vec(any::<Index>(), 0..40)) {
        let bytes = FIXTURES[which];
        let mut ends: Vec<_> = cuts.drain(..).map(|cut| cut.index(bytes.len())).chain([bytes.len()]).collect();
        ends.sort_unstable();
        let (mut walker, mut from) = (Walker::new(), 0);
        for end in ends {
            walker.feed(&bytes[from..end]);
            from = end;
        }
        prop_assert_eq!(walker.finish(), facts(bytes));
    }

    #[test]
    fn a_truncated_file_never_claims_bytes_it_lacks(which in 0..3_usize, end in any::<Index>()) {
        let bytes = &FIXTURES[which][..end.index(FIXTURES[which].len())];
        let found = facts(bytes);
        prop_assert!(found.fragments.iter().all(|one| one.offset + one.length <= bytes.len() as u64));
        prop_assert!(found.init.is_none_or(|init| init.length <= bytes.len() as u64));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn garbage_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..600), size in 1..50_usize) {
        let _ = facts_in_pieces(&bytes, size);
    }

    /// Boxes with the right names and the wrong everything else.
    #[test]
    fn hostile_boxes_never_panic(
        parts in prop::collection::vec(
            (0..18_usize, prop_oneof![0..80_u32, any::<u32>()], prop::collection::vec(any::<u8>(), 0..40)), 0..40),
        size in 1..200_usize,
    ) {
        const KINDS: [&[u8; 4]; 18] = [
            b"moov", b"moof", b"mdat", b"trak", b"mdia", b"minf", b"stbl", b"traf", b"mvex", b"mvhd", b"mdhd",
            b"tkhd", b"hdlr", b"stsd", b"tfhd", b"trun", b"styp", b"esds",
        ];
        let bytes: Vec<u8> = parts
            .iter()
            .flat_map(|(kind, size, body)| [&size.to_be_bytes(), KINDS[*kind].as_slice(), body].concat())
            .collect();
        let after_init = [init(), bytes.clone()].concat();
        let _ = facts_in_pieces(&bytes, size);
        let found = facts_in_pieces(&after_init, size);
        prop_assert!(found.fragments.iter().all(|one| one.offset + one.length <= after_init.len() as u64));
        prop_assert_eq!(found, facts(&after_init));
    }

    #[test]
    fn damaged_headers_never_panic(which in 0..3_usize, flips in prop::collection::vec((any::<Index>(), any::<u8>()), 1..30)) {
        // the header boxes of the fixture: what is damaged is what is read
        let headers = match which {
            0 => &RECORDING[503_196..],
            1 => &FRAGMENTED[..1303],
            _ => &HEVC[200_877..],
        };
        let mut bytes = [headers, &mdat()].concat();
        for (at, value) in flips {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        let found = facts(&bytes);
        prop_assert!(found.fragments.iter().all(|one| one.offset + one.length <= bytes.len() as u64));
        let _ = (found.hls_lines("a.mp4"), found.range_on_time());
    }
}
