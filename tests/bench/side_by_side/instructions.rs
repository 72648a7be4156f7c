//! The same deeds in instructions, counted by callgrind: the load of the machine does not change them.

use std::path::Path;
use std::process::Command;

use super::deed::Deed;
use super::load::Load;
use super::running::Running;
use super::shape::Shape;
use super::sides::Named;
use super::vendor::Vendor;
use super::{DEEDS, TOGETHER};

/// Requests on each connection before the count begins, and while it is taken.
const FIRST: usize = 20;
const COUNTED: usize = 20;

/// Prints the instructions of each deed, and keeps callgrind's profiles in `directory`, for
/// `callgrind_annotate`.
pub(crate) async fn count(sides: &[Named], shape: &'static Shape, directory: &Path) {
    std::fs::create_dir_all(directory).unwrap();
    let directory = directory.canonicalize().unwrap();
    let mut costs = vec![Vec::new(); DEEDS.len()];
    for (name, side) in sides {
        let vendor = Vendor::start(shape).await;
        let profile = directory.join(name.replace(' ', "-"));
        let running = side.start_counted(&vendor, Some(&profile));
        let mut load = Load::connect(&running, shape, TOGETHER).await;
        for (deed, costs) in DEEDS.into_iter().zip(&mut costs) {
            load.run(deed, TOGETHER, |count| count < FIRST).await;
            costs.push(of(&running, &mut load, deed, &profile).await);
        }
    }
    let names: String = sides.iter().map(|(name, _)| format!(" {name} |")).collect();
    println!("| instructions |{names}");
    println!("|---|{}", "---:|".repeat(sides.len()));
    for (deed, costs) in DEEDS.into_iter().zip(costs) {
        let costs: String = costs.iter().map(|cost| format!(" {cost} |")).collect();
        println!("| {deed} |{costs}");
    }
}

/// The instructions of one request.
async fn of(running: &Running, load: &mut Load, deed: Deed, profile: &Path) -> usize {
    let control = |arguments: &[&str]| {
        let mut control = Command::new("callgrind_control");
        let control = control.args(arguments).arg(running.process().to_string());
        assert!(control.output().unwrap().status.success());
    };
    control(&["--instr=on"]);
    let requests = load
        .run(deed, TOGETHER, |count| count < COUNTED)
        .await
        .len();
    control(&["--instr=off"]);
    control(&["--dump"]);
    let number = DEEDS.iter().position(|one| *one == deed).unwrap() + 1;
    let told = std::fs::read_to_string(format!("{}.{number}", profile.display())).unwrap();
    let total = told.lines().find_map(|line| line.strip_prefix("totals: "));
    total.unwrap().trim().parse::<usize>().unwrap() / requests
}
