//! The login of a `key_exchange` in a transcript: its calls are the file's too.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use tokio::time::Instant;

use super::replay::Replay;
use crate::adapter::Adapter;
use crate::adapter::login::Login;
use crate::adapter::manifest::CredentialKind;
use crate::adapter::settings::Settings;
use crate::script::call::{Backend, CallFault, LocalBoxFuture, VendorCall, VendorReply};
use crate::script::replies::{Answered, Meaning};

/// A login whose secrets are their own names, and whether it has a key.
pub(super) struct PlayedLogin {
    login: Login,
    adapter: Arc<Adapter>,
    settings: Arc<Settings>,
    has_key: Rc<Cell<bool>>,
}

impl PlayedLogin {
    /// By the credential of this name, by the usual one if it is empty. `None` for one that is
    /// not given keys.
    pub(super) fn new(
        adapter: &Arc<Adapter>,
        settings: &Arc<Settings>,
        credential: &str,
    ) -> Option<Self> {
        let chosen = Some(credential).filter(|name| !name.is_empty());
        let CredentialKind::KeyExchange(login) = adapter.manifest.credential_named(chosen)? else {
            return None;
        };
        Some(Self {
            login: login.clone(),
            adapter: Arc::clone(adapter),
            settings: Arc::clone(settings),
            has_key: Rc::default(),
        })
    }

    /// The vendor of one exchange, behind the login.
    pub(super) fn before(&self, vendor: Rc<Replay>) -> LoggedIn {
        LoggedIn {
            login: self.login.clone(),
            adapter: Arc::clone(&self.adapter),
            settings: Arc::clone(&self.settings),
            has_key: Rc::clone(&self.has_key),
            vendor,
        }
    }
}

/// A vendor that is called with a key.
pub(super) struct LoggedIn {
    login: Login,
    adapter: Arc<Adapter>,
    settings: Arc<Settings>,
    has_key: Rc<Cell<bool>>,
    vendor: Rc<Replay>,
}

impl LoggedIn {
    async fn log_in(&self, deadline: Instant) -> Result<(), CallFault> {
        let value = |name: &str| match self.adapter.manifest.settings.contains_key(name) {
            true => self.settings.text(name).unwrap_or_default(),
            false => name.to_owned(),
        };
        let call = self.login.call(&value);
        let errand = call.errand();
        let reply = self.vendor.call(call, deadline).await?;
        let replies = &self.adapter.replies;
        let body = replies.parse(&reply.body);
        match replies
            .judge(&Answered::of(&reply, errand, body.as_ref()))
            .means
        {
            Meaning::Ok => {
                self.login
                    .key_in(&reply, replies)
                    .map_err(CallFault::Login)?;
                self.has_key.set(true);
                Ok(())
            }
            Meaning::Credential | Meaning::Forbidden => Err(CallFault::Credential),
            _ => Err(CallFault::Login(self.login.failed(reply.status))),
        }
    }

    async fn answer(&self, call: VendorCall, deadline: Instant) -> Result<VendorReply, CallFault> {
        let had_key = self.has_key.get();
        if !had_key {
            self.log_in(deadline).await?;
        }
        let errand = call.errand();
        let reply = self.vendor.call(call.clone(), deadline).await?;
        let replies = &self.adapter.replies;
        let body = replies.parse(&reply.body);
        let means = replies
            .judge(&Answered::of(&reply, errand, body.as_ref()))
            .means;
        if means != Meaning::Credential || !had_key {
            return Ok(reply);
        }
        self.log_in(deadline).await?;
        self.vendor.call(call, deadline).await
    }
}

impl Backend for LoggedIn {
    fn call<'a>(
        &'a self,
        call: VendorCall,
        deadline: Instant,
    ) -> LocalBoxFuture<'a, Result<VendorReply, CallFault>> {
        Box::pin(self.answer(call, deadline))
    }

    fn wait(&self, until: Instant) -> LocalBoxFuture<'_, ()> {
        self.vendor.wait(until)
    }
}
