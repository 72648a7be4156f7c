//! What is always true of an answer, judged the moment it is made.

use serde_json::Value;

use crate::book::{About, Book, Created, Fate};
use crate::class::Groups;
use crate::gateway::Got;
use crate::history::{Fields, Object, Sort, differs, holds, members, same};
use crate::vendor::Vendor;
use crate::world::World;

/// The longest an answer may take, in milliseconds.
const LATEST: u64 = 46_000;

/// How long a deletion of a closed intent may wait for its commit, in milliseconds.
const FLUSHED: u64 = 10_000;

/// What a request is judged by.
struct Case<'w> {
    world: &'w World,
    vendor: &'w Vendor,
    number: u32,
    about: About,
    from: u64,
    now: u64,
    got: &'w Got,
}

/// Notes an answer and what is wrong with it.
pub(crate) fn made(world: &World, number: u32, got: &Got) {
    let now = world.now();
    let mut book = world.book.borrow_mut();
    let request = &mut book.requests[number as usize];
    request.made = Some((now, got.clone()));
    if request.fate == Fate::Running {
        request.fate = Fate::Made;
    }
    let vendor = world.vendor.borrow();
    let case = Case {
        world,
        vendor: &vendor,
        number,
        about: request.about.clone(),
        from: request.began,
        now,
        got,
    };
    let found = case.judge(&mut book);
    if let Err(text) = found {
        let text = format!("{text}: request {number}, answered {}", got.status);
        book.violations.push(text);
    }
}

type Verdict = Result<(), String>;

