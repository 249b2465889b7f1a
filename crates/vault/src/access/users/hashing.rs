//! The threads in which passwords are hashed, and the memory that this takes.

use argon2::password_hash::phc::{Output, PasswordHash};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use tokio::sync::oneshot;

/// Hashing is expensive on purpose; only two at a time, to leave room for uploads.
const THREADS: usize = 2;

/// Most strangers' passwords that wait, so that none waits for long: a hash takes a tenth of a second or so.
const MAX_STRANGERS: usize = 16;

type Work = Box<dyn FnOnce(&mut Memory) + Send>;

/// Threads of their own, each with its memory. They end when the last clone is dropped.
#[derive(Clone)]
pub(super) struct Hashing(Arc<Owner>);

/// For whom a password is hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum For {
    /// Whoever is signed in, or has signed in with that name from that address; and the vault itself. Their turn is first.
    Known,
    /// Anybody else. With too many of them waiting, the next one is turned away.
    Stranger,
}

/// Too many strangers wait.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Busy;

/// Lets the threads end.
struct Owner(Arc<Queue>);

#[derive(Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Default)]
struct Waiting {
    known: VecDeque<Work>,
    strangers: VecDeque<Work>,
    over: bool,
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.0.waiting().over = true;
        self.0.changed.notify_all();
    }
}

impl Queue {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, whose: For, work: Work) -> Result<(), Busy> {
        let mut waiting = self.waiting();
        match whose {
            For::Known => waiting.known.push_back(work),
            For::Stranger if waiting.strangers.len() >= MAX_STRANGERS => return Err(Busy),
            For::Stranger => waiting.strangers.push_back(work),
        }
        self.changed.notify_one();
        Ok(())
    }

    /// The next work; `None` when nobody can bring any more.
    fn next(&self) -> Option<Work> {
        let mut waiting = self.waiting();
        loop {
            if let Some(work) = waiting.known.pop_front() {
                return Some(work);
            }
            if let Some(work) = waiting.strangers.pop_front() {
                return Some(work);
            }
            if waiting.over {
                return None;
            }
            waiting = self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// The 19 MiB that a password is compared in, taken once. Taken anew each time, they would often not go back to the system:
/// the allocator cannot put such a block, which is aligned, where the last one was. Ten guesses at a password took 200 MiB
/// for good.
#[derive(Default)]
pub(super) struct Memory(Vec<Block>);

impl Hashing {
    pub(super) fn new() -> Self {
        let queue = Arc::new(Queue::default());
        for _ in 0..THREADS {
            let queue = queue.clone();
            thread::spawn(move || {
                let mut memory = Memory::default();
                while let Some(work) = queue.next() {
                    work(&mut memory);
                }
            });
        }
        Self(Arc::new(Owner(queue)))
    }

    /// What comes of work. Work that nobody waits for any longer is not done.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        whose: For,
        work: impl FnOnce(&mut Memory) -> T + Send + 'static,
    ) -> Result<T, Busy> {
        let (done, result) = oneshot::channel();
        let work = move |memory: &mut Memory| {
            if !done.is_closed() {
                // Nobody may wait for it by now.
                let _ = done.send(work(memory));
            }
        };
        self.0.0.add(whose, Box::new(work))?;
        Ok(result.await.expect("hashing does not panic"))
    }
}

impl Memory {
    /// Whether a password is the one that was hashed; never, if the hash is none.
    pub(super) fn matches(&mut self, password: &[u8], hash: &str) -> bool {
        PasswordHash::new(hash).is_ok_and(|hash| self.compare(password, &hash).unwrap_or(false))
    }

    /// `None` if the hash is incomplete or of another kind.
    fn compare(&mut self, password: &[u8], hash: &PasswordHash) -> Option<bool> {
        let (salt, expected) = (hash.salt.as_ref()?, hash.hash.as_ref()?);
        let algorithm = Algorithm::try_from(hash.algorithm.as_str()).ok()?;
        let version = hash.version.map_or(Ok(Version::default()), Version::try_from).ok()?;
        let argon2 = Argon2::new(algorithm, version, Params::try_from(hash).ok()?);
        self.0.resize(argon2.params().block_count(), Block::default());
        let mut output = vec![0; expected.len()];
        argon2.hash_password_into_with_memory(password, salt, &mut output, &mut self.0).ok()?;
        // Takes as long wherever they differ.
        Some(Output::new(&output).ok()? == *expected)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use argon2::PasswordHasher as _;
    use std::collections::HashSet;
    use std::sync::Barrier;

    #[tokio::test(flavor = "multi_thread")]
    async fn all_work_is_done_in_the_same_two_threads() {
        let hashing = Hashing::new();
        let mut threads = HashSet::new();
        for _ in 0..20 {
            let here = || hashing.run(For::Known, |_| thread::current().id());
            let (one, other) = tokio::join!(here(), here());
            threads.extend([one, other].map(|thread| thread.expect("the known are not turned away")));
        }
        assert!(threads.len() <= THREADS && !threads.contains(&thread::current().id()), "{threads:?}");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn strangers_wait_behind_the_known_and_are_turned_away_when_too_many_do() {
        let hashing = Hashing::new();
        let (order, go) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Barrier::new(THREADS + 1)));
        // Both threads are at work until the gate opens.
        let mut work = Vec::new();
        for _ in 0..THREADS {
            let (go, (started, begun)) = (go.clone(), oneshot::channel());
            let hashing = hashing.clone();
            work.push(tokio::spawn(async move {
                let wait = move |_: &mut Memory| {
                    let _ = started.send(());
                    go.wait();
                };
                hashing.run(For::Known, wait).await
            }));
            begun.await.expect("it is at work");
        }
        let note = |who: &'static str| {
            let order = order.clone();
            move |_: &mut Memory| order.lock().expect("not poisoned").push(who)
        };
        let queue = &hashing.0.0;
        for _ in 0..MAX_STRANGERS {
            assert_eq!(queue.add(For::Stranger, Box::new(note("stranger"))), Ok(()));
        }
        assert_eq!(queue.add(For::Stranger, Box::new(note("one too many"))), Err(Busy));
        assert_eq!(queue.add(For::Known, Box::new(note("known"))), Ok(()));
        tokio::task::spawn_blocking(move || go.wait()).await.expect("joins");
        for work in work {
            work.await.expect("joins").expect("known");
        }
        // What is done last comes after all of them.
        while order.lock().expect("not poisoned").len() <= MAX_STRANGERS {
            hashing.run(For::Known, |_| ()).await.expect("known");
        }
        let order = order.lock().expect("not poisoned");
        assert!(order[..THREADS].contains(&"known") && !order.contains(&"one too many"), "{order:?}");
    }

    #[test]
    fn what_was_compared_before_in_the_same_memory_does_not_matter() {
        let hash = |password: &[u8]| Argon2::default().hash_password(password).expect("hashed").to_string();
        let (one, other, mut memory) = (hash(b"one"), hash(b"other"), Memory::default());
        for _ in 0..2 {
            assert!(memory.matches(b"one", &one) && memory.matches(b"other", &other));
            assert!(!memory.matches(b"one", &other) && !memory.matches(b"", &one));
        }
        let cheaper = "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        for no_match in ["", "no hash", "$argon2id$v=19$m=64,t=1,p=1", "$scrypt$ln=1$c2FsdHNhbHQ$AAAA", cheaper] {
            assert!(!memory.matches(b"one", no_match), "{no_match}");
        }
        assert!(memory.matches(b"one", &one));
    }
}
