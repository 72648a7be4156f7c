//! Tenants in the store: made, changed, switched off and deleted while the gateway runs, beside
//! tenants in files.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{CONFIG, KEY, Scene, within};
use crate::house::House;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_tenant_in_the_store_lives_and_ends_while_the_gateway_runs() {
    let scene = Scene::of("sosafe");
    let made = scene.admin(
        "POST",
        "/tenants",
        json!({"name": "acme", "tenant": scene.tenant()}),
    );
    assert_eq!(made.status, 200, "{made}");
    let secret = scene.parts.credential["key"].as_str().unwrap();
    assert_eq!(made.json()["source"], "store");
    assert!(!made.to_string().contains(secret), "{made}");
    // It is live when the answer comes.
    let token = scene.token("acme");
    assert_eq!(scene.connects("acme", &token), 200);

    let wrong = json!({"credential": {"key": "wrong"}});
    assert_eq!(
        scene.admin("PATCH", "/tenants/acme", wrong.clone()).status,
        200
    );
    assert_eq!(scene.connects("acme", &token), 503);
    // The remedy fits a tenant that has no file.
    let status = scene.admin("GET", "/status", Value::Null).json();
    let told = status["concerns"][0].as_str().unwrap();
    assert!(told.contains("`scimgate tenant change acme`"), "{told}");
    // Nothing is the matter with a tenant that is disabled.
    let switch = |how: &str| {
        let path = format!("/tenants/acme/{how}");
        assert_eq!(scene.admin("POST", &path, Value::Null).status, 200);
    };
    switch("disable");
    let status = scene.admin("GET", "/status", Value::Null).json();
    assert_eq!(status["concerns"], json!([]), "{status}");
    let status = scene.run(&["status", "--admin", &scene.served.admin]);
    assert!(
        status.contains("disabled") && !status.contains("rejected"),
        "{status}"
    );
    switch("enable");
    let patch = json!({"credential": {"key": secret}, "limits": {"per_second": 5}});
    let changed = scene.admin("PATCH", "/tenants/acme", patch);
    assert_eq!(
        changed.json()["tenant"]["limits"]["per_second"],
        5,
        "{changed}"
    );
    assert_eq!(scene.connects("acme", &token), 200);

    assert_eq!(
        scene
            .admin("POST", "/tenants/acme/disable", Value::Null)
            .status,
        200
    );
    assert_eq!(
        scene.connects("acme", &token),
        503,
        "switched off, and not 401"
    );
    assert!(scene.run(&["tenant", "list"]).contains("switched off"));
    let (status, tested) = scene.try_run(&["tenant", "test", "acme"]);
    assert!(
        status == 78
            && tested.contains("the tenant acme is disabled: `scimgate tenant enable acme`"),
        "{tested}"
    );
    assert_eq!(
        scene
            .admin("POST", "/tenants/acme/enable", Value::Null)
            .status,
        200
    );
    assert_eq!(scene.connects("acme", &token), 200);

    assert_eq!(
        scene.admin("DELETE", "/tenants/acme", Value::Null).status,
        204
    );
    assert_eq!(scene.connects("acme", &token), 401);
    let again = scene.admin(
        "POST",
        "/tenants",
        json!({"name": "acme", "tenant": scene.tenant()}),
    );
    assert_eq!(
        again.status, 409,
        "its name is given to nobody else: {again}"
    );
    assert_eq!(
        scene
            .admin("GET", "/tenants/acme/definition", Value::Null)
            .status,
        404
    );
    let audit = scene.admin("GET", "/audit", Value::Null).json();
    let deeds = audit.as_array().unwrap().iter();
    let deeds = deeds.filter(|deed| deed["actor"] == "anna" && deed["tenant"] == "acme");
    let deeds: Vec<_> = deeds.map(|deed| deed["what"].as_str().unwrap()).collect();
    assert_eq!(
        deeds,
        [
            "tenant.add",
            "tenant.delete",
            "tenant.enable",
            "tenant.disable",
            "tenant.change",
            "tenant.enable",
            "tenant.disable",
            "tenant.change",
            "token.mint",
            "tenant.add"
        ]
    );
    assert!(!audit.to_string().contains(secret), "{audit}");
}

