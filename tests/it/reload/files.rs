//! How files change in the wild, and that the watch sees it.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

use scimgate::catalog::standing::State;
use scimgate::catalog::watch::Means;

use super::{Files, SCRIPT, Site, TRANSCRIPT, script, until, write};

/// A file that is written where it lies, which is not at once.
#[tokio::test]
async fn a_script_saved_in_place_goes_live() {
    let site = Site::of(&["north"]).await;
    let _watch = site.watch(Means::Inotify);
    write(&site.files("north").script, &script("north 1"));
    site.until_mark("north 1").await;
    let standing = site.reloader.standing();
    assert!(standing.is_well(), "{standing:#?}");
}

/// vim, emacs and sed write another file and rename it over the old one.
#[tokio::test]
async fn an_editor_that_renames_is_seen_every_time() {
    let site = Site::of(&["north"]).await;
    let _watch = site.watch(Means::Inotify);
    for mark in ["north 1", "north 2", "north 3"] {
        let new = site.path("scripts/.north.rhai.swp");
        write(&new, &script(mark));
        std::fs::rename(&new, site.files("north").script).unwrap();
        site.until_mark(mark).await;
    }
}

/// kubelet's AtomicWriter, step by step: files are links through `..data`, and an
/// update is one rename of that link.
struct ConfigMap<'a> {
    directory: &'a Path,
    updates: u32,
}

impl ConfigMap<'_> {
    fn update(&mut self, files: &[(&str, &str)]) {
        self.updates += 1;
        let dated = format!("..2026_11_20_07_38_{:02}.{}", self.updates, self.updates);
        for (name, text) in files {
            write(&self.directory.join(&dated).join(name), text);
        }
        let before = std::fs::read_link(self.directory.join("..data"));
        symlink(&dated, self.directory.join("..data_tmp")).unwrap();
        std::fs::rename(
            self.directory.join("..data_tmp"),
            self.directory.join("..data"),
        )
        .unwrap();
        for (name, _) in files {
            // Links are made for new names only.
            if !self.directory.join(name).exists() {
                let _ = std::fs::remove_file(self.directory.join(name));
                symlink(Path::new("..data").join(name), self.directory.join(name)).unwrap();
            }
        }
        if let Ok(before) = before {
            std::fs::remove_dir_all(self.directory.join(before)).unwrap();
        }
    }
}

#[tokio::test]
async fn a_config_map_goes_live_with_every_update() {
    let site = Site::of(&["north"]).await;
    let directory = site.path("scripts");
    let mut map = ConfigMap {
        directory: &directory,
        updates: 0,
    };
    std::fs::remove_file(directory.join("north.rhai")).unwrap();
    map.update(&[("north.rhai", &script("north 1"))]);
    let _watch = site.watch(Means::Inotify);
    for mark in ["north 1", "north 2", "north 3"] {
        map.update(&[("north.rhai", &script(mark))]);
        site.until_mark(mark).await;
    }
    let before = site.reloader.standing();
    map.update(&[("north.rhai", &script("north 3"))]);
    write(&site.path("tenants/marker.toml"), "adapter = \"none\"");
    until("the next look", || {
        site.reloader.standing().reloads > before.reloads
    });
    let after = site.reloader.standing();
    assert_eq!(
        before.vendors, after.vendors,
        "an update that changes nothing changes nothing"
    );
}

#[tokio::test]
async fn half_a_file_changes_nothing_until_it_is_whole() {
    let site = Site::of(&["north"]).await;
    let _watch = site.watch(Means::Inotify);
    let whole = script("north 1");
    let (half, _) = whole.split_at(whole.len() / 2);
    write(&site.files("north").script, half);
    until("the half is refused", || {
        site.reloader.standing().vendors["north"].state == State::Kept
    });
    assert_eq!(site.mark(&site.tenants[0]).await, "north 0");
    write(&site.files("north").script, &whole);
    site.until_mark("north 1").await;
}

#[tokio::test]
async fn a_directory_that_was_deleted_and_made_again_is_watched_again() {
    let site = Site::of(&["north"]).await;
    let _watch = site.watch(Means::Inotify);
    std::fs::remove_dir_all(site.path("scripts")).unwrap();
    until("the loss is told", || !site.reloader.standing().is_well());
    assert_eq!(site.mark(&site.tenants[0]).await, "north 0");
    write(&site.files("north").script, &script("north 1"));
    site.until_mark("north 1").await;
    write(&site.files("north").script, &script("north 2"));
    site.until_mark("north 2").await;
}

