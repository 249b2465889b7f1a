//! The disk below the database fails: at the *n*th operation, for every *n* of a step, once or from then on, for want of room
//! or by itself. The vault is never opened anew: what holds at the end holds in the process that met the failures.

use std::time::{Duration, Instant};
use torture::faults::{Plan, Trouble};
use torture::workload::Step;
use torture::world::{PLAIN, World, folder};
use torture::{invariants, knobs};

/// How the disk fails.
const WAYS: [(Trouble, bool); 4] =
    [(Trouble::Full, false), (Trouble::Broken, false), (Trouble::Full, true), (Trouble::Broken, true)];
/// Runs after which the vault is let come to rest.
const SETTLE_AFTER: u64 = 16;
/// How long a vault may take to store again once its disk is well.
const PATIENCE: Duration = Duration::from_secs(10);

/// Of `make test`, every so manieth operation; each way of failing begins with another one.
struct Pace {
    stride: u64,
}

impl Pace {
    fn quick(stride: u64) -> Self {
        Self { stride: if knobs::long() { 1 } else { stride } }
    }
}

async fn fail_at_every_operation_of(step: Step, pace: Pace) {
    let dir = folder().unwrap();
    let mut world = World::open(dir.path()).await.unwrap();
    let mut run = 0;
    for (way, (trouble, lasting)) in WAYS.into_iter().enumerate() {
        let mut nth = 1 + way as u64 % pace.stride;
        loop {
            run += 1;
            let plan = Plan { trouble, nth, lasting };
            let after = format!("{step:?}, disk {plan} (run {run})");
            step.prepare(&mut world, run).await;
            world.faults.arm(plan);
            let acted = tokio::time::timeout(Duration::from_secs(60), step.act(&mut world, run)).await;
            let report = world.faults.heal();
            assert!(acted.is_ok(), "after {after}, {report:?}: no answer");
            let broken = invariants::check_acknowledged(&world).await;
            assert!(broken.is_empty(), "after {after}, {report:?}, broken:\n  {}", broken.join("\n  "));
            works_again(&world, run, &after).await;
            let over = report.asked < nth;
            if over || run % SETTLE_AFTER == 0 {
                world.settle(&after).await;
            }
            if over {
                break;
            }
            step.clear(&world, run).await;
            nth += pace.stride;
        }
        eprintln!("{step:?}: {trouble:?}, lasting {lasting}: {nth} operations");
    }
    let dir_again = World::open(dir.path()).await;
    drop(world);
    dir_again.unwrap().settle(&format!("{step:?}, and a new start")).await;
}

/// It stores, answers so, and it is true.
async fn works_again(world: &World, run: u64, after: &str) {
    let began = Instant::now();
    while !world.upload(PLAIN, "again.mp4", format!("again {run}").into_bytes()).await {
        assert!(began.elapsed() < PATIENCE, "after {after} the vault does not store again");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let broken = invariants::check_acknowledged(world).await;
    assert!(broken.is_empty(), "after {after} it said that it stores again, broken:\n  {}", broken.join("\n  "));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_answered_200_is_there_whichever_write_of_the_database_failed() {
    fail_at_every_operation_of(Step::Upload, Pace::quick(1)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_in_parts_answered_200_is_there_whichever_write_of_the_database_failed() {
    fail_at_every_operation_of(Step::UploadInParts, Pace::quick(5)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replaced_recording_is_the_old_or_the_new_one_whichever_write_of_the_database_failed() {
    fail_at_every_operation_of(Step::Replace, Pace::quick(2)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_that_share_a_commit_share_its_failure() {
    fail_at_every_operation_of(Step::Group, Pace::quick(5)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_recording_is_gone_or_whole_whichever_write_of_the_database_failed() {
    fail_at_every_operation_of(Step::Delete, Pace::quick(2)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_event_arrives_whichever_write_of_the_database_failed() {
    fail_at_every_operation_of(Step::Deliver, Pace::quick(5)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_is_whole_or_not_there_whichever_write_of_the_database_failed() {
    fail_at_every_operation_of(Step::Copy, Pace::quick(17)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_moved_recording_is_at_one_place_whichever_write_of_the_database_failed() {
    fail_at_every_operation_of(Step::Move, Pace::quick(5)).await;
}
