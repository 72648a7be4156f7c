//! Everything in one run: what the page about it has.

use std::path::Path;
use std::process::Command;

use super::deed::Deed;
use super::rounds::{Case, Measured, Plan};
use super::shape::Shape;
use super::shipped::Adapter;
use super::sides::{Gateway, Named, Side};
use super::{DEEDS, TOGETHER, plot, tables};

/// What a run takes in, and for how long.
pub(crate) struct Report {
    pub(crate) sides: Vec<Named>,
    pub(crate) rounds: usize,
    pub(crate) shape: &'static Shape,
    /// Some deeds, or numbers of requests at once, instead of everything.
    pub(crate) only: Option<Vec<Case>>,
}

/// Markdown, and a plot if there is one to draw.
pub(crate) struct Told {
    pub(crate) text: String,
    pub(crate) plot: Option<String>,
}

impl Report {
    pub(crate) async fn run(self) -> Told {
        match &self.only {
            Some(cases) => {
                let measured = self.plan(self.shape, cases.clone()).measure().await;
                let text =
                    requests(&measured) + &below("Memory and start", &tables::starts(&measured));
                Told { text, plot: None }
            }
            None => self.everything().await,
        }
    }

    async fn everything(&self) -> Told {
        let cases = all(&DEEDS, &[1, TOGETHER, 64]);
        let narrow = self.plan(Shape::of(false), cases).measure().await;
        let mut text = machine(narrow.rounds) + &requests(&narrow);
        let wide = self
            .plan(Shape::of(true), all(&DEEDS, &[TOGETHER]))
            .measure()
            .await;
        text += &below("CPU for a request, 28 attributes", &tables::cpu(&wide));
        text += &below("Memory and start", &tables::starts(&narrow));
        let growth = Plan {
            rounds: self.few(),
            ..self.plan(Shape::of(false), growing())
        };
        let about = format!("CPU for larger requests, {TOGETHER} at once");
        text += &below(&about, &tables::growth(&growth.measure().await));
        for (name, adapter) in [("SoSafe", Adapter::SoSafe), ("Webroot", Adapter::Webroot)] {
            let about = format!("CPU for a request with the script for {name}");
            text += &below(&about, &self.shipped(name, adapter).await);
        }
        text += &below("One worker and two", &self.workers().await);
        text += &below("With and without sleep", &self.asleep().await);
        let plot = plot::bars(&narrow, TOGETHER);
        Told {
            text,
            plot: Some(plot),
        }
    }

    fn plan(&self, shape: &'static Shape, cases: Vec<Case>) -> Plan<'_> {
        let rounds = self.rounds;
        Plan {
            sides: &self.sides,
            shape,
            cases,
            rounds,
            is_awake: true,
        }
    }

    /// Rounds for what is beside the point.
    fn few(&self) -> usize {
        self.rounds.div_ceil(3)
    }

    /// The first of the sides.
    fn gateway(&self) -> &Gateway {
        match &self.sides[0].1 {
            Side::Gateway(gateway) => gateway,
            Side::ByHand | Side::Nginx => panic!("the gateway is first"),
        }
    }

    /// Both have both cores, of which the load has its part. So the load sleeps here.
    async fn workers(&self) -> String {
        let with = |workers| {
            let cores = &[0, 1];
            Side::Gateway(Gateway {
                workers,
                cores,
                ..self.gateway().clone()
            })
        };
        let sides = [("two workers", with(2)), ("one", with(1))];
        let cases = all(&DEEDS, &[TOGETHER, 64]);
        let plan = self.plan(Shape::of(false), cases);
        let plan = Plan {
            sides: &sides,
            rounds: self.few(),
            is_awake: false,
            ..plan
        };
        tables::cpu(&plan.measure().await)
    }

    /// The translator stays the one of the bench's own vendor.
    async fn shipped(&self, name: &'static str, adapter: Adapter) -> String {
        let gateway = Gateway {
            adapter,
            ..self.gateway().clone()
        };
        let sides = [(name, Side::Gateway(gateway)), ("by hand", Side::ByHand)];
        let cases = all(&[Deed::Get, Deed::Find], &[TOGETHER]);
        let plan = self.plan(Shape::of(false), cases);
        let plan = Plan {
            sides: &sides,
            rounds: self.few(),
            ..plan
        };
        tables::cpu(&plan.measure().await)
    }

    async fn asleep(&self) -> String {
        let deeds = [Deed::Get, Deed::Patch];
        let plan = |is_awake| {
            let plan = self.plan(Shape::of(false), all(&deeds, &[1, TOGETHER]));
            Plan {
                rounds: self.few(),
                is_awake,
                ..plan
            }
        };
        let (awake, asleep) = (plan(true).measure().await, plan(false).measure().await);
        tables::two_ways([("awake", &awake), ("with sleep", &asleep)])
    }
}

pub(crate) fn all(deeds: &[Deed], togethers: &[usize]) -> Vec<Case> {
    let cases = deeds
        .iter()
        .map(|deed| togethers.iter().map(|together| (*deed, *together)));
    cases.flatten().collect()
}

fn growing() -> Vec<Case> {
    let pages = [1, 10, 100, 200].map(Deed::List);
    let joined = [1, 10, 100, 1000].map(Deed::Add);
    let groups = [1, 10, 100, 1000].map(Deed::Group);
    all(&[&pages[..], &joined, &groups].concat(), &[TOGETHER])
}

fn requests(measured: &Measured) -> String {
    below("CPU for a request", &tables::cpu(measured))
        + &below("Time until the answer", &tables::latency(measured))
        + &below(
            "Waits and vendor calls for a request",
            &tables::waits(measured),
        )
}

fn below(title: &str, table: &str) -> String {
    format!("## {title}\n\n{table}\n")
}

/// What was measured, and on what.
fn machine(rounds: usize) -> String {
    let told = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).output();
        let text = output
            .ok()
            .and_then(|output| String::from_utf8(output.stdout).ok());
        text.unwrap_or_default().trim().to_owned()
    };
    let commit = told("git", &["rev-parse", "--short=7", "HEAD"]);
    let changed = match told("git", &["diff", "--name-only", "HEAD", "--", "src"]).as_str() {
        "" => "",
        _ => " with changes",
    };
    let (day, kernel) = (told("date", &["+%Y-%m-%d"]), told("uname", &["-sr"]));
    let cpus = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpus
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or("unknown", |(_, model)| model);
    let cores = cpus
        .lines()
        .filter(|line| line.starts_with("processor"))
        .count();
    format!(
        "# Side by side\n\nMeasured on {day} at commit {commit}{changed}: {rounds} rounds, {cores} cores ({model}), {kernel}. Medians.\n\n"
    )
}

/// Writes both into this directory.
pub(crate) fn write(told: &Told, directory: &Path) {
    std::fs::create_dir_all(directory).unwrap();
    std::fs::write(directory.join("side_by_side.md"), &told.text).unwrap();
    if let Some(plot) = &told.plot {
        std::fs::write(directory.join("side_by_side.svg"), plot).unwrap();
    }
}
