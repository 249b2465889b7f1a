//! Two providers of one place, as administrators come by them: a folder by another path, a bucket at another address. What
//! agents have read 200 for stays, whatever is tried.

use crate::gate::{s3, settings};
use crate::support::{PROVIDER, SITE_A, SITE_B, TestVault, account, filesystem, send, until, within};
use model::account::AccountForm;
use model::connection::ConnectionForm;
use model::delivery::DeliveryState;
use model::moving::MoveState;
use reqwest::Method;
use sea_orm::{ActiveValue::Set, Database, EntityTrait as _};
use tokio_util::sync::CancellationToken;
use vault::Provisioning;
use vault::VaultError;
use vault::entity::{recording, removal};
use vault::{Principal, Task};

/// A vault whose provider `one` is the same place as `other`, which is declared.
struct Twins {
    vault: TestVault,
    other: ConnectionForm,
    names: Vec<String>,
}

fn actor() -> Principal {
    Principal::Vault(Task::Provisioning)
}

impl Twins {
    /// A folder, and the same one by a symbolic link above it.
    async fn folders() -> Self {
        let vault = TestVault::start().await;
        let (real, link) = (vault.dir.path().join("real"), vault.dir.path().join("link"));
        std::fs::create_dir(&real).unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        let at = |name: &str, path: &std::path::Path| {
            let mut form = filesystem(&vault.dir, name, true);
            form.settings.set("path", path.join("recordings").display().to_string());
            form
        };
        let (one, other) = (at("one", &real), at("other", &link));
        Self::of(vault, one, other).await
    }

    /// A bucket, and the same one by another name of its server.
    async fn buckets() -> Self {
        let vault = TestVault::start().await;
        let address = s3("ENDPOINT");
        let named = address.replace("127.0.0.1", "localhost");
        assert_ne!(address, named);
        let at = |name: &str, endpoint: &str| {
            let form = filesystem(&vault.dir, name, true);
            ConnectionForm { kind: "s3".into(), settings: settings(endpoint), ..form }
        };
        let (one, other) = (at("one", &address), at("other", &named));
        Self::of(vault, one, other).await
    }

    async fn of(vault: TestVault, one: ConnectionForm, other: ConnectionForm) -> Self {
        vault.vault.connections.save(&actor(), one).await.unwrap();
        vault.let_name("one").await;
        // Other tests use the same bucket.
        let unique = vault.dir.path().file_name().unwrap().display().to_string().replace('.', "");
        let names = (0..5).map(|n| format!("160616448{n}_6-818812_{unique}_0-0-1-1_1_745.mp4")).collect();
        let twins = Self { vault, other, names };
        for name in &twins.names {
            let sent = twins.vault.upload(name).header(PROVIDER, "one").body(twins.bytes(name));
            assert_eq!(send(sent).await.status, 200);
        }
        twins
    }

    fn bytes(&self, name: &str) -> Vec<u8> {
        name.repeat(10_000).into_bytes()
    }

    async fn declare(&self) -> (i64, i64) {
        let connections = vec![self.other.clone()];
        self.vault.vault.provision(Provisioning { connections, ..Provisioning::default() }).await.unwrap();
        (self.id("one").await, self.id("other").await)
    }

    async fn id(&self, name: &str) -> i64 {
        self.vault.vault.connections.provider_by_name(name).await.unwrap().unwrap().id
    }

    async fn assert_all_readable(&self) {
        for name in &self.names {
            let read = send(self.vault.about(Method::GET, "/api/storage/blob", &format!("a/{name}"))).await;
            assert!(read.status == 200 && read.body == self.bytes(name), "{}: {} bytes", read.status, read.body.len());
        }
    }

    /// Lets housekeeping and moves work until something holds.
    async fn work_until(&self, what: &str, holds: impl AsyncFnMut() -> bool) {
        let stop = CancellationToken::new();
        let working = self.vault.vault.start(stop.clone());
        until(what, holds).await;
        stop.cancel();
        within("background work ends", working).await.unwrap();
    }

    async fn clear_away(&self) {
        for name in &self.names {
            send(self.vault.about(Method::DELETE, "/api/storage", &format!("a/{name}"))).await;
        }
    }
}

async fn each() -> [Twins; 2] {
    [Box::pin(Twins::folders()).await, Box::pin(Twins::buckets()).await]
}

#[tokio::test]
async fn a_second_provider_of_the_place_is_refused_by_name() {
    for twins in each().await {
        let saved = twins.vault.vault.connections.save(&actor(), twins.other.clone()).await;
        let told =
            matches!(&saved, Err(VaultError::Conflict(why)) if why.starts_with("other is the same place as one: "));
        assert!(told, "{saved:?}");
        let report = twins.vault.vault.connections.validate(twins.other.clone()).await.unwrap();
        assert_eq!(report.failure().map(|(step, _)| step), Some("place"), "{report:?}");
        let stored = twins.vault.vault.connections.validate_stored(twins.id("one").await).await.unwrap();
        assert!(stored.passed(), "{stored:?}");
        twins.clear_away().await;
    }
}

