//! One customer's rows, and the rules between them.

use super::lookup::Lookup;
use super::refusal::Refusal;
use super::user::{Changes, Status, User};
use super::{Client, GroupBy};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The users and groups of one customer. No method sees another's.
#[derive(Clone, Debug)]
pub(super) struct Directory {
    pub(super) number: u64,
    pub(super) client: Client,
    users: BTreeMap<u64, User>,
    /// Group names by their lower case.
    pub(super) groups: BTreeMap<String, String>,
    emails: HashMap<String, u64>,
    logins: HashMap<String, u64>,
    external_refs: HashMap<String, BTreeSet<u64>>,
    active: u64,
}

impl Directory {
    pub(super) fn new(number: u64, client: Client) -> Self {
        Self {
            number,
            client,
            users: BTreeMap::new(),
            groups: BTreeMap::new(),
            emails: HashMap::new(),
            logins: HashMap::new(),
            external_refs: HashMap::new(),
            active: 0,
        }
    }

    /// How many licences are used: one for each `ACTIVE` user.
    pub(super) fn licences_used(&self) -> u64 {
        self.active
    }

    pub(super) fn users(&self) -> impl Iterator<Item = &User> {
        self.users.values()
    }

    /// The row of this id, archived or not; E1404 when this customer has none.
    pub(super) fn user(&self, id: u64) -> Result<&User, Refusal> {
        self.users.get(&id).ok_or(Refusal::NOT_FOUND)
    }

