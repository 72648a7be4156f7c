//! What the protocol costs: parsing and evaluating a filter, parsing and applying a PATCH, a
//! user brought into canonical form, and the whole way of a request but for its sockets.
//!
//! `cargo bench --bench protocol` prints the median of 31 runs of each. `protocol.sh` counts
//! instructions instead, which do not depend on how busy the machine is; it starts this program
//! as `protocol <case> <times>`. `cargo test` counts the allocations of each, and has a limit for them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

#[cfg(debug_assertions)]
use std::alloc::System;
use std::hint::black_box;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use hyper::{HeaderMap, Method};
use opentelemetry_sdk::metrics::SdkMeterProvider;
use scimgate::adapter::Adapter;
use scimgate::adapter::keys::TenantId;
use scimgate::adapter::settings::Settings;
use scimgate::catalog::{self, Sources};
use scimgate::config::TenantLabel;
use scimgate::provisioning::Operation;
use scimgate::provisioning::trace::{Asked, Audience, Ended, Story, Witness};
use scimgate::scim::cursor::CursorKey;
use scimgate::scim::{
    Filter, PatchRequest, Profile, Request, ResourceType, Service, json, resource,
};
use scimgate::script::call::{Backend, CallFault, LocalBoxFuture, VendorCall, VendorReply};
use scimgate::server::{RequestObserver, Seen};
use scimgate::store::Store;
use scimgate::telemetry::{Instruments, Telemetry};
use scimgate::vendor::{CallObserver as _, Try};
#[cfg(debug_assertions)]
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use tracing::Span;

/// As in the binary: what is measured is what is shipped.
#[cfg(not(debug_assertions))]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Where `cargo test` counts.
#[cfg(debug_assertions)]
#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const RUNS: usize = 31;
/// How long one run lasts.
const RUN: Duration = Duration::from_millis(4);

const FILTER: &str = r#"emails[type eq "work"].value eq "ada@example.com""#;
const CHECK: &str = r#"id eq "2819c223-7f76-453a-919d-413861904646" and urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager eq "4b0e""#;
const PATCH: &str = r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[
    {"op":"Replace","path":"displayName","value":"Ada Voss"},
    {"op":"Replace","path":"name.familyName","value":"Voss"},
    {"op":"Replace","path":"emails[type eq \"work\"].value","value":"ada.voss@example.com"},
    {"op":"Add","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department","value":"Ops"},
    {"op":"Replace","path":"active","value":"True"}]}"#;
/// Entra's POST body with its default mapping.
const USER: &str = r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],
    "externalId":"6f3c2b9e-0c1d-4b7e-9a53-2f5d1c7a8b01","userName":"ada@example.com","active":true,"displayName":"Ada Lane","title":"Engineer","preferredLanguage":"en-GB",
    "emails":[{"primary":true,"type":"work","value":"ada@example.com"}],
    "name":{"formatted":"Ada Lane","familyName":"Lane","givenName":"Ada"},
    "addresses":[{"type":"work","formatted":"Bldg 2","streetAddress":"1 Mill Rd","locality":"York","region":"North Yorkshire","postalCode":"YO1 1AA","country":"GB","primary":false}],
    "phoneNumbers":[{"type":"work","value":"01904 000001"},{"type":"mobile","value":"07000 000001"},{"type":"fax","value":"01904 000002"}],
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"employeeNumber":"E100","department":"R&D","manager":"4b0e"},
    "roles":[],"meta":{"resourceType":"User"}}"#;
/// What the vendor answers to everything.
const ROW: &str = r#"{"id":18231,"status":"ACTIVE","login":"ada@example.com","email":"ada@example.com","first_name":"Ada","last_name":"Lane","display_name":"Ada Lane","job_title":"Engineer","content_language":"de_CH","phone":"+41442681234","external_ref":"0b1c2d3e","department":"R&D","address":{"text":null,"street":"Hauptstr.","house_no":"5a","city":"Bern","state":null,"zip":"3000","country":"Schweiz"},"user_group":null,"created_at":"2026-11-20T09:00:00Z","updated_at":"2026-11-20T09:00:00Z"}"#;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let cases = cases();
    match &arguments[..] {
        [case, times] if case != "--bench" => {
            let (_, run) = &cases[case.parse::<usize>().unwrap()];
            (0..times.parse::<u32>().unwrap()).for_each(|_| run());
        }
        // `cargo bench` passes --bench, `cargo test` what a test is to be called, or nothing.
        [bench] if bench == "--bench" => table(&cases),
        [list] if list == "list" => cases.iter().for_each(|(name, _)| println!("{name}")),
        #[cfg(debug_assertions)]
        _ => limit(&cases),
        #[cfg(not(debug_assertions))]
        _ => println!("run it as `cargo bench --bench protocol`"),
    }
}

