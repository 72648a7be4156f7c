//! A store that cannot be written: every change is refused before the vendor hears of it, reading
//! goes on, probes and `status` say so, and all is well again soon after there is room.

use std::process::Command;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use serde_json::json;
use tokio::task::block_in_place;
use tokio::time::sleep;

use super::class::Class;
use super::entra::{Sort, Thing, is_later};
use super::stand::{Stand, Tenant};
use crate::house::{House, text_of};

/// From the moment there is room to the first change that is carried out.
const RECOVERY: Duration = Duration::from_secs(5);

/// What the store lies on.
trait Disk {
    /// From now on nothing can be written to it.
    fn fill(&self, stand: &mut Stand);
    /// From now on there is room again.
    fn make_room(&self, stand: &Stand);
    /// The store's file, as this process sees it.
    fn store(&self, stand: &Stand) -> String;
}

/// A limit of the process: no file may grow, or be written at all.
struct Limit;

/// A file system of its own, in a mount namespace of the gateway's own, that is full.
struct Tmpfs;

impl Disk for Limit {
    fn fill(&self, stand: &mut Stand) {
        limit(stand, "0:unlimited");
    }

    fn make_room(&self, stand: &Stand) {
        limit(stand, "unlimited:unlimited");
    }

    fn store(&self, stand: &Stand) -> String {
        let store = stand.house.path().join("state/scimgate.db");
        store.display().to_string()
    }
}

fn limit(stand: &Stand, size: &str) {
    let pid = stand.served().pid().to_string();
    let limited = Command::new("prlimit")
        .args(["--pid", &pid, &format!("--fsize={size}")])
        .output()
        .unwrap();
    assert!(limited.status.success(), "{}", text_of(&limited.stderr));
}

impl Tmpfs {
    /// What takes all the room, as this process sees it.
    fn ballast(stand: &Stand) -> String {
        Self.store(stand).replace("scimgate.db", "ballast")
    }
}

impl Disk for Tmpfs {
    fn fill(&self, stand: &mut Stand) {
        let zeros = std::fs::File::open("/dev/zero").unwrap();
        let mut ballast = std::fs::File::create(Self::ballast(stand)).unwrap();
        let full = std::io::copy(&mut std::io::BufReader::new(zeros), &mut ballast);
        let full = full.expect_err("it is never full");
        assert_eq!(full.kind(), std::io::ErrorKind::StorageFull, "{full}");
    }

    fn make_room(&self, stand: &Stand) {
        std::fs::remove_file(Self::ballast(stand)).unwrap();
    }

    fn store(&self, stand: &Stand) -> String {
        let state = stand.house.path().join("state/scimgate.db");
        format!("/proc/{}/root{}", stand.served().pid(), state.display())
    }
}

/// The binary as the end of a shell's script, which says `SERVE` where it begins.
fn by_shell(house: &House, script: &str) -> Command {
    let serve = concat!(
        "exec ",
        env!("CARGO_BIN_EXE_scimgate"),
        " -c scimgate.toml serve"
    );
    let mut command = Command::new("sh");
    command.args(["-c", &script.replace("SERVE", serve)]);
    command.current_dir(house.path()).env_clear();
    command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    let usual = house.command(&[]);
    let variables = usual.get_envs();
    command.envs(variables.filter_map(|(name, value)| Some((name, value?))));
    command
}

/// A write beyond the limit shall be an error and not the end.
pub(crate) fn limited(house: &House) -> Command {
    by_shell(house, "trap '' XFSZ; SERVE")
}

/// With the state on a file system of 4 MiB that nobody else sees.
fn on_tmpfs(house: &House) -> Command {
    by_shell(
        house,
        "cp -a state kept && exec unshare --user --map-root-user --mount sh -c \
         'mount -t tmpfs -o size=4m tmpfs state && cp -a kept/. state && SERVE'",
    )
}

/// With the state where it is, read-only for the gateway.
fn on_read_only(house: &House) -> Command {
    by_shell(
        house,
        "exec unshare --user --map-root-user --mount sh -c \
         'mount --bind state state && mount -o remount,bind,ro state && SERVE'",
    )
}

/// Where nothing can be mounted, the limit alone shows what there is to see.
fn can_mount() -> bool {
    let tried = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "sh", "-c"])
        .arg("mount -t tmpfs -o size=64k tmpfs /mnt")
        .output();
    let can = tried.is_ok_and(|tried| tried.status.success());
    if !can {
        eprintln!("NOT TRIED: no file system can be mounted here");
    }
    can
}

/// What there is before the disk is full.
struct Scene {
    tenant: Tenant,
    user: String,
    other: String,
    group: String,
}

impl Scene {
    async fn set(tenant: &Tenant) -> Self {
        let made = async |sort: Sort, name: &str| {
            let made = post(tenant, sort, name).await;
            assert_eq!(made.0, 201, "{name}");
            made.1
        };
        Self {
            tenant: tenant.clone(),
            user: made(Sort::Person, "user@example.com").await,
            other: made(Sort::Person, "other@example.com").await,
            group: made(Sort::Team, "group").await,
        }
    }

