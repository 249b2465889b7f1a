//! What kind of file it is, by its name.

/// Media type of recordings, and of what is not known by its name.
pub const VIDEO: &str = "video/mp4";
/// Media type of what a browser keeps and never opens: it may hold scripts.
const BYTES: &str = "application/octet-stream";

/// Extensions of videos, and their media types; the first is a recording's.
const VIDEOS: [(&str, &str); 6] = [
    ("mp4", VIDEO),
    ("m4v", VIDEO),
    ("mkv", "video/x-matroska"),
    ("avi", "video/x-msvideo"),
    ("mov", "video/quicktime"),
    ("webm", "video/webm"),
];
/// Extensions of other files, and their media types.
const OTHERS: [(&str, &str); 24] = [
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("png", "image/png"),
    ("webp", "image/webp"),
    ("gif", "image/gif"),
    ("avif", "image/avif"),
    ("bmp", "image/bmp"),
    ("json", "application/json"),
    ("txt", "text/plain"),
    ("log", "text/plain"),
    ("srt", "text/plain"),
    ("vtt", "text/vtt"),
    ("csv", "text/csv"),
    ("mp3", "audio/mpeg"),
    ("m4a", "audio/mp4"),
    ("aac", "audio/aac"),
    ("ogg", "audio/ogg"),
    ("wav", "audio/wav"),
    ("zip", "application/zip"),
    ("gz", "application/gzip"),
    ("svg", BYTES),
    ("xml", BYTES),
    ("html", BYTES),
    ("bin", BYTES),
];

/// Media type of a file, by its extension in any case; [`VIDEO`] if that says nothing else.
#[must_use]
pub fn of(name: &str) -> &'static str {
    known(name, &OTHERS).or_else(|| known(name, &VIDEOS)).unwrap_or(VIDEO)
}

/// Whether it is a picture.
#[must_use]
pub fn is_image(name: &str) -> bool {
    of(name).starts_with("image/")
}

/// Whether its extension is one of something that is no video.
#[must_use]
pub fn is_no_video(name: &str) -> bool {
    known(name, &OTHERS).is_some()
}

/// Whether its extension is one of a video.
#[must_use]
pub fn is_video(name: &str) -> bool {
    known(name, &VIDEOS).is_some()
}

fn known(name: &str, types: &[(&str, &'static str)]) -> Option<&'static str> {
    let (_, extension) = name.rsplit_once('.')?;
    types.iter().find(|(known, _)| known.eq_ignore_ascii_case(extension)).map(|(_, media_type)| *media_type)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_the_last_extension_in_any_case() {
        for (name, media_type) in [
            ("dir/a.mp4", VIDEO),
            ("dir.jpg/a", VIDEO),
            ("a", VIDEO),
            ("a.mp4.jpg", "image/jpeg"),
            ("a.JPEG", "image/jpeg"),
            ("a.Png", "image/png"),
            ("a.json", "application/json"),
            ("a_thumbnail.txt", "text/plain"),
            ("a.vtt", "text/vtt"),
            ("a_thumbnail.webm", "video/webm"),
            ("a.MKV", "video/x-matroska"),
            ("a.avi", "video/x-msvideo"),
            ("a.mp4.webm", "video/webm"),
            ("a.unknown", VIDEO),
        ] {
            assert_eq!(of(name), media_type, "{name}");
        }
        for script in ["a.svg", "a.html", "a.xml", "a.SVG"] {
            assert_eq!(of(script), BYTES, "{script} is shown by nobody");
        }
    }

    #[test]
    fn a_video_is_told_from_what_is_none() {
        for (name, video, other) in [
            ("a.webm", true, false),
            ("a.Mp4", true, false),
            ("a.txt", false, true),
            ("a", false, false),
            ("a.1", false, false),
        ] {
            assert_eq!((is_video(name), is_no_video(name)), (video, other), "{name}");
        }
    }
}
