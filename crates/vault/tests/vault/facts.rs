//! What an agent says of a recording beside its name and its bytes (docs/protocol.md §2, §9).

use crate::support::{Fault, TestVault, actor, now_ms, until, within};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use model::connection::Family;
use model::delivery::ReplayForm;
use model::recording::RecordingView;
use model::wire::{CustomHeaders, header};
use sea_orm::{EntityTrait as _, PaginatorTrait as _};
use serde_json::{Value, json};
use std::convert::Infallible;
use vault::ingest::UploadRequest;

const NAMED: &str = "1606164482_6-818812_Fundo Esquerda_1_229-153-288-247_51_745.mp4";
const OPAQUE: &str = "5f2b0c1e-9d3a.mp4";
const FRAGMENTED: &[u8] = include_bytes!("../../../../fixtures/fragmented.mp4");
/// Where its movie header ends, and where its fragment headers are.
const INIT: usize = 799;
const MOOFS: [usize; 6] = [799, 78_686, 169_720, 253_939, 342_951, 428_667];
const MOOF: usize = 504;
/// Where a fragment header says how long a sample is, in 1/12800 s.
const SAMPLE: std::ops::Range<usize> = 48..52;
/// Bytes of a fragment's pictures here: a test's vault takes no large recording.
const PICTURES: u32 = 15_000;
/// The same as a file of such fragments, of which the fourth claims that its samples last so long.
fn fragmented(samples_of_fourth: u32) -> Vec<u8> {
    let mut file = FRAGMENTED[..INIT].to_vec();
    for (n, at) in MOOFS.into_iter().enumerate() {
        let mut moof = FRAGMENTED[at..at + MOOF].to_vec();
        assert_eq!(moof[SAMPLE], 512_u32.to_be_bytes());
        if n == 3 {
            moof[SAMPLE].copy_from_slice(&samples_of_fourth.to_be_bytes());
        }
        file.extend([moof, (PICTURES + 8).to_be_bytes().into(), b"mdat".into(), vec![0; PICTURES as usize]].concat());
    }
    file
}

const FACTS: [(&str, &str); 6] = [
    (header::DEVICE_NAME, "Front Door 50%"),
    (header::TIMESTAMP, "1606170000123"),
    (header::DURATION, "19967"),
    (header::FPS, "24.97"),
    (header::REGION, "1-2-3-4"),
    (header::CHANGES, "7"),
];

