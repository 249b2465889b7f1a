//! Two providers of one place: nothing that is stored there is lost or given to another account.

use crate::support::{PART, TestVault, Together, account, actor, connection, until, within};
use model::account::AccountForm;
use model::connection::{ConnectionForm, Family};
use model::delivery::DeliveryState;
use model::field::Settings;
use model::moving::MoveState;
use model::{ObjectKey, Secret};
use sea_orm::{ActiveValue::Set, ColumnTrait as _, EntityTrait as _, PaginatorTrait as _, QueryFilter as _};
use vault::Provisioning;
use vault::VaultError;
use vault::entity::{copy, recording, removal};
use vault::ingest::{Outcome, UploadError, UploadRequest};

/// Names of recordings whose sizes take one part and several.
const NAMES: [&str; 3] = ["0.mp4", "1.mp4", "2.mp4"];

fn bytes(n: usize) -> Vec<u8> {
    vec![n as u8; 1 + n * PART]
}

/// A folder that leads where `local` does, unless its path says otherwise.
fn folder(name: &str, path: &str) -> ConnectionForm {
    connection(Family::Provider, "filesystem", name, Settings::new().with("path", path))
}

async fn id(t: &TestVault, name: &str) -> i64 {
    t.vault.connections.provider_by_name(name).await.unwrap().unwrap().id
}

/// Declares a provider at a path, as a renamed one in `vault.toml` is.
async fn declare(t: &TestVault, name: &str, path: &str) -> i64 {
    let wanted = Provisioning { connections: vec![folder(name, path)], ..Provisioning::default() };
    t.vault.provision(wanted).await.expect("the vault starts all the same");
    id(t, name).await
}

/// A vault with three recordings, and a second provider of their place.
async fn with_twin() -> (TestVault, i64, i64) {
    let t = TestVault::new().await;
    for (n, name) in NAMES.iter().enumerate() {
        t.upload(name, &bytes(n)).await.unwrap();
    }
    let twin = declare(&t, "renamed", "/mnt/same").await;
    t.let_name("renamed").await;
    let local = id(&t, "local").await;
    (t, local, twin)
}

async fn assert_all_readable(t: &TestVault) {
    for (n, name) in NAMES.iter().enumerate() {
        assert_eq!(t.content(name).await.unwrap(), bytes(n), "{name}");
    }
}

/// Lets the ten minutes pass that an old object stays, and housekeeping come round.
async fn late(t: &mut TestVault) {
    let due = removal::ActiveModel { removed_at: Set(1), due_at: Set(0), ..Default::default() };
    removal::Entity::update_many().set(due).exec(&t.tables().await).await.unwrap();
    t.stop().await;
    t.restart().await;
}

async fn removals(t: &TestVault) -> u64 {
    removal::Entity::find().count(&t.tables().await).await.unwrap()
}

async fn ends(t: &TestVault, state: MoveState) -> String {
    let ended = || async { t.vault.moves.list().await.unwrap()[0].state == state };
    until(&format!("the move is {state:?}"), ended).await;
    t.vault.moves.list().await.unwrap().remove(0).last_error
}

#[tokio::test]
async fn a_second_provider_of_a_place_is_not_saved() {
    let t = TestVault::new().await;
    let twin = t.vault.connections.save(&actor(), folder("twin", "/mnt/same")).await;
    let Err(VaultError::Conflict(why)) = twin else { panic!("{twin:?}") };
    assert!(why.starts_with("twin is the same place as local: "), "{why}");
    assert!(t.vault.connections.provider_by_name("twin").await.unwrap().is_none());

    let (_, second) = t.add_second_provider().await;
    let turned = ConnectionForm { id: Some(second), ..folder("second", "/mnt/same") };
    let turned = t.vault.connections.save(&actor(), turned).await;
    assert!(matches!(&turned, Err(VaultError::Conflict(why)) if why.contains("local")), "{turned:?}");
    let kept = ConnectionForm { id: Some(second), enabled: false, ..folder("another name", "/tmp/second") };
    t.vault.connections.save(&actor(), kept).await.expect("it may still be renamed and disabled");
}

