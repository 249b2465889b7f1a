//! Message group and deduplication ids in a form that SQS accepts.

use sha2::{Digest as _, Sha256};

/// Longest id, in bytes.
const MAX: usize = 128;
/// How much of an invalid id is kept, so that people recognise it.
const KEPT: usize = 80;
/// Message group of events without a device.
const NO_DEVICE: &str = "no-device";

/// A device's message group: its key where SQS accepts it, else the valid part and a hash, so that devices stay
/// distinct.
pub(super) fn group(device: &str) -> String {
    if device.is_empty() { NO_DEVICE.to_owned() } else { valid(device) }
}

/// Up to 128 ASCII letters, digits and punctuation characters.
pub(super) fn valid(text: &str) -> String {
    let allowed = |c: char| c.is_ascii_graphic();
    if !text.is_empty() && text.len() <= MAX && text.chars().all(allowed) {
        return text.to_owned();
    }
    let kept: String = text.chars().map(|c| if allowed(c) { c } else { '_' }).take(KEPT).collect();
    format!("{kept}-{}", hex::encode(&Sha256::digest(text)[..8]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_device_has_a_group_of_its_own() {
        assert_eq!(group("front-door"), "front-door");
        assert_eq!(group(""), "no-device");
        let odd =
            ["camera 1", "camera_1", "été", "摄像头", "摄像机", &"x".repeat(128), &"x".repeat(129), &"x".repeat(130)];
        let groups: std::collections::BTreeSet<_> = odd.iter().map(|device| group(device)).collect();
        assert_eq!(groups.len(), odd.len(), "{groups:?}");
        assert!(groups.iter().all(|g| g.len() <= MAX && g.chars().all(|c| c.is_ascii_graphic())), "{groups:?}");
        assert!(group("camera 1").starts_with("camera_1-"));
    }
}
