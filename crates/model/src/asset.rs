//! Assets: files that somebody derived from a recording and stored beside it (docs/protocol.md §5). What is one is told
//! from its name, here and nowhere else.

use crate::file_name::{AgentFileName, without_extension};
use crate::key::ObjectKey;
use crate::media_type;
use serde::{Deserialize, Serialize};

/// Words at a name's end that only assets have, whatever their extension.
const WORDS: [(&str, AssetKind); 3] =
    [("_thumbnail", AssetKind::Thumbnail), ("_sprite", AssetKind::Sprite), ("_redacted", AssetKind::Redacted)];
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
    /// may be anything, so `front_door.jpg` may belong to `front.mp4` or be a picture of its own.
    Perhaps(Vec<String>),
}

/// Reads a key's name.
#[must_use]
pub fn read(key: &ObjectKey) -> Reading {
    let name = key.file_name();
    let Some((base, extension)) = name.rsplit_once('.') else { return Reading::Recording };
    let within = |stem: &str| format!("{}/{stem}", key.directory());
    if is_extension(extension)
        && let Some((stem, kind)) = derived(base)
    {
        let (stem, kind) = (stem_of_all(stem), if derived(stem).is_some() { AssetKind::Other } else { kind });
        return Reading::Asset { recording: within(stem), kind };
    }
    // A picture with an agent's name is the recording itself.
    if !media_type::is_image_or_json(name) || AgentFileName::parse(base).is_some() {
        return Reading::Recording;
    }
    let parted = || base.rmatch_indices('_').map(|(at, _)| base.split_at(at)).filter(|(_, added)| added.len() > 1);
    let stems = || parted().map(|(stem, _)| stem_of_all(without_extension(stem))).filter(|stem| !stem.is_empty());
    if let Some(stem) = stems().find(|stem| AgentFileName::parse(stem).is_some()) {
        return Reading::Asset { recording: within(stem), kind: AssetKind::Other };
    }
    let mut candidates: Vec<String> = stems().take(MAX_CANDIDATES).map(within).collect();
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

/// A recording's key without `.mp4`: what the names of its assets begin with.
#[must_use]
pub fn recording_stem(key: &ObjectKey) -> &str {
    without_extension(key.as_str())
}

/// What may follow a stem in the key of its recording: nothing, or `.mp4` in any case.
#[must_use]
pub fn recording_extensions() -> Vec<String> {
    let spelled = |upper: usize| {
        let letters = "mp4".chars().enumerate();
        let letters =
            letters.map(|(at, letter)| if upper >> at & 1 == 1 { letter.to_ascii_uppercase() } else { letter });
        format!(".{}", letters.collect::<String>())
    };
    // The last letter is a digit.
    std::iter::once(String::new()).chain((0..4).map(spelled)).collect()
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

/// A name without one of [`WORDS`] and without the `.mp4` that may be before it.
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

    #[test]
    fn of_other_names_it_takes_a_recording_to_tell() {
        let perhaps = |stems: &[&str]| Reading::Perhaps(stems.iter().map(|stem| format!("site/{stem}")).collect());
        assert_eq!(read("front_door.jpg"), perhaps(&["front"]));
        assert_eq!(read("front_door_faces_2.json"), perhaps(&["front_door_faces", "front_door", "front"]));
        assert_eq!(read("front.mp4_faces.json"), perhaps(&["front"]));
        let Reading::Perhaps(many) = read(&format!("{}y.jpg", "x_".repeat(100))) else { panic!("perhaps") };
        assert_eq!(many.len(), MAX_CANDIDATES, "there is an end to it");
        assert_eq!(many[0], format!("site/{}x", "x_".repeat(99)));
    }

    #[test]
    fn all_else_is_a_recording() {
        for name in [
            "video.mp4",
            "photo.jpg",
            "notes_of_today.txt",
            "report.json",
            "_thumbnail.jpg",
            "_redacted.mp4",
            "_faces.json",
            "a_.json",
            "thumbnail.jpg",
            "a_thumbnail",
            "a_redacted.extension",
            "a_redacted.m p",
            "clip_745.mp4",
            "clip_redacted_745.mp4",
            &format!("{AGENTS}.mp4"),
            AGENTS,
            &format!("{AGENTS}.jpg"),
            &format!("{AGENTS}.json"),
            &format!("{AGENTS}_745.mp4"),
            "1606164482_6-818812_a.x_thumbnail_229-153-288-247_51_745.mp4",
        ] {
            assert_eq!(read(name), Reading::Recording, "{name}");
        }
    }

    #[test]
    fn a_recording_is_found_by_its_stem() {
        let keys = recording_keys("site/a");
        assert_eq!(keys.len(), 5);
        for name in ["a", "a.mp4", "a.MP4", "a.Mp4", "a.mP4"] {
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
            extension in prop::sample::select(vec![".mp4", ".MP4", "", "_.mp4"]),
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
            prop_assume!(stem != ".mp4");
            let (Ok(recording), Ok(key)) = (
                ObjectKey::parse(&format!("site/{stem}.mp4")),
                ObjectKey::parse(&format!("site/{stem}{end}")),
            ) else { return Ok(()) };
            let Reading::Asset { recording: found, .. } = super::read(&key) else { panic!("{key} is an asset") };
            if super::read(&recording) == Reading::Recording && !stem.ends_with(".mp4") {
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
