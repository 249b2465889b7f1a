use crate::support::{TestVault, actor, label, until};
use model::connection::Family;
use model::delivery::{DeliveryFilter, DeliveryHealth, DeliveryState, DeliveryView};
use model::ports::Purpose;
use model::recording::Position;
use std::sync::atomic::Ordering;
use vault::VaultError;
use vault::deliveries::Backlog;

async fn upload_from(t: &TestVault, device: &str, name: &str) {
    let mut request = t.request(name).await;
    request.device = label(device);
    t.send(request, name.as_bytes()).await.unwrap();
}

async fn integration(t: &TestVault, name: &str) -> i64 {
    let all = t.vault.connections.list(Family::Integration).await.unwrap();
    all.into_iter().find(|i| i.name == name).expect("there is such an integration").id
}

async fn listed(t: &TestVault, connection: Option<i64>, state: Option<DeliveryState>) -> Vec<DeliveryView> {
    let filter = DeliveryFilter { connection, state };
    t.vault.deliveries.list(filter, Position::Newest, 200).await.unwrap().items
}

async fn health(t: &TestVault, name: &str) -> DeliveryHealth {
    let all = t.vault.deliveries.health().await.unwrap();
    all.into_iter().find(|line| line.name == name).expect("there is a line for it")
}

#[tokio::test]
async fn a_list_is_filtered_and_paged_both_ways() {
    let t = TestVault::new().await;
    t.world.sink.is_final.store(true, Ordering::SeqCst);
    t.world.sink.refuses.lock().unwrap().push("odd".into());
    t.world.second_sink.refuses.lock().unwrap().push("*".into());
    for n in 0..7 {
        upload_from(&t, if n == 3 { "odd" } else { "fine" }, &format!("{n}.mp4")).await;
    }
    t.deliver();
    t.world.sink.wait_for(6).await;
    let (first, second) = (integration(&t, "first").await, integration(&t, "second").await);
    until("one is parked", || async { t.vault.deliveries.count(Some(first)).await.unwrap() == (0, 1) }).await;

    use DeliveryState::{Delivered, Parked, Waiting};
    let cases = [
        (None, None, 14),
        (Some(first), None, 7),
        (Some(second), None, 7),
        (None, Some(Waiting), 7),
        (None, Some(Delivered), 6),
        (None, Some(Parked), 1),
        (Some(second), Some(Parked), 0),
        (Some(first), Some(Delivered), 6),
        (Some(i64::MAX), None, 0),
    ];
    for (connection, state, wanted) in cases {
        let rows = listed(&t, connection, state).await;
        assert_eq!(rows.len(), wanted, "{connection:?} {state:?}");
        assert!(rows.is_sorted_by(|a, b| a.id > b.id), "newest first");
        assert!(rows.iter().all(|r| connection.is_none_or(|id| r.connection_id == id)));
        assert!(rows.iter().all(|r| state.is_none_or(|state| r.state == state)));

        let filter = DeliveryFilter { connection, state };
        let (mut forward, mut at, mut ends) = (Vec::new(), Position::Newest, Vec::new());
        loop {
            let page = t.vault.deliveries.list(filter, at, 3).await.unwrap();
            assert_eq!(page.newer.is_some(), !forward.is_empty(), "a way back but on the first page");
            forward.extend(page.items.iter().map(|r| r.id));
            assert!(forward.len() <= wanted, "pages that never end: {forward:?}");
            ends.push(page.newer);
            match page.older {
                Some(cursor) => at = Position::OlderThan(cursor),
                None => break,
            }
        }
        assert_eq!(forward, rows.iter().map(|r| r.id).collect::<Vec<_>>(), "pages are the list, cut up");
        if let Some(Some(last)) = ends.last() {
            let back = t.vault.deliveries.list(filter, Position::NewerThan(*last), 3).await.unwrap();
            let at = forward.iter().position(|id| *id == last.id).unwrap();
            assert_eq!(back.items.iter().map(|r| r.id).collect::<Vec<_>>(), forward[at - 3..at]);
        }
    }

    let parked = listed(&t, None, Some(Parked)).await.remove(0);
    assert_eq!((parked.connection.as_str(), parked.recording.as_str()), ("first", "dir/3.mp4"));
    assert_eq!((parked.device.as_str(), parked.purpose), ("odd", Purpose::Stored));
    let details = t.vault.deliveries.get(parked.id).await.unwrap();
    let event: serde_json::Value = serde_json::from_str(&details.event).unwrap();
    assert_eq!((&event["id"], &event["payload"]["key"]), (&parked.event_id.as_str().into(), &"dir/3.mp4".into()));
    assert_eq!(details.view, parked);
    assert!(matches!(t.vault.deliveries.get(i64::MAX).await, Err(VaultError::NotFound(_))));
}

