//! Volumes that fill up while agents upload, and are given room again: those of the database, of what waits to be stored, of
//! either provider, and one that is all of them. The vault goes on by itself; it starts on a full volume, or says what is full.

use futures::future::join_all;
use model::delivery::{DeliveryFilter, DeliveryState};
use model::recording::Position;
use std::error::Error as StdError;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use torture::knobs::{self, Random};
use torture::volumes::{self, Volume};
use torture::world::{COPIED, FIRST, PLAIN, SECOND, World, data, folder};
use vault::VaultError;

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
    assert!(refused > 0, "the volume was never full");
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
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn copies_wait_for_a_provider_without_room() {
    if !volumes::inside("full_volume::copies_wait_for_a_provider_without_room") {
        return;
    }
    let dir = folder().unwrap();
    let volume = Volume::new(dir.path(), 64 * MIB, &[SECOND]);
    let mut world = World::open(dir.path()).await.unwrap();
    volume.fill(0);
    for n in 0..3 {
        assert!(world.upload(COPIED, &format!("{n}.mp4"), vec![7; 100_000 + n]).await, "its own provider has room");
    }
    world.start();
    let to_second = || DeliveryFilter { connection: Some(world.provider(SECOND)), state: None };
    let began = Instant::now();
    loop {
        let copies = world.vault.deliveries.list(to_second(), Position::Newest, 10).await.unwrap().items;
        assert!(copies.iter().all(|copy| copy.state != DeliveryState::Delivered), "there is no room: {copies:?}");
        let health = world.vault.deliveries.health().await.unwrap();
        if health.iter().any(|of| of.id == world.provider(SECOND) && of.failing && of.last_error.contains("full")) {
            break;
        }
        assert!(began.elapsed() < PATIENCE, "no copy was tried: {copies:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    volume.free();
    world.settle("a second provider without room").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_volume_for_everything_may_fill_up_and_nothing_is_lost() {
    fills_up(Scene {
        test: "full_volume::one_volume_for_everything_may_fill_up_and_nothing_is_lost",
        folders: &["data", FIRST, SECOND],
        size: 128 * MIB,
        memory: 64 << 10,
    })
    .await;
}

/// The room that a start needs is taken from the reserve.
#[tokio::test(flavor = "multi_thread")]
async fn a_vault_starts_and_deletes_on_a_full_volume() {
    if !volumes::inside("full_volume::a_vault_starts_and_deletes_on_a_full_volume") {
        return;
    }
    let dir = folder().unwrap();
    let volume = Volume::new(dir.path(), 64 * MIB, &["data", FIRST, SECOND]);
    for but in [0, 4096, 40_000, 400_000] {
        stored_and_closed(dir.path(), but).await;
        volume.fill(but);
        let after = format!("a start with {but} bytes left");
        let mut world = World::open(dir.path()).await.unwrap_or_else(|error| panic!("{after}: {}", told(&error)));
        let deleted = world.delete(PLAIN, &format!("{but}-0.mp4")).await;
        assert!(deleted, "{after}: what makes room does not work");
        volume.free();
        world.settle(&after).await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_reserve_a_start_on_a_full_volume_says_that_it_is_full() {
    if !volumes::inside("full_volume::without_its_reserve_a_start_on_a_full_volume_says_that_it_is_full") {
        return;
    }
    let dir = folder().unwrap();
    let volume = Volume::new(dir.path(), 64 * MIB, &["data", FIRST, SECOND]);
    for but in [0, 4096] {
        stored_and_closed(dir.path(), but).await;
        std::fs::remove_file(data(dir.path()).join("reserve")).unwrap();
        volume.fill(but);
        let told = told(&World::open(dir.path()).await.err().expect("there is no room for a start"));
        assert!(told.contains("is full") && told.contains("Make room there"), "{but} bytes left: {told}");
        volume.free();
        let mut world = World::open(dir.path()).await.unwrap();
        world.settle(&format!("a start that found {but} bytes")).await;
        world.close().await;
    }
}

/// The reserve is given up when others take the room, and they may take that as well.
#[tokio::test(flavor = "multi_thread")]
async fn a_volume_whose_reserve_is_used_up_too_is_not_ready_until_it_has_room() {
    if !volumes::inside("full_volume::a_volume_whose_reserve_is_used_up_too_is_not_ready_until_it_has_room") {
        return;
    }
    let dir = folder().unwrap();
    let volume = Volume::new(dir.path(), 64 * MIB, &["data"]);
    let mut world = World::open(dir.path()).await.unwrap();
    world.start();
    assert!(world.upload(PLAIN, "before.mp4", vec![7; 1000]).await);
    let began = Instant::now();
    while world.vault.ready().await.is_ok() {
        assert!(began.elapsed() < 2 * PATIENCE, "it says that it is ready");
        volume.fill(0);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let refused = world.vault.ready().await.unwrap_err();
    assert!(matches!(refused, VaultError::Full(_)), "{refused:?}");
    volume.free();
    while world.vault.ready().await.is_err() {
        assert!(began.elapsed() < 4 * PATIENCE, "it is not ready again");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    world.settle("a volume without any room").await;
}

async fn stored_and_closed(root: &Path, run: u64) {
    let world = World::open(root).await.unwrap();
    for n in 0..8 {
        assert!(world.upload(PLAIN, &format!("{run}-{n}.mp4"), vec![7; 20_000 + n]).await, "there is room");
    }
    world.close().await;
}

fn told(error: &dyn StdError) -> String {
    let (mut told, mut cause) = (error.to_string(), error.source());
    while let Some(deeper) = cause {
        told += &format!(": {deeper}");
        cause = deeper.source();
    }
    told
}
