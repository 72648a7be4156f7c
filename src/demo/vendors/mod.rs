//! What the demo must know of each vendor: how to start its emulator, how a tenant of it is
//! written, and what must stand there in the end.
//!
//! The expectation is a reading of the vendor's contract of its own: it shares no code with the
//! adapter and none with the emulator, so that neither can be wrong unnoticed.

mod paloalto;
mod reference;
mod sosafe;
mod webroot;
mod wedo;
mod wss;

use super::emulator::kit::Emulator;
use super::wanted::{Directory, Outcome};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

/// All that can be shown; the first is shown unless another is asked for.
pub const ALL: [&dyn Showcase; 6] = [
    &sosafe::SoSafe,
    &paloalto::PaloAlto,
    &webroot::Webroot,
    &wedo::Wedo,
    &wss::Wss,
    &reference::Reference,
];

/// One vendor in the demo.
pub trait Showcase: Sync {
    /// The adapter's name: the stem of its files.
    fn name(&self) -> &'static str;

    /// The vendor's name for people.
    fn title(&self) -> &'static str;

    /// Starts the emulator, empty; `latency` is what every call takes.
    fn start(&self, latency: Duration) -> io::Result<Emulator>;

    /// The tenant file that leads to this emulator.
    fn tenant_file(&self, emulator: &Emulator) -> String;

    /// The directory after the attribute mapping an administrator sets in Entra for this vendor.
    fn mapped(&self, directory: Directory) -> Directory {
        directory
    }

    /// What must stand at the vendor.
    fn expected(&self, outcome: &Outcome) -> Holdings;

    /// What stands there, of the emulator's state.
    fn found(&self, state: &Value) -> Holdings;
}

/// The showcase of this name.
pub fn named(name: &str) -> Option<&'static dyn Showcase> {
    ALL.into_iter().find(|vendor| vendor.name() == name)
}

/// Native rows: by sort (`user`, `group`) and key, what their fields say. An empty field is left out.
pub type Holdings = BTreeMap<(&'static str, String), Row>;

/// A row's fields, in the vendor's names and spelling.
pub type Row = BTreeMap<String, String>;
