//! The use case alone, in this process.

use super::fill::open;
use super::questions::Question;
use super::{LIMIT, Timing};
use anyhow::{Context as _, Result};
use model::field::{FieldError, Settings};
use model::ports::{BlobStore, Connector, EventSink};
use model::recording::{Position, RecordingFilter};
use sea_orm::{ConnectionTrait as _, DatabaseConnection, DbBackend, Statement};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;
use vault::{Options, Vault};

pub(super) async fn time(folder: &Path, questions: &[Question], repeat: usize) -> Result<Vec<Timing>> {
    let options = Options {
        database_url: format!("sqlite://{}", crate::stage::database(folder).display()),
        data_dir: folder.join("data"),
        ..Options::default()
    };
    let vault = Vault::open(options, Arc::new(Nowhere)).await?;
    let mut timings = Vec::new();
    for question in questions {
        let (mut samples, mut rows) = (Vec::new(), 0);
        for _ in 0..repeat {
            let start = Instant::now();
            rows = vault.recordings.list(&question.filter, question.position, LIMIT).await?.items.len();
            samples.push(start.elapsed().as_secs_f64() * 1000.0);
        }
        timings.push(Timing { question: question.clone(), rows, samples });
    }
    Ok(timings)
}

/// SQLite's plan for a question: the statement of `recordings.list`, spelled out.
pub(super) async fn explain(folder: &Path, timing: &Timing) -> Result<String> {
    let db = open(folder).await?;
    let Question { filter, position, .. } = &timing.question;
    let conditions = conditions(&db, filter, *position).await?;
    let order = if matches!(position, Position::NewerThan(_)) { "ASC" } else { "DESC" };
    let sql = format!(
        "EXPLAIN QUERY PLAN SELECT * FROM recordings WHERE {conditions} ORDER BY timestamp {order}, id {order} LIMIT {}",
        LIMIT + 1
    );
    let rows = db.query_all_raw(Statement::from_string(DbBackend::Sqlite, sql)).await?;
    let steps: Result<Vec<String>, _> = rows.iter().map(|row| row.try_get("", "detail")).collect();
    db.close().await?;
    Ok(steps?.join("\n"))
}

async fn conditions(db: &DatabaseConnection, filter: &RecordingFilter, position: Position) -> Result<String> {
    let mut all = vec!["1 = 1".to_owned()];
    if let Some(name) = &filter.account {
        all.push(format!("account_id = {}", id(db, "accounts", name).await?));
    }
    if let Some(name) = &filter.provider {
        all.push(format!("provider_id = {}", id(db, "connections", name).await?));
    }
    all.extend(filter.device.as_ref().map(|key| format!("device = '{key}'")));
    all.extend(filter.from.map(|from| format!("timestamp >= {from}")));
    all.extend(filter.until.map(|until| format!("timestamp < {until}")));
    all.extend(match position {
        Position::Newest => None,
        Position::OlderThan(cursor) => Some(format!("(timestamp, id) < ({}, {})", cursor.time, cursor.id)),
        Position::NewerThan(cursor) => Some(format!("(timestamp, id) > ({}, {})", cursor.time, cursor.id)),
    });
    Ok(all.join(" AND "))
}

async fn id(db: &DatabaseConnection, table: &str, name: &str) -> Result<i64> {
    let sql = format!("SELECT id FROM {table} WHERE name = '{name}'");
    let row = db.query_one_raw(Statement::from_string(DbBackend::Sqlite, sql)).await?;
    Ok(row.context("a name that was provisioned is gone")?.try_get("", "id")?)
}

/// Listing needs neither stores nor sinks.
struct Nowhere;

impl Connector for Nowhere {
    fn store(&self, _: &str, _: &Settings) -> Result<Arc<dyn BlobStore>, Vec<FieldError>> {
        Err(Vec::new())
    }

    fn sink(&self, _: &str, _: &Settings) -> Result<Arc<dyn EventSink>, Vec<FieldError>> {
        Err(Vec::new())
    }
}