    /// The rows a look-up finds, by id.
    pub(super) fn find<'a>(
        &'a self,
        lookup: &'a Lookup,
    ) -> Box<dyn Iterator<Item = &'a User> + 'a> {
        let one = |id: Option<&u64>| Box::new(id.and_then(|id| self.users.get(id)).into_iter());
        let candidates: Box<dyn Iterator<Item = &User>> = if let Some(email) = &lookup.email {
            one(self.emails.get(email))
        } else if let Some(login) = &lookup.login {
            one(self.logins.get(login))
        } else if let Some(external_ref) = &lookup.external_ref {
            let ids = self.external_refs.get(external_ref).into_iter().flatten();
            Box::new(ids.filter_map(|id| self.users.get(id)))
        } else {
            Box::new(self.users.values())
        };
        Box::new(candidates.filter(|user| lookup.finds(user)))
    }

    /// A new `PENDING` row.
    pub(super) fn create(
        &mut self,
        id: u64,
        changes: Changes,
        now: Timestamp,
    ) -> Result<&User, Refusal> {
        let user = self.changed(User::new(id, now), changes, now)?;
        user.must_be_complete()?;
        self.must_be_free(&user)?;
        Ok(self.store_grouped(user))
    }

    /// A merge: what the changes do not name stays.
    pub(super) fn patch(
        &mut self,
        id: u64,
        changes: Changes,
        now: Timestamp,
    ) -> Result<&User, Refusal> {
        let user = self.changed(self.unarchived(id)?.clone(), changes, now)?;
        self.must_be_free(&user)?;
        Ok(self.store_grouped(user))
    }

    pub(super) fn activate(&mut self, id: u64, now: Timestamp) -> Result<&User, Refusal> {
        let status = self.unarchived(id)?.status;
        if status != Status::Active && self.active >= self.client.licences_total {
            return Err(Refusal::NO_LICENCE);
        }
        self.set_status(id, Status::Active, now)
    }

    pub(super) fn deactivate(&mut self, id: u64, now: Timestamp) -> Result<&User, Refusal> {
        self.unarchived(id)?;
        self.set_status(id, Status::Inactive, now)
    }

    /// E1404 for a row already archived.
    pub(super) fn archive(&mut self, id: u64, now: Timestamp) -> Result<(), Refusal> {
        self.unarchived(id).map_err(|_| Refusal::NOT_FOUND)?;
        self.set_status(id, Status::Archived, now).map(drop)
    }

    /// Changes nothing on a row that is not archived.
    pub(super) fn restore(&mut self, id: u64, now: Timestamp) -> Result<&User, Refusal> {
        match self.user(id)?.status {
            Status::Archived => self.set_status(id, Status::Inactive, now),
            _ => self.user(id),
        }
    }

    /// Puts a row in place, whatever was there, and keeps the indexes and the licence count right.
    pub(super) fn store(&mut self, user: User) -> &User {
        if let Some(old) = self.users.remove(&user.id) {
            self.unindex(&old);
        }
        self.index(&user);
        self.users.entry(user.id).or_insert(user)
    }

    /// E1001 or E1002 when another row, archived ones too, has the e-mail address or login.
    pub(super) fn must_be_free(&self, user: &User) -> Result<(), Refusal> {
        let other = |taken: &HashMap<String, u64>, field| {
            let key = user.get(field).map(str::to_lowercase);
            key.and_then(|key| taken.get(&key).copied())
                .filter(|id| *id != user.id)
        };
        if let Some(id) = other(&self.emails, "email") {
            return Err(Refusal::email_taken(id));
        }
        other(&self.logins, "login").map_or(Ok(()), |id| Err(Refusal::login_taken(id)))
    }

    /// The row with the changes, checked for everything but uniqueness.
    fn changed(&self, mut user: User, changes: Changes, now: Timestamp) -> Result<User, Refusal> {
        let email = changes.touches("email");
        self.must_know_group(&changes)?;
        user.apply(changes);
        user.updated_at = now;
        if email {
            self.must_be_our_domain(&user)?;
        }
        Ok(user)
    }

    /// Stores a checked row, in the group of its department where the customer groups by attribute.
    fn store_grouped(&mut self, mut user: User) -> &User {
        if self.client.group_by == GroupBy::Attribute {
            let department = user
                .get("department")
                .map(str::trim)
                .filter(|name| !name.is_empty());
            user.user_group = department.map(|department| self.ensure_group(department));
        }
        self.store(user)
    }

    fn must_know_group(&self, changes: &Changes) -> Result<(), Refusal> {
        let refuse = |message| Err(Refusal::bad_field("user_group", message));
        match &changes.user_group {
            None => Ok(()),
            Some(_) if self.client.group_by == GroupBy::Attribute => {
                refuse("Gruppen folgen der Abteilung.")
            }
            Some(Some(name)) if !self.has_group(name) => refuse("Unbekannte Gruppe."),
            Some(_) => Ok(()),
        }
    }

    fn must_be_our_domain(&self, user: &User) -> Result<(), Refusal> {
        let domain = user
            .get("email")
            .and_then(|email| email.rsplit_once('@'))
            .map(|(_, domain)| domain);
        let ours = |domain| {
            self.client
                .domains
                .iter()
                .any(|ours| ours.eq_ignore_ascii_case(domain))
        };
        let allowed = self.client.domains.is_empty() || domain.is_none_or(ours);
        if allowed {
            Ok(())
        } else {
            Err(Refusal::foreign_domain())
        }
    }

    /// E1404 when there is none, E1007 on `status` when it is archived.
    fn unarchived(&self, id: u64) -> Result<&User, Refusal> {
        match self.user(id)? {
            user if user.status == Status::Archived => {
                Err(Refusal::bad_field("status", "Der Benutzer ist archiviert."))
            }
            user => Ok(user),
        }
    }

    fn set_status(&mut self, id: u64, status: Status, now: Timestamp) -> Result<&User, Refusal> {
        let mut user = self.user(id)?.clone();
        if user.status != status {
            user.status = status;
            user.updated_at = now;
        }
        Ok(self.store(user))
    }

    fn index(&mut self, user: &User) {
        self.active += u64::from(user.status == Status::Active);
        let key = |field| user.get(field).map(str::to_lowercase);
        self.emails
            .extend(key("email").map(|email| (email, user.id)));
        self.logins
            .extend(key("login").map(|login| (login, user.id)));
        if let Some(external_ref) = user.get("external_ref") {
            self.external_refs
                .entry(external_ref.to_owned())
                .or_default()
                .insert(user.id);
        }
    }

    fn unindex(&mut self, user: &User) {
        self.active -= u64::from(user.status == Status::Active);
        let key = |field| user.get(field).map(str::to_lowercase).unwrap_or_default();
        self.emails.remove(&key("email"));
        self.logins.remove(&key("login"));
        let external_ref = user.get("external_ref").unwrap_or_default();
        if let Some(ids) = self.external_refs.get_mut(external_ref) {
            ids.remove(&user.id);
            if ids.is_empty() {
                self.external_refs.remove(external_ref);
            }
        }
    }
}
