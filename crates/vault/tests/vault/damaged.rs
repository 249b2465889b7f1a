//! A damaged row harms only itself, and is told with its place.

use crate::support::{TestVault, until};
use futures::{StreamExt as _, stream};
use model::Secret;
use model::connection::Family;
use model::delivery::{DeliveryFilter, DeliveryState, ReplayForm};
use sea_orm::{ConnectionTrait as _, DatabaseConnection};
use tower_sessions_core::session::{Id, Record};
use tower_sessions_core::session_store::SessionStore as _;
use vault::VaultError;
use vault::damaged::Damage;

async fn a_bad_directory_leaves_the_other_accounts_alone(mut t: TestVault) {
    let id = t.account("site-b").await.id;
    t.tables().await.execute_unprepared("UPDATE accounts SET directory = 'a//b' WHERE name = 'site-b'").await.unwrap();
    for _ in 0..2 {
        t.restart().await;
        assert_eq!(t.account("site-a").await.name, "site-a");
        let damaged = t.vault.accounts.authenticate("site-b", &Secret::new("secret-of-site-b")).await;
        let place = |e: &VaultError| matches!(e, VaultError::Damaged(Damage { column: "directory", .. }));
        assert!(damaged.is_err_and(|error| place(&error)));
        let wrong = t.vault.accounts.authenticate("site-b", &Secret::new("wrong")).await;
        assert!(wrong.unwrap().is_none(), "only who knows the secret is told");
        assert_eq!(t.vault.accounts.list().await.unwrap().len(), 2);
        let notices = t.vault.notices.list().await.unwrap();
        let told = notices.iter().find(|n| n.code == "damaged-row").expect("a notice");
        assert_eq!(told.subject, format!("accounts {id} directory"));
        assert!(!told.text.contains("a//b"), "the value is not told");
    }
    t.tables().await.execute_unprepared("UPDATE accounts SET directory = 'a/b' WHERE name = 'site-b'").await.unwrap();
    t.restart().await;
    t.vault.keep_house().await;
    assert_eq!(t.account("site-b").await.name, "site-b");
    assert!(t.vault.notices.list().await.unwrap().is_empty(), "it is mended");
}

#[tokio::test]
async fn a_bad_directory_leaves_the_other_accounts_alone_on_sqlite() {
    a_bad_directory_leaves_the_other_accounts_alone(TestVault::new().await).await;
}

#[tokio::test]
async fn a_bad_directory_leaves_the_other_accounts_alone_on_postgres() {
    a_bad_directory_leaves_the_other_accounts_alone(TestVault::on_postgres().await).await;
}

async fn texts(tables: &DatabaseConnection, sql: &str) -> Vec<(String, String)> {
    let rows = tables.query_all_raw(sea_orm::Statement::from_string(tables.get_database_backend(), sql)).await.unwrap();
    rows.iter().map(|row| (row.try_get_by_index(0).unwrap(), row.try_get_by_index(1).unwrap())).collect()
}

