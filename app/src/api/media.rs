//! Recordings: listing, looking at one, deleting.

#![expect(
    missing_docs,
    reason = "a server function's arguments become the fields of a struct; the function says what they are"
)]

use super::AppError;
use crate::text::{query, time};
use leptos::prelude::*;
use model::page::{Cursor, Page};
use model::recording::{Position, RecordingFilter, RecordingView};
use serde::{Deserialize, Serialize};

#[cfg(feature = "ssr")]
use super::server;
#[cfg(feature = "ssr")]
use model::recording::NAME_OF_DELETED_ACCOUNT;
#[cfg(feature = "ssr")]
use std::collections::BTreeMap;

/// Rows per page by default.
pub const ROWS: u64 = 50;
/// Rows per page that the URL may ask for.
pub const ROW_CHOICES: [u64; 3] = [50, 100, 200];

/// Filter and position of the list, as in the URL.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MediaQuery {
    /// Account's name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub account: String,
    /// Provider's name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub provider: String,
    /// Device key.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub camera: String,
    /// Recorded at or after: `2026-07-27T10:15`, UTC.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub from: String,
    /// Recorded before.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub until: String,
    /// Rows per page.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub rows: String,
    /// Cursor: rows older than this.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub older: String,
    /// Cursor: rows newer than this.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub newer: String,
}

impl MediaQuery {
    /// URL of `path` with this query.
    pub fn address(&self, path: &str) -> String {
        query::address(path, self)
    }

    /// The same filter at another position.
    #[must_use]
    pub fn at(&self, older: Option<Cursor>, newer: Option<Cursor>) -> Self {
        let text = |cursor: Option<Cursor>| cursor.map(|c| c.to_string()).unwrap_or_default();
        Self { older: text(older), newer: text(newer), ..self.clone() }
    }

    /// Whether any filter is set.
    pub fn is_filtered(&self) -> bool {
        [&self.account, &self.provider, &self.camera, &self.from, &self.until].iter().any(|v| !v.is_empty())
    }

    /// Rows per page.
    pub fn limit(&self) -> u64 {
        self.rows.parse().ok().filter(|rows| ROW_CHOICES.contains(rows)).unwrap_or(ROWS)
    }

    /// The typed filter; an unreadable time is ignored.
    pub fn filter(&self) -> RecordingFilter {
        let text = |s: &String| (!s.is_empty()).then(|| s.clone());
        RecordingFilter {
            account: text(&self.account),
            provider: text(&self.provider),
            device: text(&self.camera),
            from: time::parse_minute(&self.from),
            until: time::parse_minute(&self.until),
        }
    }

    /// The typed position; an unreadable cursor means the newest rows.
    pub fn position(&self) -> Position {
        match (Cursor::parse(&self.older), Cursor::parse(&self.newer)) {
            (Some(cursor), _) => Position::OlderThan(cursor),
            (None, Some(cursor)) => Position::NewerThan(cursor),
            (None, None) => Position::Newest,
        }
    }
}

/// Choices for the list's filter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MediaChoices {
    /// Names of accounts.
    pub accounts: Vec<String>,
    /// Names of providers.
    pub providers: Vec<String>,
    /// Keys and names of cameras.
    pub cameras: Vec<(String, String)>,
}

/// One page of recordings, newest first.
#[server(prefix = "/api/fn", endpoint = "list_recordings")]
pub async fn list_recordings(#[server(default)] query: MediaQuery) -> Result<Page<RecordingView>, AppError> {
    let admin = server::require_admin().await?;
    let recordings = &admin.vault.recordings;
    recordings.list(&query.filter(), query.position(), query.limit()).await.map_err(server::refuse)
}

/// The filter's choices.
#[server(prefix = "/api/fn", endpoint = "read_media_choices")]
pub async fn read_media_choices() -> Result<MediaChoices, AppError> {
    let admin = server::require_admin().await?;
    let vault = admin.vault;
    let accounts = vault.accounts.list().await.map_err(server::refuse)?;
    let providers = vault.connections.list(model::connection::Family::Provider).await.map_err(server::refuse)?;
    let cameras = vault.devices.list().await.map_err(server::refuse)?;
    let mut accounts: Vec<String> = accounts.into_iter().map(|a| a.name).collect();
    if !accounts.iter().any(|name| name == NAME_OF_DELETED_ACCOUNT) {
        accounts.push(NAME_OF_DELETED_ACCOUNT.to_owned());
    }
    Ok(MediaChoices {
        accounts,
        providers: providers.into_iter().map(|p| p.name).collect(),
        cameras: cameras.into_iter().map(|c| (c.key, c.name)).collect::<BTreeMap<_, _>>().into_iter().collect(),
    })
}

