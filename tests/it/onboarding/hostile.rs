//! Whoever holds a console's token and wants more than tenants of its own adapter.

use std::thread;

use serde_json::{Value, json};

use super::{CONFIG, KEY, Scene, field};
use crate::harness::{Request, Response};
use crate::house::House;
use crate::serve_command::Served;

/// A gateway of two vendors: the consoles of both, and what one sends for a customer.
struct Two {
    scene: Scene,
    console: String,
    other: String,
}

fn two() -> Two {
    let house = House::of_vendor("sosafe");
    for file in ["adapters/webroot.toml", "scripts/webroot.rhai"] {
        house.copy(file, file);
    }
    house.write("keys/credentials", KEY);
    let scene = Scene::begun(house, "sosafe", CONFIG);
    let console = scene.console(&scene.plain_template());
    scene
        .house
        .write("other.toml", "base_url = \"https://webroot.example\"\n");
    let mint = [
        "admin",
        "mint",
        "--name",
        "other",
        "--onboarding",
        "webroot",
    ];
    let minted = scene.run(&[&mint[..], &["--template", "other.toml"]].concat());
    let other = minted
        .trim()
        .trim_start_matches("Onboarding token: ")
        .to_owned();
    Two {
        scene,
        console,
        other,
    }
}

#[test]
fn a_console_reaches_nothing_of_another_adapter_and_no_other_verb() {
    let Two {
        scene,
        console,
        other,
    } = two();
    let made = json!({"name": "files", "tenant": scene.tenant()});
    assert_eq!(scene.admin("POST", "/tenants", made).status, 200);
    let mine = scene.onboard(&console, &scene.customer("70021"));
    assert_eq!(mine.status, 200, "{mine}");
    let (tenant, key) = (mine.json()["tenant"].clone(), mine.json()["key"].clone());
    let (tenant, key) = (tenant.as_str().unwrap(), key.as_str().unwrap());
    let token = field(&mine.json(), "Secret Token");

    // Another adapter's console neither finds the customer nor ends its token.
    for (method, path) in [
        ("GET", "/onboarding/v1/customers/70021".to_owned()),
        (
            "DELETE",
            format!("/onboarding/v1/customers/70021/tokens/{key}"),
        ),
        ("GET", format!("/onboarding/v1/customers/{tenant}")),
        (
            "DELETE",
            format!("/onboarding/v1/customers/{tenant}/tokens/{key}"),
        ),
    ] {
        let refused = scene.ask(&other, method, &path, &Value::Null);
        assert_eq!(refused.status, 404, "{method} {path}: {refused}");
    }
    // Nor has its own console anything to say about tenants that it did not make.
    let path = "/onboarding/v1/customers/files";
    assert_eq!(scene.ask(&console, "GET", path, &Value::Null).status, 404);

    for (method, path, body) in [
        ("GET", "/admin/v1/tenants", Value::Null),
        ("GET", "/admin/v1/config", Value::Null),
        ("GET", "/admin/v1/audit", Value::Null),
        (
            "POST",
            "/admin/v1/tenants",
            json!({"name": "x", "tenant": scene.tenant()}),
        ),
        ("DELETE", "/admin/v1/tenants/files", Value::Null),
        ("POST", "/admin/v1/tenants/files/tokens", Value::Null),
        ("POST", "/admin/v1/reload", Value::Null),
    ] {
        let refused = scene.ask(&console, method, path, &body);
        assert!(
            matches!(refused.status, 401 | 429),
            "{method} {path}: {refused}"
        );
    }
    // It is no token of a tenant either, and a tenant's is no console's.
    assert_eq!(scene.connects(tenant, &console), 401);
    assert!(matches!(
        scene.onboard(&token, &scene.customer("1")).status,
        401 | 429
    ));
    assert_eq!(scene.connects(tenant, &token), 200);

    let listed = scene.run(&["admin", "list"]);
    assert!(listed.contains("onboarding sosafe"), "{listed}");
    scene.run(&["admin", "revoke", "--key", &console[4..12]]);
    let refused = scene.onboard(&console, &scene.customer("2"));
    assert!(matches!(refused.status, 401 | 429), "{refused}");
    assert_eq!(scene.connects(tenant, &token), 200, "its tenants stay");
}

/// What a request is other than it should be in.
type Edit<'e> = &'e dyn Fn(&mut Value);

