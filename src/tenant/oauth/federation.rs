//! Workload identity federation: a client that shows an assertion of its identity provider
//! instead of a secret (RFC 7523 §2.2), as a tenant's file allows it.
//!
//! ```toml
//! [federation]
//! entra_tenant = "11111111-2222-3333-4444-555555555555"
//! subject = "66666666-7777-8888-9999-000000000000"
//! audiences = ["api://aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"]
//! ```
//!
//! Who signs, for whom and about whom is compared before the signature is: a stranger who does
//! not know all of it has nothing fetched, and learns nothing by how long the answer takes.

use std::ops::Range;

use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation, dangerous, decode, decode_header};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use toml::Spanned;
use url::{Host, Url};
use uuid::Uuid;

use super::access::Generation;
use crate::problem::Problem;
use crate::tenant::token::{AuthFault, KeyId};

/// What clocks may differ by, in seconds.
const SKEW: u64 = 300;
/// The longest an assertion may be good for, in seconds.
const LONGEST: u64 = 24 * 60 * 60;
/// Audiences of one tenant.
const AUDIENCES: usize = 16;

/// Whose assertions show that a client is the tenant's.
#[derive(Debug, PartialEq, Eq)]
pub struct Federation {
    pub(super) issuer: String,
    pub(super) entra_tenant: String,
    pub(super) party: Party,
    pub(super) audiences: Vec<String>,
    /// Where the issuer publishes its keys (RFC 7517 §5).
    pub keys_url: Url,
    pub(super) texts: Texts,
}

/// Who must stand in an assertion.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Party {
    /// As `sub`.
    Subject(String),
    /// As `appid`: the application that asked for it.
    Application(String),
}

/// What is told of an assertion that is not the tenant's.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Texts {
    pub(super) issuer: &'static str,
    pub(super) tenant: &'static str,
    pub(super) audience: &'static str,
    pub(super) party: &'static str,
}

const TEXTS: Texts = Texts {
    issuer: "is of another issuer than federation.issuer",
    tenant: "is of another Entra tenant than federation.entra_tenant",
    audience: "is for an audience that is not in federation.audiences",
    party: "is about another subject than federation.subject",
};

/// `[federation]` as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::tenant) struct FederationFile {
    entra_tenant: Spanned<String>,
    subject: Spanned<String>,
    audiences: Spanned<Vec<String>>,
    issuer: Option<Spanned<String>>,
    keys_url: Option<Spanned<String>>,
}

/// An assertion that names the tenant's issuer, subject and audience, and a key. Its signature is
/// still to be checked.
pub struct Candidate<'a> {
    text: &'a str,
    /// Which of the issuer's keys is to have signed it.
    pub kid: String,
}

/// What is read of an assertion; what stands twice is refused.
#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: String,
    tid: String,
    appid: Option<String>,
    exp: u64,
    #[serde(default)]
    nbf: u64,
    #[serde(default)]
    iat: u64,
}

impl FederationFile {
    /// Checks the section.
    ///
    /// # Errors
    /// Every problem found.
    pub(in crate::tenant) fn check(self, file: &str) -> Result<Federation, Vec<Problem>> {
        let mut problems = Vec::new();
        let entra_tenant = tenant_id(file, &self.entra_tenant);
        let entra_tenant = entra_tenant.unwrap_or_else(|problem| {
            problems.push(problem);
            String::new()
        });
        let mut refuse = |place: Range<usize>, message: &str, help: &str| {
            problems.push(refusal(file, place, message, help));
        };
        if self.subject.get_ref().is_empty() {
            let message = "subject must name whoever the assertions are about";
            let help = "write the object id that stands as `sub` in them";
            refuse(self.subject.span(), message, help);
        }
        let audiences = self.audiences.get_ref();
        let is_usable = (1..=AUDIENCES).contains(&audiences.len())
            && audiences.iter().all(|audience| !audience.is_empty());
        if !is_usable {
            let message = "audiences must be a list of 1 to 16 texts";
            let help = "write what stands as `aud` in the assertions, such as [\"api://…\"]";
            refuse(self.audiences.span(), message, help);
        }
        let place = format!("https://login.microsoftonline.com/{entra_tenant}");
        let (written, span) = match self.keys_url {
            Some(url) => (url.get_ref().clone(), url.span()),
            None => (format!("{place}/discovery/v2.0/keys"), 0..0),
        };
        let keys_url = Url::parse(&written).ok().filter(is_safe);
        if keys_url.is_none() {
            let message = "keys_url must be an https URL";
            let help =
                "write it as https://host/path, as the identity provider publishes it (jwks_uri)";
            refuse(span, message, help);
        }
        let issuer = self.issuer.map(Spanned::into_inner);
        match (keys_url, problems.is_empty()) {
            (Some(keys_url), true) => Ok(Federation {
                issuer: issuer.unwrap_or_else(|| format!("{place}/v2.0")),
                entra_tenant,
                party: Party::Subject(self.subject.into_inner()),
                audiences: self.audiences.into_inner(),
                keys_url,
                texts: TEXTS,
            }),
            _ => Err(problems),
        }
    }
}