/// Columns that hold whatever they hold, and why that is no damage.
const FREE: &[(&str, &str)] = &[
    ("accounts.name", "a name"),
    ("accounts.access_key", "any text is one; agents with the old one are refused"),
    ("audit.actor", "shown only"),
    ("audit.actor_kind", "shown only"),
    ("audit.action", "shown only"),
    ("audit.subject", "shown only"),
    ("connections.name", "a name"),
    ("connections.place", "is looked at anew, and the provider's mark is believed"),
    ("deliveries.device", "a camera's name"),
    ("deliveries.kept", "the integration begins anew"),
    ("deliveries.last_error", "shown only"),
    ("leavings.name", "shown only"),
    ("locks.reason", "shown only"),
    ("locks.locked_by", "shown only"),
    ("removals.last_error", "shown only"),
    ("devices.key", "a camera's name"),
    ("devices.name", "a camera's name"),
    ("devices.capture", "what an agent says of itself"),
    ("device_claims.key", "a camera's name"),
    ("device_claims.name", "what an agent says of itself"),
    ("device_claims.capture", "what an agent says of itself"),
    ("device_claims.version", "what an agent says of itself"),
    ("device_claims.hostname", "what an agent says of itself"),
    ("device_claims.details", "what an agent says of itself; never read"),
    ("lanes.device", "a camera's name; its next event opens a lane"),
    ("lanes.owner", "a vault nobody knows is taken for dead"),
    ("lanes.last_error", "shown only"),
    ("moves.owner", "a vault nobody knows is taken for dead"),
    ("moves.last_error", "shown only"),
    ("notices.code", "shown only"),
    ("notices.subject", "shown only"),
    ("notices.text", "shown only"),
    ("notices.cure", "shown only"),
    ("provider_aliases.name", "a name"),
    ("recordings.asset_of", "the asset of a recording that never comes, so it expires"),
    ("recordings.device", "a camera's name"),
    ("recordings.instance_name", "a camera's name"),
    ("recordings.codec", "shown only"),
    ("replicas.id", "a vault nobody knows is taken for dead"),
    ("resumable_tails.resumable_id", "its client begins the upload anew"),
    ("resumable_tails.bytes", "the hash told is of what came; readers compare it"),
    ("resumables.id", "nobody has it, so it expires"),
    ("resumables.key", "its client begins the upload anew"),
    ("resumables.said", "its client begins the upload anew"),
    ("resumables.at_provider", "its client begins the upload anew"),
    ("resumables.digest", "its client begins the upload anew"),
    ("resumables.holder", "a request nobody knows has it for seconds"),
    ("sessions.id", "nobody has it, so it expires"),
    ("sessions.data", "told in the log alone; they sign in again"),
    ("uploads.owner", "a vault nobody knows is taken for dead"),
    ("users.username", "a name"),
];

/// A row in every table; what no use case of this test makes is made here.
const ROWS: &str = "
INSERT INTO sessions (id, data, expires_at) VALUES ('1', '{}', 9999999999);
INSERT INTO notices (code, subject, text, cure, dismissible, times, first_at, last_at) VALUES ('c', 's', 't', 'u', 1, 1, 1, 1);
INSERT INTO device_claims (key, name, capture, version, hostname, details, first_seen, last_seen)
    VALUES ('k', 'n', 'c', 'v', 'h', '{}', 1, 1);
INSERT INTO provider_aliases (name, provider_id) VALUES ('once', 1);
INSERT INTO replicas (id, seen_at) VALUES ('gone', 0);
INSERT INTO removals (provider_id, key, removed_at, moved_id) VALUES (1, 'dir/gone.mp4', 0, NULL);
INSERT INTO uploads (provider_id, key, draft, owner, started_at) VALUES (1, 'dir/cut.mp4', '{\"account_id\":1}', 'dead', 0);
INSERT INTO resumables (id, account_id, provider_id, key, said, length, received, at_provider, digest, done, holder, held_until,
    expires_at) VALUES ('r', 1, 1, 'dir/r.mp4', '{}', 10, 1, NULL, '', 0, NULL, 0, 1);
INSERT INTO resumable_tails (resumable_id, position, bytes) VALUES ('r', 0, x'00');
INSERT INTO copies (recording_id, provider_id, key, copied_at) SELECT id, 99, key, 1 FROM recordings;
INSERT INTO custom_headers (recording_id, headers) SELECT id, '{\"X-Site\":\"Gent\"}' FROM recordings;
INSERT INTO leavings (account_id, name, days, deleted_at) VALUES (77, 'gone', 1, 1);
INSERT INTO locks (recording_id, reason, locked_by, locked_at, ends_at) SELECT id, 'case', 'root', 1, 2 FROM recordings;
INSERT INTO moves (from_provider_id, to_provider_id, state, after_id, total, moved, moved_bytes, failed, last_error, owner,
    started_at, finished_at) VALUES (98, 99, 'done', 0, 0, 0, 0, 0, '', '', 1, 1);
