//! Where an account's agents may store: at which providers, in which directories, and under which of their names.

use crate::support::{TestVault, account, actor, connection};
use model::account::{AccountForm, AccountView};
use model::connection::{ConnectionForm, Family};
use model::field::Settings;
use sea_orm::EntityTrait as _;
use std::collections::BTreeSet;
use vault::entity::lane;
use vault::ingest::{Outcome, UploadError, UploadRequest};
use vault::{Provisioning, Renamed, VaultError};

async fn view(t: &TestVault, name: &str) -> AccountView {
    t.vault.accounts.list().await.unwrap().into_iter().find(|a| a.name == name).unwrap()
}

/// Changes an account of the test's vault.
async fn change(t: &TestVault, name: &str, change: impl FnOnce(AccountForm) -> AccountForm) -> Result<(), VaultError> {
    let id = Some(view(t, name).await.id);
    t.vault.accounts.save(&actor(), change(AccountForm { id, ..account(name) })).await.map(drop)
}

async fn to(t: &TestVault, account: &str, provider: &str) -> Result<Outcome, UploadError> {
    let named = Some(provider.to_owned());
    let request = UploadRequest { account: t.account(account).await, provider: named, ..t.request("a.mp4").await };
    t.send(request, b"x").await.map(|stored| stored.outcome)
}

fn folder(name: &str) -> ConnectionForm {
    connection(Family::Provider, "filesystem", name, Settings::new().with("path", format!("/mnt/{name}")))
}

#[tokio::test]
async fn an_account_names_only_providers_that_it_may_use() {
    let t = TestVault::new().await;
    t.vault.connections.save(&actor(), folder("second")).await.unwrap();
    for named in ["second", "nowhere"] {
        let refused = to(&t, "site-a", named).await;
        assert!(matches!(&refused, Err(UploadError::ProviderNotFound(name)) if name == named), "{refused:?}");
    }
    change(&t, "site-a", |form| AccountForm { other_providers: Some(vec!["second".into()]), ..form }).await.unwrap();
    assert_eq!(to(&t, "site-a", "second").await.unwrap(), Outcome::New);
    assert!(to(&t, "site-b", "second").await.is_err(), "the other account still may not");
    change(&t, "site-a", |form| form).await.unwrap();
    assert_eq!(view(&t, "site-a").await.other_providers, ["second"], "who says nothing about them changes nothing");
    change(&t, "site-a", |form| AccountForm { other_providers: Some(Vec::new()), ..form }).await.unwrap();
    assert!(to(&t, "site-a", "second").await.is_err());
    change(&t, "site-a", |form| AccountForm { secondary_providers: vec!["second".into()], ..form }).await.unwrap();
    assert_eq!(to(&t, "site-a", "second").await.unwrap(), Outcome::Identical, "it has copies there anyway");
}

#[tokio::test]
async fn cameras_may_go_on_naming_the_provider_that_was_the_main_one() {
    let t = TestVault::new().await;
    t.vault.connections.save(&actor(), folder("second")).await.unwrap();
    let to_second = |form| AccountForm { provider: "second".into(), other_providers: Some(Vec::new()), ..form };
    change(&t, "site-a", to_second).await.unwrap();
    assert_eq!(view(&t, "site-a").await.other_providers, ["local"]);
    assert_eq!(to(&t, "site-a", "local").await.unwrap(), Outcome::New);
    change(&t, "site-a", to_second).await.unwrap();
    assert!(to(&t, "site-a", "local").await.is_err(), "until somebody says otherwise");
}

#[tokio::test]
async fn nobody_else_stores_in_above_or_below_an_exclusive_directory() {
    let t = TestVault::new().await;
    change(&t, "site-a", |form| AccountForm { directory: "Hub/Late".into(), exclusive: true, ..form }).await.unwrap();
    let theirs = t.account("site-b").await;
    for taken in ["Hub/Late", "hub", "HUB/late/x", "hub/late."] {
        assert_eq!(theirs.directory(taken), Err(vault::accounts::DirectoryError::Taken), "{taken}");
    }
    for free in ["hub/later", "late", "dir"] {
        assert!(theirs.directory(free).is_ok(), "{free}");
    }
    assert_eq!(t.account("site-a").await.directory("whatever").unwrap().as_str(), "Hub/Late");
    for (directory, exclusive) in [("hub/late/x", false), ("hub", true)] {
        let overlapping =
            change(&t, "site-b", |form| AccountForm { directory: directory.into(), exclusive, ..form }).await;
        let Err(VaultError::Invalid(errors)) = overlapping else { panic!("{directory}: {overlapping:?}") };
        assert!(errors[0].field == "directory" && errors[0].message.contains("site-a"), "{errors:?}");
    }
    change(&t, "site-a", |form| AccountForm { directory: "Hub/Late".into(), ..form }).await.unwrap();
    assert!(theirs_again(&t).await.is_ok(), "when it is not exclusive any more");
    change(&t, "site-b", |form| AccountForm { directory: "hub".into(), ..form }).await.unwrap();
    let late = change(&t, "site-a", |form| AccountForm { directory: "Hub/Late".into(), exclusive: true, ..form }).await;
    assert!(matches!(&late, Err(VaultError::Invalid(e)) if e[0].message.contains("site-b")), "{late:?}");
}

