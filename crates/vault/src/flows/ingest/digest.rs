use model::mp4::{Mp4Facts, Walker};
use sha2::{Digest as _, Sha256};

/// Collects what can be learnt from a recording's bytes as they pass.
#[derive(Default)]
pub(super) struct Digest {
    size: u64,
    hash: Sha256,
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

    pub(super) fn finish(self) -> Content {
        Content { size: self.size, sha256: hex::encode(self.hash.finalize()), facts: self.walker.finish() }
    }
}
