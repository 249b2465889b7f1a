//! A form that calls itself video, as `curl -F` with a `Content-Type` of its own sends it: stored as it is, it would be no
//! recording, and nobody would notice.

/// What a part of a form says first.
const DISPOSITION: &[u8] = b"content-disposition:";
/// What comes before a boundary, and the longest one (RFC 2046 §5.1.1), with the end of its line.
const DASHES: &[u8] = b"--";
const LONGEST_LINE: usize = 2 + 70 + 2;

/// Looks at the first bytes of a body as they come.
#[derive(Default)]
pub(super) struct FirstBytes(Vec<u8>);

impl FirstBytes {
    /// Takes the next bytes, of which `before` came before; returns whether the body is a form.
    pub(super) fn show_a_form(&mut self, before: u64, bytes: &[u8]) -> bool {
        let seen = self.0.len();
        // Nothing is kept of what does not begin like one.
        if before != seen as u64 || !may_begin(&self.0) {
            return false;
        }
        let room = (LONGEST_LINE + DISPOSITION.len()).saturating_sub(seen);
        self.0.extend(bytes.iter().take(room));
        is_form(&self.0)
    }
}

fn may_begin(bytes: &[u8]) -> bool {
    bytes.iter().zip(DASHES).all(|(byte, dash)| byte == dash)
}

fn is_form(bytes: &[u8]) -> bool {
    let line = bytes.iter().take(LONGEST_LINE).position(|byte| *byte == b'\n');
    let Some((boundary, rest)) = line.and_then(|end| bytes.split_at_checked(end + 1)) else { return false };
    let is_text = boundary.trim_ascii_end().iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ');
    boundary.starts_with(DASHES)
        && is_text
        && rest.get(..DISPOSITION.len()).is_some_and(|start| start.eq_ignore_ascii_case(DISPOSITION))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FORM: &[u8] =
        b"--------------------------d74496d66958873e\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nbytes";

    fn is_found(body: &[u8], size: usize) -> bool {
        let (mut first, mut before) = (FirstBytes::default(), 0);
        body.chunks(size).any(|piece| {
            let found = first.show_a_form(before, piece);
            before += piece.len() as u64;
            found
        })
    }

    #[test]
    fn a_form_is_told_from_a_recording() {
        for size in [1, 3, 1000] {
            assert!(is_found(FORM, size));
            assert!(is_found(b"--x\ncontent-disposition: form-data\n\n", size));
            for other in [
                &b"\0\0\0\x18ftypmp42"[..],
                b"",
                b"--",
                b"--x\r\n",
                b"--x\r\nContent-Type: text/plain\r\n",
                b"-- \x01\r\nContent-Disposition: form-data",
                b"x--x\r\nContent-Disposition: form-data",
            ] {
                assert!(!is_found(other, size), "{}", other.escape_ascii());
            }
        }
    }

    #[test]
    fn only_at_the_beginning() {
        let mut first = FirstBytes::default();
        assert!(!first.show_a_form(100, FORM), "of an upload that goes on");
        let mut first = FirstBytes::default();
        assert!(!first.show_a_form(0, b"\0\0\0\x18ftyp"));
        assert!(!first.show_a_form(8, FORM));
        assert!(first.0.len() < 100, "little is kept");
    }

    proptest! {
        #[test]
        fn boundaries_of_any_length_in_pieces_of_any_size(boundary in "[A-Za-z0-9'()+_,./:=?\\-]{1,70}", size in 1..40_usize) {
            let body = format!("--{boundary}\r\nContent-Disposition: form-data; name=\"f\"\r\n\r\nx");
            prop_assert!(is_found(body.as_bytes(), size));
        }

        #[test]
        fn nothing_else_is_one(bytes in prop::collection::vec(any::<u8>(), 0..200), size in 1..40_usize) {
            let begins = bytes.starts_with(DASHES);
            prop_assert!(begins || !is_found(&bytes, size));
        }
    }
}
