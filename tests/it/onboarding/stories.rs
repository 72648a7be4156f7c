//! How the customers of five vendors come to their Tenant URL and secret, as `deploy/onboarding.md`
//! tells it. Each story ends with a green Test Connection.

use std::time::Duration;

use serde_json::{Value, json};

use super::page::{block, commands};
use super::{Scene, field, within};
use crate::harness::{Request, Response};
use crate::oauth::federation::{header, now, request};
use crate::oauth::issuer::{Issuer, Key};
use crate::serve_command::Served;

/// What a page shows: nothing of it is said twice.
#[track_caller]
fn told(answer: &Response) -> Value {
    assert_eq!(answer.status, 200, "{answer}");
    assert_eq!(answer.header("cache-control"), "no-store");
    let body = answer.json();
    assert!(body["steps"].as_array().unwrap().len() > 3, "{body}");
    body
}

/// A page that first asks for the identity provider's tenant id.
#[test]
fn sosafe_asks_for_the_identity_providers_tenant_id_first() {
    let scene = Scene::of("sosafe");
    let console = scene.console(&scene.plain_template());
    let mut customer = scene.customer("client-4711");
    let idp_tenant = customer["settings"]
        .as_object_mut()
        .unwrap()
        .remove("idp_tenant");
    let early = scene.onboard(&console, &customer);
    assert_eq!(early.status, 400, "{early}");
    assert!(
        early.json()["error"]["message"]
            .as_str()
            .unwrap()
            .contains("idp_tenant"),
        "{early}"
    );
    customer["settings"]["idp_tenant"] = idp_tenant.unwrap();
    let answer = told(&scene.onboard(&console, &customer));
    assert_eq!(answer["created"], true);
    let url = field(&answer, "Tenant URL");
    assert_eq!(
        scene.connects_at(&url, &field(&answer, "Secret Token")),
        200
    );
    let tenant = answer["tenant"].as_str().unwrap();
    assert!(
        tenant.starts_with("sosafe-") && !tenant.contains("4711"),
        "{tenant}"
    );
}

/// The gear of a site: all sites have one Tenant URL, and the token alone tells them apart. The
/// credential is the vendor's own, and no console sees it.
#[test]
fn webroot_gives_each_site_a_token_for_one_address() {
    let scene = Scene::of("webroot");
    let mut template = scene.plain_template();
    template += "[settings]\n";
    template += &format!(
        "gsm_key = {}\n[credential]\n",
        scene.parts.settings["gsm_key"]
    );
    for (part, secret) in &scene.parts.credential {
        scene
            .house
            .write(&format!("secrets/msp/{part}"), secret.as_str().unwrap());
        template += &format!("{part} = {{ file = \"msp/{part}\" }}\n");
    }
    let console = scene.console(&template);
    let site = |id: &str| {
        let mut body: Value = serde_json::from_str(&block("\"site-1\"")).unwrap();
        body["customer"] = id.into();
        body["settings"]["site_id"] = scene.parts.settings["site_id"].clone();
        body
    };
    let answer = told(&scene.onboard(&console, &site("site-1")));
    assert_eq!(field(&answer, "Tenant URL"), "/scim/v2");
    let token = field(&answer, "Secret Token");
    assert_eq!(scene.connects_at("/scim/v2", &token), 200);
    let other = told(&scene.onboard(&console, &site("site-2")));
    assert_ne!(other["tenant"], answer["tenant"]);
    assert_eq!(
        scene.connects_at("/scim/v2", &field(&other, "Secret Token")),
        200
    );
    // Its token endpoint is below the one address too, as `token mint --oauth` prints it.
    let mut by_client = site("site-1");
    by_client["sign_in"] = "client_secret".into();
    let by_client = told(&scene.onboard(&console, &by_client));
    assert_eq!(field(&by_client, "Token Endpoint"), "/scim/v2/oauth2/token");
    // One site's token is none at another's own address.
    assert_eq!(
        scene.connects(other["tenant"].as_str().unwrap(), &token),
        401
    );
}

/// An e-mail to the vendor's support, who have commands and no console.
#[test]
fn wedos_support_answers_an_email() {
    let scene = Scene::of("wedo");
    let secret = scene.parts.credential["token"].as_str().unwrap();
    scene.house.write("from-the-customer", secret);
    let network = scene.parts.settings["network"].as_str().unwrap();
    let page = block("--adapter wedo").replace("https://wedo.example", &scene.parts.base_url);
    let page = page.replace("network=acme", &format!("network={network}"));
    let mail = commands(&scene, &page);
    let line = |name: &str| {
        let line = mail.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap().trim().to_owned()
    };
    let token = line("Secret Token:");
    assert!(line("Tenant URL:").ends_with("/t/acme/scim/v2"));
    let second = Duration::from_secs(1);
    within(second, "the tenant is served", || {
        scene.connects("acme", &token) == 200
    });
}

