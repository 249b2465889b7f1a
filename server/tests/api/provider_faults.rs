//! Storage providers that fail in the middle of an upload: the agent is told so, nothing stays, and the same upload
//! succeeds when the provider is well again.

use crate::gate::{Gate, Step, Trouble, s3, settings};
use crate::support::{Answer, PROVIDER, TestVault, send, until, within};
use backends::Backends;
use bytes::Bytes;
use model::ObjectKey;
use model::ports::{BlobStore, Connector as _};
use reqwest::Method;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
use vault::{Principal, Task};

/// Stored with one PUT.
const SMALL: usize = 300_000;
/// Two parts of 8 MiB and a rest.
const LARGE: usize = 17_000_000;

/// Every step of an upload to S3, and how large an upload takes it.
const STEPS: [(Step, usize); 5] =
    [(Step::Put, SMALL), (Step::Begin, LARGE), (Step::Part(1), LARGE), (Step::Part(3), LARGE), (Step::Complete, LARGE)];

/// A vault whose provider `cloud` is the S3 server behind a gate, and one recording for it.
struct Cloud {
    gate: Gate,
    vault: TestVault,
    direct: Arc<dyn BlobStore>,
    name: String,
    bytes: Bytes,
}

impl Cloud {
    async fn with(size: usize) -> Self {
        let (gate, vault) = (Gate::open().await, TestVault::start().await);
        vault.vault.connections.save(&Principal::Vault(Task::Provisioning), gate.provider("cloud")).await.unwrap();
        vault.let_name("cloud").await;
        let direct = Backends::new().store("s3", &settings(&s3("ENDPOINT"))).unwrap();
        // Other tests use the same bucket.
        let unique = vault.dir.path().file_name().unwrap().display().to_string().replace('.', "");
        let name = format!("1606164482_6-818812_{unique}_0-0-1-1_1_745.mp4");
        let bytes = (0..size).map(|n| (n / 1000 % 251) as u8).collect();
        Self { gate, vault, direct, name, bytes }
    }

    fn key(&self) -> String {
        format!("a/{}", self.name)
    }

    async fn upload(&self) -> Answer {
        send(self.vault.upload(&self.name).header(PROVIDER, "cloud").body(self.bytes.clone())).await
    }

    async fn object(&self) -> Option<u64> {
        self.direct.head(&ObjectKey::parse(&self.key()).unwrap()).await.unwrap()
    }

    async fn assert_nothing_stored(&self) {
        assert_eq!(self.vault.keys().await, [""; 0]);
        assert_eq!(self.object().await, None);
    }

    /// The same upload again, read back; then everything is cleared away.
    async fn assert_succeeds(&self) {
        let answer = self.upload().await;
        assert_eq!((answer.status, &answer.json()["data"]), (200, &self.key().into()), "{answer:?}");
        assert_eq!(self.vault.keys().await, [self.key()]);
        let read =
            send(self.vault.about(Method::GET, "/api/storage/blob", &self.key()).header(PROVIDER, "cloud")).await;
        assert!(read.status == 200 && read.body == self.bytes, "{}: {} bytes", read.status, read.body.len());
        let gone = send(self.vault.about(Method::DELETE, "/api/storage", &self.key()).header(PROVIDER, "cloud")).await;
        assert_eq!(gone.status, 200, "{gone:?}");
        self.assert_nothing_stored().await;
    }

    /// What the vault could not give up while the provider was away, it gives up later.
    async fn until_no_parts_are_left(&self) {
        let stop = CancellationToken::new();
        let working = self.vault.vault.start(stop.clone());
        until("no parts are left", async || self.gate.unfinished() == 0).await;
        stop.cancel();
        within("background work ends", working).await.unwrap();
    }
}

fn refused(answer: &Answer, status: u16, code: &str, retry_after: &str) {
    answer.refused_with(status, code);
    assert_eq!(answer.header("retry-after"), retry_after);
}

#[tokio::test]
async fn a_provider_that_goes_away() {
    for (step, size) in STEPS {
        let cloud = Cloud::with(size).await;
        cloud.gate.set(step, Trouble::Down);
        refused(&cloud.upload().await, 503, "storage_provider_unavailable", "10");
        cloud.assert_nothing_stored().await;
        refused(&cloud.upload().await, 503, "storage_provider_unavailable", "10");
        cloud.gate.mend();
        cloud.assert_succeeds().await;
        cloud.until_no_parts_are_left().await;
    }
}

#[tokio::test]
async fn a_provider_that_denies_access() {
    for (step, size) in STEPS {
        let cloud = Cloud::with(size).await;
        cloud.gate.set(step, Trouble::Denies);
        refused(&cloud.upload().await, 502, "storage_provider_refuses", "60");
        cloud.assert_nothing_stored().await;
        assert_eq!(cloud.gate.unfinished(), 0, "{step:?}");
        cloud.gate.mend();
        cloud.assert_succeeds().await;
    }
}

