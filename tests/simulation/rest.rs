//! What is so when all is done and calm: the vendor holds what Entra wants, and nothing else.

use std::collections::BTreeSet;
use std::rc::Rc;

use crate::class::Groups;
use crate::entra::Entra;
use crate::history::{Sort, differs, members, same};
use crate::play::Cast;
use crate::thing::{State, Thing};
use crate::world::{World, pause};

/// By when every create is settled and forgotten, in milliseconds.
const SETTLED: usize = 120_000;

/// Looks at all of it, through the gateway and at the vendor.
pub(crate) async fn check(world: &Rc<World>, cast: Cast, things: Vec<Thing>) {
    let mut entra = Entra {
        world: Rc::clone(world),
        hangs_up: 0,
        dice: world.dice("rest", 0),
        deed: usize::MAX,
    };
    let mut all: Vec<Thing> = cast
        .staff
        .iter()
        .chain(&cast.teams)
        .cloned()
        .chain(things)
        .collect();
    for thing in &mut all {
        converge(&mut entra, thing).await;
    }
    for thing in all.iter().filter(|thing| thing.state == State::Present) {
        is_there(&mut entra, thing).await;
        if entra.dice.below(3) == 0 {
            is_refused_again(&mut entra, thing).await;
        }
    }
    has_no_others(world, &all);
    for (place, team) in cast.teams.iter().enumerate() {
        let wanted = cast
            .members
            .iter()
            .filter(|((of, _), joined)| *of == place && **joined);
        let wanted: Vec<_> = wanted
            .map(|((_, person), _)| &cast.staff[*person])
            .collect();
        has_members(&mut entra, team, &wanted).await;
    }
    let new = &all[cast.staff.len() + cast.teams.len()..];
    let is_team = |thing: &&Thing| thing.sort == Sort::Team && thing.state == State::Present;
    for team in new.iter().filter(is_team) {
        let is_wanted = |person: &&Thing| {
            person
                .id
                .as_ref()
                .is_some_and(|id| team.members.contains(id))
        };
        let wanted: Vec<_> = cast.staff.iter().filter(is_wanted).collect();
        has_members(&mut entra, team, &wanted).await;
    }
    pause(SETTLED).await;
    for intent in &world.disk.committed.lock().unwrap().intents {
        world.violation(format!(
            "at rest: a create of {:?} is still open",
            intent.names
        ));
    }
    if world.class.groups == Groups::One {
        each_has_one_team(world, &cast);
    }
}

/// Whoever was told that the name is taken tries once more: it may be free by now.
async fn converge(entra: &mut Entra, thing: &mut Thing) {
    if thing.state == State::Taken {
        entra.provision(thing).await;
    }
}

async fn is_there(entra: &mut Entra, thing: &Thing) {
    let world = Rc::clone(&entra.world);
    let Some(got) = entra.get(thing).await else {
        return world.violation(format!("at rest: no answer about {}", thing.name));
    };
    if got.status != 200 {
        return world.violation(format!(
            "at rest: {} is answered {}",
            thing.name, got.status
        ));
    }
    if let Some(field) = differs(thing.sort, &thing.fields(), &got.body) {
        world.violation(format!(
            "at rest: {field} of {} is not {:?}: {}",
            thing.name,
            thing.fields(),
            got.body
        ));
    }
    if got.body["externalId"] != thing.external().as_str() {
        world.violation(format!(
            "at rest: externalId of {} is {}",
            thing.name, got.body["externalId"]
        ));
    }
    let vendor = world.vendor.borrow();
    let named = vendor.named(thing.sort, &thing.name);
    let gone_by_itself = world.class.expires && !thing.active;
    match named.as_slice() {
        [] if gone_by_itself => {}
        [one] => {
            let held = vendor.objects[*one].now().cloned().unwrap_or_default();
            let wrong = thing.fields().into_iter().find(|(field, wanted)| {
                let is_kept = field != "external" || world.class.external;
                is_kept && !same(held.get(field), wanted)
            });
            if let Some((field, wanted)) = wrong {
                world.violation(format!(
                    "at rest: the vendor's {field} of {} is not {wanted}: {held:?}",
                    thing.name
                ));
            }
        }
        other => world.violation(format!(
            "at rest: {} objects are called {}",
            other.len(),
            thing.name
        )),
    }
}

