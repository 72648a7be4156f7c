//! One customer's directory: what each action does to it.

use super::Client;
use super::element::Element;
use super::entry::{Entry, Group, Head, User};
use super::refusal::{Refusal, done, xml};
use super::request::{Form, Part, Sort, Target};
use super::xpath::Test;
use crate::kit::Answer;
use jiff::Timestamp;
use std::collections::BTreeMap;

/// Entries by name.
pub(super) type Entries<E> = BTreeMap<String, E>;

/// One customer's directory.
#[derive(Clone, Debug)]
pub(super) struct Directory {
    pub(super) client: Client,
    pub(super) users: Entries<User>,
    pub(super) groups: Entries<Group>,
    made: u64,
}

impl Directory {
    pub(super) fn new(client: Client) -> Self {
        Self {
            client,
            users: Entries::new(),
            groups: Entries::new(),
            made: 0,
        }
    }

    /// Carries out `type=config`.
    pub(super) fn perform(
        &mut self,
        form: &Form,
        target: &Target,
        now: Timestamp,
    ) -> Result<Answer, Refusal> {
        let action = form.get("action").map_or("", String::as_str);
        match (target.sort, &target.part, action) {
            (Sort::User, Part::Entry, "get") => list(&self.users, &target.tests),
            (Sort::Group, Part::Entry, "get") => list(&self.groups, &target.tests),
            (_, Part::Entry, "delete") => self.delete(target),
            (_, Part::Entry, "rename") => self.rename(form, target, now),
            (_, Part::Members, "set") => self.add_members(form, target, now),
            (_, Part::Member(user), "delete") => self.remove_member(target, user, now),
            (_, Part::Attr(attr), "delete") => self.delete_attr(target, attr, now),
            (_, Part::Entry, "create" | "edit" | "set") => self.write(form, target, action, now),
            _ => Err(Refusal::INVALID_COMMAND),
        }
    }

    fn write(
        &mut self,
        form: &Form,
        target: &Target,
        action: &str,
        now: Timestamp,
    ) -> Result<Answer, Refusal> {
        let elements = Element::parse(form.get("element").map_or("", String::as_str))?;
        let head = self.head(&target.name()?, now);
        let custom = &self.client.custom;
        match target.sort {
            Sort::User => write(&mut self.users, head, action, &elements, custom)?,
            Sort::Group => {
                self.check_members(&elements)?;
                write(&mut self.groups, head, action, &elements, custom)?;
            }
        }
        Ok(done())
    }

    fn delete(&mut self, target: &Target) -> Result<Answer, Refusal> {
        let name = target.name()?;
        if target.sort == Sort::Group {
            return gone(self.groups.remove(&name));
        }
        let holders = self
            .groups
            .values()
            .filter(|group| group.members.contains(&name));
        let holders: Vec<String> = holders.map(|group| group.head.name.clone()).collect();
        if self.users.contains_key(&name) && !holders.is_empty() {
            return Err(Refusal::referenced(&name, &holders));
        }
        gone(self.users.remove(&name))
    }

    /// Groups go on holding the old name.
    fn rename(&mut self, form: &Form, target: &Target, now: Timestamp) -> Result<Answer, Refusal> {
        let (from, to) = (
            target.name()?,
            form.get("newname").cloned().unwrap_or_default(),
        );
        match target.sort {
            Sort::User => rename(&mut self.users, &from, &to, now)?,
            Sort::Group => rename(&mut self.groups, &from, &to, now)?,
        }
        Ok(done())
    }

    fn add_members(
        &mut self,
        form: &Form,
        target: &Target,
        now: Timestamp,
    ) -> Result<Answer, Refusal> {
        let elements = Element::parse(form.get("element").map_or("", String::as_str))?;
        self.check_members(&elements)?;
        let head = self.head(&target.name()?, now);
        write(&mut self.groups, head, "set", &elements, &[])?;
        Ok(done())
    }

    fn remove_member(
        &mut self,
        target: &Target,
        user: &str,
        now: Timestamp,
    ) -> Result<Answer, Refusal> {
        let group = self
            .groups
            .get_mut(&target.name()?)
            .ok_or(Refusal::NOT_PRESENT)?;
        if !group.members.remove(user) {
            return Err(Refusal::NOT_PRESENT);
        }
        group.head.changed = stamp(now);
        Ok(done())
    }

