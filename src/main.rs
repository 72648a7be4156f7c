//! `scimgate`: parse, run, exit code.

use std::process::ExitCode;

use clap::Parser;

#[global_allocator]
static ALLOCATOR: scimgate::script::Counting<mimalloc::MiMalloc> =
    scimgate::script::Counting(mimalloc::MiMalloc);

fn main() -> ExitCode {
    // Measured: huge pages are half of the memory at rest, and requests cost the same without
    // them. Where the kernel refuses, they stay.
    #[cfg(target_os = "linux")]
    let _ = nix::sys::prctl::set_thp_disable(true);
    leave_no_core();
    scimgate::cli::answer_a_shell();
    scimgate::cli::run(scimgate::cli::Cli::parse())
}

/// A core dump would hold tokens, credentials and users, and nobody else of this user needs to
/// look into the process. Where the kernel refuses, it stays.
#[cfg(target_os = "linux")]
fn leave_no_core() {
    use nix::sys::resource::{Resource, setrlimit};
    let _ = setrlimit(Resource::RLIMIT_CORE, 0, 0);
    let _ = nix::sys::prctl::set_dumpable(false);
}

#[cfg(not(target_os = "linux"))]
fn leave_no_core() {}