async fn theirs_again(t: &TestVault) -> Result<model::Directory, vault::accounts::DirectoryError> {
    t.account("site-b").await.directory("hub/late")
}

#[tokio::test]
async fn declared_accounts_may_change_places() {
    let t = TestVault::new().await;
    let declared = |name: &str, directory: &str| AccountForm {
        provider: "store".into(),
        integrations: Vec::new(),
        directory: directory.into(),
        exclusive: true,
        ..account(name)
    };
    for [one, other] in [["x", "y"], ["y", "x"]] {
        let accounts = vec![declared("one", one), declared("other", other)];
        t.vault
            .provision(Provisioning { connections: vec![folder("store")], accounts, ..Default::default() })
            .await
            .unwrap();
        assert_eq!((view(&t, "one").await.directory.as_str(), view(&t, "one").await.exclusive), (one, true));
    }
}

#[tokio::test]
async fn a_renamed_provider_answers_to_its_old_name_until_another_takes_it() {
    let t = TestVault::new().await;
    t.upload("a.mp4", b"x").await.unwrap();
    let local = t.vault.connections.provider_by_name("local").await.unwrap().unwrap().id;
    let renamed = |name: &str| ConnectionForm {
        id: Some(local),
        ..connection(Family::Provider, "filesystem", name, Settings::new().with("path", "/tmp/unused"))
    };
    for name in ["nas", "archive"] {
        t.vault.connections.save(&actor(), renamed(name)).await.unwrap();
    }
    assert_eq!(t.vault.connections.get(local).await.unwrap().former_names, ["local", "nas"]);
    let key = model::ObjectKey::parse("dir/a.mp4").unwrap();
    let mine = t.account("site-a").await;
    for name in ["local", "nas", "archive"] {
        assert_eq!(to(&t, "site-a", name).await.unwrap(), Outcome::Identical, "{name}");
        assert!(t.vault.recordings.find(&mine, Some(name), &key).await.unwrap().is_some(), "{name}");
    }
    let elsewhere = Settings::new().with("path", "/mnt/second");
    let new = connection(Family::Provider, "filesystem", "nas", elsewhere);
    let new = t.vault.connections.save(&actor(), new).await.unwrap();
    assert_eq!(t.vault.connections.provider_by_name("nas").await.unwrap().unwrap().id, new, "given away");
    assert_eq!(t.vault.connections.get(local).await.unwrap().former_names, ["local"]);
    t.vault.connections.save(&actor(), renamed("local")).await.unwrap();
    assert_eq!(
        t.vault.connections.get(local).await.unwrap().former_names,
        ["archive"],
        "its own name is no former one"
    );
}

#[tokio::test]
async fn what_is_renamed_in_the_file_stays_the_same_thing() {
    let t = TestVault::new().await;
    let declare = |provider: &str, name: &str, was: [Option<&str>; 2]| {
        let family = [Some(Family::Provider), None];
        let renamed = family
            .into_iter()
            .zip(was)
            .zip([provider, name])
            .filter_map(|((family, old), new)| Some(Renamed { family, old: old?.into(), new: new.into() }));
        let declared = AccountForm {
            provider: provider.into(),
            integrations: Vec::new(),
            access_key: "k".into(),
            ..account(name)
        };
        let settings = Settings::new().with("path", "/mnt/store");
        let connections = vec![connection(Family::Provider, "filesystem", provider, settings)];
        Provisioning { connections, accounts: vec![declared], renamed: renamed.collect() }
    };
    t.vault.provision(declare("store", "old", [None, None])).await.unwrap();
    let (account_id, store) =
        (view(&t, "old").await.id, t.vault.connections.provider_by_name("store").await.unwrap().unwrap().id);
    for _ in 0..2 {
        t.vault.provision(declare("renamed", "new", [Some("store"), Some("old")])).await.unwrap();
        assert_eq!(view(&t, "new").await.id, account_id);
        for name in ["store", "renamed"] {
            assert_eq!(t.vault.connections.provider_by_name(name).await.unwrap().unwrap().id, store, "{name}");
        }
    }
    // Later the old name is another provider's: nothing is renamed again.
    let mut both = declare("renamed", "new", [Some("store"), Some("old")]);
    both.connections.push(connection(
        Family::Provider,
        "filesystem",
        "store",
        Settings::new().with("path", "/mnt/second"),
    ));
    for _ in 0..2 {
        t.vault.provision(both.clone()).await.unwrap();
        assert_eq!(t.vault.connections.provider_by_name("renamed").await.unwrap().unwrap().id, store);
        assert_ne!(t.vault.connections.provider_by_name("store").await.unwrap().unwrap().id, store);
    }
    // What is set up as before is known by that, and an account by its key.
    t.vault.provision(declare("archive", "newest", [None, None])).await.unwrap();
    assert_eq!(view(&t, "newest").await.id, account_id);
    for name in ["archive", "renamed"] {
        assert_eq!(t.vault.connections.provider_by_name(name).await.unwrap().unwrap().id, store, "{name}");
    }
    let audited = t.vault.audit.latest(100).await.unwrap();
    t.vault.provision(declare("archive", "newest", [None, None])).await.unwrap();
    assert_eq!(t.vault.audit.latest(100).await.unwrap(), audited, "a mere start changes nothing");
}