    /// Every change, a create first, is put off, and the vendor is not asked for any.
    async fn all_is_put_off(&self) {
        let tenant = &self.tenant;
        let name = tenant.class.name;
        let writes = tenant.vendor.tally().writes;
        let (user, group) = (
            format!("/Users/{}", self.user),
            format!("/Groups/{}", self.group),
        );
        let mut put = Thing::named(Sort::Person, "user@example.com").body(1);
        put["displayName"] = json!("Put");
        let patch = |path: &str, attribute: &str, value: serde_json::Value| {
            let operation = json!({"op": "replace", "path": attribute, "value": value});
            tenant.patch(path, operation)
        };
        let join = json!({"op": "add", "path": "members", "value": [{"value": self.user}]});
        let requests = [
            tenant.post(
                "/Users",
                &Thing::named(Sort::Person, "new@example.com").body(1),
            ),
            tenant.post("/Groups", &Thing::named(Sort::Team, "new").body(1)),
            patch(&user, "displayName", json!("Patched")),
            patch(&user, "externalId", json!("another")),
            patch(&user, "active", json!(false)),
            tenant.request("PUT", &user).json(&put),
            patch(&group, "displayName", json!("renamed")),
            tenant.patch(&group, join),
            tenant.request("DELETE", &format!("/Users/{}", self.other)),
            tenant.request("DELETE", &group),
        ];
        for request in requests {
            let answer = tenant.send(&request).await;
            assert_eq!(answer.status, 503, "{name}: {request}\n{answer}");
            is_later(&answer).unwrap();
            let asked = tenant.vendor.tally().writes - writes;
            assert_eq!(asked, 0, "{name}: {request} asked the vendor");
        }
    }

    async fn reading_goes_on(&self) {
        let tenant = &self.tenant;
        for path in [
            format!("/Users/{}", self.user),
            "/Users?filter=userName+eq+%22user%40example.com%22".to_owned(),
            format!("/Groups/{}", self.group),
        ] {
            let read = tenant.send(&tenant.request("GET", &path)).await;
            assert_eq!(read.status, 200, "{path}: {read}");
        }
    }
}

/// The status of a POST, and the id.
async fn post(tenant: &Tenant, sort: Sort, name: &str) -> (u16, String) {
    let request = tenant.post(sort.endpoint(), &Thing::named(sort, name).body(1));
    let made = tenant.send(&request).await;
    let id = made.json()["id"].as_str().unwrap_or_default().to_owned();
    (made.status, id)
}

/// Waits until something is so, at most as long as recovery may take.
async fn soon(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while !is_so().await {
        assert!(began.elapsed() < RECOVERY, "not within 5 s: {what}");
        sleep(Duration::from_millis(50)).await;
    }
}

/// Whether a text says of the store that it cannot be written.
fn tells(text: &str) -> bool {
    let text = text.to_lowercase();
    text.contains("store") && text.contains("writ")
}

async fn check(disk: impl Disk, launch: fn(&House) -> Command) {
    let mut stand = Stand::with([Class::named("b"), Class::named("b-bare")], None, launch).await;
    let mut scenes = Vec::new();
    for tenant in &stand.tenants {
        scenes.push(Scene::set(tenant).await);
    }
    assert_eq!(stand.probe("/readyz").await.0, 200);
    block_in_place(|| disk.fill(&mut stand));
    for Scene { tenant, .. } in &scenes {
        // Until the store needs more than the room that its files have already.
        let mut more = 0..;
        soon("nothing can be written", async || {
            let name = format!("more-{}@example.com", more.next().unwrap());
            post(tenant, Sort::Person, &name).await.0 == 503
        })
        .await;
    }
    for scene in &scenes {
        scene.all_is_put_off().await;
        scene.reading_goes_on().await;
    }
    let told = async || stand.probe("/readyz").await;
    soon("it is not ready", async || told().await.0 != 200).await;
    let (_, text) = told().await;
    assert!(tells(&text), "{text}");
    let status = stand.status();
    assert!(!status.status.success(), "{}", text_of(&status.stdout));
    assert!(
        tells(&text_of(&status.stdout)),
        "{}",
        text_of(&status.stdout)
    );

    block_in_place(|| disk.make_room(&stand));
    for Scene { tenant, .. } in &scenes {
        soon("a user is made", async || {
            post(tenant, Sort::Person, "new@example.com").await.0 == 201
        })
        .await;
        assert_eq!(tenant.vendor.named("people", "new@example.com").len(), 1);
    }
    soon("it is ready", async || told().await.0 == 200).await;
    let status = text_of(&stand.status().stdout);
    assert!(!tells(&status), "{status}");
    let store = Connection::open(disk.store(&stand)).unwrap();
    let checked: String = store
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(checked, "ok");
    drop(store);
    stand.end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_no_write_goes_through_nothing_is_asked_of_the_vendor() {
    check(Limit, limited).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_disk_is_full_nothing_is_asked_of_the_vendor() {
    if can_mount() {
        check(Tmpfs, on_tmpfs).await;
    }
}

/// SQLite would open such a store to read it, and could not write it when the disk is mended.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_whose_disk_is_read_only_does_not_start_and_says_why() {
    if !can_mount() {
        return;
    }
    let mut stand = Stand::with([Class::named("b")], None, limited).await;
    let scene = Scene::set(&stand.tenants[0]).await;
    block_in_place(|| {
        stand.kill();
        let began = Instant::now();
        let ended = on_read_only(&stand.house).output().unwrap();
        let said = text_of(&[ended.stdout, ended.stderr].concat());
        assert!(!ended.status.success(), "{said}");
        assert!(
            said.contains("Read-only") && said.contains("store.path"),
            "{said}"
        );
        assert!(began.elapsed() < RECOVERY, "{said}");
        stand.start();
    });
    scene.reading_goes_on().await;
    stand.end();
}
