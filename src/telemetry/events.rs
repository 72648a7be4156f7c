//! Finished stories as metrics.

use std::sync::Arc;

use opentelemetry::{KeyValue, StringValue};

use super::instruments::{Instruments, word};
use crate::adapter::TenantId;
use crate::adapter::story::{Decision, Deed, End, Ended, Moment, Step, Witness};

impl Witness for Instruments {
    fn ended(&self, story: &Arc<Ended>) {
        // The parts of a bulk request tell of themselves.
        if story.subject.deed != Deed::Bulk {
            self.events.add(1, &self.event(story));
        }
        for Moment { step, .. } in &story.steps {
            self.count(story, step);
        }
    }

    fn refused(&self, tenant: &TenantId) {
        self.tokens_refused.add(1, &[self.tenant(tenant.as_str())]);
    }
}

impl Instruments {
    fn event(&self, story: &Ended) -> [KeyValue; 5] {
        let resource = story.subject.kind.map_or("none", |kind| kind.as_str());
        [
            word("action", action(story)),
            word("code", code(&story.end)),
            word("resource", resource),
            word("status", status(story)),
            self.tenant(story.asked.tenant.as_str()),
        ]
    }

    fn count(&self, story: &Ended, step: &Step) {
        match step {
            Step::Id { cached } => {
                let result = if *cached { "hit" } else { "miss" };
                self.cache_requests.add(1, &[word("result", result)]);
            }
            Step::Function { name, took_us, .. } => {
                let vendor = StringValue::from(Arc::clone(&story.asked.vendor));
                let labels = [
                    KeyValue::new("function", StringValue::from(name.clone())),
                    KeyValue::new("vendor", vendor),
                ];
                self.script_duration.record(*took_us as f64 / 1e6, &labels);
            }
            _ => {}
        }
    }
}

fn action(story: &Ended) -> &'static str {
    match story.subject.deed {
        Deed::Create => "Create",
        Deed::Replace | Deed::Patch if story.subject.disables => "Disable",
        Deed::Replace | Deed::Patch => "Update",
        Deed::Delete => "Delete",
        _ => "Other",
    }
}

fn status(story: &Ended) -> &'static str {
    let is_nothing = |moment: &Moment| {
        let step = &moment.step;
        matches!(step, Step::Decided { decision } if *decision == Decision::NothingToTell)
    };
    match story.end {
        End::Done { .. } if story.steps.iter().any(is_nothing) => "Skipped",
        End::Done { .. } => "Success",
        _ => "Failure",
    }
}

/// What Entra's provisioning log calls it.
fn code(end: &End) -> &'static str {
    let status = match end {
        End::Done { .. } => return "ok",
        End::TimedOut => return "Timeout",
        End::HungUp => return "hung_up",
        End::Failed { status, .. } => *status,
    };
    match status {
        401 | 403 => "Unauthorized",
        404 => "InvalidAnchor",
        409 => "EntryConflict",
        429 => "TooManyRequests",
        501 => "NotImplemented",
        400..=499 => "UnprocessableEntity",
        _ => "InternalServerError",
    }
}