type Case = (&'static str, Box<dyn Fn()>);

/// Allocations of each case at most, in their order: a tenth more than they were when last looked
/// at. Unlike time, they are the same on every machine. Whoever saves some lowers the limit.
#[cfg(debug_assertions)]
const MOST: [usize; 14] = [
    19, 0, 17, 0, 96, 208, 107, 213, 283, 284, 286, 1220, 1720, 1870,
];

#[cfg(debug_assertions)]
/// Fails if a case allocates more often than it may.
fn limit(cases: &[Case]) {
    const TIMES: usize = 16;
    assert_eq!(cases.len(), MOST.len(), "a limit for each case");
    let mut too_many = 0;
    for ((name, run), most) in cases.iter().zip(MOST) {
        // What is made once: caches, threads' own values, templates of answers.
        (0..TIMES).for_each(|_| run());
        let region = Region::new(ALLOCATOR);
        (0..TIMES).for_each(|_| run());
        let made = region.change();
        let each = (made.allocations + made.reallocations) / TIMES;
        println!("{each:>5} allocations of at most {most:>5}: {name}");
        too_many += usize::from(each > most);
    }
    assert_eq!(too_many, 0, "cases with more allocations than their limit");
}

fn cases() -> Vec<Case> {
    let types: &ResourceType = Box::leak(Box::new(ResourceType::user()));
    let body = || json::read(USER.as_bytes()).unwrap();
    let ada: &_ = Box::leak(Box::new(canonical(types)));
    let filter: &_ = Box::leak(Box::new(parse(FILTER, types)));
    let check: &_ = Box::leak(Box::new(parse(CHECK, types)));
    let patch: &_ = Box::leak(Box::new(read_patch(types)));
    let stand: &Stand = Box::leak(Box::new(Stand::new()));
    vec![
        (
            "parse `emails[type eq \"work\"].value eq \"…\"`",
            Box::new(|| drop(black_box(parse(FILTER, types)))),
        ),
        (
            "evaluate it on a user",
            Box::new(|| assert!(black_box(filter.matches(ada, types)))),
        ),
        (
            "parse `id eq \"…\" and manager eq \"…\"`",
            Box::new(|| drop(black_box(parse(CHECK, types)))),
        ),
        (
            "evaluate it on a user",
            Box::new(|| assert!(!black_box(check.matches(ada, types)))),
        ),
        (
            "read and parse a PATCH of five operations",
            Box::new(|| drop(black_box(read_patch(types)))),
        ),
        (
            "apply it to a user",
            Box::new(|| {
                let mut after = ada.clone();
                patch.apply(&mut after, types, Profile::Entra).unwrap();
                black_box(after);
            }),
        ),
        (
            "read a POST body of 1.3 KB",
            Box::new(move || drop(black_box(body()))),
        ),
        (
            "read it and bring it into canonical form",
            Box::new(|| drop(black_box(canonical(types)))),
        ),
        (
            "GET of a user: a vendor call, its row to SCIM",
            Box::new(|| stand.ask("GET", None, false)),
        ),
        (
            "the same, and its story told",
            Box::new(|| stand.ask("GET", None, true)),
        ),
        (
            "the same, counted by every instrument on its way",
            Box::new(|| stand.counted("GET")),
        ),
        (
            "PATCH of a user: to the vendor's fields and back",
            Box::new(|| stand.ask("PATCH", Some(PATCH), false)),
        ),
        (
            "PUT of a user: to the vendor's fields and back",
            Box::new(|| stand.ask("PUT", Some(USER), false)),
        ),
        (
            "the same, and its story told",
            Box::new(|| stand.ask("PUT", Some(USER), true)),
        ),
    ]
}

fn parse(text: &str, types: &ResourceType) -> Filter {
    Filter::parse(black_box(text), types, Profile::Entra).unwrap()
}

fn read_patch(types: &ResourceType) -> PatchRequest {
    let body = json::read(black_box(PATCH.as_bytes())).unwrap();
    PatchRequest::parse(body, types, Profile::Entra).unwrap()
}

fn canonical(types: &ResourceType) -> scimgate::scim::Object {
    let body = json::read(black_box(USER.as_bytes())).unwrap();
    resource::canonicalise(body, types, Profile::Entra)
        .unwrap()
        .resource
}

fn table(cases: &[Case]) {
    println!("| what | median | fastest |\n|---|---:|---:|");
    for (name, run) in cases {
        let mut runs: Vec<f64> = (0..RUNS).map(|_| microseconds(run)).collect();
        runs.sort_by(f64::total_cmp);
        println!("| {name} | {:.2} µs | {:.2} µs |", runs[RUNS / 2], runs[0]);
    }
}

/// One run's average.
fn microseconds(run: &dyn Fn()) -> f64 {
    let begun = Instant::now();
    let mut times = 0_u32;
    while begun.elapsed() < RUN {
        (0..16).for_each(|_| run());
        times += 16;
    }
    begun.elapsed().as_secs_f64() * 1e6 / f64::from(times)
}

/// A tenant whose vendor answers at once.
struct Stand {
    runtime: tokio::runtime::Runtime,
    adapter: Arc<Adapter>,
    service: Arc<Service>,
    memory: Arc<Store>,
    instruments: Arc<Instruments>,
    _telemetry: Telemetry,
    audience: Rc<Audience>,
}

impl Stand {
    fn new() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let (catalog, report) = catalog::load(&Sources {
            has_built_in: false,
            adapters: root.join("adapters"),
            scripts: root.join("scripts"),
            tenants: None,
        });
        assert!(!report.has_errors(), "{}", report.render(false));
        let adapter = catalog
            .adapters
            .values()
            .find(|adapter| adapter.name == "sosafe")
            .unwrap();
        let service = adapter.service(Profile::Entra);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        let readers = SdkMeterProvider::builder();
        let telemetry = Telemetry::collecting(readers, TenantLabel::Full).unwrap();
        Self {
            runtime,
            adapter: Arc::clone(adapter),
            service,
            memory: Arc::new(Store::in_memory().unwrap()),
            instruments: telemetry.instruments(),
            _telemetry: telemetry,
            audience: Rc::new(Audience {
                witnesses: vec![Arc::new(Deaf)],
                ..Audience::default()
            }),
        }
    }

    /// One request on one user: read, carried out, answered.
    fn ask(&self, method: &'static str, body: Option<&str>, told: bool) {
        let body = body.map(|text| json::read(text.as_bytes()).unwrap());
        let tenant = TenantId::parse("bench").unwrap();
        let story = match told {
            true => Story::begin(asked(method, &tenant), Rc::clone(&self.audience)),
            false => Story::unheard_of(&tenant),
        };
        self.perform(method, body, story);
    }

    fn perform(&self, method: &str, body: Option<serde_json::Value>, story: Rc<Story>) {
        let request = Request::parse(method, "/Users/18231", None, body, &self.service).unwrap();
        let response = self
            .runtime
            .block_on(async { self.operation(story).perform(request).await });
        black_box(response.unwrap());
    }

    /// What metrics add to a request: the edge, one try on the wire, the story.
    fn counted(&self, method: &'static str) {
        let seen = Seen {
            method,
            route: "/scim/v2/Users/{id}",
            scheme: "http",
        };
        let instruments = &self.instruments;
        black_box(instruments.began(&seen, &Span::none(), &HeaderMap::new()));
        let audience = Audience {
            witnesses: vec![Arc::clone(instruments) as _],
            ..Audience::default()
        };
        let asked = Asked {
            request_id: "request".into(),
            part: 0,
            tenant: TenantId::parse("bench").unwrap(),
            vendor: "sosafe".into(),
            method,
            route: "/Users/{id}",
        };
        self.perform(method, None, Story::begin(asked, Rc::new(audience)));
        instruments.tried(&Try {
            host: "api.example.com",
            port: 443,
            method: &Method::GET,
            result: Ok(200),
            elapsed: Duration::from_millis(5),
        });
        RequestObserver::ended(&**instruments, &seen, Some(200), Duration::from_millis(6));
    }

    fn operation(&self, story: Rc<Story>) -> Operation {
        let tenant = TenantId::parse("bench").unwrap();
        Operation {
            process: scimgate::provisioning::Process::of_gateway(),
            tenant,
            adapter: Arc::clone(&self.adapter),
            service: Arc::clone(&self.service),
            settings: Arc::new(Settings::default()),
            group_priority: Arc::default(),
            backend: Rc::new(AtOnce),
            memory: Arc::clone(&self.memory) as _,
            batches: Arc::default(),
            recent: Arc::default(),
            locks: Arc::default(),
            ids: Arc::default(),
            known: Arc::default(),
            look_ups: scimgate::script::once::LookUps::default().of("bench"),
            intents: Arc::default(),
            cursors: CursorKey::new([0; 32]),
            base_url: "https://gateway.example/scim/v2".to_owned(),
            deadline: tokio::time::Instant::now() + Duration::from_secs(30),
            story,
        }
    }
}

fn asked(method: &'static str, tenant: &TenantId) -> Asked {
    Asked {
        request_id: "6c7e2a52-36f2-4d1d-9a41-1c1ad2f0a9b7".into(),
        part: 0,
        tenant: tenant.clone(),
        vendor: "sosafe".into(),
        method,
        route: "/Users/{id}",
    }
}

/// Hears a story and forgets it, as the provisioning log does with a read that went well.
struct Deaf;

impl Witness for Deaf {
    fn ended(&self, story: &Arc<Ended>) {
        black_box(story);
    }
}

struct AtOnce;

impl Backend for AtOnce {
    fn call<'a>(
        &'a self,
        call: VendorCall,
        _deadline: tokio::time::Instant,
    ) -> LocalBoxFuture<'a, Result<VendorReply, CallFault>> {
        black_box(call);
        let reply = VendorReply {
            status: 200,
            retry_after: None,
            headers: Default::default(),
            body: Bytes::from_static(ROW.as_bytes()),
            after_loss: false,
        };
        Box::pin(async move { Ok(reply) })
    }
}
