//! The S3 family against a real server: `scripts/services start s3`.

use crate::conformance::{Signs, bytes, read, store_suite};
use crate::relay::{Decide, Seen, relay, tls_relay};
use crate::{client, failure, steps, store};
use axum::response::IntoResponse;
use backends::Backends;
use model::ObjectKey;
use model::error::StoreErrorKind;
use model::field::Settings;
use model::ports::{BlobStore, Connector, Publish};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// A variable the service script sets.
pub(crate) fn env(name: &str) -> String {
    let name = format!("VAULT_TEST_S3_{name}");
    std::env::var(&name)
        .unwrap_or_else(|_| panic!("{name} is not set: run `scripts/services start s3`, or `make test`, which does"))
}

/// Settings for the real server, as kind `s3`.
pub(crate) fn settings() -> Settings {
    Settings::new()
        .with("endpoint", env("ENDPOINT"))
        .with("bucket", env("BUCKET"))
        .with("region", "us-east-1")
        .with("path_style", "true")
        .with("access_key", env("ACCESS_KEY"))
        .with("secret_key", env("SECRET_KEY"))
}

pub(crate) fn open(settings: &Settings) -> Arc<dyn BlobStore> {
    Backends::new().store("s3", settings).unwrap()
}

/// `host:port` of the real server.
pub(crate) fn host() -> String {
    env("ENDPOINT").split("://").nth(1).unwrap().trim_end_matches('/').to_owned()
}

