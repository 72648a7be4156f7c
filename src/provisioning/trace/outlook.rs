//! What Entra makes of a failure, and what to do about it.

use super::{Event, Fault, Status};

/// What an operator wants to know of an event besides what happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outlook {
    /// Why it ended so.
    pub why: String,
    /// What Entra does next by itself.
    pub next: &'static str,
    /// What somebody should do; none if nothing.
    pub remedy: Option<String>,
}

const NEXT_CYCLE: &str = "Entra tries this object again in its next cycle, in about 40 minutes, and then at growing intervals.";
const AFTER_A_PAUSE: &str = "Entra sends the request again after a pause.";
const NOTHING: &str = "Nothing: for Entra this is done.";

impl Event {
    /// Why the request ended so, what Entra does next, and what to do.
    pub fn outlook(&self) -> Outlook {
        let detail = || self.detail.clone().unwrap_or_default();
        match (self.status, self.fault) {
            (Status::Failure, Some(Fault::Client)) => self.refusal(detail()),
            (Status::Failure, Some(fault)) => of_fault(fault, detail(), self),
            (Status::Failure, None) => of_fault(Fault::Gateway, detail(), self),
            (Status::Warning, _) => self.caution(),
            (Status::Skipped, _) => plain(
                self.detail
                    .as_deref()
                    .unwrap_or("The vendor already has these values, so nothing was sent to it."),
            ),
            (Status::Success, _) => plain("It was carried out."),
        }
    }

    /// Of a request that cannot be carried out as it stands.
    fn refusal(&self, why: String) -> Outlook {
        let (next, remedy) = match self.code.as_deref().unwrap_or_default() {
            "EntryConflict" => (
                "In its next cycle Entra looks the object up by its matching attribute. If it finds it, it uses it; otherwise it tries to create it again, and fails again.",
                "Let Entra match by the attribute named above, or remove the other object at the vendor.",
            ),
            "InvalidAnchor" => (
                "Entra forgets the id it had, looks the object up again in its next cycle and creates it if there is none.",
                "Nothing, if the object was removed at the vendor on purpose. Otherwise find out who removed it there.",
            ),
            "TooManyRequests" => (
                AFTER_A_PAUSE,
                "If it lasts, raise [limits] in the gateway's configuration.",
            ),
            "MethodNotAllowed" | "NotImplemented" => (
                NEXT_CYCLE,
                "Check that the Tenant URL ends in /scim/v2 and that the mapping in Entra has only objects this vendor has.",
            ),
            _ => (
                NEXT_CYCLE,
                "Correct the value in the directory, or the attribute mapping in Entra.",
            ),
        };
        Outlook {
            why,
            next,
            remedy: Some(self.remedy_or(remedy.to_owned())),
        }
    }

    /// Of a request that was carried out, but not as it should be.
    fn caution(&self) -> Outlook {
        if self.unheard && self.http_status.is_some() {
            return Outlook {
                why: "It was carried out, but it took so long that Entra had already got a 503."
                    .to_owned(),
                next: "Entra sends it again in its next cycle and finds it done.",
                remedy: Some(
                    "See in the steps what took the time; if it was the vendor, ask the vendor."
                        .to_owned(),
                ),
            };
        }
        if self.http_status.is_none() {
            let why = match self.unheard {
                true => {
                    "Entra, or a proxy in between, closed the connection before there was an answer. The change was carried out."
                }
                false => {
                    "Entra, or a proxy in between, closed the connection before there was an answer."
                }
            };
            return Outlook {
                why: why.to_owned(),
                next: NEXT_CYCLE,
                remedy: Some(
                    "If it happens often, check the proxies between Entra and the gateway."
                        .to_owned(),
                ),
            };
        }
        match self.not_taken() {
            Some(names) => Outlook {
                why: format!("It was carried out, but the vendor stored another value of {names} than the gateway sent."),
                next: "Entra compares, sees a difference and sends the value again in every full cycle.",
                remedy: Some("Correct the rows of these attributes in the adapter's script, so that they send what the vendor stores. Then run `scimgate check` and `scimgate test`.".to_owned()),
            },
            None => Outlook {
                why: "It was carried out. Attributes that no schema has were skipped.".to_owned(),
                next: NOTHING,
                remedy: Some("Remove them from the attribute mapping in Entra, or give them rows in the adapter's script.".to_owned()),
            },
        }
    }

    /// What the adapter says must be done, or else `remedy`.
    fn remedy_or(&self, remedy: String) -> String {
        self.remedy.as_deref().map_or(remedy, sentence)
    }

    fn not_taken(&self) -> Option<String> {
        self.steps.iter().find_map(|moment| match &moment.step {
            super::Step::NotTaken { attributes } => {
                let names: Vec<_> = attributes.iter().map(|one| one.name.as_str()).collect();
                Some(names.join(", "))
            }
            _ => None,
        })
    }
}

fn of_fault(fault: Fault, why: String, event: &Event) -> Outlook {
    Outlook {
        why,
        next: match event.http_status {
            Some(429) => AFTER_A_PAUSE,
            _ => NEXT_CYCLE,
        },
        remedy: Some(event.remedy_or(fault.remedy(event.tenant.as_str(), &event.vendor))),
    }
}

/// With a capital letter and a full stop.
pub(crate) fn sentence(words: &str) -> String {
    let words = words.trim_end_matches('.');
    let mut letters = words.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string());
    format!("{}{}.", first.unwrap_or_default(), letters.as_str())
}

fn plain(why: &str) -> Outlook {
    Outlook {
        why: why.to_owned(),
        next: NOTHING,
        remedy: None,
    }
}