async fn send(t: &TestVault, name: &str, said: &[(&'static str, &str)], bytes: &[u8]) -> RecordingView {
    let request = t.request_with(name, said).await.unwrap();
    let stored = t.send(request, bytes).await.unwrap();
    t.vault.recordings.get(stored.id).await.unwrap()
}

/// The events in the outbox about a recording, the newest first.
async fn events(t: &TestVault, key: &str) -> Vec<Value> {
    let all = t.vault.deliveries.list(Default::default(), Default::default(), 100).await.unwrap().items;
    let mut events = Vec::new();
    for row in all.into_iter().filter(|row| row.recording == key && row.connection == "first") {
        events.push(serde_json::from_str(&t.vault.deliveries.get(row.id).await.unwrap().event).unwrap());
    }
    events
}

async fn event(t: &TestVault, key: &str) -> Value {
    events(t, key).await.remove(0)
}

#[tokio::test]
async fn a_header_wins_over_the_name() {
    let t = TestVault::new().await;
    let row = send(&t, NAMED, &FACTS, b"x").await;
    assert_eq!((row.timestamp, row.duration_ms), (1_606_170_000_123, 19_967));
    assert_eq!(row.instance_name, "Front Door 50%");
    let told = event(&t, &row.key).await;
    let wanted = json!({
        "capture": "IPCamera", "event-timestamp": "1606170000", "event-microseconds": "818812",
        "event-instancename": "Front Door 50%", "event-regioncoordinates": "1-2-3-4", "event-numberofchanges": "7",
        "event-token": "745", "productid": "camera-1", "duration": "19967", "fps": "24.97",
        "uploadtime": told["payload"]["metadata"]["uploadtime"],
    });
    assert_eq!(told["payload"]["metadata"], wanted);
    assert_eq!(told["fileName"], row.key.as_str());
    let none = ["custom_headers", "secondary_providers"];
    assert!(none.iter().all(|name| !told.to_string().contains(name)), "what is not there is left out: {told}");
}

#[tokio::test]
async fn without_headers_the_name_says_it() {
    let t = TestVault::new().await;
    for extension in [".mp4", ".MP4", ""] {
        let name = NAMED.replace(".mp4", extension).replace("745", &format!("74{}", extension.len()));
        let row = send(&t, &name, &[], name.as_bytes()).await;
        assert_eq!((row.timestamp, row.instance_name.as_str()), (1_606_164_482_818, "Fundo Esquerda_1"), "{name}");
        let told = &event(&t, &row.key).await["payload"]["metadata"];
        assert_eq!(
            (&told["event-numberofchanges"], &told["event-regioncoordinates"]),
            (&json!("51"), &json!("229-153-288-247"))
        );
    }
    let in_ms = send(&t, &NAMED.replace("1606164482_", "1606164482123_"), &[], b"ms").await;
    assert_eq!(in_ms.timestamp, 1_606_164_482_123);
    assert_eq!(event(&t, &in_ms.key).await["payload"]["metadata"]["event-timestamp"], "1606164482");
}

#[tokio::test]
async fn an_opaque_name_needs_nothing_but_headers_and_its_camera_has_a_name_everywhere() {
    let t = TestVault::new().await;
    let row = send(&t, OPAQUE, &FACTS, b"x").await;
    assert_eq!((row.timestamp, row.instance_name.as_str()), (1_606_170_000_123, "Front Door 50%"));
    let told = event(&t, &row.key).await;
    assert_eq!(told["payload"]["metadata"]["event-timestamp"], "1606170000");
    assert_eq!(told["payload"]["metadata"]["event-instancename"], "Front Door 50%");
    let camera = async || t.vault.devices.list().await.unwrap().remove(0).name;
    assert_eq!(camera().await, "Front Door 50%");
    let deliveries = t.vault.deliveries.list(Default::default(), Default::default(), 10).await.unwrap().items;
    assert!(deliveries.iter().all(|row| row.camera == "Front Door 50%" && row.device == "camera-1"), "{deliveries:?}");
    send(&t, "renamed.mp4", &[(header::DEVICE_NAME, "Back Door")], b"y").await;
    assert_eq!(camera().await, "Back Door", "a camera may be renamed");
    send(&t, "nameless.mp4", &[], b"z").await;
    assert_eq!(camera().await, "Back Door", "and keeps its name when it is not said");
}

#[tokio::test]
async fn a_time_in_seconds_is_one_too() {
    let t = TestVault::new().await;
    let row = send(&t, OPAQUE, &[(header::TIMESTAMP, "1606170000")], b"x").await;
    assert_eq!(row.timestamp, 1_606_170_000_000);
}

#[tokio::test]
async fn bad_values_are_dropped_and_refuse_nothing() {
    let t = TestVault::new().await;
    let long = "x".repeat(600);
    let bad = [
        (header::DEVICE_NAME, long.as_str()),
        (header::TIMESTAMP, "yesterday"),
        (header::DURATION, "-5"),
        (header::FPS, "241"),
        (header::REGION, "1-2"),
        (header::CHANGES, "many"),
        (header::CUSTOM_HEADERS, "no base64"),
    ];
    let request = t.request_with(NAMED, &bad).await.unwrap();
    let mut dropped = request.dropped.clone();
    let mut wanted = bad.map(|(name, _)| name);
    dropped.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(dropped, wanted);
    let id = t.send(request, b"x").await.unwrap().id;
    let row = t.vault.recordings.get(id).await.unwrap();
    assert_eq!(
        (row.timestamp, row.instance_name.as_str()),
        (1_606_164_482_818, "Fundo Esquerda_1"),
        "as the name says"
    );
    assert!(event(&t, &row.key).await["payload"]["metadata"].get("fps").is_none());
    let tomorrow = (now_ms() + 2 * 86_400_000).to_string();
    let ahead = send(&t, &NAMED.replace("745", "746"), &[(header::TIMESTAMP, &tomorrow)], b"y").await;
    assert_eq!(ahead.timestamp, 1_606_164_482_818, "a camera's clock that is days ahead is not believed");
}

/// What an agent announces.
fn manifest(names: &[&str]) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::to_string(names).unwrap())
}

