//! Host and port, as people write them.

/// Splits `host`, `host:port` or `[IPv6]:port`; `None` for anything else.
pub(super) fn host_and_port(text: &str) -> Option<(&str, Option<u16>)> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let end = rest.find(']')? + 2;
            (&text[..end], text[end..].strip_prefix(':').or((end == text.len()).then_some(""))?)
        }
        None => text.split_once(':').unwrap_or((text, "")),
    };
    let bare = host.trim_matches(['[', ']']);
    let named = !bare.is_empty() && bare.chars().all(|c| c.is_ascii_alphanumeric() || ".-_:".contains(c));
    let port = match port {
        "" if text.ends_with(':') => return None,
        "" => None,
        digits => Some(digits.parse().ok().filter(|port| *port != 0)?),
    };
    named.then_some((host, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_what_people_write() {
        for (text, wanted) in [
            ("kafka", Some(("kafka", None))),
            ("kafka-1.example:9092", Some(("kafka-1.example", Some(9092)))),
            ("10.0.0.4:9092", Some(("10.0.0.4", Some(9092)))),
            ("[fd12::1]:9092", Some(("[fd12::1]", Some(9092)))),
            ("[fd12::1]", Some(("[fd12::1]", None))),
            ("", None),
            (":9092", None),
            ("kafka:", None),
            ("kafka:0", None),
            ("kafka:70000", None),
            ("kafka:9092/x", None),
            ("user:secret@kafka:9092", None),
            ("kafka 1:9092", None),
            ("[fd12::1", None),
            ("[fd12::1]9092", None),
            ("fd12::1", None),
        ] {
            assert_eq!(host_and_port(text), wanted, "{text}");
        }
    }
}
