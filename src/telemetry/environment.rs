//! What the standard `OTEL_*` variables ask for. Endpoints, headers, time limits,
//! sampler, intervals and resource are read by the OpenTelemetry crates themselves.

/// What is pushed, and what in the environment cannot be obeyed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Push {
    pub(super) traces: bool,
    pub(super) metrics: bool,
    /// A variable, and what becomes of it instead.
    pub(super) ignored: Option<&'static str>,
}

impl Push {
    /// Nothing, unless an endpoint is named: there is no default receiver.
    pub(super) fn asked(variable: impl Fn(&str) -> Option<String>) -> Self {
        let text = |name: &str| variable(name).filter(|text| !text.trim().is_empty());
        if text("OTEL_SDK_DISABLED").is_some_and(|it| it.eq_ignore_ascii_case("true")) {
            return Self::default();
        }
        let pushes = |signal: &str| {
            let exporter = text(&format!("OTEL_{signal}_EXPORTER"));
            let endpoint = format!("OTEL_EXPORTER_OTLP_{signal}_ENDPOINT");
            exporter.is_none_or(|exporter| exporter == "otlp")
                && (text(&endpoint).is_some() || text("OTEL_EXPORTER_OTLP_ENDPOINT").is_some())
        };
        let protocols = ["", "TRACES_", "METRICS_"]
            .map(|signal| text(&format!("OTEL_EXPORTER_OTLP_{signal}PROTOCOL")));
        let other = protocols
            .iter()
            .flatten()
            .any(|protocol| protocol != "http/protobuf");
        Self {
            traces: pushes("TRACES"),
            metrics: pushes("METRICS"),
            ignored: other.then_some(
                "OTEL_EXPORTER_OTLP_PROTOCOL: only http/protobuf is spoken, as a rule at port 4318",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Traces, metrics, whether something is ignored.
    #[track_caller]
    fn check(variables: &[(&str, &str)], expect: (bool, bool, bool)) {
        let push = Push::asked(|name| {
            let found = variables.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        });
        let told = (push.traces, push.metrics, push.ignored.is_some());
        assert_eq!(told, expect, "{variables:?}");
    }

    #[test]
    fn nothing_is_pushed_unless_a_receiver_is_named() {
        const ALL: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://otel:4318");
        check(&[], (false, false, false));
        check(&[ALL], (true, true, false));
        check(
            &[("OTEL_EXPORTER_OTLP_ENDPOINT", " ")],
            (false, false, false),
        );
        check(
            &[(
                "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
                "http://otel/v1/traces",
            )],
            (true, false, false),
        );
        check(
            &[("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://otel/m")],
            (false, true, false),
        );
        check(&[ALL, ("OTEL_SDK_DISABLED", "true")], (false, false, false));
        check(&[ALL, ("OTEL_SDK_DISABLED", "no")], (true, true, false));
        check(
            &[ALL, ("OTEL_TRACES_EXPORTER", "none")],
            (false, true, false),
        );
        check(
            &[ALL, ("OTEL_METRICS_EXPORTER", "none")],
            (true, false, false),
        );
        check(
            &[ALL, ("OTEL_TRACES_EXPORTER", "otlp")],
            (true, true, false),
        );
        check(
            &[ALL, ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")],
            (true, true, true),
        );
        check(
            &[ALL, ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")],
            (true, true, false),
        );
    }
}
