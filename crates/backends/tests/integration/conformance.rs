//! What every store and every sink must do, whatever it is made of. It is long because every one goes through all of it.

use crate::{client, within};
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, future::join_all};
use model::ObjectKey;
use model::error::{StoreError, StoreErrorKind};
use model::ports::{
    BlobStore, EventSink, Forgetful, NoRecording, OutgoingEvent, Part, Publish, Purpose, RecordingSource, UploadId,
};
use sha2::{Digest as _, Sha256};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Whether a store is to sign addresses of its objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signs {
    Addresses,
    Nothing,
}

/// Everything the port promises. Uses keys below a folder of its own, so that suites can share a
/// bucket.
pub(crate) async fn store_suite(store: Arc<dyn BlobStore>, signs: Signs) {
    let suite = Suite { folder: format!("suite-{:x}", std::process::id() as u64 ^ nanos()), store };
    suite.what_is_not_there().await;
    suite.round_trips().await;
    suite.names().await;
    suite.replaces().await;
    suite.keeps_what_is_there().await;
    suite.of_many_new_ones_one_is_stored().await;
    suite.ranges().await;
    suite.deletes_only_what_it_should().await;
    suite.many_at_once().await;
    suite.visible_whole_or_not_at_all().await;
    suite.multipart().await;
    suite.multipart_repeats().await;
    suite.multipart_replaces_late().await;
    suite.multipart_keeps_what_is_there().await;
    suite.multipart_gives_up().await;
    suite.gives_up_what_nobody_remembers().await;
    suite.refuses_what_does_not_join().await;
    suite.signs(signs).await;
    let report = suite.store.probe().await;
    assert!(report.passed(), "{report:?}");
}

/// Different for every suite of a process.
fn nanos() -> u64 {
    u64::from(std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().subsec_nanos())
}

/// Bytes that differ by seed and position.
pub(crate) fn bytes(seed: u8, length: usize) -> Bytes {
    let mut state = u32::from(seed) + 1;
    let next = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    std::iter::repeat_with(next).take(length).collect::<Vec<_>>().into()
}

/// Reads an object whole.
pub(crate) async fn read(
    store: &dyn BlobStore,
    key: &ObjectKey,
    range: Option<Range<u64>>,
) -> Result<Bytes, StoreError> {
    let chunks: Vec<Bytes> = store.get(key, range).await?.bytes.try_collect().await?;
    Ok(chunks.concat().into())
}

struct Suite {
    store: Arc<dyn BlobStore>,
    folder: String,
}

impl Suite {
    fn key(&self, name: &str) -> ObjectKey {
        ObjectKey::parse(&format!("{}/{name}", self.folder)).unwrap()
    }

    async fn put(&self, key: &ObjectKey, content: &Bytes) {
        self.store.put(key, content.clone(), Publish::Replace).await.unwrap();
    }

    async fn assert_is(&self, key: &ObjectKey, content: &Bytes) {
        assert_eq!(self.store.head(key).await.unwrap(), Some(content.len() as u64), "{key}");
        let found = read(&*self.store, key, None).await.unwrap();
        assert!(found == content, "{key}: {} bytes came back, {} were stored", found.len(), content.len());
    }

    async fn assert_gone(&self, key: &ObjectKey) {
        assert_eq!(self.store.head(key).await.unwrap(), None, "{key}");
        assert_eq!(self.get_error(key, None).await, StoreErrorKind::NotFound, "{key}");
    }

    async fn get_error(&self, key: &ObjectKey, range: Option<Range<u64>>) -> StoreErrorKind {
        match self.store.get(key, range.clone()).await {
            Ok(_) => panic!("{key} {range:?} can be read"),
            Err(e) => e.kind,
        }
    }

    async fn what_is_not_there(&self) {
        let key = self.key("nobody/nothing.mp4");
        self.assert_gone(&key).await;
        assert_eq!(self.get_error(&key, Some(0..1)).await, StoreErrorKind::NotFound);
        self.store.delete(&key).await.unwrap();
        self.store.abort_all(&key).await.unwrap();
    }

    async fn round_trips(&self) {
        for length in [1, 1000, self.store.part_size(), self.store.part_size() + 1] {
            let (key, content) = (self.key(&format!("{length}.mp4")), bytes(1, length));
            self.put(&key, &content).await;
            self.assert_is(&key, &content).await;
            self.store.delete(&key).await.unwrap();
            self.assert_gone(&key).await;
        }
    }

