//! Log lines for programs: one JSON object a line. `tracing-subscriber` has the same, but reads the
//! fields of a span again for each event in it, and for each field that is told later: a tenth of
//! what a read costs.

use std::fmt;
use std::io::Write as _;

use jiff::Timestamp;
use serde::Serialize;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

/// For the fields of an ordinary request.
const ROOM: usize = 256;

/// Writes `{"timestamp":…,"level":…,"fields":{…},"target":…,"span":{…}}`, the span being the
/// innermost around the event.
pub(super) struct Lines<W>(pub(super) W);

/// The fields of a span, as they stand in a line.
struct Told(Members);

impl<S, W> Layer<S> for Lines<W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else {
            return;
        };
        let mut members = Members::default();
        attributes.record(&mut members);
        span.extensions_mut().insert(Told(members));
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else {
            return;
        };
        if let Some(Told(members)) = span.extensions_mut().get_mut() {
            values.record(members);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Members::default();
        event.record(&mut fields);
        let metadata = event.metadata();
        let target = fields.target.take();
        let target = target.as_deref().unwrap_or(metadata.target());
        let level = metadata.level();
        let mut line = Vec::with_capacity(512);
        // Here and below: a `Vec` takes all.
        let _ = write!(
            line,
            r#"{{"timestamp":"{:.6}","level":"{level}","fields":{{"#,
            Timestamp::now()
        );
        line.append(&mut fields.text);
        line.extend_from_slice(br#"},"target":"#);
        put(&mut line, target);
        if let Some(span) = context.event_span(event) {
            line.extend_from_slice(br#","span":{"#);
            if let Some(Told(members)) = span.extensions().get() {
                line.extend_from_slice(&members.text);
            }
            if line.last() != Some(&b'{') {
                line.push(b',');
            }
            line.extend_from_slice(br#""name":"#);
            put(&mut line, span.name());
            line.push(b'}');
        }
        line.extend_from_slice(b"}\n");
        // Whoever reads the lines may be gone; there is nobody else to tell.
        let _ = self.0.make_writer_for(metadata).write_all(&line);
    }
}

/// `"name":value` of each field, with commas between.
#[derive(Default)]
struct Members {
    text: Vec<u8>,
    /// Where a line of the crate `log` is from. Its other facts of this kind are left out.
    target: Option<String>,
}

impl Members {
    fn add(&mut self, field: &Field, value: impl Serialize) {
        if field.name().starts_with("log.") {
            return;
        }
        match self.text.is_empty() {
            true => self.text.reserve(ROOM),
            false => self.text.push(b','),
        }
        put(&mut self.text, field.name());
        self.text.push(b':');
        put(&mut self.text, value);
    }
}

impl Visit for Members {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.add(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "log.target" {
            self.target = Some(value.to_owned());
        }
        self.add(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field, format_args!("{value:?}"));
    }
}

fn put(out: &mut Vec<u8>, value: impl Serialize) {
    let _ = serde_json::to_writer(out, &value);
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::{Read as _, Seek as _};
    use std::sync::Arc;

    use serde_json::{Value, json};
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    /// The lines that `work` writes, without their time.
    fn lines(work: impl FnOnce()) -> Vec<Value> {
        let file = Arc::new(tempfile::tempfile().unwrap());
        let subscriber = tracing_subscriber::registry().with(Lines(Arc::clone(&file)));
        tracing::subscriber::with_default(subscriber, work);
        let mut written = String::new();
        (&*file).rewind().unwrap();
        (&*file).read_to_string(&mut written).unwrap();
        let line = |line| {
            let mut line: Value = serde_json::from_str(line).unwrap();
            let time = line.as_object_mut().unwrap().remove("timestamp").unwrap();
            let time = time.as_str().unwrap();
            assert_eq!((time.len(), time.parse::<Timestamp>().is_ok()), (27, true));
            line
        };
        written.lines().map(line).collect()
    }

    #[test]
    fn a_line_has_the_fields_of_its_event_and_of_the_span_around_it() {
        let written = lines(|| {
            let span = tracing::info_span!(
                "request",
                request_id = "a\"b",
                tenant = tracing::field::Empty
            );
            span.record("tenant", "t1");
            span.in_scope(|| {
                tracing::info!(status = 200, share = 0.5, is_new = true, "answered\n");
                let bare = tracing::info_span!("bare");
                bare.in_scope(|| tracing::warn!(why = ?Some("x"), place = %"y", "inside"));
            });
            tracing::error!("outside");
        });
        let target = module_path!();
        let expected = [
            json!({"level": "INFO", "target": target,
                "fields": {"message": "answered\n", "status": 200, "share": 0.5, "is_new": true},
                "span": {"request_id": "a\"b", "tenant": "t1", "name": "request"}}),
            json!({"level": "WARN", "target": target, "span": {"name": "bare"},
                "fields": {"message": "inside", "why": "Some(\"x\")", "place": "y"}}),
            json!({"level": "ERROR", "target": target, "fields": {"message": "outside"}}),
        ];
        assert_eq!(written, expected);
    }
}
