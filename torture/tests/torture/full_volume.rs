//! Volumes that fill up while agents upload, and are given room again: those of the database, of what waits to be stored, of
//! either provider, and one that is all of them. The vault goes on by itself; it starts on a full volume, or says what is full.

use futures::future::join_all;
use std::error::Error as StdError;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use torture::knobs::{self, Random};
use torture::volumes::{self, Volume};
use torture::world::{COPIED, FIRST, PLAIN, SECOND, World, folder};

const MIB: u64 = 1024 * 1024;
/// Agents that upload at a time, and how much each does in a round.
const AGENTS: u64 = 4;
const UPLOADS: u64 = 6;
/// How long a vault may take to have the room that it keeps for deleting.
const PATIENCE: Duration = Duration::from_secs(10);

/// What lies on the volume, and how large it is.
struct Scene {
    test: &'static str,
    folders: &'static [&'static str],
    size: u64,
    /// Memory of uploads; with little, they wait on disk.
    memory: usize,
    /// Whether uploads must have been refused for the test to have tried anything.
    refuses: bool,
}

async fn fills_up(scene: Scene) {
    if !volumes::inside(scene.test) {
        return;
    }
    let dir = folder().unwrap();
    let volume = Volume::new(dir.path(), scene.size, scene.folders);
    let mut world = World::open_with(dir.path(), |options| options.receive_budget_bytes = scene.memory).await.unwrap();
    let seed = knobs::seed();
    eprintln!("TORTURE_SEED={seed}");
    let mut random = Random::new(seed);
    let (mut refused, rounds) = (0, if knobs::long() { 100 } else { 4 });
    for round in 0..rounds {
        let after = format!("round {round} of seed {seed}");
        world.start();
        refused += round_of_uploads(&world, &volume, round, &mut random).await;
        deletes(&world, round, &after).await;
        volume.free();
        world.stores_again(round, &after).await;
        world.settle(&after).await;
        for (agent, n) in (0..AGENTS).flat_map(|agent| (0..UPLOADS).map(move |n| (agent, n))) {
            world.delete(account_of(agent), &format!("{round}-{agent}-{n}.mp4")).await;
        }
    }
    assert!(refused > 0 || !scene.refuses, "the volume was never full");
}

/// Agents upload, and when some have, the volume fills up; answers how many were refused.
async fn round_of_uploads(world: &World, volume: &Volume, round: u64, random: &mut Random) -> usize {
    let (done, refused) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let full_after = random.below(12);
    // Not always to the last page: what comes then may find room for its first step and none for its last.
    let but = if random.below(3) == 0 { 0 } else { random.below(300_000) as u64 };
    let agents = join_all((0..AGENTS).map(|agent| {
        let (done, refused) = (&done, &refused);
        async move {
            for n in 0..UPLOADS {
                if done.fetch_add(1, Ordering::SeqCst) == full_after {
                    volume.fill(but);
                }
                let size = 1_000 + (agent * 7 + n * 3 + round) % 5 * 150_000 + round * 100 + agent * 10 + n;
                let bytes = (0..size).map(|i| (i.wrapping_mul(round * 31 + agent * 7 + n + 3) >> 3) as u8).collect();
                if !world.upload(account_of(agent), &format!("{round}-{agent}-{n}.mp4"), bytes).await {
                    refused.fetch_add(1, Ordering::SeqCst);
                }
            }
        }
    }));
    agents.await;
    refused.into_inner()
}

/// What makes room works without any: what uploads must leave, and then the reserve, is for that.
async fn deletes(world: &World, round: u64, after: &str) {
    let began = Instant::now();
    while !world.delete(PLAIN, &format!("{round}-0-0.mp4")).await {
        assert!(began.elapsed() < PATIENCE, "after {after} nothing can be deleted on a full volume");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn account_of(agent: u64) -> &'static str {
    if agent == 1 { COPIED } else { PLAIN }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_without_room_loses_nothing_and_goes_on_when_there_is_some() {
    fills_up(Scene {
        test: "full_volume::a_database_without_room_loses_nothing_and_goes_on_when_there_is_some",
        folders: &["data"],
        size: 64 * MIB,
        memory: 64 << 20,
        refuses: true,
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spool_without_room_refuses_uploads_and_loses_nothing() {
    fills_up(Scene {
        test: "full_volume::a_spool_without_room_refuses_uploads_and_loses_nothing",
        folders: &["data/spool"],
        size: MIB,
        memory: 64 << 10,
        refuses: true,
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_without_room_refuses_uploads_and_keeps_what_it_has() {
    fills_up(Scene {
        test: "full_volume::a_provider_without_room_refuses_uploads_and_keeps_what_it_has",
        folders: &[FIRST],
        size: 64 * MIB,
        memory: 64 << 20,
        refuses: true,
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn copies_wait_for_a_provider_without_room() {
    fills_up(Scene {
        test: "full_volume::copies_wait_for_a_provider_without_room",
        folders: &[SECOND],
        size: 64 * MIB,
        memory: 64 << 20,
        refuses: false,
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_volume_for_everything_may_fill_up_and_nothing_is_lost() {
    fills_up(Scene {
        test: "full_volume::one_volume_for_everything_may_fill_up_and_nothing_is_lost",
        folders: &["data", FIRST, SECOND],
        size: 128 * MIB,
        memory: 64 << 10,
        refuses: true,
    })
    .await;
}

/// The reserve, if there is one, is what a start takes its room from.
#[tokio::test(flavor = "multi_thread")]
async fn a_vault_starts_on_a_full_volume_or_says_that_it_is_full() {
    if !volumes::inside("full_volume::a_vault_starts_on_a_full_volume_or_says_that_it_is_full") {
        return;
    }
    let dir = folder().unwrap();
    let volume = Volume::new(dir.path(), 64 * MIB, &["data", FIRST, SECOND]);
    for but in [0, 4096, 40_000, 400_000] {
        let world = World::open(dir.path()).await.unwrap();
        for n in 0..8 {
            world.upload(PLAIN, &format!("{but}-{n}.mp4"), vec![7; 20_000 + but + n]).await;
        }
        world.close().await;
        volume.fill(but as u64);
        let opened = World::open(dir.path()).await;
        let after = format!("a start with {but} bytes left");
        let mut world = match opened {
            Ok(world) => {
                let deleted = world.delete(PLAIN, &format!("{but}-0.mp4")).await;
                assert!(deleted, "{after}: what makes room does not work");
                volume.free();
                world
            }
            Err(error) => {
                let told = told(&error);
                assert!(told.contains("full") || told.contains("room"), "{after}: {told}");
                volume.free();
                World::open(dir.path()).await.unwrap()
            }
        };
        world.settle(&after).await;
        world.close().await;
    }
}

fn told(error: &dyn StdError) -> String {
    let (mut told, mut cause) = (error.to_string(), error.source());
    while let Some(deeper) = cause {
        told += &format!(": {deeper}");
        cause = deeper.source();
    }
    told
}