    async fn names(&self) {
        let names = [
            "1606164482_6-818812_Fundo Esquerda_229-153-288-247_51_745.mp4",
            "été_摄像头_🎥.mp4",
            "100%.mp4",
            "a+b&c=d?e#f;g,h:i@j$k!l'm(n)o*p.mp4",
            "a..b.mp4",
            "~tilde \"quoted\" <tag> [x] {y} |z| ^`.mp4",
            "%41.mp4",
            "A.mp4",
            "deep/er/and/deeper/still/x.mp4",
        ];
        for (name, seed) in names.iter().zip(10u8..) {
            self.put(&self.key(name), &bytes(seed, 100)).await;
        }
        for (name, seed) in names.iter().zip(10u8..) {
            let key = self.key(name);
            self.assert_is(&key, &bytes(seed, 100)).await;
            self.store.delete(&key).await.unwrap();
            self.assert_gone(&key).await;
        }
    }

    async fn replaces(&self) {
        let key = self.key("again.mp4");
        for (seed, length) in [(1, 5000), (2, 300), (3, 5000)] {
            self.put(&key, &bytes(seed, length)).await;
            self.assert_is(&key, &bytes(seed, length)).await;
        }
        self.store.delete(&key).await.unwrap();
        self.store.delete(&key).await.unwrap();
    }

    async fn put_new(&self, key: &ObjectKey, content: &Bytes) -> Result<(), StoreError> {
        let hash = hex::encode(Sha256::digest(content));
        self.store.put_hashed(key, content.clone(), &hash, Publish::New).await
    }

    async fn keeps_what_is_there(&self) {
        let (key, ours) = (self.key("kept.mp4"), bytes(30, 3000));
        self.put_new(&key, &ours).await.unwrap();
        self.assert_is(&key, &ours).await;
        for (seed, length) in [(30, 3000), (31, 3000), (31, 10)] {
            let other = bytes(seed, length);
            let plain = self.store.put(&key, other.clone(), Publish::New).await.unwrap_err();
            let hashed = self.put_new(&key, &other).await.unwrap_err();
            assert_eq!([plain.kind, hashed.kind], [StoreErrorKind::Taken; 2], "{plain} {hashed}");
            self.assert_is(&key, &ours).await;
        }
        self.store.delete(&key).await.unwrap();
        self.put_new(&key, &bytes(32, 20)).await.unwrap();
        self.assert_is(&key, &bytes(32, 20)).await;
        self.store.delete(&key).await.unwrap();
    }

    async fn of_many_new_ones_one_is_stored(&self) {
        let key = self.key("contested/x.mp4");
        for round in 0..3 {
            let contents: Vec<Bytes> = (0..6).map(|n| bytes(40 + n, 1000 + usize::from(round + n))).collect();
            let told = join_all(contents.iter().map(|content| self.put_new(&key, content))).await;
            let stored: Vec<&Bytes> =
                told.iter().zip(&contents).filter(|(told, _)| told.is_ok()).map(|(_, content)| content).collect();
            assert_eq!(stored.len(), 1, "{told:?}");
            self.assert_is(&key, stored[0]).await;
            self.store.delete(&key).await.unwrap();
        }
    }

    /// The parts that did not become an object can still replace what is there.
    async fn multipart_keeps_what_is_there(&self) {
        let (key, ours) = (self.key("parts/kept.mp4"), bytes(33, 500));
        self.put(&key, &ours).await;
        let content = bytes(34, self.store.part_size() + 7);
        let upload = self.store.begin(&key).await.unwrap();
        let parts = [self.part(&key, &upload, 1, &content).await, self.part(&key, &upload, 2, &content).await];
        let refused = self.store.complete(&key, &upload, &parts, Publish::New).await.unwrap_err();
        assert_eq!(refused.kind, StoreErrorKind::Taken, "{refused}");
        self.assert_is(&key, &ours).await;
        self.store.complete(&key, &upload, &parts, Publish::Replace).await.unwrap();
        self.assert_is(&key, &content).await;
        self.store.delete(&key).await.unwrap();

        let upload = self.store.begin(&key).await.unwrap();
        let parts = [self.part(&key, &upload, 1, &content).await, self.part(&key, &upload, 2, &content).await];
        self.store.complete(&key, &upload, &parts, Publish::New).await.unwrap();
        self.assert_is(&key, &content).await;
        // The answer may have been lost.
        match self.store.complete(&key, &upload, &parts, Publish::New).await {
            Ok(()) => {}
            Err(error) => assert_eq!(error.kind, StoreErrorKind::Taken, "{error}"),
        }
        self.assert_is(&key, &content).await;
        self.store.delete(&key).await.unwrap();
    }

