//! `Upload-Metadata`: what a client says about the file, as `key base64,key base64` (tus 1.0.0, Creation).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use model::wire::header;
use std::collections::BTreeMap;

/// Longest header, in bytes.
pub const MAX: usize = 16 * 1024;

/// Reads the header into texts by the names that the single request's headers have. What no agent says is left out.
///
/// # Errors
/// What is wrong with it, as a sentence.
pub fn parse(metadata: &str) -> Result<BTreeMap<String, String>, &'static str> {
    if metadata.len() > MAX {
        return Err("Upload-Metadata is longer than 16 KiB.");
    }
    let mut said = BTreeMap::new();
    for pair in metadata.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once(' ').unwrap_or((pair, ""));
        let Ok(bytes) = STANDARD.decode(value.trim()) else { return Err("A value of Upload-Metadata is not Base64.") };
        let Ok(text) = String::from_utf8(bytes) else { return Err("A value of Upload-Metadata is not UTF-8.") };
        let is_it = |name: &&&str| header::in_metadata(name).is_some_and(|known| key.eq_ignore_ascii_case(known));
        let Some(name) = header::OF_UPLOADS.iter().find(is_it) else { continue };
        if said.insert((*name).to_owned(), text.trim().to_owned()).is_some() {
            return Err("A key of Upload-Metadata is there twice.");
        }
    }
    Ok(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_agents_send() {
        let said = parse("filename YS5tcDQ=,device ZnJvbnQtZG9vcg==, filetype dmlkZW8vbXA0,capture,is_confidential")
            .expect("valid");
        assert_eq!(said[header::FILE_NAME], "a.mp4");
        assert_eq!(said[header::DEVICE], "front-door");
        assert_eq!(said[header::CAPTURE], "");
        assert_eq!(said.len(), 3);
        assert!(parse("").expect("nothing is fine").is_empty());
    }

    #[test]
    fn refuses_what_cannot_be_read() {
        for bad in ["filename a.mp4", "filename /w==", "filename YQ==,filename Yg==", &"x".repeat(MAX + 1)] {
            assert!(parse(bad).is_err(), "{bad:.40}");
        }
    }
}
