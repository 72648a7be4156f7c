//! The token endpoint (RFC 6749 §3.2): what is asked and what the answer means.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue, USER_AGENT};
use hyper::{Method, Request};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::time::Instant;
use url::form_urlencoded::{Serializer, byte_serialize};

use super::shared::{Denied, Issued};
use super::{Grant, OAuth2Client, Renewal, Way};
use crate::adapter::manifest::ClientPlace;
use crate::script::call::VendorReply;
use crate::vendor::client::AGENT;
use crate::vendor::credential::basic;
use crate::vendor::exchange::{Broken, exchange};

/// `expires_in` is only recommended (RFC 6749 §5.1).
const USUAL_LIFE: u64 = 300;
const LONGEST_LIFE: u64 = 86_400;

/// A successful answer (RFC 6749 §5.1).
#[derive(Deserialize)]
struct Given {
    access_token: SecretString,
    token_type: String,
    expires_in: Option<u64>,
    refresh_token: Option<SecretString>,
}

impl OAuth2Client {
    /// Asks for a token in place of `old`.
    pub(super) async fn ask(
        &self,
        old: Option<&std::sync::Arc<Issued>>,
        renewal: Renewal,
        way: &Way<'_>,
    ) -> Result<Issued, Denied> {
        let refresh = old.and_then(|old| old.refresh.as_ref());
        if let (Renewal::Refresh, Some(refresh)) = (renewal, refresh) {
            match self
                .send(self.refreshing(refresh), Some(refresh), way)
                .await
            {
                // The refresh token has ended too, or was used by a try whose answer got lost.
                Err(Denied::Refused) => {}
                other => return other,
            }
        }
        self.send(self.granting(), None, way).await
    }

    fn refreshing(&self, refresh: &SecretString) -> Serializer<'static, String> {
        let mut form = Serializer::new(String::new());
        form.append_pair("grant_type", "refresh_token");
        form.append_pair("refresh_token", refresh.expose_secret());
        form
    }

    fn granting(&self) -> Serializer<'static, String> {
        let mut form = Serializer::new(String::new());
        match &self.grant {
            Grant::Password { username, password } => {
                form.append_pair("grant_type", "password");
                form.append_pair("username", username.expose_secret());
                form.append_pair("password", password.expose_secret());
            }
            Grant::ClientCredentials => drop(form.append_pair("grant_type", "client_credentials")),
        }
        if let Some(scope) = &self.scope {
            form.append_pair("scope", scope);
        }
        form
    }

    async fn send(
        &self,
        form: Serializer<'static, String>,
        refresh: Option<&SecretString>,
        way: &Way<'_>,
    ) -> Result<Issued, Denied> {
        let request = self.request(form)?;
        // The endpoint is the vendor's as well and counts like any call.
        way.to.state.rate.take(way.ends).await.map_err(|_| late())?;
        let (path, began) = (request.uri().path().to_owned(), Instant::now());
        let answered = exchange(way.connections, request, way.ends).await;
        if let Some(story) = way.story {
            let status = answered.as_ref().ok().map(|reply| reply.status);
            story.signed_in(&path, status, began.elapsed());
        }
        match answered {
            Ok(reply) => read(&reply, refresh),
            // A token that got lost on its way did nothing: the call may be tried again.
            Err(Broken::Unsent(why) | Broken::Lost(why)) => {
                Err(Denied::Failed(format!("no access token: {why}")))
            }
        }
    }

    fn request(
        &self,
        mut form: Serializer<'static, String>,
    ) -> Result<Request<Full<Bytes>>, Denied> {
        let (id, secret) = (
            self.client_id.expose_secret(),
            self.client_secret.expose_secret(),
        );
        if self.place == ClientPlace::Body {
            form.append_pair("client_id", id);
            form.append_pair("client_secret", secret);
        }
        let mut request = Request::new(Full::new(Bytes::from(form.finish())));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.token_url.clone();
        let headers = request.headers_mut();
        headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        headers.insert(CONTENT_TYPE, form);
        if self.place == ClientPlace::Basic {
            // RFC 6749 §2.3.1: form-encoded first, then Basic.
            let quoted = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
            headers.insert(
                AUTHORIZATION,
                sensitive(basic(&quoted(id), &quoted(secret)))?,
            );
        }
        Ok(request)
    }
}

fn read(reply: &VendorReply, refresh: Option<&SecretString>) -> Result<Issued, Denied> {
    match reply.status {
        200..=299 => {}
        // RFC 6749 §5.2: 400, and 401 for a client it does not know.
        400 | 401 | 403 => return Err(Denied::Refused),
        429 => return Err(Denied::Busy(reply.retry_after)),
        status => return Err(Denied::Failed(format!("no access token: status {status}"))),
    }
    let unfit = |_| Denied::Failed("no access token: another answer than RFC 6749's".into());
    let given: Given = serde_json::from_slice(&reply.body).map_err(unfit)?;
    if !given.token_type.eq_ignore_ascii_case("bearer") {
        return Err(Denied::Failed(
            "the access token is of another type than bearer".into(),
        ));
    }
    let header = sensitive(format!("Bearer {}", given.access_token.expose_secret()))?;
    let life = given.expires_in.unwrap_or(USUAL_LIFE).min(LONGEST_LIFE);
    // RFC 6749 §6: without a new refresh token the old one stays good.
    let refresh = given.refresh_token.or_else(|| refresh.cloned());
    Ok(Issued::new(header, refresh, Duration::from_secs(life)))
}

fn sensitive(text: String) -> Result<HeaderValue, Denied> {
    let unfit = |_| Denied::Failed("a secret or token holds characters no header can carry".into());
    let mut value = HeaderValue::try_from(text).map_err(unfit)?;
    value.set_sensitive(true);
    Ok(value)
}

fn late() -> Denied {
    Denied::Failed("no access token in time".into())
}
