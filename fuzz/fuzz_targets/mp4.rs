//! See `fuzz::mp4`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::mp4(bytes));
