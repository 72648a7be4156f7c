//! `scimgate adapter new`: the files of a vendor, complete enough to be checked and played at
//! once, and to be changed line by line from there.

use std::path::PathBuf;

use clap::ValueEnum;

use super::super::output::Form;
use super::super::{Ending, Trouble, files};
use crate::adapter::Adapter;
use crate::config::Config;

/// What to begin with.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Options {
    /// The adapter's name: the name of its files, and what a tenant file says under `adapter`.
    #[arg(value_parser = adapter_name)]
    name: String,
    /// The vendor's name for people; default: the adapter's name.
    #[arg(long)]
    title: Option<String>,
    /// How the vendor's API authenticates the gateway.
    #[arg(long, value_enum, default_value = "bearer")]
    credential: Credential,
    /// How the vendor keeps groups, if it has any.
    #[arg(long, value_enum, default_value = "none")]
    groups: Groups,
    /// One credential sees several customers, and a field of each object says whose it is.
    #[arg(long)]
    fenced: bool,
}

/// What the files say of whose an object is, by its mark.
const FENCE: &[(&str, &str)] = &[
    (
        "%customer%",
        "[settings.customer]\ndescription = \"The customer's id at the vendor\"\n\n",
    ),
    (
        "%owner%",
        "# One credential sees several customers: this field says whose an object is.\n\
         owner = { field = \"customer_id\", setting = \"customer\" }\n",
    ),
    ("%own_field%", "\"customer_id\", "),
    ("%sets_user%", "user.customer_id = setting(\"customer\"); "),
    (
        "%sets_group%",
        "group.customer_id = setting(\"customer\"); ",
    ),
    ("%made%", "\"customer_id\": \"c1\", "),
    ("%own%", " \"customer_id\": \"c1\","),
    ("%setting%", "\n@setting customer = c1"),
    // Who is to join is looked at first.
    (
        "%looks%",
        "### Vendor is called\nGET /users/17\n\n### Vendor answers\n200\n\n\
         {\"id\": \"17\", \"customer_id\": \"c1\", \"username\": \"ada@example.com\", \"enabled\": true}\n\n",
    ),
];

/// How a vendor keeps groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Groups {
    /// It has none, or they are not wanted.
    None,
    /// A user is in any number of groups.
    Many,
    /// A user is in one group at most.
    One,
}

/// What a file says of groups, and what stands for it where there are none.
struct OfGroups {
    membership: &'static str,
    script: &'static str,
    /// What a group's life has instead of `%members%`, `%joins%`, `%leaves%` and the numbers of calls.
    calls: [(&'static str, &'static str); 5],
}

const MANY: OfGroups = OfGroups {
    membership: "vendor",
    script: include_str!("scaffold/members.rhai"),
    calls: [
        (
            "%members%",
            "### Vendor is called\nGET /groups/5/members\n\n### Vendor answers\n200\n\n{\"items\": []}\n\n",
        ),
        (
            "%joins%",
            "%looks%### Vendor is called\nPOST /groups/5/members\n\n{\"add\": [\"17\"]}\n\n### Vendor answers\n204\n",
        ),
        (
            "%leaves%",
            "### Vendor is called\nPOST /groups/5/members\n\n{\"remove\": [\"17\"]}\n\n### Vendor answers\n204\n",
        ),
        ("%calls%", "9"),
        ("%fenced_calls%", "10"),
    ],
};

const ONE: OfGroups = OfGroups {
    membership: "exclusive",
    script: include_str!("scaffold/one-group.rhai"),
    calls: [
        ("%members%", ""),
        (
            "%joins%",
            "%looks%### Vendor is called\nPATCH /users/17\n\n{\"group_id\": \"5\"}\n\n### Vendor answers\n204\n",
        ),
        (
            "%leaves%",
            "### Vendor is called\nPATCH /users/17\n\n{\"group_id\": null}\n\n### Vendor answers\n204\n",
        ),
        ("%calls%", "8"),
        ("%fenced_calls%", "9"),
    ],
};

impl Groups {
    fn parts(self) -> Option<&'static OfGroups> {
        match self {
            Self::None => None,
            Self::Many => Some(&MANY),
            Self::One => Some(&ONE),
        }
    }
}

/// The kinds, each with something to begin with.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Credential {
    /// User name and password.
    Basic,
    /// A bearer token.
    Bearer,
    /// A key in a header.
    Header,
    /// OAuth 2.0 client credentials.
    Oauth2,
    /// OAuth 2.0 with the password of a service account.
    Oauth2Password,
    /// A key that the vendor gives for user name and password.
    KeyExchange,
    /// None.
    None,
}

