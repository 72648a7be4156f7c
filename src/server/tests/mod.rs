//! The server over real sockets, with a fake gateway behind it: the token
//! chooses what that does.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod bulk;
mod drain;
mod hostile;
mod limits;
mod refusals;
mod slow;
mod stories;
mod tls;
mod walk;
mod writes;

use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

use super::{Admission, Application, Grant, Limits, Running, Server, Settings};
use crate::adapter::keys::TenantId;
use crate::provisioning::trace::{Asked, Audience, Ended, Story, Witness};
use crate::scim::{self, Profile, ResourceType, Service};
use crate::script::call::LocalBoxFuture;
use crate::script::fault::{Failure, GatewayFault, ScriptFault, VendorFault};
use crate::script::origin::Place;
use crate::tenant::oauth::{Claim, Granted, Proof};
use crate::tenant::token::AuthFault;

/// Limits short enough to wait for, long enough for a busy machine.
fn short() -> Limits {
    Limits {
        handshake: Duration::from_millis(300),
        first_bytes: Duration::from_millis(300),
        head: Duration::from_millis(400),
        body: Duration::from_millis(400),
        stall: Duration::from_millis(400),
        idle: Duration::from_secs(5),
        request: Duration::from_millis(400),
        write: Duration::from_secs(5),
        farewell: Duration::from_millis(50),
        drain: Duration::from_secs(5),
        linger: Duration::from_millis(100),
        ..Limits::default()
    }
}

/// A server on its own threads and what its fake gateway was asked to do.
struct Fixture {
    running: Running,
    deeds: Arc<Deeds>,
}

#[derive(Default)]
struct Deeds {
    begun: AtomicUsize,
    ended: AtomicUsize,
    stories: Mutex<Vec<Arc<Ended>>>,
}

impl Witness for Deeds {
    fn ended(&self, story: &Arc<Ended>) {
        self.stories.lock().unwrap().push(Arc::clone(story));
    }
}

impl Fixture {
    fn start(limits: Limits) -> Self {
        Self::start_with(Settings {
            listen: "127.0.0.1:0".parse().unwrap(),
            certificate: None,
            public_origin: None,
            workers: 2,
            limits,
        })
    }

    fn start_with(settings: Settings) -> Self {
        let deeds = Arc::<Deeds>::default();
        let seen = deeds.clone();
        let running = Server::bind(settings)
            .unwrap()
            .start(move || Rc::new(Fake(seen.clone())))
            .unwrap();
        Self { running, deeds }
    }

    fn address(&self) -> SocketAddr {
        self.running.local_addr()
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address()).await.unwrap()
    }

    /// One request on a connection of its own.
    async fn ask(&self, request: &str) -> Reply {
        let mut stream = self.connect().await;
        stream.write_all(request.as_bytes()).await.unwrap();
        Reply::read(&mut stream).await
    }

    async fn get(&self, token: &str, path: &str) -> Reply {
        self.ask(&get(token, path)).await
    }

    fn begun(&self) -> usize {
        self.deeds.begun.load(Ordering::SeqCst)
    }

    fn ended(&self) -> usize {
        self.deeds.ended.load(Ordering::SeqCst)
    }

    /// Waits until the fake gateway has ended so many operations.
    async fn until_ended(&self, count: usize) {
        let patience = Instant::now() + Duration::from_secs(5);
        while self.ended() < count {
            assert!(
                Instant::now() < patience,
                "ended {} of {count}",
                self.ended()
            );
            sleep(Duration::from_millis(5)).await;
        }
    }
}

fn get(token: &str, path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: scim.test\r\nAuthorization: Bearer {token}\r\n\r\n")
}

fn post(token: &str, body: &str) -> String {
    format!(
        "POST /scim/v2/Users HTTP/1.1\r\nHost: scim.test\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/scim+json; charset=utf-8\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

const USER: &str =
    r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"anna"}"#;

/// An answer, taken apart by hand so that hyper does not check itself.
struct Reply {
    status: u16,
    head: String,
    body: Value,
}

impl Reply {
    async fn read<S: AsyncRead + Unpin>(stream: &mut S) -> Self {
        timeout(Duration::from_secs(10), Self::read_patiently(stream))
            .await
            .expect("an answer")
    }

    async fn read_patiently<S: AsyncRead + Unpin>(stream: &mut S) -> Self {
        let mut bytes = Vec::new();
        while !bytes.ends_with(b"\r\n\r\n") {
            bytes.push(stream.read_u8().await.expect("a whole head"));
        }
        let head = String::from_utf8(bytes).unwrap().to_lowercase();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let mut reply = Self {
            status,
            head,
            body: Value::Null,
        };
        let length = reply
            .header("content-length")
            .map_or(0, |it| it.parse().unwrap());
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await.unwrap();
        if !body.is_empty() {
            reply.body = serde_json::from_slice(&body).unwrap();
        }
        reply
    }

    /// A header by its lower-case name.
    fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.split("\r\n");
        lines
            .filter_map(|line| line.split_once(": "))
            .find(|(key, _)| *key == name)
            .map(|it| it.1)
    }

    fn detail(&self) -> &str {
        self.body["detail"].as_str().unwrap_or_default()
    }

    /// Asserts the status and that the body is a SCIM error of the same status.
    #[track_caller]
    fn is_error(&self, status: u16) {
        assert_eq!(self.status, status, "{}\n{}", self.head, self.body);
        assert_eq!(self.body["status"], status.to_string());
        assert_eq!(
            self.body["schemas"],
            json!(["urn:ietf:params:scim:api:messages:2.0:Error"])
        );
        assert_eq!(self.header("content-type"), Some("application/scim+json"));
        assert!(self.header("x-request-id").is_some());
    }
}

