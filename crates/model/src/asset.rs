//! Assets: files that somebody derived from a recording and stored beside it (docs/protocol.md §5). What is one is told
//! from its name, here and nowhere else.

use crate::file_name::AgentFileName;
use crate::key::ObjectKey;
use crate::media_type;
use serde::{Deserialize, Serialize};

/// Words at a name's end that only assets have, whatever their extension.
const WORDS: [(&str, AssetKind); 3] =
    [("_thumbnail", AssetKind::Thumbnail), ("_sprite", AssetKind::Sprite), ("_redacted", AssetKind::Redacted)];
/// Words at the end of a video's name that was derived from another, if that is there. People name recordings in any way, so
/// `front_door.mp4` is none of `front.mp4`.
const OF_VIDEOS: [&str; 6] = ["_blur", "_blurred", "_masked", "_anonymized", "_annotated", "_preview"];
/// Extensions of recordings that assets are looked for of, each as it is and in capitals; `.mp4` in any case.
const EXTENSIONS: [&str; 10] = [".mp4", ".MP4", ".Mp4", ".mP4", ".mkv", ".MKV", ".avi", ".AVI", ".mov", ".MOV"];
/// Longest extension that may follow them.
const MAX_EXTENSION: usize = 5;
/// How many of the last underscores may part a recording's name from what was added to it.
const MAX_CANDIDATES: usize = 8;

/// What an asset is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum AssetKind {
    /// A picture of the recording.
    Thumbnail,
    /// Many small pictures in one.
    Sprite,
    /// The recording without what must not be seen.
    Redacted,
    /// Anything else.
    Other,
}

/// What a key's name says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// It is a recording.
    Recording,
    /// It is an asset of the recording with this [stem](recording_stem), whether that is there already or not.
    Asset {
        /// The recording's stem.
        recording: String,
        /// What it is.
        kind: AssetKind,
    },
    /// An asset if there is a recording with one of these stems, the longest first; else a recording. Names of recordings
    /// may be anything, so `front_door.jpg` may belong to `front_door.mp4`, to `front.mp4`, or be a picture of its own.
    Perhaps(Vec<String>),
}

/// Reads a key's name.
#[must_use]
pub fn read(key: &ObjectKey) -> Reading {
    let name = key.file_name();
    let Some((base, _)) = name.rsplit_once('.').filter(|(_, extension)| is_extension(extension)) else {
        return Reading::Recording;
    };
    let within = |stem: &str| format!("{}/{stem}", key.directory());
    if let Some((stem, kind)) = derived(base) {
        let is_of_another = derived(stem).is_some();
        let stem = stem_of_all(stem);
        let of = agents(stem).filter(|agents| adds_a_word(stem, agents));
        let kind = if is_of_another || of.is_some() { AssetKind::Other } else { kind };
        return Reading::Asset { recording: within(of.unwrap_or(stem)), kind };
    }
    let (is_video, is_no_video) = (media_type::is_video(name), media_type::is_no_video(name));
    let base = without_extension(base);
    let candidates: Vec<&str> = if AgentFileName::parse(base).is_some() {
        // An agent's recording, whatever its camera is called; or what lies beside one under the same name.
        if is_video { Vec::new() } else { vec![base] }
    } else if let Some(stem) = agents(base) {
        if is_no_video {
            return Reading::Asset { recording: within(stem), kind: AssetKind::Other };
        }
        // A recording that somebody has named after another is not lost if the other is not here.
        if adds_a_word(base, stem) { vec![stem] } else { Vec::new() }
    } else if is_no_video {
        std::iter::once(base).chain(parted(base)).take(MAX_CANDIDATES).collect()
    } else if is_video {
        OF_VIDEOS.iter().filter_map(|word| base.strip_suffix(word)).map(without_extension).collect()
    } else {
        Vec::new()
    };
    let mut candidates: Vec<String> =
        candidates.into_iter().filter(|stem| !stem.is_empty()).map(|stem| within(stem_of_all(stem))).collect();
    candidates.dedup();
    if candidates.is_empty() { Reading::Recording } else { Reading::Perhaps(candidates) }
}

/// What an asset of this key is.
#[must_use]
pub fn kind_of(key: &ObjectKey) -> AssetKind {
    match read(key) {
        Reading::Asset { kind, .. } => kind,
        Reading::Recording | Reading::Perhaps(_) => AssetKind::Other,
    }
}

/// A recording's key without its extension: what the names of its assets begin with.
#[must_use]
pub fn recording_stem(key: &ObjectKey) -> &str {
    without_extension(key.as_str())
}

/// What may follow a stem in the key of its recording.
#[must_use]
pub fn recording_extensions() -> Vec<&'static str> {
    std::iter::once("").chain(EXTENSIONS).collect()
}

/// Keys that a recording with this stem may have.
#[must_use]
pub fn recording_keys(stem: &str) -> Vec<String> {
    recording_extensions().into_iter().map(|extension| format!("{stem}{extension}")).collect()
}

