//! A database that an old vault filled goes through every migration there has been since, one by one, and nothing in it is
//! lost. On tables without rows a migration proves little.

use crate::support::{PART, TestVault, World, actor, now_ms, until};
use bytes::Bytes;
use futures::TryStreamExt as _;
use migrations::{Migrator, MigratorTrait as _};
use model::connection::Family;
use model::delivery::{DeliveryFilter, DeliveryState, ReplayState};
use model::moving::MoveState;
use model::recording::Position;
use model::{ObjectKey, Secret};
use sea_orm::{
    ConnectOptions, ConnectionTrait as _, Database, DatabaseConnection, DbBackend, EntityTrait as _,
    PaginatorTrait as _, Statement,
};
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use tower_sessions_core::session::Id;
use tower_sessions_core::session_store::SessionStore as _;
use vault::clock::DAY_MS;
use vault::entity::removal;

/// See there.
const FIRST_SCHEMA: &str = include_str!("migrations/first_schema.sql");
const KEY: &str = "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=";
/// When the old vault was killed, by what it wrote.
const KILLED_MS: i64 = 1_795_732_757_274;
/// When it was killed in this test: it is not noticed as a clock that jumped.
const AGO_MS: i64 = 3_600_000;

const MOVED: &str = "dir/1606164482_6-818812_Door_200-200-400-400_24_745.mp4";
const LARGE: &str = "dir/1606164500_6-1_Door_200-200-400-400_24_745.mp4";
const CUT_OFF: &str = "dir/1606164600_6-1_Door_200-200-400-400_24_745.mp4";

/// What it had stored.
fn world() -> World {
    let large = vec![7; 3 * PART];
    let local: [(&str, &[u8]); 7] = [
        (MOVED, b"moved"),
        (LARGE, &large),
        (CUT_OFF, b"cut off"),
        ("b/copied.mp4", b"copied"),
        ("b/waiting.mp4", b"waiting"),
        ("dir/deleted.mp4", b"deleted"),
        ("dir/parked.mp4", b"parked"),
    ];
    let second: [(&str, &[u8]); 3] = [(MOVED, b"moved"), ("b/copied.mp4", b"copied"), ("b/waiting.mp4", b"waiting")];
    let world = World::default();
    for (store, objects) in [(&world.store, &local[..]), (&world.second_store, &second[..])] {
        store.set_ups.store(1, Ordering::SeqCst);
        let objects = objects.iter().map(|(key, bytes)| ((*key).to_owned(), Bytes::copy_from_slice(bytes)));
        store.objects.lock().unwrap().extend(objects);
    }
    world
}

/// What it wrote, in the words of this database and with the times moved to an hour ago.
fn rows(backend: DbBackend) -> Vec<String> {
    let killed = now_ms() - AGO_MS;
    let in_words = |line: &str| {
        let line = line.replace("{day}", &(killed / DAY_MS).to_string());
        let bytes = if backend == DbBackend::Postgres { ("'\\x", "'") } else { ("x'", "'") };
        let mut parts = line.split("{bytes:");
        let mut words = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (hex, rest) = part.split_once('}').expect("bytes end");
            words += &format!("{}{hex}{}{rest}", bytes.0, bytes.1);
        }
        moved_in_time(&words, killed - KILLED_MS)
    };
    FIRST_SCHEMA.lines().filter(|line| line.starts_with("INSERT ")).map(in_words).collect()
}

/// Times of those days are numbers of 13 digits that nothing else is.
fn moved_in_time(line: &str, by: i64) -> String {
    let mut moved = String::new();
    for run in line.split_inclusive(|c: char| !c.is_ascii_digit()) {
        let digits = run.trim_end_matches(|c: char| !c.is_ascii_digit());
        let days = KILLED_MS - 2 * DAY_MS..KILLED_MS + 2 * DAY_MS;
        match digits.parse::<i64>() {
            Ok(time) if days.contains(&time) => moved += &run.replace(digits, &(time + by).to_string()),
            _ => moved += run,
        }
    }
    moved
}

async fn ask(tables: &DatabaseConnection, sql: &str) -> Vec<String> {
    let rows = tables.query_all_raw(Statement::from_string(tables.get_database_backend(), sql)).await.unwrap();
    rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect()
}

