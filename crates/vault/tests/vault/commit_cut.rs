//! The connection to PostgreSQL breaks during COMMIT: what became of it is looked up, not guessed.

use crate::support::{Cut, TestVault};
use sea_orm::{EntityTrait as _, PaginatorTrait as _};
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
