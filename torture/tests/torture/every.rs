//! Something fails at the *n*th moment of a step, for every *n*, once or from then on. The vault is never opened anew: what
//! holds at the end holds in the process that met the failures.

use std::fmt::Debug;
use std::time::Duration;
use torture::workload::Step;
use torture::world::{World, folder};
use torture::{invariants, knobs};

/// Runs after which the vault is let come to rest.
const SETTLE_AFTER: u64 = 16;
/// How long a step may take to end, well or not.
const STEP: Duration = Duration::from_secs(60);

/// Something that can fail.
pub(crate) trait Failing {
    /// In which ways.
    type Way: Debug + Copy + 'static;
    /// All of them.
    const WAYS: &[Self::Way];

    /// From now on it fails at the nth moment.
    fn arm(world: &World, way: Self::Way, nth: u64);

    /// All is well again; how many moments there were, and what failed, if anything did.
    fn heal(world: &World) -> (u64, Option<String>);
}

/// In `make test`, of so many moments one is tried; each way of failing begins with another one.
pub(crate) async fn fail_at_every_moment_of<F: Failing>(step: Step, one_of: u64) {
    let stride = if knobs::long() { 1 } else { one_of };
    let dir = folder().unwrap();
    let mut world = World::open(dir.path()).await.unwrap();
    let (mut run, mut struck) = (0, 0);
    for (number, way) in F::WAYS.iter().enumerate() {
        let mut nth = 1 + number as u64 % stride;
        loop {
            run += 1;
            step.prepare(&mut world, run).await;
            F::arm(&world, *way, nth);
            let acted = tokio::time::timeout(STEP, step.act(&mut world, run)).await;
            let (moments, failed) = F::heal(&world);
            struck += u64::from(failed.is_some());
            let after = format!("{step:?}, {way:?}, {nth} of {moments} (run {run}): {failed:?}");
            assert!(acted.is_ok(), "after {after}: no answer");
            let broken = invariants::check_acknowledged(&world).await;
            assert!(broken.is_empty(), "after {after}, broken:\n  {}", broken.join("\n  "));
            world.stores_again(run, &after).await;
            let over = moments < nth;
            if over || run % SETTLE_AFTER == 0 {
                world.settle(&after).await;
            }
            step.clear(&world, run).await;
            if over {
                break;
            }
            nth += stride;
        }
        eprintln!("{step:?}, {way:?}: {nth} moments");
    }
    assert!(struck > 0, "{step:?}: nothing ever failed");
    world.close().await;
    World::open(dir.path()).await.unwrap().settle(&format!("{step:?}, and a new start")).await;
}
