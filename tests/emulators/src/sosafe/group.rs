//! User groups. A group's name is its key; a user carries the name of its one group.

use super::directory::Directory;
use super::refusal::Refusal;
use super::user::{Status, User};
use jiff::Timestamp;
use serde::Serialize;

/// The longest name, in characters.
const NAME: usize = 80;

/// `{"name": "Finance"}`.
#[derive(Debug, Serialize)]
pub(super) struct Group {
    name: String,
}

impl Directory {
    /// All groups, by name.
    pub(super) fn list_groups(&self) -> impl Iterator<Item = Group> {
        self.groups
            .values()
            .map(|name| Group { name: name.clone() })
    }

    /// Makes a group; `true` when it is new. A name that differs in case only is taken: E1201.
    pub(super) fn put_group(&mut self, name: &str) -> Result<(Group, bool), Refusal> {
        let name = accept(name, "name")?;
        let new = match self.groups.get(&name.to_lowercase()) {
            Some(taken) if *taken != name => return Err(Refusal::group_taken()),
            taken => taken.is_none(),
        };
        self.groups.insert(name.to_lowercase(), name.clone());
        Ok((Group { name }, new))
    }

    /// Changes the key; the users follow, archived ones too.
    pub(super) fn rename_group(
        &mut self,
        from: &str,
        to: &str,
        now: Timestamp,
    ) -> Result<Group, Refusal> {
        let from = self.known_group(from)?;
        let to = accept(to, "to")?;
        let taken = self.groups.get(&to.to_lowercase());
        if taken.is_some_and(|taken| *taken != from) {
            return Err(Refusal::group_taken());
        }
        self.groups.remove(&from.to_lowercase());
        self.groups.insert(to.to_lowercase(), to.clone());
        self.move_users(&from, Some(&to), now);
        Ok(Group { name: to })
    }

    /// E1208 while a user is in it. Archived users do not count and lose the group.
    pub(super) fn delete_group(&mut self, name: &str, now: Timestamp) -> Result<(), Refusal> {
        let name = self.known_group(name)?;
        if self
            .members(&name)
            .any(|user| user.status != Status::Archived)
        {
            return Err(Refusal::group_not_empty());
        }
        self.move_users(&name, None, now);
        self.groups.remove(&name.to_lowercase());
        Ok(())
    }

    /// Whether there is a group spelt exactly so.
    pub(super) fn has_group(&self, name: &str) -> bool {
        self.groups
            .get(&name.to_lowercase())
            .is_some_and(|known| known == name)
    }

    /// The group of this name ignoring case, made when there is none.
    pub(super) fn ensure_group(&mut self, name: &str) -> String {
        self.groups
            .entry(name.to_lowercase())
            .or_insert_with(|| name.to_owned())
            .clone()
    }

    fn known_group(&self, name: &str) -> Result<String, Refusal> {
        let name = name.trim();
        if self.has_group(name) {
            Ok(name.to_owned())
        } else {
            Err(Refusal::NOT_FOUND)
        }
    }

    fn members<'a>(&'a self, group: &'a str) -> impl Iterator<Item = &'a User> + 'a {
        self.users()
            .filter(move |user| user.user_group.as_deref() == Some(group))
    }

    fn move_users(&mut self, from: &str, to: Option<&str>, now: Timestamp) {
        let moved: Vec<User> = self.members(from).cloned().collect();
        for user in moved {
            self.store(User {
                user_group: to.map(str::to_owned),
                updated_at: now,
                ..user
            });
        }
    }
}

fn accept(name: &str, field: &str) -> Result<String, Refusal> {
    let name = name.trim();
    match name.chars().count() {
        0 => Err(Refusal::bad_field(field, "Pflichtfeld ist leer.")),
        length if length > NAME => Err(Refusal::bad_field(field, "Der Wert ist zu lang.")),
        _ => Ok(name.to_owned()),
    }
}
