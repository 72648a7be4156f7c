//! What is wrong with the gateway and its tenants, in sentences for `scimgate status`.

use jiff::{SignedDuration, Timestamp};

use super::status::{Condition, ConditionKind, TenantStatus, TokenStatus};
use crate::adapter::keys::TenantId;
use crate::catalog::Standing;
use crate::catalog::standing::{Finding, Part, State};
use crate::provisioning::trace::sentence;
use crate::store::health::{Health, RiskLevel};
use crate::tenant::token::TokenKind;

/// A last token that expires within this time should be replaced now.
const EXPIRES_SOON: SignedDuration = SignedDuration::from_hours(30 * 24);

/// What is the matter while the store takes no writes.
pub(super) const STORE_CONCERN: &str = "the store cannot be written, so every change is refused: make room on \
                             its disk or make it writable; after that, changes are accepted again at once";

/// All that is the matter.
pub(super) fn concerns(standing: &Standing, tenants: &[TenantStatus]) -> Vec<String> {
    let vendors = standing.vendors.iter();
    let parts = vendors.map(|(name, part)| (format!("vendor {name}"), part));
    let certificate = standing.certificate.iter();
    let parts = parts.chain(certificate.map(|part| ("certificate".to_owned(), part)));
    let parts = parts.filter_map(|(what, part)| Some(format!("{what}: {}", concern(part)?)));
    let served = standing.tenants.iter();
    let parts = parts.chain(served.filter_map(|(id, tenant)| {
        let concern = concern(&tenant.part)?;
        let why = refusal(&tenant.part).map(|problem| {
            let remedy = problem.help.as_deref().map(sentence);
            let remedy = remedy.map_or_else(String::new, |remedy| format!(" {remedy}"));
            format!(". {}.{remedy}", in_one_line(problem))
        });
        Some(format!("tenant {id}: {concern}{}", why.unwrap_or_default()))
    }));
    let beyond = standing
        .problems
        .iter()
        .filter(|problem| problem.is_error());
    let beyond = beyond.map(|problem| format!("{}: {}", problem.file, problem.message));
    let paused = tenants.iter().filter(|tenant| tenant.paused);
    let paused = paused.map(|tenant| {
        format!(
            "tenant {}: its vendor does not answer; the gateway tries one call a second",
            tenant.id
        )
    });
    let conditions = tenants.iter().flat_map(|tenant| {
        let held = tenant.conditions.iter();
        // That is said once, of the vendor and of the files.
        let elsewhere = [
            ConditionKind::TranscriptsFailing,
            ConditionKind::FilesRefused,
        ];
        let held = held.filter(move |condition| !elsewhere.contains(&condition.kind));
        held.map(|condition| worded(&tenant.id, condition))
    });
    let unproven = standing.vendors.iter();
    let unproven = unproven.filter_map(|(name, part)| unproven_vendor(name, part));
    (parts.chain(beyond).chain(paused))
        .chain(conditions)
        .chain(unproven)
        .collect()
}

/// A condition in sentences.
fn worded(tenant: &TenantId, condition: &Condition) -> String {
    let Condition {
        sentence,
        cause,
        remedy,
        ..
    } = condition;
    match cause.as_str() {
        "" => format!("tenant {tenant}: {sentence}. {remedy}"),
        cause => format!("tenant {tenant}: {sentence}. The last one: {cause}. {remedy}"),
    }
}

/// What runs although its transcripts do not hold.
fn unproven_vendor(name: &str, part: &Part) -> Option<String> {
    let first = failing_transcript(part)?;
    let remedy = correct_transcripts(name);
    Some(format!(
        "vendor {name}: it is in use although its transcripts fail; the first one is {first}. {remedy}"
    ))
}

fn correct_transcripts(vendor: &str) -> String {
    format!("Run `scimgate test {vendor}`, and correct scripts/{vendor}.rhai or the transcript.")
}

/// The first transcript that fails of what runs: its place, and how.
fn failing_transcript(part: &Part) -> Option<String> {
    let mut problems = part.problems.iter().filter(|_| part.state == State::Live);
    let first = problems.find(|problem| problem.code.starts_with("transcript::"))?;
    Some(in_one_line(first))
}

/// What its files tell of a tenant: that they are refused, that its vendor's transcripts fail.
pub(super) fn of_files(standing: &Standing, tenant: &TenantId) -> Vec<Condition> {
    let found = refused_files(standing, tenant).into_iter();
    found.chain(unproven(standing, tenant)).collect()
}

fn refused_files(standing: &Standing, tenant: &TenantId) -> Option<Condition> {
    let part = &standing.tenants.get(tenant.as_str())?.part;
    let refused = refusal(part)?;
    let since = part.since.parse().unwrap_or_default();
    Some(Condition {
        kind: ConditionKind::FilesRefused,
        since,
        last: since,
        count: 1,
        sentence: ConditionKind::FilesRefused.what().to_owned(),
        cause: in_one_line(refused),
        remedy: refused.help.as_deref().map(sentence).unwrap_or_default(),
    })
}

