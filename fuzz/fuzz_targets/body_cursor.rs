//! The property `body_cursor`, see `tests/properties/body_cursor.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    dockgate_fuzz::properties::check("body_cursor", input);
});
