//! SIGKILL at every named step of an upload, a recovery, a delete, a copy, a move, a delivery: nothing is flushed, nothing is
//! tidied up. The next start makes good what was cut off.

use torture::killing::{End, Victim, run_until};
use torture::knobs;
use torture::world::{World, folder};
use vault::steps::Step;

/// Where the process before was killed, for what only happens after that.
fn before(step: Step) -> Option<Step> {
    match step {
        Step::RecoveryCleared => Some(Step::UploadPartSent),
        Step::RecoveryRead | Step::RecoveryCommitted => Some(Step::UploadPublished),
        _ => None,
    }
}

async fn holds_its_promise_after(deaths: &[String], root: &std::path::Path) {
    let after = format!("deaths at {}", deaths.join(", "));
    let mut world = World::open(root).await.unwrap_or_else(|error| panic!("after {after}: {error}"));
    world.settle(&after).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_step_a_vault_is_killed_at_nothing_answered_200_is_lost() {
    if let Some(victim) = Victim::myself() {
        return victim.live().await;
    }
    let test = "killed::whatever_step_a_vault_is_killed_at_nothing_answered_200_is_lost";
    let times: &[u32] = if knobs::long() { &[1, 2, 3] } else { &[1] };
    for step in Step::ALL {
        for nth in times {
            let dir = folder().unwrap();
            let mut deaths = Vec::new();
            for (run, at) in before(*step).into_iter().chain([*step]).enumerate() {
                let told = if at == *step { format!("{}#{nth}", at.name()) } else { at.name().to_owned() };
                match run_until(&told, test, dir.path(), run as u64) {
                    End::Killed => deaths.push(told),
                    End::Survived => break,
                    End::Failed(why) => panic!("killed at {deaths:?}, then on the way to {told}: {why}"),
                }
            }
            let came = deaths.iter().any(|told| told.starts_with(step.name()));
            assert!(came || *nth > 1, "the workload never comes to {}: let it", step.name());
            if came {
                holds_its_promise_after(&deaths, dir.path()).await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vault_killed_again_and_again_at_any_step_loses_nothing() {
    if let Some(victim) = Victim::myself() {
        return victim.live().await;
    }
    let test = "killed::a_vault_killed_again_and_again_at_any_step_loses_nothing";
    let seed = knobs::seed();
    eprintln!("TORTURE_SEED={seed}");
    let mut random = knobs::Random::new(seed);
    let (worlds, lives) = if knobs::long() { (40, 12) } else { (1, 5) };
    for _ in 0..worlds {
        let dir = folder().unwrap();
        let mut deaths = Vec::new();
        // Not every life comes to its step. One death at least there must be.
        for run in 0..10 * lives {
            if run >= lives && !deaths.is_empty() {
                break;
            }
            let step = Step::ALL[random.below(Step::ALL.len())];
            let told = format!("{}#{}", step.name(), 1 + random.below(3));
            match run_until(&told, test, dir.path(), run) {
                End::Failed(why) => panic!("seed {seed}, killed at {deaths:?}, then on the way to {told}: {why}"),
                End::Killed => deaths.push(told),
                End::Survived => {}
            }
        }
        assert!(!deaths.is_empty(), "seed {seed}: nobody was ever killed");
        holds_its_promise_after(&deaths, dir.path()).await;
    }
}
