//! Where `log` and `explain` read: the store that the configuration names, or a gateway elsewhere.

use std::time::Duration;

use anyhow::anyhow;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::runtime::Runtime;
use url::form_urlencoded::Serializer;

use super::Trouble;
use super::reach::Remote;
use crate::config::Config;
use crate::gateway;
use crate::provisioning::trace::{Action, Event, Status};
use crate::store::Store;
use crate::store::log::{Filter, Order, Page};

/// Whose provisioning log.
#[derive(Debug, clap::Args)]
pub(super) struct Place {
    /// Ask the gateway with this admin port; its token is read from SCIMGATE_ADMIN_TOKEN. Without
    /// this, the store that the configuration names is read; no gateway need be running.
    #[arg(long, value_name = "URL", env = "SCIMGATE_ADMIN")]
    admin: Option<String>,
}

/// A provisioning log that can be read.
pub(super) enum Events {
    Here(Store, Runtime),
    Elsewhere(Box<Remote>),
}

impl Events {
    /// Opens the log of this place.
    pub(super) fn of(config: &Config, place: &Place) -> Result<Self, Trouble> {
        if let Some(url) = &place.admin {
            return Ok(Self::Elsewhere(Box::new(Remote::at(config, url)?)));
        }
        let store = gateway::open_store_to_read(config)
            .map_err(|fault| Trouble::Config(fault.into()))?
            .ok_or_else(|| {
                let help = "use the gateway's own configuration, or name a gateway with --admin";
                let place = gateway::place(config);
                Trouble::Config(anyhow!(
                    "{place} is not there: no gateway has run with this configuration\n  {help}"
                ))
            })?;
        let runtime = super::event_loop()?;
        Ok(Self::Here(store, runtime))
    }

    /// At most `count` events, and never more than 1,000.
    pub(super) fn page(
        &self,
        filter: &Filter,
        order: Order,
        count: usize,
    ) -> Result<Page, Trouble> {
        match self {
            Self::Here(store, runtime) => runtime
                .block_on(store.events(filter.clone(), order, count))
                .map_err(|error| Trouble::Internal(error.into())),
            Self::Elsewhere(remote) => remote.get(&path(filter, order, count)),
        }
    }

    /// The events of one request; none if the log does not have it.
    pub(super) fn of_request(&self, request_id: &str) -> Result<Vec<Event>, Trouble> {
        match self {
            Self::Here(store, runtime) => runtime
                .block_on(store.event(request_id))
                .map_err(|error| Trouble::Internal(error.into())),
            Self::Elsewhere(remote) => remote.get(&format!("/events/{}", quoted(request_id))),
        }
    }

    /// Waits, as between two looks.
    pub(super) fn pause(&self, span: Duration) {
        match self {
            Self::Here(_, runtime) => runtime.block_on(async { tokio::time::sleep(span).await }),
            Self::Elsewhere(remote) => remote.pause(span),
        }
    }
}

/// What the admin port is asked for a page.
fn path(filter: &Filter, order: Order, count: usize) -> String {
    let below = filter
        .tenant
        .as_ref()
        .map(|tenant| format!("/tenants/{tenant}"));
    let mut query = Serializer::new(String::new());
    let time = |time: &Option<jiff::Timestamp>| time.map(|time| time.to_string());
    let wanted = [
        (
            "status",
            filter.status.map(Status::as_str).map(str::to_owned),
        ),
        (
            "action",
            filter.action.map(Action::as_str).map(str::to_owned),
        ),
        ("code", filter.code.clone()),
        ("target", filter.target_id.clone()),
        ("identity", filter.identity.clone()),
        ("since", time(&filter.since)),
        ("until", time(&filter.until)),
        ("count", Some(count.to_string())),
    ];
    for (name, value) in wanted {
        value.map(|value| query.append_pair(name, &value));
    }
    match order {
        Order::Newest => &mut query,
        Order::Before(place) => query.append_pair("before", &place.to_string()),
        Order::After(place) => query.append_pair("after", &place.to_string()),
    };
    format!("{}/events?{}", below.unwrap_or_default(), query.finish())
}

/// A segment of a path. Ids of requests stay as they are.
fn quoted(segment: &str) -> String {
    const UNSAFE: AsciiSet = NON_ALPHANUMERIC.remove(b'-');
    utf8_percent_encode(segment, &UNSAFE).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapter::keys::TenantId;

    #[test]
    fn a_page_is_asked_for_as_the_admin_port_reads_it() {
        let none = Filter::default();
        assert_eq!(path(&none, Order::Newest, 50), "/events?count=50");
        let some = Filter {
            tenant: TenantId::parse("acme"),
            status: Some(Status::Warning),
            identity: Some("a…@e…com".to_owned()),
            since: "2026-11-20T08:00:00Z".parse().ok(),
            ..none
        };
        assert_eq!(
            path(&some, Order::After(12), 1000),
            "/tenants/acme/events?status=warning&identity=a%E2%80%A6%40e%E2%80%A6com\
             &since=2026-11-20T08%3A00%3A00Z&count=1000&after=12"
        );
        assert_eq!(quoted("../status?x"), "%2E%2E%2Fstatus%3Fx");
    }
}
