//! What agents and administrators ask of a vault while something breaks: named steps, each with its preparation.

use crate::world::{COPIED, FIRST, PLAIN, SECOND, World, actor};
use futures::future::join_all;
use model::moving::MoveView;
use std::time::{Duration, Instant};

/// Size of a recording stored with one request.
const SMALL: usize = 3_000;
/// Size of a recording stored in three parts of 512 KiB, as folders are.
const LARGE: usize = 1_100_000;
/// Longest time background work may take while nothing is broken.
const DEADLINE: Duration = Duration::from_secs(20);

/// A request to the vault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Stores a recording with one request.
    Upload,
    /// Stores a recording in parts.
    UploadInParts,
    /// Stores a recording in several requests, which go on after failures.
    UploadInPieces,
    /// Stores other bytes under an existing key.
    Replace,
    /// Several requests at once, one of them in vain: they share a commit.
    Group,
    /// Deletes a recording.
    Delete,
    /// Delivers events.
    Deliver,
    /// Copies a recording to the second provider.
    Copy,
    /// Moves all recordings to the other provider.
    Move,
}

impl Step {
    /// All steps, in an order in which none leaves anything behind for the next.
    pub const ALL: [Self; 9] = [
        Self::Upload,
        Self::UploadInParts,
        Self::UploadInPieces,
        Self::Replace,
        Self::Group,
        Self::Delete,
        Self::Deliver,
        Self::Copy,
        Self::Move,
    ];

    /// Does what the step needs beforehand; nothing is broken yet. `n` makes its names unlike those of other runs.
    pub async fn prepare(self, world: &mut World, n: u64) {
        match self {
            Self::Upload | Self::UploadInParts | Self::UploadInPieces | Self::Group => {}
            Self::Replace | Self::Delete => assert!(world.upload(PLAIN, &name(n, "a"), bytes(n, SMALL)).await),
            Self::Deliver => {
                for which in ["a", "b", "c"] {
                    assert!(world.upload(PLAIN, &name(n, which), bytes(n, SMALL + which.len())).await);
                }
            }
            Self::Copy => {
                assert!(world.upload(COPIED, &name(n, "a"), bytes(n, SMALL)).await);
                assert!(world.upload(COPIED, &name(n, "b"), bytes(n, LARGE)).await);
            }
            Self::Move => assert!(world.upload(PLAIN, &name(n, "a"), bytes(n, SMALL)).await),
        }
    }

    /// Does the step. Refusals are fine: the ledger knows what was told.
    pub async fn act(self, world: &mut World, n: u64) {
        match self {
            Self::Upload => _ = world.upload(PLAIN, &name(n, "a"), bytes(n, SMALL)).await,
            Self::UploadInParts => _ = world.upload(PLAIN, &name(n, "a"), bytes(n, LARGE)).await,
            Self::UploadInPieces => _ = world.upload_in_pieces(PLAIN, &name(n, "a"), &bytes(n, LARGE)).await,
            Self::Replace => _ = world.upload(PLAIN, &name(n, "a"), bytes(n, SMALL + 1_000)).await,
            Self::Group => {
                let names = ["a", "b", "c", "d"].map(|which| name(n, which));
                let uploads = join_all(names.iter().map(|name| world.upload(PLAIN, name, bytes(n, SMALL))));
                // There is nothing to delete: a write that is refused within the group.
                let actor = actor();
                let refused = join_all((0..3).map(|_| world.vault.moves.pause(&actor, i64::MAX)));
                futures::join!(uploads, refused);
            }
            Self::Delete => _ = world.delete(PLAIN, &name(n, "a")).await,
            Self::Deliver | Self::Copy => {
                world.start();
                while_working(world, async || world.vault.deliveries.count(None).await.is_ok_and(|n| n == (0, 0)))
                    .await;
            }
            Self::Move => {
                world.start();
                let (from, to) = (world.provider(FIRST), world.provider(SECOND));
                if world.vault.moves.start(&actor(), from, to).await.is_ok() {
                    let ended = |moves: Vec<MoveView>| moves.iter().all(|one| !one.state.is_open());
                    while_working(world, async || world.vault.moves.list().await.is_ok_and(ended)).await;
                }
            }
        }
        world.stop().await;
    }

    /// Makes room for the next run.
    pub async fn clear(self, world: &World, n: u64) {
        let account = if self == Self::Copy { COPIED } else { PLAIN };
        let names = ["a", "b", "c", "d"].map(|which| name(n, which));
        for name in &names {
            if world.ledger.may_hold().contains_key(&format!("{account}/{name}")) {
                assert!(world.delete(account, name).await, "after all was healed {name} cannot be deleted");
            }
        }
    }
}

/// Waits until background work is done, or something has failed and it has had a moment to notice.
async fn while_working(world: &World, done: impl AsyncFn() -> bool) {
    let began = Instant::now();
    while !world.struck() && !done().await && began.elapsed() < DEADLINE {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    // For what it does afterwards, such as recording the outcome.
    tokio::time::sleep(Duration::from_millis(30)).await;
}

fn name(n: u64, which: &str) -> String {
    format!("{n}-{which}.mp4")
}

/// The bytes of a recording that was begun: by its name, and as many as were announced.
pub(crate) fn again(name: &str, length: usize) -> Vec<u8> {
    let n = name.split('-').next().and_then(|n| n.parse().ok()).expect("the harness names its recordings well");
    let bytes = bytes(n, LARGE);
    assert_eq!(bytes.len(), length, "{name}: only one step uploads in pieces");
    bytes
}

/// Unlike those of any other `n`, also in size, by which the event is recognised.
fn bytes(n: u64, size: usize) -> Vec<u8> {
    let size = size + usize::try_from(n % 10_000).expect("small");
    let seed = n.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    (0..size as u64).map(|i| (i.wrapping_mul(seed) >> 24) as u8).collect()
}
