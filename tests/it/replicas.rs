//! Two gateways that share a PostgreSQL and a vendor, as behind a load balancer: together they
//! promise what one alone does. And what Entra hears when the database goes.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::harness::postgres::Postgres;
use crate::harness::{Options, Response, Tenant, TestGateway, group, person};
use crate::house::{House, text_of};
use crate::oauth::Client;

/// Two gateways, and the server under them.
async fn two() -> (TestGateway, TestGateway, std::sync::Arc<Postgres>) {
    let (server, url) = tokio::task::spawn_blocking(|| {
        let server = Postgres::shared();
        let url = server.database();
        (server, url)
    })
    .await
    .unwrap();
    let options = Options {
        postgres: Some(url),
        latency: Duration::from_millis(5),
        ..Options::default()
    };
    let first = TestGateway::start_with(options.clone()).await;
    let second = TestGateway::start_with(first.replica(options)).await;
    (first, second, server)
}

/// Comes again when it is told to, as Entra does.
async fn post(tenant: Tenant, body: serde_json::Value) -> Response {
    let until = Instant::now() + Duration::from_secs(40);
    loop {
        let response = tenant.post("/Users", &body).await;
        if response.status != 503 || Instant::now() > until {
            return response;
        }
        assert!(response.retry_after().is_some(), "{response}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_creates_through_both_make_each_person_once() {
    let (first, second, _server) = two().await;
    let people: Vec<_> = (0..25).map(|_| person()).collect();
    let mut sending = tokio::task::JoinSet::new();
    for turn in 0..4 {
        for (place, body) in people.iter().enumerate() {
            let gateway = [&first, &second][(turn + place) % 2];
            let asked = post(gateway.a.clone(), body.clone());
            sending.spawn(async move { (place, asked.await) });
        }
    }
    let mut ids = BTreeMap::<usize, BTreeSet<String>>::new();
    for (place, made) in sending.join_all().await {
        if made.status == 409 {
            assert_eq!(made.json()["scimType"], "uniqueness", "{made}");
            continue;
        }
        assert_eq!(made.status, 201, "{made}");
        ids.entry(place)
            .or_default()
            .insert(made.json()["id"].to_string());
    }
    assert_eq!(ids.len(), people.len(), "nobody is left out");
    assert!(ids.values().all(|ids| ids.len() == 1), "{ids:?}");
    assert_eq!(first.rows().len(), people.len());
    second.end().await;
    first.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_added_through_both_are_all_there_and_a_new_name_is_known_to_both() {
    let (first, second, _server) = two().await;
    let id = first.a.make("/Groups", &group(&[])).await;
    let path = format!("/Groups/{id}");
    assert_eq!(second.a.get(&path).await.status, 200);
    let mut members = Vec::new();
    for _ in 0..12 {
        members.push(second.a.make("/Users", &person()).await);
    }
    let mut sending = tokio::task::JoinSet::new();
    for (place, member) in members.clone().into_iter().enumerate() {
        let (tenant, path) = ([&first, &second][place % 2].a.clone(), path.clone());
        sending.spawn(async move {
            let add = json!([{"op": "add", "path": "members", "value": [{"value": member}]}]);
            tenant.patch(&path, add).await.status
        });
    }
    let statuses = sending.join_all().await;
    assert!(statuses.iter().all(|status| *status == 204), "{statuses:?}");
    members.sort();
    assert_eq!(first.a.members(&id).await, members);
    assert_eq!(second.a.members(&id).await, members);
    let name = format!("{}-renamed", group(&[])["displayName"].as_str().unwrap());
    let rename = json!([{"op": "replace", "path": "displayName", "value": name}]);
    let renamed = second.a.patch(&path, rename).await;
    assert_eq!(renamed.status, 204, "{renamed} {}", second.logged());
    let found = first.a.get(&path).await;
    assert_eq!(found.status, 200, "{found}");
    assert_eq!(found.json()["displayName"], name);
    second.end().await;
    first.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_revoked_at_one_gateway_ends_at_the_other_within_a_moment() {
    let (first, second, _server) = two().await;
    assert_eq!(second.a.get("/Users").await.status, 200);
    first.revoke_a().await;
    let revoked = Instant::now();
    while second.a.get("/Users").await.status != 401 {
        assert!(revoked.elapsed() < Duration::from_secs(3));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // The vendor does not know this gateway's key of the other tenant; the token is good.
    assert_eq!(second.b.get("/Users").await.status, 503);
    second.end().await;
    first.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_access_token_of_one_gateway_is_good_at_the_other_until_its_secret_is_revoked() {
    let (first, second, _server) = two().await;
    let client = Client::of(&first, "a").await;
    let there = Tenant {
        address: second.a.address,
        ..client.admitted().await
    };
    assert_eq!(there.get("/Users").await.status, 200);
    client.revoke(&first).await;
    let revoked = Instant::now();
    while there.get("/Users").await.status != 401 {
        assert!(revoked.elapsed() < Duration::from_secs(5));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    second.end().await;
    first.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_dies_is_503_until_it_is_back() {
    let started = tokio::task::spawn_blocking(|| {
        let server = Postgres::start();
        let url = server.database();
        (std::sync::Arc::new(server), url)
    });
    let (server, url) = started.await.unwrap();
    let options = Options {
        postgres: Some(url),
        ..Options::default()
    };
    let gateway = TestGateway::start_with(options).await;
    let id = gateway.a.make("/Users", &person()).await;
    let (killed, healed) = (Duration::from_millis(300), Duration::from_secs(3));
    let fate = std::sync::Arc::clone(&server);
    let fate = tokio::spawn(async move {
        tokio::time::sleep(killed).await;
        fate.kill();
        tokio::time::sleep(healed).await;
        let resumed = tokio::task::spawn_blocking(move || fate.resume());
        resumed.await.unwrap();
    });
    let mut seen = BTreeSet::new();
    while !fate.is_finished() {
        let read = gateway.a.get(&format!("/Users/{id}")).await;
        let made = gateway.a.post("/Users", &person()).await;
        assert!(matches!(read.status, 200 | 503), "{read}");
        assert!(matches!(made.status, 201 | 503), "{made}");
        seen.extend([read.status, made.status]);
    }
    fate.await.unwrap();
    assert!(seen.contains(&503) && seen.contains(&200), "{seen:?}");
    let back = Instant::now();
    while gateway.a.post("/Users", &person()).await.status != 201 {
        assert!(back.elapsed() < Duration::from_secs(10));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // Each of the store's threads connects by itself.
    while gateway.a.get(&format!("/Users/{id}")).await.status != 200 {
        assert!(back.elapsed() < Duration::from_secs(10));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    gateway.end().await;
}

#[test]
fn commands_work_on_postgres_and_say_what_is_missing() {
    let server = Postgres::shared();
    let house = House::of_sosafe();
    house.tenant("acme", "http://127.0.0.1:1/", "k");
    let mint = ["-c", "scimgate.toml", "token", "mint", "--tenant", "acme"];
    let refused = |expect: &[&str]| {
        let output = house.run(&mint);
        let told = text_of(&output.stderr);
        assert_eq!(output.status.code(), Some(78), "{told}");
        for words in expect {
            assert!(told.contains(words), "{told}");
        }
        assert!(!told.contains("p%40ss") && !told.contains("p@ss"), "{told}");
    };
    house.write("scimgate.toml", "[store]\npostgres_url_file = \"url\"\n");
    refused(&[
        "store.postgres_url_file",
        "url: ",
        "must hold the database's URL",
    ]);
    house.write("url", "mysql://x:p@ss@y/z");
    refused(&["store.postgres_url_file", "postgres://user:password@host"]);
    house.write("url", &server.database());
    refused(&["store.pepper_file", "openssl rand -hex 32"]);
    let configured = "[store]\npostgres_url_file = \"url\"\npepper_file = \"pepper\"\n";
    house.write("scimgate.toml", configured);
    refused(&["store.pepper_file", "cannot read the pepper"]);
    house.write("pepper", "too short");
    refused(&["store.pepper_file", "64 hexadecimal digits"]);
    house.write("pepper", &format!("{}\n", "0a".repeat(32)));
    let minted = house.run(&mint);
    assert_eq!(minted.status.code(), Some(0), "{}", text_of(&minted.stderr));
    let listed = house.run(&["-c", "scimgate.toml", "token", "list", "--tenant", "acme"]);
    assert!(!listed.stdout.is_empty(), "{}", text_of(&listed.stderr));
    let log = house.run(&["-c", "scimgate.toml", "log"]);
    assert_eq!(log.status.code(), Some(0), "{}", text_of(&log.stderr));
    assert!(
        !house.path().join("state").exists(),
        "nothing is kept beside the database"
    );
}
