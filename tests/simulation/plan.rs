//! What a seed has in store: the vendor, the faults, the kills and what Entra does.

use crate::class::{CLASSES, Class};
use crate::dice::Dice;

/// Who does something. Each works by itself; what one does is done in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Actor {
    /// Entra's job for one person.
    Person(usize),
    /// The same for another person who is to have the name of that one.
    Rival(usize),
    /// The same for somebody who was there before.
    Staff(usize),
    /// The same for a group that was there before.
    Team(usize),
    /// The same for a new group.
    NewTeam(usize),
    /// Somebody at the vendor's own console, who gives that person's name to somebody else.
    Console(usize),
    /// The members of a group, as far as they are these.
    Members {
        team: usize,
        first: usize,
        count: usize,
    },
}

/// One thing to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Finds or creates it.
    Provision,
    /// Changes what it is shown as.
    Show,
    /// Puts all of it in place.
    Put,
    Rename,
    Off,
    On,
    Remove,
    /// The identical POST once more.
    Again,
    Look,
    Get,
    /// Adds members.
    Join,
    /// Ends memberships.
    Leave,
    /// Ends memberships and adds somebody who does not exist: it is refused.
    Swap,
    Wait(usize),
}

/// One line of a plan.
pub(crate) type Deed = (Actor, Step);

/// All of it.
pub(crate) struct Plan {
    pub(crate) class: &'static Class,
    pub(crate) staff: usize,
    pub(crate) teams: usize,
    /// Of a hundred vendor calls, how many go wrong.
    pub(crate) faults: usize,
    /// Of a hundred answers, how many are lost.
    pub(crate) losses: usize,
    /// Of a hundred requests, for how many the client has no patience.
    pub(crate) hangs_up: usize,
    /// How long processes live and how long there is none after them, in milliseconds.
    pub(crate) kills: Vec<(usize, usize)>,
    /// The disk is full for so long after so long.
    pub(crate) full: Option<(usize, usize)>,
    pub(crate) deeds: Vec<Deed>,
}

impl Plan {
    pub(crate) fn of(seed: u64) -> Self {
        let mut dice = Dice::of(seed);
        let class = &CLASSES[dice.below(CLASSES.len())];
        let faults = [0, 4, 12, 25][dice.below(4)];
        let kills = (0..[0, 0, 1, 2, 4][dice.below(5)])
            .map(|_| (dice.below(9000), 50 + dice.below(4000)))
            .collect();
        let mut plan = Self {
            class,
            staff: 2 + dice.below(3),
            teams: 1 + dice.below(2),
            faults,
            losses: [0, 3, 10][dice.below(3)],
            hangs_up: [0, 0, 10][dice.below(3)],
            kills,
            full: (dice.below(10) == 0).then(|| (dice.below(4000), 500 + dice.below(3000))),
            deeds: Vec::new(),
        };
        plan.people(&mut dice);
        plan.groups(&mut dice);
        plan
    }

    fn people(&mut self, dice: &mut Dice) {
        for number in 0..3 + dice.below(4) {
            let actor = Actor::Person(number);
            self.deeds.push((actor, Step::Wait(dice.below(1500))));
            self.deeds.push((actor, Step::Provision));
            for _ in 0..dice.below(7) {
                let step = a_step(dice);
                self.deeds.push((actor, step));
                if step == Step::Remove && dice.below(2) == 0 {
                    self.deeds.push((actor, Step::Provision));
                }
            }
            // Who the vendor removed is found by nobody, and their name is free.
            if dice.below(3) == 0 && !self.class.expires {
                self.rival(number, dice);
            }
            if self.class.unique && !self.class.expires && dice.below(5) == 0 {
                let actor = Actor::Console(number);
                self.deeds.push((actor, Step::Wait(dice.below(4000))));
                self.deeds.push((actor, Step::Provision));
            }
        }
        for number in 0..self.staff {
            for _ in 0..dice.below(5) {
                let step = [Step::Off, Step::On, Step::Show, Step::Get, Step::Put][dice.below(5)];
                self.deeds
                    .push((Actor::Staff(number), Step::Wait(dice.below(2500))));
                self.deeds.push((Actor::Staff(number), step));
            }
        }
    }

    fn rival(&mut self, number: usize, dice: &mut Dice) {
        let actor = Actor::Rival(number);
        self.deeds.push((actor, Step::Wait(dice.below(1800))));
        for _ in 0..1 + dice.below(2) {
            self.deeds.push((actor, Step::Provision));
            self.deeds.push((actor, Step::Wait(dice.below(4000))));
        }
    }

    fn groups(&mut self, dice: &mut Dice) {
        for team in 0..self.teams {
            let mut first = 0;
            while first < self.staff {
                let count = (1 + dice.below(2)).min(self.staff - first);
                for turn in 0..1 + dice.below(5) {
                    let actor = Actor::Members { team, first, count };
                    let step = match (turn % 2, dice.below(6)) {
                        (_, 0) => Step::Swap,
                        (0, _) => Step::Join,
                        _ => Step::Leave,
                    };
                    self.deeds.push((actor, Step::Wait(dice.below(1000))));
                    self.deeds.push((actor, step));
                }
                first += count;
            }
            for _ in 0..dice.below(3) {
                let step = [Step::Rename, Step::Get, Step::Look][dice.below(3)];
                self.deeds
                    .push((Actor::Team(team), Step::Wait(dice.below(3000))));
                self.deeds.push((Actor::Team(team), step));
            }
        }
        for number in 0..dice.below(3) {
            let actor = Actor::NewTeam(number);
            self.deeds.push((actor, Step::Provision));
            for _ in 0..dice.below(4) {
                let step = [Step::Rename, Step::Remove, Step::Again, Step::Get][dice.below(4)];
                self.deeds.push((actor, step));
                if step == Step::Remove && dice.below(2) == 0 {
                    self.deeds.push((actor, Step::Provision));
                }
            }
        }
    }

    /// The plan in words, deed by deed.
    pub(crate) fn told(&self) -> String {
        let mut text = format!(
            "vendor {}, {} staff, {} teams; of 100: {} calls fail, {} answers are lost, {} clients hang up; kills {:?}; full disk {:?}\n",
            self.class.name,
            self.staff,
            self.teams,
            self.faults,
            self.losses,
            self.hangs_up,
            self.kills,
            self.full
        );
        for (number, (actor, step)) in self.deeds.iter().enumerate() {
            text += &format!("  {number:>3} {actor:?}: {step:?}\n");
        }
        text
    }
}

fn a_step(dice: &mut Dice) -> Step {
    const STEPS: [Step; 10] = [
        Step::Show,
        Step::Put,
        Step::Rename,
        Step::Off,
        Step::On,
        Step::Remove,
        Step::Again,
        Step::Look,
        Step::Get,
        Step::Show,
    ];
    match dice.below(4) {
        0 => Step::Wait(dice.below(6000)),
        _ => STEPS[dice.below(STEPS.len())],
    }
}
