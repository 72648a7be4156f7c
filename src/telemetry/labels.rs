//! What stands for a name in labels: as it is, as a pseudonym, or not at all.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;

use arc_swap::ArcSwap;
use opentelemetry::StringValue;
use sha2::{Digest, Sha256};

use crate::config::TenantLabel;

/// Names that are told apart. A metrics store pays for each one for ever.
const MOST: usize = 1_000;

/// Names of one sort, tenants or hosts, and what stands for each. Asking for one
/// that was asked for before takes no lock and no memory.
#[derive(Debug)]
pub(super) struct Labels {
    rule: TenantLabel,
    known: ArcSwap<HashMap<Box<str>, StringValue>>,
}

impl Labels {
    /// By `telemetry.tenant_label`.
    pub(super) fn new(rule: TenantLabel) -> Self {
        Self {
            rule,
            known: ArcSwap::default(),
        }
    }

    /// What stands for `name`.
    pub(super) fn of(&self, name: &str) -> StringValue {
        if self.rule == TenantLabel::Off {
            return "off".into();
        }
        let known = self.known.load();
        match known.get(name) {
            Some(label) => label.clone(),
            None if known.len() >= MOST => "other".into(),
            None => self.learn(name),
        }
    }

    fn learn(&self, name: &str) -> StringValue {
        let label = match self.rule {
            TenantLabel::Hash => pseudonym(name),
            TenantLabel::Full | TenantLabel::Off => name.to_owned(),
        };
        let label = StringValue::from(Arc::<str>::from(label));
        self.known.rcu(|known| {
            let mut known = HashMap::clone(known);
            known.insert(name.into(), label.clone());
            known
        });
        label
    }
}

/// The same on every pod and after every restart. Who knows a name can tell its
/// pseudonym, so this keeps names out of other people's systems and no secret.
fn pseudonym(name: &str) -> String {
    let digest = Sha256::digest(name.as_bytes());
    let mut text = String::with_capacity(12);
    for byte in digest.iter().take(6) {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_told_hashed_or_left_out() {
        let of = |rule| Labels::new(rule).of("acme").to_string();
        assert_eq!(of(TenantLabel::Full), "acme");
        assert_eq!(of(TenantLabel::Hash), "822b33ad87c1");
        assert_eq!(of(TenantLabel::Off), "off");
    }

    #[test]
    fn after_a_thousand_names_all_others_are_one() {
        let labels = Labels::new(TenantLabel::Full);
        for number in 0..MOST {
            labels.of(&format!("tenant-{number}"));
        }
        assert_eq!(labels.of("one-more").as_str(), "other");
        assert_eq!(labels.of("tenant-7").as_str(), "tenant-7");
    }
}