    async fn ranges(&self) {
        let (key, content) = (self.key("ranges.mp4"), bytes(4, 700_000));
        self.put(&key, &content).await;
        for range in [0..1, 0..700_000, 10..20, 300_000..600_001, 699_999..700_000] {
            let found = read(&*self.store, &key, Some(range.clone())).await.unwrap();
            assert!(found == content[range.start as usize..range.end as usize], "{range:?}");
        }
        for range in [None, Some(0..700_000), Some(5..6), Some(699_990..900_000)] {
            let found = self.store.get(&key, range.clone()).await.unwrap();
            assert_eq!(found.size, Some(700_000), "{range:?}");
        }
        let tail = read(&*self.store, &key, Some(699_990..900_000)).await.unwrap();
        assert!(tail == content[699_990..], "a range that ends past the object is cut there");
        #[expect(clippy::reversed_empty_ranges, reason = "what a store may be asked for by mistake")]
        for range in [700_000..700_001, 900_000..900_010, 5..5, 9..3] {
            assert_eq!(self.get_error(&key, Some(range.clone())).await, StoreErrorKind::Range, "{range:?}");
        }
        // A reader who goes away half-way does no harm.
        let mut stream = self.store.get(&key, None).await.unwrap().bytes;
        assert!(!stream.next().await.unwrap().unwrap().is_empty());
        drop(stream);
        self.store.delete(&key).await.unwrap();
    }

    async fn deletes_only_what_it_should(&self) {
        let (a, b, c) = (self.key("x/a.mp4"), self.key("x/a.mp4.b"), self.key("x/y/c.mp4"));
        for key in [&a, &b, &c] {
            self.put(key, &bytes(5, 10)).await;
        }
        self.store.delete(&a).await.unwrap();
        self.assert_gone(&a).await;
        for key in [&b, &c] {
            self.assert_is(key, &bytes(5, 10)).await;
            self.store.delete(key).await.unwrap();
        }
    }

    /// Folders come and go under each other's hands.
    async fn many_at_once(&self) {
        let one = |n: u8| {
            let (key, content) = (self.key(&format!("busy/{}/x.mp4", n % 3)), bytes(n, 2000));
            let own = self.key(&format!("busy/{}/{n}.mp4", n % 3));
            async move {
                for _ in 0..8 {
                    self.put(&own, &content).await;
                    self.put(&key, &content).await;
                    self.assert_is(&own, &content).await;
                    self.store.delete(&own).await.unwrap();
                    self.store.delete(&key).await.unwrap();
                }
            }
        };
        join_all((0..12).map(one)).await;
    }

    async fn visible_whole_or_not_at_all(&self) {
        let key = self.key("swap.mp4");
        let (a, b) = (bytes(6, 400_000), bytes(7, 300_000));
        self.put(&key, &a).await;
        // Until either has been seen several times: then reading and writing have met.
        let seen = [AtomicUsize::new(0), AtomicUsize::new(0)];
        let enough = || seen.iter().all(|times| times.load(Ordering::SeqCst) >= 5);
        let write = async {
            for n in 0.. {
                self.put(&key, if n % 2 == 0 { &b } else { &a }).await;
                if n >= 10 && enough() {
                    break;
                }
            }
        };
        let look = async {
            while !enough() {
                let found = read(&*self.store, &key, None).await.unwrap();
                assert!(found == a || found == b, "{} bytes of neither", found.len());
                seen[usize::from(found == b)].fetch_add(1, Ordering::SeqCst);
            }
        };
        within("both contents are read", async { tokio::join!(write, look) }).await;
        self.store.delete(&key).await.unwrap();
    }

    async fn part(&self, key: &ObjectKey, upload: &UploadId, number: u32, content: &Bytes) -> Part {
        let size = self.store.part_size();
        let start = (number as usize - 1) * size;
        let part = content.slice(start..content.len().min(start + size));
        self.store.put_part(key, upload, number, part).await.unwrap()
    }

