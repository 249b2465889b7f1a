//! A recording as agents send it (docs/protocol.md §2, §4, §10).

use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use model::integrations::RemoteVault;
use model::ports::{self, OpenRecording};

const ACCESS_KEY: HeaderName = HeaderName::from_static("x-kerberos-storage-accesskey");
const SECRET_KEY: HeaderName = HeaderName::from_static("x-kerberos-storage-secretaccesskey");
const PROVIDER: HeaderName = HeaderName::from_static("x-kerberos-storage-provider");
const DIRECTORY: HeaderName = HeaderName::from_static("x-kerberos-storage-directory");
const FILE_NAME: HeaderName = HeaderName::from_static("x-kerberos-storage-filename");
const DEVICE: HeaderName = HeaderName::from_static("x-kerberos-storage-device");
const CAPTURE: HeaderName = HeaderName::from_static("x-kerberos-storage-capture");
const CLOUD_KEY: HeaderName = HeaderName::from_static("x-kerberos-storage-cloudkey");
const FPS: HeaderName = HeaderName::from_static("x-kerberos-storage-fps");
const DURATION: HeaderName = HeaderName::from_static("x-kerberos-storage-duration");
const TIMESTAMP: HeaderName = HeaderName::from_static("x-kerberos-storage-timestamp");
/// Ours: the vaults a recording came through, so that rings are noticed.
const VAULT_PATH: HeaderName = HeaderName::from_static("x-vault-path");

/// The headers with the credentials.
pub(super) fn credentials(settings: &RemoteVault) -> HeaderMap {
    let mut headers = HeaderMap::new();
    set(&mut headers, ACCESS_KEY, &settings.access_key);
    set(&mut headers, SECRET_KEY, settings.secret_key.expose());
    headers.values_mut().for_each(|value| value.set_sensitive(true));
    headers
}

/// All headers of an upload.
pub(super) fn upload(settings: &RemoteVault, recording: &OpenRecording) -> HeaderMap {
    let (key, known) = (&recording.key, &recording.metadata);
    let directory = if settings.directory.is_empty() { key.directory() } else { &settings.directory };
    let mut headers = credentials(settings);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(ports::CONTENT_TYPE));
    headers.insert(CONTENT_LENGTH, recording.size.into());
    headers.insert(TIMESTAMP, recording.timestamp.into());
    set(&mut headers, FILE_NAME, key.file_name());
    set(&mut headers, DIRECTORY, directory);
    set(&mut headers, PROVIDER, &settings.provider);
    set(&mut headers, VAULT_PATH, &recording.path.join(","));
    for (name, value) in [
        (DEVICE, &known.productid),
        (CAPTURE, &known.capture),
        (CLOUD_KEY, &known.publickey),
        (FPS, &known.fps),
        (DURATION, &known.duration),
    ] {
        set(&mut headers, name, value.as_deref().unwrap_or_default());
    }
    headers
}

/// Sets a header to UTF-8 text. An empty text is left out, as is one that no header can hold, which neither names nor
/// settings contain.
fn set(headers: &mut HeaderMap, name: HeaderName, text: &str) {
    if let (false, Ok(value)) = (text.is_empty(), HeaderValue::from_bytes(text.as_bytes())) {
        headers.insert(name, value);
    }
}
