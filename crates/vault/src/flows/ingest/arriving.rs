//! The engine of an upload: takes bytes as they come, and holds or sends them on part by part. It does not know how they
//! come; `receive.rs` feeds it the body of one request.

use super::buffer::{HeldPart, PartBuffer};
use super::digest::{Content, Digest};
use super::form::FirstBytes;
use super::multipart::{AtProvider, Multipart};
use super::{Ingest, Intent, Target, UploadError};
use bytes::Bytes;
use std::collections::VecDeque;

/// An upload on its way in: what has come of it, and where that is.
pub(super) struct Arriving {
    pub(super) first: FirstBytes,
    pub(super) digest: Digest,
    /// What was not sent on yet.
    pub(super) part: PartBuffer,
    /// Begun with the second part.
    pub(super) multipart: Option<Multipart>,
    /// Of an upload that may go on in another request: where each part ends that was sent in this one.
    pub(super) marks: Option<VecDeque<Mark>>,
}

/// The end of a part.
pub(super) struct Mark {
    parts: usize,
    digest: Digest,
}

/// A body that has arrived completely, but is not visible at the provider yet.
pub(super) struct Received {
    pub(super) content: Content,
    pub(super) bytes: Arrived,
}

/// Where the bytes are.
pub(super) enum Arrived {
    /// In memory: few enough for one PUT.
    Whole(HeldPart),
    /// At the provider, as parts.
    Parts(Multipart),
}

impl Mark {
    /// The parts up to here, and the digest of their bytes.
    pub(super) fn of(self, arrived: &AtProvider) -> (AtProvider, Digest) {
        (arrived.up_to(self.parts), self.digest)
    }
}

impl Arrived {
    /// Discards the bytes; returns whether none of them are left at the provider.
    pub(super) async fn discard(self) -> bool {
        match self {
            Self::Whole(_) => true,
            Self::Parts(multipart) => multipart.abort().await,
        }
    }
}

/// A body that did not arrive.
pub(super) struct Failed {
    pub(super) error: UploadError,
    /// Whether nothing of it is left at the provider.
    pub(super) clean: bool,
}

impl Ingest {
    /// Begins; nothing is asked of the provider yet.
    pub(super) fn begin(&self, target: &Target) -> Arriving {
        let part = self.part(target, 0, target.provider.store.part_size());
        Arriving { first: FirstBytes::default(), digest: Digest::default(), part, multipart: None, marks: None }
    }

    /// Takes the next bytes. `intent` announces the upload, unless something else does already.
    pub(super) async fn append(
        &self,
        arriving: &mut Arriving,
        target: &Target,
        mut intent: Option<&mut Intent>,
        mut chunk: Bytes,
    ) -> Result<(), UploadError> {
        let part_size = target.provider.store.part_size();
        if arriving.first.show_a_form(arriving.digest.size(), &chunk) {
            return Err(UploadError::Form);
        }
        if arriving.digest.size() + chunk.len() as u64 > self.max_bytes {
            return Err(UploadError::TooLarge { max: self.max_bytes });
        }
        while !chunk.is_empty() {
            if arriving.part.len() == part_size {
                let multipart = match &mut arriving.multipart {
                    Some(begun) => begun,
                    none => none.insert(self.begin_parts(target, intent.as_deref_mut()).await?),
                };
                self.check_room(target, Some(part_size as u64)).await?;
                let next = self.part(target, arriving.digest.size(), part_size);
                multipart.send(std::mem::replace(&mut arriving.part, next)).await?;
                if let Some(marks) = &mut arriving.marks {
                    marks.push_back(Mark { parts: multipart.sent(), digest: arriving.digest.clone() });
                }
            }
            let piece = chunk.split_to(chunk.len().min(part_size - arriving.part.len()));
            arriving.digest.update(&piece);
            arriving.part.push(piece).await?;
        }
        Ok(())
    }

    /// All bytes have come.
    pub(super) async fn arrived(&self, arriving: Arriving, target: &Target) -> Result<Received, Failed> {
        if let Err(error) = self.check_whole(&arriving, target).await {
            return Err(arriving.discard(error).await);
        }
        let Arriving { digest, part, multipart, .. } = arriving;
        match multipart {
            None => {
                let share = self.shares.of(target.provider.id);
                let held = part.load(&share).await.map_err(|e| Failed { error: e.into(), clean: true })?;
                Ok(Received { content: digest.finish(), bytes: Arrived::Whole(held) })
            }
            Some(mut multipart) => match multipart.finish(part).await {
                Ok(()) => Ok(Received { content: digest.finish(), bytes: Arrived::Parts(multipart) }),
                Err(error) => Err(Failed { error, clean: multipart.abort().await }),
            },
        }
    }

    async fn check_whole(&self, arriving: &Arriving, target: &Target) -> Result<(), UploadError> {
        match arriving.digest.size() {
            0 => Err(UploadError::Empty),
            size if target.content_length.is_some_and(|announced| announced != size) => {
                Err(UploadError::Incomplete("the body is shorter than announced".into()))
            }
            _ => self.check_room(target, Some(arriving.part.len() as u64)).await,
        }
    }

    pub(super) async fn begin_parts(
        &self,
        target: &Target,
        intent: Option<&mut Intent>,
    ) -> Result<Multipart, UploadError> {
        if let Some(intent) = intent {
            intent.written().await?;
        }
        let share = self.shares.of(target.provider.id);
        // Not while recovery abandons the leftovers of an earlier upload of this key; and not if it may not lie there.
        let _turn = self.turn(target).await?;
        Ok(Multipart::begin(target.provider.store.clone(), share, target.key.clone()).await?)
    }

    fn part(&self, target: &Target, sent: u64, part_size: usize) -> PartBuffer {
        let left = target
            .content_length
            .map(|all| usize::try_from(all.saturating_sub(sent)).unwrap_or(usize::MAX).min(part_size));
        PartBuffer::new(self.budget.clone(), part_size, left)
    }
}

/// Whether the provider was asked for an upload in parts, and may have begun one although its answer did not come.
pub(super) fn may_have_begun(error: &UploadError) -> bool {
    matches!(error, UploadError::Store(_))
}

impl Arriving {
    /// The last part's end up to which all is at the provider, if that is further than before: the parts, and the digest of
    /// their bytes.
    pub(super) fn checkpoint(&mut self) -> Option<(AtProvider, Digest)> {
        let (multipart, marks) = (self.multipart.as_ref()?, self.marks.as_mut()?);
        let arrived = multipart.arrived();
        let mut reached = None;
        while marks.front().is_some_and(|mark| mark.parts <= arrived.parts.len()) {
            reached = marks.pop_front();
        }
        reached.map(|mark| mark.of(&arrived))
    }

    /// Gives up what has come, for this reason.
    pub(super) async fn discard(self, error: UploadError) -> Failed {
        let clean = match self.multipart {
            Some(multipart) => multipart.abort().await,
            None => !may_have_begun(&error),
        };
        Failed { error, clean }
    }
}
