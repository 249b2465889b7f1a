//! Bodies of uploads that are sure to run at the same time.

use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// So many uploads, none of which ends before all have begun.
pub(crate) struct Together {
    all: usize,
    begun: Arc<AtomicUsize>,
}

impl Together {
    pub(crate) fn of(all: usize) -> Self {
        Self { all, begun: Arc::default() }
    }

    /// The body of one of them.
    pub(crate) fn body(&self, bytes: &[u8]) -> BoxStream<'static, Result<Bytes, Infallible>> {
        let (all, begun) = (self.all, self.begun.clone());
        let chunks: Vec<_> = bytes.chunks(1000).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
        let others = stream::unfold(false, move |have_begun| {
            let begun = begun.clone();
            async move {
                begun.fetch_add(usize::from(!have_begun), Ordering::SeqCst);
                if begun.load(Ordering::SeqCst) >= all {
                    return None;
                }
                // Nothing now and then, or it counts as stalled.
                tokio::time::sleep(Duration::from_millis(5)).await;
                Some((Ok(Bytes::new()), true))
            }
        });
        others.chain(stream::iter(chunks)).boxed()
    }
}
