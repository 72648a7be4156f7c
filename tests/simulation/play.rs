//! Plays a seed: the world from its beginning to its rest.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::{JoinSet, LocalSet, spawn_local};
use tokio::time::{Instant, sleep};

use crate::book::{About, Book, Fate, Request};
use crate::entra::Entra;
use crate::gateway::live;
use crate::history::Sort;
use crate::plan::{Actor, Plan, Step};
use crate::rest;
use crate::store::Disk;
use crate::thing::Thing;
use crate::vendor::Vendor;
use crate::world::{World, pause, serve_vendor};

/// What came of a seed.
pub(crate) struct Outcome {
    pub(crate) violations: Vec<String>,
    pub(crate) requests: usize,
    /// All that was asked and answered.
    pub(crate) trace: String,
}

/// What stands in a world beside what its plan does.
pub(crate) struct Cast {
    pub(crate) staff: Vec<Thing>,
    pub(crate) teams: Vec<Thing>,
    /// Who is to be in which team: places of both.
    pub(crate) members: BTreeMap<(usize, usize), bool>,
}

/// Plays a seed, or only some deeds of its plan.
pub(crate) fn play(seed: u64, plan: &Plan, only: Option<&[usize]>, tells: bool) -> Outcome {
    let runtime = Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    // Sets of tasks within this one can be dropped: a `LocalRuntime` would take all tasks itself.
    LocalSet::new().block_on(&runtime, whole(seed, plan, only, tells))
}

async fn whole(seed: u64, plan: &Plan, only: Option<&[usize]>, tells: bool) -> Outcome {
    let (calls, arriving) = mpsc::unbounded_channel();
    let world = Rc::new(World {
        seed,
        class: plan.class,
        adapter: plan.class.adapter(),
        dawn: Instant::now(),
        vendor: RefCell::new(Vendor::new(
            plan.class,
            crate::dice::Dice::of(seed ^ 0x5eed),
        )),
        disk: Arc::new(Disk::default()),
        book: RefCell::new(beginning()),
        calls,
        process: watch::channel(0).0,
        door: RefCell::default(),
        faults: Cell::new(0),
        losses: Cell::new(0),
        kills: RefCell::default(),
        tells,
    });
    spawn_local(serve_vendor(Rc::clone(&world), arriving));
    let begun = Rc::new(Notify::new());
    let kills = plan.kills.clone();
    spawn_local(supervise(Rc::clone(&world), kills, Rc::clone(&begun)));
    pause(10).await;
    let mut cast = hire(&world, plan).await;
    world.faults.set(plan.faults);
    world.losses.set(plan.losses);
    begun.notify_one();
    spawn_local(meddle(Rc::clone(&world), plan.full));
    let things = act(&world, plan, only, &mut cast).await;
    world.faults.set(0);
    world.losses.set(0);
    pause(60_000).await;
    rest::check(&world, cast, things).await;
    let mut book = world.book.borrow_mut();
    let violations = std::mem::take(&mut book.violations);
    let broken = std::mem::take(&mut world.vendor.borrow_mut().broken);
    Outcome {
        violations: broken.into_iter().chain(violations).collect(),
        requests: book.requests.len() - 1,
        trace: trace(&world, &book),
    }
}

/// Requests are counted from 1.
fn beginning() -> Book {
    let none = Request {
        deed: 0,
        method: "-",
        target: String::new(),
        body: None,
        about: About::Bulk,
        began: 0,
        made: None,
        fate: Fate::Lost,
        ended: None,
        steps: Vec::new(),
    };
    Book {
        requests: vec![none],
        ..Book::default()
    }
}

/// Runs one process after the other.
async fn supervise(world: Rc<World>, kills: Vec<(usize, usize)>, begun: Rc<Notify>) {
    let mut number = 1;
    for (index, (life, gap)) in kills.into_iter().enumerate() {
        let end = async {
            if index == 0 {
                begun.notified().await;
            }
            pause(life).await;
        };
        live(Rc::clone(&world), number, end).await;
        pause(gap).await;
        number += 1;
    }
    live(world, number, std::future::pending()).await;
}

/// What happens beside Entra: the disk is full for a while, and the vendor removes whom it does
/// not keep.
async fn meddle(world: Rc<World>, full: Option<(usize, usize)>) {
    if let Some((after, time)) = full {
        let disk = Arc::clone(&world.disk);
        spawn_local(async move {
            pause(after).await;
            *disk.full.lock().unwrap() = true;
            pause(time).await;
            *disk.full.lock().unwrap() = false;
        });
    }
    let mut dice = world.dice("expiry", 0);
    if !world.class.expires {
        return;
    }
    loop {
        sleep(Duration::from_millis(dice.below(6000) as u64)).await;
        let now = world.now();
        // It waits for days: the gateway has long noted whom it keeps.
        let kept = world.disk.committed.lock().unwrap().kept();
        world.vendor.borrow_mut().expire(&kept, now);
    }
}

