//! The threads in which passwords are hashed, and the memory that this takes.

use argon2::password_hash::phc::{Output, PasswordHash};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use tokio::sync::oneshot;

/// Hashing is expensive on purpose; only two at a time, to leave room for uploads.
const THREADS: usize = 2;

type Work = Box<dyn FnOnce(&mut Memory) + Send>;

/// Threads of their own, each with its memory. They end when the last clone is dropped.
#[derive(Clone)]
pub(super) struct Hashing(mpsc::Sender<Work>);

/// The 19 MiB that a password is compared in, taken once. Taken anew each time, they would often not go back to the system:
/// the allocator cannot put such a block, which is aligned, where the last one was. Ten guesses at a password took 200 MiB
/// for good.
#[derive(Default)]
pub(super) struct Memory(Vec<Block>);

impl Hashing {
    pub(super) fn new() -> Self {
        let (sender, queue) = mpsc::channel::<Work>();
        let queue = Arc::new(Mutex::new(queue));
        for _ in 0..THREADS {
            let queue = queue.clone();
            thread::spawn(move || {
                let mut memory = Memory::default();
                let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
                while let Ok(work) = next() {
                    work(&mut memory);
                }
            });
        }
        Self(sender)
    }

    /// What comes of work. Work that nobody waits for any longer is not done.
    pub(super) async fn run<T: Send + 'static>(&self, work: impl FnOnce(&mut Memory) -> T + Send + 'static) -> T {
        let (done, result) = oneshot::channel();
        let work = move |memory: &mut Memory| {
            if !done.is_closed() {
                // Nobody may wait for it by now.
                let _ = done.send(work(memory));
            }
        };
        self.0.send(Box::new(work)).expect("the threads end after their last user");
        result.await.expect("hashing does not panic")
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

    #[tokio::test(flavor = "multi_thread")]
    async fn all_work_is_done_in_the_same_two_threads() {
        let hashing = Hashing::new();
        let mut threads = HashSet::new();
        for _ in 0..20 {
            let here = || hashing.run(|_| thread::current().id());
            let (one, other) = tokio::join!(here(), here());
            threads.extend([one, other]);
        }
        assert!(threads.len() <= THREADS && !threads.contains(&thread::current().id()), "{threads:?}");
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