/// Fills the first schema, every table of it.
async fn fill(tables: &DatabaseConnection) {
    let backend = tables.get_database_backend();
    for row in rows(backend) {
        tables.execute_unprepared(&row).await.unwrap_or_else(|error| panic!("{error}: {row}"));
    }
    let named = match backend {
        DbBackend::Postgres => "SELECT CAST(tablename AS TEXT) FROM pg_tables WHERE schemaname = current_schema()",
        _ => "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
    };
    for table in ask(tables, named).await {
        let rows = ask(tables, &format!("SELECT CAST(count(*) AS TEXT) FROM {table}")).await.remove(0);
        assert_ne!(rows, "0", "the old vault wrote nothing into {table}");
    }
    if backend == DbBackend::Postgres {
        // The rows have brought their ids along; what comes next has ids after those.
        let counters =
            "SELECT format('SELECT CAST(setval(pg_get_serial_sequence(''%s'', ''%s''), max(%s)) AS TEXT) FROM %s',
                        table_name, column_name, column_name, table_name)
                        FROM information_schema.columns WHERE column_default LIKE 'nextval%'";
        for set in ask(tables, counters).await {
            ask(tables, &set).await;
        }
    }
}

/// One migration after the other, as the vaults of each version did it.
async fn migrate(tables: &DatabaseConnection) {
    let all = Migrator::migrations().len();
    assert!(all >= 8, "{all}");
    for number in 2..=all {
        Migrator::up(tables, Some(1)).await.unwrap_or_else(|error| panic!("migration {number} of {all}: {error}"));
        if tables.get_database_backend() == DbBackend::Sqlite {
            assert_eq!(ask(tables, "PRAGMA integrity_check").await, ["ok"], "migration {number}");
            assert_eq!(ask(tables, "PRAGMA foreign_key_check").await, [""; 0], "migration {number}");
        }
    }
    assert!(Migrator::get_pending_migrations(tables).await.unwrap().is_empty());
}

/// The power goes when a migration is done and not yet noted: the note is refused, as a cut would leave it out.
async fn cut_off_and_begun_again(tables: &DatabaseConnection) {
    Migrator::install(tables).await.unwrap();
    tables
        .execute_unprepared(
            "CREATE TRIGGER power_cut BEFORE INSERT ON seaql_migrations BEGIN SELECT RAISE(ABORT, 'the power is gone'); END",
        )
        .await
        .unwrap();
    let cut = Migrator::up(tables, Some(1)).await.unwrap_err();
    assert!(cut.to_string().contains("the power is gone"), "{cut}");
    tables.execute_unprepared("DROP TRIGGER power_cut").await.unwrap();
    Migrator::up(tables, Some(1)).await.unwrap();
}

#[tokio::test]
async fn a_migration_that_is_cut_off_is_begun_again_by_the_next_start() {
    let mut options = ConnectOptions::new("sqlite::memory:");
    let tables = Database::connect(options.max_connections(1).to_owned()).await.unwrap();
    for migration in Migrator::migrations() {
        println!("{}", migration.name());
        cut_off_and_begun_again(&tables).await;
    }
    assert!(Migrator::get_pending_migrations(&tables).await.unwrap().is_empty());
}

async fn content(t: &TestVault, account: &str, provider: Option<&str>, key: &str) -> Vec<u8> {
    let (account, key) = (t.account(account).await, ObjectKey::parse(key).unwrap());
    let found = t.vault.recordings.find(&account, provider, &key).await.unwrap();
    let found = found.unwrap_or_else(|| panic!("{key} is not found"));
    let chunks: Vec<Bytes> = t.vault.recordings.open(&found, None).await.unwrap().try_collect().await.unwrap();
    chunks.concat()
}

#[tokio::test]
async fn what_an_old_vault_wrote_is_all_there_after_every_migration_since() {
    let opened = TestVault::of_an_old_one(world(), KEY, async |tables| {
        Migrator::up(tables, Some(1)).await.unwrap();
        fill(tables).await;
        migrate(tables).await;
    });
    let t = opened.await.unwrap();
    people_get_in(&t).await;
    what_was_set_up_is_there(&t).await;
    recordings_are_read(&t).await;
    the_outbox_knows_what_it_knew(&t).await;
    figures_are_there(&t).await;
    goes_on(t).await;
}

