//! Whether the wall clock can be believed. Nothing is deleted for its age while it cannot.
//!
//! A machine may start in 1970, or ten years ahead, and be corrected a minute later. A vault's use of the time of day
//! must survive that. The clock is recorded every minute and compared with the record, also at start. A jump of more
//! than a day, forward or back, is reported and stops everything that deletes by age, while uploads and deliveries go
//! on: for an hour if the vault was stopped for up to a month, else until an administrator confirms the clock. Code
//! that deletes by age needs a [`Trusted`].

use crate::base::Result;
use crate::base::clock::DAY_MS;
use crate::base::db::{Db, Tx};
use crate::base::entity::{recording, removal, timekeeping, upload};
use crate::base::{Permission, Principal, audit};
use crate::host::notices::{Notice, Notices};
use model::notice::CLOCK_JUMPED as CODE;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, ColumnTrait as _, EntityTrait, ExprTrait as _, QueryFilter as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// 2026-11-01: no vault of this version runs before then.
const BUILT_MS: i64 = 1_793_491_200_000;
/// A jump up to this long is not considered one.
const JUMP_MS: i64 = DAY_MS;
/// A vault may well have been stopped for this long.
const STOPPED_MS: i64 = 30 * DAY_MS;
/// How long administrators have to object to a jump across a stop.
const OBJECTION: Duration = Duration::from_secs(3600);
const ROW: i64 = 1;

/// Watches the wall clock; cheap to clone.
#[derive(Clone)]
pub struct Timekeeping {
    db: Db,
    notices: Notices,
    seen: Arc<Mutex<Seen>>,
}

/// Proof that the wall clock was checked and is believed; good for one round of work.
#[derive(Debug)]
pub struct Trusted(());

/// What this process knows.
#[derive(Default)]
struct Seen {
    /// Wall clock (Unix milliseconds) and elapsed time when it was last believed.
    last: Option<(i64, Duration)>,
    /// Elapsed time until which administrators may object.
    objection_until: Option<Duration>,
}

/// What to think of the clock.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Right,
    /// It jumped while the vault was stopped, by no more than a plausible stop.
    AfterStop,
    Wrong,
}

impl Timekeeping {
    pub(crate) fn new(db: Db, notices: Notices) -> Self {
        Self { db, notices, seen: Arc::default() }
    }

    /// Compares the clock with its record; `None` while nothing may be deleted for its age.
    pub async fn look(&self) -> Result<Option<Trusted>> {
        let (now, elapsed) = (self.db.now_ms(), self.db.clock().elapsed());
        let row = timekeeping::Entity::find_by_id(ROW).one(self.db.read()).await?;
        let noted = row.as_ref().map(|row| row.noted_at);
        self.db.clock().never_stamp_before(noted.unwrap_or(BUILT_MS));
        let verdict = match row.as_ref() {
            Some(row) if row.held => Verdict::Wrong,
            _ => self.judge(now, elapsed, noted),
        };
        match verdict {
            Verdict::Right => {
                self.believe(now, elapsed).await?;
                self.notices.clear(CODE, "").await;
                Ok(Some(Trusted(())))
            }
            Verdict::AfterStop => {
                self.tell(now, noted, "For one hour nothing is deleted for its age, then this counts as right.").await;
                Ok(None)
            }
            Verdict::Wrong => {
                self.write(noted.unwrap_or(BUILT_MS), true).await?;
                self.tell(now, noted, "Nothing is deleted for its age until you confirm that the clock is right.")
                    .await;
                Ok(None)
            }
        }
    }

