//! One network's users, and the rules between them.

use super::Network;
use super::operation::Page;
use super::refusal::Refusal;
use super::user::{AccountType, Status, User};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// How long a deactivated user can come back.
const GRACE: SignedDuration = SignedDuration::from_hours(30 * 24);

/// The users of one network. No method sees another's.
#[derive(Clone, Debug)]
pub(super) struct Directory {
    pub(super) network: Network,
    users: BTreeMap<u64, User>,
}

impl Directory {
    pub(super) fn new(network: Network) -> Self {
        Self {
            network,
            users: BTreeMap::new(),
        }
    }

    pub(super) fn users(&self) -> impl Iterator<Item = &User> {
        self.users.values()
    }

    /// Removes whose time is over.
    pub(super) fn purge_due(&mut self, now: Timestamp) {
        self.users
            .retain(|_, user| user.purge_at.is_none_or(|due| now < due));
    }

    pub(super) fn user(&self, id: &str) -> Result<&User, Refusal> {
        let found = self.users.values().find(|user| user.id() == id);
        found.ok_or_else(Refusal::not_found)
    }

    /// The rows a page holds, whether there are more, and how many there are in all.
    pub(super) fn list(&self, page: &Page) -> Result<(Vec<&User>, bool, usize), Refusal> {
        let shown: Vec<_> = self.users().filter(|user| page.shows(user)).collect();
        let begin = match &page.after {
            None => 0,
            Some(cursor) => {
                let last = self.users().find(|user| user.cursor() == *cursor);
                let last = last.ok_or_else(|| Refusal::validation("after", "unknown cursor"))?;
                shown.partition_point(|user| user.number <= last.number)
            }
        };
        let rows: Vec<_> = shown.iter().skip(begin).take(page.first).copied().collect();
        let more = begin + rows.len() < shown.len();
        Ok((rows, more, shown.len()))
    }

    /// A new user, invited or not.
    pub(super) fn create(
        &mut self,
        number: u64,
        input: Map<String, Value>,
        now: Timestamp,
    ) -> Result<&User, Refusal> {
        let mut input = input;
        let invite = input.shift_remove("invite") == Some(Value::Bool(true));
        let mut user = User::new(number, now);
        user.apply(&input)?;
        if invite {
            user.status = Status::Invited;
        }
        for (field, value) in [("login", &user.login), ("email", &user.email)] {
            if value.is_empty() {
                return Err(Refusal::validation(field, "must be given"));
            }
        }
        self.must_be_free(&user)?;
        self.must_have_licence()?;
        Ok(self.store(user))
    }

    /// A change of the version the caller knows.
    pub(super) fn update(
        &mut self,
        id: &str,
        input: &Map<String, Value>,
        version: u64,
        now: Timestamp,
    ) -> Result<&User, Refusal> {
        let old = self.user(id)?.clone();
        if old.version != version {
            return Err(Refusal::version_conflict(old.version));
        }
        let mut user = old.clone();
        user.apply(input)?;
        self.must_be_free(&user)?;
        if user.account_type != AccountType::Administrator {
            self.must_not_be_last_administrator(&old)?;
        }
        user.version += 1;
        user.updated_at = now;
        Ok(self.store(user))
    }

    /// Hidden from now on, and purged in 30 days. Nothing happens to one who is already.
    pub(super) fn deactivate(
        &mut self,
        id: &str,
        hand_over: &Map<String, Value>,
        now: Timestamp,
    ) -> Result<&User, Refusal> {
        let mut user = self.user(id)?.clone();
        if user.status == Status::Deactivated {
            return self.user(id);
        }
        self.must_not_be_last_administrator(&user)?;
        let tasks = std::mem::take(&mut user.open_tasks);
        match self.heir(&user, hand_over)? {
            Some(heir) => {
                let heir = self.users.get_mut(&heir);
                heir.into_iter().for_each(|heir| heir.open_tasks += tasks);
            }
            None if tasks > 0 && hand_over.get("tasks") != Some(&"COMPLETE".into()) => {
                return Err(Refusal::handover_required(tasks));
            }
            None => {}
        }
        user.before = user.status;
        user.status = Status::Deactivated;
        user.purge_at = now.checked_add(GRACE).ok();
        user.updated_at = now;
        Ok(self.store(user))
    }

    /// Back as before. Nothing happens to one who is not deactivated.
    pub(super) fn reactivate(&mut self, id: &str, now: Timestamp) -> Result<&User, Refusal> {
        let mut user = self.user(id)?.clone();
        if user.status != Status::Deactivated {
            return self.user(id);
        }
        self.must_have_licence()?;
        user.status = user.before;
        user.purge_at = None;
        user.updated_at = now;
        Ok(self.store(user))
    }

    /// Gone at once; only of one who is deactivated, and whose name was typed.
    pub(super) fn purge(&mut self, id: &str, full_name: &str) -> Result<(), Refusal> {
        let user = self.user(id)?;
        if user.status != Status::Deactivated {
            return Err(Refusal::validation("status", "deactivate the user first"));
        }
        if user.full_name() != full_name {
            let message = "does not match the full name";
            return Err(Refusal::validation("confirmFullName", message));
        }
        let number = user.number;
        self.users.remove(&number);
        Ok(())
    }

    /// Puts a row in place, whatever was there.
    pub(super) fn store(&mut self, user: User) -> &User {
        let number = user.number;
        self.users.remove(&number);
        self.users.entry(number).or_insert(user)
    }

    /// LOGIN_TAKEN or EMAIL_TAKEN when another user, deactivated ones too, has it.
    pub(super) fn must_be_free(&self, user: &User) -> Result<(), Refusal> {
        let mut others = self.users().filter(|other| other.number != user.number);
        let taken = others.find_map(|other| {
            let same = |a: &str, b: &str| a.to_lowercase() == b.to_lowercase();
            match (
                same(&other.login, &user.login),
                same(&other.email, &user.email),
            ) {
                (true, _) => Some(Refusal::login_taken()),
                (_, true) => Some(Refusal::email_taken()),
                _ => None,
            }
        });
        taken.map_or(Ok(()), Err)
    }

    fn heir(&self, user: &User, hand_over: &Map<String, Value>) -> Result<Option<u64>, Refusal> {
        let Some(to) = hand_over.get("reassignTo").and_then(Value::as_str) else {
            return Ok(None);
        };
        let heir = self.user(to).ok();
        let heir =
            heir.filter(|heir| heir.status != Status::Deactivated && heir.number != user.number);
        let heir = heir.ok_or_else(|| Refusal::validation("reassignTo", "no such active user"))?;
        Ok(Some(heir.number))
    }

    fn must_have_licence(&self) -> Result<(), Refusal> {
        let used = self
            .users()
            .filter(|user| user.status != Status::Deactivated);
        match used.count() < self.network.licences_total {
            true => Ok(()),
            false => Err(Refusal::license_exhausted()),
        }
    }

    fn must_not_be_last_administrator(&self, user: &User) -> Result<(), Refusal> {
        let rules = |user: &&User| {
            user.account_type == AccountType::Administrator && user.status != Status::Deactivated
        };
        let others = self.users().filter(|other| other.number != user.number);
        match rules(&user) && !others.into_iter().any(|other| rules(&other)) {
            true => Err(Refusal::last_administrator()),
            false => Ok(()),
        }
    }
}
