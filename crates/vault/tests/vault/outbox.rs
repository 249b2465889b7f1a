use crate::support::{TestVault, actor, label, until};
use futures::TryStreamExt as _;
use model::connection::Family;
use model::delivery::{DeliveryFilter, DeliveryState};
use model::recording::Position;
use model::wire::header;
use sea_orm::ConnectionTrait as _;
use std::sync::atomic::Ordering;
use vault::ingest::UploadError;
use vault::vault_path::VaultPath;

async fn upload_from(t: &TestVault, device: &str, name: &str) {
    let mut request = t.request(name).await;
    request.device = label(device);
    t.send(request, name.as_bytes()).await.unwrap();
}

#[tokio::test]
async fn every_integration_gets_every_event_in_order_per_camera() {
    let t = TestVault::new().await;
    t.deliver();
    for n in 0..40 {
        upload_from(&t, &format!("camera-{}", n % 4), &format!("{n:02}.mp4")).await;
    }
    for sink in [&t.world.sink, &t.world.second_sink] {
        sink.wait_for(40).await;
        for camera in 0..4 {
            let wanted: Vec<_> = (0..10).map(|i| format!("dir/{:02}.mp4", camera + 4 * i)).collect();
            assert_eq!(sink.of(&format!("camera-{camera}")), wanted);
        }
    }
    until("nothing waits", || async { t.vault.deliveries.count(None).await.unwrap() == (0, 0) }).await;
}

#[tokio::test]
async fn a_dead_integration_does_not_hold_up_another_and_catches_up_in_order() {
    let t = TestVault::new().await;
    t.world.sink.refuses.lock().unwrap().push("*".into());
    t.deliver();
    for n in 0..5 {
        upload_from(&t, "camera", &format!("{n}.mp4")).await;
    }
    t.world.second_sink.wait_for(5).await;
    t.world.sink.wait_for_attempts(2).await;
    assert!(t.world.sink.events.lock().unwrap().is_empty());
    t.world.sink.refuses.lock().unwrap().clear();
    t.world.sink.wait_for(5).await;
    assert_eq!(t.world.sink.of("camera"), (0..5).map(|n| format!("dir/{n}.mp4")).collect::<Vec<_>>());
}

/// What was sent and cannot be noted is sent again: not all of it, over and over.
#[tokio::test]
async fn an_outbox_that_takes_no_outcomes_floods_nobody() {
    let t = TestVault::on_sqlite().await;
    let tables = t.tables().await;
    *t.world.sink.holds.lock().unwrap() = Some("camera".into());
    t.deliver();
    upload_from(&t, "camera", "00.mp4").await;
    until("the other one has it", || async { t.vault.deliveries.count(None).await.unwrap() == (1, 0) }).await;
    let full = "CREATE TRIGGER full BEFORE UPDATE ON deliveries WHEN NEW.state = 'delivered' AND NEW.id > 2 \
                BEGIN SELECT RAISE(ABORT, 'no room'); END";
    tables.execute_unprepared(full).await.unwrap();
    for n in 1..=20 {
        upload_from(&t, "camera", &format!("{n:02}.mp4")).await;
    }
    *t.world.sink.holds.lock().unwrap() = None;
    t.world.sink.let_go.notify_one();
    t.world.sink.wait_for(23).await;
    let again: Vec<_> = t.world.sink.of("camera").split_off(21);
    assert!(again.iter().all(|key| key == "dir/01.mp4"), "{again:?}");
    tables.execute_unprepared("DROP TRIGGER full").await.unwrap();
    until("nothing waits", || async { t.vault.deliveries.count(None).await.unwrap() == (0, 0) }).await;
}

#[tokio::test]
async fn what_is_hopeless_is_parked_and_can_be_retried() {
    let t = TestVault::new().await;
    t.world.sink.is_final.store(true, Ordering::SeqCst);
    t.world.sink.refuses.lock().unwrap().push("odd".into());
    t.deliver();
    upload_from(&t, "odd", "1.mp4").await;
    upload_from(&t, "fine", "2.mp4").await;
    t.world.sink.wait_for(1).await;
    let first = t.vault.connections.list(Family::Integration).await.unwrap().remove(0);
    assert_eq!(first.name, "first");
    until("parked", || async { t.vault.deliveries.count(Some(first.id)).await.unwrap() == (0, 1) }).await;
    let filter = DeliveryFilter { connection: Some(first.id), state: Some(DeliveryState::Parked) };
    let parked = t.vault.deliveries.list(filter, Position::Newest, 10).await.unwrap().items;
    assert_eq!((parked[0].last_error.as_str(), parked[0].attempts), ("The sink does not want this.", 1));
    t.world.sink.refuses.lock().unwrap().clear();
    assert_eq!(t.vault.deliveries.retry_parked(&actor(), first.id).await.unwrap(), 1);
    t.world.sink.wait_for(2).await;
    assert_eq!(t.world.sink.of("odd"), ["dir/1.mp4"]);
}

