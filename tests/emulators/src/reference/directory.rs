//! People, teams, and who is in which.

use super::refusal::Refusal;
use super::row::Row;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Ids are never given twice, so the first ones are as good as any.
const FIRST_ID: u64 = 1001;

/// Rows of one sort, in the order of their making.
#[derive(Clone, Debug)]
pub(super) struct Table {
    /// First letter of the ids.
    letter: char,
    /// The field every row has and no other has, ignoring case.
    key: &'static str,
    rows: BTreeMap<u64, Row>,
    by_key: BTreeMap<String, u64>,
    next: u64,
}

impl Table {
    fn new(letter: char, key: &'static str) -> Self {
        Self {
            letter,
            key,
            rows: BTreeMap::new(),
            by_key: BTreeMap::new(),
            next: FIRST_ID,
        }
    }

    pub(super) fn row(&self, id: &str) -> Result<&Row, Refusal> {
        let row = self.number(id).and_then(|number| self.rows.get(&number));
        row.ok_or(Refusal::ABSENT)
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = &Row> {
        self.rows.values()
    }

    /// The rows that have these values; those of the key field ignore case.
    pub(super) fn find(&self, wanted: &[(String, String)]) -> Vec<&Row> {
        let fits = |row: &&Row| {
            wanted
                .iter()
                .all(|(field, value)| self.has(row, field, value))
        };
        let key = wanted.iter().find(|(field, _)| field == self.key);
        match key {
            None => self.rows().filter(fits).collect(),
            Some((_, value)) => {
                let number = self.by_key.get(&value.to_lowercase());
                let row = number.and_then(|number| self.rows.get(number));
                row.into_iter().filter(fits).collect()
            }
        }
    }

    pub(super) fn create(
        &mut self,
        fields: Map<String, Value>,
        now: Timestamp,
    ) -> Result<&Row, Refusal> {
        let number = self.next;
        let id = format!("{}{number}", self.letter);
        let row = self.checked(Row::new(id, now).merged(fields, now)?, number)?;
        self.next += 1;
        Ok(self.store(number, row))
    }

    pub(super) fn change(
        &mut self,
        id: &str,
        patch: Map<String, Value>,
        now: Timestamp,
    ) -> Result<&Row, Refusal> {
        let number = self.number(id).ok_or(Refusal::ABSENT)?;
        let row = self.checked(self.row(id)?.merged(patch, now)?, number)?;
        self.remove(id)?;
        Ok(self.store(number, row))
    }

    pub(super) fn remove(&mut self, id: &str) -> Result<(), Refusal> {
        let number = self.number(id).ok_or(Refusal::ABSENT)?;
        let row = self.rows.remove(&number).ok_or(Refusal::ABSENT)?;
        self.by_key.remove(&self.key_of(&row));
        Ok(())
    }

    fn touch(&mut self, id: &str, now: Timestamp) {
        let row = self
            .number(id)
            .and_then(|number| self.rows.get_mut(&number));
        if let Some(row) = row {
            row.updated = now;
        }
    }

    fn number(&self, id: &str) -> Option<u64> {
        let digits = id.strip_prefix(self.letter)?;
        let number = digits.parse().ok()?;
        (digits == format!("{number}")).then_some(number)
    }

    fn has(&self, row: &Row, field: &str, value: &str) -> bool {
        let held = row.text(field);
        match field == self.key {
            true => held.is_some_and(|held| held.to_lowercase() == value.to_lowercase()),
            false => held == Some(value),
        }
    }

    fn checked(&self, row: Row, number: u64) -> Result<Row, Refusal> {
        if row.text(self.key).is_none_or(|key| key.trim().is_empty()) {
            return Err(Refusal::missing(self.key));
        }
        match self.by_key.get(&self.key_of(&row)) {
            Some(other) if *other != number => Err(Refusal::taken(self.key)),
            _ => Ok(row),
        }
    }

    fn key_of(&self, row: &Row) -> String {
        row.text(self.key).unwrap_or_default().to_lowercase()
    }

    fn store(&mut self, number: u64, row: Row) -> &Row {
        self.by_key.insert(self.key_of(&row), number);
        self.rows.entry(number).or_insert(row)
    }
}

/// Everything the backend holds.
#[derive(Clone, Debug)]
pub(super) struct Directory {
    pub(super) people: Table,
    pub(super) teams: Table,
    /// Team and person.
    memberships: BTreeSet<(String, String)>,
}

impl Directory {
    pub(super) fn new() -> Self {
        Self {
            people: Table::new('p', "userName"),
            teams: Table::new('t', "name"),
            memberships: BTreeSet::new(),
        }
    }

    /// A person as it is shown: with its teams and its manager's name.
    pub(super) fn person(&self, row: &Row) -> Value {
        let mut shown = row.shown();
        if let Some(name) = self.manager_name(&shown)
            && let Some(Value::Object(manager)) = shown.get_mut("manager")
        {
            manager.insert("displayName".to_owned(), name);
        }
        let teams = self
            .teams
            .rows()
            .filter(|team| self.is_in(&team.id, &row.id));
        let teams: Vec<Value> = teams
            .map(|team| json!({"id": team.id, "name": team.text("name")}))
            .collect();
        if !teams.is_empty() {
            shown.insert("teams".to_owned(), teams.into());
        }
        Value::Object(shown)
    }

    pub(super) fn members(&self, team: &str) -> Result<Vec<&str>, Refusal> {
        self.teams.row(team)?;
        let members = self.memberships.iter().filter(|(of, _)| of == team);
        Ok(members.map(|(_, person)| person.as_str()).collect())
    }

    /// All or nothing: one who is not there keeps the others out.
    pub(super) fn regroup(
        &mut self,
        team: &str,
        add: Vec<String>,
        remove: &[String],
        now: Timestamp,
    ) -> Result<(), Refusal> {
        self.teams.row(team)?;
        if add.iter().any(|person| self.people.row(person).is_err()) {
            return Err(Refusal::no_person());
        }
        let before = self.memberships.clone();
        self.memberships
            .retain(|(of, person)| of != team || !remove.contains(person));
        let added = add.into_iter().map(|person| (team.to_owned(), person));
        self.memberships.extend(added);
        if self.memberships != before {
            self.teams.touch(team, now);
        }
        Ok(())
    }

    /// Whoever goes leaves all teams.
    pub(super) fn remove_person(&mut self, id: &str) -> Result<(), Refusal> {
        self.people.remove(id)?;
        self.memberships.retain(|(_, person)| person != id);
        Ok(())
    }

    pub(super) fn remove_team(&mut self, id: &str) -> Result<(), Refusal> {
        self.teams.remove(id)?;
        self.memberships.retain(|(team, _)| team != id);
        Ok(())
    }

    fn is_in(&self, team: &str, person: &str) -> bool {
        self.memberships
            .contains(&(team.to_owned(), person.to_owned()))
    }

    fn manager_name(&self, person: &Map<String, Value>) -> Option<Value> {
        let id = person.get("manager")?.get("id")?.as_str()?;
        let manager = self.people.row(id).ok()?;
        manager.text("displayName").map(Value::from)
    }
}
