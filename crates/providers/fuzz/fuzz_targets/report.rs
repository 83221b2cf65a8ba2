#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| gateway_providers_fuzz::report(data));
