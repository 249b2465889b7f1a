//! MP4 boxes.

use model::mp4::{Known, MAX_FRAGMENTS, Mp4Facts, Walker};

/// A recording: the same is found in it whatever the pieces it arrives in, and every range lies within it.
pub fn mp4(bytes: &[u8]) {
    let whole = facts(bytes, bytes.len().max(1));
    // Any size that follows from the bytes will do.
    let size = 1 + bytes.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte)) as usize % 64;
    assert_eq!(facts(bytes, size), whole, "in pieces of {size}");
    assert!(whole.fragments.len() <= MAX_FRAGMENTS);
    let mut end = 0;
    for fragment in &whole.fragments {
        assert!(fragment.offset >= end && fragment.length > 0, "{fragment:?}");
        assert!(fragment.duration_us > 0 || whole.fragments.len() == 1, "{fragment:?}");
        end = fragment.offset + fragment.length;
        assert!(end <= bytes.len() as u64, "{fragment:?} of {}", bytes.len());
    }
    if let Some(remux) = &whole.remux {
        let mut end = remux.init;
        for fragment in &remux.fragments {
            assert_eq!(fragment.offset, end, "one behind the other");
            end += fragment.length;
        }
        assert!(remux.moov.offset + remux.moov.length <= bytes.len() as u64, "{remux:?}");
    }
    let known = Known { size: bytes.len() as u64, longest_ms: Some(3_600_000), ..Known::default() };
    let believed = whole.clone().believed(&known);
    assert!(believed.duration_ms.is_none_or(|ms| ms <= 3_600_000), "{believed:?}");
    assert!(believed.fragments.iter().all(|one| one.duration_us <= 3_600_000_000), "{believed:?}");
    if let Some(init) = whole.init {
        assert!(init.offset + init.length <= bytes.len() as u64, "{init:?} of {}", bytes.len());
    }
}

fn facts(bytes: &[u8], size: usize) -> Mp4Facts {
    let mut walker = Walker::new();
    bytes.chunks(size).for_each(|piece| walker.feed(piece));
    walker.finish()
}