/// A button in the portal, for OAuth as the gallery wants it; pressed again, it rotates.
#[test]
fn wss_shows_a_client_and_its_secret_at_the_press_of_a_button() {
    let scene = Scene::of("wss");
    let console = scene.console(&scene.plain_template());
    let mut customer = scene.customer("70021");
    customer["sign_in"] = "client_secret".into();
    let answer = told(&scene.onboard(&console, &customer));
    let access = |answer: &Value| {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "client_credentials");
        form.append_pair("client_id", &field(answer, "Client ID"));
        form.append_pair("client_secret", &field(answer, "Client Secret"));
        let request = Request::new("POST", &field(answer, "Token Endpoint"))
            .body(form.finish())
            .header("Content-Type", "application/x-www-form-urlencoded");
        let given = Served::send(&scene.served.origin, &request);
        given.json()["access_token"].as_str().map(str::to_owned)
    };
    let url = field(&answer, "Tenant URL");
    let first = access(&answer).unwrap();
    assert_eq!(scene.connects_at(&url, &first), 200);
    let again = told(&scene.onboard(&console, &customer));
    assert_eq!(
        (&again["tenant"], &again["created"]),
        (&answer["tenant"], &json!(false))
    );
    assert_eq!(scene.connects_at(&url, &access(&again).unwrap()), 200);
    assert_eq!(
        scene.connects_at(&url, &first),
        200,
        "both work until one is ended"
    );
    let key = answer["key"].as_str().unwrap();
    let path = format!("/onboarding/v1/customers/70021/tokens/{key}");
    assert_eq!(
        scene.ask(&console, "DELETE", &path, &Value::Null).status,
        204
    );
    assert!(access(&answer).is_none());
    let five = Duration::from_secs(5);
    within(five, "its access token ends", || {
        scene.connects_at(&url, &first) == 401
    });
    let told = scene.ask(
        &console,
        "GET",
        "/onboarding/v1/customers/70021",
        &Value::Null,
    );
    let tokens = told.json()["tokens"].as_array().unwrap().clone();
    assert_eq!(tokens.len(), 2, "{told}");
    assert!(
        tokens.iter().all(|token| token["used"].is_string()),
        "{told}"
    );
}

/// The app of the identity engine: it asks for a directory, and gives nothing that is secret where
/// Entra signs in by assertions.
#[test]
fn palo_altos_app_asks_for_the_directory() {
    let scene = Scene::of("paloalto");
    let console = scene.console(&scene.plain_template());
    let mut customer = scene.customer("dir-1");
    let answer = told(&scene.onboard(&console, &customer));
    let url = field(&answer, "Tenant URL");
    assert_eq!(
        scene.connects_at(&url, &field(&answer, "Secret Token")),
        200
    );
    customer["sign_in"] = "federation".into();
    let nobody = scene.onboard(&console, &customer);
    assert_eq!(nobody.status, 400, "{nobody}");
    customer["federation"] = json!({
        "entra_tenant": "11111111-2222-3333-4444-555555555555",
        "subject": "66666666-7777-8888-9999-000000000000",
        "audiences": ["api://aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"],
    });
    let federated = told(&scene.onboard(&console, &customer));
    assert_eq!(federated["tenant"], answer["tenant"]);
    assert_eq!(federated["key"], Value::Null);
    let secrets = federated["fields"].as_array().unwrap().iter();
    assert!(
        secrets.clone().all(|field| field["secret"] == false),
        "{federated}"
    );
    assert_eq!(
        field(&federated, "Client ID"),
        answer["tenant"].as_str().unwrap()
    );
    let access = signed_in(&scene, &federated, &customer["federation"]);
    assert_eq!(scene.connects_at(&url, &access), 200);
    // What the operator named stays, and no console may name it.
    let again = told(&scene.onboard(&console, &customer));
    assert_eq!(again["created"], false);
    assert_eq!(scene.connects_at(&url, &access), 200);
    customer["federation"]["keys_url"] = "https://login.microsoftonline.us/keys".into();
    let refused = scene.onboard(&console, &customer);
    assert_eq!(refused.status, 400, "{refused}");
}

/// An access token for an assertion, as Entra obtains it. An issuer of our own takes the place of
/// Entra: the operator names it, as no console may.
fn signed_in(scene: &Scene, federated: &Value, federation: &Value) -> String {
    // It publishes its keys as long as the runtime is there.
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let key = Key::number(0);
    let issuer = runtime.block_on(Issuer::start(&[&key]));
    let path = format!("/tenants/{}", federated["tenant"].as_str().unwrap());
    let own = json!({"federation": {"keys_url": issuer.keys_url}});
    let changed = scene.admin("PATCH", &path, own);
    assert_eq!(changed.status, 200, "{changed}");
    let (entra, subject) = (&federation["entra_tenant"], &federation["subject"]);
    let assertion = key.sign(
        &header(&key),
        &json!({
            "iss": format!("https://login.microsoftonline.com/{}/v2.0", entra.as_str().unwrap()),
            "tid": entra,
            "sub": subject,
            "aud": federation["audiences"][0],
            "iat": now(),
            "exp": now() + 3600,
        }),
    );
    let client = field(federated, "Client ID");
    let ask = request(&field(federated, "Token Endpoint"), &client, &assertion);
    let given = Served::send(&scene.served.origin, &ask);
    assert_eq!(given.status, 200, "{given}");
    assert_eq!(issuer.fetches(), 1);
    given.json()["access_token"].as_str().unwrap().to_owned()
}
