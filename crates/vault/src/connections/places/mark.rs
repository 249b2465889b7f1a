//! The mark of a place: an object with a random id, written once, that every provider of the place finds.
//!
//! It is an ordinary object under a key no recording can have, so every kind of store can hold one, and it goes along
//! when everything is moved elsewhere.

use crate::base::keys::random_id;
use crate::connections::stream;
use bytes::Bytes;
use futures::StreamExt as _;
use model::ObjectKey;
use model::error::{StoreError, StoreErrorKind};
use model::ports::{BlobStore, ByteStream, Publish};
use tokio::time::timeout;

/// Longest mark that is read, in bytes.
const MAX: usize = 4096;
/// Length of an id: what [`random_id`] returns.
const ID: usize = 32;
/// For people who come across the object.
const WORDS: &str = "Kerberos Vault tells this place from others by the line above. Keep this file, and take it along when you \
                     move everything.";

/// What is found under the mark's key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Mark {
    /// Nothing, or nothing a vault wrote.
    Missing,
    /// An empty object: an administrator's word that this is the place.
    Blank,
    /// The place's id.
    Id(String),
}

impl Mark {
    /// Reads a place's mark.
    pub(crate) async fn read(store: &dyn BlobStore) -> Result<Self, StoreError> {
        let body = match store.get(&ObjectKey::of_place_mark(), None).await {
            Ok(found) => found.bytes,
            Err(error) if error.is_not_found() => return Ok(Self::Missing),
            Err(error) => return Err(error),
        };
        let text = timeout(stream::IDLE, text(body)).await.map_err(|_| stream::silent())??;
        Ok(text.map_or(Self::Missing, |text| Self::parse(&text)))
    }

    /// Marks a place; returns the id that is there afterwards, which is another vault's if two did so at once.
    pub(crate) async fn write(store: &dyn BlobStore, id: &str) -> Result<String, StoreError> {
        let text = Bytes::from(format!("{id}\n{WORDS}\n"));
        store.put(&ObjectKey::of_place_mark(), text, Publish::Replace).await?;
        match Self::read(store).await? {
            Self::Id(id) => Ok(id),
            _ => Err(StoreError::new(StoreErrorKind::Corrupt, "What the vault has stored there does not come back.")),
        }
    }

    /// A new id, unlike that of any other place.
    pub(crate) fn fresh() -> String {
        random_id()
    }

    /// Whether a text can be one.
    pub(crate) fn is_id(text: &str) -> bool {
        text.len() == ID && text.bytes().all(|b| b.is_ascii_hexdigit())
    }

    fn parse(text: &[u8]) -> Self {
        if text.iter().all(u8::is_ascii_whitespace) {
            return Self::Blank;
        }
        let line = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
        match std::str::from_utf8(line).map(str::trim) {
            Ok(id) if Self::is_id(id) => Self::Id(id.to_owned()),
            _ => Self::Missing,
        }
    }
}

/// An object's content, unless it is too long for a mark.
async fn text(mut body: ByteStream) -> Result<Option<Vec<u8>>, StoreError> {
    let mut text = Vec::new();
    while let Some(chunk) = body.next().await {
        text.extend_from_slice(&chunk?);
        if text.len() > MAX {
            return Ok(None);
        }
    }
    Ok(Some(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connections::silent::Silent;

    #[tokio::test(start_paused = true)]
    async fn a_mark_that_does_not_come_is_not_waited_for_for_ever() {
        let read = timeout(stream::IDLE * 10, Mark::read(&Silent)).await.expect("not for ever");
        assert_eq!(read.expect_err("nothing came").kind, StoreErrorKind::Unavailable);
    }

    #[test]
    fn only_what_a_vault_wrote_is_an_id() {
        let id = Mark::fresh();
        assert_ne!(id, Mark::fresh());
        assert_eq!(Mark::parse(format!("{id}\n{WORDS}\n").as_bytes()), Mark::Id(id.clone()));
        assert_eq!(Mark::parse(format!("{id}\r\n").as_bytes()), Mark::Id(id.clone()), "edited by hand");
        for blank in ["", "\n", " \r\n"] {
            assert_eq!(Mark::parse(blank.as_bytes()), Mark::Blank);
        }
        for other in ["no id", &id[1..], "\u{1}\n", &format!("x{}", &id[1..])] {
            assert_eq!(Mark::parse(other.as_bytes()), Mark::Missing, "{other:?}");
        }
        assert_eq!(Mark::parse(&[0xff; 32]), Mark::Missing);
    }
}
