use model::mp4::{Mp4Facts, Walker};
use serde::{Deserialize, Serialize};
use sha2::digest::common::hazmat::SerializableState as _;
use sha2::{Digest as _, Sha256};

/// Collects what can be learnt from a recording's bytes as they pass.
#[derive(Clone, Default)]
pub(super) struct Digest {
    size: u64,
    hash: Sha256,
    walker: Walker,
}

#[derive(Serialize, Deserialize)]
struct Saved {
    size: u64,
    /// The hash's inner state, in hex.
    hash: String,
    walker: Walker,
}

/// What was learnt from all of its bytes.
#[derive(Clone)]
pub(super) struct Content {
    pub(super) size: u64,
    pub(super) sha256: String,
    pub(super) facts: Mp4Facts,
}

impl Digest {
    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.size += bytes.len() as u64;
        self.hash.update(bytes);
        self.walker.feed(bytes);
    }

    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// As text, to go on with after a restart.
    pub(super) fn save(&self) -> String {
        let saved = Saved { size: self.size, hash: hex::encode(self.hash.serialize()), walker: self.walker.clone() };
        serde_json::to_string(&saved).expect("a digest serialises")
    }

    /// Goes on with what was saved; `None` if that is none.
    pub(super) fn restore(text: &str) -> Option<Self> {
        let Saved { size, hash, walker } = serde_json::from_str(text).ok()?;
        let state = hex::decode(hash).ok()?;
        let hash = Sha256::deserialize(state.as_slice().try_into().ok()?).ok()?;
        Some(Self { size, hash, walker })
    }

    pub(super) fn finish(self) -> Content {
        Content { size: self.size, sha256: hex::encode(self.hash.finalize()), facts: self.walker.finish() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goes_on_after_being_saved_at_any_byte() {
        let bytes: Vec<u8> = (0..1000_u32).map(|n| (n % 251) as u8).collect();
        let whole = |cut: Option<usize>| {
            let (mut digest, (first, rest)) = (Digest::default(), bytes.split_at(cut.unwrap_or(0)));
            digest.update(first);
            let mut digest = Digest::restore(&digest.save()).expect("what was saved");
            digest.update(rest);
            let content = digest.finish();
            (content.size, content.sha256)
        };
        for cut in [1, 63, 64, 65, 500, 1000] {
            assert_eq!(whole(Some(cut)), whole(None), "{cut}");
        }
    }

    #[test]
    fn what_is_none_is_not_restored() {
        for text in ["", "{}", r#"{"size":1,"hash":"00","walker":null}"#] {
            assert!(Digest::restore(text).is_none(), "{text}");
        }
    }
}
