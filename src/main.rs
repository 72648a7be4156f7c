//! `scimgate`: parse, run, exit code.

use std::process::ExitCode;

use clap::Parser;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // Measured: huge pages are half of the memory at rest, and requests cost the same without
    // them. Where the kernel refuses, they stay.
    #[cfg(target_os = "linux")]
    let _ = nix::sys::prctl::set_thp_disable(true);
    scimgate::cli::run(scimgate::cli::Cli::parse())
}
