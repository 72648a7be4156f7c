//! Every kind of diagnostic as an operator sees it, in one page that is read as a
//! whole: `tests/data/diagnostics.txt`, renewed by `UPDATE_EXPECT=1`. Each text
//! tells place, reason and remedy, and blames nobody.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use expect_test::expect_file;
use scimgate::problem::manual;

use crate::house::{House, text_of};

/// A mistake in a house of the example vendor.
struct Mistake {
    code: &'static str,
    make: fn(&House),
}

const fn mistake(code: &'static str, make: fn(&House)) -> Mistake {
    Mistake { code, make }
}

const MANIFEST: &str = "adapters/example.toml";
const EXAMPLE: &str = include_str!("../data/example.toml");
const SCRIPT: &str = "scripts/example.rhai";
const TENANT: &str = "tenants/acme.toml";
const TRANSCRIPT: &str = "tests/vendors/example/read.http";
const CONFIG: &str = "scimgate.toml";

/// What only a running gateway finds: the tests of `catalog` provoke them.
const RUNNING: [&str; 6] = [
    "adapter::gone",
    "gateway::defect",
    "server::certificate",
    "tenant::in-both",
    "tenant::vanished",
    "transcript::unplayed",
];

/// In the order of `deploy/diagnostics.md`.
const MISTAKES: &[Mistake] = &[
    mistake("config::unreadable", |house| house.remove(CONFIG)),
    mistake("config::syntax", |house| {
        house.write(CONFIG, "[server]\nlisten = 0.0.0.0:8080\n");
    }),
    mistake("config::unknown-key", |house| {
        house.write(CONFIG, "[server]\nlistn = \"0.0.0.0:8080\"\n");
    }),
    mistake("config::unknown-variable", |house| {
        house.variable("SCIMGATE_SERVER_LISTEN", "0.0.0.0:8080");
    }),
    mistake("config::unfit-value", |house| {
        house.write(CONFIG, "workers = 0\n");
    }),
    mistake("config::unfit-value", |house| {
        house.write(CONFIG, "[limits]\nrequests_per_second = -1\n");
    }),
    mistake("config::no-public-url", |house| {
        house.write(CONFIG, "[server]\nlisten = \"0.0.0.0:8080\"\n");
    }),
    mistake("config::missing-key", |house| {
        house.write(CONFIG, "[server.tls]\nkey = \"tls.key\"\n");
    }),
    mistake("file::unreadable", |house| {
        house.write(
            CONFIG,
            "[catalog]\nscripts = \"nowhere\"\nadapters = \"nowhere\"\nbuilt_in = false\n",
        );
    }),
    mistake("file::newer-version", |house| {
        house.edit(MANIFEST, "title = ", "version = 2\ntitle = ");
    }),
    mistake("file::newer-version", |house| {
        house.edit(TENANT, "adapter = ", "version = 2\nadapter = ");
    }),
    mistake("adapter::name", |house| {
        house.copy("tests/data/example.toml", "adapters/My Vendor.toml");
        house.copy("tests/data/example.rhai", "scripts/My Vendor.rhai");
    }),
    mistake("adapter::no-script", |house| house.remove(SCRIPT)),
    mistake("manifest::invalid", |house| {
        house.edit(MANIFEST, "per_second", "per_secnd");
    }),
    mistake("manifest::default", |house| {
        house.edit(MANIFEST, "one_of", "default = \"moon\"\none_of");
    }),
    mistake("manifest::unknown-setting", |house| {
        house.edit(MANIFEST, "{region}", "{regoin}");
    }),
    mistake("manifest::header", |house| {
        house.edit(MANIFEST, "X-Region", "\"X Region\"");
    }),
    mistake("manifest::header", |house| {
        house.edit(MANIFEST, "title =", "request_token = \"X Once\"\ntitle =");
    }),
    mistake("manifest::unknown-field", |house| {
        house.edit(MANIFEST, "field = \"id\"", "field = \"idd\"");
    }),
    mistake("manifest::expires", |house| {
        house.edit(MANIFEST, "field = \"id\"", "field = \"id\", expires = true");
    }),
    mistake("manifest::path", |house| {
        house.edit(MANIFEST, "[credential]", "[replies]\n[credential]");
        house.edit(
            MANIFEST,
            "consistency",
            "graphql = \"graphql\"\nconsistency",
        );
    }),
    mistake("manifest::pointer", |house| {
        house.edit(
            MANIFEST,
            "[credential]",
            "[replies]\ncode = \"error.code\"\n\n[credential]",
        );
    }),
    mistake("manifest::unknown-attribute", |house| {
        let row = "[[replies.errors]]\nmeans = \"conflict\"\nattribute = \"usrName\"\n\n";
        house.edit(MANIFEST, "[credential]", &format!("{row}[credential]"));
    }),
    mistake("manifest::idle-alarm", |house| {
        let row =
            "[[replies.errors]]\nstatus = 200\nmeans = \"ok\"\nalarm = \"renew the licence\"\n\n";
        house.edit(MANIFEST, "[credential]", &format!("{row}[credential]"));
    }),
    mistake("manifest::request-token", |house| {
        house.edit(SCRIPT, "post(\"/people\"", "post_once(\"/people\"");
    }),
    mistake("manifest::index-lag", |house| {
        house.edit(MANIFEST, "\"A\"", "\"C\"");
    }),
    mistake("manifest::lagging-creates", |house| {
        house.edit(MANIFEST, "\"A\"", "\"C\"\nindex_lag_ms = 5_000");
        house.edit(SCRIPT, ".lookup(\"login\").unique()", ".lookup(\"login\")");
    }),
    mistake("manifest::inactive", |house| {
        house.write(
            MANIFEST,
            &format!("{EXAMPLE}\n[groups]\nmembership = \"exclusive\"\ninactive = \"leave\"\n"),
        );
    }),
    mistake("manifest::extension", |house| extension(house, "acme")),
    mistake("manifest::unused-extension", |house| {
        extension(house, "urn:acme:2.0:User")
    }),
    mistake("script::syntax", |house| {
        house.edit(SCRIPT, "\"/people\", user", "\"/people\" user");
    }),
    mistake("script::syntax", |house| {
        house.edit(
            SCRIPT,
            "{ post(\"/people\", user) }",
            "{ post(\"/people\", user }",
        );
    }),
    mistake("script::too-large", |house| {
        house.write(SCRIPT, &"// long\n".repeat(10_000));
    }),
    mistake("script::unknown-variable", |house| {
        house.edit(SCRIPT, "get(`/people/${id}`)", "get(`/people/${idd}`)");
    }),
    mistake("script::unknown-function", |house| {
        house.edit(SCRIPT, "shorten(title))", "shortn(title))");
    }),
    mistake("script::wrong-arity", |house| {
        house.edit(
            SCRIPT,
            "delete(`/people/${id}`)",
            "delete(`/people/${id}`, 1, 2)",
        );
    }),
    mistake("script::wrong-kind", |house| {
        house.edit(SCRIPT, "{ post(", "{ busy(\"soon\"); post(");
    }),
    mistake("script::missing-function", |house| {
        house.edit(SCRIPT, "fn get_user(id)", "fn fetch_user(id)");
    }),
    mistake("script::unknown-setting", |house| {
        house.edit(SCRIPT, "{ post(", "{ setting(\"regoin\"); post(");
    }),
    mistake("script::failed", |house| {
        house.edit(SCRIPT, "\"mail\")", "\"mail\").cut(\"120\")");
    }),
    mistake("table::not-a-row", |house| {
        house.edit(SCRIPT, "    [\n", "    return 5;\n    [\n")
    }),
    mistake("table::unknown-attribute", |house| {
        house.edit(SCRIPT, "attr(\"userName\"", "attr(\"userNme\"");
    }),
    mistake("table::unknown-field", |house| {
        house.edit(SCRIPT, "\"job_title\"", "\"job_titel\"");
    }),
    mistake("table::duplicate-row", |house| {
        house.edit(SCRIPT, "attr(\"title\"", "attr(\"userName\"");
    }),
    mistake("table::no-boolean", |house| {
        house.edit(SCRIPT, "\"true\": \"on\"", "\"yes\": \"on\"");
    }),
    mistake("table::no-field", |house| {
        house.edit(SCRIPT, "    ]", "        attr(\"password\"),\n    ]");
    }),
    mistake("table::unknown-reference", |house| {
        house.edit(SCRIPT, "\"mail\")", "\"mail\").reference(\"Group\")");
    }),
    mistake("table::unknown-style", |house| {
        house.edit(SCRIPT, "\"mail\")", "\"mail\").country(\"alpha4\")");
    }),
    mistake("script::unknown-batch", |house| {
        house.edit(SCRIPT, "post(\"/people\", user)", "batch(\"jobs\", user)");
    }),
    mistake("tenant::name", |house| {
        house.write("tenants/Acme Ltd.toml", "adapter = \"example\"\n");
    }),
    mistake("tenant::invalid", |house| {
        house.edit(TENANT, "adapter", "adaptr")
    }),
    mistake("tenant::invalid", |house| {
        house.edit(TENANT, "base_url = \"https://api.example\"", "");
    }),
    mistake("tenant::invalid", |house| {
        house.edit(TENANT, "base_url", "profile = \"azure\"\nbase_url");
    }),
    mistake("tenant::invalid", |house| {
        house.edit(
            TENANT,
            "settings =",
            "limits = { per_second = -1 }\nsettings =",
        );
    }),
    mistake("tenant::unknown-adapter", |house| {
        house.edit(TENANT, "\"example\"", "\"exampel\"");
    }),
    mistake("tenant::base-url", |house| {
        house.edit(TENANT, "https://", "")
    }),
    mistake("tenant::token-url", |house| {
        let oauth2 = "\"oauth2\"\ngrant = \"client_credentials\"\ntoken_url = \"{region}/token\"";
        house.edit(MANIFEST, "\"bearer\"", oauth2);
        let secrets = "client_id = { file = \"token\" }, client_secret = { file = \"token\" }";
        house.edit(TENANT, "token = { file = \"token\" }", secrets);
    }),
    mistake("tenant::federation", |house| {
        let section = "federation = { entra_tenant = \"contoso.com\", subject = \"s\", \
                       audiences = [\"api://scimgate\"] }\nsettings =";
        house.edit(TENANT, "settings =", section);
    }),
    mistake("tenant::federation", |house| {
        let section = "federation = { entra_tenant = \"11111111-2222-3333-4444-555555555555\", \
                       subject = \"s\", audiences = [\"api://scimgate\"], \
                       keys_url = \"http://keys.example/jwks\" }\nsettings =";
        house.edit(TENANT, "settings =", section);
    }),
    mistake("tenant::unknown-setting", |house| {
        house.edit(TENANT, "region", "regoin")
    }),
    mistake("tenant::missing-setting", |house| {
        house.edit(TENANT, "settings = { region = \"eu\" }\n", "");
    }),
    mistake("tenant::unfit-setting", |house| {
        house.edit(TENANT, "\"eu\"", "\"moon\"")
    }),
    mistake("tenant::custom-attributes", |house| {
        let custom = "[settings.own]\ndescription = \"Own attributes\"\n\n\
             [custom_attributes]\nsetting = \"own\"\nschema = \"urn:acme:2.0:User\"\nfield = \"own.{name}\"\n\n";
        house.edit(MANIFEST, "[credential]", &format!("{custom}[credential]"));
        house.edit(TENANT, "\"eu\"", "\"eu\", own = \"cost center\"");
    }),
    mistake("tenant::unknown-secret", |house| {
        house.edit(TENANT, "{ token =", "{ key =")
    }),
    mistake("tenant::missing-secret", |house| {
        house.edit(
            TENANT,
            "credential = { token = { file = \"token\" } }\n",
            "",
        );
    }),
    mistake("tenant::unreadable-secret", |house| {
        house.remove("tenants/token")
    }),
    mistake("transcript::invalid", |house| {
        house.edit(TRANSCRIPT, "@calls 1", "@calls 2")
    }),
    mistake("transcript::not-played", |house| {
        let custom = "[settings.own]\ndescription = \"Own attributes\"\ndefault = \"\"\n\n\
             [custom_attributes]\nsetting = \"own\"\nschema = \"urn:acme:2.0:User\"\nfield = \"own.{name}\"\n\n";
        house.edit(MANIFEST, "[credential]", &format!("{custom}[credential]"));
        house.edit(
            TRANSCRIPT,
            "@calls 1",
            "@calls 1\n@setting own = cost center",
        );
    }),
    mistake("transcript::call", |house| {
        house.edit(TRANSCRIPT, "GET /people/7", "GET /people/8")
    }),
    mistake("transcript::call-body", |house| {
        house.edit(
            TRANSCRIPT,
            "GET /people/7",
            "GET /people/7\n\n{\"all\": true}",
        );
    }),
    mistake("transcript::extra-call", |house| {
        house.edit(
            SCRIPT,
            "{ get(`/people/${id}`) }",
            "{ get(`/people/${id}`); get(\"/more\") }",
        );
    }),
    mistake("transcript::missing-call", |house| {
        let call = "### Vendor is called\nGET /more\n\n### Vendor answers\n200\n\n### Entra gets";
        house.edit(TRANSCRIPT, "### Entra gets", call);
        house.edit(TRANSCRIPT, "@calls 1", "@calls 2");
    }),
    mistake("transcript::status", |house| {
        house.edit(TRANSCRIPT, "### Entra gets\n200", "### Entra gets\n404");
    }),
    mistake("transcript::header", |house| {
        let header = "### Entra gets\n200\nLocation: https://gateway.example/scim/v2/Users/8";
        house.edit(TRANSCRIPT, "### Entra gets\n200", header);
    }),
    mistake("transcript::body", |house| {
        house.edit(TRANSCRIPT, "\"title\": \"Boss\"", "\"title\": \"Head\"");
    }),
    mistake("lint::unmapped-attribute", |house| {
        house.edit(
            SCRIPT,
            " // allow: lint::unmapped-attribute An example is small.",
            "",
        );
    }),
    mistake("lint::field-written-twice", |house| {
        house.edit(
            SCRIPT,
            "    ]\n",
            "        attr(\"userType\", \"job_title\"),\n    ]\n",
        );
    }),
    mistake("lint::one-way-conversion", |house| {
        house.edit(SCRIPT, ".to(|title|", ".from(|title|");
    }),
    mistake("lint::one-way-conversion", |house| {
        house.edit(SCRIPT, "\"job_title\").to", "[\"job_title\", \"mail\"]).to");
        house.edit(SCRIPT, "\"mail\"),\n    ]", "\"login\"),\n    ]");
    }),
    mistake("lint::failing-closure", |house| {
        house.edit(
            SCRIPT,
            ".to(|title|",
            ".to(|title| title.split(\" \")[1]).from(|title|",
        );
    }),
    mistake("lint::unique-external-id", |house| {
        house.edit(
            SCRIPT,
            "attr(`emails[type eq \"work\"].value`,   \"mail\")",
            "attr(\"externalId\", \"mail\").lookup(\"mail\").unique()",
        );
    }),
    mistake("lint::ambiguous-value", |house| {
        house.edit(
            SCRIPT,
            ".to(|title| shorten(title))",
            ".values(#{ \"CEO\": \"top\", \"CFO\": \"top\" }).lenient()",
        );
    }),
    mistake("lint::optional-value-refused", |house| {
        house.edit(
            SCRIPT,
            ".to(|title| shorten(title))",
            ".values(#{ \"CEO\": \"top\", \"CFO\": \"next\" })",
        );
    }),
    mistake("lint::optional-value-refused", |house| {
        house.edit(SCRIPT, ".to(|title| shorten(title))", ".max(20)");
    }),
    mistake("lint::unused-function", |house| {
        house.edit(
            SCRIPT,
            "fn shorten(",
            "fn longer(title) { shorter(title) }\nfn shorter(title) { title }\nfn shorten(",
        );
    }),
    mistake("lint::unused-constant", |house| {
        house.edit(
            SCRIPT,
            "fn user_attributes",
            "const LIMIT = 20;\nfn user_attributes",
        );
    }),
    mistake("lint::unused-setting", |house| {
        house.edit(MANIFEST, "{region}", "eu")
    }),
    mistake("lint::shadowed-error-row", |house| {
        let rows = "[[replies.errors]]\ncode = \"E1\"\nmeans = \"busy\"\n\n\
             [[replies.errors]]\nstatus = 409\ncode = \"E1\"\nmeans = \"conflict\"\n\n";
        house.edit(MANIFEST, "[credential]", &format!("{rows}[credential]"));
    }),
    mistake("lint::literal-secret", |house| {
        house.edit(TENANT, "file = \"token\"", "value = \"s3cret\"");
    }),
    mistake("lint::literal-secret", |house| {
        house.edit(MANIFEST, "[headers]", "[headers]\nX-Api-Key = \"s3cr3t\"");
    }),
    mistake("lint::plain-http", |house| {
        house.edit(TENANT, "https://", "http://")
    }),
    mistake("lint::no-transcripts", |house| house.remove(TRANSCRIPT)),
    mistake("lint::unplayed-operation", |_| {}),
    mistake("lint::idle-allow", |house| {
        house.edit(
            SCRIPT,
            "fn shorten",
            "// allow: lint::unused-function It may be of use.\nfn shorten",
        );
    }),
];

