//! The property `request_head`, see `tests/properties/request_head.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    dockgate_fuzz::properties::check("request_head", input);
});
