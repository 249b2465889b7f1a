use crate::support::{TestVault, actor, label, now_ms, until};
use model::connection::{ConnectionForm, Family};
use model::delivery::{DeliveryFilter, ReplayForm, ReplayState, ReplayView};
use model::ports::Purpose;
use model::recording::Position;
use std::collections::HashSet;
use vault::VaultError;

async fn upload(t: &TestVault, account: &str, device: &str, name: &str) -> i64 {
    let mut request = t.request(name).await;
    request.account = t.account(account).await;
    request.device = label(device);
    t.send(request, name.as_bytes()).await.unwrap().id
}

async fn first(t: &TestVault) -> i64 {
    t.vault.connections.list(Family::Integration).await.unwrap()[0].id
}

/// From a recording to another, both included.
async fn period(t: &TestVault, from: i64, until: i64) -> ReplayForm {
    let stored = async |id| t.vault.recordings.get(id).await.unwrap().uploaded_at;
    ReplayForm { integration: first(t).await, from: stored(from).await, until: stored(until).await + 1, account: None }
}

async fn last(t: &TestVault) -> ReplayView {
    t.vault.deliveries.replays(first(t).await).await.unwrap().replays.remove(0)
}

async fn done(t: &TestVault) -> ReplayView {
    until("the replay is done", || async { last(t).await.state == ReplayState::Done }).await;
    last(t).await
}

/// Lets the clock go on, so that recordings are stored in different milliseconds.
async fn next_millisecond() {
    let now = now_ms();
    until("a millisecond passes", || async { now_ms() > now }).await;
}

#[tokio::test]
async fn a_period_is_sent_again_under_fresh_ids_in_order_per_camera() {
    let t = TestVault::new().await;
    t.deliver();
    let mut ids = Vec::new();
    for n in 0..12 {
        ids.push(upload(&t, "site-a", &format!("camera-{}", n % 2), &format!("{n:02}.mp4")).await);
        next_millisecond().await;
    }
    t.world.sink.wait_for(12).await;
    t.world.second_sink.wait_for(12).await;
    let before = t.world.sink.events.lock().unwrap().len();

    let form = period(&t, ids[3], ids[8]).await;
    assert_eq!(t.vault.deliveries.replays(form.integration).await.unwrap().accounts, ["site-a", "site-b"]);
    assert_eq!(t.vault.deliveries.count_replay(&form).await.unwrap(), 6);
    t.vault.deliveries.start_replay(&actor(), form.clone()).await.unwrap();
    t.world.sink.wait_for(before + 6).await;
    let replay = done(&t).await;
    assert_eq!((replay.enqueued, replay.percent(), replay.account.as_str()), (6, 100, ""));

    let again = t.world.sink.events.lock().unwrap().split_off(before);
    for camera in 0..2 {
        let device = format!("camera-{camera}");
        let of: Vec<_> = again.iter().filter(|(d, _)| *d == device).map(|(_, key)| key.clone()).collect();
        let wanted: Vec<_> = (3..9).filter(|n| n % 2 == camera).map(|n| format!("dir/{n:02}.mp4")).collect();
        assert_eq!(of, wanted);
    }
    let seen = t.world.sink.ids.lock().unwrap().clone();
    assert_eq!(seen.iter().collect::<HashSet<_>>().len(), 18, "a replay's events have ids of their own");
    assert_eq!(t.world.second_sink.events.lock().unwrap().len(), 12, "only the integration that was asked for");

    // But for its id, a replayed event says what the first one said.
    let rows = t.vault.deliveries.list(DeliveryFilter::default(), Position::Newest, 200).await.unwrap().items;
    let mut events = Vec::new();
    for row in rows.iter().filter(|row| row.recording == "dir/05.mp4" && row.connection == "first") {
        let details = t.vault.deliveries.get(row.id).await.unwrap();
        let mut event: serde_json::Value = serde_json::from_str(&details.event).unwrap();
        assert_eq!(event["id"].take(), row.event_id.as_str());
        events.push((row.purpose, event));
    }
    assert_eq!(events.iter().map(|(purpose, _)| *purpose).collect::<Vec<_>>(), [Purpose::Replay, Purpose::Stored]);
    assert_eq!(events[0].1, events[1].1);
    let audit = t.vault.audit.latest(1).await.unwrap().remove(0);
    assert!(audit.action == "started replay" && audit.subject.starts_with("first, all accounts"), "{audit:?}");
}

