//! `tenants/<tenant>.toml`: a tenant as an operator writes it.
//!
//! ```toml
//! adapter = "sosafe"
//! base_url = "https://api.example/provisioning/v1"
//! settings = { idp_tenant = "11111111-2222-3333-4444-555555555555" }
//! credential = { key = { file = "/run/secrets/acme-sosafe" } }
//! groups = { priority = { Finance = 1, Sales = 2 } }
//! ```

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use secrecy::SecretString;
use serde::Deserialize;
use toml::Spanned;
use toml::de::DeTable;
use url::Url;

use super::oauth::entra_tokens::EntraTokensFile;
use super::oauth::federation::FederationFile;
use super::redact::secrets;
use super::secret::{SecretSource, Secrets};
use super::{Tenant, Upstream};
use crate::adapter::Adapter;
use crate::adapter::keys::TenantId;
use crate::adapter::manifest::{CredentialKind, Limits, Setting};
use crate::adapter::settings::Settings;
use crate::problem::version::{self, FormatVersion};
use crate::problem::wording::{one_of, plain};
use crate::problem::{Problem, meant_by, nearest};
use crate::scim::Profile;

/// So many mistakes are looked for in a text that cannot be read.
const MOST: usize = 20;

/// A tenant file as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TenantFile {
    /// The form it is written in.
    #[serde(default, rename = "version")]
    _version: FormatVersion,
    /// The adapter's name.
    pub adapter: Spanned<String>,
    /// Whose dialect of SCIM it speaks.
    #[serde(default)]
    profile: Profile,
    pub(crate) base_url: Spanned<String>,
    #[serde(default)]
    settings: BTreeMap<Spanned<String>, Spanned<toml::Value>>,
    #[serde(default)]
    pub(crate) credential: BTreeMap<Spanned<String>, SecretSource>,
    /// The name of another way to authenticate than the manifest's usual one.
    credential_kind: Option<Spanned<String>>,
    #[serde(default)]
    limits: Limits,
    #[serde(default)]
    groups: GroupSettings,
    federation: Option<FederationFile>,
    entra_tokens: Option<EntraTokensFile>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct GroupSettings {
    priority: BTreeMap<String, i64>,
}

impl TenantFile {
    /// Reads a file's text.
    ///
    /// # Errors
    /// What TOML or the keys are wrong about.
    pub fn parse(file: &str, text: &str) -> Result<Self, Vec<Problem>> {
        match Self::read(file, text) {
            (Some(written), problems) if problems.is_empty() => Ok(written),
            (_, problems) => Err(problems),
        }
    }

    /// The same, with what can be checked although there are mistakes elsewhere: the reader ends
    /// at the first one, so it reads again without its line.
    pub fn read(file: &str, text: &str) -> (Option<Self>, Vec<Problem>) {
        let mut rest = text.to_owned();
        let mut problems = Vec::new();
        loop {
            let error = match toml::from_str(&rest) {
                Ok(written) => {
                    let is_whole = problems.is_empty() || is_checked_alike(text, &rest);
                    return (is_whole.then_some(written), problems);
                }
                Err(error) => error,
            };
            if let Some(newer) = version::newer(file, text) {
                return (None, vec![newer]);
            }
            // What is misspelt, or stands on a line that was left out, is not missing.
            let is_missing = error.message().starts_with("missing field");
            if is_missing && !problems.is_empty() {
                return (None, problems);
            }
            problems.push(problem(file, text, &error));
            // Where the text is no TOML, nobody can tell where secrets stand that further words may quote.
            if is_missing || problems.len() == MOST || DeTable::parse(text).is_err() {
                return (None, problems);
            }
            let Some(line) = error.span().and_then(|span| line_of(&rest, &span)) else {
                return (None, problems);
            };
            rest.replace_range(line.clone(), &" ".repeat(line.len()));
            if DeTable::parse(&rest).is_err() {
                return (None, problems);
            }
        }
    }

