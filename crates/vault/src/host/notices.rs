//! Notices: shown on every page and in readiness, kept until their cause is gone or somebody has dismissed them.
//!
//! The database itself may be what is wrong. So this process knows a notice at once, and writes it down when it can.

use crate::base::damaged::Damage;
use crate::base::db::{Db, Tx};
use crate::base::entity::notice;
use crate::base::{Permission, Principal, audit};
use crate::base::{Result, VaultError};
use model::notice::NoticeView;
use sea_orm::sea_query::{Expr, ExprTrait as _, OnConflict};
use sea_orm::{ActiveValue::Set, EntityTrait, QueryOrder as _, QuerySelect as _};
use std::collections::{HashMap, HashSet};
use std::error::Error as StdError;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// A notice that keeps occurring is written this often.
const NOTE_EVERY: Duration = Duration::from_secs(60);
/// Most notices of one code kept in memory: a thousand damaged rows must not hide a full disk.
const MAX_OF_A_CODE: usize = 100;
/// Most notices read from the database.
const MAX_READ: usize = 200;
/// Longest text kept, in characters.
const MAX_TEXT: usize = 1000;

/// Code of a damaged row's notice; its subject names table, row and column.
pub(crate) const DAMAGED_ROW: &str = "damaged-row";

/// A notice to raise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Its kind, for programs: lower case and dashes.
    pub code: &'static str,
    /// What it is about; empty if there can be only one of its kind. Code and subject together identify a notice.
    pub subject: String,
    /// What is wrong, in sentences.
    pub text: String,
    /// What to do.
    pub cure: String,
    /// Whether an administrator may dismiss it; otherwise it goes when its cause does.
    pub dismissible: bool,
}

impl From<Damage> for Notice {
    fn from(damage: Damage) -> Self {
        let Damage { table, id, column, .. } = &damage;
        let (subject, cure) = (format!("{table} {id} {column}"), "Everything else goes on without it.");
        Self { code: DAMAGED_ROW, subject, text: damage.to_string(), cure: cure.into(), dismissible: true }
    }
}

/// Raises, lists and clears notices; cheap to clone.
#[derive(Clone)]
pub struct Notices {
    db: Db,
    here: Arc<Mutex<HashMap<Key, Known>>>,
}

type Key = (String, String);

/// What this process knows of a notice.
struct Known {
    view: NoticeView,
    /// Occurrences since it was last written.
    unwritten: i64,
    /// Elapsed time when it was last written; `None` before that.
    written_at: Option<Duration>,
}

impl Notices {
    pub(crate) fn new(db: Db) -> Self {
        Self { db, here: Arc::default() }
    }

    /// Raises a notice. Cheap when it keeps occurring.
    pub async fn raise(&self, notice: Notice) {
        if let Some((view, times)) = self.note(notice) {
            self.write(view, times).await;
        }
    }

    async fn write(&self, view: NoticeView, times: i64) {
        let key = key_of(&view);
        let written = self.db.write(move |tx| Box::pin(write_down(tx, view, times))).await;
        match written {
            Ok(()) => self.has_been_written(&key, times),
            Err(error) => {
                tracing::warn!(code = key.0, error = &error as &dyn StdError, "a notice is not written down yet");
            }
        }
    }

    /// Clears a notice whose cause is gone. Does nothing if it was not raised.
    pub async fn clear(&self, code: &str, subject: &str) {
        let key = (code.to_owned(), subject.to_owned());
        self.known().remove(&key);
        if let Err(error) = self.remove(&key).await {
            tracing::warn!(code, error = &error as &dyn StdError, "a notice stays although its cause is gone");
        }
    }

    /// An administrator dismisses a notice.
    pub async fn dismiss(&self, principal: &Principal, code: &str, subject: &str) -> Result<()> {
        let key = (code.to_owned(), subject.to_owned());
        let shown = self.list().await?.into_iter().find(|n| n.code == key.0 && n.subject == key.1);
        let shown = shown.ok_or(VaultError::NotFound("notice"))?;
        if !shown.dismissible {
            return Err(VaultError::Conflict(format!("This goes when its cause does. {}", shown.cure)));
        }
        let (principal, subject) = (principal.clone(), format!("{code} {subject}"));
        let noted = self.db.write(move |tx| {
            Box::pin(async move {
                audit::record(tx, &principal, Permission::Manage, "dismissed notice", subject.trim_end()).await
            })
        });
        noted.await?;
        self.known().remove(&key);
        self.remove(&key).await
    }

