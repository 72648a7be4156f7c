//! One name in several spellings: names are compared as the vendor would be told them, without
//! regard to case, to blanks that it does not keep, and to how letters are composed.

use scimgate::scim::Profile;
use serde_json::{Value, json};

use super::play::{Play, everywhere, in_profiles};
use super::vendors::{ALL, GROUPED, PALOALTO, REFERENCE, SOSAFE, Vendor, WEBROOT, WSS};
use crate::harness::{group, members_in, person, unique};

/// The vendors whose groups have names without blanks at their ends.
const TRIMS_GROUPS: &[&Vendor] = &[&SOSAFE, &PALOALTO, &WEBROOT];

const BLANKS: [fn(&str) -> String; 3] = [
    |name| format!("{name} "),
    |name| format!(" {name}"),
    |name| format!(" {name}  "),
];

fn named(name: &str) -> Value {
    let mut body = group(&[]);
    body["displayName"] = name.into();
    body
}

fn called(user_name: &str) -> Value {
    let mut user = person();
    user["userName"] = user_name.into();
    user
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_blank_makes_no_second_group_and_takes_none_over() {
    everywhere(TRIMS_GROUPS, |play| async move {
        let member = play.make("/Users", &person()).await;
        let (team, name) = (group(&[&member]), |body: &Value| text(body, "displayName"));
        let path = format!("/Groups/{}", play.make("/Groups", &team).await);
        let before = play.picture().await;
        for blank in BLANKS {
            let spelt = blank(&name(&team));
            let answer = play.post("/Groups", &named(&spelt)).await;
            answer.is_taken(&format!("POST {spelt:?}"));
            before.is_still(&play.picture().await, &format!("POST {spelt:?}"));
            let held = play.tenant.get(&path).await;
            assert_eq!(members_in(&held.json()), [member.as_str()], "{held}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_blank_makes_no_second_user_where_the_vendor_keeps_none() {
    everywhere(&[&WSS], |play| async move {
        let user = person();
        play.make("/Users", &user).await;
        let before = play.picture().await;
        for blank in BLANKS {
            let spelt = blank(&text(&user, "userName"));
            let answer = play.post("/Users", &called(&spelt)).await;
            answer.is_taken(&format!("POST {spelt:?}"));
            before.is_still(&play.picture().await, &format!("POST {spelt:?}"));
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_blank_hides_no_group() {
    everywhere(TRIMS_GROUPS, |play| async move {
        for spelt in BLANKS.map(|blank| blank(&unique("Team "))) {
            let id = play.post("/Groups", &named(&spelt)).await;
            id.is(201, &format!("POST {spelt:?}"));
            is_found_by_all(&play, "/Groups", "displayName", &id.id(), &spelt).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_blank_hides_no_user_where_the_vendor_keeps_none() {
    everywhere(&[&WSS], |play| async move {
        for spelt in BLANKS.map(|blank| blank(&unique("ada"))) {
            let id = play.post("/Users", &called(&spelt)).await;
            id.is(201, &format!("POST {spelt:?}"));
            is_found_by_all(&play, "/Users", "userName", &id.id(), &spelt).await;
        }
    })
    .await;
}

async fn is_found_by_all(play: &Play, endpoint: &str, attribute: &str, id: &str, spelt: &str) {
    let trimmed = spelt.trim();
    let others = BLANKS.map(|blank| blank(trimmed));
    for asked in others.iter().map(String::as_str).chain([trimmed, spelt]) {
        let found = play.found(endpoint, attribute, asked).await;
        assert_eq!(found, [id], "{spelt:?}: eq {asked:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_is_renamed_to_a_name_with_a_blank_if_no_other_has_it() {
    everywhere(TRIMS_GROUPS, |play| async move {
        let (first, second) = (group(&[]), group(&[]));
        play.make("/Groups", &first).await;
        let path = format!("/Groups/{}", play.make("/Groups", &second).await);
        let rename = |name: &str| json!([{"op": "replace", "path": "displayName", "value": name}]);
        for blank in BLANKS {
            let before = play.picture().await;
            let taken = blank(&text(&first, "displayName"));
            let answer = play.patch(&path, rename(&taken)).await;
            answer.is_taken(&format!("PATCH {taken:?}"));
            before.has_the_same_values(&play.picture().await, &format!("PATCH {taken:?}"));
            let own = blank(&text(&second, "displayName"));
            let answer = play.patch(&path, rename(&own)).await;
            answer.is(play.changed_group(), &format!("PATCH {own:?}"));
            assert_eq!(play.tenant.get(&path).await.status, 200, "{own:?}");
        }
    })
    .await;
}

/// A vendor that keeps blanks keeps two groups apart, and so does the gateway.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_blank_counts_where_the_vendor_keeps_it() {
    everywhere(&[&REFERENCE, &WSS], |play| async move {
        let name = unique("Team");
        let spelt = format!("{name} ");
        let first = play.make("/Groups", &named(&name)).await;
        let second = play.post("/Groups", &named(&spelt)).await;
        second.is(201, "a blank at the end");
        let asked = play.found("/Groups", "displayName", &name).await;
        assert_eq!(asked, [first], "eq {name:?}");
        let asked = play.found("/Groups", "displayName", &spelt).await;
        assert_eq!(asked, [second.id()], "eq {spelt:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_name_is_found_and_taken_in_every_case() {
    everywhere(GROUPED, |play| async move {
        let name = unique("Eng x ");
        let id = play.make("/Groups", &named(&name)).await;
        for spelt in [name.to_uppercase(), name.to_lowercase(), swapped(&name)] {
            one_name(&play, "/Groups", "displayName", &id, named(&spelt)).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_name_is_found_and_taken_in_every_case() {
    everywhere(ALL, |play| async move {
        let name = format!("{}@example.com", unique("Eng."));
        let id = play.make("/Users", &called(&name)).await;
        for spelt in [name.to_uppercase(), name.to_lowercase(), swapped(&name)] {
            one_name(&play, "/Users", "userName", &id, called(&spelt)).await;
        }
    })
    .await;
}

/// Groups from before names were folded have their names in the spelling they were made in.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_group_is_found_by_its_name() {
    everywhere(&[&PALOALTO], |play| async move {
        let name = unique("Eng x ");
        let old = json!({"name": name.replace(' ', "_"), "display-name": name, "members": []});
        let seed = json!({"directories": [{"groups": [old]}]});
        play.emulator.seed(seed).unwrap();
        let found = play.found("/Groups", "displayName", &name).await;
        assert_eq!(found.len(), 1, "eq {name:?}: {found:?}");
        let before = play.picture().await;
        play.post("/Groups", &named(&name)).await.is_taken("POST");
        before.is_still(&play.picture().await, "POST");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_letter_of_a_user_name_is_the_same_however_it_is_composed() {
    everywhere(ALL, |play| async move {
        for [first, second] in [["\u{eb}", "e\u{308}"], ["e\u{308}", "\u{eb}"]] {
            let name = unique("zo");
            let spelt = |letter: &str| format!("{name}{letter}@example.com");
            let id = play.make("/Users", &called(&spelt(first))).await;
            one_name(&play, "/Users", "userName", &id, called(&spelt(second))).await;
            one_name(&play, "/Users", "userName", &id, called(&spelt(first))).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_letter_of_a_group_name_is_the_same_however_it_is_composed() {
    everywhere(GROUPED, |play| async move {
        for [first, second] in [["\u{eb}", "e\u{308}"], ["e\u{308}", "\u{eb}"]] {
            let name = unique("zo");
            let spelt = |letter: &str| format!("{name}{letter}");
            let id = play.make("/Groups", &named(&spelt(first))).await;
            one_name(&play, "/Groups", "displayName", &id, named(&spelt(second))).await;
            one_name(&play, "/Groups", "displayName", &id, named(&spelt(first))).await;
        }
    })
    .await;
}

/// The spelling of `body` finds the object, and a POST of it is refused.
async fn one_name(play: &Play, endpoint: &str, attribute: &str, id: &str, body: Value) {
    let spelt = text(&body, attribute);
    let found = play.found(endpoint, attribute, &spelt).await;
    assert_eq!(found, [id], "{attribute} eq {spelt:?}");
    let before = play.picture().await;
    let answer = play.post(endpoint, &body).await;
    answer.is_taken(&format!("POST {spelt:?}"));
    before.is_still(&play.picture().await, &format!("POST {spelt:?}"));
}

/// A no-break space is no other spelling of a space at a vendor that takes both names; whichever
/// way names are compared, a name names one object.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_no_break_space_never_makes_one_name_name_two() {
    everywhere(ALL, |play| async move {
        for spelt in ["eng\u{a0}", "\u{a0}eng", "eng\u{a0}x"] {
            let name = unique("n");
            let spelt = format!("{name}{spelt}");
            let plain = spelt.replace('\u{a0}', " ").trim().to_owned();
            names_one(
                &play,
                "/Users",
                "userName",
                [called(&plain), called(&spelt)],
            )
            .await;
            if play.vendor.has_groups {
                let bodies = [named(&plain), named(&spelt)];
                names_one(&play, "/Groups", "displayName", bodies).await;
            }
        }
    })
    .await;
}

async fn names_one(play: &Play, endpoint: &str, attribute: &str, bodies: [Value; 2]) {
    let spelt = bodies.each_ref().map(|body| text(body, attribute));
    let first = play.make(endpoint, &bodies[0]).await;
    let second = play.post(endpoint, &bodies[1]).await;
    let asked = play.found(endpoint, attribute, &spelt[0]).await;
    assert_eq!(asked, [first.as_str()], "eq {:?}", spelt[0]);
    let expected = match second.status {
        201 => second.id(),
        _ => {
            second.is_taken(&format!("POST {:?}", spelt[1]));
            first
        }
    };
    let asked = play.found(endpoint, attribute, &spelt[1]).await;
    assert_eq!(asked, [expected], "eq {:?}", spelt[1]);
}

/// The vendor takes a group whose name ends with a no-break space for another one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_that_the_vendor_keeps_apart_are_two() {
    in_profiles(&[&WSS], &Profile::ALL, |play| async move {
        for spelt in ["\u{a0}", "\u{a0}x"] {
            let name = unique("eng");
            let (plain, spelt) = (format!("{name}{}", spelt.trim()), format!("{name}{spelt}"));
            let groups = [plain, spelt].map(|name| json!({"groupName": name}));
            let seed = json!({"accounts": [{"groups": groups}]});
            play.emulator.seed(seed).unwrap();
            for group in &groups {
                let name = group["groupName"].as_str().unwrap();
                let found = play.found("/Groups", "displayName", name).await;
                assert_eq!(found.len(), 1, "eq {name:?}: {found:?}");
                let held = play.tenant.get(&format!("/Groups/{}", found[0])).await;
                assert_eq!(held.json()["displayName"], name, "eq {name:?}");
            }
        }
    })
    .await;
}

fn text(body: &Value, attribute: &str) -> String {
    body[attribute].as_str().unwrap().to_owned()
}

fn swapped(text: &str) -> String {
    let letters = text
        .chars()
        .map(|letter| match letter.is_ascii_uppercase() {
            true => letter.to_ascii_lowercase(),
            false => letter.to_ascii_uppercase(),
        });
    letters.collect()
}