/// How long until the server closes the connection.
async fn time_to_close<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S) -> Duration {
    let begun = Instant::now();
    let mut rest = Vec::new();
    let end = timeout(Duration::from_secs(8), stream.read_to_end(&mut rest)).await;
    end.expect("the server closes").ok();
    begun.elapsed()
}

struct Fake(Arc<Deeds>);

impl Application for Fake {
    fn authenticate<'a>(
        &'a self,
        token: &'a str,
        _: Option<&'a str>,
    ) -> LocalBoxFuture<'a, Result<Rc<dyn Admission>, AuthFault>> {
        Box::pin(async move {
            match token {
                "locked" => Err(AuthFault::StoreUnavailable),
                "unknown" => Err(AuthFault::Unknown),
                "auth-panic" => panic!("while authenticating"),
                _ => Ok(self.admission(token)),
            }
        })
    }

    fn grant<'a>(&'a self, claim: &'a Claim<'a>) -> LocalBoxFuture<'a, Result<Grant, AuthFault>> {
        Box::pin(async move {
            let (Proof::Secret(secret) | Proof::Assertion(secret)) = claim.proof;
            self.authenticate(secret, None).await?;
            let token = format!("for {}", claim.client_id).into();
            let life = Duration::from_secs(3600);
            Ok((self.admission(secret), Granted { token, life }))
        })
    }
}

impl Fake {
    fn admission(&self, deed: &str) -> Rc<dyn Admission> {
        Rc::new(FakeAdmission {
            tenant: TenantId::parse("acme").unwrap(),
            deed: deed.to_owned(),
            deeds: self.0.clone(),
            audience: Rc::new(Audience {
                witnesses: vec![self.0.clone()],
                ..Audience::default()
            }),
        })
    }
}

struct FakeAdmission {
    tenant: TenantId,
    deed: String,
    deeds: Arc<Deeds>,
    audience: Rc<Audience>,
}

impl Admission for FakeAdmission {
    fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    fn service(&self) -> Arc<Service> {
        let resource_types = vec![ResourceType::user(), ResourceType::group()];
        Arc::new(Service {
            published: resource_types.clone(),
            resource_types,
            profile: Profile::Entra,
            page_max: 100,
        })
    }

    fn begin(&self, request_id: Arc<str>, method: &'static str, route: &'static str) -> Rc<Story> {
        let asked = Asked {
            request_id,
            part: 0,
            tenant: self.tenant.clone(),
            vendor: "fake".into(),
            method,
            route,
        };
        Story::begin(asked, Rc::clone(&self.audience))
    }

    fn perform(
        self: Rc<Self>,
        _: scim::Request,
        base_url: String,
        _: Instant,
        _: Rc<Story>,
    ) -> LocalBoxFuture<'static, Result<scim::Response, Failure>> {
        Box::pin(async move {
            self.deeds.begun.fetch_add(1, Ordering::SeqCst);
            let result = perform(&self.deed, base_url).await;
            self.deeds.ended.fetch_add(1, Ordering::SeqCst);
            result
        })
    }
}

/// What the fake gateway does for each token.
async fn perform(deed: &str, base_url: String) -> Result<scim::Response, Failure> {
    let busy = |retry_after| Err(VendorFault::Busy { retry_after }.into());
    match deed {
        "slow" => sleep(Duration::from_millis(900)).await,
        "brief" => sleep(Duration::from_millis(150)).await,
        "for-ever" => std::future::pending().await,
        "panic" => panic!("while performing"),
        "unreachable" => return Err(VendorFault::Unreachable.into()),
        "unknown-outcome" => return Err(VendorFault::UnknownOutcome.into()),
        "unusable" => return Err(VendorFault::Unusable.into()),
        "credential" => return Err(VendorFault::Credential { detail: None }.into()),
        "busy" => return busy(None),
        "busy-now" => return busy(Some(Duration::ZERO)),
        "busy-1500ms" => return busy(Some(Duration::from_millis(1500))),
        "busy-for-a-day" => return busy(Some(Duration::from_secs(86_400))),
        "script" => return Err(script_fault().into()),
        "overloaded" => return Err(GatewayFault::Overloaded.into()),
        "late" => return Err(GatewayFault::DeadlineExceeded.into()),
        "no-store" => return Err(GatewayFault::StoreUnavailable("disk full".to_owned()).into()),
        "internal" => return Err(GatewayFault::Internal.into()),
        "deleted" => return Ok(scim::Response::no_content()),
        "large" => return Ok(scim::Response::ok(json!({ "large": "x".repeat(16 << 20) }))),
        "big" => return Ok(scim::Response::ok(json!({ "big": "x".repeat(32 << 20) }))),
        "versioned" => {
            return Ok(scim::Response {
                version: Some("W/\"1f\"".to_owned()),
                ..scim::Response::created(json!({}), format!("{base_url}/Users/1"))
            });
        }
        _ => {}
    }
    Ok(scim::Response::ok(json!({ "base": base_url })))
}

fn script_fault() -> ScriptFault {
    ScriptFault {
        place: Place {
            script: "acme.rhai".to_owned(),
            line: 7,
            column: 3,
            function: "find_user".to_owned(),
        },
        message: "secret words of the script".to_owned(),
    }
}
