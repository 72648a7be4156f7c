//! The front door: who calls, may they, and which row do they mean.

use super::group;
use super::paging::Part as Window;
use super::refusal::Refusal;
use super::route::{Part, Route};
use super::site::{Sequence, Site};
use super::target::{self, Target, text};
use super::tokens::Tokens;
use super::{Account, Limits, Options, seed};
use crate::demo::emulator::kit::{Answer, Call, RateLimiter, Refused, Vendor};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::collections::HashMap;

/// All accounts behind one address.
pub(super) struct Service {
    started: Options,
    limits: Limits,
    sites: Vec<Site>,
    tokens: Tokens,
    /// By client id: all calls, and those about memberships.
    used: HashMap<String, (RateLimiter, RateLimiter)>,
    sequence: Sequence,
}

impl Service {
    pub(super) fn new(options: Options) -> Self {
        let sites = options.accounts.iter().flat_map(|account| &account.sites);
        Self {
            limits: options.limits.clone(),
            sites: sites.cloned().map(Site::new).collect(),
            tokens: Tokens::default(),
            used: HashMap::new(),
            sequence: Sequence::new(),
            started: options,
        }
    }

    /// The order is the vendor's: name of the caller, token, rate, site, then the call itself.
    fn enter(&mut self, call: &Call, now: Timestamp) -> Result<Answer, Refusal> {
        must_have_a_name(call)?;
        let route = Route::of(call);
        if route == Route::Token {
            return Ok(self.tokens.ask(&self.started.accounts, call, now));
        }
        let client = self.tokens.client(call, now);
        let client = client.ok_or_else(Refusal::bad_token)?;
        self.count(&client, &route, now)?;
        let mut accounts = self.started.accounts.iter();
        let account = accounts.find(|account| account.client_id == client);
        let account = account.ok_or_else(Refusal::bad_token)?;
        match route {
            Route::Sites { gsm } if gsm == account.gsm_key => Ok(sites_of(account)),
            Route::Site { gsm, site, part } if manages(account, &gsm, &site) => {
                let mut sites = self.sites.iter_mut();
                let site = sites.find(|it| it.settings.site_id == site);
                let site = site.ok_or_else(Refusal::foreign_site)?;
                if site.settings.suspended {
                    return Err(Refusal::suspended());
                }
                perform(site, &mut self.sequence, part, call, now)
            }
            Route::Sites { .. } | Route::Site { .. } => Err(Refusal::foreign_site()),
            Route::WrongMethod => Err(Refusal::wrong_method()),
            Route::NoSuchPath | Route::Token => Err(Refusal::no_such_path()),
        }
    }

    fn count(&mut self, client: &str, route: &Route, now: Timestamp) -> Result<(), Refusal> {
        let (all, memberships) = self.used.entry(client.to_owned()).or_default();
        let take = |limiter: &mut RateLimiter, rate| match rate {
            Some(rate) => limiter.take(rate, now).map(drop),
            None => Ok(()),
        };
        take(all, self.limits.rate).map_err(Refusal::too_many_calls)?;
        match route {
            Route::Site { part, .. } if part.is_about_members() => {
                take(memberships, self.limits.memberships).map_err(Refusal::too_many_calls)
            }
            _ => Ok(()),
        }
    }
}