impl Credential {
    fn table(self) -> &'static str {
        match self {
            Self::Basic => "kind = \"basic\"",
            Self::Bearer => "kind = \"bearer\"",
            Self::Header => "kind = \"header\"\nheader = \"X-Api-Key\"",
            Self::Oauth2 => {
                "kind = \"oauth2\"\ngrant = \"client_credentials\"\ntoken_url = \"/oauth/token\""
            }
            Self::Oauth2Password => {
                "kind = \"oauth2\"\ngrant = \"password\"\ntoken_url = \"/oauth/token\""
            }
            Self::KeyExchange => {
                "kind = \"key_exchange\"\nheader = \"X-Api-Key\"\npath = \"/login\"\n\
                 form = { user = \"{username}\", password = \"{password}\" }\nkey = \"/key\""
            }
            Self::None => "kind = \"none\"",
        }
    }
}

fn adapter_name(name: &str) -> Result<String, String> {
    if Adapter::is_name(name) {
        Ok(name.to_owned())
    } else {
        Err(Adapter::NAME_FORM.to_owned())
    }
}

/// Writes the files and says what to do next.
pub(super) fn run(config: &Config, options: &Options, form: Form) -> Result<Ending, Trouble> {
    let files = filled_in(config, options);
    files::write(&files).map_err(Trouble::Config)?;
    let next = format!("next: scimgate check, scimgate test {}\n", options.name);
    Ok(files::written(form, &files, &next))
}

/// Each file and its text.
fn filled_in(config: &Config, options: &Options) -> Vec<(PathBuf, String)> {
    let (catalog, name) = (&config.catalog, &options.name);
    let title = options.title.as_deref().unwrap_or(name);
    let groups = options.groups.parts();
    let or_nothing = |of_groups: fn(&OfGroups) -> String| groups.map(of_groups).unwrap_or_default();
    let filled = |template: &str, of_groups: &str| {
        let text = template
            .replace("%groups%", of_groups)
            .replace("%name%", name);
        let fence = FENCE.iter();
        let text = fence.fold(text, |text, (mark, said)| match options.fenced {
            true => text.replace(mark, said),
            false => text.replace(mark, ""),
        });
        // The title stands in texts and in a TOML string.
        text.replace("%title%", &title.replace(['"', '\\'], "'"))
    };
    let manifest = include_str!("scaffold/manifest.toml")
        .replace("%credential%", options.credential.table())
        .replace("%group_id%", &or_nothing(manifest_groups))
        .replace(
            "%group_fields%",
            &or_nothing(|_| "group = [\"id\", %own_field%\"name\"]\n".to_owned()),
        );
    let script = or_nothing(|groups| {
        include_str!("scaffold/groups.rhai").replace("%membership%", groups.script)
    });
    let page = or_nothing(|_| include_str!("scaffold/groups.md").to_owned());
    let transcripts = catalog.transcripts.join(name);
    let life = groups.map(|groups| {
        let calls = match options.fenced {
            true => "%fenced_calls%",
            false => "%calls%",
        };
        let text = include_str!("scaffold/groups.http").replace("%calls%", calls);
        let put = |text: String, (mark, call): &(&str, &str)| text.replace(mark, call);
        let text = groups.calls.iter().fold(text, put);
        (transcripts.join("groups.http"), filled(&text, ""))
    });
    let files = [
        (
            catalog.adapters.join(format!("{name}.toml")),
            filled(&manifest, ""),
        ),
        (
            catalog.scripts.join(format!("{name}.rhai")),
            filled(include_str!("scaffold/script.rhai"), &script),
        ),
        (
            catalog.adapters.join(format!("{name}.md")),
            filled(include_str!("scaffold/page.md"), &page),
        ),
        (
            transcripts.join("users.http"),
            filled(include_str!("scaffold/users.http"), ""),
        ),
    ];
    let fenced = [
        ("foreign-id.http", include_str!("scaffold/foreign-id.http")),
        (
            "swapped-credential.http",
            include_str!("scaffold/swapped-credential.http"),
        ),
    ];
    let fenced = fenced.into_iter().filter(|_| options.fenced);
    let fenced = fenced.map(|(file, text)| (transcripts.join(file), text.to_owned()));
    files.into_iter().chain(life).chain(fenced).collect()
}

fn manifest_groups(groups: &OfGroups) -> String {
    format!(
        "group = {{ field = \"id\" }}\n\n[groups]\nmembership = \"{}\"\n",
        groups.membership
    )
}