#[test]
fn what_a_command_does_is_live_within_a_second() {
    let scene = Scene::of("sosafe");
    scene
        .house
        .write("key", scene.parts.credential["key"].as_str().unwrap());
    let idp = format!(
        "idp_tenant={}",
        scene.parts.settings["idp_tenant"].as_str().unwrap()
    );
    let base_url = &scene.parts.base_url;
    let add = [
        "tenant",
        "add",
        "acme",
        "--store",
        "--adapter",
        "sosafe",
        "--base-url",
        base_url,
    ];
    scene.run(&[&add[..], &["--set", &idp, "--credential", "key=read:key"]].concat());
    let (status, told) =
        scene.try_run(&[&add[..], &["--set", &idp, "--credential", "key=read:key"]].concat());
    assert_eq!(status, 78, "{told}");
    assert!(told.contains("taken"), "{told}");
    let minted = scene.run(&["token", "mint", "--tenant", "acme"]);
    let line = minted
        .lines()
        .find_map(|line| line.strip_prefix("Secret Token:"));
    let token = line.unwrap().trim().to_owned();
    within(SECOND, "it is served", || {
        scene.connects("acme", &token) == 200
    });
    let shown = scene.run(&["tenant", "show", "acme"]);
    assert!(
        shown.contains("in the store") && shown.contains("sealed"),
        "{shown}"
    );
    assert!(
        !shown.contains(scene.parts.credential["key"].as_str().unwrap()),
        "{shown}"
    );
    let tested = scene.run(&["tenant", "test", "acme"]);
    assert!(tested.contains("acme"), "{tested}");

    scene.run(&["tenant", "change", "acme", "--set", "archived=refuse"]);
    assert!(
        scene
            .run(&["tenant", "show", "acme"])
            .contains("archived = \"refuse\"")
    );
    let (status, told) = scene.try_run(&["tenant", "change", "acme", "--set", "archived=maybe"]);
    assert_eq!(status, 78, "{told}");
    assert!(told.contains("restore or refuse"), "{told}");
    scene.run(&["tenant", "disable", "acme"]);
    within(SECOND, "it is off", || {
        scene.connects("acme", &token) == 503
    });
    scene.run(&["tenant", "enable", "acme"]);
    within(SECOND, "it is on", || scene.connects("acme", &token) == 200);
    scene.run(&["tenant", "delete", "acme"]);
    within(SECOND, "it is gone", || {
        scene.connects("acme", &token) == 401
    });
    let (status, told) = scene.try_run(&["tenant", "disable", "acme"]);
    assert_eq!(status, 78, "{told}");
    assert!(told.contains("the store has no tenant acme"), "{told}");
}

#[test]
fn where_both_have_a_tenant_the_file_counts_and_that_is_told() {
    let scene = Scene::of("sosafe");
    let made = json!({"name": "acme", "tenant": scene.tenant()});
    assert_eq!(scene.admin("POST", "/tenants", made.clone()).status, 200);
    let token = scene.token("acme");
    assert_eq!(scene.connects("acme", &token), 200);
    // The file leads elsewhere, so that it shows which of the two is served.
    scene.house.tenant("acme", &scene.parts.base_url, "wrong");
    let reload = || scene.admin("POST", "/reload", Value::Null);
    let told = reload();
    assert_eq!(scene.connects("acme", &token), 503);
    let problems = told.json()["standing"]["problems"].to_string();
    assert!(problems.contains("tenant::in-both"), "{told}");
    assert!(problems.contains("is not used"), "{told}");
    let status = scene.admin("GET", "/status", Value::Null).json();
    assert_eq!(
        status["standing"]["tenants"]["acme"]["source"], "file",
        "{status}"
    );
    for (method, path, body) in [
        (
            "PATCH",
            "/tenants/acme",
            json!({"limits": {"per_second": 1}}),
        ),
        ("POST", "/tenants/acme/disable", Value::Null),
        ("POST", "/tenants", made),
    ] {
        let refused = scene.admin(method, path, body);
        assert_eq!(refused.status, 409, "{refused}");
        assert!(refused.to_string().contains("has a file"), "{refused}");
    }
    // Without the file the store's counts again, and nobody is told 401 in between.
    scene.house.remove("tenants/acme.toml");
    reload();
    assert_eq!(scene.connects("acme", &token), 200);
    let status = scene.admin("GET", "/status", Value::Null).json();
    assert_eq!(
        status["standing"]["tenants"]["acme"]["source"], "store",
        "{status}"
    );
}

