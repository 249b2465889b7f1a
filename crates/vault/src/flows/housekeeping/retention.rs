//! Deletes recordings that are past their account's days, and assets that have no recording: after these days, and after a
//! week at the latest, whatever the account's limit. Here their rows go; their objects are left to `removals/`.

use super::pace::Pace;
use super::{EVERY, Housekeeping, log};
use crate::base::clock::DAY_MS;
use crate::base::entity::{account, leaving, recording};
use crate::base::{Result, VaultError};
use crate::host::timekeeping::Trusted;
use crate::recordings::{Expired, Reached, RecordingRef, Why};
use model::recording::NAME_OF_DELETED_ACCOUNT;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QuerySelect as _};
use std::collections::{BTreeMap, VecDeque};
use std::error::Error as StdError;
use std::sync::atomic::Ordering;
use tokio::time::Instant;

/// Most days that an asset waits for its recording.
const LONE_DAYS: i32 = 7;
/// Batches of a pass that may fail.
const MOST_FAILURES: u32 = 3;
/// Rows of a search for assets without a recording.
const SEARCHED: u64 = 500;

/// What is deleted of an account.
#[derive(Debug, Clone, Copy)]
enum What {
    Recordings,
    LoneAssets,
}

impl What {
    /// In words for the audit.
    fn older_than(self, account: &str, days: i32) -> Why {
        let what = match self {
            Self::Recordings => "recordings",
            Self::LoneAssets => "assets without a recording",
        };
        Why { account: account.to_owned(), what: format!("{what} older than {days} days") }
    }
}

/// Whose recordings go, as it was when it was allowed.
#[derive(Debug, Clone)]
struct Limit {
    account_id: i64,
    name: String,
    days: i32,
    /// What was recorded and stored before then is due.
    before: i64,
    is_deleted: bool,
}

/// One account's, and how far it has got.
struct Pass {
    limit: Limit,
    what: What,
    reached: Reached,
    failures: u32,
}

/// Whether a round has got to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Round {
    Done,
    /// Its time is over, and more is due.
    GoesOn,
}

impl Housekeeping {
    /// Goes on until nothing is due any more, the clock is not believed, or a minute is over: then who may lose what is asked anew.
    pub(super) async fn retention(&self) -> Round {
        let mut pace = Pace::new();
        log("deletion of assets", self.retire_orphans(&mut pace).await);
        let round = self.retire_expired(&mut pace).await.unwrap_or_else(|error| {
            log("retention", Err(error));
            Round::Done
        });
        if let Some(trusted) = self.believed().await {
            log("deletion of assets without a recording", self.retire_lone(&trusted, &mut pace).await);
        }
        log("deletion of assets", self.retire_orphans(&mut pace).await);
        round
    }

    /// The accounts take turns, a batch each. One that fails holds up no other.
    async fn retire_expired(&self, pace: &mut Pace) -> Result<Round> {
        let Some(trusted) = self.believed().await else { return Ok(Round::Done) };
        let begun = Instant::now();
        let left_behind = self.left_behind().await.unwrap_or_else(|error| {
            log("what deleted accounts have left behind", Err(error));
            Vec::new()
        });
        let limits = self.allowed().await?.into_iter().chain(left_behind);
        let passes = limits.flat_map(|limit| {
            [What::Recordings, What::LoneAssets].map(|what| Pass {
                limit: limit.clone(),
                what,
                reached: Reached::default(),
                failures: 0,
            })
        });
        let mut passes: VecDeque<Pass> = passes.collect();
        while let Some(mut pass) = passes.pop_front() {
            if begun.elapsed() > EVERY {
                return Ok(Round::GoesOn);
            }
            match self.retire_some(&trusted, &mut pass, pace).await {
                Ok(true) => passes.push_back(pass),
                Ok(false) => {}
                Err(error) => {
                    tell(&pass.limit.name, &error);
                    pass.failures += 1;
                    // What is behind the batch that failed need not wait for it.
                    if pass.failures < MOST_FAILURES {
                        passes.push_back(pass);
                    }
                }
            }
        }
        Ok(Round::Done)
    }

    /// Accounts with a limit, without those of which too much would go at once.
    async fn allowed(&self) -> Result<Vec<Limit>> {
        let limited = account::Entity::find().filter(account::Column::DayLimit.gt(0)).all(self.db.read()).await?;
        let (held, mut allowed) = (self.restraint.held(&limited).await?, Vec::new());
        for account in limited {
            let limit = self.limit(account.id, account.name.clone(), account.day_limit, false);
            match self.restraint.allows(&account, limit.before, held.contains(&account.id)).await {
                Ok(true) => allowed.push(limit),
                Ok(false) => {}
                Err(error) => tell(&account.name, &error),
            }
        }
        Ok(allowed)
    }

