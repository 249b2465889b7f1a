//! Notices about connections with parked deliveries.

use crate::base::Result;
use crate::base::db::Db;
use crate::base::entity::connection;
use crate::host::notices::{Notice, Notices};
use crate::outbox::deliveries::{PARKED, count_in};
use model::delivery::COUNT_CAP;
use sea_orm::{EntityTrait, QuerySelect};
use std::collections::{HashMap, HashSet};

/// The notice's code.
const CODE: &str = "deliveries-given-up";

/// Raises and clears these notices.
pub(super) struct GivenUp {
    db: Db,
    notices: Notices,
    /// Connection name and number, as last reported.
    told: HashMap<i64, (String, i64)>,
}

impl GivenUp {
    pub(super) fn new(db: Db, notices: Notices) -> Self {
        Self { db, notices, told: HashMap::new() }
    }

    /// Raises the notice of connections that have more than before, and clears that of those with none. A dismissed
    /// number is not reported again until a restart.
    pub(super) async fn look(&mut self) -> Result<()> {
        let connections: Vec<(i64, String)> = connection::Entity::find()
            .select_only()
            .columns([connection::Column::Id, connection::Column::Name])
            .into_tuple()
            .all(self.db.read())
            .await?;
        let known: HashSet<i64> = connections.iter().map(|(id, _)| *id).collect();
        for (id, name) in connections {
            let count = count_in(&self.db, PARKED, Some(id)).await?;
            let told = self.told.get(&id);
            match told {
                Some((then, _)) if *then != name => self.notices.clear(CODE, then).await,
                _ => {}
            }
            let told_of = told.filter(|(then, _)| *then == name).map(|(_, count)| *count);
            match count {
                0 if told_of != Some(0) => self.notices.clear(CODE, &name).await,
                1.. if told_of.is_none_or(|told_of| told_of < count) => self.notices.raise(notice(&name, count)).await,
                _ => {}
            }
            self.told.insert(id, (name, count));
        }
        for (_, (name, _)) in self.told.extract_if(|id, _| !known.contains(id)) {
            self.notices.clear(CODE, &name).await;
        }
        Ok(())
    }
}

fn notice(name: &str, count: i64) -> Notice {
    let some = match count {
        1 => "A delivery".to_owned(),
        COUNT_CAP.. => format!("{COUNT_CAP} deliveries or more"),
        _ => format!("{count} deliveries"),
    };
    Notice {
        code: CODE,
        subject: name.to_owned(),
        text: format!("{some} to {name} failed until {} given up.", if count == 1 { "it was" } else { "they were" }),
        cure: "See the reasons under Deliveries, mend them, and press Retry.".into(),
        dismissible: true,
    }
}
