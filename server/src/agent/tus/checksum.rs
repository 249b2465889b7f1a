//! `Upload-Checksum`: the hash of one request's bytes (tus 1.0.0, Checksum).

use axum::body::Bytes;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::Stream;
use md5::Md5;
use sha1::Sha1;
use sha2::digest::DynDigest;
use sha2::{Digest as _, Sha256};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

/// The algorithms, as `Tus-Checksum-Algorithm` lists them.
pub(super) const ALGORITHMS: &str = "sha1,sha256,md5,crc32";

/// A checksum that bytes are to have.
pub(super) struct Checksum {
    hash: Hash,
    expected: Vec<u8>,
}

enum Hash {
    Digest(Box<dyn DynDigest + Send>),
    Crc32(crc32fast::Hasher),
}

impl Checksum {
    /// Reads `<algorithm> <Base64>`.
    ///
    /// # Errors
    /// What is wrong with it, as a sentence.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        let (algorithm, value) = text.trim().split_once(' ').ok_or("Upload-Checksum is an algorithm and a value.")?;
        let hash = match algorithm {
            "sha1" => Hash::Digest(Box::new(Sha1::new())),
            "sha256" => Hash::Digest(Box::new(Sha256::new())),
            "md5" => Hash::Digest(Box::new(Md5::new())),
            "crc32" => Hash::Crc32(crc32fast::Hasher::new()),
            _ => return Err("Upload-Checksum names an unknown algorithm; known are sha1, sha256, md5 and crc32."),
        };
        let expected = STANDARD.decode(value.trim()).map_err(|_| "The value of Upload-Checksum is not Base64.")?;
        Ok(Self { hash, expected })
    }

    fn update(&mut self, bytes: &[u8]) {
        match &mut self.hash {
            Hash::Digest(hash) => hash.update(bytes),
            Hash::Crc32(hash) => hash.update(bytes),
        }
    }

    fn is_right(&mut self) -> bool {
        let found = match &mut self.hash {
            Hash::Digest(hash) => hash.finalize_reset().into_vec(),
            Hash::Crc32(hash) => hash.clone().finalize().to_be_bytes().to_vec(),
        };
        found == self.expected
    }
}

/// Bytes that end with an error if their checksum is another.
pub(super) struct Checked<S> {
    bytes: S,
    checksum: Checksum,
    is_wrong: Arc<AtomicBool>,
}

impl<S> Checked<S> {
    /// The second is set when the checksum turns out to be wrong.
    pub(super) fn new(bytes: S, checksum: Checksum) -> (Self, Arc<AtomicBool>) {
        let is_wrong = Arc::new(AtomicBool::new(false));
        (Self { bytes, checksum, is_wrong: is_wrong.clone() }, is_wrong)
    }
}

impl<S, E> Stream for Checked<S>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
    E: std::error::Error + Send + Sync + 'static,
{
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        let next = ready!(Pin::new(&mut self.bytes).poll_next(cx));
        Poll::Ready(match next {
            Some(Ok(bytes)) => {
                self.checksum.update(&bytes);
                Some(Ok(bytes))
            }
            Some(Err(error)) => Some(Err(io::Error::other(error))),
            None if self.checksum.is_right() => None,
            None => {
                self.is_wrong.store(true, Ordering::Relaxed);
                Some(Err(io::Error::other("the checksum is another")))
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::{StreamExt as _, stream};
    use std::convert::Infallible;

    async fn read(checksum: &str) -> (bool, bool) {
        let bytes = stream::iter(["hello ", "world"].map(|piece| Ok::<_, Infallible>(Bytes::from(piece))));
        let (mut checked, is_wrong) = Checked::new(bytes, Checksum::parse(checksum).expect("valid"));
        let mut came = Vec::new();
        while let Some(Ok(bytes)) = checked.next().await {
            came.extend_from_slice(&bytes);
        }
        (came == b"hello world", is_wrong.load(Ordering::Relaxed))
    }

    #[tokio::test]
    async fn knows_right_from_wrong() {
        for right in [
            "sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=",
            "sha256 uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek=",
            "md5 XrY7u+Ae7tCTyyK7j1rNww==",
            "crc32 DUoRhQ==",
        ] {
            assert_eq!(read(right).await, (true, false), "{right}");
            let (algorithm, _) = right.split_once(' ').expect("two");
            assert_eq!(read(&format!("{algorithm} AAAA")).await, (true, true), "{algorithm}");
        }
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        for bad in ["", "sha1", "sha512 AAAA", "sha1 not-base64!"] {
            assert!(Checksum::parse(bad).is_err(), "{bad}");
        }
    }
}