#[tokio::test]
async fn health_says_how_each_integration_is_doing() {
    let t = TestVault::new().await;
    t.world.sink.is_final.store(true, Ordering::SeqCst);
    let before = health(&t, "first").await;
    assert_eq!((before.last_success, before.last_hour, before.failing), (0, 0, false));
    t.world.sink.refuses.lock().unwrap().push("odd".into());
    t.world.second_sink.refuses.lock().unwrap().push("*".into());
    t.deliver();
    for (device, name) in [("fine", "1.mp4"), ("fine", "2.mp4"), ("odd", "3.mp4")] {
        upload_from(&t, device, name).await;
    }
    let first = integration(&t, "first").await;
    until("delivered or parked", || async {
        health(&t, "first").await.last_hour == 2 && t.vault.deliveries.count(Some(first)).await.unwrap() == (0, 1)
    })
    .await;
    let line = health(&t, "first").await;
    assert!(line.last_success > 0 && line.failed_at > 0);
    assert_eq!(
        (line.last_minute, line.waiting, line.oldest_waiting_ms, line.parked, line.failing),
        (2, 0, 0, 1, false)
    );
    assert_eq!(line.last_error, "The sink does not want this.");

    until("it fails", || async { health(&t, "second").await.failing }).await;
    let line = health(&t, "second").await;
    assert_eq!((line.last_success, line.last_hour, line.waiting, line.parked), (0, 0, 3, 0));
    assert_eq!(line.last_error, "The sink is down.");
    until("it ages", || async { health(&t, "second").await.oldest_waiting_ms > 0 }).await;
    t.world.second_sink.refuses.lock().unwrap().clear();
    t.world.second_sink.wait_for(3).await;
    until("it is well", || async { !health(&t, "second").await.failing }).await;
    let families: Vec<_> = t.vault.deliveries.health().await.unwrap().iter().map(|line| line.family).collect();
    assert_eq!(families, [Family::Integration; 2]);
}

#[tokio::test]
async fn one_delivery_is_retried_and_the_others_stay_parked() {
    let t = TestVault::new().await;
    t.world.sink.is_final.store(true, Ordering::SeqCst);
    t.world.sink.refuses.lock().unwrap().push("odd".into());
    t.deliver();
    for name in ["1.mp4", "2.mp4"] {
        upload_from(&t, "odd", name).await;
    }
    let first = integration(&t, "first").await;
    until("parked", || async { t.vault.deliveries.count(Some(first)).await.unwrap() == (0, 2) }).await;
    t.world.sink.refuses.lock().unwrap().clear();
    let parked = listed(&t, Some(first), Some(DeliveryState::Parked)).await;
    t.vault.deliveries.retry(&actor(), parked[0].id).await.unwrap();
    t.world.sink.wait_for(1).await;
    assert_eq!(t.world.sink.of("odd"), ["dir/2.mp4"]);
    assert_eq!(t.world.sink.ids.lock().unwrap()[0], parked[0].event_id, "a retry keeps the event's id");
    until("noted", || async { listed(&t, Some(first), Some(DeliveryState::Delivered)).await.len() == 1 }).await;
    assert_eq!(t.vault.deliveries.count(Some(first)).await.unwrap(), (0, 1));
    let again = t.vault.deliveries.retry(&actor(), parked[0].id).await;
    assert!(matches!(again, Err(VaultError::Conflict(_))), "what was delivered is not sent again: {again:?}");
    let audit = t.vault.audit.latest(1).await.unwrap().remove(0);
    assert_eq!((audit.action.as_str(), audit.subject), ("retried delivery", format!("{} (first)", parked[0].event_id)));
}

