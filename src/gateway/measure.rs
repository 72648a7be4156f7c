//! What stands now in the gateway's parts, for metrics.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use jiff::Timestamp;
use tokio::time::sleep;

use super::concerns::{expiring, near_quarantine, of_files};
use super::conditions::Conditions;
use super::onboarding::token_status;
use super::tenants::Tenants;
use crate::adapter::keys::TenantId;
use crate::catalog::{Reloader, Standing};
use crate::server::Certificate;
use crate::store::Store;
use crate::store::health::RiskLevel;
use crate::store::log::Log;
use crate::telemetry::metrics::{self, Metric};
use crate::telemetry::{Instruments, Readings};
use crate::tenant::token::{TokenKind, TokenRecord, Tokens};
use crate::vendor::VendorStanding;

/// How often the store is asked,
const ASKED_EVERY: Duration = Duration::from_secs(60);
/// and how many times as long as it took to ask for all tenants, which may be thousands,
const PART: u32 = 500;
/// unless that would be longer than this.
const SELDOM: Duration = Duration::from_secs(300);

/// A metric, and its value where something stands so; `None` where it has none.
type Gauge<T> = (&'static Metric, fn(&T) -> Option<f64>);

/// A state as a value: 1 if it holds.
fn flag(holds: bool) -> Option<f64> {
    Some(f64::from(u8::from(holds)))
}

/// Tells `instruments` how each tenant's vendor is doing.
pub(super) fn tenants(instruments: &Arc<Instruments>, tenants: &Arc<Tenants>) {
    let gauges: [Gauge<VendorStanding>; 3] = [
        (&metrics::QUEUE_DEPTH, |vendor| Some(vendor.waiting as f64)),
        (&metrics::BREAKER_STATE, |vendor| flag(vendor.circuit_open)),
        (&metrics::CREDENTIAL_REFUSED, |vendor| {
            flag(vendor.credential_refused)
        }),
    ];
    for (metric, value) in gauges {
        let tenants = Arc::downgrade(tenants);
        instruments.observe(metric, move |readings: &Readings<'_>| {
            let standing = tenants.upgrade().map(|tenants| tenants.standing());
            for (tenant, vendor) in standing.unwrap_or_default() {
                readings.of_tenant(tenant.as_str(), value(&vendor));
            }
        });
    }
}

/// Tells `instruments` what the store could not do.
pub(super) fn store(instruments: &Arc<Instruments>, faults: Arc<AtomicU64>) {
    instruments.observe(&metrics::STORE_ERRORS, move |readings| {
        readings.is(Some(faults.load(Ordering::Relaxed) as f64));
    });
}

/// Tells `instruments` what the provisioning log lost.
pub(super) fn log(instruments: &Arc<Instruments>, log: &Arc<Log>) {
    let log = Arc::downgrade(log);
    instruments.observe(&metrics::EVENTS_LOST, move |readings| {
        readings.is(log.upgrade().map(|log| log.lost() as f64));
    });
}

/// Tells `instruments` what is the matter with each tenant.
pub(super) fn conditions(instruments: &Arc<Instruments>, conditions: &Arc<Conditions>) {
    let conditions = Arc::downgrade(conditions);
    instruments.observe(&metrics::TENANT_CONDITION, move |readings| {
        let held = conditions.upgrade().map(|conditions| conditions.all());
        for (tenant, kind) in held.unwrap_or_default() {
            readings.of_tenant_with(tenant.as_str(), "condition", kind.as_str(), 1.0);
        }
    });
}

/// Tells `instruments` when the gateway's own certificate ends.
pub(super) fn certificate(instruments: &Arc<Instruments>, certificate: Arc<Certificate>) {
    instruments.observe(&metrics::CERTIFICATE_EXPIRY, move |readings| {
        readings.is(certificate.expires().map(|end| end as f64));
    });
}

/// Tells `instruments` what runs and whether it is what lies on disk.
pub(super) fn reloads(instruments: &Arc<Instruments>, reloader: &Reloader) {
    let gauges: [Gauge<Standing>; 3] = [
        (&metrics::RELOADS, |standing| Some(standing.reloads as f64)),
        (&metrics::RELOAD_SUCCESS, |standing| {
            flag(standing.is_well())
        }),
        (&metrics::RELOAD_SUCCESS_TIME, |standing| {
            let time: Timestamp = standing.last_success.as_ref()?.parse().ok()?;
            Some(time.as_second() as f64)
        }),
    ];
    for (metric, value) in gauges {
        let reloader = reloader.clone();
        instruments.observe(metric, move |readings| {
            readings.is(value(&reloader.standing()));
        });
    }
    let files_of = reloader.clone();
    instruments.observe(&metrics::TENANT_CONDITION, move |readings| {
        let standing = files_of.standing();
        let tenants = standing.tenants.keys().filter_map(|id| TenantId::parse(id));
        for tenant in tenants {
            for condition in of_files(&standing, &tenant) {
                let kind = condition.kind.as_str();
                readings.of_tenant_with(tenant.as_str(), "condition", kind, 1.0);
            }
        }
    });
    let reloader = reloader.clone();
    instruments.observe(&metrics::RELOAD_INFO, move |readings| {
        readings.with("catalog", &reloader.standing().running, 1.0);
    });
}