/// `Name/Version`.
fn must_have_a_name(call: &Call) -> Result<(), Refusal> {
    let name = call.header("user-agent").unwrap_or_default();
    let parts = name.split_once('/');
    match parts.is_some_and(|(name, version)| !name.is_empty() && !version.is_empty()) {
        true => Ok(()),
        false => Err(Refusal::no_user_agent()),
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
    part: Part,
    call: &Call,
    now: Timestamp,
) -> Result<Answer, Refusal> {
    Ok(match part {
        Part::ListTargets => Answer::json(200, &list_targets(site, call, now)?),
        Part::GetTarget(id) => Answer::json(200, site.target(&id)?),
        Part::CreateTarget => {
            let said = target::Said::parse(&object(call)?)?;
            Answer::json(201, site.create_target(said, sequence, now)?)
        }
        Part::PutTarget(id) => {
            let body = object(call)?;
            let (said, version) = (target::Said::parse(&body)?, text(&body, "RowVersion")?);
            let put = site.replace_target(&id, said, version.as_deref(), sequence)?;
            Answer::json(200, put)
        }
        Part::DeleteTarget(id) => {
            site.delete_target(&id)?;
            Answer::empty(204)
        }
        Part::ListGroups => {
            let groups = site.groups.iter().map(|(number, group)| (*number, group));
            Answer::json(200, &Window::of(call, now)?.cut("TargetGroups", groups))
        }
        Part::GetGroup(id) => Answer::json(200, site.group(&id)?),
        Part::CreateGroup => {
            let said = group::Said::parse(&object(call)?)?;
            Answer::json(201, site.create_group(said, sequence)?)
        }
        Part::PutGroup(id) => {
            let body = object(call)?;
            let (said, version) = (group::Said::parse(&body)?, text(&body, "RowVersion")?);
            Answer::json(
                200,
                site.replace_group(&id, said, version.as_deref(), sequence)?,
            )
        }
        Part::DeleteGroup(id) => {
            let heir = call.parameters().find(|(name, _)| name == "newGroupId");
            site.delete_group(&id, heir.as_ref().map(|(_, id)| id.as_str()), sequence)?;
            Answer::empty(204)
        }
        Part::ListMembers(id) => {
            let members = site.group(&id)?.memberships.iter();
            let members = members.map(|(number, membership)| (*number, membership));
            Answer::json(200, &Window::of(call, now)?.cut("Memberships", members))
        }
        Part::AddMember(id) => {
            let target = text(&object(call)?, "TargetId")?.unwrap_or_default();
            Answer::json(201, site.add_member(&id, &target, sequence)?)
        }
        Part::RemoveMember(id, membership) => {
            site.remove_member(&id, &membership)?;
            Answer::empty(204)
        }
    })
}

/// Exact and without regard to case, by address or user name.
fn list_targets(site: &Site, call: &Call, now: Timestamp) -> Result<Value, Refusal> {
    let parameter = |wanted: &str| {
        let mut found = call.parameters().filter(|(name, _)| name == wanted);
        found.next().map(|(_, value)| value.to_lowercase())
    };
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
    serde_json::from_slice(&call.body).map_err(|_| Refusal::not_json())
}

impl Vendor for Service {
    fn base_path(&self) -> &'static str {
        ""
    }

    fn secret_headers(&self) -> &'static [&'static str] {
        &[]
    }

    fn client(&self, call: &Call) -> Option<String> {
        self.tokens.owner(call)
    }

    fn route(&self, call: &Call) -> &'static str {
        Route::of(call).template(call)
    }

    fn is_write(&self, call: &Call) -> bool {
        call.method != hyper::Method::GET && Route::of(call) != Route::Token
    }

    /// Versions see to it.
    fn works_on(&self, _: &Call) -> Option<String> {
        None
    }

    fn busy(&self, _: &Call) -> Answer {
        Refusal::stale().into()
    }

    fn answer(&mut self, call: &Call, now: Timestamp) -> Answer {
        self.enter(call, now).unwrap_or_else(Answer::from)
    }

    /// Another target of any site in the place of the right one.
    fn wrong_user(&self, _: &Call, answer: Answer) -> Answer {
        let Ok(mut body) = serde_json::from_slice::<Value>(&answer.body) else {
            return answer;
        };
        match body.get_mut("Targets").and_then(Value::as_array_mut) {
            Some(rows) => rows.iter_mut().for_each(|row| self.swap(row)),
            None => self.swap(&mut body),
        }
        Answer {
            body: body.to_string().into(),
            ..answer
        }
    }

    fn state(&self) -> Value {
        seed::state(&self.sites)
    }

    fn seed(&mut self, rows: Value, now: Timestamp) -> Result<(), Refused> {
        let (mut sites, mut sequence) = (self.sites.clone(), self.sequence.clone());
        seed::plant(&mut sites, &mut sequence, rows, now)?;
        (self.sites, self.sequence) = (sites, sequence);
        Ok(())
    }

    fn set_limits(&mut self, limits: Value) -> Result<(), Refused> {
        self.limits = serde_json::from_value(limits)?;
        Ok(())
    }

    fn reset(&mut self) {
        *self = Self::new(self.started.clone());
    }
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
