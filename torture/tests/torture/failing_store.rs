//! A store fails: at the *n*th call, for every *n* of a step. Nothing was done, or it was and only the answer is lost, or there
//! is no room. (What stores say that is not true: `crates/backends/tests`.)

use crate::every::{Failing, fail_at_every_moment_of};
use torture::flaky::{Mishap, StorePlan};
use torture::workload::Step;
use torture::world::World;

struct Stores;

impl Failing for Stores {
    /// How, and whether they go on failing.
    type Way = (Mishap, bool);
    const WAYS: &[Self::Way] = &[
        (Mishap::Refused, false),
        (Mishap::AnswerLost, false),
        (Mishap::Full, false),
        (Mishap::Refused, true),
        (Mishap::AnswerLost, true),
        (Mishap::Full, true),
    ];

    fn arm(world: &World, (mishap, lasting): Self::Way, nth: u64) {
        world.store_faults.arm(StorePlan { mishap, nth, lasting });
    }

    fn heal(world: &World) -> (u64, Option<String>) {
        let report = world.store_faults.heal();
        (report.asked, report.failed.map(str::to_owned))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_in_pieces_goes_on_whichever_call_of_its_store_failed() {
    fail_at_every_moment_of::<Stores>(Step::UploadInPieces, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_is_stored_or_refused_whichever_call_of_its_store_failed() {
    fail_at_every_moment_of::<Stores>(Step::Upload, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_in_parts_leaves_no_parts_whichever_call_of_its_store_failed() {
    fail_at_every_moment_of::<Stores>(Step::UploadInParts, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replaced_recording_is_the_old_or_the_new_one_whichever_call_of_its_store_failed() {
    fail_at_every_moment_of::<Stores>(Step::Replace, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_recording_leaves_no_object_whichever_call_of_its_store_failed() {
    fail_at_every_moment_of::<Stores>(Step::Delete, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_is_whole_or_not_there_whichever_call_of_its_stores_failed() {
    fail_at_every_moment_of::<Stores>(Step::Copy, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_moved_recording_is_at_one_place_whichever_call_of_its_stores_failed() {
    fail_at_every_moment_of::<Stores>(Step::Move, 2).await;
}