/// Whoever deletes a mark, taking its place for a copy, has not made two places of one.
#[tokio::test]
async fn a_deleted_mark_does_not_hide_a_twin() {
    let t = TestVault::new().await;
    t.upload("a.mp4", b"x").await.unwrap();
    t.world.store.set_mark(None);
    let twin = t.vault.connections.save(&actor(), folder("twin", "/mnt/same")).await;
    assert!(matches!(&twin, Err(VaultError::Conflict(why)) if why.contains("local")), "{twin:?}");
}

#[tokio::test]
async fn validating_names_the_other_provider_of_a_place() {
    let t = TestVault::new().await;
    let report = t.vault.connections.validate(folder("twin", "/mnt/same")).await.unwrap();
    let (step, failure) = report.failure().expect("it is local's");
    assert_eq!((step, failure.reason.contains("local")), ("place", true), "{report:?}");
    assert!(t.vault.connections.validate(folder("second", "/tmp/second")).await.unwrap().passed());
    assert_eq!(t.world.second_store.mark(), None, "Validate leaves nothing behind");
}

#[tokio::test]
async fn a_declared_twin_is_told_and_nothing_is_moved_to_it() {
    let (mut t, local, twin) = with_twin().await;
    t.deliver();
    let told = || async {
        let notices = t.vault.notices.list().await.unwrap();
        notices.iter().any(|n| n.code == "one-place" && n.text.contains("local") && n.text.contains("renamed"))
    };
    until("an administrator is told", told).await;
    for (from, to) in [(local, twin), (twin, local)] {
        let refused = t.vault.moves.start(&actor(), from, to).await;
        assert!(matches!(&refused, Err(VaultError::Conflict(why)) if why.contains("same place")), "{refused:?}");
    }
    late(&mut t).await;
    assert_all_readable(&t).await;
    t.vault.provision(Provisioning::default()).await.unwrap();
    t.vault.connections.delete(&actor(), twin, vault::deliveries::Backlog::Keep).await.unwrap();
    assert!(t.vault.notices.list().await.unwrap().is_empty(), "nothing is left to be told");
}

/// Settings can change after the start of a move.
#[tokio::test]
async fn a_move_whose_target_turns_out_to_be_its_source_stops() {
    let mut t = TestVault::new().await;
    let (from, to) = t.add_second_provider().await;
    for (n, name) in NAMES.iter().enumerate() {
        t.upload(name, &bytes(n)).await.unwrap();
    }
    t.vault.moves.start(&actor(), from, to).await.unwrap();
    declare(&t, "second", "/mnt/same").await;
    t.deliver();
    let why = ends(&t, MoveState::Paused).await;
    assert!(why.contains("same place"), "{why}");
    let providers: Vec<_> = t.listed().await.into_iter().map(|row| row.provider).collect();
    assert_eq!(providers, ["local"; 3]);
    late(&mut t).await;
    assert_all_readable(&t).await;
}

/// However rows came to point to a twin: the object they mean stays.
#[tokio::test]
async fn an_old_object_stays_when_its_new_place_is_the_same() {
    let (mut t, local, twin) = with_twin().await;
    let tables = t.tables().await;
    for row in recording::Entity::find().all(&tables).await.unwrap() {
        let old = removal::ActiveModel {
            provider_id: Set(local),
            key: Set(row.key),
            removed_at: Set(0),
            moved_id: Set(Some(row.id)),
            ..Default::default()
        };
        removal::Entity::insert(old).exec_without_returning(&tables).await.unwrap();
    }
    let moved = recording::ActiveModel { provider_id: Set(twin), ..Default::default() };
    recording::Entity::update_many().set(moved).exec(&tables).await.unwrap();
    late(&mut t).await;
    assert_all_readable(&t).await;
    assert_eq!(removals(&t).await, 0);
}

/// As an older vault may have left it: a row at each of them.
#[tokio::test]
async fn deleting_one_of_two_recordings_of_one_object_keeps_it() {
    let (t, _, twin) = with_twin().await;
    let tables = t.tables().await;
    let row = recording::Entity::find().filter(recording::Column::Key.eq("dir/0.mp4")).one(&tables).await.unwrap();
    let first = row.unwrap();
    let mut second: recording::ActiveModel = first.clone().into();
    (second.id, second.provider_id) = (sea_orm::ActiveValue::NotSet, Set(twin));
    recording::Entity::insert(second).exec_without_returning(&tables).await.unwrap();
    let found = t.vault.recordings.find_by_id(&actor(), first.id).await.unwrap();
    t.vault.recordings.delete(&actor(), &found).await.unwrap();
    assert_all_readable(&t).await;
    assert_eq!(removals(&t).await, 0);
}