    /// Deleted accounts whose recordings are to go. One that has none left is forgotten.
    async fn left_behind(&self) -> Result<Vec<Limit>> {
        let mut limits = Vec::new();
        for leaving in leaving::Entity::find().all(self.db.read()).await? {
            let id = leaving.account_id;
            let any = recording::Entity::find().filter(recording::Column::AccountId.eq(id)).limit(1);
            if any.one(self.db.read()).await?.is_some() {
                limits.push(self.limit(id, leaving.name, leaving.days, true));
            } else {
                let forget = leaving::Entity::delete_by_id(id);
                self.db.write(move |tx| Box::pin(async move { Ok(forget.exec(tx).await.map(drop)?) })).await?;
            }
        }
        Ok(limits)
    }

    fn limit(&self, account_id: i64, name: String, days: i32, is_deleted: bool) -> Limit {
        let before = self.db.now_ms() - i64::from(days) * DAY_MS;
        Limit { account_id, name, days, before, is_deleted }
    }

    /// Whether nobody has changed an account's limit meanwhile, or deleted it.
    async fn still_holds(&self, limit: &Limit) -> Result<bool> {
        let (id, db) = (limit.account_id, self.db.read());
        let now = match limit.is_deleted {
            true => leaving::Entity::find_by_id(id).one(db).await?.map(|row| row.days),
            false => account::Entity::find_by_id(id).one(db).await?.map(|row| row.day_limit),
        };
        Ok(now == Some(limit.days))
    }

    /// One batch of an account's; answers whether there may be more.
    async fn retire_some(&self, trusted: &Trusted, pass: &mut Pass, pace: &mut Pace) -> Result<bool> {
        if !self.still_holds(&pass.limit).await? {
            return Ok(false);
        }
        let Limit { account_id, ref name, days, before, .. } = pass.limit;
        let Expired { found, reached } = match pass.what {
            What::Recordings => self.recordings.expired(trusted, account_id, before, pass.reached, pace.rows()).await?,
            What::LoneAssets => {
                self.recordings.expired_assets(trusted, account_id, before, pass.reached, pace.rows()).await?
            }
        };
        let Some(reached) = reached else { return Ok(false) };
        let why = pass.what.older_than(name, days);
        pass.reached = reached;
        self.retire(found, pace, Some(why)).await?;
        Ok(true)
    }

    /// Deletes assets whose recordings were deleted.
    async fn retire_orphans(&self, pace: &mut Pace) -> Result<()> {
        let mut after = i64::MIN;
        loop {
            let Some((found, last)) = self.recordings.orphans(after, pace.rows()).await? else { return Ok(()) };
            after = last;
            self.retire(found, pace, None).await?;
        }
    }

    /// Deletes assets that no recording came for in time, of accounts that are gone, too. The next round goes on where this one
    /// ended; the next start begins anew.
    async fn retire_lone(&self, trusted: &Trusted, pace: &mut Pace) -> Result<()> {
        let before = self.db.now_ms() - i64::from(LONE_DAYS) * DAY_MS;
        let from = self.searched_until.load(Ordering::Relaxed);
        let found = self.recordings.lone_assets(trusted, from, before, SEARCHED).await?;
        let mut by_account: BTreeMap<i64, Vec<RecordingRef>> = BTreeMap::new();
        for asset in found.assets {
            by_account.entry(asset.account_id).or_default().push(asset);
        }
        for (id, assets) in by_account {
            let account = account::Entity::find_by_id(id).one(self.db.read()).await?;
            let name = account.map_or_else(|| NAME_OF_DELETED_ACCOUNT.to_owned(), |account| account.name);
            self.retire(assets, pace, Some(What::LoneAssets.older_than(&name, LONE_DAYS))).await?;
        }
        self.searched_until.store(found.searched_until, Ordering::Relaxed);
        Ok(())
    }

    async fn retire(&self, found: Vec<RecordingRef>, pace: &mut Pace, why: Option<Why>) -> Result<()> {
        let begun = Instant::now();
        self.recordings.retire(found, why).await?;
        self.left.notify_one();
        pace.rest(begun).await;
        Ok(())
    }
}

fn tell(account: &str, error: &VaultError) {
    let error = error as &dyn StdError;
    tracing::error!(account, error, "retention failed for an account and will be tried again");
}
