//! A damaged row harms only itself, and is told with its place.

use crate::support::TestVault;
use model::Secret;
use sea_orm::ConnectionTrait as _;
use vault::VaultError;

async fn a_bad_directory_leaves_the_other_accounts_alone(mut t: TestVault) {
    let id = t.account("site-b").await.id;
    t.tables().await.execute_unprepared("UPDATE accounts SET directory = 'a//b' WHERE name = 'site-b'").await.unwrap();
    for _ in 0..2 {
        t.restart().await;
        assert_eq!(t.account("site-a").await.name, "site-a");
        let damaged = t.vault.accounts.authenticate("site-b", &Secret::new("secret-of-site-b")).await;
        assert!(matches!(damaged, Err(VaultError::Damaged { table: "accounts", column: "directory", .. })));
        let wrong = t.vault.accounts.authenticate("site-b", &Secret::new("wrong")).await;
        assert!(wrong.unwrap().is_none(), "only who knows the secret is told");
        assert_eq!(t.vault.accounts.list().await.unwrap().len(), 2);
        let notices = t.vault.notices.list().await.unwrap();
        let told = notices.iter().find(|n| n.code == "damaged-row").expect("a notice");
        assert_eq!(told.subject, format!("accounts {id} directory"));
        assert!(!told.text.contains("a//b"), "the value is not told");
    }
}

#[tokio::test]
async fn a_bad_directory_leaves_the_other_accounts_alone_on_sqlite() {
    a_bad_directory_leaves_the_other_accounts_alone(TestVault::new().await).await;
}

#[tokio::test]
async fn a_bad_directory_leaves_the_other_accounts_alone_on_postgres() {
    a_bad_directory_leaves_the_other_accounts_alone(TestVault::on_postgres().await).await;
}