INSERT INTO replays (integration_id, account_id, from_time, until_time, state, after_time, after_id, enqueued, started_at,
    finished_at) SELECT id, 0, 0, 1, 'done', 1, 0, 0, 1, 1 FROM connections WHERE name = 'second'";

/// Which row of a table is damaged.
fn victim(place: &str) -> &str {
    match place {
        "connections.place" => "name = 'local'",
        _ if place.starts_with("connections.") => "name = 'second'",
        _ if place.starts_with("accounts.") => "name = 'site-b'",
        _ => "1 = 1",
    }
}

/// What goes on, whatever is damaged.
async fn goes_on(t: &TestVault, place: &str) {
    let stored = t.upload("new.mp4", b"new").await;
    assert!(stored.is_ok(), "{place}: {:?}", stored.err());
    let first = t.vault.connections.list(Family::Integration).await.unwrap();
    let first = first.iter().find(|integration| integration.name == "first").unwrap().id;
    t.deliver();
    until("the event arrives", async || t.world.sink.of("camera-1").contains(&"dir/new.mp4".to_owned())).await;
    let all = ReplayForm { integration: first, from: 0, until: i64::MAX, account: None };
    t.vault.deliveries.start_replay(&crate::support::actor(), all).await.unwrap();
    let arrivals = async || t.world.sink.of("camera-1").iter().filter(|key| *key == "dir/new.mp4").count();
    until("it is replayed", async || arrivals().await > 1).await;
    t.vault.keep_house().await;
    assert!(t.listed().await.iter().any(|recording| recording.key == "dir/new.mp4"), "{place}");
    let deliveries = t.vault.deliveries.list(Default::default(), Default::default(), 100).await.unwrap();
    assert!(deliveries.items.len() > 1, "{place}");
    t.vault.moves.list().await.unwrap();
    t.vault.accounts.list().await.unwrap();
    t.vault.devices.list().await.unwrap();
    t.vault.audit.latest(10).await.unwrap();
    assert!(!t.vault.connections.list(Family::Provider).await.unwrap().is_empty(), "{place}");
    for connection in t.vault.connections.list(Family::Integration).await.unwrap() {
        t.vault.deliveries.replays(connection.id).await.unwrap();
    }
}

/// Every column of the schema that holds text or bytes, so that no new one is forgotten.
#[tokio::test]
async fn whatever_is_damaged_is_told_and_the_others_go_on() {
    let t = TestVault::on_sqlite().await;
    let columns = "SELECT t.name || '.' || c.name, c.type FROM sqlite_master t, pragma_table_info(t.name) c
                   WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%' AND t.name <> 'seaql_migrations'
                   AND upper(c.type) NOT IN ('BIGINT', 'INTEGER', 'BOOLEAN')";
    let columns = texts(&t.tables().await, columns).await;
    for (free, _) in FREE {
        assert!(columns.iter().any(|(place, _)| place == free), "{free} is no column any more");
    }
    assert!(columns.len() > FREE.len(), "every column may hold anything");
    let tries = columns.into_iter().map(|(place, kind)| harms_only_itself(place, kind));
    stream::iter(tries).buffer_unordered(8).collect::<()>().await;
}