pub(crate) fn key(name: &str) -> ObjectKey {
    ObjectKey::parse(&format!("s3-tests-{}/{name}", std::process::id())).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn conforms() {
    store_suite(open(&settings().with("signed_urls", "provider")), Signs::Addresses).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn minio_and_ceph_conform() {
    for kind in ["minio", "ceph"] {
        let (host, bucket, access, secret) = (host(), env("BUCKET"), env("ACCESS_KEY"), env("SECRET_KEY"));
        let opened = store(
            kind,
            &[("host", &host), ("bucket", &bucket), ("region", "na"), ("access_key", &access), ("secret_key", &secret)],
        );
        let report = opened.probe().await;
        assert!(report.passed(), "{kind}: {report:?}");
        let key = key(kind);
        opened.put(&key, bytes(1, 10), Publish::Replace).await.unwrap();
        assert_eq!(read(&*opened, &key, None).await.unwrap(), bytes(1, 10));
        opened.delete(&key).await.unwrap();
    }
}

#[tokio::test]
async fn signs_only_when_told_to() {
    let key = key("signed.mp4");
    assert_eq!(open(&settings()).sign(&key, Duration::from_secs(60)).await.unwrap(), None);
    let url =
        open(&settings().with("signed_urls", "provider")).sign(&key, Duration::from_secs(60)).await.unwrap().unwrap();
    for part in ["X-Amz-Expires=60", "response-content-disposition=inline", "response-content-type=video%2Fmp4"] {
        assert!(url.contains(part), "{url}");
    }
    assert!(!url.contains(&env("SECRET_KEY")));
}

#[tokio::test]
async fn signs_for_the_address_that_browsers_know() {
    // Another name for the same server: the signature covers it.
    let public = env("ENDPOINT").replace("127.0.0.1", "localhost");
    let signing = settings().with("signed_urls", "provider").with("public_endpoint", &public);
    let (store, key) = (open(&signing), key("public.mp4"));
    store.put(&key, bytes(1, 10), Publish::Replace).await.unwrap();
    let url = store.sign(&key, Duration::from_secs(60)).await.unwrap().unwrap();
    assert!(url.starts_with(&format!("{public}/")), "{url}");
    assert_eq!(client().get(&url).send().await.unwrap().bytes().await.unwrap(), bytes(1, 10));
    let internal = client().get(url.replace("localhost", "127.0.0.1")).send().await.unwrap();
    assert_eq!(internal.status().as_u16(), 403, "signed for one name only");
    store.delete(&key).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn trusts_an_authority_of_ones_own() {
    let (port, ca) = tls_relay(&host()).await;
    let (_, other) = tls_relay(&host()).await;
    let tls = settings().with("endpoint", format!("https://localhost:{port}"));
    for untrusting in [tls.clone(), tls.clone().with("ca", other)] {
        let report = open(&untrusting).probe().await;
        let untrusted = format!("The certificate of localhost:{port} is not trusted.");
        assert_eq!((failure(&report).0, failure(&report).1), ("TLS", untrusted.as_str()));
        let error = open(&untrusting).put(&key("a.mp4"), bytes(1, 10), Publish::Replace).await.unwrap_err();
        assert_eq!(error.message, untrusted);
    }
    let report = open(&tls.clone().with("ca", &ca)).probe().await;
    assert_eq!(
        (report.passed(), steps(&report)),
        (true, vec!["resolve", "connect", "TLS", "authenticate", "write", "read", "range", "delete"])
    );
    let (host, bucket, access, secret) =
        (format!("localhost:{port}"), env("BUCKET"), env("ACCESS_KEY"), env("SECRET_KEY"));
    for kind in ["minio", "ceph"] {
        let given =
            [("host", &host), ("bucket", &bucket), ("access_key", &access), ("secret_key", &secret), ("ca", &ca)];
        let given: Vec<(&str, &str)> = given.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let report = store(kind, &[given, vec![("ssl", "true")]].concat()).probe().await;
        assert!(report.passed(), "{kind}: {report:?}");
    }
    for broken in ["hello", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"] {
        let refused = Backends::new().store("s3", &tls.clone().with("ca", broken)).err().unwrap();
        assert_eq!(refused[0].field, "ca", "{refused:?}");
    }
}

/// Takes whatever comes, knows how long it is, and begins an upload.
fn agreeable(seen: &Seen) -> Option<axum::response::Response> {
    let begun = "<InitiateMultipartUploadResult><UploadId>1</UploadId></InitiateMultipartUploadResult>";
    Some(match seen.method.as_str() {
        "POST" => begun.into_response(),
        "HEAD" => [("content-length", "10")].into_response(),
        _ => ().into_response(),
    })
}

#[tokio::test]
async fn asks_for_encryption_and_class_when_told_to() {
    let (address, log) = relay(None, agreeable).await;
    let plain = settings().with("endpoint", format!("http://{address}"));
    let kms =
        plain.clone().with("encryption", "aws:kms").with("kms_key", "my-key").with("storage_class", "STANDARD_IA");
    // A key without encryption by it is not sent: stores refuse that.
    let own = plain.clone().with("encryption", "AES256").with("kms_key", "my-key");
    for (settings, expected) in [
        (plain, [None, None, None]),
        (kms, [Some("aws:kms"), Some("my-key"), Some("STANDARD_IA")]),
        (own, [Some("AES256"), None, None]),
    ] {
        let store = open(&settings);
        store.put(&key("a.mp4"), bytes(1, 10), Publish::Replace).await.unwrap();
        store.begin(&key("a.mp4")).await.unwrap();
        let mut requests = std::mem::take(&mut *log.lock().unwrap());
        requests.retain(|seen| seen.method != "HEAD");
        assert_eq!(requests.len(), 2);
        for seen in requests {
            let names = ["", "-aws-kms-key-id"].map(|end| format!("x-amz-server-side-encryption{end}"));
            let [algorithm, key] = names.map(|name| seen.headers.get(name).cloned());
            let sent = [algorithm, key, seen.headers.get("x-amz-storage-class").cloned()];
            let sent = sent.each_ref().map(|value| value.as_ref().map(|value| value.to_str().unwrap()));
            assert_eq!(sent, expected, "{}", seen.method);
        }
    }
}

#[tokio::test]
async fn validating_leaves_nothing_behind() {
    let (address, log) = relay(Some(&env("ENDPOINT")), |_| None).await;
    let report = open(&settings().with("endpoint", format!("http://{address}"))).probe().await;
    assert!(report.passed(), "{report:?}");
    assert_eq!(steps(&report), ["resolve", "connect", "authenticate", "write", "read", "range", "delete"]);
    let requests: Vec<(String, String)> =
        log.lock().unwrap().iter().map(|s| (s.method.to_string(), s.path.clone())).collect();
    let written: Vec<_> = requests.iter().filter(|(m, _)| m == "PUT").collect();
    let [(_, path)] = written[..] else { panic!("one object is written: {requests:?}") };
    let object = path.split('?').next().unwrap();
    assert!(requests.iter().any(|(m, p)| m == "DELETE" && p.starts_with(object)), "{requests:?}");
}

/// What Storj's gateway does: it knows neither streaming signatures nor trailing checksums.
fn like_storj(seen: &Seen) -> Option<axum::response::Response> {
    let header = |name: &str| seen.headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let streaming = header("x-amz-content-sha256").starts_with("STREAMING-");
    let chunked = header("content-encoding").contains("aws-chunked") || header("transfer-encoding").contains("chunked");
    let trailing =
        seen.headers.contains_key("x-amz-trailer") || seen.headers.contains_key("x-amz-sdk-checksum-algorithm");
    (streaming || chunked || trailing).then(|| axum::http::StatusCode::NOT_IMPLEMENTED.into_response())
}

#[tokio::test]
async fn strict_servers_get_plain_signatures() {
    let (address, log) = relay(Some(&env("ENDPOINT")), like_storj as Decide).await;
    let store = open(&settings().with("endpoint", format!("http://{address}")));
    assert!(store.probe().await.passed());
    let (key, content) = (key("strict.mp4"), bytes(2, store.part_size() + 10));
    store.put(&key, content.slice(..1000), Publish::Replace).await.unwrap();
    let upload = store.begin(&key).await.unwrap();
    let one = store.put_part(&key, &upload, 1, content.slice(..store.part_size())).await.unwrap();
    let two = store.put_part(&key, &upload, 2, content.slice(store.part_size()..)).await.unwrap();
    store.complete(&key, &upload, &[one, two], Publish::Replace).await.unwrap();
    assert_eq!(read(&*store, &key, None).await.unwrap(), content);
    store.delete(&key).await.unwrap();

    let log = log.lock().unwrap();
    let sent: Vec<_> = log.iter().filter(|seen| seen.method == "PUT" && seen.path.contains("strict.mp4")).collect();
    assert_eq!(sent.len(), 3, "{sent:?}");
    for seen in sent {
        let hash = seen.headers["x-amz-content-sha256"].to_str().unwrap();
        assert!(hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_hexdigit()), "{hash}");
        assert_eq!(seen.headers["content-length"].to_str().unwrap(), seen.body.len().to_string());
        assert!(!seen.headers.keys().any(|name| name.as_str().starts_with("x-amz-checksum")), "{:?}", seen.headers);
    }
}

#[tokio::test]
async fn wrong_keys_are_told_apart() {
    let cases = [
        (settings().with("access_key", "nobodysaccesskey"), "The store does not know this access key."),
        (settings().with("secret_key", "not-the-secret"), "The secret key does not belong to this access key."),
    ];
    for (settings, expected) in cases {
        let store = open(&settings);
        let report = store.probe().await;
        let (step, reason, cure) = failure(&report);
        assert_eq!((step, reason), ("authenticate", expected));
        assert!(!format!("{reason}{cure}").contains("not-the-secret"));
        let error = store.put(&key("never.mp4"), bytes(1, 10), Publish::Replace).await.unwrap_err();
        assert_eq!((error.kind, error.message.as_str()), (StoreErrorKind::Denied, expected));
    }
}

#[tokio::test]
async fn a_missing_bucket_is_no_missing_recording() {
    let store = open(&settings().with("bucket", "nobodys-bucket"));
    let report = store.probe().await;
    assert_eq!(failure(&report).1, "There is no bucket 'nobodys-bucket'.");
    let key = key("a.mp4");
    let head = store.head(&key).await.unwrap_err();
    let get = store.get(&key, None).await.err().unwrap();
    let put = store.put(&key, bytes(1, 10), Publish::Replace).await.unwrap_err();
    for error in [head, get, put] {
        assert_eq!(
            (error.kind, error.message.as_str()),
            (StoreErrorKind::Denied, "There is no bucket 'nobodys-bucket'.")
        );
    }
}

#[tokio::test]
async fn keys_that_may_only_read_fail_at_write() {
    let reader = settings().with("access_key", env("READER_ACCESS_KEY")).with("secret_key", env("READER_SECRET_KEY"));
    let report = open(&reader).probe().await;
    let (step, reason, cure) = failure(&report);
    assert_eq!(
        (step, reason, cure),
        ("write", "The store denies access.", "Allow these keys to write (s3:PutObject) in this bucket.")
    );
}

#[tokio::test]
async fn a_wrong_clock_is_told_with_its_error_and_lived_with() {
    for (shift, said) in [
        (3600, "The vault's clock is 60 minutes ahead of the store's."),
        (-3600, "The vault's clock is 60 minutes behind the store's."),
    ] {
        let now = move || {
            let real = SystemTime::now();
            if shift > 0 { real + Duration::from_secs(3600) } else { real - Duration::from_secs(3600) }
        };
        let store = Backends::with_clock(now).store("s3", &settings()).unwrap();
        let report = store.probe().await;
        let (step, reason, cure) = failure(&report);
        assert_eq!(step, "authenticate");
        // The request takes a moment: 59 minutes and 59 seconds are as right.
        assert!(reason == said || reason == said.replace("60", "59"), "{reason}");
        assert!(cure.contains("NTP"), "{cure}");
        // Recordings are stored all the same: the SDK signs with the store's time once it knows it.
        let key = key(&format!("skewed{shift}.mp4"));
        store.put(&key, bytes(1, 10), Publish::Replace).await.unwrap();
        store.delete(&key).await.unwrap();
    }
}