fn extension(house: &House, id: &str) {
    let entry = format!(
        "[[extensions]]\nresource = \"user\"\n\
         schema = {{ id = \"{id}\", name = \"Own\", attributes = [{{ name = \"floor\" }}] }}\n\n[credential]"
    );
    house.edit(MANIFEST, "[credential]", &entry);
}

/// A house where nothing is wrong but that its transcripts are few.
fn house() -> House {
    let house = House::of_example();
    house.copy("tests/data/example.http", TRANSCRIPT);
    house.write(CONFIG, "");
    house.write("tenants/token", "t");
    house.write(
        TENANT,
        "adapter = \"example\"\nbase_url = \"https://api.example\"\n\
         settings = { region = \"eu\" }\ncredential = { token = { file = \"token\" } }\n",
    );
    house
}

/// What `check` says about a mistake: of its code alone.
fn told(mistake: &Mistake) -> String {
    let house = house();
    (mistake.make)(&house);
    let output = house.run(&["check", "-c", CONFIG]);
    let all = [text_of(&output.stdout), text_of(&output.stderr)].concat();
    assert!(!all.contains("s3cret"), "{all}");
    let mut lines = all.lines().skip_while(|line| *line != mistake.code);
    let head = lines.next().map(str::to_owned);
    let head = head.unwrap_or_else(|| panic!("no {} in\n{all}", mistake.code));
    let block = lines.take_while(|line| !is_code(line) && !line.contains(" warning"));
    let block: String = block.map(|line| format!("{line}\n")).collect();
    format!("{head}\n{}\n\n", block.trim_end())
}