#[tokio::test]
async fn events_survive_a_restart() {
    let mut t = TestVault::new().await;
    for n in 0..3 {
        upload_from(&t, "camera", &format!("{n}.mp4")).await;
    }
    t.restart().await;
    t.deliver();
    t.world.sink.wait_for(3).await;
    assert_eq!(t.world.sink.of("camera"), ["dir/0.mp4", "dir/1.mp4", "dir/2.mp4"]);
}

#[tokio::test]
async fn disabling_stops_and_enabling_resumes() {
    let t = TestVault::new().await;
    t.deliver();
    let view = t.vault.connections.list(Family::Integration).await.unwrap().remove(0);
    let form = |enabled| model::connection::ConnectionForm {
        id: Some(view.id),
        family: view.family,
        kind: view.kind.clone(),
        name: view.name.clone(),
        enabled,
        settings: view.settings.clone(),
        cleared: Vec::new(),
    };
    t.world.sink.refuses.lock().unwrap().push("*".into());
    upload_from(&t, "camera", "before.mp4").await;
    t.world.sink.wait_for_attempts(1).await;
    t.vault.connections.save(&actor(), form(false)).await.unwrap();
    t.world.sink.refuses.lock().unwrap().clear();
    upload_from(&t, "camera", "meanwhile.mp4").await;
    t.world.second_sink.wait_for(2).await;
    t.vault.connections.save(&actor(), form(true)).await.unwrap();
    t.world.sink.wait_for(1).await;
    assert_eq!(t.world.sink.of("camera"), ["dir/before.mp4"], "no event is made for a disabled integration");
}

/// What a sink gets to forward tells where it came from, so that it is noticed when it comes back
/// (docs/protocol.md §10).
#[tokio::test]
async fn a_sink_can_open_the_recording_and_learns_its_way() {
    let t = TestVault::new().await;
    t.deliver();
    let from = async |path: &str, name: &str| {
        let mut request = t.request(name).await;
        (request.path, request.facts.timestamp) = (VaultPath::parse(path).unwrap(), "1606164482818".into());
        t.send(request, b"content").await
    };
    from("a1,b2", "1.mp4").await.unwrap();
    t.world.sink.wait_for(1).await;
    let event = t.world.sink.last.lock().unwrap().clone().unwrap();
    let recording = event.recording.open(0).await.unwrap();
    assert_eq!((recording.key.as_str(), recording.size, recording.timestamp), ("dir/1.mp4", 7, 1_606_164_482_818));
    assert_eq!(recording.metadata.productid.as_deref(), Some("camera-1"));
    for (from, rest) in [(0, "content"), (3, "tent"), (7, ""), (8, "")] {
        let body = event.recording.open(from).await.unwrap().body;
        assert_eq!(body.try_collect::<Vec<_>>().await.unwrap().concat(), rest.as_bytes(), "from {from}");
    }
    let [first, second, this] = recording.path.as_slice() else { panic!("{:?}", recording.path) };
    assert_eq!((first.as_str(), second.as_str()), ("a1", "b2"));
    let back = from(&format!("a1,b2,{this},c3"), "2.mp4").await;
    assert!(matches!(back, Err(UploadError::Loop)), "{back:?}");
    // Whoever forwards goes by that answer, whatever else is wrong.
    let path = format!("a1,{this}");
    let said = [(header::VAULT_PATH, path.as_str()), (header::DEVICE, "a\r\nb")];
    let back = t.send(t.request_with("2.mp4", &said).await.unwrap(), b"content").await;
    assert!(matches!(back, Err(UploadError::Loop)), "{back:?}");
    t.vault.recordings.delete_many(&actor(), &[1]).await.unwrap();
    assert!(event.recording.open(0).await.err().unwrap().is_not_found());
}