    async fn multipart(&self) {
        let size = self.store.part_size();
        for (name, length) in [("one", 10), ("exact", size), ("two", size + 1), ("three", size * 2 + 777)] {
            let (key, content) = (self.key(&format!("parts/{name}.mp4")), bytes(8, length));
            let upload = self.store.begin(&key).await.unwrap();
            let mut parts = Vec::new();
            for number in 1..=length.div_ceil(size) as u32 {
                parts.push(self.part(&key, &upload, number, &content).await);
                self.assert_gone(&key).await;
            }
            self.store.complete(&key, &upload, &parts, Publish::Replace).await.unwrap();
            self.assert_is(&key, &content).await;
            let around = size as u64 - 5..(size as u64 + 5).min(length as u64);
            if around.end > around.start {
                let found = read(&*self.store, &key, Some(around.clone())).await.unwrap();
                assert!(found == content[around.start as usize..around.end as usize], "across the seam of {name}");
            }
            self.store.delete(&key).await.unwrap();
        }
    }

    /// Parts out of order and at the same time, one of them sent twice, the last one first longer;
    /// completing twice, because the first answer may get lost.
    async fn multipart_repeats(&self) {
        let size = self.store.part_size();
        let (key, content) = (self.key("parts/repeated.mp4"), bytes(9, size * 2 + 1000));
        let upload = self.store.begin(&key).await.unwrap();
        self.store.put_part(&key, &upload, 3, bytes(1, 5000)).await.unwrap();
        self.store.put_part(&key, &upload, 2, bytes(2, size)).await.unwrap();
        let sent = [3, 1, 2].map(|number| self.part(&key, &upload, number, &content));
        let mut parts = join_all(sent).await;
        parts.sort_by_key(|p| p.number);
        self.store.complete(&key, &upload, &parts, Publish::Replace).await.unwrap();
        self.assert_is(&key, &content).await;
        self.store.complete(&key, &upload, &parts, Publish::Replace).await.unwrap();
        self.assert_is(&key, &content).await;
        self.store.abort(&key, &upload).await.unwrap();
        self.assert_is(&key, &content).await;
        self.store.delete(&key).await.unwrap();
    }

    async fn multipart_replaces_late(&self) {
        let (key, old, new) = (self.key("parts/replaced.mp4"), bytes(10, 500), bytes(11, 900));
        self.put(&key, &old).await;
        let upload = self.store.begin(&key).await.unwrap();
        let part = self.part(&key, &upload, 1, &new).await;
        self.assert_is(&key, &old).await;
        self.store.complete(&key, &upload, &[part], Publish::Replace).await.unwrap();
        self.assert_is(&key, &new).await;
        self.store.delete(&key).await.unwrap();
    }

    async fn multipart_gives_up(&self) {
        let key = self.key("parts/aborted.mp4");
        let upload = self.store.begin(&key).await.unwrap();
        let part = self.part(&key, &upload, 1, &bytes(12, 100)).await;
        self.store.abort(&key, &upload).await.unwrap();
        self.store.abort(&key, &upload).await.unwrap();
        self.assert_gone(&key).await;
        assert!(self.store.complete(&key, &upload, &[part], Publish::Replace).await.is_err());
        assert!(self.store.put_part(&key, &upload, 2, bytes(12, 100)).await.is_err());
        self.assert_gone(&key).await;
        let strange = UploadId("../../etc/passwd:1".into());
        assert!(self.store.put_part(&key, &strange, 1, bytes(12, 100)).await.is_err());
        assert!(
            self.store
                .complete(&key, &strange, &[Part { number: 1, size: 1, tag: "1-00000000".into() }], Publish::Replace)
                .await
                .is_err()
        );
    }

