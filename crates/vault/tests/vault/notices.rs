//! What an administrator must see stays until its cause is gone, or somebody has put it away.

use crate::support::{TestVault, actor};
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