#[tokio::test]
async fn a_provider_that_runs_out_of_room() {
    for (step, size) in STEPS {
        let cloud = Cloud::with(size).await;
        cloud.gate.set(step, Trouble::Full);
        refused(&cloud.upload().await, 507, "storage_provider_full", "60");
        cloud.assert_nothing_stored().await;
        assert_eq!(cloud.gate.unfinished(), 0, "{step:?}");
        cloud.gate.mend();
        cloud.assert_succeeds().await;
    }
}

/// The object is there and nobody was told: it is taken over by the next try, or by recovery.
#[tokio::test]
async fn a_provider_whose_last_answer_gets_lost() {
    for (step, size) in [(Step::Put, SMALL), (Step::Complete, LARGE)] {
        let cloud = Cloud::with(size).await;
        cloud.gate.set(step, Trouble::LosesAnswer);
        refused(&cloud.upload().await, 503, "storage_provider_unavailable", "10");
        assert_eq!(cloud.vault.keys().await, [""; 0]);
        cloud.gate.mend();
        cloud.assert_succeeds().await;
        cloud.until_no_parts_are_left().await;
    }
}

/// It answers 200, and tells of what was not sent: no recording comes of it, and an administrator sees who it was.
#[tokio::test]
async fn a_provider_that_lies() {
    for (step, size) in [(Step::Put, SMALL), (Step::Part(1), LARGE), (Step::Part(3), LARGE), (Step::Complete, LARGE)] {
        let cloud = Cloud::with(size).await;
        cloud.gate.set(step, Trouble::Lies);
        refused(&cloud.upload().await, 502, "storage_provider_mismatch", "60");
        assert_eq!(cloud.vault.keys().await, [""; 0]);
        until("what it has of it is deleted", async || cloud.object().await.is_none()).await;
        assert_eq!(cloud.vault.vault.deliveries.count(None).await.unwrap(), (0, 0));
        let notices = cloud.vault.vault.notices.list().await.unwrap();
        let told: Vec<_> = notices.iter().map(|n| (n.code.as_str(), n.subject.as_str())).collect();
        assert_eq!(told, [("store-mismatch", "cloud")], "{step:?}");
        assert_eq!(cloud.gate.unfinished(), 0, "{step:?}");
        cloud.gate.mend();
        cloud.assert_succeeds().await;
    }
}

/// The folder of a provider on disk is taken away while bytes arrive, as when its disk is unmounted.
#[tokio::test]
async fn a_folder_that_is_taken_away() {
    for (size, in_its_place) in [(SMALL, Some("a file")), (2_000_000, Some("a file")), (SMALL, None), (2_000_000, None)]
    {
        let vault = TestVault::start().await;
        let (folder, aside) = (vault.dir.path().join("recordings"), vault.dir.path().join("aside"));
        vault.stored("before.mp4", "was there").await;
        let (sender, body) = tokio::sync::mpsc::channel::<Result<Bytes, std::io::Error>>(1);
        let body = futures::stream::unfold(body, async |mut body| Some((body.recv().await?, body)));
        let upload = tokio::spawn(send(vault.upload("a.mp4").body(reqwest::Body::wrap_stream(body))));
        let bytes = Bytes::from(vec![7; size]);
        let half = size / 2;
        sender.send(Ok(bytes.slice(..half))).await.unwrap();
        if size > SMALL {
            until("the first part is there", async || vault.files().len() > 1).await;
        }
        std::fs::rename(&folder, &aside).unwrap();
        if let Some(text) = in_its_place {
            std::fs::write(&folder, text).unwrap();
        }
        sender.send(Ok(bytes.slice(half..))).await.unwrap();
        drop(sender);
        let answer = within("the upload is answered", upload).await.unwrap();
        // Whoever was about to look there finds a file; whoever has looked before finds another ground.
        let refuses = answer.status == 502 && in_its_place.is_some();
        assert!(refuses || answer.status == 503, "{answer:?}");
        assert!(folder.is_file() == in_its_place.is_some() && !folder.is_dir(), "nothing is made where a disk belongs");
        assert_eq!(vault.keys().await, ["a/before.mp4"]);

        if in_its_place.is_some() {
            std::fs::remove_file(&folder).unwrap();
        }
        std::fs::rename(&aside, &folder).unwrap();
        assert!(!folder.join("a/a.mp4").exists());
        vault.stored("a.mp4", bytes.clone()).await;
        assert_eq!(std::fs::read(folder.join("a/a.mp4")).unwrap(), bytes);
        vault.vault.start(CancellationToken::new());
        until("what was staged is cleared away", async || vault.files().len() == 2).await;
    }
}
