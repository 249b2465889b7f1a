//! Lists of deliveries, and the details of one.

use super::{DEFERRED, Deliveries, in_state};
use crate::base::damaged::{Damage, delivery_purpose, delivery_state};
use crate::base::entity::{connection, delivery, recording};
use crate::base::{Result, VaultError};
use crate::outbox::event::device_of;
use crate::recordings::MAX_PAGE;
use futures::future::try_join_all;
use model::delivery::{DeliveryDetails, DeliveryFilter, DeliveryState, DeliveryView};
use model::page::{Cursor, Page};
use model::recording::Position;
use sea_orm::{ColumnTrait, EntityTrait, FromQueryResult, Order, QueryFilter, QueryOrder, QuerySelect};
use std::collections::HashMap;

/// A delivery without its event, which can be large.
#[derive(Debug, FromQueryResult)]
struct Row {
    id: i64,
    integration_id: i64,
    recording_id: i64,
    device: String,
    event_id: String,
    purpose: String,
    state: String,
    attempts: i32,
    last_error: String,
    created_at: i64,
    finished_at: i64,
    due_at: i64,
}

const COLUMNS: [delivery::Column; 12] = [
    delivery::Column::Id,
    delivery::Column::IntegrationId,
    delivery::Column::RecordingId,
    delivery::Column::Device,
    delivery::Column::EventId,
    delivery::Column::Purpose,
    delivery::Column::State,
    delivery::Column::Attempts,
    delivery::Column::LastError,
    delivery::Column::CreatedAt,
    delivery::Column::FinishedAt,
    delivery::Column::DueAt,
];

impl Deliveries {
    /// A page of deliveries, the last enqueued first.
    pub async fn list(&self, filter: DeliveryFilter, position: Position, limit: u64) -> Result<Page<DeliveryView>> {
        let limit = limit.clamp(1, MAX_PAGE);
        let backwards = matches!(position, Position::NewerThan(_));
        let slices = self.slices(filter).await?;
        let slices = slices.into_iter().map(|slice| self.slice(slice, position, limit + 1));
        let mut rows: Vec<Row> = try_join_all(slices).await?.into_iter().flatten().collect();
        rows.sort_unstable_by_key(|row| if backwards { row.id } else { -row.id });
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let Page { items, older, newer } =
            Page::cut(rows, position, limit, |row| Cursor { time: row.created_at, id: row.id });
        let items = self.db.damaged_rows().readable(self.views(items).await?);
        Ok(Page { items, older, newer })
    }

    /// A delivery together with its event.
    pub async fn get(&self, id: i64) -> Result<DeliveryDetails> {
        let query = delivery::Entity::find_by_id(id).select_only().columns(COLUMNS);
        let row = query.into_model::<Row>().one(self.db.read()).await?.ok_or(VaultError::NotFound("delivery"))?;
        let event: Option<String> = delivery::Entity::find_by_id(id)
            .select_only()
            .column(delivery::Column::Event)
            .into_tuple()
            .one(self.db.read())
            .await?;
        let view = self.views(vec![row]).await?.pop().ok_or(VaultError::NotFound("delivery"))?;
        let view = self.db.damaged_rows().or_error(view)?;
        Ok(DeliveryDetails { view, event: event.unwrap_or_default() })
    }

    /// The slices in which an index has ids in order: everything, or one connection in one state. A filter by only one
    /// of these takes several slices, merged.
    async fn slices(&self, filter: DeliveryFilter) -> Result<Vec<Option<(i64, DeliveryState)>>> {
        let connections = match (filter.connection, filter.state) {
            (None, None) => return Ok(vec![None]),
            (Some(id), _) => vec![id],
            (None, Some(_)) => {
                let ids = connection::Entity::find().select_only().column(connection::Column::Id);
                ids.into_tuple().all(self.db.read()).await?
            }
        };
        let states = filter.state.map_or_else(|| DeliveryState::ALL.to_vec(), |state| vec![state]);
        Ok(connections.into_iter().flat_map(|id| states.iter().map(move |state| Some((id, *state)))).collect())
    }

    async fn slice(&self, of: Option<(i64, DeliveryState)>, position: Position, limit: u64) -> Result<Vec<Row>> {
        let mut query = delivery::Entity::find().select_only().columns(COLUMNS);
        if let Some((connection, state)) = of {
            query = query.filter(delivery::Column::IntegrationId.eq(connection)).filter(in_state(state.as_str()));
        }
        let (query, order) = match position {
            Position::Newest => (query, Order::Desc),
            Position::OlderThan(cursor) => (query.filter(delivery::Column::Id.lt(cursor.id)), Order::Desc),
            Position::NewerThan(cursor) => (query.filter(delivery::Column::Id.gt(cursor.id)), Order::Asc),
        };
        let query = query.order_by(delivery::Column::Id, order).limit(limit);
        Ok(query.into_model::<Row>().all(self.db.read()).await?)
    }

    async fn views(&self, rows: Vec<Row>) -> Result<Vec<std::result::Result<DeliveryView, Damage>>> {
        let ids = rows.iter().map(|row| row.recording_id);
        let recordings: Vec<(i64, String, String)> = recording::Entity::find()
            .select_only()
            .columns([recording::Column::Id, recording::Column::Key, recording::Column::InstanceName])
            .filter(recording::Column::Id.is_in(ids))
            .into_tuple()
            .all(self.db.read())
            .await?;
        let names: Vec<(i64, String)> = connection::Entity::find()
            .select_only()
            .columns([connection::Column::Id, connection::Column::Name])
            .into_tuple()
            .all(self.db.read())
            .await?;
        let names: HashMap<_, _> = names.into_iter().collect();
        let recordings: HashMap<_, _> = recordings.into_iter().map(|(id, key, camera)| (id, (key, camera))).collect();
        let view = |row: Row| {
            let device = device_of(&row.device).to_owned();
            let (key, camera) = recordings.get(&row.recording_id).cloned().unwrap_or_default();
            Ok(DeliveryView {
                due_at: if row.state == DEFERRED { row.due_at } else { 0 },
                id: row.id,
                connection_id: row.integration_id,
                connection: names.get(&row.integration_id).cloned().unwrap_or_default(),
                camera: if camera.is_empty() { device.clone() } else { camera },
                device,
                recording: key,
                event_id: row.event_id,
                purpose: delivery_purpose(row.id, &row.purpose)?,
                state: delivery_state(row.id, &row.state)?,
                attempts: row.attempts,
                last_error: row.last_error,
                created_at: row.created_at,
                finished_at: row.finished_at,
            })
        };
        Ok(rows.into_iter().map(view).collect())
    }
}
