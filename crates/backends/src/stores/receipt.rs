//! Compares what a store reports about an object with what it was sent; nothing else does. Adapters pass on what they
//! were told, for a multipart object joined from the reports about its parts.

use super::request_failure::RequestFailure;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use crc_fast::CrcAlgorithm::Crc32Iscsi;
use md5::{Digest, Md5};
use model::error::StoreErrorKind;

/// What was sent.
pub(super) struct Sent<'a> {
    pub(super) bytes: Bytes,
    /// As hex, if already known.
    pub(super) sha256: Option<&'a str>,
}

/// What a store reports about an object.
#[derive(Debug, Default)]
pub(super) struct Reported {
    pub(super) length: Option<u64>,
    pub(super) sha256: Option<[u8; 32]>,
    pub(super) crc32c: Option<u32>,
    pub(super) md5: Option<[u8; 16]>,
}

/// Compares the length and the cheapest checksum reported; returns whether there was one.
pub(super) async fn check(sent: Sent<'_>, told: Reported) -> Result<bool, RequestFailure> {
    if told.length.is_some() {
        same_length(sent.bytes.len() as u64, told.length)?;
    }
    let same = match (told, sent.sha256) {
        (Reported { sha256: Some(told), .. }, Some(sent)) => hex::encode(told) == sent,
        (Reported { crc32c: Some(told), .. }, _) => crc32c(&sent.bytes) == told,
        (Reported { md5: Some(told), .. }, _) => md5(sent.bytes).await? == told,
        _ => return Ok(false),
    };
    if same { Ok(true) } else { Err(unconfirmed("another checksum")) }
}

/// Compares lengths; `None` means that the store has no such object.
pub(super) fn same_length(sent: u64, told: Option<u64>) -> Result<(), RequestFailure> {
    match told {
        Some(told) if told == sent => Ok(()),
        Some(_) => Err(unconfirmed("another length")),
        None => Err(unconfirmed("no such object")),
    }
}

/// The store reports something other than what was sent.
pub(super) fn unconfirmed(what: &str) -> RequestFailure {
    RequestFailure::new(
        StoreErrorKind::Unconfirmed,
        format!("The store says that it has stored what it was sent, but then tells of {what}."),
        "Look for a proxy that changes what passes, and for damage at the store.",
    )
}

/// CRC-32C.
pub(super) fn crc32c(bytes: &[u8]) -> u32 {
    low(crc_fast::checksum(Crc32Iscsi, bytes))
}

/// The CRC-32C of two concatenated pieces; `length` is the second's.
pub(super) fn joined_crc32c(first: u32, second: u32, length: u64) -> u32 {
    low(crc_fast::checksum_combine(Crc32Iscsi, first.into(), second.into(), length))
}

fn low(crc: u64) -> u32 {
    u32::try_from(crc).expect("a CRC-32C has 32 bits")
}

/// Slow, so computed in a blocking thread.
pub(super) async fn md5(bytes: Bytes) -> Result<[u8; 16], RequestFailure> {
    let hashed = tokio::task::spawn_blocking(move || Md5::digest(&bytes).into());
    hashed.await.map_err(|error| {
        RequestFailure::new(StoreErrorKind::Unavailable, "The vault is shutting down.", "Try again.").caused_by(error)
    })
}

/// The MD5 in an ETag: 32 hex digits, perhaps quoted. Other ETags tell nothing.
pub(super) fn md5_of(tag: &str) -> Option<[u8; 16]> {
    hex::decode(tag.trim_matches('"')).ok()?.try_into().ok()
}

/// A checksum in the form stores report it.
pub(super) fn from_base64<const N: usize>(told: &str) -> Option<[u8; N]> {
    STANDARD.decode(told).ok()?.try_into().ok()
}

/// A hex hash in the form stores accept.
pub(super) fn to_base64(hash: &str) -> Option<String> {
    Some(STANDARD.encode(hex::decode(hash).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn sent(bytes: &'static [u8]) -> Sent<'static> {
        Sent { bytes: Bytes::from_static(bytes), sha256: (bytes == b"abc").then_some(ABC) }
    }

    async fn lies(bytes: &'static [u8], told: Reported) -> bool {
        check(sent(bytes), told).await.is_err_and(|trouble| trouble.kind == StoreErrorKind::Unconfirmed)
    }

    /// Expected values from Python's hashlib; CRC-32C as in RFC 3720.
    #[tokio::test]
    async fn each_checksum_tells_the_truth_from_a_lie() {
        let told: [fn() -> Reported; 3] = [
            || Reported { sha256: from_base64("ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="), ..Reported::default() },
            || Reported { md5: md5_of("\"900150983CD24FB0D6963F7D28E17F72\""), ..Reported::default() },
            || Reported { crc32c: Some(0x364b_3fb7), ..Reported::default() },
        ];
        for of_abc in told {
            assert!(check(sent(b"abc"), of_abc()).await.expect("true"));
            assert!(check(sent(b"abc"), Reported { length: Some(3), ..of_abc() }).await.expect("true"));
            assert!(lies(b"abc", Reported { length: Some(2), ..of_abc() }).await);
            let other = Sent { sha256: Some(EMPTY), ..sent(b"abd") };
            let lie = check(other, of_abc()).await.expect_err("of other bytes");
            assert_eq!(lie.kind, StoreErrorKind::Unconfirmed);
        }
        assert_eq!(to_base64(ABC).as_deref(), Some("ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="));
    }

    #[tokio::test]
    async fn nothing_told_proves_nothing() {
        assert!(!check(sent(b"abc"), Reported::default()).await.expect("no lie"));
        assert!(!check(sent(b"abc"), Reported { length: Some(3), ..Reported::default() }).await.expect("no lie"));
        // A checksum with nothing to compare it to does not count.
        assert!(!check(sent(b"abd"), Reported { sha256: Some([7; 32]), ..Reported::default() }).await.expect("no lie"));
        assert!(same_length(3, Some(3)).is_ok() && same_length(3, Some(0)).is_err() && same_length(3, None).is_err());
    }

    #[test]
    fn takes_only_what_looks_like_an_md5() {
        assert!(md5_of("d41d8cd98f00b204e9800998ecf8427e").is_some());
        for other in ["d41d8cd98f00b204e9800998ecf8427e-1", "0x8DB7", "", "zz1d8cd98f00b204e9800998ecf8427e"] {
            assert_eq!(md5_of(other), None, "{other}");
        }
    }

    #[test]
    fn pieces_join() {
        let (a, b) = (b"The quick brown fox ", b"jumps over the lazy dog");
        let whole = [a.as_slice(), b].concat();
        assert_eq!(joined_crc32c(crc32c(a), crc32c(b), b.len() as u64), crc32c(&whole));
        assert_eq!(joined_crc32c(0, crc32c(a), a.len() as u64), crc32c(a));
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
    }
}
