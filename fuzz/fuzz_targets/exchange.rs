//! The property `exchange`, see `tests/properties/exchange.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    dockgate_fuzz::properties::check("exchange", input);
});
