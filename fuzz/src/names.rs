//! Names of recordings.

use model::asset::{self, Reading};
use model::file_name::AgentFileName;
use model::key::{Directory, FileName, MAX_KEY, MAX_SEGMENT, ObjectKey, RESERVED_PREFIX};

/// An agent's file name: what is read of it is within its bounds, and written again it is read as the same.
pub fn file_name(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let Some(name) = AgentFileName::parse(&text) else { return };
    assert!((0..=253_402_300_799_999).contains(&name.start_ms()) && name.microseconds < 1_000_000, "{name:?}");
    assert!(name.changes >= -1 && name.region.split('-').count() == 4, "{name:?}");
    let AgentFileName { timestamp, n, microseconds, instance_name, region, changes, token } = &name;
    let written = format!("{timestamp}_{n}-{microseconds}_{instance_name}_{region}_{changes}_{token}.mp4");
    assert_eq!(AgentFileName::parse(&written).as_ref(), Some(&name), "{written:?}");
}

/// A key, a directory or a file name: what is taken cannot leave the folder it is put into, nor reach the vault's own.
pub fn key(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(key) = ObjectKey::parse(&text) {
        assert_eq!(key.as_str(), text, "taken literally");
        assert!(key.as_str().len() <= MAX_KEY, "{key:?}");
        key.as_str().split('/').for_each(assert_plain);
        assert!(Directory::parse(key.directory()).is_ok() || key.directory().len() > MAX_SEGMENT, "{key:?}");
        assert!(FileName::parse(key.file_name()).is_ok(), "{key:?}");
        assert_belongs(&key);
    }
    if let Ok(name) = FileName::parse(&text) {
        assert_plain(name.as_str());
    }
    if let Ok(directory) = Directory::parse(&text) {
        directory.as_str().split('/').for_each(assert_plain);
    }
}

/// An asset belongs to something in its own directory whose name it begins with.
fn assert_belongs(key: &ObjectKey) {
    let stems = match asset::read(key) {
        Reading::Recording => Vec::new(),
        Reading::Asset { recording, .. } => vec![recording],
        Reading::Perhaps(stems) => stems,
    };
    for stem in stems {
        let name = stem.strip_prefix(key.directory()).and_then(|stem| stem.strip_prefix('/'));
        assert!(name.is_some_and(|name| !name.is_empty() && !name.contains('/')), "{key:?}: {stem:?}");
        assert!(key.as_str().starts_with(&stem) && key.as_str() != stem, "{key:?}: {stem:?}");
    }
}

fn assert_plain(part: &str) {
    let lower = part.to_ascii_lowercase();
    assert!(!part.is_empty() && part.len() <= MAX_SEGMENT, "{part:?}");
    assert!(!matches!(lower.replace("%2e", ".").as_str(), "." | ".."), "{part:?}");
    assert!(!part.contains(['/', '\\']) && !part.chars().any(char::is_control), "{part:?}");
    assert!(!lower.starts_with(RESERVED_PREFIX), "{part:?}");
    assert!(!["%2f", "%5c", "%00"].iter().any(|hidden| lower.contains(hidden)), "{part:?}");
}