/// Beyond one batch, and without going round in circles when it is refused again.
#[tokio::test]
async fn many_parked_deliveries_are_retried_once_each() {
    let t = TestVault::new().await;
    t.world.sink.is_final.store(true, Ordering::SeqCst);
    t.world.sink.refuses.lock().unwrap().push("odd".into());
    t.deliver();
    for n in 0..620 {
        upload_from(&t, "odd", &format!("{n}.mp4")).await;
    }
    let first = integration(&t, "first").await;
    let all_parked = || async { t.vault.deliveries.count(Some(first)).await.unwrap() == (0, 620) };
    until("parked", all_parked).await;
    assert_eq!(t.vault.deliveries.retry_parked(&actor(), first).await.unwrap(), 620);
    until("parked again", all_parked).await;
    assert_eq!(*t.world.sink.attempts.lock().unwrap(), 2 * 620);
}

#[tokio::test]
async fn a_test_event_goes_straight_to_the_other_side() {
    let t = TestVault::new().await;
    let first = integration(&t, "first").await;
    let report = t.vault.connections.send_stored_test(first).await.unwrap();
    assert!(report.passed(), "{report:?}");
    assert!(t.world.sink.ids.lock().unwrap()[0].starts_with("test-"));
    assert!(listed(&t, None, None).await.is_empty(), "the outbox knows nothing of it");

    t.world.sink.refuses.lock().unwrap().push("*".into());
    let report = t.vault.connections.send_stored_test(first).await.unwrap();
    assert_eq!(report.failure().unwrap().1.reason, "The sink is down.");
    let provider = t.vault.connections.list(Family::Provider).await.unwrap()[0].id;
    assert!(matches!(t.vault.connections.send_stored_test(provider).await, Err(VaultError::NotFound(_))));
}

#[tokio::test]
async fn an_integration_goes_with_its_backlog_only_when_told_so() {
    let t = TestVault::new().await;
    t.world.sink.refuses.lock().unwrap().push("*".into());
    t.deliver();
    for n in 0..3 {
        upload_from(&t, "camera", &format!("{n}.mp4")).await;
    }
    t.world.second_sink.wait_for(3).await;
    let first = integration(&t, "first").await;
    for name in ["site-a", "site-b"] {
        let form = model::account::AccountForm {
            id: Some(t.account(name).await.id),
            integrations: vec!["second".into()],
            ..crate::support::account(name)
        };
        t.vault.accounts.save(&actor(), form).await.unwrap();
    }
    let refused = t.vault.connections.delete(&actor(), first, Backlog::Keep).await;
    assert!(matches!(refused, Err(VaultError::Conflict(_))), "{refused:?}");
    assert_eq!(listed(&t, Some(first), None).await.len(), 3);
    t.vault.connections.delete(&actor(), first, Backlog::Drop).await.unwrap();
    assert!(listed(&t, Some(first), None).await.is_empty());
    assert_eq!(t.vault.deliveries.count(None).await.unwrap().0, 0);
    let audit = t.vault.audit.latest(1).await.unwrap().remove(0);
    assert_eq!(
        (audit.action.as_str(), audit.subject.as_str()),
        ("deleted integration", "first, with 3 waiting deliveries")
    );
}
