#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| gateway_protocol_fuzz::error(data));