/// The identical POST of what is there is refused.
async fn is_refused_again(entra: &mut Entra, thing: &Thing) {
    let world = Rc::clone(&entra.world);
    if world.class.expires && !thing.active {
        return;
    }
    match entra.post(thing).await {
        Some(got) if got.status == 409 => {}
        got => world.violation(format!(
            "at rest: the POST of {} once more is answered {:?}",
            thing.name,
            got.map(|got| got.status)
        )),
    }
}

/// Nobody wants what is left over.
fn has_no_others(world: &World, all: &[Thing]) {
    let vendor = world.vendor.borrow();
    for (object, now) in vendor.objects.iter().enumerate() {
        let Some(fields) = now.now() else { continue };
        if fields.get("tag").is_some_and(|tag| tag == "foreign") {
            continue;
        }
        let name = fields
            .get(now.sort.name())
            .and_then(|name| name.as_str())
            .unwrap_or_default();
        let is_it =
            |thing: &&Thing| thing.sort == now.sort && thing.name.eq_ignore_ascii_case(name);
        let wanted = all
            .iter()
            .filter(is_it)
            .any(|thing| thing.state == State::Present);
        if !wanted {
            world.violation(format!(
                "at rest: nobody wants {object}, called {name}: {fields:?}"
            ));
        }
    }
}

async fn has_members(entra: &mut Entra, team: &Thing, wanted: &[&Thing]) {
    let world = Rc::clone(&entra.world);
    let ids: BTreeSet<String> = wanted
        .iter()
        .filter_map(|person| person.id.clone())
        .collect();
    let got = entra.get(team).await;
    let shown = got.as_ref().and_then(|got| got.body["members"].as_array());
    let shown = shown
        .into_iter()
        .flatten()
        .filter_map(|member| member["value"].as_str());
    let shown: BTreeSet<String> = shown.map(str::to_owned).collect();
    if shown != ids {
        world.violation(format!(
            "at rest: members of {} are {shown:?} instead of {ids:?}",
            team.name
        ));
    }
    if world.class.groups == Groups::One {
        return;
    }
    let in_use = wanted
        .iter()
        .filter(|person| world.class.groups == Groups::Many || person.active);
    let in_use: BTreeSet<String> = in_use.filter_map(|person| person.id.clone()).collect();
    let vendor = world.vendor.borrow();
    let held = vendor.named(Sort::Team, &team.name);
    let held = held
        .first()
        .map(|team| members(vendor.objects[*team].now()));
    if held.as_ref() != Some(&in_use) {
        world.violation(format!(
            "at rest: the vendor's members of {} are {held:?} instead of {in_use:?}",
            team.name
        ));
    }
}

/// Where a user has one group, it is the oldest of theirs.
fn each_has_one_team(world: &World, cast: &Cast) {
    let vendor = world.vendor.borrow();
    let committed = world.disk.committed.lock().unwrap();
    for person in &cast.staff {
        let Some(object) = vendor.named(Sort::Person, &person.name).first().copied() else {
            continue;
        };
        let id = person.id.as_deref().unwrap_or_default();
        let of_them = committed
            .members
            .iter()
            .filter(|(_, member, _)| member.as_str() == id);
        let oldest = of_them
            .min_by_key(|(.., age)| *age)
            .map(|(group, ..)| ("group", group.clone()));
        let wanted = oldest
            .and_then(|oldest| committed.issued.get(&oldest))
            .map(ToString::to_string);
        let fields = vendor.objects[object].now();
        let held = fields.and_then(|fields| fields.get("team")?.as_str().map(str::to_owned));
        if held != wanted {
            world.violation(format!(
                "at rest: {} is in the team {held:?} instead of {wanted:?}",
                person.name
            ));
        }
    }
}
