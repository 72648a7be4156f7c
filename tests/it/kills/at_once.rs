//! Identical POSTs at the same moment, at a vendor that would make one object of each.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::task::JoinSet;

use super::class::Class;
use super::entra::{Sort, Thing};
use super::fate::{Loss, Manner};
use super::stand::{Stand, Tenant};

const MANY: usize = 64;

/// Calls that the first of them may need: a look, the create, another look, and a team's members.
const CALLS: u64 = 4;

/// One is told that it was made, and the others that it is there, from what the first came to.
async fn all_at_once(tenant: &Tenant, sort: Sort, most: u64) {
    let before = tenant.vendor.tally();
    let mut sending = JoinSet::new();
    for _ in 0..MANY {
        let tenant = tenant.clone();
        sending.spawn(async move {
            let request = tenant.post(
                sort.endpoint(),
                &Thing::named(sort, "ada@example.com").body(1),
            );
            tenant.send(&request).await
        });
    }
    let mut statuses: BTreeMap<u16, usize> = BTreeMap::new();
    for answer in sending.join_all().await {
        *statuses.entry(answer.status).or_default() += 1;
        if answer.status == 409 {
            assert_eq!(answer.json()["scimType"], "uniqueness", "{answer}");
        }
    }
    let after = tenant.vendor.tally();
    assert_eq!(statuses, [(201, 1), (409, MANY - 1)].into(), "{sort:?}");
    assert_eq!(after.creates.len() - before.creates.len(), 1, "{sort:?}");
    let calls = after.calls - before.calls;
    assert!(calls <= most, "{sort:?}: {calls} calls");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_identical_posts_one_is_carried_out_and_the_others_are_told_so() {
    let stand = Stand::of([Class::named("b"), Class::named("b-bare")]).await;
    for tenant in &stand.tenants {
        tenant
            .vendor
            .behave(Manner::Calm(Duration::from_millis(120)));
        all_at_once(tenant, Sort::Person, CALLS).await;
        all_at_once(tenant, Sort::Team, CALLS).await;
    }
    stand.end();
}

/// The first one finds what it made, and the others wait for that too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn also_where_the_reply_to_the_first_is_lost() {
    let stand = Stand::of([Class::named("b"), Class::named("b-bare")]).await;
    for tenant in &stand.tenants {
        tenant
            .vendor
            .behave(Manner::Calm(Duration::from_millis(20)));
        for sort in [Sort::Person, Sort::Team] {
            let latency = Duration::from_millis(120);
            tenant.vendor.next_create(latency, Loss::After);
            // One look more: what was made is found.
            all_at_once(tenant, sort, CALLS + 1).await;
        }
    }
    stand.end();
}
