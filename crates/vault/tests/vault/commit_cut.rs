//! The connection to PostgreSQL breaks during COMMIT, or is silent from then on: what became of it is looked up, not
//! guessed.

use crate::support::{Cut, TestVault, until};
use sea_orm::{EntityTrait as _, PaginatorTrait as _};
use std::time::Duration;
use vault::entity::upload;
use vault::ingest::Outcome;

#[tokio::test]
async fn an_upload_whose_commit_was_not_answered_is_stored_once_with_its_events() {
    for when in [Cut::Before, Cut::After] {
        let (t, line) = TestVault::on_a_line_to_postgres().await;
        for n in 0..3 {
            let (name, bytes) = (format!("{n}.mp4"), vec![n; 1000]);
            // By then the intent has been committed: the next COMMIT is the recording's.
            let cut = line.clone();
            *t.world.store.at_put.lock().unwrap() = Some(Box::new(move || cut.cut(when)));
            let upload = t.upload(&name, &bytes).await;
            assert!(!line.is_armed(), "{when:?}: the line was cut");
            let stored = upload.unwrap_or_else(|error| panic!("{when:?}: {error}"));
            assert_eq!(stored.outcome, Outcome::New);
            let rows = t.listed().await;
            assert_eq!(rows.iter().filter(|row| row.key == format!("dir/{name}")).count(), 1);
            let events = 2 * (i64::from(n) + 1);
            assert_eq!(
                t.vault.deliveries.count(None).await.unwrap(),
                (events, 0),
                "{when:?}: once for each integration"
            );
        }
        assert_eq!(upload::Entity::find().count(&t.tables().await).await.unwrap(), 0, "{when:?}: no intent stays");
    }
}

#[tokio::test]
async fn an_upload_whose_commit_met_silence_is_stored_once_with_its_events() {
    for when in [Cut::SilentBefore, Cut::SilentAfter] {
        let (t, line) = TestVault::impatient_on_a_line_to_postgres().await;
        let cut = line.clone();
        *t.world.store.at_put.lock().unwrap() = Some(Box::new(move || cut.cut(when)));
        let back = async {
            t.world.store.put_begins().await;
            until("the line is silent", || async { !line.is_armed() }).await;
            line.speak();
        };
        let both = futures::future::join(t.upload("a.mp4", b"once"), back);
        let both = tokio::time::timeout(Duration::from_secs(60), both).await;
        let stored = both.unwrap_or_else(|_| panic!("{when:?}: it waits for ever")).0;
        assert_eq!(stored.unwrap_or_else(|error| panic!("{when:?}: {error}")).outcome, Outcome::New);
        assert_eq!(t.listed().await.len(), 1, "{when:?}");
        assert_eq!(t.vault.deliveries.count(None).await.unwrap(), (2, 0), "{when:?}: once for each integration");
        assert_eq!(upload::Entity::find().count(&t.tables().await).await.unwrap(), 0, "{when:?}: no intent stays");
    }
}