    /// All notices, latest first; if the database does not answer, those this process knows. Newly found damaged rows
    /// are included.
    pub async fn list(&self) -> Result<Vec<NoticeView>> {
        // All are known before the first is written: the caller may not wait for the end.
        let untold = self.db.damaged_rows().take_unreported();
        let untold: Vec<_> = untold.into_iter().filter_map(|damage| self.note(damage.into())).collect();
        for (view, times) in untold {
            self.write(view, times).await;
        }
        // Before the rows are read: a notice written after that is not among the rows, and must not look cleared.
        let written =
            self.known().iter().filter(|(_, known)| known.written_at.is_some()).map(|(key, _)| key.clone()).collect();
        let rows = notice::Entity::find().order_by_desc(notice::Column::LastAt).limit(MAX_READ as u64);
        let mut views = match rows.all(self.db.read()).await {
            Ok(rows) => self.joined_with(rows, &written),
            Err(error) => {
                tracing::warn!(error = &error as &dyn StdError, "notices cannot be read");
                self.known().values().map(|known| known.view.clone()).collect()
            }
        };
        views.sort_by(|a, b| b.last_at.cmp(&a.last_at).then_with(|| a.code.cmp(&b.code)));
        Ok(views)
    }

    /// The stored notices together with this process's own. One that was `written` but is no longer stored was cleared
    /// or dismissed by another vault of this database.
    fn joined_with(&self, rows: Vec<notice::Model>, written: &HashSet<Key>) -> Vec<NoticeView> {
        let complete = rows.len() < MAX_READ;
        let mut views: HashMap<Key, NoticeView> =
            rows.into_iter().map(view).map(|view| (key_of(&view), view)).collect();
        let mut here = self.known();
        here.retain(|key, _| !complete || views.contains_key(key) || !written.contains(key));
        for (key, known) in here.iter() {
            let mut view = known.view.clone();
            if let Some(row) = views.get(key) {
                (view.first_at, view.times) = (row.first_at, row.times + known.unwritten);
                view.last_at = std::cmp::max(row.last_at, view.last_at);
            }
            views.insert(key.clone(), view);
        }
        views.into_values().collect()
    }

    /// Counts a notice; returns it, with its unwritten occurrences, when it is time to write it.
    fn note(&self, notice: Notice) -> Option<(NoticeView, i64)> {
        let (now_ms, elapsed) = (self.db.now_ms(), self.db.clock().elapsed());
        let shorten = |text: String| text.chars().take(MAX_TEXT).collect::<String>();
        let (text, cure) = (shorten(notice.text), shorten(notice.cure));
        let key = (notice.code.to_owned(), shorten(notice.subject));
        let mut here = self.known();
        if !here.contains_key(&key) && here.keys().filter(|known| known.0 == key.0).count() >= MAX_OF_A_CODE {
            return None;
        }
        let known = here.entry(key.clone()).or_insert_with(|| Known {
            view: NoticeView {
                code: key.0,
                subject: key.1,
                text: String::new(),
                cure: String::new(),
                dismissible: false,
                times: 0,
                first_at: now_ms,
                last_at: now_ms,
            },
            unwritten: 0,
            written_at: None,
        });
        let changed = known.view.text != text;
        known.view = NoticeView {
            text,
            cure,
            dismissible: notice.dismissible,
            times: known.view.times + 1,
            last_at: now_ms,
            ..known.view.clone()
        };
        known.unwritten += 1;
        let due = known.written_at.is_none_or(|at| elapsed.saturating_sub(at) >= NOTE_EVERY);
        (due || changed).then(|| (known.view.clone(), known.unwritten))
    }

    fn has_been_written(&self, key: &Key, times: i64) {
        let elapsed = self.db.clock().elapsed();
        if let Some(known) = self.known().get_mut(key) {
            known.unwritten -= times;
            known.written_at = Some(elapsed);
        }
    }

    async fn remove(&self, (code, subject): &Key) -> Result<()> {
        let id = (code.clone(), subject.clone());
        if notice::Entity::find_by_id(id.clone()).one(self.db.read()).await?.is_none() {
            return Ok(());
        }
        let removal = self.db.write(move |tx| {
            Box::pin(async move {
                notice::Entity::delete_by_id(id).exec(tx).await?;
                Ok(())
            })
        });
        removal.await
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<Key, Known>> {
        self.here.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key_of(view: &NoticeView) -> Key {
    (view.code.clone(), view.subject.clone())
}

async fn write_down(tx: &Tx, view: NoticeView, times: i64) -> Result<()> {
    use notice::Column::{Code, Cure, Dismissible, LastAt, Subject, Text, Times};
    let row = notice::ActiveModel {
        code: Set(view.code),
        subject: Set(view.subject),
        text: Set(view.text),
        cure: Set(view.cure),
        dismissible: Set(view.dismissible),
        times: Set(times),
        first_at: Set(view.first_at),
        last_at: Set(view.last_at),
    };
    let again = OnConflict::columns([Code, Subject])
        .update_columns([Text, Cure, Dismissible, LastAt])
        .value(Times, Expr::col((notice::Entity, Times)).add(times))
        .to_owned();
    notice::Entity::insert(row).on_conflict(again).exec_without_returning(tx).await?;
    Ok(())
}

fn view(row: notice::Model) -> NoticeView {
    NoticeView {
        code: row.code,
        subject: row.subject,
        text: row.text,
        cure: row.cure,
        dismissible: row.dismissible,
        times: row.times,
        first_at: row.first_at,
        last_at: row.last_at,
    }
}