    async fn gives_up_what_nobody_remembers(&self) {
        let (key, other) = (self.key("parts/lost.mp4"), self.key("parts/lost.mp4.b"));
        let first = self.store.begin(&key).await.unwrap();
        let second = self.store.begin(&key).await.unwrap();
        let kept = self.store.begin(&other).await.unwrap();
        let content = bytes(13, 100);
        let lost = [self.part(&key, &first, 1, &content).await, self.part(&key, &second, 1, &content).await];
        let part = self.part(&other, &kept, 1, &content).await;
        self.store.abort_all(&key).await.unwrap();
        self.store.abort_all(&key).await.unwrap();
        for (upload, part) in [(&first, &lost[0]), (&second, &lost[1])] {
            assert!(self.store.complete(&key, upload, std::slice::from_ref(part), Publish::Replace).await.is_err());
        }
        self.assert_gone(&key).await;
        self.store.complete(&other, &kept, &[part], Publish::Replace).await.unwrap();
        self.assert_is(&other, &content).await;
        self.store.delete(&other).await.unwrap();
    }

    async fn refuses_what_does_not_join(&self) {
        let key = self.key("parts/gaps.mp4");
        let content = bytes(14, self.store.part_size() * 2 + 5);
        let upload = self.store.begin(&key).await.unwrap();
        let (one, three) = (self.part(&key, &upload, 1, &content).await, self.part(&key, &upload, 3, &content).await);
        let invented = Part { number: 2, size: 1, tag: "\"00000000000000000000000000000000\"".into() };
        for parts in [vec![], vec![three.clone()], vec![one.clone(), three.clone()], vec![one, invented, three]] {
            let refused = self.store.complete(&key, &upload, &parts, Publish::Replace).await.unwrap_err();
            assert_eq!(refused.kind, StoreErrorKind::Interrupted, "{parts:?}: {refused:?}");
        }
        self.assert_gone(&key).await;
        self.store.abort(&key, &upload).await.unwrap();
    }

    /// A signed address works without credentials and for parts, as browsers use it.
    async fn signs(&self, signs: Signs) {
        let (key, content) = (self.key("signed été +&.mp4"), bytes(15, 3000));
        self.put(&key, &content).await;
        let url = self.store.sign(&key, Duration::from_secs(60)).await.unwrap();
        assert_eq!(url.is_some(), signs == Signs::Addresses, "{url:?}");
        if let Some(url) = url {
            let client = client();
            let whole = client.get(&url).send().await.unwrap();
            assert_eq!(
                (whole.status().as_u16(), &whole.headers()["content-type"]),
                (200, &"video/mp4".parse().unwrap())
            );
            assert_eq!(whole.bytes().await.unwrap(), content);
            let part = client.get(&url).header("Range", "bytes=100-199").send().await.unwrap();
            assert_eq!((part.status().as_u16(), part.bytes().await.unwrap()), (206, content.slice(100..200)));
        }
        self.store.delete(&key).await.unwrap();
    }
}

/// What every sink must do. What arrived, and that it arrived once where the sink promises so, is for
/// the caller to check: it gets the ids, in the order they were sent.
pub(crate) async fn sink_suite(sink: Arc<dyn EventSink>) -> Vec<String> {
    sink_suite_about(sink, Arc::new(NoRecording)).await
}

/// The same for sinks that pass on the recording itself; each event is about this one.
pub(crate) async fn sink_suite_about(sink: Arc<dyn EventSink>, recording: Arc<dyn RecordingSource>) -> Vec<String> {
    let report = sink.probe().await;
    assert!(report.passed(), "{report:?}");
    let event = |id: &str, body: String| OutgoingEvent {
        id: id.into(),
        device: "camera 1".into(),
        body: body.into(),
        purpose: Purpose::Stored,
        recording: recording.clone(),
        memory: Arc::new(Forgetful),
    };
    let plain = event("suite-1", r#"{"id":"suite-1"}"#.into());
    let unicode = event("suite-2", r#"{"id":"suite-2","name":"été 摄像头"}"#.into());
    let large = event("suite-3", format!(r#"{{"id":"suite-3","fill":"{}"}}"#, "x".repeat(200_000)));
    let nameless = OutgoingEvent { device: String::new(), ..event("suite-4", r#"{"id":"suite-4"}"#.into()) };
    let sent = [&plain, &plain, &unicode, &large, &nameless];
    for event in sent {
        sink.send(event).await.unwrap();
    }
    let many: Vec<_> = (0..20).map(|n| event(&format!("many-{n}"), format!(r#"{{"id":"many-{n}"}}"#))).collect();
    for result in join_all(many.iter().map(|e| sink.send(e))).await {
        result.unwrap();
    }
    sent.into_iter().chain(&many).map(|e| e.id.clone()).collect()
}