#[test]
fn a_console_leaves_its_template_in_no_way() {
    let scene = Scene::of("sosafe");
    scene.house.write("pepper-of-the-gateway", "k");
    let template = scene.plain_template() + "settings = { archived = \"refuse\" }\n";
    let console = scene.console(&template);
    let with = |edit: &dyn Fn(&mut Value)| {
        let mut customer = scene.customer("70021");
        edit(&mut customer);
        scene.onboard(&console, &customer)
    };
    let base_url = scene.parts.base_url.clone();
    let rows: [(u16, Edit<'_>); 14] = [
        (403, &|body| body["settings"]["archived"] = "restore".into()),
        (403, &|body| body["settings"]["archived"] = Value::Null),
        (400, &|body| body["settings"]["no_such"] = "x".into()),
        (400, &|body| body["settings"]["idp_tenant"] = Value::Null),
        (400, &|body| {
            body["base_url"] = "http://169.254.169.254/".into()
        }),
        (400, &|body| body["base_url"] = "http://127.0.0.1:1/".into()),
        (400, &|body| {
            body["base_url"] = format!("{base_url}/../x").into()
        }),
        (400, &|body| {
            body["base_url"] = base_url.replace("http://", "http://a@").into()
        }),
        (400, &|body| {
            body["credential"]["key"] = json!({"file": "../pepper-of-the-gateway"})
        }),
        (400, &|body| {
            body["credential"]["key"] = json!({"env": "VENDOR_KEY"})
        }),
        (400, &|body| {
            body["credential"]["key"] = json!({"sealed": "v1.a.b"})
        }),
        (400, &|body| body["credential"]["other"] = "x".into()),
        (400, &|body| {
            body["credential"]["key"] = "x".repeat(20_000).into()
        }),
        (400, &|body| body["adapter"] = "webroot".into()),
    ];
    for (place, (status, edit)) in rows.into_iter().enumerate() {
        let refused = with(edit);
        assert_eq!(refused.status, status, "row {place}: {refused}");
    }
    let listed = scene.admin("GET", "/tenants", Value::Null).json();
    assert_eq!(listed, json!([]), "nothing was made");
    assert_eq!(with(&|_| {}).status, 200);
}

#[test]
fn the_admin_port_gives_no_tenant_a_file_or_a_variable_of_the_gateways() {
    let scene = Scene::of("sosafe");
    scene.house.write("secret", "k");
    for place in [
        json!({"file": "../state/scimgate.pepper"}),
        json!({"file": "/etc/passwd"}),
        json!({"file": "a/../../secret"}),
        json!({"env": "PATH"}),
        json!({"env": "SCIMGATE_CONFIG"}),
        json!({"file": "a", "env": "VENDOR_A"}),
        json!({"sealed": "v1.abcdefgh.AAAA"}),
    ] {
        let mut tenant = scene.tenant();
        tenant["credential"]["key"] = place.clone();
        let refused = scene.admin(
            "POST",
            "/tenants",
            json!({"name": "acme", "tenant": tenant}),
        );
        assert_eq!(refused.status, 400, "{place}: {refused}");
    }
    for body in [
        json!({"name": "Acme", "tenant": scene.tenant()}),
        json!({"name": "../acme", "tenant": scene.tenant()}),
        json!({"name": "acme"}),
        json!({"name": "acme", "tenant": []}),
        json!({"name": "acme", "tenant": {"adapter": "none", "base_url": "https://a.example"}}),
        json!({"name": "acme", "tenant": {"adapter": "sosafe", "base_url": null}}),
        json!({"name": "acme", "tenant": scene.tenant(), "customer": "7"}),
    ] {
        let refused = scene.admin("POST", "/tenants", body);
        assert_eq!(refused.status, 400, "{refused}");
    }
    assert_eq!(
        scene.admin("GET", "/tenants", Value::Null).json(),
        json!([])
    );
}

#[test]
fn presses_at_once_make_one_tenant_and_every_secret_shown_works() {
    let scene = Scene::of("sosafe");
    let console = scene.console(&scene.plain_template());
    let request = Request::new("POST", "/onboarding/v1/customers")
        .json(&scene.customer("70021"))
        .header("Content-Type", "application/json")
        .header("Authorization", &format!("Bearer {console}"));
    let admin = &scene.served.admin;
    let answers: Vec<Response> = thread::scope(|scope| {
        let presses = (0..3).map(|_| scope.spawn(|| Served::send(admin, &request)));
        let presses: Vec<_> = presses.collect();
        presses
            .into_iter()
            .map(|press| press.join().unwrap())
            .collect()
    });
    let shown: Vec<Value> = answers
        .iter()
        .map(|answer| {
            assert_eq!(answer.status, 200, "{answer}");
            answer.json()
        })
        .collect();
    assert!(
        shown
            .iter()
            .all(|answer| answer["tenant"] == shown[0]["tenant"]),
        "{shown:?}"
    );
    let made = shown.iter().filter(|answer| answer["created"] == true);
    assert_eq!(made.count(), 1, "{shown:?}");
    let tenant = shown[0]["tenant"].as_str().unwrap();
    for answer in &shown {
        assert_eq!(scene.connects(tenant, &field(answer, "Secret Token")), 200);
    }
    let tenants = scene.admin("GET", "/tenants", Value::Null).json();
    assert_eq!(tenants.as_array().unwrap().len(), 1);
}

/// What was never used makes room; what is in use never does.
#[test]
fn a_fourth_secret_ends_only_one_that_nobody_used() {
    let scene = Scene::of("sosafe");
    let console = scene.console(&scene.plain_template());
    let press = || scene.onboard(&console, &scene.customer("70021"));
    let first = press().json();
    let tenant = first["tenant"].as_str().unwrap();
    let used = field(&first, "Secret Token");
    assert_eq!(scene.connects(tenant, &used), 200);
    let (second, third) = (press().json(), press().json());
    let fourth = press().json();
    assert_eq!(fourth["ended"], json!([second["key"]]), "{fourth}");
    assert_eq!(scene.connects(tenant, &used), 200);
    assert_eq!(scene.connects(tenant, &field(&second, "Secret Token")), 401);
    for answer in [&third, &fourth] {
        assert_eq!(scene.connects(tenant, &field(answer, "Secret Token")), 200);
    }
    let refused = press();
    assert_eq!(refused.status, 409, "all three are in use: {refused}");
}

/// Whoever has stolen a console's token does not fill the store.
#[test]
fn a_console_that_asks_without_end_is_held_up() {
    let scene = Scene::of("sosafe");
    let console = scene.console(&scene.plain_template());
    // A slow machine gives room back while it asks.
    let mut asked = (0..2_000).map(|_| scene.onboard(&console, &json!({"customer": "7"})).status);
    let held_up = asked.position(|status| status != 400);
    assert!(held_up.is_some_and(|before| before >= 50), "{held_up:?}");
    let mut wanted = (0..10).map(|_| scene.onboard(&console, &scene.customer("7")).status);
    assert!(wanted.any(|status| status == 429));
}