/// Why what is on disk is not what runs, if it is refused.
fn refusal(part: &Part) -> Option<&Finding> {
    let refused = matches!(part.state, State::Kept | State::Unusable) && part.disk.is_some();
    let mut problems = part.problems.iter().filter(|_| refused);
    problems.find(|problem| problem.is_error())
}

/// A problem in one line, with its place.
fn in_one_line(problem: &Finding) -> String {
    let line = problem.line.map(|line| format!(":{line}"));
    format!(
        "{}{}: {}",
        problem.file,
        line.unwrap_or_default(),
        problem.message
    )
}

fn unproven(standing: &Standing, tenant: &TenantId) -> Option<Condition> {
    let vendor = standing.tenants.get(tenant.as_str())?.adapter.as_ref()?;
    let part = standing.vendors.get(vendor)?;
    let cause = failing_transcript(part)?;
    let since = part.since.parse().unwrap_or_default();
    Some(Condition {
        kind: ConditionKind::TranscriptsFailing,
        since,
        last: since,
        count: 1,
        sentence: "its adapter is in use although the adapter's transcripts fail".to_owned(),
        cause,
        remedy: correct_transcripts(vendor),
    })
}

/// The last token, or the last client secret, that works expires soon or has expired.
pub(super) fn expiring(
    tenant: &TenantId,
    tokens: &[TokenStatus],
    now: Timestamp,
) -> Option<Condition> {
    let kinds = [
        (TokenKind::Tenant, "token", ""),
        (TokenKind::ClientSecret, "client secret", " --oauth"),
    ];
    let mut kinds = kinds.into_iter();
    kinds.find_map(|(kind, word, option)| {
        let of_kind = tokens.iter().filter(|token| token.kind == kind.as_str());
        let living = of_kind.filter(|token| token.revoked.is_none());
        let ends: Option<Vec<Timestamp>> = living.map(|token| token.expires).collect();
        let end = ends?.into_iter().max()?;
        last_ends(tenant, (word, option), end, now)
    })
}

fn last_ends(
    tenant: &TenantId,
    (word, option): (&str, &str),
    end: Timestamp,
    now: Timestamp,
) -> Option<Condition> {
    let sentence = match end.duration_since(now) {
        left if left > EXPIRES_SOON => return None,
        left if left.is_positive() => format!("its last {word} expires at {end:.0}"),
        _ => format!("its last {word} expired at {end:.0}, and Entra is answered 401"),
    };
    Some(Condition {
        kind: ConditionKind::TokenExpiring,
        since: end - EXPIRES_SOON,
        last: now,
        count: 1,
        sentence,
        cause: String::new(),
        remedy: format!(
            "Run `scimgate token mint --tenant {tenant}{option}` and paste the new one into Entra, Provisioning, Admin Credentials."
        ),
    })
}

/// Entra's own rule for stopping a job is met.
pub(super) fn near_quarantine(health: &Health, now: Timestamp) -> Option<Condition> {
    let is_near = health.risk.level == RiskLevel::High;
    is_near.then(|| Condition {
        kind: ConditionKind::QuarantineNear,
        since: now,
        last: now,
        count: health.day.failures.max(health.refused),
        sentence: format!("Entra is about to stop its job: {}", health.risk.reason),
        cause: String::new(),
        remedy: "See what fails with `scimgate log --status failure`.".to_owned(),
    })
}

/// What is the matter with a vendor, a tenant or the certificate, if anything.
fn concern(part: &Part) -> Option<&'static str> {
    match (part.state, &part.disk) {
        (State::Live | State::Off, _) => None,
        (State::Kept, Some(_)) => {
            Some("the version on disk is refused, and the last good one is still in use")
        }
        (State::Kept, None) => Some("its file is gone, and the last good version is still in use"),
        (State::Unusable, _) => Some("cannot be served: there has been no good version"),
        (State::Leaving, _) => {
            Some("its file is gone: it is answered 503 for a while, then its tokens stop working")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_runs_in_another_version_than_on_disk_is_a_concern() {
        let part = |state, disk: Option<&str>| Part {
            state,
            running: Some("a".to_owned()),
            disk: disk.map(str::to_owned),
            since: String::new(),
            problems: Vec::new(),
            transcripts: None,
            built_in: false,
        };
        let mut standing = Standing {
            certificate: Some(part(State::Live, Some("a"))),
            ..Standing::default()
        };
        assert!(concerns(&standing, &[]).is_empty());
        standing.certificate = Some(part(State::Kept, Some("b")));
        let vendor = ("eu".to_owned(), part(State::Kept, None));
        standing.vendors.extend([vendor]);
        assert_eq!(
            concerns(&standing, &[]),
            [
                "vendor eu: its file is gone, and the last good version is still in use",
                "certificate: the version on disk is refused, and the last good one is still in use",
            ]
        );
    }
}
