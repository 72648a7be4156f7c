//! Tenants in the store, and vendors' consoles that make them. The binary is the real one.

mod described;
mod hostile;
mod many;
mod page;
mod parts;
mod replicas;
mod stories;
mod tenants;

use std::time::{Duration, Instant};

use scimgate::demo::emulator::kit::Emulator;
use scimgate::demo::vendors;
use serde_json::{Map, Value, json};

use crate::harness::{Request, Response};
use crate::house::{House, text_of};
use crate::serve_command::Served;

/// 32 bytes, as `openssl rand -hex 32` prints them.
const KEY: &str = "1b9a3f0e6c27d845aa01be93d47f5c68203e9b1df4765ac8e09b4421d37f6a5c\n";

const CONFIG: &str = "[server]\nlisten = \"127.0.0.1:0\"\n\
    [store]\ncredential_key_file = \"keys/credentials\"\n";

/// A gateway without any tenant, and a vendor that a console may bring customers to.
struct Scene {
    house: House,
    served: Served,
    /// Works as long as the scene does.
    _vendor: Emulator,
    adapter: &'static str,
    /// What one customer's tenant is made of.
    parts: Parts,
    editor: String,
}

/// Of a tenant's file.
#[derive(Clone)]
struct Parts {
    base_url: String,
    settings: Map<String, Value>,
    /// The secrets themselves.
    credential: Map<String, Value>,
}

impl Parts {
    fn of(text: &str) -> Self {
        let file: toml::Table = text.parse().unwrap();
        let file = serde_json::to_value(file).unwrap();
        let secrets = file["credential"].as_object().unwrap();
        let secrets = secrets.iter();
        Self {
            base_url: file["base_url"].as_str().unwrap().to_owned(),
            settings: file["settings"].as_object().unwrap().clone(),
            credential: secrets
                .map(|(part, source)| (part.clone(), source["value"].clone()))
                .collect(),
        }
    }
}

impl Scene {
    fn of(adapter: &'static str) -> Self {
        let house = House::of_vendor(adapter);
        house.write("keys/credentials", KEY);
        Self::begun(house, adapter, CONFIG)
    }

    fn begun(house: House, adapter: &'static str, config: &str) -> Self {
        let showcase = vendors::named(adapter).unwrap();
        let vendor = (showcase.start)(Duration::ZERO).unwrap();
        let parts = Parts::of(&(showcase.tenant_file)(&vendor));
        house.write("tenants/.keep", "");
        house.write("scimgate.toml", config);
        let served = Served::start(&house);
        let mut scene = Self {
            house,
            served,
            _vendor: vendor,
            adapter,
            parts,
            editor: String::new(),
        };
        let minted = scene.run(&["admin", "mint", "--role", "editor", "--name", "anna"]);
        scene.editor = minted.trim().trim_start_matches("Admin token: ").to_owned();
        scene
    }

    /// A command on the gateway's host, which succeeds.
    #[track_caller]
    fn run(&self, arguments: &[&str]) -> String {
        let (status, text) = self.try_run(arguments);
        assert_eq!(status, 0, "{arguments:?}: {text}");
        text
    }

    fn try_run(&self, arguments: &[&str]) -> (i32, String) {
        let arguments = [&["-c", "scimgate.toml"], arguments].concat();
        let output = self.house.run(&arguments);
        let text = text_of(&output.stdout) + text_of(&output.stderr).as_str();
        (output.status.code().unwrap(), text)
    }

    /// A token for the vendor's console, within a template.
    fn console(&self, template: &str) -> String {
        self.house.write("console.toml", template);
        let arguments = ["--onboarding", self.adapter, "--template", "console.toml"];
        let mint = [&["admin", "mint", "--name", "console"], &arguments[..]].concat();
        let minted = self.run(&mint);
        minted
            .trim()
            .trim_start_matches("Onboarding token: ")
            .to_owned()
    }

    /// A template that says only where the vendor's API is.
    fn plain_template(&self) -> String {
        format!("base_url = \"{}\"\n", self.parts.base_url)
    }

    /// A request at the port for administration.
    fn ask(&self, token: &str, method: &str, path: &str, body: &Value) -> Response {
        let request =
            Request::new(method, path).header("Authorization", &format!("Bearer {token}"));
        let request = match body {
            Value::Null => request,
            body => request
                .json(body)
                .header("Content-Type", "application/json"),
        };
        Served::send(&self.served.admin, &request)
    }

    fn admin(&self, method: &str, path: &str, body: Value) -> Response {
        self.ask(&self.editor, method, &format!("/admin/v1{path}"), &body)
    }

    /// A customer of the vendor presses the button in its console.
    fn onboard(&self, console: &str, body: &Value) -> Response {
        self.ask(console, "POST", "/onboarding/v1/customers", body)
    }

    /// What the console sends for a customer: all that the template leaves open.
    fn customer(&self, id: &str) -> Value {
        json!({
            "customer": id,
            "settings": self.parts.settings,
            "credential": self.parts.credential,
        })
    }

    /// What a tenant is, for the admin API.
    fn tenant(&self) -> Value {
        json!({
            "adapter": self.adapter,
            "base_url": self.parts.base_url,
            "settings": self.parts.settings,
            "credential": self.parts.credential,
        })
    }

    /// A new token of a tenant.
    fn token(&self, tenant: &str) -> String {
        let path = format!("/tenants/{tenant}/tokens");
        let minted = self.admin("POST", &path, Value::Null);
        assert_eq!(minted.status, 200, "{minted}");
        minted.json()["secret_token"].as_str().unwrap().to_owned()
    }

    /// Entra's Test Connection.
    fn connects(&self, tenant: &str, token: &str) -> u16 {
        self.connects_at(&format!("/t/{tenant}/scim/v2"), token)
    }

    fn connects_at(&self, path: &str, token: &str) -> u16 {
        let nobody = "3a4b1c9e-5f27-4a36-9c1d-0b8e7d6f5a41";
        let query = format!("{path}/Users?filter=userName+eq+%22{nobody}%22");
        let found = self.served.get(&query, token);
        if found.status == 200 {
            assert_eq!(found.json()["totalResults"], 0, "{found}");
        }
        found.status
    }
}

/// The line of an answer that Entra calls so; without the gateway's own address.
#[track_caller]
fn field(answer: &Value, label: &str) -> String {
    let fields = answer["fields"].as_array().unwrap().iter();
    let mut found = fields.filter(|field| field["label"] == label);
    let value = found.next().unwrap_or_else(|| panic!("no {label}"))["value"].as_str();
    let value = value.unwrap();
    let path = value.strip_prefix("http://127.0.0.1:0");
    path.unwrap_or(value).to_owned()
}

/// Waits for something that is to happen within `most`.
#[track_caller]
fn within(most: Duration, what: &str, mut happened: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !happened() {
        assert!(begun.elapsed() < most, "{what}");
        std::thread::park_timeout(Duration::from_millis(10));
    }
}
