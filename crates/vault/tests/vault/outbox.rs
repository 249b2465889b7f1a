use crate::support::{TestVault, actor, until};
use model::connection::Family;
use model::delivery::{DeliveryFilter, DeliveryState};
use model::recording::Position;

async fn upload_from(t: &TestVault, device: &str, name: &str) {
    let mut request = t.request(name).await;
    request.device = device.into();
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

#[tokio::test]
async fn what_is_refused_for_good_is_parked_and_can_be_retried() {
    let t = TestVault::new().await;
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
