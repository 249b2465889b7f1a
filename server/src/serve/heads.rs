//! How much of a request's head is read, so that what hyper holds of it is bounded: of each, and of all long ones together.
//! Strangers can send a head, and thousands can do so at a time.

use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::PollSemaphore;

/// Longest head, in bytes: agents add up to 32 headers of 4 KiB each (docs/protocol.md §2).
pub(super) const LONGEST: usize = 256 * 1024;
/// Longest head without a place among the long ones, in bytes.
const SHORT: usize = 64 * 1024;
/// How many connections may have a long head at a time; more wait, as long as a head may take.
const LONG_ONES: usize = 64;
/// Most bytes of one read. hyper doubles its buffer when a read fills it; as none fills 64 KiB, it stays at that, also while
/// a body comes quickly.
pub(super) const MOST_AT_ONCE: usize = 64 * 1024 - 1;

/// The places of connections with long heads; cheap to clone.
#[derive(Clone)]
pub(super) struct LongHeads(Arc<Semaphore>);

impl LongHeads {
    pub(super) fn new() -> Self {
        Self(Arc::new(Semaphore::new(LONG_ONES)))
    }
}

/// A connection's head that is arriving.
pub(super) struct Head {
    places: PollSemaphore,
    /// Kept as long as the connection: hyper does not give its buffer back before.
    place: Option<OwnedSemaphorePermit>,
    /// How many requests came before.
    before: u64,
    bytes: usize,
}

impl Head {
    pub(super) fn new(places: &LongHeads) -> Self {
        Self { places: PollSemaphore::new(places.0.clone()), place: None, before: 0, bytes: 0 }
    }

    /// How many bytes may be read after so many requests. Pending while all places are taken.
    pub(super) fn poll_room(&mut self, requests: u64, cx: &mut Context<'_>) -> Poll<usize> {
        if self.before != requests {
            (self.before, self.bytes) = (requests, 0);
        }
        if self.place.is_none() && self.bytes < SHORT {
            return Poll::Ready(MOST_AT_ONCE.min(SHORT - self.bytes));
        }
        if self.place.is_none() {
            self.place = ready!(self.places.poll_acquire(cx));
        }
        Poll::Ready(MOST_AT_ONCE)
    }

    /// So many bytes came.
    pub(super) fn came(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_add(bytes);
    }

    /// Whether one was long: then the connection ends with the answer, and its place is another's.
    pub(super) fn is_long(&self) -> bool {
        self.place.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::task::Waker;

    /// Reads until so many bytes have come or no place is left; returns how many came.
    fn read(head: &mut Head, requests: u64, bytes: usize) -> usize {
        let mut cx = Context::from_waker(Waker::noop());
        let mut came = 0;
        while came < bytes {
            let Poll::Ready(room) = head.poll_room(requests, &mut cx) else { break };
            assert!(room > 0 && room <= MOST_AT_ONCE);
            let some = room.min(bytes - came);
            head.came(some);
            came += some;
        }
        came
    }

    #[test]
    fn only_so_many_long_heads_at_a_time() {
        let places = LongHeads::new();
        let mut long: Vec<Head> = (0..LONG_ONES).map(|_| Head::new(&places)).collect();
        for head in &mut long {
            assert_eq!(read(head, 0, LONGEST), LONGEST);
            assert!(head.is_long());
        }
        let mut late = Head::new(&places);
        assert_eq!(read(&mut late, 0, LONGEST), SHORT, "it waits");
        assert!(!late.is_long());
        long.pop();
        assert_eq!(read(&mut late, 0, LONGEST - SHORT), LONGEST - SHORT);
    }

    #[test]
    fn each_head_is_counted_anew() {
        let places = LongHeads::new();
        let mut head = Head::new(&places);
        for requests in 0..10 {
            assert_eq!(read(&mut head, requests, SHORT), SHORT);
        }
        assert!(!head.is_long());
    }
}
