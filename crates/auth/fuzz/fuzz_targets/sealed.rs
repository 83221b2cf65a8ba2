#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| gateway_auth_fuzz::sealed(data));