/// An Entra tenant's id, as it stands in assertions.
pub(super) fn tenant_id(file: &str, written: &Spanned<String>) -> Result<String, Problem> {
    let id = Uuid::try_parse(written.get_ref()).map(|id| id.to_string());
    id.map_err(|_| {
        let message = "entra_tenant must be the id of an Entra tenant";
        let help =
            "copy the Tenant ID from the overview of Entra; it has 32 digits and four dashes";
        refusal(file, written.span(), message, help)
    })
}

pub(super) fn refusal(file: &str, place: Range<usize>, message: &str, help: &str) -> Problem {
    let problem = Problem::error("tenant::federation", file, message.to_owned());
    problem.at(place.start, place.len()).help(help.to_owned())
}

/// Keys come over https, or from this machine itself.
pub(super) fn is_safe(url: &Url) -> bool {
    let is_local = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        _ => false,
    };
    let is_plain = url.username().is_empty() && url.password().is_none();
    is_plain && url.has_host() && (url.scheme() == "https" || url.scheme() == "http" && is_local)
}

impl Federation {
    /// Names whoever may show itself: the access tokens it obtained end when that is another.
    pub fn generation(&self) -> Generation {
        let (Party::Subject(party) | Party::Application(party)) = &self.party;
        let who = [&self.issuer, &self.entra_tenant, party];
        let who = who.map(String::as_str).join("\n");
        Generation::Federation(KeyId::of_number(&Sha256::digest(who.as_bytes())))
    }

    /// Reads an assertion up to its signature.
    ///
    /// # Errors
    /// [`AuthFault::Assertion`]: what is wrong with it, for our log.
    pub fn read<'a>(&self, assertion: &'a str) -> Result<Candidate<'a>, AuthFault> {
        let header = decode_header(assertion).map_err(|_| refused("is none"))?;
        let kid = usable(header)?;
        let claims = dangerous::insecure_decode_claims(assertion);
        self.accept(&claims.map_err(|_| refused(UNREADABLE))?)?;
        Ok(Candidate {
            text: assertion,
            kid,
        })
    }

    /// Checks the signature with `key`, and everything else once more.
    ///
    /// # Errors
    /// [`AuthFault::Assertion`].
    pub fn verify(&self, candidate: &Candidate<'_>, key: &DecodingKey) -> Result<(), AuthFault> {
        let mut validation = Validation::new(Algorithm::RS256);
        validation.leeway = SKEW;
        validation.validate_nbf = true;
        validation.set_required_spec_claims(&["exp", "iss", "sub", "aud"]);
        validation.set_issuer(&[&self.issuer]);
        validation.set_audience(&self.audiences);
        if let Party::Subject(subject) = &self.party {
            validation.sub = Some(subject.clone());
        }
        let read = decode::<Claims>(candidate.text, key, &validation);
        let read = read.map_err(|_| refused("has another signature than its key makes"))?;
        self.accept(&read.claims)
    }

    fn accept(&self, claims: &Claims) -> Result<(), AuthFault> {
        let now = jsonwebtoken::get_current_timestamp();
        let is_party = match &self.party {
            Party::Subject(subject) => claims.sub == *subject,
            Party::Application(id) => claims.appid.as_ref() == Some(id),
        };
        let fault = if claims.iss != self.issuer {
            self.texts.issuer
        } else if claims.tid != self.entra_tenant {
            self.texts.tenant
        } else if !self.audiences.contains(&claims.aud) {
            self.texts.audience
        } else if !is_party {
            self.texts.party
        } else if claims.exp.saturating_add(SKEW) < now {
            "has expired"
        } else if claims.exp > now + LONGEST + SKEW {
            "is good for more than a day"
        } else if claims.nbf.max(claims.iat) > now + SKEW {
            "is not good yet"
        } else {
            return Ok(());
        };
        Err(refused(fault))
    }
}

const UNREADABLE: &str =
    "does not have iss, sub, aud, tid and exp, each once, as texts and a number";

/// The key of an assertion that asks for nothing but a known key: it brings none along and names
/// no place for one (RFC 8725 §3.10).
fn usable(header: Header) -> Result<String, AuthFault> {
    let brings_key = header.jwk.is_some() || header.x5c.is_some();
    let names_place = header.jku.is_some() || header.x5u.is_some();
    let is_other = header.crit.is_some() || header.enc.is_some() || header.zip.is_some();
    if header.alg != Algorithm::RS256 {
        return Err(refused("is not signed with RS256"));
    }
    if brings_key || names_place || is_other {
        return Err(refused("brings or names a key, or needs an extension"));
    }
    header.kid.ok_or_else(|| refused("names no key"))
}

fn refused(why: &'static str) -> AuthFault {
    AuthFault::Assertion(why)
}
