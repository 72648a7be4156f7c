//! The front door: who calls, may they, and which row do they mean.

use super::group;
use super::paging::Part as Window;
use super::refusal::Refusal;
use super::site::{Sequence, Site};
use super::target::{self, Target, text};
use super::tokens::Tokens;
use super::{Account, Limits, Options, seed};
use crate::kit::{Answer, Call, NO_SUCH_PATH, RateLimiter, Refused, Route, Vendor, WRONG_METHOD};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::collections::HashMap;

/// What stands before the calls about a site.
const SITE: &str = "service/api/awareness/gsm/{gsm}/sites/{site}";

/// The calls about a site.
const CALLS: [&str; 13] = [
    "GET /targets",
    "POST /targets",
    "GET /targets/{id}",
    "PUT /targets/{id}",
    "DELETE /targets/{id}",
    "GET /targetgroups",
    "POST /targetgroups",
    "GET /targetgroups/{id}",
    "PUT /targetgroups/{id}",
    "DELETE /targetgroups/{id}",
    "GET /targetgroups/{id}/memberships",
    "POST /targetgroups/{id}/memberships",
    "DELETE /targetgroups/{id}/memberships/{id}",
];
/// And the others.
const TOKEN: &str = "POST /auth/token";
const SITES: &str = "GET /sites";

/// All accounts behind one address.
#[derive(Clone)]
pub(super) struct Service {
    accounts: Vec<Account>,
    limits: Limits,
    sites: Vec<Site>,
    tokens: Tokens,
    /// By client id: all calls, and those about memberships.
    used: HashMap<String, (RateLimiter, RateLimiter)>,
    sequence: Sequence,
}

impl Service {
    pub(super) fn new(options: &Options) -> Self {
        let sites = options.clients.iter().flat_map(|account| &account.sites);
        Self {
            accounts: options.clients.clone(),
            limits: options.limits.clone(),
            sites: sites.cloned().map(Site::new).collect(),
            tokens: Tokens::default(),
            used: HashMap::new(),
            sequence: Sequence::new(),
        }
    }

    /// The order is the vendor's: name of the caller, token, rate, site, then the call itself.
    fn enter(&mut self, call: &Call, now: Timestamp) -> Result<Answer, Refusal> {
        must_have_a_name(call)?;
        let route = route(call);
        if route.template == TOKEN {
            return Ok(self.tokens.ask(&self.accounts, call, now));
        }
        let client = self.tokens.client(call, now);
        let client = client.ok_or(Refusal::BAD_TOKEN)?;
        self.count(&client, &route, now)?;
        let mut accounts = self.accounts.iter();
        let account = accounts.find(|account| account.client_id == client);
        let account = account.ok_or(Refusal::BAD_TOKEN)?;
        let (gsm, site) = (route.argument(0), route.argument(1));
        match route.template {
            NO_SUCH_PATH => Err(Refusal::NO_SUCH_PATH),
            WRONG_METHOD => Err(Refusal::WRONG_METHOD),
            SITES if gsm == account.gsm_key => Ok(sites_of(account)),
            _ if manages(account, gsm, site) => {
                let mut sites = self.sites.iter_mut();
                let site = sites.find(|it| it.settings.site_id == site);
                let site = site.ok_or(Refusal::FOREIGN_SITE)?;
                if site.settings.suspended {
                    return Err(Refusal::SUSPENDED);
                }
                perform(site, &mut self.sequence, &route, call, now)
            }
            _ => Err(Refusal::FOREIGN_SITE),
        }
    }

    fn count(&mut self, client: &str, route: &Route, now: Timestamp) -> Result<(), Refusal> {
        let (all, memberships) = self.used.entry(client.to_owned()).or_default();
        let take = |limiter: &mut RateLimiter, rate| match rate {
            Some(rate) => limiter.take(rate, now).map(drop),
            None => Ok(()),
        };
        take(all, self.limits.rate).map_err(Refusal::too_many_calls)?;
        match route.template.contains("/memberships") {
            true => take(memberships, self.limits.memberships).map_err(Refusal::too_many_calls),
            false => Ok(()),
        }
    }
}

fn route(call: &Call) -> Route {
    let token = Route::of("", &[TOKEN], call);
    let sites = Route::of("service/api/console/gsm/{gsm}", &[SITES], call);
    let mut others = [token, sites].into_iter();
    let other = others.find(Route::is_known);
    other.unwrap_or_else(|| Route::of(SITE, &CALLS, call))
}

/// `Name/Version`.
fn must_have_a_name(call: &Call) -> Result<(), Refusal> {
    let name = call.header("user-agent").unwrap_or_default();
    let parts = name.split_once('/');
    match parts.is_some_and(|(name, version)| !name.is_empty() && !version.is_empty()) {
        true => Ok(()),
        false => Err(Refusal::NO_USER_AGENT),
    }
}

fn manages(account: &Account, gsm: &str, site: &str) -> bool {
    account.gsm_key == gsm && account.sites.iter().any(|it| it.site_id == site)
}

fn sites_of(account: &Account) -> Answer {
    let site = |site: &super::Site| json!({"SiteId": site.site_id, "SiteName": site.name, "Suspended": site.suspended});
    let sites: Vec<_> = account.sites.iter().map(site).collect();
    Answer::json(200, &json!({"Sites": sites}))
}