#[test]
fn each_kind_of_diagnostic_has_a_text_that_helps() {
    let page: String = MISTAKES.iter().map(told).collect();
    expect_file!["../data/diagnostics.txt"].assert_eq(&page);
}

/// What a library or the operating system says, and no operator can use.
#[test]
fn no_text_names_a_type_a_number_of_an_error_or_a_placeholder() {
    let page = include_str!("../data/diagnostics.txt");
    for foreign in [
        "os error",
        "unknown field",
        "unknown variant",
        "missing field",
        "invalid type",
        "invalid value",
        "expected one of",
        "ImmutableString",
        "nonzero",
        "usize",
        "u32",
        "i64",
        "struct ",
        "enum ",
        "Dynamic",
        "rhai::",
        "NotFound",
    ] {
        assert!(!page.contains(foreign), "{foreign}");
    }
    let placeholder = page.split('<').skip(1).find(|rest| {
        let word = rest.split('>').next().unwrap_or_default();
        rest.contains('>')
            && word
                .chars()
                .all(|letter| letter.is_alphanumeric() || ".-_".contains(letter))
    });
    assert_eq!(placeholder, None);
}

#[test]
fn every_code_is_explained_and_provoked_and_no_other() {
    let provoked = MISTAKES.iter().map(|it| it.code).chain(RUNNING);
    let provoked: BTreeSet<String> = provoked.map(str::to_owned).collect();
    let explained: BTreeSet<String> = manual::codes().map(str::to_owned).collect();
    let used = codes_in(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    assert_eq!(used, explained, "src against deploy/diagnostics.md");
    assert_eq!(used, provoked, "src against the table of this file");
}

#[test]
fn every_explanation_says_what_to_do() {
    for code in manual::codes() {
        let text = manual::explain(code).unwrap();
        assert!(text.contains("\nRemedy: "), "{code}: {text}");
    }
}

/// The string literals of the sources that are codes.
fn codes_in(directory: &Path) -> BTreeSet<String> {
    let mut codes = BTreeSet::new();
    for file in sources(directory) {
        let text = std::fs::read_to_string(file).unwrap();
        let quoted = text.split('"').filter(|quoted| is_code(quoted));
        codes.extend(quoted.map(str::to_owned));
    }
    codes
}

fn is_code(quoted: &str) -> bool {
    const AREAS: [&str; 11] = [
        "adapter",
        "config",
        "file",
        "gateway",
        "lint",
        "manifest",
        "script",
        "server",
        "table",
        "tenant",
        "transcript",
    ];
    let Some((area, kind)) = quoted.split_once("::") else {
        return false;
    };
    let is_word = |letter: char| letter.is_ascii_lowercase() || letter == '-';
    AREAS.contains(&area) && !kind.is_empty() && kind.chars().all(is_word)
}

fn sources(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .flat_map(|path| match path.is_dir() {
            true => sources(&path),
            false => vec![path],
        })
        .collect()
}