async fn with_custom_headers(t: &TestVault, name: &str, value: &str) -> UploadRequest {
    let said = manifest(&["X-Site", "X-Absent", "X-Kerberos-Storage-SecretAccessKey", "Authorization"]);
    let answers = |name: &str| {
        match name {
            header::FILE_NAME => "a.mp4",
            header::DIRECTORY => "dir",
            header::CUSTOM_HEADERS => said.as_str(),
            "X-Site" => value,
            header::SECRET_KEY | "Authorization" => "hush",
            _ => "",
        }
        .to_owned()
    };
    let request = UploadRequest::read(t.account("site-a").await, None, answers).unwrap();
    UploadRequest { key: format!("dir/{name}").try_into().unwrap(), ..request }
}

fn pairs(headers: &CustomHeaders) -> Vec<(&str, &str)> {
    headers.iter().collect()
}

#[tokio::test]
async fn custom_headers_stay_with_their_recording() {
    let t = TestVault::new().await;
    let request = with_custom_headers(&t, "a.mp4", "Gent").await;
    assert_eq!(request.dropped, [header::CUSTOM_HEADERS], "some that were named are none of the owner's");
    assert!(!format!("{request:?}").contains("Gent"), "no log shows them");
    let id = t.send(request, b"x").await.unwrap().id;
    let shown = async |t: &TestVault| t.vault.recordings.get(id).await.map(|row| row.custom_headers);
    assert_eq!(pairs(&shown(&t).await.unwrap()), [("X-Site", "Gent")]);
    assert!(t.listed().await[0].custom_headers.is_empty(), "a list would be long");
    assert_eq!(event(&t, "dir/a.mp4").await["payload"]["custom_headers"], json!({"X-Site": "Gent"}));

    // Replayed, and opened by a sink that forwards it.
    let first = t.vault.connections.list(Family::Integration).await.unwrap()[0].id;
    let all = ReplayForm { integration: first, from: 0, until: i64::MAX, account: None };
    t.deliver();
    t.vault.deliveries.start_replay(&actor(), all).await.unwrap();
    t.world.sink.wait_for(2).await;
    let replayed = events(&t, "dir/a.mp4").await;
    assert!(replayed.iter().all(|event| event["payload"]["custom_headers"]["X-Site"] == "Gent"), "{replayed:?}");
    let last = t.world.sink.last.lock().unwrap().clone().unwrap();
    assert_eq!(pairs(&last.recording.open(0).await.unwrap().custom_headers), [("X-Site", "Gent")]);

    // What replaces it has its own.
    t.send(with_custom_headers(&t, "a.mp4", "Brugge").await, b"other").await.unwrap();
    assert_eq!(pairs(&shown(&t).await.unwrap()), [("X-Site", "Brugge")]);
    t.upload("a.mp4", b"without any").await.unwrap();
    assert!(shown(&t).await.unwrap().is_empty());
    t.send(with_custom_headers(&t, "a.mp4", "Gent").await, b"with again").await.unwrap();
    t.vault.recordings.delete_many(&actor(), &[id]).await.unwrap();
    let left = vault::entity::custom_headers::Entity::find().count(&t.tables().await).await.unwrap();
    assert_eq!(left, 0, "nothing is left of a deleted recording");
}