    fn delete_attr(
        &mut self,
        target: &Target,
        attr: &str,
        now: Timestamp,
    ) -> Result<Answer, Refusal> {
        let user = self
            .users
            .get_mut(&target.name()?)
            .ok_or(Refusal::NOT_PRESENT)?;
        user.attrs.remove(attr).ok_or(Refusal::NOT_PRESENT)?;
        user.head.changed = stamp(now);
        Ok(done())
    }

    fn check_members(&self, elements: &[Element]) -> Result<(), Refusal> {
        let mut members = elements.iter().filter(|element| element.name == "member");
        match members.find(|member| !self.users.contains_key(&member.text)) {
            Some(stranger) => Err(Refusal::object_not_found(&stranger.text)),
            None => Ok(()),
        }
    }

    /// The head a new entry of this name gets.
    pub(super) fn head(&mut self, name: &str, now: Timestamp) -> Head {
        self.made += 1;
        let number = self.made;
        Head {
            name: name.to_owned(),
            unique_id: format!("{number:08x}-94e8-4873-b957-{number:012x}"),
            created: stamp(now),
            changed: stamp(now),
        }
    }
}

fn list<E: Entry>(entries: &Entries<E>, tests: &[Test]) -> Result<Answer, Refusal> {
    let nobody = E::default();
    if tests.iter().any(|test| nobody.passes(test).is_none()) {
        return Err(Refusal::BAD_XPATH);
    }
    let passes = |entry: &&E| tests.iter().all(|test| entry.passes(test) == Some(true));
    let mut found: Vec<&E> = entries.values().filter(passes).collect();
    let total = found.len();
    for test in tests.iter().rev() {
        match test {
            Test::UpTo(last) => found.truncate(*last),
            Test::After(first) => drop(found.drain(..(*first).min(found.len()))),
            _ => {}
        }
    }
    if total == 0 {
        return Err(Refusal::NOT_PRESENT);
    }
    let count = found.len();
    let rows: String = found.into_iter().map(Entry::xml).collect();
    Ok(xml(format!(
        r#"<response status="success" code="19"><result total-count="{total}" count="{count}">{rows}</result></response>"#
    )))
}

/// `create`, `edit` (which replaces) and `set` (which makes or merges).
fn write<E: Entry>(
    entries: &mut Entries<E>,
    head: Head,
    action: &str,
    elements: &[Element],
    custom: &[String],
) -> Result<(), Refusal> {
    let held = entries.get(&head.name).cloned();
    if !E::fits(&head.name) {
        return Err(Refusal::invalid(&head.name));
    }
    let (mut entry, elements) = match (action, held) {
        ("create", Some(_)) => return Err(Refusal::not_unique(&head.name)),
        ("edit", None) => return Err(Refusal::NOT_PRESENT),
        ("edit", Some(held)) => (emptied(&held), replacement(elements, &head.name)?),
        (_, Some(held)) => (held, elements),
        (_, None) => (born(&head), elements),
    };
    entry.merge(elements, custom)?;
    if !entry.is_complete() && action != "set" {
        return Err(Refusal::invalid(&head.name));
    }
    entry.head_mut().changed.clone_from(&head.changed);
    entries.insert(head.name, entry);
    Ok(())
}

fn born<E: Entry>(head: &Head) -> E {
    let mut entry = E::default();
    *entry.head_mut() = head.clone();
    entry
}

fn emptied<E: Entry>(held: &E) -> E {
    born(held.head())
}

/// `edit` names the whole entry.
fn replacement<'a>(elements: &'a [Element], name: &str) -> Result<&'a [Element], Refusal> {
    match elements {
        [entry]
            if entry.name == "entry"
                && entry.attributes.get("name").is_some_and(|it| it == name) =>
        {
            Ok(&entry.children)
        }
        _ => Err(Refusal::MALFORMED),
    }
}

fn rename<E: Entry>(
    entries: &mut Entries<E>,
    from: &str,
    to: &str,
    now: Timestamp,
) -> Result<(), Refusal> {
    if entries.contains_key(to) {
        return Err(Refusal::not_unique(to));
    }
    if !E::fits(to) {
        return Err(Refusal::invalid(to));
    }
    let mut entry = entries.remove(from).ok_or(Refusal::NOT_PRESENT)?;
    entry.head_mut().name = to.to_owned();
    entry.head_mut().changed = stamp(now);
    entries.insert(to.to_owned(), entry);
    Ok(())
}

fn gone<E>(removed: Option<E>) -> Result<Answer, Refusal> {
    removed.map(|_| done()).ok_or(Refusal::NOT_PRESENT)
}

/// `20261120090000.0Z`.
fn stamp(now: Timestamp) -> String {
    now.strftime("%Y%m%d%H%M%S.0Z").to_string()
}
