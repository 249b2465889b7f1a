//! Everything at once: agents, administrators, deliveries, copies and moves, while disk or stores fail at a moment that the
//! seed decides. In `make torture` both may fail together.

use futures::future::{BoxFuture, FutureExt as _, join_all};
use std::time::Duration;
use torture::faults::{DiskError, Plan};
use torture::flaky::{Mishap, StorePlan};
use torture::knobs::{self, Random};
use torture::world::{COPIED, FIRST, PLAIN, SECOND, World, actor, folder};

/// Keys of a round; those before it are left alone.
const KEYS: usize = 8;
const SIZES: [usize; 4] = [1_000, 3_000, 600_000, 1_100_000];

/// Unlike any other of the world, in size too, by which its event is known.
struct Recordings {
    made: usize,
    random: Random,
}

impl Recordings {
    fn next(&mut self) -> Vec<u8> {
        self.made += 1;
        let size = SIZES[self.random.below(SIZES.len())] + self.made;
        let seed = (self.made as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        (0..size as u64).map(|i| (i.wrapping_mul(seed) >> 24) as u8).collect()
    }
}

fn place(round: usize, key: usize) -> (&'static str, String) {
    (if key % 4 == 3 { COPIED } else { PLAIN }, format!("{round}-{key}.mp4"))
}

fn break_something(world: &World, random: &mut Random) -> String {
    let lasting = random.below(2) == 0;
    let trouble = if random.below(2) == 0 { DiskError::Full } else { DiskError::Broken };
    let mishap = [Mishap::Refused, Mishap::AnswerLost, Mishap::Full][random.below(3)];
    let disk = Plan { trouble, nth: 1 + random.below(400) as u64, lasting };
    let stores = StorePlan { mishap, nth: 1 + random.below(40) as u64, lasting };
    let both = knobs::long() && random.below(4) == 0;
    let of_disk = random.below(2) == 0;
    if of_disk || both {
        world.faults.arm(disk);
    }
    if !of_disk || both {
        world.store_faults.arm(stores);
    }
    match (both, of_disk) {
        (true, _) => format!("disk {disk}, stores {stores}"),
        (_, true) => format!("disk {disk}"),
        _ => format!("stores {stores}"),
    }
}

async fn move_all(world: &World) {
    _ = world.vault.moves.start(&actor(), world.provider(FIRST), world.provider(SECOND)).await;
}

/// What is asked of one key.
async fn ask(world: &World, (account, name): (&'static str, String), what: usize, mut recordings: Vec<Vec<u8>>) {
    match what {
        0 => _ = world.delete(account, &name).await,
        1 => world.upload_at_once(account, &name, recordings).await,
        _ => _ = world.upload(account, &name, recordings.remove(0)).await,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_fails_while_everybody_asks_nothing_answered_200_is_lost() {
    let seed = knobs::seed();
    eprintln!("TORTURE_SEED={seed}");
    let dir = folder().unwrap();
    let mut world = World::open(dir.path()).await.unwrap();
    let (mut random, mut struck) = (Random::new(seed), 0);
    let mut recordings = Recordings { made: 0, random: Random::new(seed ^ 1) };
    for round in 0..if knobs::long() { 500 } else { 6 } {
        for key in 0..KEYS / 2 {
            let (account, name) = place(round, key);
            assert!(world.upload(account, &name, recordings.next()).await, "nothing is broken");
        }
        world.start();
        let broken = break_something(&world, &mut random);
        // What is moved is not uploaded again meanwhile: it would be another recording, at the first provider.
        let moves = random.below(3) == 0;
        let mut asked: Vec<BoxFuture<'_, ()>> = Vec::new();
        for key in if moves { KEYS / 2 } else { 0 }..KEYS {
            let what = if moves { 2 } else { random.below(5) };
            asked.push(ask(&world, place(round, key), what, (0..3).map(|_| recordings.next()).collect()).boxed());
        }
        if moves {
            asked.push(move_all(&world).boxed());
        }
        let after = format!("seed {seed}, round {round}, {broken}");
        let answered = tokio::time::timeout(Duration::from_secs(90), join_all(asked)).await;
        assert!(answered.is_ok(), "after {after}: no answer");
        struck += u64::from(world.struck());
        world.faults.heal();
        world.store_faults.heal();
        world.stores_again(round as u64, &after).await;
        world.settle(&after).await;
        for key in 0..KEYS {
            let (account, name) = place(round, key);
            assert!(world.delete(account, &name).await, "after {after} {name} cannot be deleted");
        }
    }
    assert!(struck > 0, "seed {seed}: nothing ever failed");
    world.close().await;
    World::open(dir.path()).await.unwrap().settle(&format!("seed {seed}, and a new start")).await;
}
