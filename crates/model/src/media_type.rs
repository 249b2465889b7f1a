//! What kind of file it is, by its name.

/// Media type of recordings, and of what is not known by its name.
pub const VIDEO: &str = "video/mp4";
/// Media type of JSON.
const JSON: &str = "application/json";

/// Extensions, and their media types. SVG is left out: it may hold scripts.
const TYPES: [(&str, &str); 8] = [
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("png", "image/png"),
    ("webp", "image/webp"),
    ("gif", "image/gif"),
    ("avif", "image/avif"),
    ("bmp", "image/bmp"),
    ("json", JSON),
];

/// Media type of a file, by its extension in any case; [`VIDEO`] if that says nothing else.
#[must_use]
pub fn of(name: &str) -> &'static str {
    let Some((_, extension)) = name.rsplit_once('.') else { return VIDEO };
    TYPES.iter().find(|(known, _)| known.eq_ignore_ascii_case(extension)).map_or(VIDEO, |(_, media_type)| media_type)
}

/// Whether it is a picture.
#[must_use]
pub fn is_image(name: &str) -> bool {
    of(name).starts_with("image/")
}

/// Whether it is a picture or JSON.
#[must_use]
pub fn is_image_or_json(name: &str) -> bool {
    is_image(name) || of(name) == JSON
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
            ("a.json", JSON),
            ("a.svg", VIDEO),
            ("a.html", VIDEO),
        ] {
            assert_eq!(of(name), media_type, "{name}");
        }
        assert!(is_image_or_json("a.json") && !is_image("a.json") && !is_image_or_json("a.txt"));
    }
}