#[tokio::test]
async fn a_copy_to_a_twin_is_refused_and_does_not_count() {
    let (t, _, twin) = with_twin().await;
    let form = AccountForm {
        id: Some(t.account("site-a").await.id),
        secondary_providers: vec!["renamed".into()],
        ..account("site-a")
    };
    t.vault
        .provision(Provisioning {
            connections: vec![folder("renamed", "/mnt/same")],
            accounts: vec![form],
            ..Default::default()
        })
        .await
        .unwrap();
    t.upload("copied.mp4", b"x").await.unwrap();
    t.deliver();
    let set_aside = async || t.vault.deliveries.count_in(DeliveryState::Deferred, Some(twin)).await.unwrap() == 1;
    until("the copy is set aside", set_aside).await;
    assert_eq!(copy::Entity::find().count(&t.tables().await).await.unwrap(), 0);
    assert_eq!(t.content("copied.mp4").await.unwrap(), b"x");
}

async fn as_site_b(t: &TestVault, name: &str, provider: &str) -> UploadRequest {
    let secret = Secret::new("secret-of-site-b");
    let account = t.vault.accounts.authenticate("site-b", &secret).await.unwrap().unwrap();
    UploadRequest { account, provider: Some(provider.into()), ..t.request(name).await }
}

#[tokio::test]
async fn accounts_on_twins_cannot_take_each_others_keys() {
    let (t, ..) = with_twin().await;
    t.send(as_site_b(&t, "mine.mp4", "renamed").await, b"of site-b").await.expect("a key of its own");
    let taken = t.send(as_site_b(&t, "1.mp4", "renamed").await, b"of site-b").await;
    assert!(matches!(taken, Err(UploadError::NotYours)), "{taken:?}");
    let taken = t.upload("mine.mp4", b"of site-a").await;
    assert!(matches!(taken, Err(UploadError::NotYours)), "{taken:?}");
    assert_all_readable(&t).await;
    let key = ObjectKey::parse("dir/1.mp4").unwrap();
    let theirs = as_site_b(&t, "1.mp4", "renamed").await.account;
    assert!(t.vault.recordings.find(&theirs, None, &key).await.unwrap().is_none());

    let again = UploadRequest { provider: Some("renamed".into()), ..t.request("1.mp4").await };
    assert_eq!(t.send(again, &bytes(1)).await.unwrap().outcome, Outcome::Identical, "one's own is there already");
    let other = UploadRequest { provider: Some("renamed".into()), ..t.request("1.mp4").await };
    assert_eq!(t.send(other, b"other").await.unwrap().outcome, Outcome::Replaced);
    assert_eq!(t.content("1.mp4").await.unwrap(), b"other");
    assert_eq!(t.listed().await.iter().filter(|r| r.key == "dir/1.mp4").count(), 1);
}

/// The turn at a key is the place's, not the provider's.
#[tokio::test]
async fn of_two_accounts_at_once_one_gets_the_key() {
    let (t, ..) = with_twin().await;
    for n in 0..20 {
        let name = format!("both-{n}.mp4");
        let theirs = as_site_b(&t, &name, "renamed").await;
        let (ours, together) = (t.request(&name).await, Together::of(2));
        let both = futures::future::join(
            t.vault.ingest.store(ours, together.body(b"of site-a")),
            t.vault.ingest.store(theirs, together.body(b"of site-b, longer")),
        );
        let (a, b) = within("both are answered", both).await;
        let (won, lost) = if a.is_ok() { (a, b) } else { (b, a) };
        assert!(matches!(lost, Err(UploadError::NotYours)), "{lost:?}");
        let size = t.world.store.objects.lock().unwrap()[&format!("dir/{name}")].len() as u64;
        assert_eq!(won.unwrap().size, size);
    }
}
