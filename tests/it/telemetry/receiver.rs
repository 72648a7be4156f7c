//! The binary and a receiver of OTLP over HTTP: what arrives, and what is told when
//! nothing can.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{HeaderMap, Request as HttpRequest, Response};
use hyper_util::rt::TokioIo;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message as _;
use scimgate::demo::emulator::sosafe;

use crate::harness::person;
use crate::house::{House, text_of};
use crate::serve_command::Served;

/// A receiver on its own thread.
struct Receiver {
    address: SocketAddr,
    taken: Arc<Mutex<Vec<Taken>>>,
}

#[derive(Clone)]
struct Taken {
    path: String,
    headers: HeaderMap,
    body: Bytes,
}

impl Receiver {
    fn start(status: u16) -> Self {
        let taken = Arc::<Mutex<Vec<Taken>>>::default();
        let notes = taken.clone();
        let (told, address) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
                told.send(listener.local_addr().unwrap()).unwrap();
                loop {
                    let (stream, _) = listener.accept().await.unwrap();
                    let notes = notes.clone();
                    let service = service_fn(move |request| take(notes.clone(), status, request));
                    tokio::spawn(
                        http1::Builder::new().serve_connection(TokioIo::new(stream), service),
                    );
                }
            });
        });
        Self {
            address: address.recv().unwrap(),
            taken,
        }
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn taken(&self, path: &str) -> Vec<Taken> {
        let mut taken = self.taken.lock().unwrap().clone();
        taken.retain(|it| it.path == path);
        taken
    }
}

async fn take(
    notes: Arc<Mutex<Vec<Taken>>>,
    status: u16,
    request: HttpRequest<Incoming>,
) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let (head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    notes.lock().unwrap().push(Taken {
        path: head.uri.path().to_owned(),
        headers: head.headers,
        body,
    });
    let answer = Response::builder().status(status).body(Full::default());
    Ok(answer.unwrap())
}

/// A gateway with one tenant, its telemetry going to `receiver`, and the tenant's token.
fn serve(house: &House, receiver: &str) -> (Served, String) {
    house.write("scimgate.toml", "[server]\nlisten = \"127.0.0.1:0\"\n");
    let minted = house.run(&["-c", "scimgate.toml", "token", "mint", "--tenant", "acme"]);
    let minted = text_of(&minted.stdout);
    let token = minted.split_whitespace().last().unwrap().to_owned();
    let mut command = house.command(&["-c", "scimgate.toml", "serve"]);
    command
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", receiver)
        .env("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=our-receiver-key")
        .env(
            "OTEL_RESOURCE_ATTRIBUTES",
            "deployment.environment.name=test",
        );
    (Served::of(command), token)
}

#[test]
fn traces_and_metrics_arrive_at_the_latest_with_the_end() {
    let vendor = sosafe::start(sosafe::Options::default()).unwrap();
    let house = House::of_sosafe();
    house.tenant(
        "acme",
        vendor.base_url(),
        &sosafe::Client::default().api_key,
    );
    let receiver = Receiver::start(200);
    let (mut served, token) = serve(&house, &receiver.url());
    let name = person()["userName"].as_str().unwrap().to_owned();
    let filter = format!("/scim/v2/Users?filter=userName+eq+%22{name}%22");
    assert_eq!(served.get(&filter, &token).status, 200);
    let log = served.terminate();
    assert!(log.contains("\"trace_id\""), "{log}");
    assert!(!log.contains("telemetry is not taken"), "{log}");

    let traces = receiver.taken("/v1/traces");
    let spans = spans(&traces);
    let names: Vec<&str> = spans.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["GET", "script find_user", "GET /scim/v2/Users"]);
    assert!(spans.iter().all(|(_, service)| service == "scimgate"));

    let metrics = receiver.taken("/v1/metrics");
    let last = ExportMetricsServiceRequest::decode(metrics.last().unwrap().body.clone()).unwrap();
    let text = format!("{last:?}");
    for metric in [
        "http.server.request.duration",
        "http.client.request.duration",
        "scimgate.provisioning.events",
        "scimgate.reload.info",
        "deployment.environment.name",
    ] {
        assert!(text.contains(metric), "no {metric} in {text}");
    }
    for taken in traces.iter().chain(&metrics) {
        assert_eq!(taken.headers["content-type"], "application/x-protobuf");
        assert_eq!(taken.headers["x-tenant"], "our-receiver-key");
        for word in [name.as_str(), token.as_str(), "filter"] {
            let found = taken
                .body
                .windows(word.len())
                .any(|it| it == word.as_bytes());
            assert!(!found, "{word} in {}", taken.path);
        }
    }
}

/// Names of spans, each with its service's.
fn spans(traces: &[Taken]) -> Vec<(String, String)> {
    let mut spans = Vec::new();
    for taken in traces {
        let request = ExportTraceServiceRequest::decode(taken.body.clone()).unwrap();
        for resource in request.resource_spans {
            let attributes = resource.resource.unwrap().attributes;
            let service = attributes
                .iter()
                .find(|it| it.key == "service.name")
                .unwrap();
            let service = format!("{:?}", service.value);
            let service = if service.contains("\"scimgate\"") {
                "scimgate"
            } else {
                "other"
            };
            let named = resource
                .scope_spans
                .into_iter()
                .flat_map(|scope| scope.spans);
            spans.extend(named.map(|span| (span.name, service.to_owned())));
        }
    }
    spans
}

#[test]
fn a_receiver_that_takes_nothing_is_told_of_and_holds_nothing_up() {
    let vendor = sosafe::start(sosafe::Options::default()).unwrap();
    for status in [Some(415), None] {
        let house = House::of_sosafe();
        house.tenant(
            "acme",
            vendor.base_url(),
            &sosafe::Client::default().api_key,
        );
        // Nobody listens at port 1.
        let url = status.map_or("http://127.0.0.1:1".to_owned(), |status| {
            Receiver::start(status).url()
        });
        let (mut served, token) = serve(&house, &url);
        assert_eq!(served.get("/scim/v2/Users", &token).status, 200);
        let begun = Instant::now();
        let log = served.terminate();
        assert!(begun.elapsed() < Duration::from_secs(8), "{log}");
        assert!(log.contains("telemetry is not taken"), "{log}");
        assert!(log.contains("OTEL_EXPORTER_OTLP_ENDPOINT"), "{log}");
    }
}

#[test]
fn without_a_receiver_there_are_no_traces_and_no_thread_for_them() {
    let house = House::of_sosafe();
    house.tenant("acme", "http://127.0.0.1:1/", "k");
    house.write("scimgate.toml", "[server]\nlisten = \"127.0.0.1:0\"\n");
    let mut served = Served::start(&house);
    assert_eq!(served.get("/scim/v2/Users", "scg_no").status, 401);
    let log = served.terminate();
    assert!(!log.contains("trace_id"), "{log}");
}