/// One recording.
#[server(prefix = "/api/fn", endpoint = "get_recording")]
pub async fn get_recording(id: i64) -> Result<RecordingView, AppError> {
    let admin = server::require_admin().await?;
    admin.vault.recordings.get(id).await.map_err(server::refuse)
}

/// Locks a recording as evidence, until a day ends (`2026-07-27`, UTC) or until it is unlocked.
#[server(prefix = "/api/fn", endpoint = "lock_recording")]
pub async fn lock_recording(
    id: i64,
    reason: String,
    #[server(default)] ends_on: String,
    #[server(default)] back: String,
) -> Result<(), AppError> {
    let admin = server::require_admin().await?;
    let ends_at = end_of_day(&ends_on)?;
    admin.vault.recordings.lock(&admin.principal(), id, &reason, ends_at).await.map_err(server::refuse)?;
    server::go_back(&back, "/media", "locked");
    Ok(())
}

/// Ends a recording's lock.
#[server(prefix = "/api/fn", endpoint = "unlock_recording")]
pub async fn unlock_recording(id: i64, #[server(default)] back: String) -> Result<(), AppError> {
    let admin = server::require_admin().await?;
    admin.vault.recordings.unlock(&admin.principal(), id).await.map_err(server::refuse)?;
    server::go_back(&back, "/media", "unlocked");
    Ok(())
}

/// The end of a day as a date field has it; nothing if it is empty.
#[cfg(feature = "ssr")]
fn end_of_day(day: &str) -> Result<Option<i64>, AppError> {
    const LAST_MINUTE_MS: i64 = 60_000;
    if day.is_empty() {
        return Ok(None);
    }
    let end = time::parse_minute(&format!("{day}T23:59"));
    // A day that no month has would be one of the next.
    let end = end.filter(|end| time::minute(*end).starts_with(day)).map(|ms| ms + LAST_MINUTE_MS);
    end.map(Some).ok_or_else(|| AppError::message("Choose a day, such as 2026-12-31, or leave it empty."))
}

/// Deletes recordings with their objects. `ids` are separated by commas.
#[server(prefix = "/api/fn", endpoint = "delete_recordings")]
pub async fn delete_recordings(ids: String, #[server(default)] back: String) -> Result<(), AppError> {
    let admin = server::require_admin().await?;
    let ids = parse_ids(&ids)?;
    if ids.is_empty() {
        return Err(AppError::message("No recording is selected. Go back and tick the ones to delete."));
    }
    if admin.vault.recordings.delete_many(&admin.principal(), &ids).await.map_err(server::refuse)? == 0 {
        return Err(AppError::message("Nothing was deleted: there is no such recording any more."));
    }
    server::go_back(&back, "/media", "deleted");
    Ok(())
}

/// Parses ids separated by commas. What is no id is never left out: somebody would take it for done.
pub fn parse_ids(ids: &str) -> Result<Vec<i64>, AppError> {
    let ids = ids.split(',').map(str::trim).filter(|id| !id.is_empty());
    ids.map(|id| id.parse().map_err(|_| AppError::message(NO_ID))).collect()
}

/// What pages and functions say of a list with something else in it.
pub const NO_ID: &str = "The address names something that is no recording. Go back and tick them again.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_survives_being_read() {
        let query =
            MediaQuery { account: "Süd & Co".into(), older: "17-3".into(), rows: "100".into(), ..Default::default() };
        assert_eq!(query.address("/media"), "/media?account=S%C3%BCd+%26+Co&rows=100&older=17-3");
        assert_eq!(query.limit(), 100);
        assert_eq!(query.position(), Position::OlderThan(Cursor { time: 17, id: 3 }));
        assert_eq!(query.at(None, None).position(), Position::Newest);
        assert!(query.is_filtered());
    }

    #[test]
    fn nonsense_in_an_address_is_ignored() {
        let query =
            MediaQuery { rows: "1000000".into(), from: "yesterday".into(), newer: "x".into(), ..Default::default() };
        assert_eq!((query.limit(), query.filter().from, query.position()), (ROWS, None, Position::Newest));
        assert_eq!(parse_ids("1,,3,"), Ok(vec![1, 3]));
        assert!(parse_ids("1,x,3").is_err() && parse_ids("all").is_err());
    }
}