async fn people_get_in(t: &TestVault) {
    t.vault.users.sign_in("root", &Secret::new("a password of root"), "test").await.unwrap();
    assert!(t.vault.session_store().load(&Id(7)).await.unwrap().is_none(), "it was kept under its id, which lets in");
}

async fn what_was_set_up_is_there(t: &TestVault) {
    for (family, setting, wanted) in [
        (Family::Provider, "path", [("local", "/tmp/unused"), ("second", "/tmp/second")]),
        (Family::Integration, "url", [("first", "http://127.0.0.1/first"), ("second", "http://127.0.0.1/second")]),
    ] {
        let all = t.vault.connections.list(family).await.unwrap();
        let found: Vec<_> = all.iter().map(|one| (one.name.as_str(), one.settings.get(setting))).collect();
        assert_eq!(found, wanted);
        for one in &all {
            assert_eq!(t.vault.connections.get(one.id).await.unwrap().settings, one.settings);
        }
    }
    let accounts = t.vault.accounts.list().await.unwrap();
    let found: Vec<_> = accounts
        .iter()
        .map(|one| (one.name.as_str(), one.provider.as_str(), one.directory.as_str(), one.day_limit, one.enabled))
        .collect();
    assert_eq!(found, [("site-a", "local", "*", 0, true), ("site-b", "local", "b", 30, true)]);
    for one in &accounts {
        assert_eq!(one.integrations, ["first", "second"]);
        assert_eq!(one.secondary_providers, if one.name == "site-b" { vec!["second"] } else { vec![] });
        let revealed = t.vault.accounts.reveal(&actor(), one.id).await.unwrap();
        assert_eq!(revealed.secret_key, format!("secret-of-{}", one.name));
        assert_eq!(t.account(&one.name).await.id, one.id, "its keys are known");
    }
}

async fn recordings_are_read(t: &TestVault) {
    let large = vec![7; 3 * PART];
    let wanted: [(&str, &str, &[u8]); 6] = [
        ("b/copied.mp4", "site-b at local and second", b"copied"),
        ("b/waiting.mp4", "site-b at local and second", b"waiting"),
        (MOVED, "site-a at second", b"moved"),
        (LARGE, "site-a at local", &large),
        // The start has made good what was cut off.
        (CUT_OFF, "site-a at local", b"cut off"),
        ("dir/parked.mp4", "site-a at local", b"parked"),
    ];
    let listed: BTreeMap<_, _> = t.listed().await.into_iter().map(|row| (row.key.clone(), row)).collect();
    assert_eq!(listed.keys().collect::<Vec<_>>(), wanted.map(|(key, ..)| key));
    for (key, whose, bytes) in wanted {
        let row = &listed[key];
        let places = [&[row.provider.clone()][..], &row.copies].concat().join(" and ");
        assert_eq!((format!("{} at {places}", row.account), row.size), (whose.to_owned(), bytes.len() as i64), "{key}");
        assert_eq!(content(t, &row.account, None, key).await, bytes, "{key}");
    }
    assert_eq!(content(t, "site-a", Some("local"), MOVED).await, b"moved", "its event names the provider it came to");
}

async fn the_outbox_knows_what_it_knew(t: &TestVault) {
    use DeliveryState::{Deferred, Delivered, Parked, Waiting};
    // Two of those that wait are about what was cut off.
    for (state, count) in [(Delivered, 11), (Parked, 1), (Waiting, 5), (Deferred, 0)] {
        assert_eq!(t.vault.deliveries.count_in(state, None).await.unwrap(), count, "{state:?}");
    }
    let all = t.vault.deliveries.list(DeliveryFilter::default(), Position::Newest, 100).await.unwrap().items;
    assert_eq!(all.len(), 17);
    for row in all {
        let event: serde_json::Value =
            serde_json::from_str(&t.vault.deliveries.get(row.id).await.unwrap().event).unwrap();
        assert_eq!(event["id"], row.event_id.as_str());
        assert_eq!(row.last_error.is_empty(), row.attempts == 0, "{row:?}");
    }
    let health = t.vault.deliveries.health().await.unwrap();
    let failing: Vec<_> = health.iter().filter(|line| line.failing).map(|line| line.last_error.as_str()).collect();
    assert_eq!(failing, ["The sink is down."]);
    let first = integration(t, "first").await;
    let replays: Vec<_> = t.vault.deliveries.replays(first).await.unwrap().replays;
    let replays: Vec<_> = replays.iter().map(|one| (one.state, one.enqueued, one.account.as_str())).collect();
    assert_eq!(replays, [(ReplayState::Running, 0, "site-a"), (ReplayState::Done, 1, "")]);
    let moves: Vec<_> = t.vault.moves.list().await.unwrap().into_iter().map(|one| (one.state, one.moved)).collect();
    assert_eq!(moves, [(MoveState::Paused, 0), (MoveState::Done, 1)]);
}