/// So quickly that nobody sees it missing, and the file system may give the new
/// one the old one's number.
#[tokio::test]
async fn a_directory_that_was_replaced_is_watched_too() {
    let site = Site::of(&["north"]).await;
    let _watch = site.watch(Means::Inotify);
    for number in 1..4 {
        std::fs::remove_dir_all(site.path("scripts")).unwrap();
        let mark = format!("north {number}");
        write(&site.files("north").script, &script(&mark));
        site.until_mark(&mark).await;
        write(
            &site.path("scripts.new/north.rhai"),
            &script(&format!("{mark}0")),
        );
        std::fs::rename(site.path("scripts"), site.path("scripts.old")).unwrap();
        std::fs::rename(site.path("scripts.new"), site.path("scripts")).unwrap();
        site.until_mark(&format!("{mark}0")).await;
        std::fs::remove_dir_all(site.path("scripts.old")).unwrap();
    }
}

#[tokio::test]
async fn where_there_are_no_events_a_look_finds_it() {
    let site = Site::of(&["north"]).await;
    let _watch = site.watch(Means::Poll);
    write(&site.files("north").script, &script("north 1"));
    site.until_mark("north 1").await;
}

#[tokio::test]
async fn a_vendor_and_its_tenant_that_are_new_are_served() {
    let site = Site::of(&["north"]).await;
    let _watch = site.watch(Means::Auto);
    Files::of(site.directory.path(), "east").good("east 0");
    write(
        &site.path("tenants/east.toml"),
        &super::tenant("east", site.vendor.base_url()),
    );
    until("it is there", || site.reloader.running().tenants.len() == 2);
    let part = &site.reloader.standing().vendors["east"];
    assert_eq!((part.state, part.transcripts), (State::Live, Some(1)));
}

/// Reading is no change: else a reload would be the reason for the next.
#[tokio::test]
async fn reading_and_rubbish_wake_nobody_for_ever() {
    let site = Site::of(&["north"]).await;
    let _watch = site.watch(Means::Auto);
    let before = site.reloader.standing();
    for _ in 0..50 {
        std::fs::read(site.files("north").script).unwrap();
        write(&site.path("scripts/notes.txt"), "not ours");
    }
    write(&site.path("scripts/north.rhai~"), &script("backup"));
    // Two polls come and go.
    tokio::time::sleep(Duration::from_millis(800)).await;
    assert_eq!(*site.reloader.standing(), *before);
}

/// While something writes without end, changes go live all the same.
#[tokio::test]
async fn a_directory_that_is_never_quiet_is_looked_at() {
    let site = Site::of(&["north"]).await;
    let _watch = site.watch(Means::Inotify);
    let noise = site.path("scripts/noise.txt");
    let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let stopped = std::sync::Arc::clone(&stop);
    let writer = std::thread::spawn(move || {
        while !stopped.load(std::sync::atomic::Ordering::Relaxed) {
            std::fs::write(&noise, "x").unwrap();
            std::thread::park_timeout(Duration::from_millis(5));
        }
    });
    write(&site.files("north").script, &script("north 1"));
    site.until_mark("north 1").await;
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    writer.join().unwrap();
}

#[tokio::test]
async fn wrong_results_and_endless_loops_do_not_go_live() {
    let site = Site::of(&["north"]).await;
    let files = site.files("north");
    let broken = [
        SCRIPT.replace(
            "\"displayName\"),",
            "\"displayName\").to(|name| name).from(|name| \"?\"),",
        ),
        SCRIPT.replace("get(`/people/${id}`)", "loop {}"),
        SCRIPT.replace("    [\n", "    loop {}\n    [\n"),
    ];
    for script in broken {
        write(&files.script, &script);
        let outcome = site.reloader.reload(scimgate::catalog::Demand::Changed);
        assert_eq!(outcome.refused, ["vendor north"], "{script}");
        assert_eq!(site.mark(&site.tenants[0]).await, "north 0");
    }
    write(&files.script, &script("north 1"));
    write(
        &files.transcript,
        &TRANSCRIPT.replace("\"Lane\"}\n\n### Vendor a", "\"Lano\"}\n\n### Vendor a"),
    );
    let outcome = site.reloader.reload(scimgate::catalog::Demand::Changed);
    let problem = &outcome.standing.vendors["north"].problems[0];
    assert_eq!(problem.code, "transcript::call-body");
    assert!(problem.message.contains("Lano"), "{problem:?}");
}