/// What was seen: "done 5, failed 0", and eleven minutes later nothing was left.
#[tokio::test]
async fn a_move_between_them_is_refused() {
    for twins in each().await {
        let (one, other) = twins.declare().await;
        let started = twins.vault.vault.moves.start(&actor(), one, other).await;
        assert!(matches!(&started, Err(VaultError::Conflict(why)) if why.contains("same place")), "{started:?}");
        assert!(twins.vault.vault.moves.list().await.unwrap().is_empty());
        twins.assert_all_readable().await;
        twins.clear_away().await;
    }
}

/// As it was seen, to its end: a move that ran, and its ten minutes have passed.
#[tokio::test]
async fn objects_of_a_move_that_ran_between_them_stay() {
    for twins in each().await {
        let (one, other) = twins.declare().await;
        let tables = Database::connect(twins.vault.database.clone()).await.unwrap();
        let rows = recording::Entity::find().all(&tables).await.unwrap();
        assert_eq!(rows.len(), 5);
        for row in rows {
            let old = removal::ActiveModel {
                provider_id: Set(one),
                key: Set(row.key),
                removed_at: Set(0),
                moved_id: Set(Some(row.id)),
                ..Default::default()
            };
            removal::Entity::insert(old).exec_without_returning(&tables).await.unwrap();
        }
        let moved = recording::ActiveModel { provider_id: Set(other), ..Default::default() };
        recording::Entity::update_many().set(moved).exec(&tables).await.unwrap();
        let done = async || removal::Entity::find().one(&tables).await.unwrap().is_none();
        twins.work_until("nothing is left to be removed", done).await;
        twins.assert_all_readable().await;
        twins.clear_away().await;
    }
}

/// The other one was another place when the move was started.
#[tokio::test]
async fn a_move_to_a_place_that_becomes_the_same_stops() {
    for twins in each().await {
        let elsewhere = filesystem(&twins.vault.dir, "other", true);
        let other = twins.vault.vault.connections.save(&actor(), elsewhere).await.unwrap();
        let one = twins.id("one").await;
        twins.vault.vault.moves.start(&actor(), one, other).await.unwrap();
        twins.declare().await;
        let moves = &twins.vault.vault.moves;
        let paused = async || moves.list().await.unwrap()[0].state == MoveState::Paused;
        twins.work_until("it is paused", paused).await;
        let shown = moves.list().await.unwrap().remove(0);
        assert!(shown.moved == 0 && shown.last_error.contains("same place"), "{shown:?}");
        twins.assert_all_readable().await;
        twins.clear_away().await;
    }
}

#[tokio::test]
async fn a_copy_to_the_other_does_not_count_as_one() {
    for twins in each().await {
        let (_, other) = twins.declare().await;
        let vault = &twins.vault.vault;
        let site_a = vault.accounts.list().await.unwrap().into_iter().find(|a| a.name == "site-a").unwrap();
        let form = AccountForm {
            id: Some(site_a.id),
            provider: "one".into(),
            secondary_providers: vec!["other".into()],
            ..account("site-a", "*", SITE_A)
        };
        let accounts = vec![form];
        let wanted = Provisioning { connections: vec![twins.other.clone()], accounts, ..Default::default() };
        vault.provision(wanted).await.unwrap();
        let name = &twins.names[0];
        let again = twins.vault.upload(name).header(PROVIDER, "one").body("replaced");
        assert_eq!(send(again).await.status, 200);
        let set_aside = async || vault.deliveries.count_in(DeliveryState::Deferred, Some(other)).await.unwrap() == 1;
        twins.work_until("the copy is set aside", set_aside).await;
        let listed = vault.recordings.list(&Default::default(), Default::default(), 200).await.unwrap().items;
        assert_eq!(listed.len(), twins.names.len());
        assert!(listed.iter().all(|r| r.copies.is_empty()), "{listed:?}");
        twins.clear_away().await;
    }
}

#[tokio::test]
async fn accounts_at_them_do_not_get_at_each_others_recordings() {
    for twins in each().await {
        twins.declare().await;
        let vault = &twins.vault;
        let site_b = vault.vault.accounts.list().await.unwrap().into_iter().find(|a| a.name == "site-b").unwrap();
        let form = AccountForm { id: Some(site_b.id), provider: "other".into(), ..account("site-b", "a", SITE_B) };
        vault.vault.accounts.save(&actor(), form).await.unwrap();
        for name in &twins.names {
            let theirs = vault.other_agent(Method::POST, "/api/storage");
            let theirs = theirs.header(crate::support::FILE_NAME, name).header("content-type", "video/mp4");
            send(theirs.body("of site-b")).await.refused_with(409, "file_belongs_to_another_account");
            let key = format!("a/{name}");
            for method in [Method::GET, Method::DELETE] {
                let path = if method == Method::GET { "/api/storage/blob" } else { "/api/storage" };
                let theirs = vault.other_agent(method, path).header(crate::support::FILE_NAME, &key);
                let answer = send(theirs).await;
                assert!([403, 404].contains(&answer.status), "{answer:?}");
            }
        }
        twins.assert_all_readable().await;
        twins.clear_away().await;
    }
}
