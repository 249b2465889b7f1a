//! What every store behind a network must do when the network or its server fails it.

use crate::conformance::{bytes, read};
use crate::failure;
use crate::relay::{closed, cutting_relay, mute};
use model::ObjectKey;
use model::error::StoreErrorKind;
use model::ports::{BlobStore, Publish};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A store whose server can be replaced.
pub(crate) struct Faulty {
    /// Opens the store as if its server were at an address: scheme, host and port.
    pub(crate) at: fn(&str) -> Arc<dyn BlobStore>,
    /// Host and port of the real server.
    pub(crate) host: String,
    /// Where the store may put an object.
    pub(crate) key: ObjectKey,
    /// The first step of Validate that waits for an answer.
    pub(crate) first_answer: &'static str,
}

/// Each fault: Validate names step, reason and cure; work fails with the same words, and can be done again later.
pub(crate) async fn suite(faulty: Faulty) {
    faulty.not_there().await;
    faulty.unknown_name().await;
    faulty.never_answers().await;
    faulty.no_tls().await;
    faulty.metadata_services().await;
    faulty.cut().await;
}

impl Faulty {
    async fn not_there(&self) {
        let address = closed().await;
        let words = format!("{address} refuses connections.");
        let cure = self.fails_alike(&format!("http://{address}"), "connect", &words).await;
        assert!(cure.contains("port"), "{cure}");
    }

    async fn unknown_name(&self) {
        self.fails_alike("http://nobody.invalid:9000", "resolve", "The name nobody.invalid cannot be resolved.").await;
    }

    async fn no_tls(&self) {
        let words = format!("{} does not speak TLS.", self.host);
        let cure = self.fails_alike(&format!("https://{}", self.host), "TLS", &words).await;
        assert!(cure.contains("SSL"), "{cure}");
    }

    /// Answers the cure.
    async fn fails_alike(&self, address: &str, step: &str, words: &str) -> String {
        let store = (self.at)(address);
        let report = store.probe().await;
        let (failed, reason, cure) = failure(&report);
        assert_eq!((failed, reason), (step, words));
        for error in [
            store.put(&self.key, bytes(1, 10), Publish::Replace).await.unwrap_err(),
            store.head(&self.key).await.unwrap_err(),
            store.delete(&self.key).await.unwrap_err(),
        ] {
            assert_eq!((error.kind, error.message.as_str()), (StoreErrorKind::Unavailable, words));
        }
        cure.to_owned()
    }

    /// Validate has ten seconds.
    async fn never_answers(&self) {
        let started = Instant::now();
        let report = (self.at)(&format!("http://{}", mute().await)).probe().await;
        assert_eq!((failure(&report).0, failure(&report).1), (self.first_answer, "There was no answer in time."));
        assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    }

    /// Where clouds tell machines their secrets: refused before anything is tried.
    async fn metadata_services(&self) {
        for server in ["169.254.169.254", "[fe80::1]:9000", "metadata.google.internal", "0xa9fea9fe", "168.63.129.16"] {
            let store = (self.at)(&format!("http://{server}"));
            let started = Instant::now();
            let error = store.put(&self.key, bytes(1, 10), Publish::Replace).await.unwrap_err();
            let told =
                error.message.contains("never connects to those") || error.message.contains("cannot be resolved");
            assert!(told, "{server}: {error}");
            assert!(started.elapsed() < Duration::from_secs(4), "{server}: {:?}", started.elapsed());
            assert!(store.probe().await.failure().is_some(), "{server}");
        }
    }

    /// A connection that breaks in the middle of a body: an error, and no object.
    async fn cut(&self) {
        let (content, key) = (bytes(3, 3_000_000), &self.key);
        let direct = (self.at)(&format!("http://{}", self.host));
        let cut_up = (self.at)(&format!("http://{}", cutting_relay(&self.host, 1_000_000, u64::MAX).await));
        let error = cut_up.put(key, content.clone(), Publish::Replace).await.unwrap_err();
        assert_eq!(error.kind, StoreErrorKind::Unavailable, "{error}");
        assert_eq!(direct.head(key).await.unwrap(), None);

        direct.put(key, content, Publish::Replace).await.unwrap();
        let cut_down = (self.at)(&format!("http://{}", cutting_relay(&self.host, u64::MAX, 1_000_000).await));
        let error = read(&*cut_down, key, None).await.unwrap_err();
        assert_eq!(error.kind, StoreErrorKind::Unavailable, "{error}");
        direct.delete(key).await.unwrap();
    }
}
