use crate::support::{TestVault, account, actor, connection};
use model::Secret;
use model::account::{AccountForm, Leavings};
use model::connection::{ConnectionForm, Family};
use model::field::Settings;
use vault::Provisioning;
use vault::VaultError;
use vault::deliveries::Backlog;

fn s3(id: Option<i64>, host: &str, secret: &str) -> ConnectionForm {
    let settings = Settings::new()
        .with("bucket", "recordings")
        .with("host", host)
        .with("access_key", "key")
        .with("secret_key", secret);
    ConnectionForm { id, ..connection(Family::Provider, "minio", "store", settings) }
}

#[tokio::test]
async fn secrets_stay_inside_and_are_kept_only_for_their_host() {
    let t = TestVault::new().await;
    let id = t.vault.connections.save(&actor(), s3(None, "minio:9000", "hush")).await.unwrap();
    let view = t.vault.connections.get(id).await.unwrap();
    assert_eq!((view.settings.get("secret_key"), view.secrets_set), ("", vec!["secret_key".to_owned()]));
    t.vault.connections.save(&actor(), s3(Some(id), "minio:9000", "")).await.expect("blank keeps it");
    let moved = t.vault.connections.save(&actor(), s3(Some(id), "evil:9000", "")).await;
    assert!(matches!(moved, Err(VaultError::Invalid(_))));
    let tried = t.vault.connections.validate(s3(Some(id), "evil:9000", "")).await;
    assert!(matches!(tried, Err(VaultError::Invalid(_))), "Validate must not send it there either");
}

#[tokio::test]
async fn what_is_in_use_is_not_deleted() {
    let t = TestVault::new().await;
    for family in [Family::Provider, Family::Integration] {
        let id = t.vault.connections.list(family).await.unwrap()[0].id;
        assert!(matches!(t.vault.connections.delete(&actor(), id, Backlog::Keep).await, Err(VaultError::Conflict(_))));
    }
    let id = t.vault.connections.save(&actor(), s3(None, "minio:9000", "x")).await.unwrap();
    assert!(matches!(
        t.vault.connections.save(&actor(), s3(None, "minio:9000", "x")).await,
        Err(VaultError::Conflict(_))
    ));
    t.vault.connections.delete(&actor(), id, Backlog::Keep).await.unwrap();
}

#[tokio::test]
async fn credentials_open_one_account_until_they_change() {
    let t = TestVault::new().await;
    let wrong = [("site-a", "secret-of-site-b"), ("nobody", "secret-of-site-a"), ("", ""), ("site-a", "")];
    for (access, secret) in wrong {
        assert!(t.vault.accounts.authenticate(access, &Secret::new(secret)).await.unwrap().is_none(), "{access}");
    }
    let id = t.account("site-a").await.id;
    let changed = AccountForm {
        id: Some(id),
        secret_key: "a-fresh-one,4711".into(),
        directory: "fixed".into(),
        ..account("site-a")
    };
    t.vault.accounts.save(&actor(), changed).await.unwrap();
    assert!(t.vault.accounts.authenticate("site-a", &Secret::new("secret-of-site-a")).await.unwrap().is_none());
    let fresh = t.vault.accounts.authenticate("site-a", &Secret::new("a-fresh-one,4711")).await.unwrap().unwrap();
    assert_eq!(fresh.directory("anything/..").unwrap().as_str(), "fixed", "a fixed directory ignores the agent's");
    assert_eq!(t.vault.accounts.reveal(&actor(), id).await.unwrap().secret_key, "a-fresh-one,4711");
    let latest = t.vault.audit.latest(1).await.unwrap().remove(0);
    assert_eq!((latest.action.as_str(), latest.subject.as_str()), ("revealed secret key", "site-a"));
}

#[tokio::test]
async fn accounts_are_checked() {
    let t = TestVault::new().await;
    for (form, field) in [
        (AccountForm { name: String::new(), ..account("site-x") }, "name"),
        (AccountForm { provider: "nowhere".into(), ..account("site-x") }, "provider"),
        (AccountForm { integrations: vec!["nothing".into()], ..account("site-x") }, "integrations"),
        (AccountForm { directory: "../x".into(), ..account("site-x") }, "directory"),
        (AccountForm { access_key: "a b".into(), ..account("site-x") }, "access_key"),
        (AccountForm { secret_key: String::new(), ..account("site-x") }, "secret_key"),
        (AccountForm { secret_key: "Sh0rt-but-w1ld!".into(), ..account("site-x") }, "secret_key"),
        (AccountForm { secret_key: "password12345678".into(), ..account("site-x") }, "secret_key"),
        (AccountForm { day_limit: -1, ..account("site-x") }, "day_limit"),
    ] {
        match t.vault.accounts.save(&actor(), form).await {
            Err(VaultError::Invalid(errors)) => assert_eq!(errors[0].field, field),
            other => panic!("{field}: {other:?}"),
        }
    }
    assert!(matches!(t.vault.accounts.save(&actor(), account("site-a")).await, Err(VaultError::Conflict(_))));
}

