//! Mistakes in a tenant's file, and what `check` says of them.

use crate::house::House;

/// Line and the beginning of the words of each error of a file.
fn told(house: &House, file: &str) -> Vec<String> {
    let output = house.run(&["check", "--format", "json"]);
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let mut found: Vec<String> = told
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["file"] == file && one["severity"] == "error")
        .map(|one| format!("{}: {}", one["line"], one["message"].as_str().unwrap()))
        .collect();
    found.sort();
    found.iter_mut().for_each(|one| one.truncate(40));
    found
}

/// TOML's reader ends at the first mistake.
#[test]
fn all_mistakes_of_a_tenants_file_are_told_at_once() {
    let house = House::of_example();
    house.write(
        "tenants/acme.toml",
        "adapter = \"example\"\nbase_url = \"api.example\"\nprofile = \"azure\"\ncolour = 1\n\
         credential = { token = { value = \"t\" } }\n[limits]\nper_second = -1\nconcurrency = \"many\"\n",
    );
    house.write(
        "tenants/bee.toml",
        "adapter = \"example\"\nbase_url = 5\ncolour = 1\n",
    );
    let of = |file: &str| told(&house, file);
    assert_eq!(
        of("tenants/acme.toml"),
        [
            "2: base_url must be an http or https URL",
            "3: profile must be entra, okta or strict",
            "4: there is no key `colour`; there are: ",
            "7: limits.per_second must be a whole num",
            "8: limits.concurrency must be a whole nu",
            "null: the setting `region` is missing",
        ]
    );
    // What stands on a line with a mistake is not said to be missing.
    assert_eq!(
        of("tenants/bee.toml"),
        [
            "2: base_url must be a text in quotes, no",
            "3: there is no key `colour`; there are: ",
        ]
    );
}

/// Where a text is no TOML, what stands where is unknown.
#[test]
fn no_mistake_quotes_a_secret() {
    let house = House::of_example();
    for first in [
        "adapter = example\n",
        "[groups.priority]\n[credential\nkey = \"s3cret\"\n",
    ] {
        house.write(
            "tenants/acme.toml",
            &format!(
                "{first}base_url = \"https://api.example\"\ncredential = {{ token = \"s3cret\" }}\n"
            ),
        );
        let output = house.run(&["check", "--format", "json"]);
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(said.contains("tenants/acme.toml"), "{said}");
        assert!(!said.contains("s3cret"), "{said}");
        assert_eq!(told(&house, "tenants/acme.toml").len(), 1, "{said}");
    }
}

#[test]
fn the_keys_of_a_misspelt_section_are_not_taken_for_anothers() {
    let house = House::of_example();
    house.write(
        "tenants/acme.toml",
        "adapter = \"example\"\nbase_url = \"https://api.example\"\nsettings = { region = \"eu\" }\n\
         credential = { token = { value = \"t\" } }\n[limitz]\nper_second = 5\nburst = 10\n",
    );
    assert_eq!(
        told(&house, "tenants/acme.toml"),
        ["5: there is no key `limitz`; there are: "]
    );
}
