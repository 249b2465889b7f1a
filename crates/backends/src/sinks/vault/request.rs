//! A recording as agents send it (docs/protocol.md §2, §4, §10).

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use model::integrations::RemoteVault;
use model::media_type;
use model::ports::OpenRecording;
use model::wire::{CustomHeaders, header};

/// The headers with the credentials.
pub(super) fn credentials(settings: &RemoteVault) -> HeaderMap {
    let mut headers = HeaderMap::new();
    set(&mut headers, header::ACCESS_KEY, &settings.access_key);
    set(&mut headers, header::SECRET_KEY, settings.secret_key.expose());
    headers.values_mut().for_each(|value| value.set_sensitive(true));
    headers
}

/// All headers of an upload.
pub(super) fn upload(settings: &RemoteVault, recording: &OpenRecording) -> HeaderMap {
    let (key, known) = (&recording.key, &recording.metadata);
    let directory = if settings.directory.is_empty() { key.directory() } else { &settings.directory };
    let mut headers = credentials(settings);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type::of(key.file_name())));
    headers.insert(CONTENT_LENGTH, recording.size.into());
    set(&mut headers, header::TIMESTAMP, &recording.timestamp.to_string());
    set(&mut headers, header::FILE_NAME, key.file_name());
    set(&mut headers, header::DIRECTORY, directory);
    set(&mut headers, header::PROVIDER, &settings.provider);
    set(&mut headers, header::VAULT_PATH, &recording.path.join(","));
    for (name, value) in [
        (header::DEVICE, &known.productid),
        (header::CAPTURE, &known.capture),
        (header::CLOUD_KEY, &known.publickey),
        (header::FPS, &known.fps),
        (header::DURATION, &known.duration),
        (header::DEVICE_NAME, &known.instance_name),
        (header::REGION, &known.region),
        (header::CHANGES, &known.changes),
    ] {
        set(&mut headers, name, value.as_deref().unwrap_or_default());
    }
    add_custom(&mut headers, &recording.custom_headers);
    headers
}

/// The same as `Upload-Metadata` says it: `key base64,key base64`.
pub(super) fn metadata(headers: &HeaderMap) -> String {
    let said = |name: &&str| {
        let (key, value) = (header::in_metadata(name)?, headers.get(*name)?);
        Some(format!("{key} {}", STANDARD.encode(value.as_bytes())))
    };
    header::OF_UPLOADS.iter().filter_map(said).collect::<Vec<_>>().join(",")
}

/// Adds the owner's headers, and says which these are.
fn add_custom(headers: &mut HeaderMap, custom: &CustomHeaders) {
    let mut names = Vec::new();
    for (name, text) in custom.iter() {
        let value = HeaderValue::from_bytes(text.as_bytes());
        if let (Ok(header), Ok(mut value)) = (HeaderName::from_bytes(name.as_bytes()), value) {
            value.set_sensitive(true);
            headers.insert(header, value);
            names.push(name);
        }
    }
    if !names.is_empty() {
        let names = serde_json::to_vec(&names).expect("texts serialise");
        set(headers, header::CUSTOM_HEADERS, &URL_SAFE_NO_PAD.encode(names));
    }
}

/// Sets a header to UTF-8 text. An empty text is left out, as is one that no header can hold, which neither names nor
/// settings contain.
fn set(headers: &mut HeaderMap, name: &'static str, text: &str) {
    if let (false, Ok(value)) = (text.is_empty(), HeaderValue::from_bytes(text.as_bytes())) {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a header's name");
        headers.insert(name, value);
    }
}
