//! Metrics as Prometheus reads them: names, help and labels, one after the other.
//!
//! The text is that of the format 0.0.4, in which a counter's name is written out. prometheus-client
//! leaves `_total` to its own counters, as `OpenMetrics` has it; a gauge's value is written plainly.

use super::metrics::{Bytes, Counter, Latency, Metrics};
use crate::api::Operation;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeGaugeValue, MetricEncoder};
use prometheus_client::metrics::MetricType;
use std::fmt;

/// The content type of what is written.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// No label.
pub(super) const PLAIN: [(&str, &str); 0] = [];

impl Collector for Metrics {
    fn encode(&self, mut to: DescriptorEncoder<'_>) -> fmt::Result {
        self.encode_requests(&mut to)?;
        self.encode_times(&mut to)?;
        self.encode_bytes(&mut to)?;
        self.encode_denials(&mut to)?;
        let singles: [(&str, &str, MetricType, &Counter); 4] = [
            ("connections", "Number of connected clients.", MetricType::Gauge, &self.connections),
            ("tunnels", "Number of open hijacked connections.", MetricType::Gauge, &self.tunnels),
            (
                "daemon_connect_failures_total",
                "Requests for which the daemon could not be connected to.",
                MetricType::Counter,
                &self.daemon_connect_failures,
            ),
            (
                "audit_lost_total",
                "Audit records that were lost.",
                MetricType::Counter,
                &self.audit_lost,
            ),
        ];
        for (name, help, kind, value) in singles {
            line(&mut to.encode_descriptor(name, help, None, kind)?, PLAIN, &value.get())?;
        }
        let help = "Build information; the value is always 1.";
        let mut build = to.encode_descriptor("build_info", help, None, MetricType::Gauge)?;
        line(&mut build, [("version", env!("CARGO_PKG_VERSION"))], &1)
    }
}

impl Metrics {
    /// An operation's lines are there once it has been asked for, all three of them: what rises from
    /// nothing at all is no rise to Prometheus.
    fn encode_requests(&self, to: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let help = "Requests by operation, verdict, and reason of a refusal.";
        let mut requests =
            to.encode_descriptor("requests_total", help, None, MetricType::Counter)?;
        let labels = |operation, verdict, reason| {
            [("operation", operation), ("verdict", verdict), ("reason", reason)]
        };
        for (operation, passed) in Operation::TABLE.iter().zip(&self.passed) {
            let fates = [
                ("allowed", &passed.allowed),
                ("abandoned", &passed.abandoned),
                ("failed", &passed.failed),
            ];
            if fates.iter().any(|(_, count)| count.get() > 0) {
                for (verdict, count) in fates {
                    line(&mut requests, labels(operation.id, verdict, "-"), &count.get())?;
                }
            }
        }
        for (&[operation, verdict, reason], &count) in &self.stopped().requests {
            line(&mut requests, labels(operation, verdict, reason), &count)?;
        }
        Ok(())
    }

    fn encode_times(&self, to: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let effects = [("read", &self.reads), ("write", &self.writes)];
        let help = "Time in seconds that the gate added to requests that the daemon answered.";
        let mut added =
            to.encode_descriptor("request_added_seconds", help, None, MetricType::Histogram)?;
        for (effect, Latency { added: histogram, .. }) in effects {
            histogram.encode(&mut added.encode_family(&[("effect", effect)])?)?;
        }
        let help =
            "Time in seconds from sending a request to the daemon to the first byte of its answer.";
        let mut daemon =
            to.encode_descriptor("daemon_seconds", help, None, MetricType::Histogram)?;
        for (effect, Latency { daemon: histogram, .. }) in effects {
            histogram.encode(&mut daemon.encode_family(&[("effect", effect)])?)?;
        }
        Ok(())
    }

    fn encode_bytes(&self, to: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let help = "Bytes forwarded to the daemon (up) or to the client (down), counted when their \
                    request or tunnel has ended.";
        let mut bytes = to.encode_descriptor("bytes_total", help, None, MetricType::Counter)?;
        for (direction, Bytes { copied, spliced }) in [("up", &self.up), ("down", &self.down)] {
            for (way, count) in [("copy", copied), ("splice", spliced)] {
                line(&mut bytes, [("direction", direction), ("way", way)], &count.get())?;
            }
        }
        Ok(())
    }

    fn encode_denials(&self, to: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let help =
            "Refusals by the variable that would have to be set; one refusal may name several.";
        let mut denials = to.encode_descriptor("denials_total", help, None, MetricType::Counter)?;
        for (&variable, &count) in &self.stopped().denials {
            line(&mut denials, [("variable", variable)], &count)?;
        }
        Ok(())
    }
}

/// One line.
pub(super) fn line<const N: usize>(
    metric: &mut MetricEncoder<'_>,
    labels: [(&str, &str); N],
    value: &impl EncodeGaugeValue,
) -> fmt::Result {
    if N == 0 {
        metric.encode_gauge(value)
    } else {
        metric.encode_family(&labels)?.encode_gauge(value)
    }
}