fn perform(
    site: &mut Site,
    sequence: &mut Sequence,
    route: &Route,
    call: &Call,
    now: Timestamp,
) -> Result<Answer, Refusal> {
    let id = route.argument(2);
    Ok(match route.template {
        "GET /targets" => Answer::json(200, &list_targets(site, call, now)?),
        "GET /targets/{id}" => Answer::json(200, site.target(id)?),
        "POST /targets" => {
            let said = target::Said::parse(&object(call)?)?;
            Answer::json(201, site.create_target(said, sequence, now)?)
        }
        "PUT /targets/{id}" => {
            let body = object(call)?;
            let (said, version) = (target::Said::parse(&body)?, text(&body, "RowVersion")?);
            let put = site.replace_target(id, said, version.as_deref(), sequence)?;
            Answer::json(200, put)
        }
        "DELETE /targets/{id}" => {
            site.delete_target(id)?;
            Answer::empty(204)
        }
        "GET /targetgroups" => {
            let groups = site.groups.iter().map(|(number, group)| (*number, group));
            Answer::json(200, &Window::of(call, now)?.cut("TargetGroups", groups))
        }
        "GET /targetgroups/{id}" => Answer::json(200, site.group(id)?),
        "POST /targetgroups" => {
            let said = group::Said::parse(&object(call)?)?;
            Answer::json(201, site.create_group(said, sequence)?)
        }
        "PUT /targetgroups/{id}" => {
            let body = object(call)?;
            let (said, version) = (group::Said::parse(&body)?, text(&body, "RowVersion")?);
            Answer::json(
                200,
                site.replace_group(id, said, version.as_deref(), sequence)?,
            )
        }
        "DELETE /targetgroups/{id}" => {
            let heir = call.parameter("newGroupId");
            site.delete_group(id, heir.as_deref(), sequence)?;
            Answer::empty(204)
        }
        "GET /targetgroups/{id}/memberships" => {
            let members = site.group(id)?.memberships.iter();
            let members = members.map(|(number, membership)| (*number, membership));
            Answer::json(200, &Window::of(call, now)?.cut("Memberships", members))
        }
        "POST /targetgroups/{id}/memberships" => {
            let target = text(&object(call)?, "TargetId")?.unwrap_or_default();
            Answer::json(201, site.add_member(id, &target, sequence)?)
        }
        "DELETE /targetgroups/{id}/memberships/{id}" => {
            site.remove_member(id, route.argument(3))?;
            Answer::empty(204)
        }
        _ => return Err(Refusal::NO_SUCH_PATH),
    })
}

/// Exact and without regard to case, by address or user name.
fn list_targets(site: &Site, call: &Call, now: Timestamp) -> Result<Value, Refusal> {
    let parameter = |name: &str| call.parameter(name).map(|value| value.to_lowercase());
    let (email, login) = (parameter("emailAddress"), parameter("userName"));
    let fits = |target: &Target| {
        let user_name = target.user_name.as_deref().map(str::to_lowercase);
        (email.is_none() || email.as_deref() == Some(&target.email_address.to_lowercase()))
            && (login.is_none() || login == user_name)
    };
    let targets = site.targets.iter().filter(|(_, target)| fits(target));
    let targets = targets.map(|(number, target)| (*number, target));
    Ok(Window::of(call, now)?.cut("Targets", targets))
}

fn object(call: &Call) -> Result<Map<String, Value>, Refusal> {
    serde_json::from_slice(&call.body).map_err(|_| Refusal::NOT_JSON)
}

impl Vendor for Service {
    fn client(&self, call: &Call) -> Option<String> {
        self.tokens.owner(call)
    }

    fn route(&self, call: &Call) -> &'static str {
        match route(call).template {
            TOKEN if contains(&call.body, b"grant_type=refresh_token") => {
                "POST /auth/token (refresh)"
            }
            template => template,
        }
    }

    fn is_write(&self, call: &Call) -> bool {
        call.method != hyper::Method::GET && route(call).template != TOKEN
    }

    fn answer(&mut self, call: &Call, now: Timestamp) -> Answer {
        self.enter(call, now).unwrap_or_else(Answer::from)
    }

    /// Another target of any site in the place of the right one.
    fn wrong_user(&self, _: &Call, answer: Answer) -> Answer {
        answer.each_row("Targets", |row| self.swap(row))
    }

    fn state(&self) -> Value {
        seed::state(&self.sites)
    }

    fn seed(&mut self, rows: Value, now: Timestamp) -> Result<(), Refused> {
        seed::plant(&mut self.sites, &mut self.sequence, rows, now)
    }

    fn set_limits(&mut self, limits: Value) -> Result<(), Refused> {
        self.limits = serde_json::from_value(limits)?;
        Ok(())
    }
}

fn contains(body: &[u8], what: &[u8]) -> bool {
    body.windows(what.len()).any(|window| window == what)
}

impl Service {
    fn swap(&self, row: &mut Value) {
        let Some(right) = row.get("TargetId").cloned() else {
            return;
        };
        let targets = self.sites.iter().flat_map(|site| site.targets.values());
        let mut others = targets.filter(|target| right != target.target_id.as_str());
        match others.next() {
            Some(other) => *row = json!(other),
            None => row["TargetId"] = json!("00000000-0000-4000-8000-000000000000"),
        }
    }
}