async fn harms_only_itself(place: String, kind: String) {
    let (table, column) = place.split_once('.').unwrap();
    let mut t = TestVault::on_sqlite().await;
    t.vault.users.ensure_admin(Some("root"), Some(&Secret::new("a password of root"))).await.unwrap();
    t.upload("old.mp4", b"old").await.unwrap();
    t.world.store.objects.lock().unwrap().insert("dir/cut.mp4".into(), "cut".into());
    let tables = t.tables().await;
    tables.execute_unprepared(ROWS).await.unwrap();
    let rubbish = if kind == "BLOB" { "x'00ff'" } else { "char(1) || '//{rubbish'" };
    let which = format!("rowid = (SELECT max(rowid) FROM {table} WHERE {})", victim(&place));
    let id = if matches!(table, "copies" | "custom_headers" | "locks") { "recording_id" } else { "id" };
    let row = match FREE.iter().any(|(free, _)| *free == place) {
        true => String::new(),
        false => {
            texts(&tables, &format!("SELECT CAST({id} AS TEXT), '' FROM {table} WHERE {which}")).await[0].0.clone()
        }
    };
    let damage = format!("UPDATE {table} SET {column} = {rubbish} WHERE {which}");
    assert_eq!(tables.execute_unprepared(&damage).await.unwrap().rows_affected(), 1, "{place}");
    t.restart().await;
    goes_on(&t, &place).await;
    let told = t.vault.notices.list().await.unwrap();
    let free = FREE.iter().any(|(free, _)| *free == place);
    let names = |subject: &str| subject.starts_with(&format!("{table} ")) && subject.ends_with(&format!(" {column}"));
    let told: Vec<_> = told.into_iter().map(|notice| notice.subject).filter(|subject| names(subject)).collect();
    let expected = if free { Vec::new() } else { vec![format!("{table} {row} {column}")] };
    assert_eq!(told, expected, "{place}");
    t.stop().await;
}

#[tokio::test]
async fn a_bad_secret_key_leaves_the_other_accounts_alone() {
    let mut t = TestVault::on_sqlite().await;
    t.tables().await.execute_unprepared("UPDATE accounts SET secret_key = x'00' WHERE name = 'site-b'").await.unwrap();
    t.restart().await;
    assert_eq!(t.account("site-a").await.name, "site-a");
    for secret in ["secret-of-site-b", "another"] {
        let refused = t.vault.accounts.authenticate("site-b", &Secret::new(secret)).await;
        assert!(matches!(refused, Err(VaultError::Damaged(Damage { table: "accounts", column: "secret_key", .. }))));
    }
}

async fn a_damaged_delivery_is_given_up(column: &str) {
    let mut t = TestVault::new().await;
    t.upload("a.mp4", b"a").await.unwrap();
    t.upload("b.mp4", b"b").await.unwrap();
    let tables = t.tables().await;
    let sound = "CREATE TABLE sound AS SELECT * FROM deliveries WHERE id = (SELECT min(id) FROM deliveries)";
    tables.execute_unprepared(sound).await.unwrap();
    let damage = format!("UPDATE deliveries SET {column} = 'nothing' WHERE id = (SELECT id FROM sound)");
    tables.execute_unprepared(&damage).await.unwrap();
    t.deliver();
    t.world.sink.wait_for(1).await;
    t.world.second_sink.wait_for(2).await;
    assert_eq!(t.world.sink.of("camera-1"), ["dir/b.mp4"]);
    let mend = format!("UPDATE deliveries SET {column} = (SELECT {column} FROM sound) WHERE {column} = 'nothing'");
    tables.execute_unprepared(&mend).await.unwrap();
    let parked = DeliveryFilter { connection: None, state: Some(DeliveryState::Parked) };
    let given_up = t.vault.deliveries.list(parked, Default::default(), 10).await.unwrap().items;
    let told = format!("table deliveries is damaged: its column {column}");
    assert!(given_up[0].last_error.contains(&told), "{given_up:?}");
    t.stop().await;
}

#[tokio::test]
async fn a_damaged_delivery_is_given_up_and_its_camera_goes_on() {
    for column in ["purpose", "event"] {
        a_damaged_delivery_is_given_up(column).await;
    }
}

#[tokio::test]
async fn a_damaged_session_is_none() {
    let t = TestVault::on_sqlite().await;
    let store = t.vault.session_store();
    let expiry_date = time::OffsetDateTime::now_utc() + time::Duration::days(1);
    let mut session = Record { id: Id(7), data: Default::default(), expiry_date };
    store.create(&mut session).await.unwrap();
    assert!(store.load(&Id(7)).await.unwrap().is_some());
    t.tables().await.execute_unprepared("UPDATE sessions SET data = x'00'").await.unwrap();
    assert!(store.load(&Id(7)).await.unwrap().is_none());
}