    /// Checks the file against its adapter; its secrets are read where `secrets` says.
    ///
    /// # Errors
    /// Every problem found.
    pub fn check(
        self,
        id: TenantId,
        file: &str,
        secrets: Secrets<'_>,
        adapter: Arc<Adapter>,
    ) -> Result<Tenant, Vec<Problem>> {
        let checker = Checker {
            id: &id,
            file,
            secrets,
            adapter: &adapter,
        };
        let mut problems = Vec::new();
        let base_url = checker
            .base_url(&self.base_url)
            .map_err(|problem| problems.push(problem));
        let settings = checker.settings(&self.settings, &mut problems);
        let credential = checker
            .credential(self.credential_kind.as_ref())
            .map_err(|problem| vec![problem])?;
        let secrets = checker.secrets(&self.credential, &credential, &mut problems);
        let federation = self.federation.map(|section| section.check(file));
        let federation = sound(federation, &mut problems);
        let entra_tokens = self.entra_tokens.map(|section| section.check(file));
        let entra_tokens = sound(entra_tokens, &mut problems);
        let (Ok(base_url), true) = (base_url, problems.is_empty()) else {
            return Err(problems);
        };
        let headers = checker.headers(&settings);
        let token_url = checker
            .token_url(&credential, &base_url, &settings)
            .map_err(|problem| vec![problem])?;
        let adapter = adapter.for_tenant(&settings).map_err(|why| {
            let problem = Problem::error("tenant::custom-attributes", file, why);
            vec![problem.help(
                "list the names as the vendor shows them; RFC 7643 §2.1 has the rule for names",
            )]
        })?;
        Ok(Tenant {
            id,
            service: adapter.service(self.profile),
            settings: Arc::new(settings),
            group_priority: Arc::new(self.groups.priority),
            federation: federation.map(Arc::new),
            entra_tokens: entra_tokens.map(Arc::new),
            upstream: Upstream {
                base_url,
                token_url,
                headers,
                credential,
                secrets,
                limits: self.limits.or(adapter.manifest.limits),
            },
            adapter,
        })
    }
}

/// What was found sound; problems go to `problems`.
fn sound<T>(checked: Option<Result<T, Vec<Problem>>>, problems: &mut Vec<Problem>) -> Option<T> {
    let checked = checked?.map_err(|found| problems.extend(found));
    checked.ok()
}

/// Where the line is that has all of `span`, if it has anything and can be left out: without its header, a
/// section's keys would be another's.
fn line_of(text: &str, span: &Range<usize>) -> Option<Range<usize>> {
    let start = text.get(..span.start)?.rfind('\n').map_or(0, |end| end + 1);
    let rest = text.get(start..)?;
    let line = start..start + rest.find('\n').unwrap_or(rest.len());
    let content = text[line.clone()].trim();
    let can_go = span.end <= line.end && !content.is_empty() && !content.starts_with('[');
    can_go.then_some(line)
}

/// Whether what is checked against the adapter is the same in both texts.
fn is_checked_alike(one: &str, other: &str) -> bool {
    const CHECKED: [&str; 5] = [
        "adapter",
        "base_url",
        "settings",
        "credential",
        "credential_kind",
    ];
    let tables = (one.parse::<toml::Table>(), other.parse::<toml::Table>());
    let (Ok(one), Ok(other)) = tables else {
        return false;
    };
    CHECKED.iter().all(|key| one.get(*key) == other.get(*key))
}

fn problem(file: &str, text: &str, error: &toml::de::Error) -> Problem {
    let problem = match error.span() {
        Some(span) if is_secret(text, &span) => in_credential(file),
        _ => invalid(file, text, error),
    };
    match error.span() {
        Some(span) => problem.at(span.start, span.len()),
        None => problem,
    }
}

fn invalid(file: &str, text: &str, error: &toml::de::Error) -> Problem {
    let message = plain(text, error);
    let help = match (meant_by(error.message()), message.as_str()) {
        (Some(meant), _) => format!("did you mean `{meant}`?"),
        (None, "adapter is missing") => {
            "add adapter = \"…\", the vendor's name: `scimgate adapter list` shows all".to_owned()
        }
        (None, "base_url is missing") => format!(
            "add base_url = \"https://…\", the address of the vendor's user API: \
             `scimgate adapter show{}` lists every setting",
            adapter_of(text)
        ),
        (None, _) => "a tenant has adapter, base_url, settings, credential, limits, groups, \
                      federation and profile: `scimgate adapter show` with the adapter's name lists every setting"
            .to_owned(),
    };
    Problem::error("tenant::invalid", file, message).help(help)
}