fn declared(name: &str, directory: &str) -> AccountForm {
    AccountForm { provider: "store".into(), integrations: Vec::new(), directory: directory.into(), ..account(name) }
}

fn renamed(old: &str, new: &str) -> Renamed {
    Renamed { family: None, old: old.into(), new: new.into() }
}

#[tokio::test]
async fn names_move_on_in_any_order() {
    let t = TestVault::new().await;
    let wanted = |named: [[&str; 2]; 2], renamed: Vec<Renamed>| {
        let accounts = named.map(|[name, key]| AccountForm { access_key: key.into(), ..declared(name, name) });
        Provisioning { connections: vec![folder("store")], accounts: accounts.into(), renamed }
    };
    t.vault.provision(wanted([["one", "k1"], ["two", "k2"]], Vec::new())).await.unwrap();
    let ids = [view(&t, "one").await.id, view(&t, "two").await.id];
    for _ in 0..2 {
        let chain = vec![renamed("one", "two"), renamed("two", "three")];
        // With new keys only the names tell who is who.
        t.vault.provision(wanted([["two", "k3"], ["three", "k4"]], chain)).await.unwrap();
        let views = [view(&t, "two").await, view(&t, "three").await];
        assert_eq!(views.each_ref().map(|view| view.id), ids);
        assert_eq!(views.map(|view| view.access_key), ["k3", "k4"]);
    }
}

/// A start that fails has changed nothing: with the file that was good before, the vault starts again.
#[tokio::test]
async fn a_file_is_applied_whole_or_not_at_all() {
    let t = TestVault::new().await;
    let exclusive = |form: AccountForm| AccountForm { exclusive: true, ..form };
    let good = Provisioning {
        connections: vec![folder("store")],
        accounts: vec![exclusive(declared("x", "vip")), exclusive(declared("s", "sdir"))],
        ..Default::default()
    };
    t.vault.provision(good.clone()).await.unwrap();
    let before = (t.vault.accounts.list().await.unwrap(), t.vault.audit.latest(100).await.unwrap());
    let bad = Provisioning {
        connections: vec![folder("store"), folder("other")],
        accounts: vec![
            exclusive(declared("s2", "sdir")),
            AccountForm { secret_key: "another".into(), ..exclusive(declared("x", "vip")) },
            declared("z", "VIP/a"),
        ],
        renamed: vec![renamed("s", "s2")],
    };
    let refused = t.vault.provision(bad).await.unwrap_err().to_string();
    assert!(refused.contains("account \"") && refused.contains("VIP/a"), "{refused}");
    assert_eq!((t.vault.accounts.list().await.unwrap(), t.vault.audit.latest(100).await.unwrap()), before);
    assert!(t.vault.connections.provider_by_name("other").await.unwrap().is_none());
    t.vault.provision(good).await.unwrap();
}

/// An event whose consumer takes its time holds up its own account's camera alone, and the key that others know stays as it is.
#[tokio::test]
async fn a_cameras_events_wait_for_no_other_accounts_camera_of_the_same_key() {
    let t = TestVault::new().await;
    *t.world.sink.holds.lock().unwrap() = Some("camera-1".into());
    t.upload("a.mp4", b"of site-a").await.unwrap();
    let theirs = UploadRequest { account: t.account("site-b").await, ..t.request("b.mp4").await };
    t.send(theirs, b"of site-b").await.unwrap();
    let mut apart = BTreeSet::new();
    for account in ["site-a", "site-b"] {
        let account = t.account(account).await.id;
        for integration in t.vault.connections.list(Family::Integration).await.unwrap() {
            apart.insert((integration.id, format!("{account}/camera-1")));
        }
    }
    let lanes = lane::Entity::find().all(&t.tables().await).await.unwrap();
    assert_eq!(lanes.into_iter().map(|lane| (lane.integration_id, lane.device)).collect::<BTreeSet<_>>(), apart);
    t.deliver();
    t.world.sink.wait_for_attempts(2).await;
    *t.world.sink.holds.lock().unwrap() = None;
    t.world.sink.let_go.notify_waiters();
    t.world.sink.wait_for(2).await;
    let shown = t.vault.deliveries.list(Default::default(), Default::default(), 10).await.unwrap().items;
    assert!(shown.iter().all(|delivery| delivery.device == "camera-1"), "{shown:?}");
}
