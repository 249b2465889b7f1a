//! Recordings whose time is over, many at a time: their rows go, and what lies at providers is left to be deleted.

use super::{RecordingRef, Recordings, rows};
use crate::base::{Permission, Principal, Result, Task, audit};
use crate::objects::removals;
use model::ObjectKey;
use std::collections::HashMap;

impl Recordings {
    /// Takes out the rows of a batch. What somebody works on right now stays for the next round. No provider is asked, so one
    /// that is down keeps nothing here. `why` says for the audit, of one account's, what they are, after their number; of an
    /// account's own deletions nothing more need be said.
    pub(crate) async fn retire(&self, found: Vec<RecordingRef>, why: Option<Why>) -> Result<()> {
        let mut by_provider: HashMap<i64, Vec<RecordingRef>> = HashMap::new();
        for one in found {
            by_provider.entry(one.provider_id).or_default().push(one);
        }
        for (provider_id, found) in by_provider {
            let keys: Vec<ObjectKey> = found.iter().map(|one| one.key.clone()).collect();
            let turns = self.locks.lock_free(provider_id, keys).await?;
            let free: Vec<RecordingRef> = found.into_iter().filter(|one| turns.has(&one.key)).collect();
            let why = why.clone();
            let retired = self.db.write(move |tx| {
                Box::pin(async move {
                    let gone = rows::take_out(tx, &free).await?;
                    let objects = gone.iter().map(|one| (one.provider_id, one.key.to_string()));
                    removals::insert_whole(tx, objects).await?;
                    if let Some(Why { account, what }) = why.filter(|_| !gone.is_empty()) {
                        let subject = format!("{account}: {} {what}", gone.len());
                        let retention = Principal::Vault(Task::Retention);
                        audit::record(tx, &retention, Permission::Manage, "deleted recordings", &subject).await?;
                    }
                    Ok(())
                })
            });
            retired.await?;
            drop(turns);
        }
        Ok(())
    }
}

/// What the audit says of a batch.
#[derive(Debug, Clone)]
pub(crate) struct Why {
    /// Whose they are.
    pub(crate) account: String,
    /// What they are.
    pub(crate) what: String,
}
