//! The vendor's side over real sockets: what a misbehaving vendor does to a
//! call, and what it must never do.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod faults;
mod keys;
mod oauth2;
mod retries;
mod server;
mod tls;
mod walk;
mod wire;

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::*;
use crate::adapter::keys::TenantId;
use crate::adapter::manifest::{Deadlines, Limits};
use crate::provisioning::trace::{Asked, Audience, Story, Witness};
use crate::script::call::{Backend, CallBody, CallFault, VendorCall, VendorReply, Verb};
use crate::script::replies::ReplyTable;

fn destination(base_url: &str) -> Destination {
    Destination {
        tenant: TenantId::parse("acme").unwrap(),
        base_url: url::Url::parse(base_url).unwrap(),
        headers: Vec::new(),
        credential: Credential::Bearer("s3cret".into()),
        deadlines: Deadlines {
            connect_ms: 200,
            call_ms: 300,
        },
        replies: ReplyTable::default(),
        state: Arc::new(VendorState::new(Limits::default())),
    }
}

fn pool() -> Rc<Pool> {
    Rc::new(Pool::new(TlsOptions::load(None).unwrap()))
}

fn network(base_url: &str) -> Network {
    Network::new(pool(), Arc::new(destination(base_url)))
}

fn call(method: Verb, path: &str) -> VendorCall {
    let body = CallBody {
        media_type: "application/json",
        bytes: Bytes::from_static(br#"{"login":"jane"}"#),
    };
    VendorCall {
        method,
        path: path.into(),
        body: matches!(method, Verb::Post | Verb::Put | Verb::Patch).then_some(body),
        idempotent: false,
        token: None,
        resource: None,
    }
}

async fn send(network: &Network, method: Verb, path: &str) -> Result<VendorReply, CallFault> {
    let deadline = Instant::now() + Duration::from_secs(20);
    network.call(call(method, path), deadline).await
}

/// The story of a request, of whose end these hear.
fn story(witnesses: Vec<Arc<dyn Witness>>) -> Rc<Story> {
    let asked = Asked {
        request_id: "r".into(),
        part: 0,
        tenant: TenantId::parse("acme").unwrap(),
        vendor: "v".into(),
        method: "POST",
        route: "/Users",
    };
    let audience = Audience {
        witnesses,
        ..Audience::default()
    };
    Story::begin(asked, Rc::new(audience))
}
