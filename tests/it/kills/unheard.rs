//! One lost reply or one kill at a time.

use std::time::Duration;

use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

use super::class::{CALL, CLASSES, Class};
use super::entra::{Sort, Thing, confirm, find, is_later, provision};
use super::fate::{Loss, Manner};
use super::stand::{Stand, Tenant};
use crate::harness::Response;

async fn post(tenant: &Tenant, thing: &Thing) -> Response {
    let request = tenant.post(thing.sort.endpoint(), &thing.body(1));
    tenant.send(&request).await
}

/// Sends it until it is settled, and asserts that it was never refused.
async fn until_made(tenant: &Tenant, thing: &Thing) -> String {
    let settled = provision(tenant, thing).await;
    let settled = settled.unwrap_or_else(|why| panic!("{}: {why}", tenant.class.name));
    assert_eq!(settled.refused, 0, "{}: {thing:?}", tenant.class.name);
    settled.id
}

fn only_one(tenant: &Tenant, thing: &Thing) {
    let made = tenant.vendor.named(thing.sort.native(), &thing.name);
    assert_eq!(made.len(), 1, "{}: {made:?}", tenant.class.name);
}

/// The vendor has it in hand, the connection is gone, and a look-up finds nothing: whoever
/// created it again now would have two.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_takes_effect_after_the_reset_is_waited_for() {
    let stand = Stand::of(&CLASSES).await;
    let at_every = stand.at_every(|tenant| async move {
        for sort in [Sort::Person, Sort::Team] {
            let thing = Thing::named(sort, "late@example.com");
            let late = Loss::Late(Duration::from_millis(900));
            tenant.vendor.next_create(Duration::from_millis(20), late);
            until_made(&tenant, &thing).await;
            sleep(Duration::from_secs(1)).await;
            only_one(&tenant, &thing);
        }
    });
    at_every.await;
    stand.end();
}

/// What never took effect is made when nobody can have it in hand any more, and not before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_never_took_effect_is_made_when_that_is_sure() {
    let stand = Stand::of([Class::named("b"), Class::named("b-bare")]).await;
    let at_every = stand.at_every(|tenant| async move {
        for sort in [Sort::Person, Sort::Team] {
            let before = tenant.vendor.tally().creates.len();
            let thing = Thing::named(sort, "never@example.com");
            let never = Loss::Before;
            tenant.vendor.next_create(Duration::from_millis(20), never);
            let first = post(&tenant, &thing).await;
            if first.status != 201 {
                is_later(&first).unwrap();
                until_made(&tenant, &thing).await;
            }
            let creates = tenant.vendor.tally().creates.split_off(before);
            assert_eq!(creates.len(), 2, "{}", tenant.class.name);
            let between = creates[1] - creates[0];
            // The gateway counts from when it sends, and the vendor from when that comes.
            let least = CALL * 9 / 10;
            assert!(between >= least, "{}: {between:?}", tenant.class.name);
            only_one(&tenant, &thing);
        }
    });
    at_every.await;
    stand.end();
}

/// An answer that nobody took is not an acknowledgement.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_hung_up_is_told_201_the_next_time() {
    let stand = Stand::of(&CLASSES).await;
    let at_every = stand.at_every(|tenant| async move {
        let thing = Thing::named(Sort::Person, "gone@example.com");
        let slow = Duration::from_millis(300);
        tenant.vendor.next_create(slow, Loss::None);
        hang_up(&tenant, &thing, || {
            !tenant.vendor.tally().creates.is_empty()
        })
        .await;
        sleep(slow * 2).await;
        let again = post(&tenant, &thing).await;
        assert_eq!(again.status, 201, "{}: {again}", tenant.class.name);
        let third = post(&tenant, &thing).await;
        assert_eq!(third.status, 409, "{}: {third}", tenant.class.name);
        only_one(&tenant, &thing);
    });
    at_every.await;
    stand.end();
}

/// Sends a POST and resets the connection when `begun`.
async fn hang_up(tenant: &Tenant, thing: &Thing, begun: impl Fn() -> bool) {
    let request = tenant.post(thing.sort.endpoint(), &thing.body(1));
    let body = String::from_utf8(request.body.unwrap()).unwrap();
    let mut text = format!("POST {} HTTP/1.1\r\nHost: scim.test\r\n", request.target);
    for (name, value) in &request.headers {
        text += &format!("{name}: {value}\r\n");
    }
    text += &format!("Content-Length: {}\r\n\r\n{body}", body.len());
    let address = tenant.address().await.unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    let patience = Instant::now() + Duration::from_secs(10);
    while !begun() {
        assert!(Instant::now() < patience, "the vendor is never asked");
        sleep(Duration::from_millis(5)).await;
    }
    stream.set_zero_linger().unwrap();
}