    /// An administrator confirms that the clock is right now. What was stored while it was wrong counts as stored now.
    /// Such rows are found by their time:
    /// - more than a day ahead: a vault whose clock is right accepts no such time from a camera;
    /// - exactly the last believed moment: the stamp that rows get while the clock is behind.
    pub async fn confirm(&self, principal: &Principal) -> Result<()> {
        let (now, elapsed, principal) = (self.db.now_ms(), self.db.clock().elapsed(), principal.clone());
        let confirmed = self.db.write(move |tx| {
            Box::pin(async move {
                let noted = timekeeping::Entity::find_by_id(ROW).one(tx).await?.map_or(BUILT_MS, |row| row.noted_at);
                let stored_now = recording::ActiveModel { uploaded_at: Set(now), ..Default::default() };
                let at = recording::Column::UploadedAt;
                let meanwhile = at.gt(now + JUMP_MS).or(at.eq(noted));
                recording::Entity::update_many().set(stored_now).filter(meanwhile).exec(tx).await?;
                let recorded_now = recording::ActiveModel { timestamp: Set(now), ..Default::default() };
                // Apart, as each half has an index of its own.
                for half in [recording::is_recording(), recording::is_asset()] {
                    let ahead = recording::Column::Timestamp.gt(now + JUMP_MS);
                    let recorded_now = recorded_now.clone();
                    recording::Entity::update_many().set(recorded_now).filter(half.and(ahead)).exec(tx).await?;
                }
                // Removals and uploads of that time would wait until it comes.
                let removed_now = removal::ActiveModel { removed_at: Set(now), ..Default::default() };
                let ahead = removal::Column::RemovedAt.gt(now + JUMP_MS);
                removal::Entity::update_many().set(removed_now).filter(ahead).exec(tx).await?;
                let due_now = removal::ActiveModel { due_at: Set(now), ..Default::default() };
                let ahead = removal::Column::DueAt.gt(now + JUMP_MS);
                removal::Entity::update_many().set(due_now).filter(ahead).exec(tx).await?;
                let started_now = upload::ActiveModel { started_at: Set(now), ..Default::default() };
                let ahead = upload::Column::StartedAt.gt(now + JUMP_MS);
                upload::Entity::update_many().set(started_now).filter(ahead).exec(tx).await?;
                save(tx, now, false).await?;
                audit::record(tx, &principal, Permission::Manage, "confirmed the clock", &date(now)).await
            })
        });
        confirmed.await?;
        *self.seen() = Seen { last: Some((now, elapsed)), objection_until: None };
        self.db.clock().stamp_from(now);
        self.notices.clear(CODE, "").await;
        tracing::warn!(now = date(now), "an administrator has confirmed the clock");
        Ok(())
    }

    fn judge(&self, now: i64, elapsed: Duration, noted: Option<i64>) -> Verdict {
        let mut seen = self.seen();
        if now < BUILT_MS {
            return Verdict::Wrong;
        }
        if let Some((wall, at)) = seen.last {
            let passed = i64::try_from(elapsed.saturating_sub(at).as_millis()).unwrap_or(i64::MAX);
            let jump = now - wall.saturating_add(passed);
            return if jump.abs() > JUMP_MS { Verdict::Wrong } else { Verdict::Right };
        }
        let Some(noted) = noted else { return Verdict::Right };
        match now - noted {
            jump if jump.abs() <= JUMP_MS => Verdict::Right,
            jump if !(0..=STOPPED_MS).contains(&jump) => Verdict::Wrong,
            _ if elapsed >= *seen.objection_until.get_or_insert(elapsed + OBJECTION) => Verdict::Right,
            _ => Verdict::AfterStop,
        }
    }

    async fn believe(&self, now: i64, elapsed: Duration) -> Result<()> {
        self.write(now, false).await?;
        *self.seen() = Seen { last: Some((now, elapsed)), objection_until: None };
        self.db.clock().stamp_from(now);
        Ok(())
    }

    async fn write(&self, noted_at: i64, held: bool) -> Result<()> {
        self.db.write(move |tx| Box::pin(save(tx, noted_at, held))).await
    }

    async fn tell(&self, now: i64, noted: Option<i64>, consequence: &str) {
        let known = self.notices.list().await.is_ok_and(|all| all.iter().any(|notice| notice.code == CODE));
        let before = match noted {
            Some(noted) if noted > BUILT_MS => format!("when it was last noted it said {}", date(noted)),
            _ if now < BUILT_MS => "that is before this version of the vault was made".to_owned(),
            _ => "when it was last looked at, it was before this version of the vault was made".to_owned(),
        };
        let text = format!("The machine's clock says {}; {before}. {consequence}", date(now));
        if !known {
            tracing::error!("{text}");
        }
        let cure = "If it is wrong, set it (NTP) and look again. If it is right, say so here.".to_owned();
        self.notices.raise(Notice { code: CODE, subject: String::new(), text, cure, dismissible: false }).await;
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn save(tx: &Tx, noted_at: i64, held: bool) -> Result<()> {
    use timekeeping::Column::{Held, Id, NotedAt};
    let row = timekeeping::ActiveModel { id: Set(ROW), noted_at: Set(noted_at), held: Set(held) };
    let again = OnConflict::column(Id).update_columns([NotedAt, Held]).to_owned();
    timekeeping::Entity::insert(row).on_conflict(again).exec_without_returning(tx).await?;
    Ok(())
}

/// A moment in a form everybody can read, to the minute.
fn date(ms: i64) -> String {
    let moment = OffsetDateTime::from_unix_timestamp(ms.div_euclid(1000)).ok().and_then(|t| t.format(&Rfc3339).ok());
    moment.map_or_else(|| format!("{ms} ms"), |text| format!("{} UTC", text.replace('T', " ").trim_end_matches('Z')))
}
