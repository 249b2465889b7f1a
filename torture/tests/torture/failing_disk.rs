//! The disk below the database fails: at the *n*th operation, for every *n* of a step, for want of room or by itself.

use crate::every::{Failing, fail_at_every_moment_of};
use std::time::Duration;
use torture::faults::{DiskError, Plan};
use torture::workload::Step;
use torture::world::{PLAIN, World, folder};

struct Disk;

impl Failing for Disk {
    /// How, and whether it goes on failing.
    type Way = (DiskError, bool);
    const WAYS: &[Self::Way] =
        &[(DiskError::Full, false), (DiskError::Broken, false), (DiskError::Full, true), (DiskError::Broken, true)];

    fn arm(world: &World, (trouble, lasting): Self::Way, nth: u64) {
        world.faults.arm(Plan { trouble, nth, lasting });
    }

    fn heal(world: &World) -> (u64, Option<String>) {
        let report = world.faults.heal();
        (report.asked, (!report.failed.is_empty()).then(|| format!("{:?}", report.failed)))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_answered_200_is_there_whichever_write_of_the_database_failed() {
    fail_at_every_moment_of::<Disk>(Step::Upload, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_in_parts_answered_200_is_there_whichever_write_of_the_database_failed() {
    fail_at_every_moment_of::<Disk>(Step::UploadInParts, 5).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_in_pieces_goes_on_whichever_write_of_the_database_failed() {
    fail_at_every_moment_of::<Disk>(Step::UploadInPieces, 11).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replaced_recording_is_the_old_or_the_new_one_whichever_write_of_the_database_failed() {
    fail_at_every_moment_of::<Disk>(Step::Replace, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_that_share_a_commit_share_its_failure() {
    fail_at_every_moment_of::<Disk>(Step::Group, 5).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_recording_is_gone_or_whole_whichever_write_of_the_database_failed() {
    fail_at_every_moment_of::<Disk>(Step::Delete, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_event_arrives_whichever_write_of_the_database_failed() {
    fail_at_every_moment_of::<Disk>(Step::Deliver, 5).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_is_whole_or_not_there_whichever_write_of_the_database_failed() {
    fail_at_every_moment_of::<Disk>(Step::Copy, 17).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_moved_recording_is_at_one_place_whichever_write_of_the_database_failed() {
    fail_at_every_moment_of::<Disk>(Step::Move, 5).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_takes_no_writes_is_not_ready_until_it_does() {
    let dir = folder().unwrap();
    let world = World::open(dir.path()).await.unwrap();
    for trouble in [DiskError::Full, DiskError::Broken] {
        world.faults.arm(Plan { trouble, nth: 1, lasting: true });
        // That it was ready a moment ago counts only until a write fails.
        assert!(!world.upload(PLAIN, "refused.mp4", vec![1; 100]).await, "{trouble:?}");
        for _ in 0..3 {
            world.vault.ready().await.expect_err("nothing can be written");
        }
        world.faults.heal();
        until_ready(&world).await;
        assert!(world.upload(PLAIN, &format!("{trouble:?}.mp4"), vec![2; 100]).await, "{trouble:?}");
    }
    world.close().await;
}

async fn until_ready(world: &World) {
    let ready = async {
        while world.vault.ready().await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), ready).await.expect("ready when it is well again");
}
