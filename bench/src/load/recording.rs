use bytes::Bytes;

/// Something like a recording: the boxes of an MP4 around bytes that do not compress.
pub(crate) fn recording(size: usize) -> Bytes {
    let mut bytes = Vec::with_capacity(size);
    bytes.extend_from_slice(b"\0\0\0\x10ftypisom\0\0\0\0");
    let media = u32::try_from(size - bytes.len()).expect("recordings of the load are far below 4 GiB");
    bytes.extend_from_slice(&media.to_be_bytes());
    bytes.extend_from_slice(b"mdat");
    // xorshift64*: quick, and random enough for a compressor
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    while bytes.len() < size {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        let random = state.wrapping_mul(0x2545_F491_4F6C_DD1D).to_le_bytes();
        let left = size - bytes.len();
        bytes.extend_from_slice(&random[..left.min(8)]);
    }
    bytes.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::mp4::{Mp4Facts, Walker};

    #[test]
    fn has_the_size_and_boxes_it_claims() {
        let bytes = recording(65_541);
        assert_eq!(bytes.len(), 65_541);
        assert_eq!(u32::from_be_bytes([bytes[16], bytes[17], bytes[18], bytes[19]]), 65_541 - 16);
        let mut walker = Walker::default();
        walker.feed(&bytes);
        assert_eq!(walker.finish(), Mp4Facts::default());
    }
}
