use sea_orm_migration::prelude::*;

/// A camera that uploaded is one of its account: two accounts may have one of the same key, and its events wait for nobody
/// else's. What heartbeats claim is kept apart, as they carry no credentials.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        super::run(
            manager,
            "CREATE TABLE device_claims (
                 key TEXT NOT NULL PRIMARY KEY,
                 name TEXT NOT NULL,
                 capture TEXT NOT NULL,
                 version TEXT NOT NULL,
                 hostname TEXT NOT NULL,
                 details TEXT NOT NULL,
                 first_seen BIGINT NOT NULL,
                 last_seen BIGINT NOT NULL
             );
             INSERT INTO device_claims (key, name, capture, version, hostname, details, first_seen, last_seen)
                 SELECT key, name, capture, version, hostname, details, first_seen, last_seen FROM devices
                 WHERE account_id IS NULL OR details <> '{}';
             CREATE INDEX device_claims_by_last_seen ON device_claims (last_seen);
             ALTER TABLE devices RENAME TO devices_before;
             CREATE TABLE devices (
                 account_id BIGINT NOT NULL,
                 key TEXT NOT NULL,
                 name TEXT NOT NULL,
                 capture TEXT NOT NULL,
                 first_seen BIGINT NOT NULL,
                 last_recording BIGINT NOT NULL,
                 PRIMARY KEY (account_id, key)
             );
             INSERT INTO devices (account_id, key, name, capture, first_seen, last_recording)
                 SELECT account_id, key, name, capture, first_seen, last_recording FROM devices_before
                 WHERE account_id IS NOT NULL;
             DROP TABLE devices_before;
             CREATE INDEX devices_by_key ON devices (key);
             CREATE INDEX devices_by_last_recording ON devices (last_recording);
             CREATE TABLE lanes_before AS SELECT * FROM lanes;
             DELETE FROM lanes;
             INSERT INTO lanes (integration_id, device, idle, enqueued, attempts, next_attempt_at, last_error, failed_at)
                 SELECT d.integration_id, CAST(COALESCE(r.account_id, 0) AS TEXT) || '/' || d.device,
                     MAX(CASE WHEN d.state = 'waiting' THEN 1 ELSE 0 END) = 0, MAX(COALESCE(b.enqueued, 1)),
                     MAX(COALESCE(b.attempts, 0)), MAX(COALESCE(b.next_attempt_at, 0)), MAX(COALESCE(b.last_error, '')),
                     MAX(COALESCE(b.failed_at, 0))
                 FROM deliveries d
                 LEFT JOIN recordings r ON r.id = d.recording_id
                 LEFT JOIN lanes_before b ON b.integration_id = d.integration_id AND b.device = d.device
                 GROUP BY d.integration_id, CAST(COALESCE(r.account_id, 0) AS TEXT) || '/' || d.device;
             DROP TABLE lanes_before;
             UPDATE deliveries SET device = CAST(COALESCE(
                 (SELECT r.account_id FROM recordings r WHERE r.id = deliveries.recording_id), 0) AS TEXT) || '/' || device",
        )
        .await
    }
}
