//! Users and groups of one account, as the last finished job left them.

use super::Account;
use super::field;
use super::index::Index;
use super::refusal::Failed;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

type Fields = Map<String, Value>;

/// One account.
#[derive(Clone, Debug)]
pub(super) struct Directory {
    pub(super) account: Account,
    users: BTreeMap<String, User>,
    groups: BTreeMap<String, Group>,
    pub(super) user_index: Index,
    pub(super) group_index: Index,
    next: u64,
}

#[derive(Clone, Debug, Default)]
struct User {
    fields: Fields,
    /// By key, so that it follows a change of the login name.
    manager: Option<String>,
}

#[derive(Clone, Debug, Default)]
struct Group {
    fields: Fields,
    members: BTreeSet<String>,
}

/// When a change is made and how long look-ups do not see it.
#[derive(Clone, Copy)]
pub(super) struct Moment {
    pub(super) at: Timestamp,
    pub(super) lag_ms: u64,
}

impl Directory {
    pub(super) fn new(account: Account) -> Self {
        Self {
            account,
            users: BTreeMap::new(),
            groups: BTreeMap::new(),
            user_index: Index::default(),
            group_index: Index::default(),
            next: 0x5c_0e12,
        }
    }

    pub(super) fn catch_up(&mut self, now: Timestamp) {
        self.user_index.catch_up(now);
        self.group_index.catch_up(now);
    }

    pub(super) fn user_keys(&self) -> impl Iterator<Item = &String> {
        self.users.keys()
    }

    pub(super) fn group_keys(&self) -> impl Iterator<Item = &String> {
        self.groups.keys()
    }

    /// A user as WSS shows it.
    pub(super) fn user(&self, key: &str) -> Option<Value> {
        let user = self.users.get(key)?;
        let mut row = json!({ "key": key });
        let fields = row.as_object_mut()?;
        fields.extend(user.fields.clone());
        let manager = user.manager.as_ref().and_then(|key| self.users.get(key));
        let login = manager.and_then(|manager| manager.fields.get("loginName"));
        if let Some(login) = login {
            fields.insert("managerLogin".to_owned(), login.clone());
        }
        Some(row)
    }

    /// A group as WSS shows it, without members.
    pub(super) fn group(&self, key: &str) -> Option<Value> {
        let mut row = json!({ "key": key });
        let fields = &self.groups.get(key)?.fields;
        row.as_object_mut()?.extend(fields.clone());
        Some(row)
    }

    /// The keys of a group's members.
    pub(super) fn members(&self, group: &str) -> Option<impl Iterator<Item = &String>> {
        Some(self.groups.get(group)?.members.iter())
    }

    pub(super) fn create_user(&mut self, said: &Fields, when: Moment) -> Result<String, Failed> {
        let mut user = User::default();
        user.fields.insert("state".to_owned(), "ENABLED".into());
        field::merge(&mut user.fields, said)?;
        self.manage(&mut user, said)?;
        self.must_be_free(None, &user)?;
        if self.users.len() >= self.account.users_most {
            return Err(Failed::quota());
        }
        let key = self.key("u");
        self.users.insert(key.clone(), user);
        self.show_user(&key, when);
        Ok(key)
    }

    pub(super) fn update_user(
        &mut self,
        key: &str,
        said: &Fields,
        when: Moment,
    ) -> Result<(), Failed> {
        let user = self.users.get(key).cloned();
        let mut user = user.ok_or_else(|| Failed::no_user(key))?;
        field::merge(&mut user.fields, said)?;
        self.manage(&mut user, said)?;
        self.must_be_free(Some(key), &user)?;
        let is_renamed = self
            .users
            .get(key)
            .and_then(|old| old.fields.get("loginName"))
            != user.fields.get("loginName");
        self.users.insert(key.to_owned(), user);
        self.show_user(key, when);
        if is_renamed {
            self.show_managed_by(key, when);
        }
        Ok(())
    }

    pub(super) fn delete_user(&mut self, key: &str, when: Moment) -> Result<(), Failed> {
        if self.users.remove(key).is_none() {
            return Err(Failed::no_user(key));
        }
        self.user_index.note(key, None, when.at, when.lag_ms);
        self.show_managed_by(key, when);
        for group in self.groups.values_mut() {
            group.members.remove(key);
        }
        Ok(())
    }

    pub(super) fn create_group(&mut self, said: &Fields, when: Moment) -> Result<String, Failed> {
        let mut group = Group::default();
        self.name_group(None, &mut group, said)?;
        let key = self.key("g");
        self.groups.insert(key.clone(), group);
        self.show_group(&key, when);
        Ok(key)
    }

