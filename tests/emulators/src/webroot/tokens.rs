//! The token endpoint: password, refresh and client credentials (RFC 6749).

use super::Account;
use crate::kit::{Answer, Call, basic};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use std::collections::HashMap;

const ACCESS: SignedDuration = SignedDuration::from_secs(300);
const REFRESH: SignedDuration = SignedDuration::from_hours(14 * 24);

/// Every token given and not ended; by text: whose, and until when.
#[derive(Clone, Debug, Default)]
pub(super) struct Tokens {
    access: HashMap<String, (String, Timestamp)>,
    refresh: HashMap<String, (String, Timestamp)>,
    given: u64,
}

impl Tokens {
    /// The client id behind a call's bearer token.
    pub(super) fn client(&self, call: &Call, now: Timestamp) -> Option<String> {
        let token = call.header("authorization")?.strip_prefix("Bearer ")?;
        let (client, ends) = self.access.get(token)?;
        (now < *ends).then(|| client.clone())
    }

    /// Whose the call's token is or was, for the journal.
    pub(super) fn owner(&self, call: &Call) -> Option<String> {
        let token = call.header("authorization")?.strip_prefix("Bearer ")?;
        self.access.get(token).map(|(client, _)| client.clone())
    }

    /// `POST /auth/token`.
    pub(super) fn ask(&mut self, accounts: &[Account], call: &Call, now: Timestamp) -> Answer {
        let form: HashMap<String, String> = url::form_urlencoded::parse(&call.body)
            .into_owned()
            .collect();
        let field = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
        let Some(account) = authenticated(accounts, call, &form) else {
            return Answer::json(401, &json!({"error": "invalid_client"}));
        };
        let granted = match field("grant_type") {
            "password" => {
                field("username") == account.username && field("password") == account.password
            }
            // Good for once.
            "refresh_token" => {
                let known = self.refresh.remove(field("refresh_token"));
                known.is_some_and(|(client, ends)| client == account.client_id && now < ends)
            }
            "client_credentials" => true,
            _ => return Answer::json(400, &json!({"error": "unsupported_grant_type"})),
        };
        match granted {
            true => self.give(&account.client_id, now),
            false => Answer::json(400, &json!({"error": "invalid_grant"})),
        }
    }

    fn give(&mut self, client: &str, now: Timestamp) -> Answer {
        self.given += 1;
        let (access, refresh) = (
            format!("access-{client}-{}", self.given),
            format!("refresh-{client}-{}", self.given),
        );
        let until = |life| now.checked_add(life).unwrap_or(Timestamp::MAX);
        let owner = client.to_owned();
        self.access
            .insert(access.clone(), (owner.clone(), until(ACCESS)));
        self.refresh
            .insert(refresh.clone(), (owner, until(REFRESH)));
        let body = json!({
            "access_token": access,
            "refresh_token": refresh,
            "token_type": "bearer",
            "expires_in": ACCESS.as_secs(),
            "scope": "*",
        });
        Answer::json(200, &body)
    }
}

/// The account whose client id and secret the call bears, as Basic or in the form.
fn authenticated<'a>(
    accounts: &'a [Account],
    call: &Call,
    form: &HashMap<String, String>,
) -> Option<&'a Account> {
    let authorization = call.header("authorization");
    accounts.iter().find(|account| {
        let (id, secret) = (&account.client_id, &account.client_secret);
        let in_form =
            form.get("client_id") == Some(id) && form.get("client_secret") == Some(secret);
        in_form || authorization == Some(&basic(id, secret))
    })
}
