//! One generation serves a request from start to end, and tenants leave slowly.

use std::time::Duration;

use scimgate::catalog::Demand;
use scimgate::catalog::watch::{Means, Timing, Watch};

use super::{Site, renaming, row, script, until, write};

/// The vendor takes its time; meanwhile another version goes live.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_ends_on_the_generation_it_began_with() {
    let site = Site::of(&["north"]).await;
    let tenant = site.tenants[0].clone();
    site.vendor.set_latency(Duration::from_millis(600));
    let (asking, id) = (tenant.clone(), site.person.clone());
    let under_way = tokio::spawn(async move {
        let begun = asking.send(renaming(&asking, &id, "Lane")).await;
        (begun.status, begun.json()["nickName"].clone())
    });
    let called = || {
        site.vendor
            .journal()
            .iter()
            .any(|entry| format!("{entry:?}").contains("PATCH"))
    };
    tokio::task::block_in_place(|| until("the vendor is called", called));
    write(&site.files("north").script, &script("north 1"));
    let outcome = site.reloader.reload(Demand::Changed);
    assert_eq!(outcome.taken, ["vendor north", "tenant north"]);
    site.vendor.set_latency(Duration::ZERO);
    assert_eq!(under_way.await.unwrap(), (200, "north 0".into()));
    assert_eq!(site.mark(&tenant).await, "north 1");
    assert_eq!(row(&site.vendor, &site.person)["displayName"], "Lane");
}

#[tokio::test]
async fn a_tenant_that_is_removed_is_unavailable_and_then_unknown() {
    let site = Site::with(&["north", "east"], |config| {
        config.catalog.removal_grace_seconds = 1
    })
    .await;
    std::fs::remove_file(site.path("tenants/east.toml")).unwrap();
    site.reloader.reload(Demand::Changed);
    let east = &site.tenants[1];
    let answer = east.get("/Users").await;
    assert_eq!(
        (answer.status, answer.retry_after()),
        (503, Some(60)),
        "{answer}"
    );
    let patience = std::time::Instant::now() + Duration::from_secs(10);
    while east.get("/Users").await.status != 401 {
        assert!(std::time::Instant::now() < patience);
        site.reloader.expire();
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(site.mark(&site.tenants[0]).await, "north 0");
}

/// The time of one who is gone passes also where it is never quiet.
#[tokio::test]
async fn a_removed_tenant_ends_although_files_are_written_all_the_time() {
    let site = Site::with(&["north", "east"], |config| {
        config.catalog.removal_grace_seconds = 1
    })
    .await;
    let timing = Timing {
        poll: Duration::from_secs(600),
        ..Timing::default()
    };
    let _watch = Watch::start(site.reloader.clone(), Means::Auto, timing).unwrap();
    std::fs::remove_file(site.path("tenants/east.toml")).unwrap();
    let north = site.path("tenants/north.toml");
    let text = std::fs::read_to_string(&north).unwrap();
    let east = &site.tenants[1];
    let patience = std::time::Instant::now() + Duration::from_secs(30);
    for number in 0.. {
        if east.get("/Users").await.status == 401 {
            break;
        }
        assert!(std::time::Instant::now() < patience);
        write(&north, &format!("{text}\n# written again: {number}\n"));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(site.mark(&site.tenants[0]).await, "north 0");
}

/// An empty ConfigMap.
#[tokio::test]
async fn tenants_that_vanish_together_are_served_until_somebody_confirms() {
    let site = Site::of(&["north", "east", "south"]).await;
    for name in ["north", "east", "south"] {
        std::fs::remove_file(site.path(&format!("tenants/{name}.toml"))).unwrap();
    }
    let outcome = site.reloader.reload(Demand::Again);
    assert_eq!(outcome.standing.problems[0].code, "tenant::vanished");
    for tenant in &site.tenants {
        assert!(site.mark(tenant).await.ends_with(" 0"));
    }
    site.reloader.reload(Demand::Forced);
    for tenant in &site.tenants {
        assert_eq!(tenant.get("/Users").await.status, 503);
    }
}
