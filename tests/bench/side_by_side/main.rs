//! What a request costs, beside what it costs in another build, in a translator written by hand, and
//! in nginx as a bare proxy: CPU of all threads and more, all in one run, in rounds that take turns.
//!
//! Each round starts all of them anew, for processes age. They are pinned to the first core; the
//! load and the vendor share the second, in this process. The vendor keeps what it is given, so
//! that nothing has to be remembered.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

mod by_hand;
mod deed;
mod instructions;
mod load;
mod plot;
mod report;
mod rounds;
mod running;
mod shape;
mod shipped;
mod sides;
mod tables;
mod vendor;

use std::path::PathBuf;

use deed::Deed;
use report::Report;
use rounds::Case;
use shape::Shape;
use shipped::Adapter;
use sides::{Gateway, Named, Side};

/// The gateway's, for the translator too.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const DEEDS: [Deed; 6] = [
    Deed::Get,
    Deed::Find,
    Deed::List(100),
    Deed::Patch,
    Deed::Post,
    Deed::Add(1),
];
/// Connections that are kept, each with one request under way, where no number is asked for.
const TOGETHER: usize = 16;

struct Arguments(Vec<String>);

fn main() {
    let arguments = Arguments(std::env::args().skip(1).collect());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let local = tokio::task::LocalSet::new();
    if let [name, vendor, fields] = arguments.0.as_slice()
        && name == "by-hand"
    {
        // As the gateway, so that their memory compares.
        nix::sys::prctl::set_thp_disable(true).unwrap();
        let shape = Shape::of(fields == "28");
        return local.block_on(&runtime, by_hand::serve(vendor.parse().unwrap(), shape));
    }
    let shape = Shape::of(arguments.has("--wide"));
    let sides = arguments.sides();
    running::pin(&[1]);
    if let Some(directory) = arguments.value("--instructions") {
        let counted = instructions::count(&sides, shape, directory.as_ref());
        return local.block_on(&runtime, counted);
    }
    let rounds = arguments.number("--rounds").unwrap_or(9);
    let only = arguments.only();
    let report = Report {
        sides,
        rounds,
        shape,
        only,
    };
    let told = local.block_on(&runtime, report.run());
    println!("{}", told.text);
    if let Some(directory) = arguments.value("--write") {
        report::write(&told, directory.as_ref());
    }
}

impl Arguments {
    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|argument| argument == name)
    }

    fn value(&self, name: &str) -> Option<&str> {
        let place = self.0.iter().position(|argument| argument == name)?;
        self.0.get(place + 1).map(String::as_str)
    }

    fn number(&self, name: &str) -> Option<usize> {
        self.value(name)
            .map(|number| number.parse().expect("a number"))
    }

    fn sides(&self) -> Vec<Named> {
        let gateway = |program| {
            Side::Gateway(Gateway {
                program,
                workers: 1,
                cores: &[0],
                adapter: Adapter::Own,
            })
        };
        let this = PathBuf::from(env!("CARGO_BIN_EXE_scimgate"));
        let mut sides = vec![("gateway", gateway(this)), ("by hand", Side::ByHand)];
        if self.has("--instructions") {
            // It is told apart from nothing there: nobody reads nginx's instructions.
        } else if sides::has_nginx() {
            sides.push(("nginx", Side::Nginx));
        } else {
            eprintln!(
                "nginx is not installed, so its columns are left out. To have them: apt-get install nginx-light"
            );
        }
        if let Some(other) = self.value("--other") {
            sides.push(("other", gateway(other.into())));
        }
        sides
    }

    /// The cases that are asked for, if not all are.
    fn only(&self) -> Option<Vec<Case>> {
        let (deed, together) = (self.value("--deed"), self.number("--together"));
        if deed.is_none() && together.is_none() && !self.has("--wide") {
            return None;
        }
        let is_asked = |it: &&Deed| deed.is_none_or(|name| it.to_string().starts_with(name));
        let deeds: Vec<Deed> = DEEDS.iter().filter(is_asked).copied().collect();
        assert!(!deeds.is_empty(), "no deed begins so");
        Some(report::all(&deeds, &[together.unwrap_or(TOGETHER)]))
    }
}
