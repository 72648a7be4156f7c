//! [`BatchCounts`] in SQL.

use std::time::Duration;

use rusqlite::params;

use super::Store;
use super::lane::Turn;
use crate::adapter::keys::TenantId;
use crate::limiter::PerMinute;
use crate::provisioning::batch::BatchCounts;
use crate::provisioning::memory::Recall;

impl BatchCounts for Store {
    fn count_batch(
        &self,
        tenant: &TenantId,
        function: &str,
        limit: PerMinute,
    ) -> Recall<'_, Result<(), Duration>> {
        let (of, function) = (tenant.clone(), function.to_owned());
        self.write(Turn::of(tenant), move |db| {
            let full_at = db.row(
                "SELECT full_at FROM batch_counts WHERE tenant = ?1 AND function = ?2",
                params![of.as_str(), function],
                |row| row.get::<i64>(0),
            )?;
            let full_at = match limit.take(full_at.unwrap_or_default(), db.now()?) {
                Ok(full_at) => full_at,
                Err(wait) => return Ok(Err(wait)),
            };
            db.execute(
                "INSERT INTO batch_counts (tenant, function, full_at) VALUES (?1, ?2, ?3)
                 ON CONFLICT (tenant, function) DO UPDATE SET full_at = excluded.full_at",
                params![of.as_str(), function, full_at],
            )?;
            Ok(Ok(()))
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::store::postgres::tests::{block_on, on_each};

    async fn take(store: &Store, tenant: &str, function: &str) -> Result<(), Duration> {
        let tenant = TenantId::parse(tenant).unwrap();
        let taken = store.count_batch(&tenant, function, PerMinute::of(6));
        taken.await.unwrap()
    }

    fn is_about_thirteen(wait: Duration) -> bool {
        (Duration::from_secs(5)..Duration::from_secs(14)).contains(&wait)
    }

    #[test]
    fn batches_of_tenants_and_kinds_are_counted_apart() {
        on_each(|empty| {
            let store = empty();
            block_on(async {
                assert_eq!(take(&store, "acme", "run_jobs").await, Ok(()));
                assert_eq!(take(&store, "acme", "run_jobs").await, Ok(()));
                let wait = take(&store, "acme", "run_jobs").await.unwrap_err();
                assert!(is_about_thirteen(wait), "{wait:?}");
                assert_eq!(take(&store, "acme", "run_others").await, Ok(()));
                assert_eq!(take(&store, "other", "run_jobs").await, Ok(()));
            });
        });
    }

    #[test]
    fn what_was_taken_counts_after_a_restart() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("store.db");
        for is_first in [true, false] {
            let store = Store::open(&path).unwrap();
            let taken = [(); 2].map(|()| block_on(take(&store, "acme", "run_jobs")));
            assert!(
                taken.iter().all(|taken| taken.is_ok() == is_first),
                "{taken:?}"
            );
        }
    }
}