/// Its agents are installed: it works, and an administrator is told.
#[tokio::test]
async fn a_declared_secret_that_is_easy_to_guess_is_told_and_works() {
    let t = TestVault::new().await;
    let declare = async |secret: &str| {
        let accounts = vec![AccountForm { secret_key: secret.into(), ..account("site-a") }];
        t.vault.provision(Provisioning { accounts, ..Default::default() }).await.unwrap();
        assert!(t.vault.accounts.authenticate("site-a", &Secret::new(secret)).await.unwrap().is_some());
        let notices = t.vault.notices.list().await.unwrap().into_iter().filter(|n| n.code == "weak-secret");
        notices.map(|n| (n.subject, n.text)).collect::<Vec<_>>()
    };
    let told = |why: &str| vec![("account site-a".to_owned(), format!("The secret key of account site-a {why}."))];
    assert_eq!(declare("sk").await, told("needs at least 16 characters"));
    assert_eq!(declare("password12345678").await, told("is easy to guess"));
    assert_eq!(declare("kLx8-vQ2mTz9-0417").await, []);
}

#[tokio::test]
async fn a_configured_password_that_is_easy_to_guess_is_told() {
    let t = TestVault::new().await;
    for (password, told) in [("kerberosvault1", 1), ("correct horse battery staple", 0)] {
        t.vault.tell_of_password("root", &Secret::new(password)).await;
        let notices = t.vault.notices.list().await.unwrap();
        assert_eq!(notices.iter().filter(|n| n.subject == "user root").count(), told, "{password}");
    }
}

#[tokio::test]
async fn a_key_that_everyone_may_read_is_told_until_it_is_mended() {
    let mut t = TestVault::new().await;
    for (mode, told) in [(0o644, 1), (0o600, 0)] {
        t.set_key_permissions(mode);
        t.restart().await;
        let notices = t.vault.notices.list().await.unwrap().into_iter().filter(|n| n.code == "readable-by-others");
        let texts: Vec<_> = notices.map(|n| n.text + " " + &n.cure).collect();
        assert_eq!(texts.len(), told, "{mode:o}: {texts:?}");
        assert!(texts.iter().all(|text| text.contains("master key file") && text.contains("chmod 600")), "{texts:?}");
    }
}

#[tokio::test]
async fn provisioned_things_are_read_only_and_applying_them_again_changes_nothing() {
    let t = TestVault::new().await;
    let wanted = || Provisioning {
        connections: vec![s3(None, "minio:9000", "hush")],
        accounts: vec![AccountForm { provider: "store".into(), ..account("declared") }],
        ..Default::default()
    };
    for _ in 0..2 {
        t.vault.provision(wanted()).await.unwrap();
    }
    let store =
        t.vault.connections.list(Family::Provider).await.unwrap().into_iter().find(|c| c.name == "store").unwrap();
    t.vault.connections.validate_stored(store.id).await.expect("nobody can type its secret again");
    assert!(matches!(t.vault.connections.validate_stored(999_999).await, Err(VaultError::NotFound(_))));
    let hook = |secret: &str| {
        let settings = Settings::new().with("url", "http://127.0.0.1/").with("secret", secret);
        let connections = vec![connection(Family::Integration, "webhook", "declared", settings)];
        Provisioning { connections, ..wanted() }
    };
    for (secret, set) in [("s", 1), ("", 0)] {
        t.vault.provision(hook(secret)).await.unwrap();
        let declared = t.vault.connections.list(Family::Integration).await.unwrap().remove(0);
        assert_eq!(
            (declared.name.as_str(), declared.secrets_set.len()),
            ("declared", set),
            "what the file leaves out is gone"
        );
    }
    let view = t.vault.accounts.list().await.unwrap().into_iter().find(|a| a.name == "declared").unwrap();
    assert!(view.provisioned);
    assert!(matches!(
        t.vault.accounts.delete(&actor(), view.id, Leavings::Keep).await,
        Err(VaultError::Provisioned(_))
    ));
    t.vault.provision(Provisioning::default()).await.unwrap();
    t.vault.accounts.delete(&actor(), view.id, Leavings::Keep).await.expect("no longer declared, hence editable");
}

#[tokio::test]
async fn a_missing_or_wrong_key_file_is_named_instead_of_replaced() {
    let t = TestVault::new().await;
    for (change, message) in
        [(None, "is missing"), (Some("A".repeat(43) + "="), "cannot be opened with this vault's master key")]
    {
        let error = t.reopen_with_key(change.as_deref()).await.err().expect("must not start");
        assert!(error.to_string().contains(message), "{error}");
    }
}

#[tokio::test]
async fn a_user_named_like_what_the_vault_does_is_not_the_vault() {
    let t = TestVault::new().await;
    let who = async || {
        let entry = t.vault.audit.latest(1).await.unwrap().remove(0);
        (entry.actor_kind, entry.actor)
    };
    let declared = Provisioning { accounts: vec![account("declared")], ..Provisioning::default() };
    t.vault.provision(declared).await.unwrap();
    assert_eq!(who().await, ("vault".into(), "provisioning".into()));
    let password = Secret::new("a password for tests");
    t.vault.users.ensure_admin(Some("provisioning"), Some(&password)).await.unwrap();
    let user = t.vault.users.sign_in("provisioning", &password, "test").await.unwrap();
    t.vault.accounts.save(&user.principal(), account("typed-in")).await.unwrap();
    assert_eq!(who().await, ("person".into(), "provisioning".into()));
}