#[tokio::test]
async fn only_accounts_that_use_the_integration_take_part() {
    let t = TestVault::new().await;
    let from = upload(&t, "site-a", "a", "a.mp4").await;
    let to = upload(&t, "site-b", "b", "b.mp4").await;
    t.deliver();
    t.world.sink.wait_for(2).await;
    let mut form = period(&t, from, to).await;
    form.account = Some("site-b".into());
    t.vault.deliveries.start_replay(&actor(), form.clone()).await.unwrap();
    t.world.sink.wait_for(3).await;
    assert_eq!((done(&t).await.enqueued, t.world.sink.of("b").len()), (1, 2));

    let without = model::account::AccountForm {
        id: Some(t.account("site-b").await.id),
        integrations: vec!["second".into()],
        ..crate::support::account("site-b")
    };
    t.vault.accounts.save(&actor(), without).await.unwrap();
    let refused = t.vault.deliveries.start_replay(&actor(), form.clone()).await;
    assert!(matches!(refused, Err(VaultError::Invalid(_))), "{refused:?}");
    form.account = None;
    assert_eq!(t.vault.deliveries.replays(form.integration).await.unwrap().accounts, ["site-a"]);
    assert_eq!(t.vault.deliveries.count_replay(&form).await.unwrap(), 1);
    t.vault.deliveries.start_replay(&actor(), form).await.unwrap();
    until("the second is done", || async { last(&t).await.account.is_empty() && done(&t).await.enqueued == 1 }).await;
    assert_eq!((t.world.sink.of("a").len(), t.world.sink.of("b").len()), (2, 2));
}

/// More than a batch, more than may wait at a time; a restart in between; nothing twice.
#[tokio::test]
async fn a_long_replay_paces_itself_and_survives_a_restart() {
    let mut t = TestVault::new().await;
    let mut ids = Vec::new();
    for n in 0..2_600 {
        ids.push(upload(&t, "site-a", "camera", &format!("{n:04}.mp4")).await);
    }
    t.deliver();
    t.world.sink.wait_for(2_600).await;
    let first = first(&t).await;
    until("nothing waits", || async { t.vault.deliveries.count(Some(first)).await.unwrap().0 == 0 }).await;
    t.world.sink.refuses.lock().unwrap().push("*".into());
    let form = period(&t, ids[0], ids[2_599]).await;
    t.vault.deliveries.start_replay(&actor(), form.clone()).await.unwrap();
    until("it pauses", || async { t.vault.deliveries.count(Some(first)).await.unwrap().0 == 2_000 }).await;
    let twice = t.vault.deliveries.start_replay(&actor(), form).await;
    assert!(matches!(twice, Err(VaultError::Conflict(_))), "{twice:?}");

    t.restart().await;
    assert_eq!((last(&t).await.state, last(&t).await.enqueued), (ReplayState::Running, 2_000));
    t.world.sink.refuses.lock().unwrap().clear();
    t.deliver();
    t.world.sink.wait_for(5_200).await;
    assert_eq!(done(&t).await.enqueued, 2_600);
    until("nothing waits", || async { t.vault.deliveries.count(Some(first)).await.unwrap().0 == 0 }).await;
    let keys: HashSet<String> = t.world.sink.of("camera").split_off(2_600).into_iter().collect();
    assert_eq!(keys.len(), 2_600, "each recording once more");
}

#[tokio::test]
async fn a_replay_can_be_stopped() {
    let t = TestVault::new().await;
    let id = upload(&t, "site-a", "camera", "1.mp4").await;
    let form = period(&t, id, id).await;
    // Nothing is delivered, and nothing replayed, before `deliver`.
    let replay = t.vault.deliveries.start_replay(&actor(), form).await.unwrap();
    t.vault.deliveries.stop_replay(&actor(), replay).await.unwrap();
    t.deliver();
    t.world.sink.wait_for(1).await;
    upload(&t, "site-a", "camera", "2.mp4").await;
    t.world.sink.wait_for(2).await;
    assert_eq!((last(&t).await.state, last(&t).await.enqueued), (ReplayState::Stopped, 0));
    assert_eq!(t.world.sink.of("camera"), ["dir/1.mp4", "dir/2.mp4"]);
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_at_its_field() {
    let t = TestVault::new().await;
    let now = now_ms();
    let integration = first(&t).await;
    let start = async |from, until| {
        t.vault.deliveries.start_replay(&actor(), ReplayForm { integration, from, until, account: None }).await
    };
    for (from, until, field) in [(now + 60_000, now + 70_000, "from"), (now - 1_000, now - 2_000, "until")] {
        match start(from, until).await {
            Err(VaultError::Invalid(errors)) => assert_eq!(errors[0].field, field),
            other => panic!("{other:?}"),
        }
    }
    let view = t.vault.connections.get(integration).await.unwrap();
    let disabled = ConnectionForm {
        id: Some(view.id),
        family: view.family,
        kind: view.kind,
        name: view.name,
        enabled: false,
        settings: view.settings,
        cleared: Vec::new(),
    };
    t.vault.connections.save(&actor(), disabled).await.unwrap();
    assert!(matches!(start(now - 1_000, now).await, Err(VaultError::Conflict(_))));
    let provider = t.vault.connections.list(Family::Provider).await.unwrap()[0].id;
    assert!(matches!(t.vault.deliveries.replays(provider).await, Err(VaultError::NotFound(_))));
}
