//! Finished stories as metrics.

use std::sync::Arc;

use opentelemetry::{KeyValue, StringValue};

use super::instruments::{Instruments, word};
use crate::adapter::keys::TenantId;
use crate::provisioning::trace::{Deed, Ended, Moment, Step, Witness};

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
            word("action", story.action().as_str()),
            word("code", story.code().unwrap_or("none")),
            word("resource", resource),
            word("status", story.status().as_str()),
            self.tenant(story.asked.tenant.as_str()),
        ]
    }

    fn count(&self, story: &Ended, step: &Step) {
        match step {
            Step::Id { cached } => {
                let result = if *cached { "hit" } else { "miss" };
                self.cache_requests.add(1, &[word("result", result)]);
            }
            Step::Function {
                name,
                took_us,
                operations,
                ..
            } => {
                let vendor = StringValue::from(Arc::clone(&story.asked.vendor));
                let labels = [
                    KeyValue::new("function", self.functions.of(name)),
                    KeyValue::new("vendor", vendor),
                ];
                self.script_duration.record(*took_us as f64 / 1e6, &labels);
                self.script_operations
                    .record(f64::from(*operations), &labels);
            }
            _ => {}
        }
    }
}
