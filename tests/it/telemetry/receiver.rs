//! The binary and a receiver of OTLP over HTTP: what arrives, and what is told when
//! nothing can.

use std::net::SocketAddr;
use std::process::Command;
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
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::PrivatePkcs8KeyDer;
use scimgate::demo::emulator::sosafe;
use tokio_rustls::TlsAcceptor;

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
        Self::start_with(status, None)
    }

    /// Over https, and the PEM of its certificate.
    fn start_tls() -> (Self, String) {
        let key = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let secret = PrivatePkcs8KeyDer::from(key.serialize_der());
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], secret.into())
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        (Self::start_with(200, Some(acceptor)), certificate.pem())
    }

    fn start_with(status: u16, tls: Option<TlsAcceptor>) -> Self {
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
                    let tls = tls.clone();
                    tokio::spawn(async move {
                        let http = http1::Builder::new();
                        match tls {
                            None => http.serve_connection(TokioIo::new(stream), service).await,
                            Some(tls) => {
                                let stream = tls.accept(stream).await.unwrap();
                                http.serve_connection(TokioIo::new(stream), service).await
                            }
                        }
                    });
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
    let (mut command, token) = command(house);
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", receiver);
    (Served::of(command), token)
}

fn command(house: &House) -> (Command, String) {
    house.write("scimgate.toml", "[server]\nlisten = \"127.0.0.1:0\"\n");
    let minted = house.run(&["-c", "scimgate.toml", "token", "mint", "--tenant", "acme"]);
    let minted = text_of(&minted.stdout);
    let token = minted.split_whitespace().last().unwrap().to_owned();
    let mut command = house.command(&["-c", "scimgate.toml", "serve"]);
    command
        .env("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=our-receiver-key")
        .env(
            "OTEL_RESOURCE_ATTRIBUTES",
            "deployment.environment.name=test",
        );
    (command, token)
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
    assert!(!log.contains("telemetry is not accepted"), "{log}");

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
        assert!(log.contains("telemetry is not accepted"), "{log}");
        assert!(log.contains("OTEL_EXPORTER_OTLP_ENDPOINT"), "{log}");
    }
}

#[test]
fn a_receiver_with_a_certificate_of_its_own_is_believed_when_the_variable_names_it() {
    let house = House::of_sosafe();
    house.tenant("acme", "http://127.0.0.1:1/", "k");
    let (receiver, authority) = Receiver::start_tls();
    house.write("receiver.pem", &authority);
    let url = format!("https://localhost:{}", receiver.address.port());
    let (mut command, _) = command(&house);
    command
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", url)
        .env("OTEL_EXPORTER_OTLP_CERTIFICATE", "receiver.pem")
        .env("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")
        .env("OTEL_TRACES_EXPORTER", "none");
    let log = Served::of(command).terminate();
    let metrics = receiver.taken("/v1/metrics");
    assert!(!metrics.is_empty(), "{log}");
    assert_eq!(metrics[0].headers["content-encoding"], "gzip");
    assert!(receiver.taken("/v1/traces").is_empty());
}

#[test]
fn a_variable_that_cannot_be_used_is_named() {
    for (variable, value) in [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "not a url"),
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", "missing.pem"),
    ] {
        let house = House::of_sosafe();
        house.tenant("acme", "http://127.0.0.1:1/", "k");
        let (mut command, _) = command(&house);
        command
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
            .env(variable, value);
        let output = command.output().unwrap();
        let told = text_of(&output.stderr);
        assert_eq!(output.status.code(), Some(78), "{told}");
        assert!(told.contains("OTEL_EXPORTER_OTLP_"), "{told}");
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
