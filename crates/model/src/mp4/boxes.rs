//! Reading boxes and big-endian numbers from bytes that may end, or lie, anywhere.

/// The four characters naming a box.
pub(super) type FourCc = [u8; 4];

/// The longest box header: 32-bit size, type, 64-bit size.
pub(super) const LONGEST_HEADER: usize = 16;

/// The beginning of a box.
#[derive(Debug, Clone, Copy)]
pub(super) struct Header {
    pub(super) kind: FourCc,
    /// Bytes the header takes: 8 or 16.
    pub(super) len: usize,
    /// Bytes after the header; `None` when the box reaches to the end of what holds it.
    pub(super) body: Option<u64>,
}

/// Outcome of reading a header.
#[derive(Debug)]
pub(super) enum Head {
    Box(Header),
    /// More bytes are needed.
    Incomplete,
    /// Not a box: its size does not even cover its header.
    Malformed,
}

impl Header {
    pub(super) fn read(bytes: &[u8]) -> Head {
        let (Some(size), Some(&kind)) = (be32(bytes, 0), bytes.get(4..).and_then(<[u8]>::first_chunk)) else {
            return Head::Incomplete;
        };
        let (len, size) = match size {
            0 => return Head::Box(Self { kind, len: 8, body: None }),
            1 => match be64(bytes, 8) {
                Some(size) => (LONGEST_HEADER, size),
                None => return Head::Incomplete,
            },
            size => (8, u64::from(size)),
        };
        match size.checked_sub(len as u64) {
            Some(body) => Head::Box(Self { kind, len, body: Some(body) }),
            None => Head::Malformed,
        }
    }
}

/// The boxes in `bytes`, as type and body. A last box longer than `bytes` is cut there, so that the kept start of an
/// oversized header is still of use.
pub(super) fn boxes(bytes: &[u8]) -> impl Iterator<Item = (FourCc, &[u8])> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let Head::Box(header) = Header::read(rest) else { return None };
        let body = rest.get(header.len..)?;
        let len = header.body.and_then(|len| usize::try_from(len).ok()).map_or(body.len(), |len| len.min(body.len()));
        let (body, after) = body.split_at(len);
        rest = after;
        Some((header.kind, body))
    })
}

/// The body of the first box of type `kind` in `bytes`.
pub(super) fn child<'a>(bytes: &'a [u8], kind: &FourCc) -> Option<&'a [u8]> {
    boxes(bytes).find(|(found, _)| found == kind).map(|(_, body)| body)
}

/// The body found by descending through `path`.
pub(super) fn descend<'a>(bytes: &'a [u8], path: &[&FourCc]) -> Option<&'a [u8]> {
    path.iter().try_fold(bytes, |bytes, kind| child(bytes, kind))
}

/// Version and flags, the first four bytes of a full box.
pub(super) fn version_and_flags(body: &[u8]) -> Option<(u8, u32)> {
    let word = be32(body, 0)?;
    Some(((word >> 24) as u8, word & 0x00ff_ffff))
}

pub(super) fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|chunk| u32::from_be_bytes(*chunk))
}

pub(super) fn be64(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk().map(|chunk| u64::from_be_bytes(*chunk))
}
