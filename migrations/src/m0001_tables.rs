use sea_orm_migration::prelude::*;

/// The first tables. Times are Unix milliseconds (sessions: seconds).
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        super::run(manager, TABLES).await
    }
}

const TABLES: &str = "
CREATE TABLE users (
    id {id},
    username TEXT NOT NULL UNIQUE,
    password_hash TEXT NOT NULL,
    configured_hash TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    data {bytes} NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

CREATE TABLE connections (
    id {id},
    family TEXT NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    enabled BOOLEAN NOT NULL,
    provisioned BOOLEAN NOT NULL,
    settings {bytes} NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (family, name)
);
CREATE TABLE accounts (
    id {id},
    name TEXT NOT NULL UNIQUE,
    enabled BOOLEAN NOT NULL,
    provisioned BOOLEAN NOT NULL,
    provider_id BIGINT NOT NULL REFERENCES connections (id),
    directory TEXT NOT NULL,
    day_limit INTEGER NOT NULL,
    access_key TEXT NOT NULL UNIQUE,
    secret_key {bytes} NOT NULL,
    cloud_analysis BOOLEAN NOT NULL,
    edge_analysis BOOLEAN NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE TABLE account_integrations (
    account_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    integration_id BIGINT NOT NULL REFERENCES connections (id),
    PRIMARY KEY (account_id, integration_id)
);

CREATE TABLE account_secondaries (
    account_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    provider_id BIGINT NOT NULL REFERENCES connections (id),
    PRIMARY KEY (account_id, provider_id)
);

CREATE TABLE uploads (
    id {id},
    provider_id BIGINT NOT NULL,
    key TEXT NOT NULL,
    draft TEXT NOT NULL,
    owner TEXT NOT NULL,
    started_at BIGINT NOT NULL
);
CREATE TABLE replicas (
    id TEXT PRIMARY KEY,
    seen_at BIGINT NOT NULL
);
CREATE TABLE removals (
    id {id},
    provider_id BIGINT NOT NULL,
    key TEXT NOT NULL,
    removed_at BIGINT NOT NULL
);

CREATE TABLE recordings (
    id {id},
    account_id BIGINT NOT NULL,
    provider_id BIGINT NOT NULL,
    key TEXT NOT NULL,
    device TEXT NOT NULL,
    instance_name TEXT NOT NULL,
    timestamp BIGINT NOT NULL,
    uploaded_at BIGINT NOT NULL,
    size BIGINT NOT NULL,
    sha256 TEXT NOT NULL,
    duration_ms BIGINT NOT NULL,
    codec TEXT NOT NULL,
    fragmented BOOLEAN NOT NULL,
    facts TEXT NOT NULL,
    metadata TEXT NOT NULL,
    path TEXT NOT NULL,
    origin_id BIGINT NOT NULL,
    UNIQUE (provider_id, key)
);
CREATE TABLE copies (
    recording_id BIGINT NOT NULL,
    provider_id BIGINT NOT NULL,
    key TEXT NOT NULL,
    copied_at BIGINT NOT NULL,
    PRIMARY KEY (recording_id, provider_id),
    UNIQUE (provider_id, key)
);
CREATE TABLE moves (
    id {id},
    from_provider_id BIGINT NOT NULL,
    to_provider_id BIGINT NOT NULL,
    state TEXT NOT NULL,
    after_id BIGINT NOT NULL,
    total BIGINT NOT NULL,
    moved BIGINT NOT NULL,
    moved_bytes BIGINT NOT NULL,
    failed BIGINT NOT NULL,
    last_error TEXT NOT NULL,
    lease_until BIGINT NOT NULL,
    started_at BIGINT NOT NULL,
    finished_at BIGINT NOT NULL
);
CREATE INDEX recordings_by_upload ON recordings (uploaded_at, id, account_id);
CREATE INDEX recordings_by_time ON recordings (timestamp, id);
CREATE INDEX recordings_by_account ON recordings (account_id, timestamp, id);
CREATE INDEX recordings_by_provider ON recordings (provider_id, timestamp, id);
CREATE INDEX recordings_by_device ON recordings (device, timestamp, id);
CREATE INDEX recordings_by_account_provider ON recordings (account_id, provider_id, timestamp, id);
CREATE INDEX recordings_by_account_device ON recordings (account_id, device, timestamp, id);
CREATE INDEX recordings_by_provider_device ON recordings (provider_id, device, timestamp, id);

CREATE TABLE deliveries (
    id {id},
    integration_id BIGINT NOT NULL,
    recording_id BIGINT NOT NULL,
    device TEXT NOT NULL,
    event_id TEXT NOT NULL,
    event TEXT NOT NULL,
    purpose TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    last_error TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    finished_at BIGINT NOT NULL
);
CREATE INDEX deliveries_waiting ON deliveries (integration_id, device, id) WHERE state = 'waiting';
CREATE INDEX deliveries_waiting_by_id ON deliveries (integration_id, id) WHERE state = 'waiting';
CREATE INDEX deliveries_parked ON deliveries (integration_id, id) WHERE state = 'parked';
CREATE INDEX deliveries_delivered ON deliveries (integration_id, finished_at) WHERE state = 'delivered';
CREATE INDEX deliveries_delivered_by_id ON deliveries (integration_id, id) WHERE state = 'delivered';

CREATE TABLE lanes (
    integration_id BIGINT NOT NULL,
    device TEXT NOT NULL,
    idle BOOLEAN NOT NULL,
    enqueued BIGINT NOT NULL,
    attempts INTEGER NOT NULL,
    next_attempt_at BIGINT NOT NULL,
    lease_until BIGINT NOT NULL,
    last_error TEXT NOT NULL,
    failed_at BIGINT NOT NULL,
    PRIMARY KEY (integration_id, device)
);
CREATE INDEX lanes_due ON lanes (integration_id, next_attempt_at) WHERE idle = FALSE;
CREATE INDEX lanes_failed ON lanes (integration_id, failed_at) WHERE failed_at > 0;

CREATE TABLE replays (
    id {id},
    integration_id BIGINT NOT NULL,
    account_id BIGINT NOT NULL,
    from_time BIGINT NOT NULL,
    until_time BIGINT NOT NULL,
    state TEXT NOT NULL,
    after_time BIGINT NOT NULL,
    after_id BIGINT NOT NULL,
    enqueued BIGINT NOT NULL,
    started_at BIGINT NOT NULL,
    finished_at BIGINT NOT NULL
);
CREATE INDEX replays_by_integration ON replays (integration_id, id);
CREATE INDEX replays_running ON replays (id) WHERE state = 'running';

CREATE TABLE devices (
    key TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    capture TEXT NOT NULL,
    version TEXT NOT NULL,
    hostname TEXT NOT NULL,
    details TEXT NOT NULL,
    first_seen BIGINT NOT NULL,
    last_seen BIGINT NOT NULL,
    last_recording BIGINT NOT NULL,
    account_id BIGINT NOT NULL
);
CREATE INDEX devices_by_last_seen ON devices (last_seen);

CREATE TABLE usage_days (
    day BIGINT NOT NULL,
    account_id BIGINT NOT NULL,
    recordings BIGINT NOT NULL,
    bytes BIGINT NOT NULL,
    PRIMARY KEY (day, account_id)
);
CREATE TABLE audit (
    id {id},
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL
);
";
