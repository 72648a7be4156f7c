//! Probes, and ports that cannot be had.

use std::net::TcpListener;
use std::time::Duration;

use scimgate::demo::emulator::sosafe;

use super::{Scene, Told, until};
use crate::house::House;

#[test]
fn probes_are_answered_and_tell_nothing() {
    let mut scene = Scene::start();
    for path in ["/livez", "/readyz", "/startupz"] {
        assert_eq!(scene.probe(path), 200, "{path}");
    }
    assert_eq!(scene.probe("/admin/v1/status"), 404);
    scene.served.terminate();
}

#[test]
fn a_gateway_that_stops_says_so_while_it_answers_what_is_under_way() {
    let mut scene = Scene::with(sosafe::Options {
        latency: Duration::from_millis(1500),
        ..sosafe::Options::default()
    });
    assert_eq!(scene.probe("/startupz"), 200);
    let minted = scene.run(&["token", "mint", "--tenant", "acme"]);
    let token = minted.text.split_whitespace().last().unwrap().to_owned();
    std::thread::scope(|scope| {
        let under_way = scope.spawn(|| {
            let filter = "/scim/v2/Users?filter=userName+eq+%22nobody%22";
            scene.served.get(filter, &token).status
        });
        // Until the vendor was asked nothing is under way.
        until("the vendor is asked", || scene.vendor.journal().len() == 1);
        scene.served.signal("TERM");
        until("it says that it stops", || scene.probe("/readyz") == 503);
        assert_eq!(scene.probe("/livez"), 200);
        assert_eq!(scene.probe("/startupz"), 200);
        assert!(!under_way.is_finished());
        assert_eq!(under_way.join().unwrap(), 200);
    });
    scene.served.ended();
}

#[test]
fn a_gateway_that_can_serve_nobody_is_alive_and_not_ready() {
    let house = House::of_sosafe();
    house.tenant("acme", "http://127.0.0.1:1/", "k");
    house.edit("tenants/acme.toml", "\"sosafe\"", "\"sosaf\"");
    house.write("scimgate.toml", "[server]\nlisten = \"127.0.0.1:0\"\n");
    let mut served = crate::serve_command::Served::start(&house);
    let probe = |path: &str| {
        let request = crate::harness::Request::new("GET", path);
        crate::serve_command::Served::send(&served.ops, &request).status
    };
    assert_eq!(probe("/livez"), 200);
    assert_eq!(probe("/readyz"), 503);
    assert_eq!(probe("/startupz"), 503);
    house.edit("tenants/acme.toml", "\"sosaf\"", "\"sosafe\"");
    served.signal("HUP");
    until("it is ready", || probe("/readyz") == 200);
    served.terminate();
}

#[test]
fn a_port_that_is_taken_is_a_mistake_of_the_configuration() {
    let house = House::of_sosafe();
    house.tenant("acme", "http://127.0.0.1:1/", "k");
    let held = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = held.local_addr().unwrap().to_string();
    for (variable, key) in [
        ("SCIMGATE_OPS__LISTEN", "ops.listen"),
        ("SCIMGATE_ADMIN__LISTEN", "admin.listen"),
    ] {
        let mut command = house.command(&["serve"]);
        command.env("SCIMGATE_SERVER__LISTEN", "127.0.0.1:0");
        let told = Told::of(command.env(variable, &taken).output().unwrap());
        assert_eq!(told.status, 78, "{}", told.errors);
        let begin = format!("scimgate: {key}: cannot listen on {taken}: port ");
        assert!(told.errors.contains(&begin), "{}", told.errors);
        assert!(
            told.errors
                .contains("is taken, perhaps by another scimgate"),
            "{}",
            told.errors
        );
        assert!(!told.errors.contains("os error"), "{}", told.errors);
    }
}

#[test]
fn ports_that_are_switched_off_are_not_there() {
    let house = House::of_sosafe();
    house.tenant("acme", "http://127.0.0.1:1/", "k");
    house.write("scimgate.toml", "[server]\nlisten = \"127.0.0.1:0\"\n");
    let mut command = house.command(&["-c", "scimgate.toml", "serve"]);
    command
        .env("SCIMGATE_OPS__LISTEN", "")
        .env("SCIMGATE_ADMIN__LISTEN", "");
    let mut served = crate::serve_command::Served::of(command);
    assert_eq!((served.ops.as_str(), served.admin.as_str()), ("", ""));
    let mut command = house.command(&["-c", "scimgate.toml", "status"]);
    let told = Told::of(command.env("SCIMGATE_ADMIN__LISTEN", "").output().unwrap());
    assert_eq!(told.status, 78);
    assert!(
        told.errors.contains("admin.listen: it is switched off"),
        "{}",
        told.errors
    );
    served.terminate();
}