async fn integration(t: &TestVault, name: &str) -> i64 {
    let all = t.vault.connections.list(Family::Integration).await.unwrap();
    all.into_iter().find(|one| one.name == name).expect("it was set up").id
}

async fn figures_are_there(t: &TestVault) {
    let cameras = t.vault.devices.list().await.unwrap();
    assert!(cameras.iter().all(|one| one.verified && !one.account.is_empty()), "{cameras:?}");
    let mut cameras: Vec<_> = cameras.into_iter().map(|one| (one.key, one.name)).collect();
    cameras.sort();
    let wanted = [("camera-1", "Door"), ("camera-2", ""), ("odd", "")];
    assert_eq!(cameras, wanted.map(|(key, name)| (key.to_owned(), name.to_owned())));
    let figures = t.vault.dashboard.read().await.unwrap();
    assert!(figures.has_provider && figures.has_account && figures.has_recording);
    let stored: i64 = figures.days.iter().map(|day| day.bytes).sum();
    assert_eq!(stored, 12_306 + 13 + "cut off".len() as i64);
    let changes = t.vault.audit.latest(100).await.unwrap();
    for what in ["added provider", "set password", "started replay", "paused moving recordings", "deleted recording"] {
        assert!(changes.iter().any(|change| change.action == what), "{what}: {changes:?}");
    }
    // An old vault's files may be read by every user, which is told.
    let notices = t.vault.notices.list().await.unwrap();
    let others: Vec<_> = notices.into_iter().filter(|notice| notice.code != "readable-by-others").collect();
    assert_eq!(others, [], "nothing is damaged");
}

/// What was under way when the old vault was killed comes to its end, and new things work.
async fn goes_on(mut t: TestVault) {
    t.deliver();
    t.world.sink.wait_for(4).await;
    t.world.second_sink.wait_for(2).await;
    until("the parked one alone is left", async || t.vault.deliveries.count(None).await.unwrap() == (0, 1)).await;
    let (first, second) = (integration(&t, "first").await, integration(&t, "second").await);
    let replay = async || t.vault.deliveries.replays(first).await.unwrap().replays.remove(0).state;
    until("the replay is done", async || replay().await == ReplayState::Done).await;
    assert_eq!(t.world.sink.of("camera-2"), ["b/waiting.mp4"]);
    let mut told = t.world.sink.of("camera-1");
    told.sort();
    assert_eq!(told, [MOVED, CUT_OFF, "dir/deleted.mp4"]);
    assert_eq!(t.vault.deliveries.retry_parked(&actor(), second).await.unwrap(), 1);
    t.world.second_sink.wait_for(3).await;
    assert_eq!(t.world.second_sink.of("odd"), ["dir/parked.mp4"]);

    let tables = t.tables().await;
    until("what was to be deleted is", async || {
        t.vault.keep_house().await;
        removal::Entity::find().count(&tables).await.unwrap() == 0
    })
    .await;
    assert_eq!(t.world.store.keys(), ["b/copied.mp4", "b/waiting.mp4", LARGE, CUT_OFF, "dir/parked.mp4"]);
    let paused = t.vault.moves.list().await.unwrap().remove(0);
    t.vault.moves.resume(&actor(), paused.id).await.unwrap();
    until("it is moved", async || t.vault.moves.list().await.unwrap()[0].state == MoveState::Done).await;
    assert_eq!(content(&t, "site-a", None, MOVED).await, b"moved");

    t.upload("new.mp4", b"new").await.unwrap();
    assert_eq!(t.content("new.mp4").await.unwrap(), b"new");
    t.stop().await;
}