/// Provisions who is there before anything goes wrong.
async fn hire(world: &Rc<World>, plan: &Plan) -> Cast {
    let mut entra = entra(world, plan, 0, usize::MAX);
    entra.hangs_up = 0;
    let mut staff = Vec::new();
    for number in 0..plan.staff {
        staff.push(Thing::new(
            Sort::Person,
            100 + number,
            format!("staff-{number}@example.com"),
        ));
    }
    let mut teams = Vec::new();
    for number in 0..plan.teams {
        teams.push(Thing::new(
            Sort::Team,
            200 + number,
            format!("Team {number}"),
        ));
    }
    for thing in staff.iter_mut().chain(&mut teams) {
        entra.provision(thing).await;
    }
    Cast {
        staff,
        teams,
        members: BTreeMap::new(),
    }
}

fn entra(world: &Rc<World>, plan: &Plan, number: u64, deed: usize) -> Entra {
    Entra {
        world: Rc::clone(world),
        hangs_up: plan.hangs_up,
        dice: world.dice("entra", number),
        deed,
    }
}

/// All actors at once. Gives what they had to do with.
async fn act(
    world: &Rc<World>,
    plan: &Plan,
    only: Option<&[usize]>,
    cast: &mut Cast,
) -> Vec<Thing> {
    let mut steps: BTreeMap<Actor, Vec<(usize, Step)>> = BTreeMap::new();
    for (deed, (actor, step)) in plan.deeds.iter().enumerate() {
        if only.is_none_or(|only| only.contains(&deed)) {
            steps.entry(*actor).or_default().push((deed, *step));
        }
    }
    let mut acting = JoinSet::new();
    for (actor, steps) in steps {
        let first = plan.deeds.iter().position(|(of, _)| *of == actor);
        let entra = entra(world, plan, 1 + first.unwrap_or(0) as u64, 0);
        let team = match actor {
            Actor::Members { team, .. } => Some(cast.teams[team].clone()),
            _ => None,
        };
        if let Actor::Console(_) = actor {
            let (world, thing) = (Rc::clone(world), thing_of(actor, cast));
            acting.spawn_local(async move {
                at_console(&world, &thing, &steps).await;
                (actor, None, false)
            });
            continue;
        }
        let thing = thing_of(actor, cast);
        let ids: Vec<_> = cast
            .staff
            .iter()
            .filter_map(|person| person.id.clone())
            .collect();
        acting.spawn_local(async move {
            match team {
                Some(team) => (actor, None, join(entra, actor, &team, &ids, &steps).await),
                None => (actor, Some(run(entra, thing, &steps).await), false),
            }
        });
    }
    let mut things = Vec::new();
    while let Some(done) = acting.join_next().await {
        let (actor, thing, joined) = done.unwrap();
        match (actor, thing) {
            (Actor::Members { team, first, count }, _) => {
                cast.members
                    .extend((first..first + count).map(|person| ((team, person), joined)));
            }
            (Actor::Staff(number), Some(thing)) => cast.staff[number] = thing,
            (Actor::Team(number), Some(thing)) => cast.teams[number] = thing,
            (_, Some(thing)) => things.push(thing),
            _ => {}
        }
    }
    things.sort_by_key(|thing| thing.owner);
    things
}

fn thing_of(actor: Actor, cast: &Cast) -> Thing {
    let name = |number: usize| format!("person-{number}@example.com");
    match actor {
        Actor::Person(number) | Actor::Console(number) => {
            Thing::new(Sort::Person, number + 1, name(number))
        }
        Actor::Rival(number) => Thing::new(Sort::Person, 50 + number, name(number).to_uppercase()),
        Actor::Staff(number) => cast.staff[number].clone(),
        Actor::Team(number) | Actor::Members { team: number, .. } => cast.teams[number].clone(),
        Actor::NewTeam(number) => {
            let mut team = Thing::new(Sort::Team, 300 + number, format!("New team {number}"));
            let members = cast.staff.iter().take(number);
            team.members = members.filter_map(|person| person.id.clone()).collect();
            team
        }
    }
}

async fn run(mut entra: Entra, mut thing: Thing, steps: &[(usize, Step)]) -> Thing {
    for (deed, step) in steps {
        entra.deed = *deed;
        entra.step(&mut thing, *step).await;
    }
    thing
}

async fn at_console(world: &World, thing: &Thing, steps: &[(usize, Step)]) {
    for (_, step) in steps {
        match step {
            Step::Wait(millis) => pause(*millis).await,
            _ => {
                let now = world.now();
                world.vendor.borrow_mut().make_foreign(&thing.name, now);
            }
        }
    }
}

/// Whether they are members in the end.
async fn join(
    mut entra: Entra,
    actor: Actor,
    team: &Thing,
    ids: &[String],
    steps: &[(usize, Step)],
) -> bool {
    let Actor::Members { first, count, .. } = actor else {
        return false;
    };
    let members = &ids[first..first + count];
    let mut joined = false;
    for (deed, step) in steps {
        entra.deed = *deed;
        match step {
            Step::Wait(millis) => pause(*millis).await,
            Step::Swap => entra.swap(team, members).await,
            step => {
                joined = *step == Step::Join;
                entra.regroup(team, members, joined).await;
            }
        }
    }
    joined
}

fn trace(world: &World, book: &Book) -> String {
    let mut text = String::new();
    for (number, request) in book.requests.iter().enumerate().skip(1) {
        text += &format!("request {number} {request}");
        let vendor = world.vendor.borrow();
        for effect in vendor
            .effects
            .iter()
            .filter(|effect| effect.by as usize == number)
        {
            text += &format!("  at the vendor: {}\n", effect.what);
        }
    }
    text
}
