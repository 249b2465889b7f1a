//! Memory for long heads of requests. Most are a few hundred bytes; what is longer than [`FREE`] waits until there is room, so
//! that thousands of strangers who send long ones take no more than a few, and hold up only each other.

use crate::limits::group;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::PollSemaphore;

/// Longest head, in bytes: agents add up to 32 headers of 4 KiB each (docs/protocol.md §2).
pub(super) const LONGEST: usize = 256 * 1024;
/// Longest head of what is no upload, in bytes. Others are answered at leisure, to readers that may be slow, and the head
/// takes memory meanwhile.
const ORDINARY: usize = 64 * 1024;
/// Most bytes of a head that are read at once. hyper doubles its buffer when a read fills it; none fills 16 KiB.
pub(super) const PIECE: usize = 16 * 1024 - 1;
/// What every head may have, in bytes.
const FREE: usize = 16 * 1024;
/// Longer heads that arrive at a time, of everybody and from one address.
const LONG: usize = 64;
const LONG_OF_ADDRESS: usize = 16;

/// Who is sending a long head.
pub(super) struct Heads {
    all: Arc<Semaphore>,
    by_address: Mutex<HashMap<IpAddr, Arc<Semaphore>>>,
}

/// The head that a connection is sending; cheap to clone.
#[derive(Clone)]
pub(super) struct Head(Arc<Mutex<Arriving>>);

struct Arriving {
    heads: Arc<Heads>,
    address: IpAddr,
    bytes: usize,
    place: Option<Place>,
}

/// A place for a long head: taken, or waited for.
struct Place {
    of_address: PollSemaphore,
    of_all: PollSemaphore,
    taken: [Option<OwnedSemaphorePermit>; 2],
}

impl Heads {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { all: Arc::new(Semaphore::new(LONG)), by_address: Mutex::default() })
    }

    /// For a new connection from this address.
    pub(super) fn head(self: &Arc<Self>, ip: IpAddr) -> Head {
        Head(Arc::new(Mutex::new(Arriving { heads: self.clone(), address: group(ip), bytes: 0, place: None })))
    }

    fn place(&self, address: IpAddr) -> Place {
        let of_address = || Arc::new(Semaphore::new(LONG_OF_ADDRESS));
        let of_address = self.by_address().entry(address).or_insert_with(of_address).clone();
        let (of_address, of_all) = (PollSemaphore::new(of_address), PollSemaphore::new(self.all.clone()));
        Place { of_address, of_all, taken: [None, None] }
    }

    fn by_address(&self) -> MutexGuard<'_, HashMap<IpAddr, Arc<Semaphore>>> {
        self.by_address.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Head {
    /// More of it came.
    pub(super) fn bytes_came(&self, bytes: usize) {
        self.lock().bytes += bytes;
    }

    /// Ready when more of it may be read.
    pub(super) fn poll_may_go_on(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut head = self.lock();
        if head.bytes < FREE {
            return Poll::Ready(());
        }
        let Arriving { heads, address, place, .. } = &mut *head;
        let place = place.get_or_insert_with(|| heads.place(*address));
        let [of_address, of_all] = &mut place.taken;
        if of_address.is_none() {
            *of_address = ready!(place.of_address.poll_acquire(cx));
        }
        if of_all.is_none() {
            *of_all = ready!(place.of_all.poll_acquire(cx));
        }
        Poll::Ready(())
    }

    /// All of it is here; what comes next is another one's. Returns whether only an upload may have such a long one.
    pub(super) fn end(&self) -> bool {
        let mut head = self.lock();
        head.give_back();
        std::mem::take(&mut head.bytes) > ORDINARY
    }

    fn lock(&self) -> MutexGuard<'_, Arriving> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Arriving {
    fn give_back(&mut self) {
        if self.place.take().is_none() {
            return;
        }
        let mut by_address = self.heads.by_address();
        // Only the map still refers to it: nobody has or waits for one of its places.
        if by_address.get(&self.address).is_some_and(|semaphore| Arc::strong_count(semaphore) == 1) {
            by_address.remove(&self.address);
        }
    }
}

impl Drop for Arriving {
    fn drop(&mut self) {
        self.give_back();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;

    fn long(heads: &Arc<Heads>, last: usize) -> Head {
        let head = heads.head(IpAddr::from([10, 0, 0, u8::try_from(last).expect("few")]));
        head.bytes_came(FREE);
        head
    }

    async fn may_go_on(head: &Head) -> bool {
        poll_fn(|cx| Poll::Ready(head.poll_may_go_on(cx).is_ready())).await
    }

    #[tokio::test]
    async fn one_address_holds_up_only_itself() {
        let heads = Heads::new();
        let of_one: Vec<Head> = (0..LONG_OF_ADDRESS).map(|_| long(&heads, 1)).collect();
        for head in &of_one {
            assert!(may_go_on(head).await);
        }
        let (one_more, other, short) = (long(&heads, 1), long(&heads, 2), heads.head(IpAddr::from([10, 0, 0, 1])));
        short.bytes_came(FREE - 1);
        assert!(!may_go_on(&one_more).await && may_go_on(&other).await && may_go_on(&short).await);
        of_one[0].end();
        assert!(may_go_on(&one_more).await);
        drop((of_one, one_more, other, short));
        assert!(heads.by_address().is_empty() && heads.all.available_permits() == LONG, "nothing is left behind");
    }

    #[tokio::test]
    async fn there_are_not_many_at_a_time() {
        let heads = Heads::new();
        let all: Vec<Head> = (0..=LONG).map(|n| long(&heads, n)).collect();
        let mut taken = 0;
        for head in &all {
            taken += usize::from(may_go_on(head).await);
        }
        assert_eq!(taken, LONG);
    }
}
