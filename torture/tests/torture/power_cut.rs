//! The power goes right after an answer: of the database only what was synced is left. Syncs fail before that, and the system
//! forgets what they were for. (What the folders of recordings hold is taken as it is: that is the file system's to sync.)

use std::path::Path;
use torture::faults::{DiskError, Operation, Plan, Report};
use torture::knobs;
use torture::workload::Step;
use torture::world::{World, data, folder};

/// What the power cut leaves, as a world of its own. Nothing runs meanwhile.
fn left_of(world: &World, at: &Path) {
    copy(world.root(), at);
    // The memory that connections share is gone, and made anew from what is there.
    let _ = std::fs::remove_file(data(at).join("vault.db-shm"));
    world.faults.platter.leave_at(&data(at)).unwrap();
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap() {
            kind if kind.is_dir() => copy(&entry.path(), &target),
            _ => _ = std::fs::copy(entry.path(), &target).unwrap(),
        }
    }
}

/// The power goes after every run of a step, the disk failing meanwhile as planned for that run.
async fn power_goes_after(steps: &[Step], runs: u64, plan: impl Fn(u64) -> Option<Plan>) -> Vec<Report> {
    let (mut reports, mut answered) = (Vec::new(), 0);
    let dir = folder().unwrap();
    let mut world = World::open(dir.path()).await.unwrap();
    world.faults.platter.begin(&data(dir.path())).unwrap();
    for run in 1..=runs {
        let step = steps[usize::try_from(run).unwrap() % steps.len()];
        step.prepare(&mut world, run).await;
        if let Some(plan) = plan(run) {
            world.faults.arm(plan);
        }
        let before = world.ledger.acknowledged().len();
        step.act(&mut world, run).await;
        answered += world.ledger.acknowledged().len() - before;
        let report = world.faults.heal();
        let left = dir.path().with_extension("left");
        left_of(&world, &left);
        let mut after = World::open(&left).await.unwrap();
        after.settle(&format!("{step:?} (run {run}), {report:?}, and a power cut")).await;
        after.close().await;
        std::fs::remove_dir_all(&left).unwrap();
        step.clear(&world, run).await;
        reports.push(report);
    }
    assert!(answered > 0, "no upload was answered 200 before the power went");
    reports
}

#[tokio::test(flavor = "multi_thread")]
async fn a_power_cut_right_after_a_200_loses_nothing() {
    let runs = if knobs::long() { 400 } else { 16 };
    power_goes_after(&Step::ALL, runs, |_| None).await;
}

/// For each step the number of the operation goes round from run to run, so that in a long run each of its syncs fails.
#[tokio::test(flavor = "multi_thread")]
async fn a_sync_that_failed_is_never_taken_for_one_that_did_not() {
    let steps = [Step::Upload, Step::Replace, Step::Group, Step::Delete];
    // Each step times each of sixty operations.
    let runs = if knobs::long() { 240 } else { 40 };
    let plan = |run| Some(Plan { trouble: DiskError::Broken, nth: 1 + run / 4 * 7 % 60, lasting: false });
    let reports = power_goes_after(&steps, runs, plan).await;
    let syncs =
        reports.iter().flat_map(|report| &report.failed).filter(|(_, failed)| *failed == Operation::Sync).count();
    assert!(syncs > 0, "no sync ever failed");
}