    pub(super) fn update_group(
        &mut self,
        key: &str,
        said: &Fields,
        when: Moment,
    ) -> Result<(), Failed> {
        let group = self.groups.get(key).cloned();
        let mut group = group.ok_or_else(|| Failed::no_group(key))?;
        self.name_group(Some(key), &mut group, said)?;
        self.groups.insert(key.to_owned(), group);
        self.show_group(key, when);
        Ok(())
    }

    pub(super) fn delete_group(&mut self, key: &str, when: Moment) -> Result<(), Failed> {
        let removed = self.groups.remove(key);
        removed.ok_or_else(|| Failed::no_group(key))?;
        self.group_index.note(key, None, when.at, when.lag_ms);
        Ok(())
    }

    /// Whoever is a member already stays one.
    pub(super) fn add_member(&mut self, group: &str, member: &str) -> Result<(), Failed> {
        let is_known = self.users.contains_key(member);
        let group = self
            .groups
            .get_mut(group)
            .ok_or_else(|| Failed::no_group(group))?;
        if !is_known {
            return Err(Failed::no_member(member));
        }
        group.members.insert(member.to_owned());
        Ok(())
    }

    pub(super) fn remove_member(&mut self, group: &str, member: &str) -> Result<(), Failed> {
        let group = self
            .groups
            .get_mut(group)
            .ok_or_else(|| Failed::no_group(group))?;
        match group.members.remove(member) {
            true => Ok(()),
            false => Err(Failed::no_member(member)),
        }
    }

    /// The key of whoever has this login name.
    pub(super) fn by_login(&self, login: &str) -> Option<&String> {
        let mut users = self.users.iter();
        let found = users.find(|(_, user)| same(user.fields.get("loginName"), login));
        found.map(|(key, _)| key)
    }

    fn manage(&self, user: &mut User, said: &Fields) -> Result<(), Failed> {
        match said.get("managerLogin") {
            None => {}
            Some(Value::Null) => user.manager = None,
            Some(Value::String(login)) if !field::is_dotted_numeric(login) => {
                let key = self.by_login(login).ok_or_else(Failed::invalid_manager)?;
                user.manager = Some(key.clone());
            }
            Some(_) => return Err(Failed::invalid_manager()),
        }
        Ok(())
    }

    fn must_be_free(&self, key: Option<&str>, user: &User) -> Result<(), Failed> {
        let login = user.fields.get("loginName").and_then(Value::as_str);
        let holder = login.and_then(|login| self.by_login(login));
        match holder {
            Some(holder) if Some(holder.as_str()) != key => Err(Failed::duplicate_login()),
            _ => Ok(()),
        }
    }

    fn name_group(
        &self,
        key: Option<&str>,
        group: &mut Group,
        said: &Fields,
    ) -> Result<(), Failed> {
        for (name, value) in said {
            match (name.as_str(), value) {
                ("groupName" | "externalRef", Value::String(_)) => {
                    group.fields.insert(name.clone(), value.clone());
                }
                ("externalRef", Value::Null) => drop(group.fields.remove("externalRef")),
                ("groupName", _) => return Err(Failed::invalid("groupName", "must be given")),
                ("externalRef", _) => return Err(Failed::invalid("externalRef", "no text")),
                _ => return Err(Failed::unknown_field(name)),
            }
        }
        let name = group.fields.get("groupName").and_then(Value::as_str);
        let name = name.filter(|name| !name.is_empty());
        let name = name.ok_or_else(|| Failed::invalid("groupName", "must be given"))?;
        let mut groups = self.groups.iter();
        let taken = groups.any(|(other, group)| {
            Some(other.as_str()) != key && same(group.fields.get("groupName"), name)
        });
        if taken {
            return Err(Failed::duplicate_group());
        }
        Ok(())
    }

    fn show_user(&mut self, key: &str, when: Moment) {
        let row = self.user(key);
        self.user_index.note(key, row, when.at, when.lag_ms);
    }

    fn show_group(&mut self, key: &str, when: Moment) {
        let row = self.group(key);
        self.group_index.note(key, row, when.at, when.lag_ms);
    }

    fn show_managed_by(&mut self, manager: &str, when: Moment) {
        let managed = self.users.iter();
        let managed = managed.filter(|(_, user)| user.manager.as_deref() == Some(manager));
        let keys: Vec<_> = managed.map(|(key, _)| key.clone()).collect();
        for key in keys {
            self.show_user(&key, when);
        }
    }

    fn key(&mut self, sort: &str) -> String {
        self.next += 0x11;
        format!("{sort}-{:06x}", self.next)
    }
}

fn same(held: Option<&Value>, text: &str) -> bool {
    let held = held.and_then(Value::as_str);
    held.is_some_and(|held| held.to_lowercase() == text.to_lowercase())
}
