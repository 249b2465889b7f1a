//! What the server reads of a request.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderName, HeaderValue, Request};
use model::wire::header;
use server::agent::tus::metadata;
use server::agent::{bulk, devices};
use server::peer::Peer;
use server::range::{self, RangeRequest};

/// A `Range` header; its first eight bytes are the object's size.
pub fn range(bytes: &[u8]) {
    let Some((size, header)) = bytes.split_first_chunk() else { return };
    let (size, header) = (u64::from_be_bytes(*size), String::from_utf8_lossy(header));
    if let RangeRequest::Part(part) = range::parse(&header, size) {
        assert!(part.start < part.end && part.end <= size, "{header:?} of {size}: {part:?}");
    }
}

/// A heartbeat: what is taken has a key, and short texts without control characters.
pub fn heartbeat(bytes: &[u8]) {
    let Ok(beat) = devices::parse(bytes) else { return };
    assert!(!beat.key.is_empty() && beat.details.is_object());
    for text in [&beat.key, &beat.name, &beat.version, &beat.hostname, &beat.capture] {
        assert!(text.chars().count() <= 255 && !text.chars().any(char::is_control), "{text:?}");
    }
}

/// A list of recordings whose addresses are wanted: no more than may be asked for, and no lifetime that says nothing.
pub fn bulk(bytes: &[u8]) {
    let Ok(asked) = bulk::parse(bytes) else { return };
    assert!(asked.len() <= bulk::MAX_ENTRIES);
    assert!(asked.iter().all(|one| one.lifetime.is_none_or(|lifetime| lifetime.as_secs() > 0)), "{asked:?}");
}

/// `Upload-Metadata`: what is taken was said under a key that the vault knows, is no longer than what was sent, and written again
/// it is read as the same.
pub fn upload_metadata(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let Ok(said) = metadata::parse(&text) else { return };
    assert!(text.len() <= metadata::MAX, "{} bytes", text.len());
    let sent = text.to_ascii_lowercase();
    let mut pairs = Vec::new();
    for (name, value) in &said {
        assert!(header::OF_UPLOADS.contains(&name.as_str()), "{name:?}");
        let Some(key) = header::in_metadata(name) else { panic!("{name:?} has no key") };
        assert!(sent.contains(key) && value.trim() == value && value.len() <= text.len(), "{key:?}: {value:?}");
        pairs.push(format!("{key} {}", STANDARD.encode(value)).trim_end().to_owned());
    }
    assert_eq!(metadata::parse(&pairs.join(",")).as_ref(), Ok(&said), "{pairs:?}");
}

/// Headers of proxies, one a line, `name: value`: whatever they say, the address that is made of them is one.
pub fn forwarded(bytes: &[u8]) {
    let mut request = Request::new(());
    for line in bytes.split(|byte| *byte == b'\n') {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value)) {
            request.headers_mut().append(name, value);
        }
    }
    for trusted in [false, true] {
        let peer = Peer::of(&request, trusted);
        assert!(trusted || peer.ip.is_unspecified() && !peer.https, "{peer:?}");
        if let Some(url) = peer.base_url() {
            assert!(url.parse::<http::Uri>().is_ok() && !url.contains(char::is_control), "{url:?}");
        }
    }
}
