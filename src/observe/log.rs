//! The log: lines for people on standard error.

use tracing::level_filters::LevelFilter;

/// The levels by the names that the ancestors' users know (syslog's), in any case.
pub const LEVELS: [(&str, LevelFilter); 8] = [
    ("debug", LevelFilter::DEBUG),
    ("info", LevelFilter::INFO),
    ("notice", LevelFilter::INFO),
    ("warning", LevelFilter::WARN),
    ("err", LevelFilter::ERROR),
    ("crit", LevelFilter::ERROR),
    ("alert", LevelFilter::ERROR),
    ("emerg", LevelFilter::ERROR),
];

/// Begins to log. To be called once.
pub fn begin(level: LevelFilter) {
    tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .with_target(false)
        .init();
}
