//! PostgreSQL's machine dies, or its network swallows everything: nobody is told, and nobody waits for ever.

use crate::support::{TestVault, actor, until};
use futures::FutureExt as _;
use futures::future::join_all;
use std::collections::HashSet;
use std::ops::Range;
use std::time::Duration;
use tokio::time::timeout;

/// More than there are connections of any kind.
const MANY: usize = 20;
/// Longer than all of them may wait.
const LONG: Duration = Duration::from_secs(100);

fn name(n: usize) -> String {
    format!("{n}.mp4")
}

/// The keys of what is answered 200.
async fn upload_many(t: &TestVault, many: Range<usize>) -> impl Future<Output = HashSet<String>> {
    let mut requests = Vec::new();
    for n in many {
        requests.push((n, t.request(&name(n)).await));
    }
    // Whose they are is known before anything fails.
    let uploads = requests.into_iter().map(|(n, request)| async move {
        let stored = t.send(request, name(n).as_bytes()).await;
        stored.is_ok().then(|| format!("dir/{}", name(n)))
    });
    join_all(uploads).map(|keys| keys.into_iter().flatten().collect())
}

async fn keys(t: &TestVault) -> HashSet<String> {
    t.listed().await.into_iter().map(|row| row.key).collect()
}

#[tokio::test]
async fn a_vault_stores_again_without_a_restart_after_its_database_was_silent() {
    let (t, line) = TestVault::impatient_on_a_line_to_postgres().await;
    for round in 0..2 {
        let before = upload_many(&t, 0..MANY / 4).await.await;
        assert_eq!(before.len(), MANY / 4);
        // Some have a turn then, some wait for one, some write, some read.
        let falls = line.clone();
        *t.world.store.at_put.lock().unwrap() = Some(Box::new(move || falls.fall_silent()));
        let reads = join_all((0..MANY).map(|_| t.vault.deliveries.count(None)));
        let all = futures::future::join(upload_many(&t, MANY / 4..MANY).await, reads);
        let mut answered = timeout(LONG, all).await.expect("everybody gets an answer").0;
        answered.extend(before);
        t.vault.ready().await.expect_err("it cannot store");

        line.speak();
        until("it is ready", || t.vault.ready().map(|ready| ready.is_ok())).await;
        assert!(keys(&t).await.is_superset(&answered), "round {round}: answered 200, so it is there");
        // Nobody has kept the turn at a key.
        for name in (0..MANY).map(name) {
            until("it stores", || t.upload(&name, name.as_bytes()).map(|stored| stored.is_ok())).await;
            assert_eq!(t.content(&name).await.unwrap(), name.as_bytes());
        }
        assert_eq!(keys(&t).await.len(), MANY);
        for row in t.listed().await {
            let found = t.vault.recordings.find_by_id(&actor(), row.id).await.unwrap();
            t.vault.recordings.delete(&crate::support::actor(), &found).await.unwrap();
        }
    }
}

/// A connection that nobody used when the line fell silent is not the next one's trouble for long.
#[tokio::test]
async fn connections_that_were_idle_when_it_fell_silent_are_not_used_for_ever() {
    let (t, line) = TestVault::impatient_on_a_line_to_postgres().await;
    assert_eq!(upload_many(&t, 0..MANY).await.await.len(), MANY);
    line.fall_silent();
    line.speak();
    let again = async { until("it reads", || t.vault.deliveries.count(None).map(|count| count.is_ok())).await };
    timeout(LONG, again).await.expect("it has other connections");
    timeout(LONG, t.vault.close()).await.expect("it can be stopped").unwrap();
}