impl Case<'_> {
    fn judge(&self, book: &mut Book) -> Verdict {
        if self.now - self.from > LATEST {
            return Err(format!("late: an answer after {} ms", self.now - self.from));
        }
        match self.got.status {
            200..=299 => self.is_true(book),
            404 => self.is_absent(book),
            409 => self.is_taken(book).and_then(|()| self.is_unchanged()),
            400 | 412 | 413 => self.is_unchanged(),
            429 | 503 if self.got.retry_after.is_some() => Ok(()),
            429 | 503 => Err("a fault without Retry-After".to_owned()),
            status => Err(format!("a fault of no class: {status} {}", self.got.body)),
        }
    }

    /// A refused request has changed nothing, but for a disabling, and members whom the answer
    /// tells of.
    fn is_unchanged(&self) -> Verdict {
        let detail = self.got.body["detail"].as_str().unwrap_or_default();
        let others_set = detail.contains("The other members were set.");
        let mut effects = self
            .vendor
            .effects
            .iter()
            .filter(|effect| effect.by == self.number);
        match effects.find(|effect| !(effect.disables || effect.joins && others_set)) {
            Some(effect) => Err(format!("refused, and yet it {}", effect.what)),
            None => Ok(()),
        }
    }

    /// 404 is said only of what was not there for a moment at least.
    fn is_absent(&self, book: &Book) -> Verdict {
        let (sort, id) = match &self.about {
            About::Change { sort, id, .. }
            | About::Delete { sort, id }
            | About::Get { sort, id } => (*sort, id),
            About::Members { id, .. } => (Sort::Team, id),
            _ => return Err("404 to a request about no object".to_owned()),
        };
        let Some(object) = book.ids.get(&(sort, id.clone())) else {
            return Ok(());
        };
        let object = &self.vendor.objects[*object];
        let expired = object.versions.last().is_some_and(|last| last.expired);
        // Who was removed for being disabled is there until Entra has deleted them.
        let is_kept = expired && !self.was_deleted(book, sort, id);
        match is_kept || object.was_there_throughout(self.from, self.now) {
            true => Err("404 for what is there".to_owned()),
            false => self.is_unchanged(),
        }
    }

    /// Whether another request has deleted an object, or may have.
    fn was_deleted(&self, book: &Book, sort: Sort, id: &str) -> bool {
        let mut requests = book.requests.iter().enumerate();
        requests.any(|(number, request)| {
            let is_it = matches!(&request.about, About::Delete { sort: of, id: it } if *of == sort && it == id);
            let answered = request.made.as_ref().map(|(_, got)| got.status);
            is_it && number != self.number as usize && answered.is_none_or(|status| status == 204)
        })
    }

    /// 409 is said only where the name is somebody's, and not because of the client's own try of
    /// which nobody told it.
    fn is_taken(&self, book: &Book) -> Verdict {
        let (sort, fields, own) = match &self.about {
            About::Post { sort, fields, .. } => (*sort, fields, None),
            About::Change { sort, fields, id } => {
                (*sort, fields, book.ids.get(&(*sort, id.clone())))
            }
            _ => return Ok(()),
        };
        let name = fields
            .get(sort.name())
            .and_then(Value::as_str)
            .unwrap_or_default();
        let had_it = |index: &usize| {
            let object = &self.vendor.objects[*index];
            let mut versions = object.between(self.from, self.now);
            object.sort == sort
                && Some(index) != own
                && versions.any(|version| holds(version.fields.as_ref(), sort, name))
        };
        let all = 0..self.vendor.objects.len();
        let others: Vec<_> = all.filter(had_it).collect();
        if others.is_empty() {
            return Err("409, and nobody has the name".to_owned());
        }
        let About::Post { owner, .. } = &self.about else {
            return Ok(());
        };
        let is_own = |object: &usize| {
            let of = maker(self.vendor, *object);
            let made_for = of.and_then(|by| book.requests.get(by as usize));
            matches!(made_for.map(|by| &by.about), Some(About::Post { owner: other, .. }) if other == owner)
        };
        match others.iter().all(|object| {
            is_own(object) && !book.is_heard_of(*object) && !self.is_on_its_way(book, *object)
        }) {
            true => Err("409 for the client's own try, of which it was never told".to_owned()),
            false => Ok(()),
        }
    }

    /// Whether an answer that names the object is made and not lost.
    fn is_on_its_way(&self, book: &Book, object: usize) -> bool {
        book.created_for(object)
            .any(|(_, by)| by.fate == Fate::Made)
    }

    /// A 2xx says what is so.
    fn is_true(&self, book: &mut Book) -> Verdict {
        match &self.about {
            About::Post {
                sort,
                fields,
                owner,
            } => {
                let object = self.named_in_answer(*sort, &self.got.body, book)?;
                self.is_its_own(book, object, *owner)?;
                book.created.push(Created {
                    object,
                    request: self.number,
                });
                self.became(*sort, object, fields)
            }
            About::Change { sort, id, fields } => {
                let object = self.called(*sort, id, book)?;
                book.shown.push((object, self.now));
                self.is_now(*sort, object, fields)
            }
            About::Delete { sort, id } => match book.ids.get(&(*sort, id.clone())) {
                Some(object) if self.vendor.objects[*object].now().is_some() => {
                    Err("deleted, and it is still there".to_owned())
                }
                _ => Ok(()),
            },
            About::Get { sort, .. } => {
                let object = self.named_in_answer(*sort, &self.got.body, book)?;
                book.shown.push((object, self.now));
                self.was(*sort, object, &self.got.body)
            }
            About::Find { sort, name } => self.is_found(book, *sort, name),
            About::Members { id, join, leave } => self.are_members(book, id, join, leave),
            About::Bulk => Ok(()),
        }
    }

    /// The object that a resource in an answer is.
    fn named_in_answer(
        &self,
        sort: Sort,
        resource: &Value,
        book: &mut Book,
    ) -> Result<usize, String> {
        let id = resource["id"].as_str().ok_or("an answer without an id")?;
        self.called(sort, id, book)
    }

    /// The object that an id names: always the same, unless the vendor removed it by itself.
    fn called(&self, sort: Sort, id: &str, book: &mut Book) -> Result<usize, String> {
        let known = book.ids.get(&(sort, id.to_owned())).copied();
        let has_expired = |object: usize| {
            let mut versions = self.vendor.objects[object].versions.iter();
            versions.any(|version| version.expired)
        };
        if let Some(object) = known
            && !has_expired(object)
        {
            return Ok(object);
        }
        let native = self.native(sort, id);
        let now = native.and_then(|native| {
            let keyed = self.vendor.keyed(sort, &native);
            keyed.or_else(|| self.vendor.ever_keyed(sort, &native))
        });
        let object = now.or(known).ok_or("an id that leads to nothing")?;
        book.ids.insert((sort, id.to_owned()), object);
        Ok(object)
    }

    /// What the vendor calls an object.
    fn native(&self, sort: Sort, id: &str) -> Option<String> {
        let issued = match sort {
            Sort::Person => self.world.class.expires,
            Sort::Team => self.world.class.groups == Groups::One,
        };
        if !issued {
            return Some(id.to_owned());
        }
        let committed = self.world.disk.committed.lock().unwrap();
        let kind = if sort == Sort::Person {
            "user"
        } else {
            "group"
        };
        let mut held = committed.issued.iter();
        let held = held.find(|((of, held), _)| *of == kind && held.as_str() == id);
        held.map(|(_, native)| native.to_string())
    }

    /// Nobody else was told that the object is theirs.
    fn is_its_own(&self, book: &Book, object: usize, owner: usize) -> Verdict {
        if book.requests[self.number as usize].fate == Fate::Lost {
            return Ok(());
        }
        let by = maker(self.vendor, object).and_then(|by| book.requests.get(by as usize));
        if by.is_none() {
            return Err(
                "takeover: 201 with an object that nobody created by this gateway".to_owned(),
            );
        }
        for (number, other) in book.created_for(object) {
            let About::Post { owner: of, .. } = &other.about else {
                continue;
            };
            let is_known = matches!(other.fate, Fate::Made | Fate::Taken);
            if number != self.number && is_known && *of != owner {
                return Err(format!(
                    "takeover: 201 with the object that request {number} was told of"
                ));
            }
            // One that was on its way all the while may have found it as an earlier try's.
            let before = other.ended.is_none_or(|ended| ended < self.from);
            let flushed = !self
                .world
                .was_killed_after(other.ended.unwrap_or(0), FLUSHED);
            if number != self.number && is_known && before && flushed {
                return Err(format!("201 again, after that of request {number}"));
            }
        }
        let mut shown = book.shown.iter();
        let is_it = |(of, at): &&(usize, u64)| {
            *of == object && *at < self.from && !self.world.was_killed_after(*at, FLUSHED)
        };
        match shown.find(is_it) {
            Some((_, at)) => Err(format!("201 with an object that was shown at {at} ms")),
            None => Ok(()),
        }
    }

    /// The same at moments of a create: whoever is told of the object before its answer is made
    /// may change it or remove it. It was written, and then it was what the answer says.
    fn became(&self, sort: Sort, object: usize, written: &Fields) -> Verdict {
        let versions = self.vendor.objects[object].between(self.from, self.now);
        let held = versions.filter_map(|version| version.fields.as_ref());
        let mut since = held.skip_while(|held| self.is_written(held, written).is_err());
        match since.any(|held| self.is_answered(sort, held).is_ok()) {
            true => Ok(()),
            false => self.is_now(sort, object, written),
        }
    }

    /// After a write the vendor holds what was written, and the answer says what it holds.
    fn is_now(&self, sort: Sort, object: usize, written: &Fields) -> Verdict {
        let object = &self.vendor.objects[object];
        let expired = object.versions.last().is_some_and(|last| last.expired);
        match object.now() {
            Some(held) => {
                self.is_written(held, written)?;
                self.is_answered(sort, held)
            }
            None if expired => Ok(()),
            None => Err("written, and it is gone".to_owned()),
        }
    }

    fn is_written(&self, held: &Fields, written: &Fields) -> Verdict {
        for (field, value) in written {
            let is_kept = field != "external" || self.world.class.external;
            if is_kept && !same(held.get(field), value) {
                return Err(format!(
                    "not written: {field} is {:?} instead of {value}",
                    held.get(field)
                ));
            }
        }
        Ok(())
    }

    fn is_answered(&self, sort: Sort, held: &Fields) -> Verdict {
        match self.got.body.is_object() {
            true => differs(sort, held, &self.got.body).map_or(Ok(()), |field| {
                Err(format!(
                    "stale answer: {field} is {:?}, answered {}",
                    held.get(field),
                    self.got.body
                ))
            }),
            false => Ok(()),
        }
    }

    /// What is read was so at a moment of the request.
    fn was(&self, sort: Sort, object: usize, resource: &Value) -> Verdict {
        let from = self.from.saturating_sub(self.excuse());
        let object = &self.vendor.objects[object];
        let mut differences = Vec::new();
        for version in object.between(from, self.now) {
            match &version.fields {
                None if version.expired => return Ok(()),
                None => differences.push("it was gone"),
                Some(fields) => match differs(sort, fields, resource) {
                    None => return Ok(()),
                    Some(field) => differences.push(field),
                },
            }
        }
        Err(format!("untrue: {resource} was never so ({differences:?})"))
    }

    /// Look-ups of a vendor that lags do not show what a process wrote that was killed before it
    /// could note it.
    fn excuse(&self) -> u64 {
        let lag = self.world.class.lag.map_or(0, |lag| lag.as_millis() as u64);
        let since = self.from.saturating_sub(lag + 1000);
        let killed = self.world.was_killed_after(since, self.now - since);
        if killed { lag + 5000 } else { 0 }
    }

    fn is_found(&self, book: &mut Book, sort: Sort, name: &str) -> Verdict {
        let found = self.got.body["Resources"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        for resource in &found {
            let object = self.named_in_answer(sort, resource, book)?;
            book.shown.push((object, self.now));
            self.was(sort, object, resource)?;
        }
        let was_there = |object: &Object| {
            let mut versions = object.between(self.from, self.now);
            object.sort == sort
                && object.was_there_throughout(self.from, self.now)
                && versions.all(|version| holds(version.fields.as_ref(), sort, name))
        };
        let is_findable =
            |(object, _): &(usize, &Object)| self.is_findable(book, *object, sort, name);
        let objects = self.vendor.objects.iter().enumerate();
        let missed = objects
            .filter(is_findable)
            .filter(|(_, object)| was_there(object))
            .count();
        match found.is_empty() && missed > 0 && self.excuse() == 0 {
            true => Err(format!("not found: {name} is there")),
            false => Ok(()),
        }
    }

    /// Whether look-ups of a vendor that lags must show an object: the gateway acknowledged it, and
    /// it had the name from the beginning.
    fn is_findable(&self, book: &Book, object: usize, sort: Sort, name: &str) -> bool {
        let mut versions = self.vendor.objects[object].versions.iter();
        let mut created = book.created_for(object);
        self.world.class.lag.is_none()
            || created.any(|(_, by)| by.fate == Fate::Taken)
                && versions.all(|version| holds(version.fields.as_ref(), sort, name))
    }

    fn are_members(&self, book: &mut Book, id: &str, join: &[String], leave: &[String]) -> Verdict {
        let object = self.called(Sort::Team, id, book)?;
        book.shown.push((object, self.now));
        let held = self.members_of(object, id);
        let (mut join, mut leave) = (join.iter(), leave.iter());
        if let Some(user) = join.find(|user| !held.contains(*user)) {
            return Err(format!(
                "lost member: {user} was added and is not in {id}: {held:?}"
            ));
        }
        match leave.find(|user| held.contains(*user)) {
            Some(user) => Err(format!(
                "extra member: {user} was removed and is in {id}: {held:?}"
            )),
            None => Ok(()),
        }
    }

    fn members_of(&self, object: usize, id: &str) -> Vec<String> {
        let noted = self.world.class.groups != Groups::Many;
        let vendors = members(self.vendor.objects[object].now()).into_iter();
        let committed = self.world.disk.committed.lock().unwrap();
        let kept = committed
            .members
            .iter()
            .filter(|(group, ..)| noted && group.as_str() == id);
        vendors
            .chain(kept.map(|(_, member, _)| member.to_string()))
            .collect()
    }
}

/// The request that made an object.
fn maker(vendor: &Vendor, object: usize) -> Option<u32> {
    let end = format!(" as {object}");
    let made = vendor
        .effects
        .iter()
        .find(|effect| effect.what.starts_with("made") && effect.what.ends_with(&end));
    made.map(|effect| effect.by).filter(|by| *by > 0)
}