/// Whether a name's end is an extension, and not just what follows a dot in a camera's name.
fn is_extension(text: &str) -> bool {
    (1..=MAX_EXTENSION).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// A name without a recording's extension.
fn without_extension(name: &str) -> &str {
    EXTENSIONS.iter().find_map(|extension| name.strip_suffix(extension)).unwrap_or(name)
}

/// What may be a recording's name before what was added to it, the longest first.
fn parted(base: &str) -> impl Iterator<Item = &str> {
    let parts = base.rmatch_indices('_').map(|(at, _)| base.split_at(at));
    parts.filter(|(_, added)| added.len() > 1).map(|(stem, _)| without_extension(stem)).filter(|stem| !stem.is_empty())
}

/// The agent's name that a longer one begins with.
fn agents(base: &str) -> Option<&str> {
    parted(base).map(stem_of_all).find(|stem| AgentFileName::parse(stem).is_some())
}

/// Whether what follows a stem begins with a letter: an agent's own names end in numbers.
fn adds_a_word(base: &str, stem: &str) -> bool {
    let added =
        base.strip_prefix(stem).map(|rest| EXTENSIONS.iter().find_map(|e| rest.strip_prefix(e)).unwrap_or(rest));
    added.and_then(|added| added.trim_start_matches('_').chars().next()).is_some_and(char::is_alphabetic)
}

/// A name without one of [`WORDS`] and without the extension that may be before it.
fn derived(base: &str) -> Option<(&str, AssetKind)> {
    let (stem, kind) = WORDS.iter().find_map(|(word, kind)| Some((base.strip_suffix(word)?, *kind)))?;
    let stem = without_extension(stem);
    (!stem.is_empty()).then_some((stem, kind))
}

/// The recording's stem in that of an asset that may be derived of another: `a` of `a_redacted`.
fn stem_of_all(mut stem: &str) -> &str {
    while let Some((shorter, _)) = derived(stem) {
        stem = shorter;
    }
    stem
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const AGENTS: &str = "1606164482_6-818812_Back_Door_229-153-288-247_51_745";

    fn read(name: &str) -> Reading {
        super::read(&ObjectKey::parse(&format!("site/{name}")).expect("valid"))
    }

    fn asset(stem: &str, kind: AssetKind) -> Reading {
        Reading::Asset { recording: format!("site/{stem}"), kind }
    }

    #[test]
    fn known_words_make_an_asset_of_any_name() {
        for stem in [AGENTS, "5f2b0c1e-9d3a", "front_door", "a.b", "1733992176_1-7_garage_0-0-0-0_0_0_"] {
            for (end, kind) in [
                ("_thumbnail.jpg", AssetKind::Thumbnail),
                ("_thumbnail.png", AssetKind::Thumbnail),
                ("_sprite.JPG", AssetKind::Sprite),
                ("_sprite.vtt", AssetKind::Sprite),
                ("_redacted.mp4", AssetKind::Redacted),
                (".mp4_redacted.mp4", AssetKind::Redacted),
                ("_redacted_thumbnail.jpg", AssetKind::Other),
                ("_thumbnail_sprite_redacted.json", AssetKind::Other),
            ] {
                assert_eq!(read(&format!("{stem}{end}")), asset(stem, kind), "{stem}{end}");
            }
        }
    }

    #[test]
    fn any_picture_and_json_that_begins_with_an_agents_name_is_an_asset() {
        for end in ["_faces.json", "_face_1.jpg", "_3.png", "_a_b_c.webp", ".mp4_labels.json", "_redacted_faces.json"] {
            assert_eq!(read(&format!("{AGENTS}{end}")), asset(AGENTS, AssetKind::Other), "{end}");
        }
        let cut = "1733992176_1-7_garage_0-0-0-0_0_0_";
        assert_eq!(read(&format!("{cut}_faces.json")), asset(cut, AssetKind::Other), "left without its duration");
    }

    fn perhaps(stems: &[&str]) -> Reading {
        Reading::Perhaps(stems.iter().map(|stem| format!("site/{stem}")).collect())
    }

    #[test]
    fn texts_and_sounds_are_assets_as_pictures_are() {
        for end in ["_meta.txt", "_words.vtt", "_log.CSV", "_sound.mp3", ".mkv_meta.txt", "_blur_faces.json"] {
            assert_eq!(read(&format!("{AGENTS}{end}")), asset(AGENTS, AssetKind::Other), "{end}");
        }
        assert_eq!(read(&format!("{AGENTS}_blur_thumbnail.jpg")), asset(AGENTS, AssetKind::Other));
        let another = format!("{AGENTS}_2");
        assert_eq!(read(&format!("{another}_thumbnail.jpg")), asset(&another, AssetKind::Thumbnail));
    }

    #[test]
    fn of_other_names_it_takes_a_recording_to_tell() {
        assert_eq!(read("front_door.jpg"), perhaps(&["front_door", "front"]));
        assert_eq!(read("front_door.vtt"), perhaps(&["front_door", "front"]));
        let faces = ["front_door_faces_2", "front_door_faces", "front_door", "front"];
        assert_eq!(read("front_door_faces_2.json"), perhaps(&faces));
        assert_eq!(read("front.mp4_faces.json"), perhaps(&["front.mp4_faces", "front"]));
        assert_eq!(read("front.avi.json"), perhaps(&["front"]));
        let Reading::Perhaps(many) = read(&format!("{}y.jpg", "x_".repeat(100))) else { panic!("perhaps") };
        assert_eq!(many.len(), MAX_CANDIDATES, "there is an end to it");
        assert_eq!(many[1], format!("site/{}x", "x_".repeat(99)));
    }

    #[test]
    fn a_file_of_an_agents_name_is_an_asset_if_the_recording_is_there() {
        for end in [
            ".jpg",
            ".json",
            ".vtt",
            ".txt",
            ".npy",
            ".mp4.json",
            "_blur.mp4",
            "_Blur.mkv",
            "_face_2.webm",
            "_faces.npy",
        ] {
            assert_eq!(read(&format!("{AGENTS}{end}")), perhaps(&[AGENTS]), "{end}");
        }
    }

    /// Footage must not vanish from Media because of how somebody calls it.
    #[test]
    fn of_other_videos_only_some_words_tell_that_they_are_derived() {
        for end in ["_blur.mp4", "_preview.webm", ".mp4_annotated.MP4"] {
            assert_eq!(read(&format!("front_door{end}")), perhaps(&["front_door"]), "{end}");
        }
        for name in ["front_door.mp4", "clip_2.mp4", "clip_night.mp4", "blur.mp4", "_blur.mp4", "front_door.webm"] {
            assert_eq!(read(name), Reading::Recording, "{name}");
        }
    }

    #[test]
    fn all_else_is_a_recording() {
        for name in [
            "video.mp4",
            "_redacted.mp4",
            "a_thumbnail",
            "a_redacted.extension",
            "a_redacted.m p",
            "notes_of_today.unknown",
            "cam.1",
            "clip_745.mp4",
            "clip_redacted_745.mp4",
            &format!("{AGENTS}.mp4"),
            &format!("{AGENTS}.avi"),
            AGENTS,
            &format!("{AGENTS}_745.mp4"),
            &format!("{AGENTS}_.mp4"),
            &format!("{AGENTS}_1.npy"),
            "1606164482_6-818812_a.x_thumbnail_229-153-288-247_51_745.mp4",
            "1606164482_6-818812_a.x_thumbnail_229-153-288-247_51_745",
        ] {
            assert_eq!(read(name), Reading::Recording, "{name}");
        }
    }

    #[test]
    fn a_recording_is_found_by_its_stem() {
        let keys = recording_keys("site/a");
        assert_eq!(keys.len(), 11);
        for name in ["a", "a.mp4", "a.MP4", "a.Mp4", "a.mP4", "a.mkv", "a.MKV", "a.avi", "a.AVI", "a.mov", "a.MOV"] {
            let key = ObjectKey::parse(&format!("site/{name}")).expect("valid");
            assert!(keys.iter().any(|known| known == key.as_str()), "{name}");
            assert_eq!(recording_stem(&key), "site/a");
        }
    }

    proptest! {
        /// An agent's recording is never taken for another's asset, whatever its camera is called.
        #[test]
        fn what_an_agent_records_is_a_recording(
            camera in "[^/\\\\\\pC]{0,12}(_thumbnail|_sprite|_redacted|_redacted.jpg)?",
            token in any::<u32>(),
            extension in prop::sample::select(vec![".mp4", ".MP4", "", "_.mp4", ".mkv", ".avi"]),
        ) {
            let name = format!("1606164482_6-818812_{camera}_229-153-288-247_51_{token}{extension}");
            if let Ok(key) = ObjectKey::parse(&format!("site/{name}")) {
                prop_assert_eq!(super::read(&key), Reading::Recording);
            }
        }

        /// What is derived of a recording is found again under its stem, and is never a recording's stem itself.
        #[test]
        fn an_asset_belongs_to_the_recording_of_its_name(
            stem in "[a-z_.0-9-]{1,20}",
            end in prop::sample::select(vec!["_thumbnail.jpg", "_sprite.png", "_redacted.mp4"]),
        ) {
            prop_assume!(!EXTENSIONS.contains(&stem.as_str()));
            let (Ok(recording), Ok(key)) = (
                ObjectKey::parse(&format!("site/{stem}.mp4")),
                ObjectKey::parse(&format!("site/{stem}{end}")),
            ) else { return Ok(()) };
            let Reading::Asset { recording: found, .. } = super::read(&key) else { panic!("{key} is an asset") };
            if super::read(&recording) == Reading::Recording && without_extension(&stem) == stem {
                prop_assert_eq!(&found, recording_stem(&recording));
            }
            prop_assert!(key.as_str().starts_with(&found));
        }

        #[test]
        fn nothing_panics(name in "\\PC{0,60}") {
            if let Ok(key) = ObjectKey::parse(&format!("site/{name}")) {
                let _ = super::read(&key);
            }
        }
    }
}