/// The adapter that a file names, as an argument; empty where it names none.
fn adapter_of(text: &str) -> String {
    let file: toml::Table = text.parse().unwrap_or_default();
    let name = file.get("adapter").and_then(toml::Value::as_str);
    name.map(|name| format!(" {name}")).unwrap_or_default()
}

struct Checker<'a> {
    id: &'a TenantId,
    file: &'a str,
    secrets: Secrets<'a>,
    adapter: &'a Adapter,
}

impl Checker<'_> {
    fn error(&self, code: &'static str, message: String) -> Problem {
        Problem::error(code, self.file, message)
    }

    fn base_url(&self, written: &Spanned<String>) -> Result<Url, Problem> {
        let refused = |message: &str, help: &str| {
            let problem = self.error("tenant::base-url", message.into());
            problem
                .at(written.span().start, written.span().len())
                .help(help)
        };
        let url = Url::parse(written.get_ref()).ok();
        let url = url.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        let Some(url) = url else {
            let message = "base_url must be an http or https URL";
            return Err(refused(message, "write it as https://host/path"));
        };
        if url.query().is_some() || url.fragment().is_some() {
            let message = "base_url must have nothing after its path";
            return Err(refused(message, "remove everything after ? or #"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            let problem = self.error(
                "tenant::base-url",
                "base_url must have no user name or password".into(),
            );
            return Err(
                problem.help("remove everything before the @: secrets belong under credential")
            );
        }
        Ok(url)
    }

    fn settings(
        &self,
        given: &BTreeMap<Spanned<String>, Spanned<toml::Value>>,
        problems: &mut Vec<Problem>,
    ) -> Settings {
        let known = &self.adapter.manifest.settings;
        let mut values = BTreeMap::new();
        for (name, value) in given {
            match known.get(name.get_ref()) {
                None => problems.push(self.unknown_setting(name)),
                Some(setting) => problems.extend(self.unfit(name, value, setting)),
            }
            values.insert(name.get_ref().clone(), json_of(value.get_ref()));
        }
        for (name, setting) in known {
            match (&setting.default, values.contains_key(name)) {
                (_, true) => {}
                (Some(default), false) => {
                    values.insert(name.clone(), json_of(default));
                }
                (None, false) => {
                    let message = format!("the setting `{name}` is missing");
                    let problem = self.error("tenant::missing-setting", message);
                    let help = format!("add settings = {{ {name} = … }}: {}", setting.description);
                    problems.push(problem.help(help));
                }
            }
        }
        Settings::new(values)
    }

    fn unknown_setting(&self, name: &Spanned<String>) -> Problem {
        let title = &self.adapter.manifest.title;
        let problem = self
            .error(
                "tenant::unknown-setting",
                format!("{title} has no setting `{}`", name.get_ref()),
            )
            .at(name.span().start, name.span().len());
        let known = self.adapter.manifest.settings.keys().map(String::as_str);
        match nearest(name.get_ref(), known) {
            Some(meant) => problem.help(format!("did you mean `{meant}`?")),
            None => problem.help("remove it; `scimgate adapter show` lists a vendor's settings"),
        }
    }

    fn unfit(
        &self,
        name: &Spanned<String>,
        value: &Spanned<toml::Value>,
        setting: &Setting,
    ) -> Option<Problem> {
        let allowed = setting.one_of.as_ref()?;
        let fits = value
            .get_ref()
            .as_str()
            .is_some_and(|text| allowed.iter().any(|one| one == text));
        let words: Vec<&str> = allowed.iter().map(String::as_str).collect();
        (!fits).then(|| {
            self.error(
                "tenant::unfit-setting",
                format!("{} must be {}", name.get_ref(), one_of(&words)),
            )
            .at(value.span().start, value.span().len())
            .help("write one of these words, in quotes")
        })
    }

    /// The way to authenticate that the tenant chose.
    fn credential(&self, chosen: Option<&Spanned<String>>) -> Result<CredentialKind, Problem> {
        let manifest = &self.adapter.manifest;
        let Some(chosen) = chosen else {
            return Ok(manifest.credential.clone());
        };
        let known = manifest.credentials.get(chosen.get_ref());
        known.cloned().ok_or_else(|| {
            let message = format!(
                "{} has no credential `{}`",
                manifest.title,
                chosen.get_ref()
            );
            let problem = self.error("tenant::unknown-secret", message);
            let problem = problem.at(chosen.span().start, chosen.span().len());
            let names = manifest.credentials.keys().map(String::as_str);
            match manifest.credentials.is_empty() {
                true => problem.help("remove it: this vendor has one kind of credential"),
                false => problem.meant(chosen.get_ref(), names),
            }
        })
    }

    fn secrets(
        &self,
        given: &BTreeMap<Spanned<String>, SecretSource>,
        credential: &CredentialKind,
        problems: &mut Vec<Problem>,
    ) -> BTreeMap<String, SecretString> {
        let wanted = self.adapter.manifest.secrets(credential);
        let mut secrets = BTreeMap::new();
        for (name, source) in given {
            if !wanted.contains(&name.get_ref().as_str()) {
                let message = format!("the credential has no part `{}`", name.get_ref());
                let problem = self
                    .error("tenant::unknown-secret", message)
                    .at(name.span().start, name.span().len());
                problems.push(problem.help(format!("it has: {}", wanted.join(", "))));
            }
            match self.secrets.read(source, self.id, name.get_ref()) {
                Ok(secret) => drop(secrets.insert(name.get_ref().clone(), secret)),
                Err(why) => problems.push(
                    self.error(
                        "tenant::unreadable-secret",
                        format!("the secret `{}` {why}", name.get_ref()),
                    )
                    .at(name.span().start, name.span().len())
                    .help("write the secret that the vendor gave you there, or name another place"),
                ),
            }
        }
        for name in wanted
            .iter()
            .filter(|name| !given.keys().any(|key| key.get_ref() == **name))
        {
            let problem = self.error(
                "tenant::missing-secret",
                format!("the credential's `{name}` is missing"),
            );
            problems.push(problem.help(format!(
                "add credential = {{ {name} = {{ file = \"…\" }} }}"
            )));
        }
        secrets
    }

    fn headers(&self, settings: &Settings) -> Vec<(String, String)> {
        let filled = self
            .adapter
            .manifest
            .headers
            .iter()
            .map(|(name, template)| (name.clone(), settings.fill(template)));
        filled.collect()
    }

    /// The token endpoint of a vendor that has one.
    fn token_url(
        &self,
        credential: &CredentialKind,
        base_url: &Url,
        settings: &Settings,
    ) -> Result<Option<Url>, Problem> {
        let CredentialKind::OAuth2 { token_url, .. } = credential else {
            return Ok(None);
        };
        let address = match token_url.starts_with('/') {
            true => format!("{}{token_url}", base_url.as_str().trim_end_matches('/')),
            false => settings.fill(token_url),
        };
        let url = Url::parse(&address).ok();
        // No address is a vendor's by default: it is the tenant's in both cases.
        let is_tenants = token_url.starts_with(['/', '{']);
        let url = url
            .filter(|url| is_tenants && matches!(url.scheme(), "http" | "https") && url.has_host());
        url.map(Some).ok_or_else(|| {
            let message = "the address of the token endpoint must be an http or https URL".into();
            let help = format!(
                "write the whole address into the setting: the manifest has token_url = \"{token_url}\""
            );
            self.error("tenant::token-url", message).help(help)
        })
    }
}

/// Whether the parser's words about this place may quote a secret.
fn is_secret(text: &str, span: &Range<usize>) -> bool {
    let meets = |secret: &Range<usize>| secret.start < span.end && span.start < secret.end;
    DeTable::parse(text).is_ok() && secrets(text).iter().any(meets)
}

fn in_credential(file: &str) -> Problem {
    Problem::error("tenant::invalid", file, "a secret cannot be written in this way").help(
        "write it as { file = \"…\" } or { env = \"…\" }; { value = \"…\" } is for a demonstration only",
    )
}

fn json_of(value: &toml::Value) -> serde_json::Value {
    serde_json::to_value(value).unwrap_or_default()
}