/// What is asked now and then.
pub(super) struct Asked {
    pub(super) store: Store,
    pub(super) tenants: Weak<Tenants>,
    pub(super) tokens: Weak<Tokens>,
    pub(super) conditions: Weak<Conditions>,
}

/// What the store says of a tenant.
struct Told {
    tenant: TenantId,
    last_end: Option<i64>,
    risk: Option<RiskLevel>,
}

/// Tells `instruments` when each tenant's tokens end and how near quarantine is. The store is
/// asked now and then, and not when metrics are collected, which may not wait for it. Ends
/// with the gateway.
pub(super) async fn now_and_then(instruments: Arc<Instruments>, asked: Asked) {
    let told = Arc::new(ArcSwap::from_pointee(Vec::<Told>::new()));
    let gauges: [Gauge<Told>; 2] = [
        (&metrics::TOKEN_EXPIRY, |told| Some(told.last_end? as f64)),
        (&metrics::QUARANTINE_RISK, |told| {
            Some(match told.risk? {
                RiskLevel::Ok => 0.0,
                RiskLevel::Watch => 1.0,
                RiskLevel::High => 2.0,
            })
        }),
    ];
    for (metric, value) in gauges {
        let told = Arc::clone(&told);
        instruments.observe(metric, move |readings| {
            for told in told.load().iter() {
                readings.of_tenant(told.tenant.as_str(), value(told));
            }
        });
    }
    drop(instruments);
    while let Some(tenants) = asked.tenants.upgrade() {
        let began = Instant::now();
        let mut found = Vec::new();
        let served = tenants.standing().into_iter();
        let served: BTreeSet<TenantId> = served.map(|(tenant, _)| tenant).collect();
        if let Some(conditions) = asked.conditions.upgrade() {
            conditions.keep(&served);
        }
        for tenant in served {
            found.extend(asked.about(tenant).await);
        }
        told.store(Arc::new(found));
        drop(tenants);
        let pause = (began.elapsed() * PART).min(SELDOM).max(ASKED_EVERY);
        sleep(pause).await;
    }
}

impl Asked {
    /// `None` once the gateway has ended.
    async fn about(&self, tenant: TenantId) -> Option<Told> {
        let book = self.tokens.upgrade()?;
        let tokens = book.list(&tenant).await;
        let now = Timestamp::now();
        let health = self.store.health(&tenant, now).await;
        if let (Ok(tokens), Ok(health), Some(conditions)) =
            (&tokens, &health, self.conditions.upgrade())
        {
            let told: Vec<_> = tokens
                .iter()
                .map(|token| token_status(&book, token, now))
                .collect();
            let found = expiring(&tenant, &told, now).into_iter();
            conditions.stand(&tenant, found.chain(near_quarantine(health, now)).collect());
        }
        Some(Told {
            last_end: tokens.ok().and_then(|tokens| last_end(&tokens)),
            risk: health.ok().map(|health| health.risk.level),
            tenant,
        })
    }
}

/// When the last of these tokens ends, or the last client secret, whichever is first, in Unix
/// seconds; `None` where one that works never does, or where there is none.
fn last_end(tokens: &[TokenRecord]) -> Option<i64> {
    let of_kind = |kind| {
        let living = tokens.iter().filter(|token| token.revoked.is_none());
        let living = living.filter(|token| token.kind == kind);
        let ends: Option<Vec<_>> = living.map(|token| token.expires).collect();
        ends?.into_iter().map(|end| end.as_second()).max()
    };
    let kinds = [TokenKind::Tenant, TokenKind::ClientSecret].into_iter();
    kinds.filter_map(of_kind).min()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::tenant::token::{Pepper, SecretToken};

    fn token(expires: Option<i64>, revoked: Option<i64>) -> TokenRecord {
        let directory = tempfile::tempdir().unwrap();
        let pepper = Pepper::open(&directory.path().join("pepper")).unwrap();
        let time = |second| Timestamp::from_second(second).unwrap();
        let tenant = TenantId::parse("acme").unwrap();
        let minted = SecretToken::mint(TokenKind::Tenant).unwrap();
        let mut record = TokenRecord::new(&minted, &pepper, tenant, time(0), expires.map(time));
        record.revoked = revoked.map(time);
        record
    }

    #[test]
    fn the_end_is_that_of_the_last_token_that_works() {
        assert_eq!(last_end(&[]), None);
        let (early, late) = (token(Some(100), None), token(Some(200), None));
        assert_eq!(last_end(&[early.clone(), late.clone()]), Some(200));
        let revoked = token(Some(300), Some(50));
        assert_eq!(last_end(&[early, late.clone(), revoked]), Some(200));
        assert_eq!(last_end(&[late.clone(), token(None, None)]), None, "never");
        let secret = TokenRecord {
            kind: TokenKind::ClientSecret,
            ..late
        };
        assert_eq!(last_end(&[secret, token(None, None)]), Some(200));
    }
}