/// Rotation of the key: two keys at first, then everything anew, then one.
#[test]
fn the_key_of_secrets_is_replaced_without_losing_one() {
    let mut scene = Scene::of("sosafe");
    let made = json!({"name": "acme", "tenant": scene.tenant()});
    assert_eq!(scene.admin("POST", "/tenants", made).status, 200);
    let token = scene.token("acme");
    let sealed = |house: &House| std::fs::read(house.path().join("state/scimgate.db")).unwrap();
    scene.served.terminate();
    let secret = scene.parts.credential["key"].as_str().unwrap().to_owned();
    let bytes = sealed(&scene.house);
    let is_there = bytes
        .windows(secret.len())
        .any(|part| part == secret.as_bytes());
    assert!(!is_there, "the database has the secret");

    scene.house.write("keys/new", &KEY.replace('1', "2"));
    let both = CONFIG.replace("keys/credentials", "keys/new")
        + "credential_key_file_before = \"keys/credentials\"\n";
    let begin = |house: House, config: &str| Scene::begun(house, "sosafe", config);
    let key_only = CONFIG.replace("keys/credentials", "keys/new");

    // The new key alone opens nothing, says so, and nobody hears 401.
    let house = std::mem::replace(&mut scene.house, House::empty());
    let mut alone = begin(house, &key_only);
    assert_eq!(alone.connects("acme", &token), 503);
    let (_, told) = alone.try_run(&["tenant", "list"]);
    assert!(told.contains("was sealed with the key"), "{told}");
    alone.served.terminate();

    let house = std::mem::replace(&mut alone.house, House::empty());
    let mut two = begin(house, &both);
    let own = json!({"base_url": scene.parts.base_url});
    assert_eq!(two.admin("PATCH", "/tenants/acme", own).status, 200);
    assert_eq!(two.connects("acme", &token), 200);
    assert!(
        two.run(&["tenant", "reseal"])
            .contains("the secrets of tenant acme are encrypted with the new key")
    );
    assert!(!two.run(&["tenant", "reseal"]).contains("acme"));
    assert_eq!(two.connects("acme", &token), 200);
    two.served.terminate();

    let house = std::mem::replace(&mut two.house, House::empty());
    let one = begin(house, &key_only);
    assert_eq!(one.connects("acme", &token), 200);
}

#[test]
fn a_file_that_a_tenant_in_the_store_names_is_followed() {
    let scene = Scene::of("sosafe");
    let secret = scene.parts.credential["key"].as_str().unwrap();
    scene.house.write("secrets/acme", "wrong");
    let mut tenant = scene.tenant();
    tenant["credential"]["key"] = json!({"file": "acme"});
    let made = scene.admin(
        "POST",
        "/tenants",
        json!({"name": "acme", "tenant": tenant}),
    );
    assert_eq!(made.status, 200, "{made}");
    let token = scene.token("acme");
    assert_eq!(scene.connects("acme", &token), 503);
    scene.house.write("secrets/acme", secret);
    let patience = Duration::from_secs(20);
    within(patience, "the new secret is read", || {
        scene.connects("acme", &token) == 200
    });
}

/// A change of one tenant does not make another begin again.
#[test]
fn a_change_of_one_tenant_is_quick_and_leaves_the_others() {
    let scene = Scene::of("sosafe");
    for name in ["acme", "globex"] {
        let made = json!({"name": name, "tenant": scene.tenant()});
        assert_eq!(scene.admin("POST", "/tenants", made).status, 200);
    }
    let since = || {
        let status = scene.admin("GET", "/status", Value::Null).json();
        status["standing"]["tenants"]["globex"].clone()
    };
    let (before, begun) = (since(), Instant::now());
    for burst in 1..=5 {
        let patch = json!({"limits": {"burst": burst}});
        assert_eq!(scene.admin("PATCH", "/tenants/acme", patch).status, 200);
    }
    assert!(begun.elapsed() < 5 * SECOND, "{:?}", begun.elapsed());
    assert_eq!(since(), before);
}
