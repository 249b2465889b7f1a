//! The dashboard's figures, each read from an index or a small table.

use crate::base::Result;
use crate::base::clock::day_of;
use crate::base::db::Db;
use crate::base::entity::{account, connection, recording, usage_day};
use crate::outbox::deliveries;
use crate::recordings::devices::Devices;
use model::connection::Family;
use model::dashboard::{Dashboard, DayUsage};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};

/// Days the chart shows.
const DAYS: i64 = 14;

/// Reads the dashboard's figures.
#[derive(Clone)]
pub struct DashboardFigures {
    db: Db,
    devices: Devices,
}

impl DashboardFigures {
    pub(crate) fn new(db: Db, devices: Devices) -> Self {
        Self { db, devices }
    }

    /// The figures as of now.
    pub async fn read(&self) -> Result<Dashboard> {
        let today = day_of(self.db.now_ms());
        let mut days: Vec<DayUsage> =
            (today - DAYS + 1..=today).map(|day| DayUsage { day, ..DayUsage::default() }).collect();
        let rows =
            usage_day::Entity::find().filter(usage_day::Column::Day.gt(today - DAYS)).all(self.db.read()).await?;
        for row in rows {
            if let Some(day) = days.iter_mut().find(|d| d.day == row.day) {
                day.recordings += row.recordings;
                day.bytes += row.bytes;
            }
        }
        let (recordings_today, bytes_today) = days.last().map_or((0, 0), |d| (d.recordings, d.bytes));
        let (deliveries_waiting, deliveries_parked) = deliveries::count(&self.db, None).await?;
        let (cameras_online, cameras_total) = self.devices.count().await?;
        let providers = connection::Entity::find().filter(connection::Column::Family.eq(Family::Provider.as_str()));
        let recordings = recording::Entity::find().filter(recording::is_recording());
        Ok(Dashboard {
            recordings_today,
            bytes_today,
            days,
            deliveries_waiting,
            deliveries_parked,
            cameras_online,
            cameras_total,
            has_provider: providers.limit(1).one(self.db.read()).await?.is_some(),
            has_account: account::Entity::find().limit(1).one(self.db.read()).await?.is_some(),
            has_recording: recordings.limit(1).one(self.db.read()).await?.is_some(),
        })
    }
}