/// Killed while the vendor works on a create, and while it has answered and Entra was not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_create_that_outlives_the_gateway_is_known_to_the_next_one() {
    let mut stand = Stand::of(&CLASSES).await;
    let things = [Sort::Person, Sort::Team].map(|sort| Thing::named(sort, "orphan@example.com"));
    for tenant in stand.tenants.clone() {
        for thing in things.clone() {
            let tenant = tenant.clone();
            tenant
                .vendor
                .next_create(Duration::from_millis(500), Loss::None);
            tokio::spawn(async move {
                let request = tenant.post(thing.sort.endpoint(), &thing.body(1));
                tenant.try_send(&request).await
            });
        }
    }
    let begun = |tenant: &Tenant| tenant.vendor.tally().creates.len() == things.len();
    let patience = Instant::now() + Duration::from_secs(10);
    while !stand.tenants.iter().all(begun) {
        assert!(Instant::now() < patience, "not every create begins");
        sleep(Duration::from_millis(5)).await;
    }
    stand.kill();
    stand.start();
    let at_every = stand.at_every(|tenant| {
        let things = things.clone();
        async move {
            for thing in &things {
                until_made(&tenant, thing).await;
                only_one(&tenant, thing);
            }
        }
    });
    at_every.await;
    stand.end();
}

/// A vendor that does not answer keeps its own creates open, and no others.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn creates_settle_at_one_vendor_while_others_do_not_answer() {
    let mut stand = Stand::of(&CLASSES).await;
    let thing = Thing::named(Sort::Person, "orphan@example.com");
    for tenant in stand.tenants.clone() {
        let (slow, thing) = (Duration::from_millis(500), thing.clone());
        tenant.vendor.next_create(slow, Loss::None);
        tokio::spawn(async move {
            let request = tenant.post(thing.sort.endpoint(), &thing.body(1));
            tenant.try_send(&request).await
        });
    }
    let begun = |tenant: &Tenant| !tenant.vendor.tally().creates.is_empty();
    let patience = Instant::now() + Duration::from_secs(10);
    while !stand.tenants.iter().all(begun) {
        assert!(Instant::now() < patience, "not every create begins");
        sleep(Duration::from_millis(5)).await;
    }
    stand.kill();
    let (well, others) = stand.tenants.split_last().unwrap();
    for other in others {
        other.vendor.behave(Manner::Calm(Duration::from_secs(60)));
    }
    let well = well.clone();
    stand.start();
    let patience = Instant::now() + Duration::from_secs(12);
    while well.vendor.tally().calls == 1 {
        assert!(Instant::now() < patience, "the others are waited for");
        sleep(Duration::from_millis(100)).await;
    }
    stand.end();
}

/// Where look-ups lag, what the gateway wrote is known to the next one too: it is found at once,
/// not made again, and what was removed is not found.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn recent_writes_outlive_the_gateway_where_look_ups_lag() {
    let lagging = CLASSES.iter().filter(|class| class.consistency == 'C');
    let launch = |house: &crate::house::House| house.command(&["-c", "scimgate.toml", "serve"]);
    let mut stand = Stand::with(lagging, Some(Duration::from_secs(40)), launch).await;
    let mut made = Vec::new();
    for tenant in &stand.tenants {
        for sort in [Sort::Person, Sort::Team] {
            let (stays, goes) = (
                Thing::named(sort, "stays@example.com"),
                Thing::named(sort, "goes@example.com"),
            );
            let stayed = provision(tenant, &stays).await.unwrap();
            let gone = provision(tenant, &goes).await.unwrap();
            let path = format!("{}/{}", sort.endpoint(), gone.id);
            let removed = tenant.send(&tenant.request("DELETE", &path)).await;
            assert_eq!(removed.status, 204, "{removed}");
            made.push((tenant.clone(), stays, stayed, goes));
        }
    }
    stand.kill();
    stand.start();
    let mut wrong = Vec::new();
    for (tenant, stays, stayed, goes) in &made {
        let mut blame = |why: String| wrong.push(format!("{}: {why}", tenant.class.name));
        if let Err(why) = confirm(tenant, stays, stayed, &[201, 409]).await {
            blame(why);
        }
        match find(tenant, goes).await {
            Ok(None) => {}
            found => blame(format!("{} was removed: {found:?}", goes.name)),
        }
        let accounts = tenant.vendor.named(stays.sort.native(), &stays.name);
        if accounts.len() != 1 {
            blame(format!("{} has {} accounts", stays.name, accounts.len()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    stand.end();
}

/// `externalId` is nobody's name: two people may share it, also while a POST of one is open.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_external_id_is_no_evidence_for_somebody_elses_account() {
    let stand = Stand::of(&CLASSES).await;
    let at_every = stand.at_every(|tenant| async move {
        let first = Thing::named(Sort::Person, "first@example.com");
        let second = Thing {
            external: first.external.clone(),
            ..Thing::named(Sort::Person, "second@example.com")
        };
        let late = Loss::Late(Duration::from_millis(500));
        tenant.vendor.next_create(Duration::from_millis(20), late);
        let posted = post(&tenant, &first).await;
        let other = until_made(&tenant, &second).await;
        // A request token makes even the first try succeed.
        let one = match posted.status {
            201 => posted.json()["id"].as_str().unwrap().to_owned(),
            _ => until_made(&tenant, &first).await,
        };
        assert_ne!(one, other, "{}", tenant.class.name);
        only_one(&tenant, &first);
        only_one(&tenant, &second);
        let read = tenant.request("GET", &format!("/Users/{one}"));
        let read = tenant.send(&read).await;
        assert_eq!(read.json()["externalId"], json!(first.external), "{read}");
    });
    at_every.await;
    stand.end();
}