#[tokio::test]
async fn what_was_said_outlives_a_crash() {
    let mut t = TestVault::new().await;
    t.world.store.set(Fault::Hangs);
    let mut request = with_custom_headers(&t, OPAQUE, "Gent").await;
    request.facts = t.request_with(OPAQUE, &FACTS).await.unwrap().facts;
    let (vault, body) = (t.vault.clone(), futures::stream::iter([Ok::<_, Infallible>("x".into())]));
    let upload = tokio::spawn(async move { vault.ingest.store(request, body).await });
    t.world.store.put_begins().await;
    until("the object is there", async || !t.world.store.keys().is_empty()).await;
    t.world.store.set(None);
    t.restart().await;
    assert!(within("the upload ends", upload).await.unwrap().is_err());
    let row = t.listed().await.remove(0);
    assert_eq!((row.timestamp, row.instance_name.as_str()), (1_606_170_000_123, "Front Door 50%"));
    assert_eq!(pairs(&t.vault.recordings.get(row.id).await.unwrap().custom_headers), [("X-Site", "Gent")]);
}

#[tokio::test]
async fn an_event_names_where_copies_are() {
    let t = TestVault::new().await;
    t.add_second_provider().await;
    t.copy_to_second().await;
    t.deliver();
    t.upload("a.mp4", b"x").await.unwrap();
    assert_eq!(event(&t, "dir/a.mp4").await["secondary_providers"], json!(["second"]));
    until("it is copied", async || t.listed().await[0].copies == ["second"]).await;
    let first = t.vault.connections.list(Family::Integration).await.unwrap().into_iter().find(|i| i.name == "first");
    let all = ReplayForm { integration: first.unwrap().id, from: 0, until: i64::MAX, account: None };
    t.vault.deliveries.start_replay(&actor(), all).await.unwrap();
    t.world.sink.wait_for(2).await;
    let told = events(&t, "dir/a.mp4").await;
    assert!(told.len() == 2 && told.iter().all(|event| event["secondary_providers"] == json!(["second"])), "{told:?}");
}

/// A camera whose clock wraps writes a fragment of 13 hours between two of two seconds.
#[tokio::test]
async fn thirteen_hours_in_a_fragment_are_in_no_list_no_event_and_no_playlist() {
    let t = TestVault::new().await;
    let wrapped = fragmented(12_216_795);
    let row = send(&t, OPAQUE, &[], &wrapped).await;
    assert!(row.duration_ms == 12_000, "{row:?}");
    let told = &event(&t, &row.key).await["payload"];
    assert_eq!(told["metadata"]["duration"], row.duration_ms.to_string());
    let ranges = told["bytes_range_on_time"].as_array().unwrap();
    assert_eq!(ranges.len(), 6);
    assert_eq!(ranges[3]["range"], "15512@47335", "its bytes stay");
    let seconds = |text: &Value| text.as_str().unwrap().parse::<f64>().unwrap();
    assert!(ranges.iter().all(|one| seconds(&one["duration"]) == 2.0), "{ranges:?}");
    assert!(!told["bytes_ranges"].as_str().unwrap().contains("#EXTINF:47"), "{told}");

    let announced = send(&t, "b.mp4", &[(header::DURATION, "11500")], &wrapped).await;
    let told = &event(&t, &announced.key).await["payload"];
    assert_eq!((announced.duration_ms, &told["bytes_range_on_time"][5]["time"]), (11_500, &json!("11.500000")));
}

/// What an agent says may be wrong as well.
#[tokio::test]
async fn nothing_lasts_longer_than_from_its_beginning_to_its_arrival() {
    let t = TestVault::new().await;
    let just_now = (now_ms() - 20_000).to_string();
    let said = [(header::TIMESTAMP, just_now.as_str()), (header::DURATION, "47721858")];
    let row = send(&t, OPAQUE, &said, &fragmented(512)).await;
    assert_eq!(row.duration_ms, 12_000, "as the file says");
    assert_eq!(event(&t, &row.key).await["payload"]["metadata"]["duration"], "12000");
}

#[tokio::test]
async fn a_form_that_calls_itself_video_is_refused() {
    let t = TestVault::new().await;
    let form =
        "--------------------------d74496d66958873e\r\nContent-Disposition: form-data; name=\"f\"\r\n\r\nbytes\r\n";
    assert_eq!(t.upload("a.mp4", form.as_bytes()).await.unwrap_err().code(), "file_unsupported_media_type");
    assert_eq!((t.world.store.keys().len(), t.listed().await.len()), (0, 0));
}
