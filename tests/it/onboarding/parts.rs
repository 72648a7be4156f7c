//! What a tenant in the store has beyond adapter, settings and credential: profile, limits, and
//! whom Entra's signatures are good for.

use std::time::Duration;

use scimgate::demo::emulator::sosafe::Client;
use serde_json::{Value, json};

use super::{Scene, within};
use crate::house::House;
use crate::oauth::entra_tokens::claims;
use crate::oauth::federation::{ENTRA, header};
use crate::oauth::issuer::{Issuer, Key};

/// Longer than a command's change takes to be live.
const SOON: Duration = Duration::from_secs(5);

const FILE: &str = r#"
profile = "okta"
limits = { per_second = 7 }

[federation]
entra_tenant = "11111111-2222-3333-4444-555555555555"
subject = "66666666-7777-8888-9999-000000000000"
audiences = ["api://acme"]

[entra_tokens]
entra_tenant = "11111111-2222-3333-4444-555555555555"
"#;

/// `tenant add acme --store` with what SoSafe needs and these options.
fn add(scene: &Scene, options: &[&str]) {
    let idp_tenant = scene.parts.settings["idp_tenant"].as_str().unwrap();
    let setting = format!("idp_tenant={idp_tenant}");
    let add = ["tenant", "add", "acme", "--store", "--adapter", "sosafe"];
    let usual = ["--base-url", &scene.parts.base_url, "--set", &setting];
    scene.run(&[&add[..], &usual, options].concat());
    // Served, and not only stored.
    within(SOON, "it is there", || {
        scene.admin("GET", "/tenants/acme", Value::Null).status == 200
    });
}

fn definition(scene: &Scene) -> Value {
    let told = scene.admin("GET", "/tenants/acme/definition", Value::Null);
    assert_eq!(told.status, 200, "{told}");
    told.json()["tenant"].clone()
}

#[test]
fn a_file_gives_a_tenant_what_has_no_option() {
    let scene = Scene::of("sosafe");
    let key = scene.parts.credential["key"].as_str().unwrap();
    scene.house.write("key", key);
    scene.house.write("more.toml", FILE);
    add(
        &scene,
        &["--credential", "key=read:key", "--from", "more.toml"],
    );
    let told = definition(&scene);
    assert_eq!(told["profile"], "okta", "{told}");
    assert_eq!(told["limits"], json!({"per_second": 7}), "{told}");
    assert_eq!(told["federation"]["audiences"], json!(["api://acme"]));
    let entra = "11111111-2222-3333-4444-555555555555";
    assert_eq!(told["entra_tokens"], json!({"entra_tenant": entra}));
    let token = scene.token("acme");
    within(SOON, "it is served", || {
        scene.connects("acme", &token) == 200
    });
    // It is Okta's profile that answers: a backslash in a filter is an escape.
    let filter = "/t/acme/scim/v2/Users?filter=userName+eq+%22a%5Cqb%22";
    let found = scene.served.get(filter, &token);
    assert_eq!(found.status, 400, "{found}");

    scene
        .house
        .write("less.toml", "profile = \"entra\"\nlimits = { burst = 9 }\n");
    scene.run(&["tenant", "change", "acme", "--from", "less.toml"]);
    within(SOON, "it is changed", || definition(&scene) != told);
    let told = definition(&scene);
    assert_eq!(told["profile"], "entra", "{told}");
    assert_eq!(
        told["limits"],
        json!({"per_second": 7, "burst": 9}),
        "{told}"
    );
    within(SOON, "it is Entra's profile", || {
        scene.served.get(filter, &token).status == 200
    });
    // A key that no tenant has is refused, and the tenant stays as it is.
    scene.house.write("wrong.toml", "profil = \"strict\"\n");
    let (status, refused) = scene.try_run(&["tenant", "change", "acme", "--from", "wrong.toml"]);
    assert_eq!(status, 78, "{refused}");
    assert!(refused.contains("profil"), "{refused}");
    assert_eq!(definition(&scene), told);
}

/// Switched on and off by the API.
#[test]
fn entras_own_tokens_are_taken_as_long_as_the_tenant_says_so() {
    let scene = Scene::of("sosafe");
    let made = json!({"name": "acme", "tenant": scene.tenant()});
    assert_eq!(scene.admin("POST", "/tenants", made).status, 200);
    // It publishes its keys as long as the runtime is there.
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let key = Key::number(0);
    let issuer = runtime.block_on(Issuer::start(&[&key]));
    let token = key.sign(&header(&key), &claims(0));
    assert_eq!(scene.connects("acme", &token), 401);
    let on = json!({"entra_tenant": ENTRA[0], "keys_url": issuer.keys_url});
    for (section, status) in [(on, 200), (Value::Null, 401)] {
        let patch = json!({"entra_tokens": section});
        let changed = scene.admin("PATCH", "/tenants/acme", patch);
        assert_eq!(changed.status, 200, "{changed}");
        assert_eq!(scene.connects("acme", &token), status, "{changed}");
    }
}

#[test]
fn a_secret_is_taken_from_the_gateways_environment() {
    let house = House::of_vendor("sosafe");
    house.write("keys/credentials", super::KEY);
    house.variable("VENDOR_SOSAFE_KEY", &Client::default().api_key);
    let scene = Scene::begun(house, "sosafe", super::CONFIG);
    add(&scene, &["--credential", "key=env:VENDOR_SOSAFE_KEY"]);
    let told = definition(&scene);
    assert_eq!(
        told["credential"]["key"],
        json!({"env": "VENDOR_SOSAFE_KEY"})
    );
    let token = scene.token("acme");
    within(SOON, "it is served", || {
        scene.connects("acme", &token) == 200
    });
}
