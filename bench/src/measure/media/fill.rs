//! A year of recordings, created by SQLite itself.

use crate::stage::database;
use anyhow::{Context as _, Result};
use model::event::Metadata;
use model::mp4::Walker;
use model::page::Cursor;
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, Statement};
use std::fmt::Write as _;
use std::path::Path;

pub(super) const ACCOUNTS: usize = 5;
pub(super) const PROVIDERS: usize = 3;
pub(super) const DEVICES: usize = 200;
/// A camera that hardly ever records.
pub(super) const RARE: usize = DEVICES - 1;

/// Rows per transaction.
const STEP: u64 = 100_000;
const YEAR_MS: u64 = 365 * 86_400_000;
/// How far the newest and oldest positions are from either end, in rows.
const MARGIN: u64 = 200;

pub(super) fn account(number: usize) -> String {
    format!("site-{number}")
}

pub(super) fn provider(number: usize) -> String {
    format!("store-{number}")
}

pub(super) fn device(number: usize) -> String {
    format!("camera-{number:03}")
}

/// A position in the list.
pub(super) struct Depth {
    pub(super) name: &'static str,
    pub(super) cursor: Cursor,
}

/// Accounts and providers, for `vault.toml`.
pub(super) fn sections(folder: &Path) -> String {
    let mut sections = String::new();
    for number in 0..PROVIDERS {
        let (name, path) = (provider(number), folder.join(format!("recordings-{number}")));
        let _ =
            writeln!(sections, "[[provider]]\nname = \"{name}\"\nkind = \"filesystem\"\npath = \"{}\"", path.display());
    }
    for number in 0..ACCOUNTS {
        let (name, provider) = (account(number), provider(number % PROVIDERS));
        let _ = writeln!(
            sections,
            "[[account]]\nname = \"{name}\"\nprovider = \"{provider}\"\ndirectory = \"*\"\naccess_key = \"{name}-access\"\n\
             secret_key = \"{name}-secret\""
        );
    }
    sections
}

/// Fills the tables of a vault that is not running; returns positions at both ends and in the middle.
pub(super) async fn fill(folder: &Path, repository: &Path, rows: u64) -> Result<Vec<Depth>> {
    let db = open(folder).await?;
    for pragma in ["journal_mode = WAL", "synchronous = OFF", "cache_size = -1000000", "temp_store = MEMORY"] {
        db.execute_unprepared(&format!("PRAGMA {pragma}")).await?;
    }
    let facts = facts(repository)?;
    let now = vault::clock::Clock::default().now_ms();
    let start = now - i64::try_from(YEAR_MS)?;
    let mut from = 0;
    while from < rows {
        let to = rows.min(from + STEP);
        db.execute_unprepared(&recordings(from, to, start, YEAR_MS / rows, &facts)).await?;
        from = to;
    }
    db.execute_unprepared(&devices(now)).await?;
    db.execute_unprepared("PRAGMA wal_checkpoint(TRUNCATE)").await?;
    let mut depths = Vec::new();
    for (name, place) in [("newest", rows - MARGIN), ("middle", rows / 2), ("oldest", MARGIN)] {
        depths.push(Depth { name, cursor: at(&db, place).await? });
    }
    db.close().await?;
    Ok(depths)
}

pub(super) async fn open(folder: &Path) -> Result<DatabaseConnection> {
    let mut options = ConnectOptions::new(format!("sqlite://{}", database(folder).display()));
    options.max_connections(1).sqlx_logging(false);
    Ok(Database::connect(options).await?)
}

async fn at(db: &DatabaseConnection, place: u64) -> Result<Cursor> {
    let sql = format!("SELECT timestamp, id FROM recordings ORDER BY timestamp, id LIMIT 1 OFFSET {place}");
    let row =
        db.query_one_raw(Statement::from_string(DbBackend::Sqlite, sql)).await?.context("fewer rows than were made")?;
    Ok(Cursor { time: row.try_get("", "timestamp")?, id: row.try_get("", "id")? })
}

/// Every row differs, and every run makes the same rows. `a` and `b` are scrambled row numbers. Half of the recordings
/// come from a quarter of the cameras. A camera belongs to the account whose number is its own modulo the number of
/// accounts. One recording in ten is at the account's second provider; the third has none.
fn recordings(from: u64, to: u64, start: i64, apart: u64, facts: &str) -> String {
    let busy = DEVICES / 4;
    let last = to - 1;
    format!(
        "WITH RECURSIVE
           numbers (n) AS (SELECT {from} UNION ALL SELECT n + 1 FROM numbers WHERE n < {last}),
           scrambled AS (SELECT n, (n * 2654435761 % 4294967296) / 128 AS a, (n * 2246822519 % 4294967296) / 128 AS b FROM numbers),
           chosen AS (SELECT n, a, b, CASE WHEN b % 2 = 0 THEN a % {busy} ELSE a % {DEVICES} END AS d,
             {start} + n * {apart} + b % 60000 AS at FROM scrambled),
           spread AS (SELECT n, a, b, at, CASE WHEN d = {RARE} AND n % 50 > 0 THEN d - {ACCOUNTS} ELSE d END AS d FROM chosen)
         INSERT INTO recordings (account_id, provider_id, key, device, instance_name, timestamp, uploaded_at, size, sha256,
           duration_ms, codec, fragmented, facts, metadata, path, origin_id)
         SELECT (SELECT id FROM accounts WHERE name = 'site-' || (d % {ACCOUNTS})),
           (SELECT id FROM connections WHERE family = 'provider'
             AND name = 'store-' || ((d % {ACCOUNTS} + CASE WHEN b % 10 = 0 THEN 1 ELSE 0 END) % {PROVIDERS})),
           'site-' || (d % {ACCOUNTS}) || '/' || (at / 1000) || '_6-' || printf('%06d', n % 1000000) || '_Camera' || d
             || '_200-200-400-400_24_' || (a % 30000) || '.mp4',
           printf('camera-%03d', d), 'Camera' || d, at, at + 20000, 300000 + a % 5000000, lower(hex(randomblob(32))),
           a % 30000, 'h264', 1, '{facts}', '{metadata}', '', 1
         FROM spread",
        metadata = metadata()
    )
}

fn devices(now: i64) -> String {
    format!(
        "WITH RECURSIVE numbers (d) AS (SELECT 0 UNION ALL SELECT d + 1 FROM numbers WHERE d < {RARE})
         INSERT INTO devices (key, name, capture, first_seen, last_recording, account_id)
         SELECT printf('camera-%03d', d), 'Camera' || d, 'IPCamera', {now}, {now},
           (SELECT id FROM accounts WHERE name = 'site-' || (d % {ACCOUNTS})) FROM numbers"
    )
}

/// What the vault records about a real recording.
fn facts(repository: &Path) -> Result<String> {
    let mut walker = Walker::default();
    walker.feed(&std::fs::read(repository.join("fixtures/fragmented.mp4"))?);
    Ok(serde_json::to_string(&walker.finish())?)
}

fn metadata() -> String {
    let text = |value: &str| Some(value.to_owned());
    let metadata = Metadata {
        capture: text("IPCamera"),
        uploadtime: text("1606164482"),
        timestamp: text("1606164482"),
        microseconds: text("967003"),
        instance_name: text("FundoEsquerda"),
        region: text("200-200-400-400"),
        changes: text("24"),
        token: text("769"),
        productid: text("camera-000"),
        duration: text("19967"),
        fps: text("25"),
        ..Metadata::default()
    };
    serde_json::to_string(&metadata).expect("plain strings")
}
