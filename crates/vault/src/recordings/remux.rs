//! Reading a recording that is not fragmented as if it were (docs/adr/0028).

use super::{RecordingRef, Recordings};
use crate::base::{Result, VaultError};
use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use model::error::{StoreError, StoreErrorKind};
use model::mp4::{LAYOUT, Piece, Remuxed};
use model::ports::ByteStream;
use std::ops::Range;

/// How a recording is read as a fragmented file.
#[derive(Debug)]
pub enum Fragmented {
    /// As it is stored: it is one.
    Stored,
    /// Behind other headers.
    Made(Remuxed),
}

impl Recordings {
    /// A recording as a fragmented file; `None` if it cannot be made one.
    pub async fn fragmented(&self, found: &RecordingRef) -> Result<Option<Fragmented>> {
        let facts = self.db.damaged_rows().or_error(self.row(found.id).await?.read_facts())?;
        if facts.fragmented {
            return Ok(Some(Fragmented::Stored));
        }
        let Some(noted) = facts.remux.filter(|noted| noted.layout == LAYOUT) else { return Ok(None) };
        let range = noted.moov.offset..noted.moov.offset.saturating_add(noted.moov.length);
        let moov: Vec<Bytes> = self.open(found, Some(range)).await?.try_collect().await?;
        // What was read is what was noted, unless the recording was replaced in between, which opening it has told.
        let made = Remuxed::of(&moov.concat()).filter(|made| made.init == noted.init && made.needs <= found.size);
        Ok(made.map(Fragmented::Made))
    }

    /// Opens a range of what [`fragmented`](Self::fragmented) has made.
    ///
    /// # Errors
    /// As [`open`](Self::open). What fails later fails the stream.
    pub async fn open_remuxed(&self, found: &RecordingRef, made: &Remuxed, range: Range<u64>) -> Result<ByteStream> {
        let mut pieces = made.part(range).into_iter();
        let mut opened: Vec<ByteStream> = Vec::new();
        // Up to the first of the recording's own bytes, so that whoever asked is told what is wrong.
        for piece in pieces.by_ref() {
            let is_made = matches!(piece, Piece::Made(_));
            opened.push(self.open_piece(found, piece).await?);
            if !is_made {
                break;
            }
        }
        let (recordings, found) = (self.clone(), found.clone());
        let rest = stream::iter(pieces).then(move |piece| {
            let (recordings, found) = (recordings.clone(), found.clone());
            async move { recordings.open_piece(&found, piece).await.map_err(while_reading) }
        });
        Ok(Box::pin(stream::iter(opened.into_iter().map(Ok)).chain(rest).try_flatten()))
    }

    async fn open_piece(&self, found: &RecordingRef, piece: Piece) -> Result<ByteStream> {
        match piece {
            Piece::Made(bytes) => Ok(Box::pin(stream::iter([Ok(Bytes::from(bytes))]))),
            Piece::Of(range) => self.open(found, Some(range)).await,
        }
    }
}

fn while_reading(error: VaultError) -> StoreError {
    match error {
        VaultError::Store(error) => error,
        other => StoreError::new(StoreErrorKind::Unavailable, other.to_string()),
    }
}
