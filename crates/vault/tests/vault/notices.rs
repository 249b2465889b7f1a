//! What an administrator must see stays until its cause is gone, or somebody has put it away.

use crate::support::{TestVault, actor};
use sea_orm::{ConnectionTrait as _, EntityTrait as _};
use vault::entity::notice;
use vault::notices::Notice;

fn lying(provider: &str, text: &str) -> Notice {
    Notice {
        code: "store-mismatch",
        subject: provider.into(),
        text: text.into(),
        cure: "Validate it.".into(),
        dismissible: true,
    }
}

#[tokio::test]
async fn one_for_each_thing_counted_and_kept_over_a_restart() {
    let mut t = TestVault::new().await;
    for _ in 0..3 {
        t.vault.notices.raise(lying("local", "It lies.")).await;
    }
    t.vault.notices.raise(lying("other", "It lies too.")).await;
    t.vault.notices.raise(lying("local", "It lies in another way.")).await;
    let seen = t.vault.notices.list().await.unwrap();
    assert_eq!(seen.len(), 2);
    let local = seen.iter().find(|n| n.subject == "local").unwrap();
    assert_eq!((local.times, local.text.as_str()), (4, "It lies in another way."));

    t.restart().await;
    let kept = t.vault.notices.list().await.unwrap();
    assert_eq!(kept.len(), 2);
    assert_eq!(kept.iter().find(|n| n.subject == "local").unwrap().times, 4);
    t.vault.notices.clear("store-mismatch", "local").await;
    assert_eq!(t.vault.notices.list().await.unwrap().len(), 1);
}

#[tokio::test]
async fn dismissed_by_an_administrator_and_only_where_that_makes_sense() {
    let t = TestVault::new().await;
    t.vault.notices.raise(lying("local", "It lies.")).await;
    t.vault.notices.raise(Notice { dismissible: false, ..lying("disk", "It is full.") }).await;
    t.vault.notices.dismiss(&actor(), "store-mismatch", "local").await.unwrap();
    assert!(t.vault.notices.dismiss(&actor(), "store-mismatch", "disk").await.is_err());
    assert!(t.vault.notices.dismiss(&actor(), "store-mismatch", "local").await.is_err(), "it is gone");
    let left: Vec<_> = t.vault.notices.list().await.unwrap().into_iter().map(|n| n.subject).collect();
    assert_eq!(left, ["disk"]);
    let audit = t.vault.audit.latest(1).await.unwrap().remove(0);
    assert_eq!((audit.action.as_str(), audit.subject.as_str()), ("dismissed notice", "store-mismatch local"));
}

/// With a thousand damaged rows the disk may be full as well.
#[tokio::test]
async fn many_of_a_kind_hide_no_other() {
    let t = TestVault::new().await;
    for n in 0..300 {
        t.vault.notices.raise(lying(&format!("store {n}"), "It lies.")).await;
    }
    t.vault.notices.raise(Notice { code: "disk-full", ..lying("", "It is full.") }).await;
    let seen = t.vault.notices.list().await.unwrap();
    assert!(seen.len() < 200 && seen.iter().any(|notice| notice.code == "disk-full"), "{} are seen", seen.len());
}

/// Through another vault of the same database.
#[tokio::test]
async fn what_was_put_away_elsewhere_is_not_shown_here() {
    let t = TestVault::new().await;
    t.vault.notices.raise(lying("local", "It lies.")).await;
    notice::Entity::delete_many().exec(&t.tables().await).await.unwrap();
    assert_eq!(t.vault.notices.list().await.unwrap(), []);
    t.vault.notices.raise(lying("local", "It lies.")).await;
    assert_eq!(t.vault.notices.list().await.unwrap().len(), 1, "met again, it is told again");
}

#[tokio::test]
async fn a_damaged_row_that_was_put_away_is_told_again_only_after_it_was_mended() {
    let t = TestVault::new().await;
    let directory = async |text: &str| {
        let sql = format!("UPDATE accounts SET directory = '{text}' WHERE name = 'site-b'");
        t.tables().await.execute_unprepared(&sql).await.unwrap();
        t.vault.keep_house().await;
        t.vault.notices.list().await.unwrap()
    };
    let told = directory("a//b").await.remove(0);
    t.vault.notices.dismiss(&actor(), &told.code, &told.subject).await.unwrap();
    assert_eq!(directory("a//b").await, [], "it is met every minute");
    assert_eq!(directory("a/b").await, []);
    assert_eq!(directory("a//b").await.len(), 1);
}
